PUSH = 0.35
DRIFT = 0.8
DAMPING = 2.5


def overlap(p, d):
    r = max(math.hypot(p[0], p[1]), 1e-4)
    return min(3.0, max(0.0, d / r - 1.0)) / r


def prior(robot):
    d = robot.avoid_distance
    push_x = -sum(p[0] * overlap(p, d) for p in robot.neighbours)
    push_y = -sum(p[1] * overlap(p, d) for p in robot.neighbours)

    free = robot.free_cells()
    weights = [1.0 / (c[0] ** 2 + c[1] ** 2 + 1e-4) for c in free]
    drift_x = 0.0
    drift_y = 0.0
    if len(weights) > 0:
        total = sum(weights)
        drift_x = sum(w * c[0] for c, w in zip(free, weights)) / total
        drift_y = sum(w * c[1] for c, w in zip(free, weights)) / total

    # outside: go in, slower near the edge
    gap = robot.distance_to_shape()
    pace = min(robot.max_speed, 0.15 + 0.9 * math.sqrt(gap * robot.max_acceleration))
    inward = pace * robot.direction_to_shape()

    wanted = np.array([inward[0] + DRIFT * drift_x + PUSH * push_x,
                       inward[1] + DRIFT * drift_y + PUSH * push_y])
    wanted = limit(wanted, robot.max_speed)
    action = DAMPING * (wanted - robot.velocity) / robot.max_acceleration
    return np.clip(action, -1.0, 1.0)


def reward(robot):
    d = robot.avoid_distance
    # how much the neighbours come below (nearly) the avoid distance
    short = [max(0.0, 1.0 - math.hypot(p[0], p[1]) / (0.92 * d)) for p in robot.neighbours]
    held = 1.0
    if len(short) > 0:
        held = 1.0 / (1.0 + 3.0 * sum(s for s in short))
    if not robot.inside:
        return 0.12 * held / (1.0 + robot.distance_to_shape())
    share = robot.own_share()
    return min(1.0, 0.15 + 0.15 * held + 0.5 * share + 0.2 * share * held)
