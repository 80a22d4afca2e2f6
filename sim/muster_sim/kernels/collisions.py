"""Contacts of planar discs that cannot turn, resolved as Bullet's sequential impulses do, without Bullet.

Every substep each pair in reach, and each robot in reach of a wall, gives a row: along the line of centres the two may
not close in by more than their gap, and an overlap is partly taken back; across it friction acts, bounded by what the
row pressed. All rows are solved in turn, several times over. (Bullet 3, btSequentialImpulseConstraintSolver, with
contacts made ahead of time and restitution 0.)
"""

import math

import numpy as np

from muster_core.kernel import kernel, leaf_kernel
from muster_core.types import Array, Integers

RECOVERY = 0.8
"""Share of an overlap that is taken back in a substep. Identified from BulletWorld by tests/sim/test_kinematic.py."""
SLOP = 1e-5
"""Overlap that counts as none [m]. Identified likewise; PyBullet's own setting."""
FRICTION = 0.25
"""Largest ratio of friction to pressure. Identified likewise: Bullet multiplies the two bodies' coefficients."""
ITERATIONS = 10
"""Times that all rows are solved in turn, as often as in BulletWorld."""


@kernel
def new_rows(most: int) -> tuple[Integers, Array]:
    """Room for ``most`` rows: bodies (2, most) and numbers (6, most), see :func:`put_row`."""
    return np.zeros((2, most), np.int64), np.zeros((6, most))


@leaf_kernel
def put_row(
    row: int, i: int, j: int, nx: float, ny: float, gap: float, period: float, lightness: Array, bodies: Integers,
    numbers: Array,
) -> None:  # fmt: skip
    """Write one row: disc ``i`` is kept from disc ``j``, or from a wall if j is negative.

    (nx, ny): unit vector from j towards i. gap: between the surfaces [m], negative for an overlap. lightness: (N,) one
    over each robot's mass [1/kg]. numbers: normal x, y, speed at which i must at least leave j [m/s], the mass that
    a change of their speed has to move [kg], and pressure and friction so far [kg·m/s].
    """
    bodies[0, row], bodies[1, row] = i, j
    numbers[0, row], numbers[1, row] = nx, ny
    room = gap + SLOP
    numbers[2, row] = -room / period if room > 0.0 else -room * RECOVERY / period
    numbers[3, row] = 1.0 / lightness[i] if j < 0 else 1.0 / (lightness[i] + lightness[j])
    numbers[4, row], numbers[5, row] = 0.0, 0.0


@leaf_kernel
def push(row: int, x: float, y: float, bodies: Integers, lightness: Array, velocity: Array) -> None:
    """Give the impulse (x, y) [kg·m/s] to one body of the row and take it from the other."""
    i, j = bodies[0, row], bodies[1, row]
    velocity[i, 0] += x * lightness[i]
    velocity[i, 1] += y * lightness[i]
    if j >= 0:
        velocity[j, 0] -= x * lightness[j]
        velocity[j, 1] -= y * lightness[j]


@leaf_kernel
def closing(row: int, nx: float, ny: float, bodies: Integers, velocity: Array) -> float:
    """Speed along (nx, ny) of one body of the row relative to the other [m/s]."""
    i, j = bodies[0, row], bodies[1, row]
    x, y = velocity[i, 0], velocity[i, 1]
    if j >= 0:
        x -= velocity[j, 0]
        y -= velocity[j, 1]
    speed: float = nx * x + ny * y
    return speed


@leaf_kernel
def solve(count: int, bodies: Integers, numbers: Array, lightness: Array, velocity: Array) -> None:
    """Change ``velocity`` (N, 3) [m/s] until it nearly obeys the first ``count`` rows: pressures, then friction.

    lightness: (N,) one over each robot's mass [1/kg].
    """
    for _ in range(ITERATIONS):
        for row in range(count):
            nx, ny, mass = numbers[0, row], numbers[1, row], numbers[3, row]
            wanted = (numbers[2, row] - closing(row, nx, ny, bodies, velocity)) * mass
            pressure = max(numbers[4, row] + wanted, 0.0)
            change = pressure - numbers[4, row]
            numbers[4, row] = pressure
            if change != 0.0:
                push(row, change * nx, change * ny, bodies, lightness, velocity)
        for row in range(count):
            most = FRICTION * numbers[4, row]
            if most == 0.0 and numbers[5, row] == 0.0:
                continue
            tx, ty, mass = -numbers[1, row], numbers[0, row], numbers[3, row]
            wanted = numbers[5, row] - closing(row, tx, ty, bodies, velocity) * mass
            friction = min(max(wanted, -most), most)
            change = friction - numbers[5, row]
            numbers[5, row] = friction
            push(row, change * tx, change * ty, bodies, lightness, velocity)


@leaf_kernel
def collect_rows(
    positions: Array,
    velocity: Array,
    pairs: Integers,
    pair_count: int,
    radius: float,
    reach: float,
    half_width: float,
    half_height: float,
    period: float,
    lightness: Array,
    bodies: Integers,
    numbers: Array,
) -> int:
    """Write a row for everything within ``reach`` [m] of touching; return how many, or 0 if none of them would act."""
    count, acts = 0, False
    for k in range(pair_count):
        i, j = pairs[0, k], pairs[1, k]
        x, y = positions[i, 0] - positions[j, 0], positions[i, 1] - positions[j, 1]
        limit = reach + 2.0 * radius
        square = x * x + y * y
        if square >= limit * limit:
            continue
        distance = math.sqrt(square)
        nx, ny = (x / distance, y / distance) if distance > 0.0 else (1.0, 0.0)
        put_row(count, i, j, nx, ny, distance - 2.0 * radius, period, lightness, bodies, numbers)
        acts = acts or closing(count, nx, ny, bodies, velocity) < numbers[2, count]
        count += 1
    for i in range(positions.shape[0]):
        x, y = positions[i, 0], positions[i, 1]
        for axis in range(2):
            place = x if axis == 0 else y
            gap = (half_width if axis == 0 else half_height) - abs(place) - radius
            if gap >= reach:
                continue
            away = -1.0 if place > 0.0 else 1.0
            put_row(count, i, -1, away * (1 - axis), away * axis, gap, period, lightness, bodies, numbers)
            acts = acts or closing(count, away * (1 - axis), away * axis, bodies, velocity) < numbers[2, count]
            count += 1
    return count if acts else 0
