"""Contacts and clearance between two moments, between which every robot moves straight and at constant speed."""

import math

import numpy as np

from muster_core.kernel import kernel, leaf_kernel
from muster_core.kernels.crowd import gather_crowd, new_crowd, squares_within
from muster_core.kernels.safety import nearest_on_edge
from muster_core.types import Array, Integers, Mask


@leaf_kernel
def closest_approach(x: float, y: float, dx: float, dy: float) -> float:
    """Smallest length of (x, y) + s·(dx, dy) for s in [0, 1]: how near two robots come [m].

    (x, y) is their relative position at the first moment, (dx, dy) its change until the second [m].
    """
    square = dx * dx + dy * dy
    s = 0.0
    if square > 0.0:
        s = min(max(-(x * dx + y * dy) / square, 0.0), 1.0)
    return math.sqrt((x + s * dx) ** 2 + (y + s * dy) ** 2)


@leaf_kernel
def approach_pair(
    x: float, y: float, free_dx: float, free_dy: float, dx: float, dy: float, diameter: float, limit: float
) -> tuple[bool, float]:
    """Whether two robots met, and how near they came [m], at most ``limit`` [m] if that is not less.

    (x, y): relative position at first; (free_dx, free_dy): its change, had nothing held them; (dx, dy): its change.
    They met when their closest approach on either way is below ``diameter``; then they came no less near than that.
    """
    # Seen along one axis a pair is at least so far apart: enough to see that most pairs cannot matter.
    if abs(x) - max(abs(dx), abs(free_dx)) >= limit or abs(y) - max(abs(dy), abs(free_dy)) >= limit:
        return False, math.inf
    distance = closest_approach(x, y, dx, dy)
    if min(distance, closest_approach(x, y, free_dx, free_dy)) < diameter:
        return True, min(distance, diameter)
    return False, distance


@kernel
def sweep(before: Array, free: Array, after: Array, diameter: float, touching: Mask) -> tuple[int, float]:
    """Contacts that began between two moments, and the smallest gap between any two discs [m] meanwhile.

    before, after: positions, shape (N, 2) [m]. free: where the robots would be had nothing held them; a pair meets when
    its closest approach, on the way to ``free`` or to ``after``, is below ``diameter`` [m]. (Physics that resolves a
    contact ahead of time keeps the discs a hair apart on the way to ``after``, and still it was a contact.)
    touching: shape (N, N), upper triangle: the pairs that met in the previous sweep; updated. A pair counts when it
    meets and did not meet before. The gap is that of the way to ``after``, and not above 0 where a pair met; of a robot
    alone it is infinite.
    """
    onsets = 0
    nearest = math.inf
    for i in range(before.shape[0]):
        for j in range(i + 1, before.shape[0]):
            x = before[j, 0] - before[i, 0]
            y = before[j, 1] - before[i, 1]
            free_dx = free[j, 0] - free[i, 0] - x
            free_dy = free[j, 1] - free[i, 1] - y
            dx = after[j, 0] - after[i, 0] - x
            dy = after[j, 1] - after[i, 1] - y
            met, distance = approach_pair(x, y, free_dx, free_dy, dx, dy, diameter, max(nearest, diameter))
            if met and not touching[i, j]:
                onsets += 1
            touching[i, j] = met
            nearest = min(nearest, distance)
    return onsets, nearest - diameter


@kernel
def mark_near(
    positions: Array, radius: float, reach: float, half_width: float, half_height: float, edges: Array, near: Mask
) -> int:
    """Mark in ``near`` (N,) the robots with another disc, an obstacle or the arena's edge within ``reach`` [m].

    positions: shape (N, 2) [m]. radius: of a disc [m]. half_width, half_height: of the arena [m]. edges: (K, 4)
    ends of the obstacles' edges, x, y, x, y [m]. Returns how many.
    """
    wall = reach + radius
    pair = reach + 2.0 * radius
    for i in range(positions.shape[0]):
        x, y = positions[i, 0], positions[i, 1]
        near[i] = half_width - abs(x) <= wall or half_height - abs(y) <= wall
        for k in range(edges.shape[0]):
            qx, qy = nearest_on_edge(x, y, edges[k, 0], edges[k, 1], edges[k, 2], edges[k, 3])
            if (x - qx) ** 2 + (y - qy) ** 2 <= wall * wall:
                near[i] = True
    for i in range(positions.shape[0]):
        for j in range(i + 1, positions.shape[0]):
            x = positions[j, 0] - positions[i, 0]
            y = positions[j, 1] - positions[i, 1]
            if x * x + y * y <= pair * pair:
                near[i] = True
                near[j] = True
    count = 0
    for i in range(positions.shape[0]):
        if near[i]:
            count += 1
    return count


@kernel
def touching_at(positions: Array, diameter: float, touching: Mask) -> None:
    """Mark in ``touching`` (N, N), upper triangle, the pairs that touch at one moment. positions: (N, 2) [m]."""
    touching[:] = False
    for i in range(positions.shape[0]):
        for j in range(i + 1, positions.shape[0]):
            x = positions[j, 0] - positions[i, 0]
            y = positions[j, 1] - positions[i, 1]
            touching[i, j] = math.sqrt(x * x + y * y) < diameter


@kernel
def touching_pairs(positions: Array, diameter: float, codes: Integers) -> int:
    """Write the pairs i < j of ``positions`` (N, 2) nearer than ``diameter`` [m] to ``codes`` as i·N + j, rising.

    Returns how many. ``codes`` has room for all that discs that hardly overlap can have.
    """
    count, found = positions.shape[0], 0
    crowd, present = new_crowd(count), np.ones(count, np.uint8)
    gather_crowd(positions, present, diameter, False, crowd)
    columns, rows = crowd.size[0], crowd.size[1]
    for i in range(count):
        x, y, first = positions[i, 0], positions[i, 1], found
        low_c, end_c, low_r, end_r = squares_within(x, y, diameter, crowd.frame, columns, rows)
        for row in range(low_r, end_r):
            for q in range(crowd.start[row * columns + low_c], crowd.start[row * columns + end_c]):
                dx, dy = crowd.x[q] - x, crowd.y[q] - y
                if crowd.ids[q] <= i or math.sqrt(dx * dx + dy * dy) >= diameter or found >= codes.shape[0]:
                    continue
                place = found
                while place > first and codes[place - 1] > i * count + crowd.ids[q]:
                    codes[place] = codes[place - 1]
                    place -= 1
                codes[place] = i * count + crowd.ids[q]
                found += 1
    return found


@kernel
def closest_pair(positions: Array, reach: float) -> tuple[float, int, int]:
    """Smallest distance of two of ``positions`` (N, 2) [m] and who they are; infinite for one alone.

    Looks within ``reach`` [m] of everybody by cell list, and farther only if nobody is so near.
    """
    count = positions.shape[0]
    best, first, second = math.inf, 0, 0
    crowd, present = new_crowd(count), np.ones(count, np.uint8)
    while count > 1:
        gather_crowd(positions, present, reach, False, crowd)
        columns = crowd.size[0]
        for i in range(count):
            x, y = positions[i, 0], positions[i, 1]
            low_c, end_c, low_r, end_r = squares_within(x, y, reach, crowd.frame, columns, crowd.size[1])
            for row in range(low_r, end_r):
                for q in range(crowd.start[row * columns + low_c], crowd.start[row * columns + end_c]):
                    dx, dy = crowd.x[q] - x, crowd.y[q] - y
                    distance = math.sqrt(dx * dx + dy * dy)
                    if crowd.ids[q] > i and distance < best:
                        best, first, second = distance, i, crowd.ids[q]
        if best <= reach or columns * crowd.size[1] == 1:
            break
        reach *= 2.0
    return best, first, second
