"""Where a point stands on a shape's lattice: its nearest cell, the cells within reach.

Tables follow :class:`muster_core.shape.LatticeTables`; positions are in metres in the world frame.
"""

import math

from muster_core.kernel import leaf_kernel
from muster_core.types import AnyArray, Array, Integers


@leaf_kernel
def nearest_cell(
    x: float, y: float, below: AnyArray, above: AnyArray, rows: int, columns: int, frame: Array
) -> tuple[float, float]:
    """Exact nearest cell centre to (x, y): its offset in the world frame, dx, dy [m].

    Columns are visited outwards from the point; in each only the first occupied row below and above can be nearest.
    The visit ends when what remains is farther than the best cell: inside the shape after one or two columns, and from
    far away soon too, because the distance to the lattice as a whole counts.
    """
    pitch = frame[4]
    cosine, sine = frame[2], frame[3]
    u = ((x - frame[0]) * cosine + (y - frame[1]) * sine) / pitch - 0.5
    v = (-(x - frame[0]) * sine + (y - frame[1]) * cosine) / pitch - 0.5
    column, row = math.floor(u + 0.5), math.floor(v + 0.5)
    if 0 <= row < rows and 0 <= column < columns and below[row, column] == row:
        # Within a cell of the shape no other is nearer; there most robots are, most of the time.
        return ((column - u) * cosine - (row - v) * sine) * pitch, ((column - u) * sine + (row - v) * cosine) * pitch
    row = min(max(math.floor(v), -1), rows - 1)
    column = min(max(column, 0), columns - 1)
    beside = max(-v, v - (rows - 1.0), 0.0)
    beyond = abs(u - column)
    if beyond <= 0.5:
        beyond = -beyond  # among the columns: on one side they begin half a column nearer
    best, best_u, best_v = math.inf, 0.0, 0.0
    for k in range(columns):
        if k > 0 and (k + beyond) ** 2 + beside * beside >= best:
            break
        for j in (column - k, column + k):
            if j < 0 or j >= columns:
                continue
            du = j - u
            low = below[row, j] if row >= 0 else -1
            high = above[row + 1, j] if row + 1 < rows else -1
            for candidate in (low, high):
                if candidate < 0:
                    continue
                dv = candidate - v
                distance = du * du + dv * dv
                if distance < best:
                    best, best_u, best_v = distance, du, dv
    return (best_u * cosine - best_v * sine) * pitch, (best_u * sine + best_v * cosine) * pitch


@leaf_kernel
def is_inside(dx: float, dy: float, pitch: float) -> bool:
    """Whether a robot with its nearest cell centre at (dx, dy) from it is in the shape: nearer than √2·pitch/2."""
    return dx * dx + dy * dy < 0.5 * pitch * pitch


@leaf_kernel
def to_lattice(x: float, y: float, frame: Array) -> tuple[float, float]:
    """(x, y) [m; world] in lattice units, u along columns, v along rows, cell centres at whole numbers."""
    u = ((x - frame[0]) * frame[2] + (y - frame[1]) * frame[3]) / frame[4] - 0.5
    v = (-(x - frame[0]) * frame[3] + (y - frame[1]) * frame[2]) / frame[4] - 0.5
    return u, v


@leaf_kernel
def reach_rows(
    u: float, v: float, reach: float, first_row: int, end_row: int, ranks: AnyArray, reached: Integers
) -> int:
    """Which cells lie within ``reach`` [cells] of (u, v): a span of numbers in each row; returns how many in all."""
    last = ranks.shape[1] - 1.0
    lows, highs = reached[0], reached[1]
    for k in range(end_row - first_row):
        half = math.sqrt(max(reach * reach - (first_row + k - v) ** 2, 0.0))
        lows[k] = math.ceil(min(max(u - half, 0.0), last))
        highs[k] = math.floor(min(max(u + half + 1.0, 0.0), last))
    total = 0
    for k in range(end_row - first_row):
        row = ranks[first_row + k]
        first, end = row[lows[k]], row[highs[k]]
        lows[k], highs[k] = first, total
        total += max(end - first, 0)
    reached[1, max(end_row - first_row, 0)] = total
    return total
