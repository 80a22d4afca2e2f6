# A robot is a damped particle: free cells attract it, neighbours repel it
# like springs, and it never drives faster than it can stop.
SPRING = 1.6          # stiffness between neighbours
ATTRACTION = 1.8      # depth of the potential of free cells
COVERAGE = 0.8        # force along the coverage gradient
DAMPING = 2.2         # friction inside the shape [1/s]
TRACKING = 3.0        # how firmly the approach speed is held [1/s]
MARGIN = 0.7          # share of the largest deceleration that is planned with


def stopping_speed(robot, distance):
    # v^2 = 2 a s, with a margin
    braking = MARGIN * robot.max_acceleration
    return min(robot.max_speed, math.sqrt(2.0 * braking * max(distance, 0.0)))


def spring_force(robot):
    # harmonic potential 1/2 k (a - d)^2 for every neighbour nearer than a
    a = robot.avoid_distance
    force = np.zeros(2)
    for offset in robot.neighbours:
        d = math.hypot(offset[0], offset[1])
        if d < a:
            force = force - SPRING * (1.0 - d / a) * unit(offset)
    return force


def braking_force(robot):
    # brake against neighbours that cannot be avoided within their gap
    a = robot.avoid_distance
    force = np.zeros(2)
    for offset, relative in zip(robot.neighbours, robot.neighbour_velocities):
        d = math.hypot(offset[0], offset[1])
        if d > 1e-6:
            closing = -(offset[0] * relative[0] + offset[1] * relative[1]) / d
            if closing > 0.0:
                stop = closing * closing / (2.0 * robot.max_acceleration)
                short = stop - (d - 0.5 * a)
                if short > 0.0:
                    force = force - min(1.0, short / (0.25 * a)) * unit(offset)
    return force


def prior(robot):
    a = robot.avoid_distance
    force = spring_force(robot) + 0.5 * braking_force(robot)
    if robot.inside:
        force = force + ATTRACTION * robot.free_centre() / a
        force = force + COVERAGE * robot.coverage_gradient()
        force = force - DAMPING * robot.velocity
    else:
        # aim half an avoid distance past the rim, so as not to stop on it
        speed = stopping_speed(robot, robot.distance_to_shape() + 0.3 * a)
        wish = speed * robot.direction_to_shape()
        force = force + TRACKING * (wish - robot.velocity)
        force = force + 0.5 * ATTRACTION * robot.free_centre() / a
    return np.clip(force / robot.max_acceleration, -1.0, 1.0)


def reward(robot):
    a = robot.avoid_distance
    if not robot.inside:
        return 0.1 / (1.0 + robot.distance_to_shape() / a)
    # potential energy of the springs and kinetic energy, both without units
    potential = 0.0
    for offset in robot.neighbours:
        squeeze = max(0.0, 0.95 - math.hypot(offset[0], offset[1]) / a)
        potential += squeeze * squeeze
    v = robot.velocity / robot.max_speed
    kinetic = v[0] * v[0] + v[1] * v[1]
    relaxed = math.exp(-4.0 * potential) * (1.0 - 0.4 * min(1.0, kinetic))
    share = robot.own_share()
    return min(1.0, 0.1 + 0.9 * share * (0.5 + 0.5 * relaxed))
