"""Fair starts for teams of any size: points that keep apart, and speeds from which everybody can still stop."""

import math

import numpy as np

from muster_core.kernel import kernel
from muster_core.kernels.crowd import gather_crowd, new_crowd, squares_within
from muster_core.kernels.safety import approach_limit, nearest_on_edge
from muster_core.types import Array, Integers


@kernel
def accept_points(candidates: Array, low: Array, gap: float, points: Array, count: int, squares: Integers) -> int:
    """Take each of ``candidates`` (M, 2) [m] that is at least ``gap`` [m] from all points taken before.

    ``points`` (N, 2) holds the first ``count`` of them and receives the rest. ``squares`` (rows, columns), of side
    gap/√2 from ``low`` (2,) on, tells who, plus one, is in each; there is room for one. Returns the new count.
    """
    side = gap / math.sqrt(2.0)
    rows, columns = squares.shape
    for c in range(candidates.shape[0]):
        x, y = candidates[c, 0], candidates[c, 1]
        column, row = min(int((x - low[0]) / side), columns - 1), min(int((y - low[1]) / side), rows - 1)
        free = True
        for r in range(max(row - 2, 0), min(row + 3, rows)):
            for k in range(max(column - 2, 0), min(column + 3, columns)):
                other = squares[r, k] - 1
                if other >= 0:
                    dx, dy = points[other, 0] - x, points[other, 1] - y
                    free = free and math.sqrt(dx * dx + dy * dy) >= gap
        if free and count < points.shape[0]:
            points[count, 0], points[count, 1] = x, y
            count += 1
            squares[row, column] = count
    return count


@kernel
def stoppable_speeds(
    positions: Array, half_width: float, half_height: float, edges: Array, radius: float, margin: float, most: float,
    braking: float, reaction: float, allowed: Array,
) -> None:  # fmt: skip
    """Speed, at most ``most`` [m/s], from which each robot can still brake, into ``allowed`` (N,).

    Two that approach each other over the nearest gap may each go as fast as :func:`approach_limit` says; towards a wall
    or an edge (K, 4) of an obstacle all of the closing speed is one's own.
    """
    count = positions.shape[0]
    reach = 2.0 * radius + margin + most * most / braking + 2.0 * reaction * most
    crowd, present = new_crowd(count), np.ones(count, np.uint8)
    gather_crowd(positions, present, reach, False, crowd)
    columns = crowd.size[0]
    for i in range(count):
        x, y = positions[i, 0], positions[i, 1]
        room = min(half_width - abs(x), half_height - abs(y))
        for k in range(edges.shape[0]):
            qx, qy = nearest_on_edge(x, y, edges[k, 0], edges[k, 1], edges[k, 2], edges[k, 3])
            room = min(room, math.sqrt((x - qx) ** 2 + (y - qy) ** 2))
        gap = 2.0 * (room - radius - margin)
        low_column, end_column, low_row, end_row = squares_within(x, y, reach, crowd.frame, columns, crowd.size[1])
        for row in range(low_row, end_row):
            for q in range(crowd.start[row * columns + low_column], crowd.start[row * columns + end_column]):
                if crowd.ids[q] != i:
                    dx, dy = crowd.x[q] - x, crowd.y[q] - y
                    gap = min(gap, math.sqrt(dx * dx + dy * dy) - 2.0 * radius - margin)
        allowed[i] = min(approach_limit(gap, braking, reaction), most)
