def prior(robot):
    # The velocity that we would like to have; it starts at rest.
    wish = np.zeros(2)

    # How far is the square? Zero means that we are already in it.
    distance = robot.distance_to_shape()

    # Neighbours that are too near push us away. The push is limited, because
    # it grows without bound when two robots nearly touch.
    push = limit(robot.repulsion(0.95 * robot.avoid_distance), 2.0)

    if not robot.inside:
        # Outside: go as fast as we can still brake. With acceleration a the
        # braking distance from speed v is v^2 / (2 a); we keep going a bit
        # at the border, as there should be room further in.
        speed = math.sqrt(2.0 * 0.8 * robot.max_acceleration * distance) + 0.2
        speed = min(speed, robot.max_speed)
        wish = speed * robot.direction_to_shape()

        # Avoid others on the way, but do not let them keep us out.
        wish = wish + 0.25 * push
    else:
        # Inside: move towards the free cells, more gently the nearer they are.
        wish = 0.8 * robot.free_centre()

        # Climb the coverage: towards cells that only we would cover.
        wish = wish + 0.25 * robot.coverage_gradient()

        # Keep the distance to the others.
        wish = wish + 0.4 * push

        # When hardly anything is left to be gained, stop altogether, so that
        # the team comes to rest and does not jitter.
        if np.linalg.norm(wish) < 0.04:
            wish = np.zeros(2)

    # Never ask for more than the largest speed.
    wish = limit(wish, robot.max_speed)

    # Reach the wished velocity within about 0.3 s. This also brakes us
    # when the wish is to stand still.
    action = (wish - robot.velocity) / (0.3 * robot.max_acceleration)
    return np.clip(action, -1.0, 1.0)


def reward(robot):
    # Outside there is only a little, rising towards the border, which shows
    # the way but never pays as much as being inside.
    if not robot.inside:
        return 0.1 * (1.0 - smooth_step(robot.distance_to_shape(), 0.0, 3.0))

    # Inside the main part is the area that this robot alone covers.
    coverage = 0.8 * robot.own_share() + 0.2 * robot.covered_share()

    # Rest is worth something, but only in proportion to the coverage;
    # otherwise it would pay to park anywhere in the square.
    speed = np.linalg.norm(robot.velocity)
    rest = 1.0 - smooth_step(speed, 0.03, 0.4)

    # A fixed part for being inside, the rest for doing it well.
    value = 0.15 + 0.85 * coverage * (0.8 + 0.2 * rest)

    # Rounding must not take us out of [0, 1].
    return min(1.0, max(0.0, value))
