def prior(robot):
    # push away from everybody nearer than the avoid distance
    n = robot.neighbours
    d = np.maximum(np.hypot(n[:, 0], n[:, 1]), 1e-3)
    strength = np.maximum(robot.avoid_distance / d - 1.0, 0.0) / d
    push = -np.sum(n * strength[:, np.newaxis], axis=0)
    push = push / np.maximum(1.0, np.hypot(push[0], push[1]))

    # drift to the free cells, near ones count more
    c = robot.cells
    far = np.hypot(c[:, 0], c[:, 1]) / robot.sensing_radius
    w = np.where(robot.cell_states == FREE, np.maximum(1.0 - far, 0.0), 0.0)
    w = w * robot.cell_weight
    drift = np.sum(c * w[:, np.newaxis], axis=0) / np.maximum(np.sum(w), 1e-6)
    drift = drift / robot.sensing_radius

    # way to the shape, slower when close to it
    inside = float(robot.inside)
    dist = np.maximum(np.hypot(robot.target[0], robot.target[1]), 1e-6)
    speed = np.minimum(robot.max_speed, 0.15 + 1.5 * dist)
    approach = robot.target / dist * speed

    wish = inside * (0.35 * drift + 0.45 * push)
    wish = wish + (1.0 - inside) * (approach + 0.25 * push)
    action = 4.0 * (wish - robot.velocity) / robot.max_acceleration
    return np.clip(action, -1.0, 1.0)


def reward(robot):
    inside = float(robot.inside)
    dist = np.hypot(robot.target[0], robot.target[1])
    near = np.maximum(1.0 - dist / 2.5, 0.0)
    # a full team in the shape stands a little closer than the avoid distance
    gap = robot.nearest_neighbour_distance() / (0.9 * robot.avoid_distance)
    spacing = np.minimum(gap, 1.0)
    share = robot.own_share()
    good = 0.1 + 0.2 * spacing * spacing + 0.7 * share * spacing
    value = inside * good + (1.0 - inside) * 0.08 * near
    return float(np.minimum(np.maximum(value, 0.0), 1.0))
