FOLLOW = 0.4
REACTION_TIME = 0.35


def speed(robot):
    return math.hypot(robot.velocity[0], robot.velocity[1])


def flock_velocity(robot):
    return robot.velocity + robot.alignment()


def heading(robot):
    # mostly to the shape, partly where the others go
    return unit(robot.direction_to_shape() + FOLLOW * limit(flock_velocity(robot)))


def cruise_speed(robot):
    braking = math.sqrt(1.2 * robot.max_acceleration * robot.distance_to_shape())
    return min(robot.max_speed, 0.15 + braking)


def keep_clear(robot, factor):
    return limit(robot.repulsion(factor * robot.avoid_distance), 2.0)


def approach(robot):
    return cruise_speed(robot) * heading(robot) + 0.25 * keep_clear(robot, 0.9)


def spread(robot):
    to_gaps = 0.6 * robot.free_centre() + 0.25 * robot.coverage_gradient()
    return limit(to_gaps + 0.35 * keep_clear(robot, 1.0), 0.5)


def wanted_velocity(robot):
    if robot.inside:
        return spread(robot)
    return approach(robot)


def steer(robot, wanted):
    return (wanted - robot.velocity) / (REACTION_TIME * robot.max_acceleration)


def prior(robot):
    return np.clip(steer(robot, wanted_velocity(robot)), -1.0, 1.0)


def closeness(robot):
    return 1.0 - smooth_step(robot.distance_to_shape(), 0.0, 3.0)


def spacing(robot):
    d = robot.avoid_distance
    return smooth_step(robot.nearest_neighbour_distance(), 0.4 * d, 0.9 * d)


def calmness(robot):
    return 1.0 - smooth_step(speed(robot), 0.1, 0.6)


def reward_inside(robot):
    share = robot.own_share()
    return 0.2 + 0.55 * share + 0.15 * share * spacing(robot) + 0.1 * share * calmness(robot)


def reward(robot):
    if robot.inside:
        return min(1.0, reward_inside(robot))
    return 0.15 * closeness(robot)
