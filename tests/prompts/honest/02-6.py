RESPONSE = 4.5


def own_cells(robot):
    # share of the disc filled with cells that no neighbour covers as well
    radius = 0.5 * robot.avoid_distance
    x = robot.cells[:, 0]
    y = robot.cells[:, 1]
    alone = np.where(np.hypot(x, y) <= radius, 1.0, 0.0)
    for other in robot.neighbours:
        gap = np.hypot(x - other[0], y - other[1])
        alone = np.where(gap <= radius, 0.0, alone)
    capacity = math.pi * radius * radius / (robot.cell_size * robot.cell_size)
    return min(1.0, np.sum(alone * robot.cell_weight) / capacity)


def closest_gap(robot):
    gap = robot.sensing_radius
    if len(robot.neighbours) > 0:
        gap = min(gap, math.hypot(robot.neighbours[0, 0], robot.neighbours[0, 1]))
    return gap


def prior(robot):
    push = np.zeros(2)
    for other in robot.neighbours:
        d = max(0.01, math.hypot(other[0], other[1]))
        if d < robot.avoid_distance:
            push = push - (robot.avoid_distance / d - 1.0) * other / d
    size = math.hypot(push[0], push[1])
    if size > 1.0:
        push = push / size

    wish = np.zeros(2)
    distance = math.hypot(robot.target[0], robot.target[1])
    if robot.inside:
        wish = 0.45 * push
        total = 0.0
        pull = np.zeros(2)
        for i in range(len(robot.cells)):
            if robot.cell_states[i] == FREE:
                cell = robot.cells[i]
                near = 1.0 - math.hypot(cell[0], cell[1]) / robot.sensing_radius
                weight = max(0.0, near) * robot.cell_weight[i]
                pull = pull + weight * cell
                total += weight
        if total > 0.0:
            wish = wish + 0.3 * pull / (total * robot.sensing_radius)
    elif distance > 1e-6:
        # as fast as braking in time allows
        speed = 0.2 + math.sqrt(1.4 * robot.max_acceleration * distance)
        speed = min(robot.max_speed, speed)
        wish = speed * robot.target / distance + 0.2 * push
    action = RESPONSE * (wish - robot.velocity) / robot.max_acceleration
    return np.clip(action, -1.0, 1.0)


def reward(robot):
    distance = math.hypot(robot.target[0], robot.target[1])
    if not robot.inside:
        return 0.1 * max(0.0, 1.0 - distance / 2.5)
    share = own_cells(robot)
    spacing = min(1.0, closest_gap(robot) / (0.9 * robot.avoid_distance))
    speed = math.hypot(robot.velocity[0], robot.velocity[1])
    rest = max(0.0, 1.0 - speed / (0.5 * robot.max_speed))
    # rest pays only where the robot covers cells of its own
    value = 0.1 + 0.6 * share + 0.15 * spacing * spacing + 0.15 * share * rest
    return min(1.0, max(0.0, value))
