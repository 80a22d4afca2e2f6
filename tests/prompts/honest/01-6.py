FOLLOW = 0.4
SPREAD = 0.45


def flock_velocity(robot):
    # mean relative velocity, near neighbours count more
    total = np.zeros(2)
    weight_sum = 0.0
    for offset, velocity in zip(robot.neighbours, robot.neighbour_velocities):
        d = np.linalg.norm(offset)
        weight = max(0.0, 1.0 - d / robot.sensing_radius)
        # only follow those that do not move away from the shape
        forward = np.dot(velocity + robot.velocity, robot.target)
        if forward > 0.0:
            total = total + weight * velocity
            weight_sum += weight
    if weight_sum > 1e-6:
        total = total / weight_sum
    return total


def spread_push(robot):
    push = np.zeros(2)
    for i, offset in enumerate(robot.neighbours):
        d = max(np.linalg.norm(offset), 1e-6)
        if d < robot.avoid_distance:
            away = -offset / d
            # positive when the two come nearer to each other
            closing = max(0.0, np.dot(robot.neighbour_velocities[i], away))
            strength = min(robot.avoid_distance / d - 1.0, 2.0)
            push = push + (strength + 0.4 * closing) * away
    return push


def prior(robot):
    push = spread_push(robot)
    if robot.inside:
        wish = 0.6 * robot.free_centre() + 0.3 * robot.coverage_gradient() + SPREAD * push
    else:
        speed = min(robot.max_speed, 0.15 + math.sqrt(robot.distance_to_shape()))
        own_way = speed * robot.direction_to_shape()
        with_others = robot.velocity + flock_velocity(robot)
        # the nearer the shape, the less we need the others
        follow = FOLLOW * smooth_step(robot.distance_to_shape(), 0.1, 0.8)
        if len(robot.neighbours) == 0:
            follow = 0.0
        wish = (1.0 - follow) * own_way + follow * with_others + 0.25 * push
    wish = limit(wish, robot.max_speed)
    action = (wish - robot.velocity) / (0.35 * robot.max_acceleration)
    return np.clip(action, -1.0, 1.0)


def reward(robot):
    if not robot.inside:
        value = 0.08 * (1.0 - smooth_step(robot.distance_to_shape(), 0.0, 2.5))
        towards = np.dot(robot.velocity, robot.direction_to_shape()) / robot.max_speed
        return min(0.12, max(0.0, value + 0.04 * max(0.0, towards)))
    crowding = 0.0
    for i, offset in enumerate(robot.neighbours):
        lack = max(0.0, 1.0 - np.linalg.norm(offset) / robot.avoid_distance)
        crowding += lack * lack
    calm = 1.0 - smooth_step(np.linalg.norm(robot.velocity), 0.1, 0.6)
    quality = 0.8 * robot.own_share() + 0.2 * robot.covered_share()
    quality = quality * (0.7 + 0.2 * math.exp(-3.0 * crowding) + 0.1 * calm)
    return min(1.0, max(0.0, 0.15 + 0.85 * quality))
