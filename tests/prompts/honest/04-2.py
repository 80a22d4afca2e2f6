def prior(robot):
    d = robot.avoid_distance
    vx = robot.velocity[0]
    vy = robot.velocity[1]

    # keep more room on the way in than inside
    keep = 1.35 * d
    if robot.inside:
        keep = d

    push_x = 0.0
    push_y = 0.0
    for i in range(len(robot.neighbours)):
        x = robot.neighbours[i, 0]
        y = robot.neighbours[i, 1]
        r = math.hypot(x, y)
        if r > 1e-6 and r < keep:
            s = min(3.0, keep / r - 1.0)
            # speed at which this neighbour comes closer
            ux = robot.neighbour_velocities[i, 0]
            uy = robot.neighbour_velocities[i, 1]
            closing = -(x * ux + y * uy) / r
            if closing > 0.0:
                s += 0.4 * closing
            push_x -= s * x / r
            push_y -= s * y / r

    goal_x = 0.0
    goal_y = 0.0
    if robot.inside:
        sum_w = 0.0
        sum_x = 0.0
        sum_y = 0.0
        for j in range(len(robot.cells)):
            if robot.cell_states[j] == FREE:
                cx = robot.cells[j, 0]
                cy = robot.cells[j, 1]
                r = math.hypot(cx, cy)
                w = max(0.0, 1.0 - r / robot.sensing_radius)
                sum_w += w
                sum_x += w * cx
                sum_y += w * cy
        if sum_w > 1e-9:
            goal_x = 0.9 * sum_x / sum_w
            goal_y = 0.9 * sum_y / sum_w
    else:
        tx = robot.target[0]
        ty = robot.target[1]
        r = math.hypot(tx, ty)
        if r > 1e-6:
            speed = min(robot.max_speed, 0.15 + math.sqrt(1.1 * robot.max_acceleration * r))
            goal_x = speed * tx / r
            goal_y = speed * ty / r

    ax = 2.5 * (goal_x + 0.3 * push_x - vx) / robot.max_acceleration
    ay = 2.5 * (goal_y + 0.3 * push_y - vy) / robot.max_acceleration
    return np.clip(np.array([ax, ay]), -1.0, 1.0)


def reward(robot):
    d = robot.avoid_distance
    room = smooth_step(robot.nearest_neighbour_distance(), 0.4 * d, 0.92 * d)
    if not robot.inside:
        closeness = math.exp(-robot.distance_to_shape())
        return 0.15 * closeness * (0.4 + 0.6 * room)
    value = 0.15 + 0.2 * room + 0.65 * robot.own_share() * (0.5 + 0.5 * room)
    return max(0.0, min(1.0, value))
