def steer(robot, wish):
    # turn a wished velocity into an acceleration
    wish = limit(wish, robot.max_speed)
    return np.clip(3.0 * (wish - robot.velocity) / robot.max_acceleration, -1.0, 1.0)


def prior(robot):
    a = robot.avoid_distance
    nearest = robot.nearest_neighbour_distance()
    away = limit(robot.repulsion(a), 1.5)

    # far outside: just drive, dodge only what is really close
    if robot.distance_to_shape() > 1.5 * a:
        dodge = limit(robot.repulsion(0.7 * a), 1.0)
        return steer(robot, 0.8 * robot.max_speed * robot.direction_to_shape() + 0.3 * dodge)

    # close to the rim
    if not robot.inside:
        if len(robot.free_cells()) > 0:
            # a gap is in sight, go for it
            goal = robot.nearest_free_cell()
            return steer(robot, 0.4 * unit(goal) + 0.2 * away)
        # no gap: press in gently so that those inside make room
        return steer(robot, 0.25 * robot.direction_to_shape() + 0.1 * away)

    # inside and much too close to somebody: separate first
    if nearest < 0.6 * a:
        wish = 0.5 * away
        if len(robot.free_cells()) > 0:
            wish = wish + 0.5 * robot.free_centre()
        return steer(robot, wish)

    # inside with room around
    if len(robot.free_cells()) > 0:
        wish = 0.8 * robot.free_centre() + 0.3 * robot.coverage_gradient()
        if nearest < a:
            wish = wish + 0.3 * away
        return steer(robot, wish)

    # nothing free in sight: settle where the spacing is even
    return steer(robot, 0.25 * away + 0.15 * robot.coverage_gradient())


def reward(robot):
    a = robot.avoid_distance

    # outside: a little for being near
    if not robot.inside:
        return 0.1 * (1.0 - smooth_step(robot.distance_to_shape(), 0.0, 2.5))

    share = robot.own_share()
    nearest = robot.nearest_neighbour_distance()

    # inside but crowding somebody
    if nearest < 0.9 * a:
        spacing = smooth_step(nearest, 0.3 * a, 0.9 * a)
        if robot.count_neighbours(0.6 * a) > 1:
            spacing = 0.5 * spacing
        return 0.1 + 0.8 * share * (0.4 + 0.6 * spacing)

    # inside with the right distance: standing still earns the rest
    speed = np.linalg.norm(robot.velocity)
    calm = 1.0 - smooth_step(speed, 0.05, 0.6 * robot.max_speed)
    return min(1.0, 0.1 + share * (0.8 + 0.1 * calm))
