"""Simulated annealing of n points in a shape, so that as many cells as possible lie in the disc of some point.

All in lattice units: cell (row, column) has its centre at u = column, v = row, and one unit is the pitch.
"""

import math

import numpy as np
from numpy.typing import NDArray

from muster_core.kernel import kernel
from muster_core.types import Array

START_TEMPERATURE = 1.0
"""In cells: at the start a move that loses one cell passes in one of e cases."""
END_TEMPERATURE = 0.06
"""At the end nearly nothing that loses a cell passes."""
FIRST_STEP = 2.0
"""Half side of the box a point moves in at the start, in covering radii; it shrinks with the temperature."""
LAST_STEP = 0.1
"""The same at the end."""
JUMPS = 0.02
"""Share of moves that put the point at any cell at all, so that it can leave a crowded part."""
STAGES = 1000
"""Temperature and step change this many times."""


@kernel
def draw(state: NDArray[np.int64]) -> float:
    """Next number of L'Ecuyer's combined generator, in (0, 1); `state` (2,) changes in place.

    Written out because numba and numpy keep different random states, and both forms must give the same layout.
    (P. L'Ecuyer, Communications of the ACM 31, 1988.)
    """
    state[0] = (40014 * state[0]) % 2147483563
    state[1] = (40692 * state[1]) % 2147483399
    difference = state[0] - state[1]
    if difference < 1:
        difference += 2147483562
    return float(difference) / 2147483563.0


@kernel
def in_shape(u: float, v: float, occupancy: NDArray[np.uint8]) -> bool:
    """Whether a cell centre is nearer than √2/2; only the four lattice points around (u, v) can be."""
    column, row = math.floor(u), math.floor(v)
    for r in (row, row + 1):
        for c in (column, column + 1):
            inside = 0 <= r < occupancy.shape[0] and 0 <= c < occupancy.shape[1] and occupancy[r, c] == 1
            if inside and (u - c) ** 2 + (v - r) ** 2 < 0.5:
                return True
    return False


@kernel
def tally(
    u: float,
    v: float,
    other_u: float,
    other_v: float,
    squared: float,
    seen: int,
    occupancy: NDArray[np.uint8],
    counts: NDArray[np.int32],
) -> int:
    """Number of cells in the disc at (u, v), not in the disc at (other_u, other_v), that `seen` points cover."""
    radius = math.sqrt(squared)
    found = 0
    for r in range(max(0, math.ceil(v - radius)), min(occupancy.shape[0], math.floor(v + radius) + 1)):
        for c in range(max(0, math.ceil(u - radius)), min(occupancy.shape[1], math.floor(u + radius) + 1)):
            counted = occupancy[r, c] == 1 and counts[r, c] == seen and (u - c) ** 2 + (v - r) ** 2 <= squared
            if counted and (other_u - c) ** 2 + (other_v - r) ** 2 > squared:
                found += 1
    return found


@kernel
def stamp(u: float, v: float, squared: float, change: int, counts: NDArray[np.int32]) -> None:
    """Add `change` to the counts of the lattice places in the disc at (u, v)."""
    radius = math.sqrt(squared)
    for r in range(max(0, math.ceil(v - radius)), min(counts.shape[0], math.floor(v + radius) + 1)):
        for c in range(max(0, math.ceil(u - radius)), min(counts.shape[1], math.floor(u + radius) + 1)):
            if (u - c) ** 2 + (v - r) ** 2 <= squared:
                counts[r, c] += change


@kernel
def scatter(cells: Array, squared: float, state: NDArray[np.int64], counts: NDArray[np.int32], points: Array) -> int:
    """Put every point on a random cell and count covers in `counts`; return how many cells are covered."""
    for i in range(points.shape[0]):
        chosen = int(draw(state) * cells.shape[0])
        points[i, 0], points[i, 1] = cells[chosen, 0], cells[chosen, 1]
        stamp(points[i, 0], points[i, 1], squared, 1, counts)
    covered = 0
    for k in range(cells.shape[0]):
        if counts[int(cells[k, 1]), int(cells[k, 0])] > 0:
            covered += 1
    return covered


@kernel
def propose(u: float, v: float, step: float, cells: Array, state: NDArray[np.int64]) -> tuple[float, float]:
    """Where to move the point at (u, v): within `step` of it, or now and then onto any cell."""
    if draw(state) < JUMPS:
        chosen = int(draw(state) * cells.shape[0])
        return cells[chosen, 0] + draw(state) - 0.5, cells[chosen, 1] + draw(state) - 0.5
    return u + step * (2.0 * draw(state) - 1.0), v + step * (2.0 * draw(state) - 1.0)


@kernel
def anneal(
    occupancy: NDArray[np.uint8],
    cells: Array,
    squared: float,
    moves: int,
    state: NDArray[np.int64],
    counts: NDArray[np.int32],
    points: Array,
    best: Array,
) -> int:
    """Spread the points over the shape; the best layout met ends in `best`.

    Args:
        occupancy: the lattice, shape (rows, columns).
        cells: u, v of the occupied cells, shape (cells, 2).
        squared: square of the covering radius.
        moves: how many moves to try.
        state: seeds of `draw`, shape (2,), each in 1…2147483398; changed.
        counts: zeros, shape (rows, columns); work space.
        points: work space, shape (n, 2).
        best: result, u, v of the points, shape (n, 2).

    Returns:
        How many cells the points of `best` cover.
    """
    n = points.shape[0]
    covered = scatter(cells, squared, state, counts, points)
    best[:] = points
    most = covered
    stage = max(1, moves // STAGES)
    temperature, step = START_TEMPERATURE, FIRST_STEP
    for move in range(moves):
        if move % stage == 0:
            progress = move / moves
            temperature = START_TEMPERATURE * (END_TEMPERATURE / START_TEMPERATURE) ** progress
            step = math.sqrt(squared) * FIRST_STEP * (LAST_STEP / FIRST_STEP) ** progress
        i = int(draw(state) * n)
        u, v = points[i, 0], points[i, 1]
        new_u, new_v = propose(u, v, step, cells, state)
        if not in_shape(new_u, new_v, occupancy):
            continue
        change = tally(new_u, new_v, u, v, squared, 0, occupancy, counts)
        change -= tally(u, v, new_u, new_v, squared, 1, occupancy, counts)
        if change < 0 and draw(state) >= math.exp(change / temperature):
            continue
        stamp(u, v, squared, -1, counts)
        stamp(new_u, new_v, squared, 1, counts)
        points[i, 0], points[i, 1] = new_u, new_v
        covered += change
        if covered > most:
            most = covered
            best[:] = points
    return most
