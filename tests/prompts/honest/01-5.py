def norm(v):
    return math.hypot(v[0], v[1])


def push_from(robot, distance):
    # (unit vector away, strength) summed, x and y apart
    gaps = [max(norm(n), 1e-6) for n in robot.neighbours]
    pushes = [min(max(distance / g - 1.0, 0.0), 2.0) / g for g in gaps]
    x = sum(-n[0] * p for n, p in zip(robot.neighbours, pushes))
    y = sum(-n[1] * p for n, p in zip(robot.neighbours, pushes))
    return np.array([x, y])


def pull_to_free(robot):
    free = robot.free_cells()
    if len(free) == 0:
        return np.zeros(2)
    weights = [math.exp(-norm(c) / (0.6 * robot.avoid_distance)) for c in free]
    total = sum(w for w in weights) + 1e-9
    x = sum(w * c[0] for w, c in zip(weights, free)) / total
    y = sum(w * c[1] for w, c in zip(weights, free)) / total
    return np.array([x, y])


def prior(robot):
    if robot.inside:
        # go deep into the points of the star, where few others go
        wish = 0.7 * pull_to_free(robot) + 0.25 * robot.coverage_gradient()
        wish = wish + 0.4 * push_from(robot, robot.avoid_distance)
    else:
        # keep a wider distance while entering
        d = robot.distance_to_shape()
        speed = min(0.75 * robot.max_speed, 0.15 + math.sqrt(d))
        ahead = sum(1.0 for n in robot.neighbours
                    if norm(n) < robot.avoid_distance
                    and n[0] * robot.target[0] + n[1] * robot.target[1] > 0.0)
        speed = speed / (1.0 + 0.2 * ahead)
        wish = speed * robot.direction_to_shape()
        wish = wish + 0.3 * push_from(robot, 1.2 * robot.avoid_distance)
    wish = limit(wish, robot.max_speed)
    action = (wish - robot.velocity) / (0.35 * robot.max_acceleration)
    return np.clip(action, -1.0, 1.0)


def reward(robot):
    crowding = sum(max(0.0, 1.0 - norm(n) / robot.avoid_distance) ** 2
                   for n in robot.neighbours)
    apart = 1.0 / (1.0 + 3.0 * crowding)
    if not robot.inside:
        near = 1.0 - smooth_step(robot.distance_to_shape(), 0.0, 2.5)
        return 0.12 * near * (0.5 + 0.5 * apart)
    value = 0.15 + 0.5 * robot.own_share() + 0.15 * robot.covered_share() + 0.2 * apart
    return min(1.0, max(0.0, value))
