TANGENT_GAIN = 0.5
RADIAL_GAIN = 0.15
MIDDLE_GAIN = 0.5
FREE_GAIN = 0.3


def ring_tangent(robot) -> np.array:
    """Estimate the direction of the ring at the robot.

    The principal axis of the sensed cells is the local tangent.

    Args:
        robot: The perception of one robot.

    Returns:
        Unit vector along the ring, shape (2,); (1, 0) when too few
        cells are in sight to tell.
    """
    tangent = np.array([1.0, 0.0])
    if len(robot.cells) > 2:
        centre = weighted_mean(robot.cells, robot.cell_weight)
        dx = robot.cells[:, 0] - centre[0]
        dy = robot.cells[:, 1] - centre[1]
        cxx = np.sum(dx * dx)
        cyy = np.sum(dy * dy)
        cxy = np.sum(dx * dy)
        angle = 0.5 * math.atan2(2.0 * cxy, cxx - cyy)
        tangent = np.array([math.cos(angle), math.sin(angle)])
    return tangent


def prior(robot) -> np.array:
    """Choose the acceleration: go to the ring, then spread along it.

    Args:
        robot: The perception of one robot.

    Returns:
        Acceleration, shape (2,), both entries in [-1, 1].
    """
    push = limit(robot.repulsion(1.05 * robot.avoid_distance), 1.5)
    if robot.inside:
        tangent = ring_tangent(robot)
        along = np.dot(push, tangent) * tangent
        across = push - along
        middle = weighted_mean(robot.cells, robot.cell_weight)
        middle = middle - np.dot(middle, tangent) * tangent
        wish = TANGENT_GAIN * along + RADIAL_GAIN * across
        wish = wish + MIDDLE_GAIN * middle
        wish = wish + FREE_GAIN * robot.free_centre() / robot.sensing_radius
    else:
        speed = min(robot.max_speed, 0.15 + 1.5 * robot.distance_to_shape())
        wish = speed * robot.direction_to_shape() + 0.3 * push
    wish = limit(wish, robot.max_speed)
    action = 4.0 * (wish - robot.velocity) / robot.max_acceleration
    return np.clip(action, -1.0, 1.0)


def reward(robot) -> float:
    """Grade the robot's place on the ring.

    Args:
        robot: The perception of one robot.

    Returns:
        Value in [0, 1]: small outside the ring, highest for a robot on
        the ring that covers a full disc alone and is not bunched.
    """
    if not robot.inside:
        return 0.1 * (1.0 - smooth_step(robot.distance_to_shape(), 0.0, 2.0))
    gap = robot.nearest_neighbour_distance()
    spread = smooth_step(gap, 0.4 * robot.avoid_distance, 0.9 * robot.avoid_distance)
    value = 0.1 + 0.9 * (0.25 * spread + 0.75 * robot.own_share() * (0.5 + 0.5 * spread))
    return min(1.0, max(0.0, value))
