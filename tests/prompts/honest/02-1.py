NEAREST_CELLS = 12
NEAREST_ROBOTS = 5
RESPONSE = 4.0


def lengths(points):
    return np.hypot(points[:, 0], points[:, 1])


def pull_to_free(robot):
    # mean of the nearest free cells
    pull = np.zeros(2)
    picks = np.flatnonzero(robot.cell_states == FREE)
    if len(picks) > 0:
        free = robot.cells[picks]
        order = np.argsort(lengths(free))[:NEAREST_CELLS]
        pull = free[order].sum(axis=0) / len(order)
    return pull


def push_from_robots(robot):
    push = np.zeros(2)
    if len(robot.neighbours) > 0:
        gaps = lengths(robot.neighbours)
        order = np.argsort(gaps)[:NEAREST_ROBOTS]
        near = robot.neighbours[order]
        d = np.maximum(gaps[order], 0.01)
        strength = np.maximum(robot.avoid_distance / d - 1.0, 0.0) / d
        push = -(near * strength[:, np.newaxis]).sum(axis=0)
    return limit(push, 1.5)


def prior(robot):
    push = push_from_robots(robot)
    if robot.inside:
        pull = pull_to_free(robot) / robot.sensing_radius
        wish = 0.25 * pull + 0.2 * robot.coverage_gradient() + 0.4 * push
    else:
        goal = robot.target.copy()
        picks = np.flatnonzero(robot.cell_states == FREE)
        if len(picks) > 0:
            free = robot.cells[picks]
            goal = free[np.argmin(lengths(free))].copy()
        wish = limit(2.0 * goal + 0.1 * unit(goal), robot.max_speed) + 0.25 * push
    wish = limit(wish, robot.max_speed)
    action = RESPONSE * (wish - robot.velocity) / robot.max_acceleration
    return np.clip(action, -1.0, 1.0)


def reward(robot):
    if not robot.inside:
        return 0.1 * (1.0 - smooth_step(robot.distance_to_shape(), 0.0, 2.0))
    spacing = 1.0
    if len(robot.neighbours) > 0:
        gaps = lengths(robot.neighbours)
        closest = gaps[np.argmin(gaps)]
        spacing = smooth_step(closest, 0.4 * robot.avoid_distance, 0.85 * robot.avoid_distance)
    value = 0.1 + 0.9 * robot.own_share() * (0.7 + 0.3 * spacing)
    return min(1.0, max(0.0, value))
