# Follow the flock into the shape; once inside, stop following and spread.

def cosine_weights(points, reach):
    d = np.hypot(points[:, 0], points[:, 1])
    return 0.5 * (1.0 + np.cos(np.pi * np.minimum(d / reach, 1.0)))


def flock_velocity(robot):
    # Cosine-weighted mean velocity of the neighbours, relative to my own.
    if len(robot.neighbours) == 0:
        return np.zeros(2)
    w = cosine_weights(robot.neighbours, robot.sensing_radius)
    return weighted_mean(robot.neighbour_velocities, w)


def push_away(robot):
    # Cosine-weighted push that fades out at a little over the avoid distance.
    push = np.zeros(2)
    if len(robot.neighbours) > 0:
        w = cosine_weights(robot.neighbours, 1.1 * robot.avoid_distance)
        for i in range(len(robot.neighbours)):
            push = push - w[i] * unit(robot.neighbours[i])
    return push


def prior(robot):
    a = robot.avoid_distance
    follow = flock_velocity(robot)
    push = push_away(robot)

    # 0 at the rim, 1 when far away: blends from travelling to settling.
    far = smooth_step(robot.distance_to_shape(), 0.0, 1.5 * a)

    cruise = (0.25 + 0.5 * far) * robot.max_speed
    enter = cruise * robot.direction_to_shape()

    spread = 0.5 * robot.max_speed * push
    spread = spread + 1.0 * robot.free_centre()
    spread = spread + 0.3 * robot.coverage_gradient()

    if robot.inside:
        wish = spread
    else:
        wish = enter + 0.35 * follow + (1.0 - 0.5 * far) * spread
    wish = limit(wish, robot.max_speed)

    action = 3.0 * (wish - robot.velocity) / robot.max_acceleration
    return np.clip(action, -1.0, 1.0)


def reward(robot):
    a = robot.avoid_distance
    near = 1.0 - smooth_step(robot.distance_to_shape(), 0.0, 6.0 * a)
    if not robot.inside:
        return 0.08 * near

    spacing = smooth_step(robot.nearest_neighbour_distance() / a, 0.35, 0.9)
    speed = np.linalg.norm(robot.velocity) / robot.max_speed
    calm = 1.0 - smooth_step(speed, 0.1, 0.9)
    share = robot.own_share()

    # Every factor keeps a floor so that the others still give a slope.
    product = share * (0.4 + 0.6 * spacing) * (0.7 + 0.3 * calm)
    value = 0.08 + 0.92 * product
    return min(1.0, max(0.0, value))
