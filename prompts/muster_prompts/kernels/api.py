"""What ``robot`` offers to a language model's ``prior(robot)`` and ``reward(robot)``: fields, and helpers that loop.

The prompt's description of the API is generated from the signatures and docstrings here
(:mod:`muster_prompts.api_text`), so they are written for the model: first sentence what it gives, then shape and
unit. A program writes ``robot.helper(…)`` for the functions whose first parameter is ``robot``; the others it calls
by name.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from muster_core.kernel import kernel
from muster_core.kernels import sensing
from muster_core.types import AnyArray, Array

if TYPE_CHECKING:
    from muster_core.scene import Perceptions

FREE = sensing.FREE
"""State of a cell that nobody in sight covers."""
MINE = sensing.MINE
"""State of a cell that this robot covers and nobody else in sight does."""
OTHERS = sensing.OTHERS
"""State of a cell that another robot covers."""


class Robot(NamedTuple):
    """One robot's view of the world at one moment, relative to the robot; the axes are those of the world."""

    velocity: Array
    """Own velocity, shape (2,) [m/s]."""
    inside: bool
    """True when the robot is in the shape."""
    target: Array
    """Offset from the robot to the nearest cell of the shape, shape (2,) [m]; nearly zero when inside."""
    neighbours: Array
    """Offsets from the robot to its neighbours within the sensing radius, nearest first, shape (k, 2) [m]; k may be
    0."""
    neighbour_velocities: Array
    """Velocities of those neighbours relative to the robot's own, shape (k, 2) [m/s]."""
    cells: Array
    """Offsets from the robot to the shape's cells within the sensing radius, shape (m, 2) [m]; m may be 0."""
    cell_states: AnyArray
    """State of each of those cells: FREE, MINE or OTHERS, shape (m,). A robot covers the cells within avoid_distance /
    2."""
    cell_weight: float
    """How many cells of the shape each listed cell stands for: 1, or more where too many are in reach to list them
    all."""
    avoid_distance: float
    """Distance that neighbours should keep from each other [m]: discs of this diameter just fill the shape."""
    sensing_radius: float
    """How far the robot sees [m]."""
    cell_size: float
    """Side of a cell [m]."""
    max_speed: float
    """Largest speed of the robot [m/s]."""
    max_acceleration: float
    """Acceleration that an action of length 1 asks for [m/s^2]."""


@kernel
def direction_to_shape(robot: Robot) -> Array:
    """Unit vector towards the nearest cell of the shape, shape (2,); zero when the robot is inside."""
    if robot.inside:
        return np.zeros(2)
    return unit(robot.target)


@kernel
def distance_to_shape(robot: Robot) -> float:
    """Distance to the nearest cell of the shape [m]; 0 when the robot is inside."""
    if robot.inside:
        return 0.0
    return math.sqrt(robot.target[0] ** 2 + robot.target[1] ** 2)


@kernel
def repulsion(robot: Robot, distance: float) -> Array:
    """Push away from neighbours nearer than ``distance`` [m]: sum of (distance / d - 1) times the unit vector away, shape (2,)."""  # noqa: E501
    x, y = 0.0, 0.0
    for k in range(robot.neighbours.shape[0]):
        dx, dy = robot.neighbours[k, 0], robot.neighbours[k, 1]
        gap = max(math.sqrt(dx * dx + dy * dy), 1e-6)
        if gap < distance:
            strength = (distance / gap - 1.0) / gap
            x -= strength * dx
            y -= strength * dy
    return np.array([x, y])


@kernel
def alignment(robot: Robot) -> Array:
    """Mean velocity of the neighbours relative to the robot's own, shape (2,) [m/s]; zero without neighbours."""
    x, y = 0.0, 0.0
    count = robot.neighbour_velocities.shape[0]
    for k in range(count):
        x += robot.neighbour_velocities[k, 0]
        y += robot.neighbour_velocities[k, 1]
    return np.array([x, y]) / max(count, 1)


@kernel
def nearest_neighbour_distance(robot: Robot) -> float:
    """Distance to the nearest neighbour [m]; the sensing radius when there is none."""
    if robot.neighbours.shape[0] == 0:
        return robot.sensing_radius
    return math.sqrt(robot.neighbours[0, 0] ** 2 + robot.neighbours[0, 1] ** 2)


@kernel
def count_neighbours(robot: Robot, distance: float) -> int:
    """How many neighbours are nearer than ``distance`` [m]."""
    count = 0
    for k in range(robot.neighbours.shape[0]):
        if robot.neighbours[k, 0] ** 2 + robot.neighbours[k, 1] ** 2 < distance * distance:
            count += 1
    return count


@kernel
def cells_in_state(robot: Robot, state: int) -> Array:
    """Offsets of the sensed cells whose state is ``state`` (FREE, MINE or OTHERS), shape (j, 2) [m]; j may be 0."""
    kept = np.zeros((robot.cells.shape[0], 2))
    count = 0
    for k in range(robot.cells.shape[0]):
        if robot.cell_states[k] == state:
            kept[count, 0], kept[count, 1] = robot.cells[k, 0], robot.cells[k, 1]
            count += 1
    return kept[:count]


@kernel
def free_cells(robot: Robot) -> Array:
    """Offsets of the sensed cells that nobody in sight covers, shape (j, 2) [m]; j may be 0."""
    return cells_in_state(robot, sensing.FREE)


@kernel
def nearest_free_cell(robot: Robot) -> Array:
    """Offset of the nearest sensed cell that nobody in sight covers, shape (2,) [m]; zero when there is none."""
    best, x, y = math.inf, 0.0, 0.0
    for k in range(robot.cells.shape[0]):
        if robot.cell_states[k] == sensing.FREE:
            dx, dy = robot.cells[k, 0], robot.cells[k, 1]
            if dx * dx + dy * dy < best:
                best, x, y = dx * dx + dy * dy, dx, dy
    return np.array([x, y])


@kernel
def free_centre(robot: Robot) -> Array:
    """Weighted mean offset of the free cells, near ones weighing more, shape (2,) [m]; zero when there is none.

    The weight is (1 + cos(pi * d / sensing_radius)) / 2.
    """
    x, y, total = 0.0, 0.0, 0.0
    for k in range(robot.cells.shape[0]):
        if robot.cell_states[k] != sensing.FREE:
            continue
        dx, dy = robot.cells[k, 0], robot.cells[k, 1]
        weight = 0.5 * (1.0 + math.cos(math.pi * math.sqrt(dx * dx + dy * dy) / robot.sensing_radius))
        x += weight * dx
        y += weight * dy
        total += weight
    return np.array([x, y]) / max(total, 1e-12)


@kernel
def own_share(robot: Robot) -> float:
    """Cells that the robot alone covers, as a share of what its disc can hold, in [0, 1].

    Summed over the team this grows exactly with the part of the shape that is covered.
    """
    count = 0
    for k in range(robot.cells.shape[0]):
        if robot.cell_states[k] == sensing.MINE:
            count += 1
    per_disc = 0.25 * math.pi * (robot.avoid_distance / robot.cell_size) ** 2
    return min(count * robot.cell_weight / per_disc, 1.0)


@kernel
def covered_share(robot: Robot) -> float:
    """Share of the sensed cells that somebody covers, in [0, 1]; 0 when no cell is sensed."""
    covered = 0
    for k in range(robot.cells.shape[0]):
        if robot.cell_states[k] != sensing.FREE:
            covered += 1
    return covered / max(robot.cells.shape[0], 1)


@kernel
def coverage_gradient(robot: Robot) -> Array:
    """Direction in which the robot covers more cells that nobody else covers, shape (2,), length about 0 to 1.

    It is the sum over the cells near the rim of the robot's disc that no other robot covers.
    """
    avoid = robot.avoid_distance
    x, y = 0.0, 0.0
    for k in range(robot.cells.shape[0]):
        if robot.cell_states[k] == sensing.OTHERS:
            continue
        dx, dy = robot.cells[k, 0], robot.cells[k, 1]
        distance = math.sqrt(dx * dx + dy * dy)
        rim = (distance / avoid - 0.5) / 0.12
        if distance > 1e-9:
            weight = math.exp(-rim * rim) / distance
            x += weight * dx
            y += weight * dy
    per_disc = 0.25 * math.pi * (avoid / robot.cell_size) ** 2
    return np.array([x, y]) * (robot.cell_weight / per_disc)


@kernel
def unit(vector: Array) -> Array:
    """``vector`` (2,) at length 1; zero if it has none."""
    length = math.sqrt(vector[0] ** 2 + vector[1] ** 2)
    if length < 1e-12:
        return np.zeros(2)
    return np.array([vector[0] / length, vector[1] / length])


@kernel
def limit(vector: Array, length: float = 1.0) -> Array:
    """``vector`` (2,) shortened to ``length`` if it is longer."""
    size = math.sqrt(vector[0] ** 2 + vector[1] ** 2)
    scale = length / size if size > length else 1.0
    return np.array([vector[0] * scale, vector[1] * scale])


@kernel
def weighted_mean(points: Array, weights: Array) -> Array:
    """Mean of ``points`` (j, 2) with ``weights`` (j,), shape (2,); zero when j is 0 or all weights are."""
    x, y, total = 0.0, 0.0, 0.0
    for k in range(min(points.shape[0], weights.shape[0])):
        x += weights[k] * points[k, 0]
        y += weights[k] * points[k, 1]
        total += weights[k]
    if abs(total) < 1e-12:
        return np.zeros(2)
    return np.array([x / total, y / total])


@kernel
def smooth_step(value: float, low: float, high: float) -> float:
    """0 below ``low``, 1 above ``high``, rising smoothly in between; useful to grade a reward."""
    share = min(max((value - low) / max(high - low, 1e-12), 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share)


@kernel
def make_robot(p: "Perceptions", b: int, max_speed: float, max_acceleration: float) -> Robot:
    """Row ``b`` of ``Perceptions`` as a :class:`Robot`, without copying: views of the valid rows."""
    k, m = p.neighbour_count[b], p.cell_count[b]
    return Robot(
        p.velocity[b],
        p.inside[b] != 0,
        p.target[b],
        p.neighbours[b, :k, :2],
        p.neighbours[b, :k, 2:],
        p.cells[b, :m],
        p.states[b, :m],
        p.cell_weight[b],
        p.avoid[b],
        p.radius[b],
        p.pitch[b],
        max_speed,
        max_acceleration,
    )
