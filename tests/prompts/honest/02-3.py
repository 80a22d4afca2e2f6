RESPONSE = 4.0        # how fast the velocity follows the wish [1/s]
INSIDE_SPEED = 0.4    # largest wished speed inside the letter [m/s]
ENTRY_SPEED = 0.15    # speed at which the edge of the letter is crossed [m/s]
BRAKING = 0.6         # share of the acceleration used for braking
SPACING = 0.95        # wished distance to neighbours, in avoid distances
PUSH = 0.9            # weight of the neighbours inside the letter
FREE_PULL = 0.7       # weight of the centre of the free cells
RIM_PULL = 0.5        # weight of the coverage gradient
OUTER_PUSH = 0.2      # weight of the neighbours on the way [m/s]

NEAR_REWARD = 0.1     # most that a robot outside can get
RANGE = 2.5           # distance at which that has fallen to zero [m]
SHARE_PART = 0.6      # reward for cells covered alone
GAP_PART = 0.15       # reward for distance to the nearest neighbour
EVEN_PART = 0.15      # reward for free cells that lie evenly around
TOO_CLOSE = 0.5       # gap without reward, in avoid distances
WIDE_ENOUGH = 0.9     # gap with full reward, in avoid distances


def prior(robot):
    away = limit(robot.repulsion(SPACING * robot.avoid_distance))
    if robot.inside:
        wish = PUSH * away
        wish = wish + FREE_PULL * robot.free_centre() / robot.sensing_radius
        wish = wish + RIM_PULL * robot.coverage_gradient()
        wish = INSIDE_SPEED * limit(wish)
    else:
        # brake so that the letter is entered slowly
        room = robot.distance_to_shape()
        speed = ENTRY_SPEED + math.sqrt(2.0 * BRAKING * robot.max_acceleration * room)
        speed = min(speed, robot.max_speed)
        wish = speed * robot.direction_to_shape() + OUTER_PUSH * away
    action = RESPONSE * (wish - robot.velocity) / robot.max_acceleration
    return np.clip(action, -1.0, 1.0)


def reward(robot):
    if not robot.inside:
        return NEAR_REWARD * max(0.0, 1.0 - robot.distance_to_shape() / RANGE)
    share = robot.own_share()
    gap = smooth_step(robot.nearest_neighbour_distance(),
                      TOO_CLOSE * robot.avoid_distance,
                      WIDE_ENOUGH * robot.avoid_distance)
    centre = robot.free_centre()
    lopsided = math.hypot(centre[0], centre[1]) / robot.sensing_radius
    even = max(0.0, 1.0 - lopsided)
    # evenness counts only for a robot that covers something itself
    value = NEAR_REWARD + SHARE_PART * share + GAP_PART * gap + EVEN_PART * even * share
    return min(1.0, max(0.0, value))
