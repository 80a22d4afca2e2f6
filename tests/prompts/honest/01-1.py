RESPONSE_TIME = 0.35
FREE_PULL = 0.35
PUSH = 0.45
EDGE = 0.30


def neighbour_push(robot):
    offsets = robot.neighbours
    if len(offsets) == 0:
        return np.zeros(2)
    distances = np.maximum(np.sqrt(np.sum(offsets ** 2, axis=1)), 1e-6)
    near = distances < robot.avoid_distance
    strength = np.where(near, robot.avoid_distance / distances - 1.0, 0.0)
    strength = np.minimum(strength, 3.0)
    directions = offsets / distances[:, np.newaxis]
    return -np.sum(directions * strength[:, np.newaxis], axis=0)


def free_pull(robot):
    # weighted mean of the free cells, in avoid distances
    mask = robot.cell_states == FREE
    if not np.any(mask):
        return np.zeros(2)
    free = robot.cells[mask]
    distances = np.sqrt(np.sum(free ** 2, axis=1))
    weights = np.exp(-(distances / robot.avoid_distance) ** 2)
    mean = np.sum(free * weights[:, np.newaxis], axis=0) / (np.sum(weights) + 1e-9)
    return mean / robot.avoid_distance


def prior(robot):
    if robot.inside:
        wish = FREE_PULL * free_pull(robot) + EDGE * robot.coverage_gradient()
        wish = wish + PUSH * neighbour_push(robot)
    else:
        speed = min(robot.max_speed, 0.15 + np.sqrt(robot.distance_to_shape()))
        wish = speed * robot.direction_to_shape() + 0.3 * neighbour_push(robot)
    wish = limit(wish, robot.max_speed)
    action = (wish - robot.velocity) / (RESPONSE_TIME * robot.max_acceleration)
    return np.clip(action, -1.0, 1.0)


def reward(robot):
    if not robot.inside:
        return 0.1 * (1.0 - smooth_step(robot.distance_to_shape(), 0.0, 2.5))
    evenness = 1.0
    if len(robot.neighbours) > 0:
        distances = np.sqrt(np.sum(robot.neighbours ** 2, axis=1))
        shortfall = np.clip(1.0 - distances / robot.avoid_distance, 0.0, 1.0)
        evenness = 1.0 / (1.0 + 2.0 * np.sum(shortfall ** 2))
    covered = 0.0
    if len(robot.cell_states) > 0:
        covered = np.mean(np.where(robot.cell_states != FREE, 1.0, 0.0))
    value = 0.15 + 0.5 * robot.own_share() + 0.2 * covered + 0.15 * evenness
    return min(1.0, max(0.0, value))
