"""Programs of our own that use the API widely, for the warm parent.

It compiles them once, so that its children find numba's registries filled and the helpers loaded, and open no file.
"""

PROGRAM_TEXT = """
GAIN = 3.0


def weight(distance, radius):
    return 0.5 * (1.0 + np.cos(np.pi * distance / radius))


def prior(robot):
    action = 2.0 * robot.direction_to_shape() + robot.repulsion(robot.avoid_distance) + robot.alignment()
    free = robot.free_cells()
    if len(free) > 0:
        distances = np.linalg.norm(free, axis=1)
        weights = weight(distances, robot.sensing_radius)
        action += GAIN * np.sum(free * weights[:, None], axis=0) / (np.sum(weights) + 1e-9)
        action += weighted_mean(free, weights) + unit(np.average(free, axis=0, weights=weights))
        action += free[np.argmin(distances)]
    near = robot.neighbours[np.linalg.norm(robot.neighbours, axis=1) < robot.avoid_distance]
    for offset in near:
        action -= offset / max(float(np.linalg.norm(offset)), 1e-6)
    for dx, dy in robot.neighbours:
        distance = math.sqrt(dx * dx + dy * dy)
        action -= np.array([dx, dy]) * math.exp(-distance)
    if robot.neighbours.shape[0] > 0:
        action += np.mean(robot.neighbour_velocities, axis=0) - robot.velocity / robot.max_speed
    action += robot.free_centre() + robot.nearest_free_cell() + robot.coverage_gradient() - limit(robot.target, 1.0)
    return np.clip(action, -1.0, 1.0)


def reward(robot):
    if not robot.inside:
        return 0.0
    mine = np.sum(robot.cell_states == MINE) / max(len(robot.cells), 1)
    crowd = sum([1.0 for offset in robot.neighbours if np.linalg.norm(offset) < robot.avoid_distance])
    value = robot.own_share() * (1.0 - 0.1 * crowd) + 0.0 * mine * robot.covered_share()
    value *= smooth_step(robot.nearest_neighbour_distance(), 0.0, robot.avoid_distance)
    for k in range(robot.count_neighbours(robot.avoid_distance)):
        value -= 0.01 * k
    return float(np.clip(value - 0.1 * robot.distance_to_shape(), 0.0, 1.0))
"""
"""Prior and reward that pass the gate; a sound answer, too."""
DISTANCE_TEXT = """
def sdf(x, y):
    return max(math.hypot(x, y) - 1.0, 0.5 - abs(x))
"""
"""A signed distance that passes the gate."""
BAD_TEXTS = (
    "def prior(robot):\n    return robot.neighbours[9]\n\n\ndef reward(robot):\n    return 2.0\n",
    "def prior(robot):\n    return robot.target + (1.0, robot)\n\n\ndef reward(robot):\n    return 2.0\n",
)
"""Answers that fail when run and when typed: errors and their texts need parts of numba, too."""
