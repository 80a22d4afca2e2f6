"""Contacts and clearance between two moments, between which every robot moves straight and at constant speed."""

import math

from muster_core.kernel import kernel
from muster_core.types import Array, Mask


@kernel
def closest_approach(x: float, y: float, dx: float, dy: float) -> float:
    """Smallest length of (x, y) + s·(dx, dy) for s in [0, 1]: how near two robots come [m].

    (x, y) is their relative position at the first moment, (dx, dy) its change until the second [m].
    """
    square = dx * dx + dy * dy
    s = 0.0
    if square > 0.0:
        s = min(max(-(x * dx + y * dy) / square, 0.0), 1.0)
    return math.sqrt((x + s * dx) ** 2 + (y + s * dy) ** 2)


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
            # Seen along one axis a pair is at least so far apart: enough to see that most pairs cannot matter.
            limit = max(nearest, diameter)
            if abs(x) - max(abs(dx), abs(free_dx)) >= limit or abs(y) - max(abs(dy), abs(free_dy)) >= limit:
                touching[i, j] = False
                continue
            distance = closest_approach(x, y, dx, dy)
            met = min(distance, closest_approach(x, y, free_dx, free_dy)) < diameter
            if met and not touching[i, j]:
                onsets += 1
            touching[i, j] = met
            nearest = min(nearest, distance, diameter) if met else min(nearest, distance)
    return onsets, nearest - diameter


@kernel
def mark_near(positions: Array, radius: float, reach: float, half_width: float, half_height: float, near: Mask) -> int:
    """Mark in ``near`` (N,) the robots whose gap to another disc or to the arena's edge is at most ``reach`` [m].

    positions: shape (N, 2) [m]. radius: of a disc [m]. half_width, half_height: of the arena [m]. Returns how many.
    """
    wall = reach + radius
    pair = reach + 2.0 * radius
    for i in range(positions.shape[0]):
        near[i] = half_width - abs(positions[i, 0]) <= wall or half_height - abs(positions[i, 1]) <= wall
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
def gaps_at(positions: Array, diameter: float, touching: Mask) -> float:
    """Smallest gap between two discs at one moment [m]; marks in ``touching`` (N, N) the pairs that touch already."""
    nearest = math.inf
    for i in range(positions.shape[0]):
        for j in range(positions.shape[0]):
            touching[i, j] = False
        for j in range(i + 1, positions.shape[0]):
            x = positions[j, 0] - positions[i, 0]
            y = positions[j, 1] - positions[i, 1]
            distance = math.sqrt(x * x + y * y)
            nearest = min(nearest, distance)
            touching[i, j] = distance < diameter
    return nearest - diameter
