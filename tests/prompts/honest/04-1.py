REST_SPEED = 0.03
RESPONSE = 3.0


def lengths(vectors):
    return np.sqrt(np.sum(vectors * vectors, axis=1))


def push_from_neighbours(robot):
    distances = np.maximum(lengths(robot.neighbours), 1e-6)
    near = distances < robot.avoid_distance
    away = -robot.neighbours[near] / distances[near][:, np.newaxis]
    strength = robot.avoid_distance / distances[near] - 1.0
    return np.sum(away * strength[:, np.newaxis], axis=0)


def pull_to_free(robot):
    free = robot.cells[robot.cell_states == FREE]
    weights = np.exp(-(lengths(free) / robot.avoid_distance) ** 2)
    total = np.sum(weights)
    if total < 1e-9:
        return np.zeros(2)
    return np.sum(free * weights[:, np.newaxis], axis=0) / total


def prior(robot):
    push = limit(push_from_neighbours(robot), 2.0)
    if robot.inside:
        # small velocities inside, so that the team settles
        wanted = limit(0.9 * pull_to_free(robot) + 0.35 * push, 0.45)
        if np.sqrt(np.sum(wanted ** 2)) < REST_SPEED:
            wanted = np.zeros(2)
    else:
        # as fast as still allows braking at the edge
        gap = robot.distance_to_shape() + 0.5 * robot.avoid_distance
        speed = min(robot.max_speed, math.sqrt(1.2 * robot.max_acceleration * gap))
        wanted = robot.direction_to_shape() * speed + 0.25 * push
    action = RESPONSE * (wanted - robot.velocity) / robot.max_acceleration
    return np.clip(action, -1.0, 1.0)


def reward(robot):
    if not robot.inside:
        return 0.15 * (1.0 - smooth_step(robot.distance_to_shape(), 0.0, 2.5))
    distances = lengths(robot.neighbours)
    crowding = np.sum(np.maximum(0.0, 1.0 - distances / (0.9 * robot.avoid_distance)))
    spacing = math.exp(-2.0 * crowding)
    speed = math.hypot(robot.velocity[0], robot.velocity[1])
    calm = 1.0 - smooth_step(speed, 0.05, 0.4)
    share = robot.own_share()
    value = 0.2 + 0.5 * share + 0.15 * spacing * share + 0.15 * calm * share
    return min(1.0, max(0.0, value))
