# A part may get too many robots. Those that find it full from outside drive
# round it at some distance, until the other part is the nearer one.
FULL = 0.93


def prior(robot):
    away = limit(robot.repulsion(robot.avoid_distance), 1.5)
    if robot.inside:
        wish = 0.45 * away + 0.25 * robot.coverage_gradient()
        wish = wish + 0.25 * robot.free_centre() / robot.sensing_radius
    else:
        ahead = robot.direction_to_shape()
        distance = robot.distance_to_shape()
        full = robot.covered_share() > FULL and robot.count_neighbours(robot.sensing_radius) > 1
        if full:
            around = np.array([-ahead[1], ahead[0]])
            orbit = 0.7 * robot.sensing_radius
            wish = 0.45 * around + 2.0 * (distance - orbit) * ahead + 0.2 * away
        else:
            goal = robot.nearest_free_cell()
            heading = ahead
            if len(robot.free_cells()) > 0:
                heading = unit(goal)
            speed = min(robot.max_speed, 0.15 + 1.5 * distance)
            wish = speed * heading + 0.25 * away
        wish = wish + 0.05 * limit(robot.alignment())
    wish = limit(wish, robot.max_speed)
    action = 4.0 * (wish - robot.velocity) / robot.max_acceleration
    return np.clip(action, -1.0, 1.0)


def reward(robot):
    if not robot.inside:
        return 0.08 * (1.0 - smooth_step(robot.distance_to_shape(), 0.0, 2.0))
    # the share covered alone is low in a part with too many robots
    share = robot.own_share()
    spacing = smooth_step(robot.nearest_neighbour_distance(),
                          0.4 * robot.avoid_distance, 0.85 * robot.avoid_distance)
    value = 0.08 + 0.72 * share + 0.1 * spacing + 0.1 * share * robot.covered_share()
    return min(1.0, max(0.0, value))
