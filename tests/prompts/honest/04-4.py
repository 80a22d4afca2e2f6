def prior(robot):
    # The distance that everything is measured in.
    d = robot.avoid_distance

    # Start without any wish to move.
    wanted = np.zeros(2)

    # Neighbours that are too near push the robot away; the limit keeps
    # one very close neighbour from drowning everything else.
    push = limit(robot.repulsion(0.95 * d), 2.0)

    if robot.inside:
        # Move to where the disc gains cells that nobody else covers.
        wanted = wanted + 0.4 * robot.coverage_gradient()

        # The gradient only sees the rim of the disc, so look further
        # for cells that are free, and go there more slowly.
        wanted = wanted + 0.5 * robot.free_centre()

        # If the robot owns little, it is in a crowd: head for the
        # nearest free cell as well, the more the less it owns.
        lack = 1.0 - robot.own_share()
        wanted = wanted + 0.4 * lack * unit(robot.nearest_free_cell())

        # Make room for the others.
        wanted = wanted + 0.3 * push

        # Inside there is no need to hurry.
        wanted = limit(wanted, 0.5)
    else:
        # Drive to the shape at a speed that can still be braked away,
        # but never so slowly that the last bit takes forever.
        gap = robot.distance_to_shape()
        speed = 0.2 + math.sqrt(1.2 * robot.max_acceleration * gap)
        speed = min(speed, robot.max_speed)
        wanted = wanted + speed * robot.direction_to_shape()

        # Close to the shape, prefer the side where cells are free.
        wanted = wanted + 0.2 * unit(robot.free_centre())

        # Do not run into the others on the way.
        wanted = wanted + 0.25 * push

    # Turn the wanted velocity into an acceleration.
    action = 2.5 * (wanted - robot.velocity) / robot.max_acceleration

    # Stay within what the robot can do.
    return np.clip(action, -1.0, 1.0)


def reward(robot):
    # Outside there is only a little to get, more of it near the shape.
    if not robot.inside:
        return 0.1 * math.exp(-robot.distance_to_shape() / 1.5)

    # The cells that this robot alone covers are what the task asks for.
    share = robot.own_share()

    # Cells in sight that are still free should attract everybody.
    covered = robot.covered_share()

    # Being inside gives a base, exclusive cells give most of the rest,
    # and a well covered surrounding counts only with cells of one's own.
    value = 0.15 + 0.6 * share + 0.25 * share * covered

    # Keep the result in the allowed range.
    return min(1.0, max(0.0, value))
