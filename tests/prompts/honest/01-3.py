CRUISE = 0.7
TAU = 0.35
CROWD_RADIUS = 1.1


def has_free(robot):
    return len(robot.free_cells()) > 0


def crowd(robot):
    return robot.count_neighbours(0.8 * robot.avoid_distance)


def approach_speed(robot, distance):
    return min(CRUISE, 0.1 + math.sqrt(robot.max_acceleration * distance))


def separation(robot):
    return limit(robot.repulsion(robot.avoid_distance), 1.5)


def enter(robot):
    speed = approach_speed(robot, robot.distance_to_shape())
    return speed * robot.direction_to_shape() + 0.25 * separation(robot)


def settle(robot):
    return 0.5 * robot.free_centre() + 0.3 * robot.coverage_gradient() + 0.4 * separation(robot)


# This part is crowded: go to the nearest free cell, even across the gap.
def cross_over(robot):
    gap = robot.nearest_free_cell()
    speed = approach_speed(robot, np.linalg.norm(gap))
    return speed * unit(gap) + 0.35 * separation(robot)


# Nothing free in sight: press outwards so that the others move on, too.
def make_room(robot):
    wide = robot.repulsion(CROWD_RADIUS * robot.avoid_distance)
    return 0.4 * limit(wide, 1.5) + 0.2 * robot.coverage_gradient()


def wanted_velocity(robot):
    if not robot.inside:
        return enter(robot)
    if not has_free(robot):
        return make_room(robot)
    if crowd(robot) >= 2 and robot.own_share() < 0.4:
        return cross_over(robot)
    return settle(robot)


def steer(robot, wish):
    change = limit(wish, robot.max_speed) - robot.velocity
    return change / (TAU * robot.max_acceleration)


def prior(robot):
    return np.clip(steer(robot, wanted_velocity(robot)), -1.0, 1.0)


def outside_reward(robot):
    return 0.12 * (1.0 - smooth_step(robot.distance_to_shape(), 0.0, 2.5))


def spacing(robot):
    return smooth_step(robot.nearest_neighbour_distance() / robot.avoid_distance, 0.4, 0.9)


def inside_reward(robot):
    return 0.15 + 0.55 * robot.own_share() + 0.15 * robot.covered_share() + 0.15 * spacing(robot)


def reward(robot):
    if robot.inside:
        return min(1.0, max(0.0, inside_reward(robot)))
    return outside_reward(robot)
