"""Who is near whom: a cell list over points in the plane, so that the cost per robot does not grow with the team.

A ``Crowd`` holds the points of one environment sorted by the squares of a grid; a search visits the squares that its
reach touches. Small teams are one square, which is the plain loop over everybody.
"""

import math
from typing import NamedTuple

import numpy as np

from muster_core.kernel import kernel, leaf_kernel
from muster_core.types import AnyArray, Array, Integers

SMALL_TEAM = 64
"""Up to so many points sorting costs more than it saves (measured)."""

FEW_ROWS = 8
"""For so few rows of an environment no cell list is built."""


class Crowd(NamedTuple):
    """The points of one environment, sorted by square."""

    ids: Integers
    """(N,) whose point stands here; within a square in the team's order."""
    x: Array
    """(N,) [m]."""
    y: Array
    """(N,) [m]."""
    start: Integers
    """(squares + 1,) first place of each square, row by row."""
    squares: Integers
    """(N,) scratch: the square of each point."""
    frame: Array
    """(3,) lowest x and y, side of a square [m]."""
    size: Integers
    """(2,) columns and rows of the grid."""


@kernel
def new_crowd(count: int) -> Crowd:
    """Room for ``count`` points."""
    return Crowd(
        np.zeros(count, np.int64),
        np.zeros(count),
        np.zeros(count),
        np.zeros(2 * count + 2, np.int64),
        np.zeros(count, np.int64),
        np.zeros(3),
        np.ones(2, np.int64),
    )


@leaf_kernel
def square_of(value: float, lowest: float, side: float, count: int) -> int:
    """Column or row of the grid that a coordinate falls into, at the edge for what lies beyond or is not a number."""
    place = (value - lowest) / side
    if place > 0.0:
        return int(place) if place < count - 1 else count - 1
    return 0


@leaf_kernel
def box_around(points: Array, present: AnyArray) -> tuple[float, float, float, float]:
    """Lowest x and y, width and height of the box around the ``points`` (N, 2) that are ``present`` [m]."""
    low_x, low_y, high_x, high_y = math.inf, math.inf, -math.inf, -math.inf
    for j in range(points.shape[0]):
        if present[j]:
            x, y = points[j, 0], points[j, 1]
            low_x = x if x < low_x else low_x
            low_y = y if y < low_y else low_y
            high_x = x if x > high_x else high_x
            high_y = y if y > high_y else high_y
    return low_x, low_y, abs(high_x - low_x), abs(high_y - low_y)


@leaf_kernel
def gather_unsorted(points: Array, present: AnyArray, crowd: Crowd) -> None:
    """All ``points`` that are ``present`` in one square, in the team's order."""
    found = 0
    for j in range(points.shape[0]):
        if present[j]:
            crowd.ids[found], crowd.x[found], crowd.y[found] = j, points[j, 0], points[j, 1]
            found += 1
    crowd.size[0], crowd.size[1] = 1, 1
    crowd.start[0], crowd.start[1] = 0, found


@leaf_kernel
def gather_crowd(points: Array, present: AnyArray, reach: float, single: bool, crowd: Crowd) -> None:
    """Sort ``points`` (N, 2) [m], as far as they are ``present`` (N,), for searches with about ``reach`` [m].

    ``single``: put all into one square; for a search or two that is cheaper.
    """
    count = points.shape[0]
    low_x, low_y, width, height = 0.0, 0.0, math.inf, math.inf
    if not single and count > SMALL_TEAM:
        low_x, low_y, width, height = box_around(points, present)
    if not math.isfinite(width + height):
        gather_unsorted(points, present, crowd)
        return
    side = max(reach, 1e-9)
    while (width / side + 1.0) * (height / side + 1.0) > crowd.start.shape[0] - 1.0:
        side *= 1.25
    columns, rows = int(width / side) + 1, int(height / side) + 1
    crowd.frame[0], crowd.frame[1], crowd.frame[2] = low_x, low_y, side
    crowd.size[0], crowd.size[1] = columns, rows
    start = crowd.start
    start[: columns * rows + 1] = 0
    for j in range(count):
        if present[j]:
            column = square_of(points[j, 0], low_x, side, columns)
            square = square_of(points[j, 1], low_y, side, rows) * columns + column
            crowd.squares[j] = square
            start[square + 1] += 1
    for square in range(columns * rows):
        start[square + 1] += start[square]
    total = start[columns * rows]
    for back in range(count):
        j = count - 1 - back
        if present[j]:
            # Ends move down to starts, from the last robot to the first, which keeps the order of the team.
            square = crowd.squares[j] + 1
            start[square] -= 1
            place = start[square]
            crowd.ids[place], crowd.x[place], crowd.y[place] = j, points[j, 0], points[j, 1]
    for square in range(columns * rows):
        start[square] = start[square + 1]
    start[columns * rows] = total


@leaf_kernel
def squares_within(
    x: float, y: float, reach: float, frame: Array, columns: int, rows: int
) -> tuple[int, int, int, int]:
    """Squares that can hold points within ``reach`` of (x, y): first and end column, first and end row.

    ``frame``, ``columns`` and ``rows`` are the crowd's; handed over singly, because taking an array out of a tuple
    counts references, which in a loop over robots costs more than the search.
    """
    if columns * rows == 1:
        return 0, 1, 0, 1
    low_x, low_y, side = frame[0], frame[1], frame[2]
    return (
        square_of(x - reach, low_x, side, columns),
        square_of(x + reach, low_x, side, columns) + 1,
        square_of(y - reach, low_y, side, rows),
        square_of(y + reach, low_y, side, rows) + 1,
    )


@leaf_kernel
def find_within(x: float, y: float, reach: float, xs: Array, ys: Array, squares: Array, found: Integers) -> int:
    """Which of the points (xs, ys) lie within ``reach`` of (x, y) [m]: their places in ``found``; returns how many.

    ``squares`` gets the squared distances of all. Two plain loops without branches, which compile to a few instructions
    for eight points.
    """
    for k in range(xs.shape[0]):
        dx, dy = xs[k] - x, ys[k] - y
        squares[k] = dx * dx + dy * dy
    count = 0
    for k in range(xs.shape[0]):
        found[count] = k
        count += squares[k] <= reach * reach
    return count


@leaf_kernel
def block_end(rows: Integers, begin: int, most: int) -> int:
    """End of the rows from ``begin`` on that are of one environment, at most ``most``."""
    end = begin + 1
    while end < rows.shape[0] and end < begin + most and rows[end, 0] == rows[begin, 0]:
        end += 1
    return end
