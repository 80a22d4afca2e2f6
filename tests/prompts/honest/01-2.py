# Ring: enter the band, then slide along it until the gaps are even.

def prior(robot):
    reach = robot.avoid_distance
    wx = 0.0
    wy = 0.0
    push_share = 0.4
    if robot.inside:
        push_share = 0.6
        sx = 0.0
        sy = 0.0
        total = 0.0
        for i in range(len(robot.cells)):
            if robot.cell_states[i] == FREE:
                cx = robot.cells[i, 0]
                cy = robot.cells[i, 1]
                d = math.hypot(cx, cy) / reach
                w = math.exp(-d * d)
                sx += w * cx
                sy += w * cy
                total += w
        if total > 1e-9:
            wx = 0.6 * sx / total
            wy = 0.6 * sy / total
    else:
        distance = math.hypot(robot.target[0], robot.target[1])
        if distance > 1e-6:
            speed = min(robot.max_speed, 0.12 + math.sqrt(distance))
            wx = speed * robot.target[0] / distance
            wy = speed * robot.target[1] / distance

    # push away from whoever is too near, harder when closing in
    for i in range(len(robot.neighbours)):
        dx = robot.neighbours[i, 0]
        dy = robot.neighbours[i, 1]
        gap = math.hypot(dx, dy)
        if gap > 1e-6 and gap < reach:
            rvx = robot.neighbour_velocities[i, 0]
            rvy = robot.neighbour_velocities[i, 1]
            closing = max(0.0, -(dx * rvx + dy * rvy) / gap)
            strength = min(reach / gap - 1.0, 2.0) + 0.5 * closing
            wx -= push_share * strength * dx / gap
            wy -= push_share * strength * dy / gap

    speed_wanted = math.hypot(wx, wy)
    if speed_wanted > robot.max_speed:
        wx *= robot.max_speed / speed_wanted
        wy *= robot.max_speed / speed_wanted
    ax = (wx - robot.velocity[0]) / (0.3 * robot.max_acceleration)
    ay = (wy - robot.velocity[1]) / (0.3 * robot.max_acceleration)
    return np.clip(np.array([ax, ay]), -1.0, 1.0)


def reward(robot):
    if not robot.inside:
        distance = math.hypot(robot.target[0], robot.target[1])
        return 0.1 * math.exp(-distance)
    bunching = 0.0
    for i in range(len(robot.neighbours)):
        gap = math.hypot(robot.neighbours[i, 0], robot.neighbours[i, 1])
        if gap < robot.avoid_distance:
            lack = 1.0 - gap / robot.avoid_distance
            bunching += lack * lack
    apart = math.exp(-3.0 * bunching)
    value = 0.15 + 0.85 * (0.75 * robot.own_share() + 0.25 * robot.covered_share()) * (0.5 + 0.5 * apart)
    return max(0.0, min(1.0, value))
