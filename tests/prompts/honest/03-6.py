def prior(robot):
    wish = 0.25 * limit(robot.repulsion(1.1 * robot.avoid_distance), 2.0)
    if robot.inside:
        wish = wish + 0.4 * robot.coverage_gradient() + 0.7 * robot.free_centre()
    else:
        speed = min(robot.max_speed, 0.25 + robot.distance_to_shape())
        wish = wish + speed * robot.direction_to_shape()
    return np.clip(3.0 * (limit(wish, robot.max_speed) - robot.velocity), -1.0, 1.0)


def reward(robot):
    if not robot.inside:
        return 0.1 * math.exp(-robot.distance_to_shape())
    apart = smooth_step(robot.nearest_neighbour_distance() / robot.avoid_distance, 0.3, 0.9)
    return min(1.0, 0.1 + 0.9 * robot.own_share() * (0.4 + 0.6 * apart))
