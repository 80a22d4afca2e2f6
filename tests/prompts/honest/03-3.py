# Cover as many cells as possible that no other robot covers.
# The reward is the weakest of several graded conditions.

FLOOR = 0.1


def graded(value):
    # lift a grade above everything that can be earned outside the shape
    return FLOOR + (1.0 - FLOOR) * value


def velocity_wish(robot):
    a = robot.avoid_distance
    away = limit(robot.repulsion(a), 2.0)

    if not robot.inside:
        goal = robot.target.copy()
        if len(robot.free_cells()) > 0:
            goal = robot.nearest_free_cell()
        distance = np.linalg.norm(goal)
        speed = min(robot.max_speed, 0.15 + 1.2 * distance)
        return speed * unit(goal) + 0.25 * away

    wish = 0.5 * robot.coverage_gradient() + 0.2 * away
    # with little to gain close by, look further for free cells
    gain = 1.0 - robot.own_share()
    wish = wish + (0.3 + 1.2 * gain) * robot.free_centre()
    return wish


def prior(robot):
    wish = limit(velocity_wish(robot), robot.max_speed)
    action = 3.5 * (wish - robot.velocity) / robot.max_acceleration
    return np.clip(action, -1.0, 1.0)


def reward(robot):
    a = robot.avoid_distance

    # condition 1: be in the shape
    entered = 1.0
    if not robot.inside:
        entered = FLOOR * (1.0 - smooth_step(robot.distance_to_shape(), 0.0, 3.0))

    # condition 2: cover cells alone
    alone = graded(robot.own_share())

    # condition 3: keep the others at a distance
    spaced = graded(smooth_step(robot.nearest_neighbour_distance(), 0.2 * a, 0.85 * a))

    # condition 4: do not race around
    speed = np.linalg.norm(robot.velocity) / robot.max_speed
    calm = graded(1.0 - 0.7 * smooth_step(speed, 0.15, 1.0))

    return max(0.0, min(entered, alone, spaced, calm))
