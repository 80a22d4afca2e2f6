# Fill the star: robots stream in with gaps between them, then follow the
# exponentially weighted mean of the free cells into the arms.
PUSH = 2.2
FREE_PULL = 1.1
GRADIENT_PULL = 0.35
SPEED_GAIN = 3.0


def lengths(points):
    return np.hypot(points[:, 0], points[:, 1])


def push_apart(robot, scale):
    push = np.zeros(2)
    if len(robot.neighbours) > 0:
        d = lengths(robot.neighbours)
        w = np.exp(-(d / scale) ** 2) / np.maximum(d, 0.01)
        push[0] = -np.sum(w * robot.neighbours[:, 0])
        push[1] = -np.sum(w * robot.neighbours[:, 1])
    return push


def pull_to_free(robot):
    pull = np.zeros(2)
    free = robot.free_cells()
    if len(free) > 0:
        # near free cells count much more than far ones
        w = np.exp(-lengths(free) / (0.5 * robot.avoid_distance))
        if np.sum(w) > 1e-9:
            pull[0] = np.average(free[:, 0], weights=w)
            pull[1] = np.average(free[:, 1], weights=w)
    return pull


def prior(robot):
    a = robot.avoid_distance
    push = push_apart(robot, 0.6 * a)
    pull = pull_to_free(robot)
    if robot.inside:
        wish = 0.4 * PUSH * push * robot.max_speed * 0.5
        wish = wish + FREE_PULL * pull
        wish = wish + GRADIENT_PULL * robot.coverage_gradient()
    else:
        # fast when far, slow at the rim, and always apart from the others
        gap = robot.distance_to_shape()
        speed = 0.2 + (robot.max_speed - 0.2) * (1.0 - np.exp(-gap / (1.5 * a)))
        wish = speed * robot.direction_to_shape() + 0.5 * pull
        wish = wish + 0.5 * PUSH * push * robot.max_speed * 0.5
    wish = limit(wish, robot.max_speed)
    action = SPEED_GAIN * (wish - robot.velocity) / robot.max_acceleration
    return np.clip(action, -1.0, 1.0)


def reward(robot):
    a = robot.avoid_distance
    if not robot.inside:
        return 0.1 * np.exp(-robot.distance_to_shape() / (2.0 * a))
    crowd = 0.0
    if len(robot.neighbours) > 0:
        d = lengths(robot.neighbours)
        crowd = np.sum(np.maximum(0.0, 0.9 - d / a))
    apart = np.exp(-3.0 * crowd)
    calm = np.exp(-(np.linalg.norm(robot.velocity) / (0.4 * robot.max_speed)) ** 2)
    share = robot.own_share()
    terms = np.array([share, share * apart, share * apart * calm])
    weights = np.array([0.45, 0.35, 0.20])
    value = 0.1 + 0.9 * np.average(terms, weights=weights)
    return min(1.0, max(0.0, value))
