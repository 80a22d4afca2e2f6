"""From a perception to a policy's input vector: dimensionless, relative, masked.

Three layouts: ``polar-1`` (a soft histogram of free cells and of cells covered by oneself alone, ring by ring and
sector by sector), ``polar-2`` (the same, and what one's disc would gain by standing a step away: the best direction of
steps of several lengths, counted cell by cell, which no histogram tells) and ``lamarl-1`` (the published vector without
absolute position, 190 numbers).
"""

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from muster_core.kernel import kernel, leaf_kernel
from muster_core.kernels.sensing import FREE, LANES, OTHERS
from muster_core.types import AnyArray, Array, Integers

if TYPE_CHECKING:
    from muster_core.scene import Perceptions

SECTORS = 12
RINGS = (0.15, 0.35, 0.5, 0.65, 0.9, 1.3)
"""Radii of the rings [avoid distances]; one's own disc ends at 0.5, where the exact place of cells matters most."""
PER_RING = tuple(1.0 / (RINGS[k + 1] - RINGS[k]) for k in range(len(RINGS) - 1))
_EDGES = (
    0.0,
    *(0.5 * (RINGS[k] + RINGS[k + 1]) for k in range(len(RINGS) - 1)),
    1.5 * RINGS[-1] - 0.5 * RINGS[-2],
)
BIN_AREAS = tuple(math.pi * (_EDGES[k + 1] ** 2 - _EDGES[k] ** 2) / SECTORS for k in range(len(RINGS)))
"""Area that a bin of each ring stands for, between the middles to the next rings [avoid distances²]."""
CHANNELS = 2  # free, mine
NEIGHBOURS = 8
POLAR_SIZE = 6 + 5 * NEIGHBOURS + CHANNELS * len(RINGS) * SECTORS
STEPS = (0.06, 0.15, 0.3, 0.6)
"""Lengths of the steps that ``polar-2`` weighs [avoid distances]."""
STEP_CHOICES = tuple(
    (length, math.cos(2.0 * math.pi * s / SECTORS), math.sin(2.0 * math.pi * s / SECTORS))
    for length in STEPS
    for s in range(SECTORS)
)
"""Length and direction of each step."""
GAIN_SCALE = 4.0
"""A gain of a quarter of a full disc is shown as 1."""
FAR_AWAY = 1e6
"""Where cells stand that fill up a row, so that all loops over cells end where the processor expects it."""
POLAR_2_SIZE = POLAR_SIZE + 1 + 3 * len(STEPS)
LAMARL_NEIGHBOURS = 6
LAMARL_CELLS = 80
LAMARL_SIZE = 2 + 4 * LAMARL_NEIGHBOURS + 4 + 2 * LAMARL_CELLS


TURN_COEFFICIENTS = (
    0.15915494309188657,
    -0.05305164769306171,
    0.031830988266717666,
    -0.022736408674236375,
    0.017683672665482986,
    -0.014466335614023773,
    0.012225963003721585,
    -0.010524642529219363,
    0.009041513762099385,
    -0.00747618169452835,
    0.005635208427975158,
    -0.0036213982893968932,
    0.0018414273872622289,
    -0.0006778452079743147,
    0.00015812530182301998,
    -1.738220453262329e-05,
)
"""atan(√s)/(2π·√s) for s in [0, 1] as a polynomial in s, lowest power first: interpolated at 16 Chebyshev points, exact
to 5e-15 of a turn. libm's atan2 is a call per cell, and this is arithmetic on eight cells at a time."""


@leaf_kernel
def turn_of(x: float, y: float) -> float:
    """Direction of (x, y) in turns, [0, 1]; within 1e-14 of atan2(y, x)/2π, and 0 for no direction at all."""
    across, along = abs(y), abs(x)
    steep = across > along
    ratio = (along if steep else across) / ((across if steep else along) + 1e-300)
    s = ratio * ratio
    square, even, odd = s * s, 0.0, 0.0
    for k in range(len(TURN_COEFFICIENTS) - 2, -1, -2):
        # Two chains of half the length: each step waits for the one before.
        even = even * square + TURN_COEFFICIENTS[k]
        odd = odd * square + TURN_COEFFICIENTS[k + 1]
    value = (even + odd * s) * ratio
    value = 0.25 - value if steep else value
    value = 0.5 - value if x < 0.0 else value
    return 1.0 - value if y < 0.0 else value


@leaf_kernel
def ring_of(distance: float) -> float:
    """Place of ``distance`` [avoid distances] among the RINGS, linear in between: 1.5 is half-way from ring 1 to 2."""
    place = 0.0
    for k in range(len(RINGS) - 1):
        place += min(max((distance - RINGS[k]) * PER_RING[k], 0.0), 1.0)
    return place


@leaf_kernel
def observe_motion(p: "Perceptions", begin: int, end: int, speed: float, out: Array) -> None:
    """First part of our layouts: own velocity, way to the shape, inside, distance, then the neighbours, masked.

    The way to the shape is a unit vector beyond one avoid distance, so that a robot far away sees nothing it has not
    seen in training.
    """
    neighbours, counts, velocity, target = p.neighbours, p.neighbour_count, p.velocity, p.target
    avoid, inside, per_speed = p.avoid, p.inside, 1.0 / speed
    for b in range(begin, end):
        per_avoid = 1.0 / avoid[b]
        for k in range(6 + 5 * NEIGHBOURS):
            out[b, k] = 0.0
        out[b, 0], out[b, 1] = velocity[b, 0] * per_speed, velocity[b, 1] * per_speed
        dx, dy = target[b, 0] * per_avoid, target[b, 1] * per_avoid
        distance = math.sqrt(dx * dx + dy * dy)
        scale = 1.0 / max(distance, 1.0)
        if inside[b]:
            out[b, 4] = 1.0
        else:
            out[b, 2], out[b, 3] = dx * scale, dy * scale
            out[b, 5] = min(distance, 4.0) * 0.25
        for k in range(min(counts[b], NEIGHBOURS)):
            at = 6 + 5 * k
            out[b, at] = neighbours[b, k, 0] * per_avoid
            out[b, at + 1] = neighbours[b, k, 1] * per_avoid
            out[b, at + 2] = neighbours[b, k, 2] * per_speed
            out[b, at + 3] = neighbours[b, k, 3] * per_speed
            out[b, at + 4] = 1.0


class Desk(NamedTuple):
    """Room that observing works in."""

    bins: Array
    """Of the histogram, a sector and a ring more than there are."""
    xs: Array
    """(C,) of one row's cells: where they stand."""
    ys: Array
    """(C,)."""
    kinds: Integers
    """(C,) their states, then their bins."""


@kernel
def new_desk(cells: int) -> Desk:
    """Room for rows of at most so many ``cells``."""
    most = cells + LANES
    bins = np.zeros(CHANNELS * (len(RINGS) + 1) * (SECTORS + 2))
    return Desk(bins, np.zeros(most), np.zeros(most), np.zeros(most, np.int64))


@kernel
def observe_polar_rows(p: "Perceptions", speed: float, out: AnyArray) -> None:
    """Fill ``out`` (B, POLAR_SIZE): own velocity, way to the shape, inside, distance; neighbours; polar cells.

    Speeds are in units of ``speed``, lengths in avoid distances. A bin holds the share of its own area that is filled
    with cells of its channel; a cell counts in the 2 x 2 nearest rings and sectors, linearly.
    """
    write_polar(p, speed, new_desk(p.cells.shape[1]), out)


@kernel
def observe_polar_2_rows(p: "Perceptions", speed: float, out: AnyArray) -> None:
    """Fill ``out`` (B, POLAR_2_SIZE): as :func:`observe_polar_rows`, then :func:`write_steps`."""
    desk = new_desk(p.cells.shape[1])
    write_polar(p, speed, desk, out)
    write_steps(p, desk, out)


@leaf_kernel
def write_polar(p: "Perceptions", speed: float, desk: Desk, out: AnyArray) -> None:
    """The numbers of ``polar-1``, with ``desk`` to work on."""
    observe_polar_cells(p, desk.bins, desk.xs, desk.ys, desk.kinds, out)
    observe_motion(p, 0, out.shape[0], speed, out)


@leaf_kernel
def write_steps(p: "Perceptions", desk: Desk, out: AnyArray) -> None:
    """Own marginal coverage, then for each length of STEPS the best direction (unit vector) and what it would gain.

    Coverage is the cells in one's disc that nobody else in sight covers, as a share of what a disc can hold; a gain is
    shown in quarters of that. Where no step of a length gains, direction and gain are 0.
    """
    all_cells, all_states, counts = p.cells, p.states, p.cell_count
    xs, ys, start = desk.xs, desk.ys, POLAR_SIZE
    reach = (0.5 + STEPS[len(STEPS) - 1]) ** 2
    for b in range(out.shape[0]):
        cells, states, scale, count = all_cells[b], all_states[b], 1.0 / p.avoid[b], 0
        for k in range(counts[b]):
            x, y = cells[k, 0] * scale, cells[k, 1] * scale
            xs[count], ys[count] = x, y
            count += states[k] != OTHERS and x * x + y * y <= reach
        padded = (count + LANES - 1) // LANES * LANES
        for k in range(count, padded):
            xs[k], ys[k] = FAR_AWAY, FAR_AWAY
        count = padded
        weight = p.cell_weight[b] * (p.pitch[b] * scale) ** 2 / (0.25 * math.pi)  # of one cell in a full disc
        here = cells_in_disc(xs, ys, count, 0.0, 0.0)
        out[b, start] = here * weight
        for r in range(len(STEPS)):
            best, best_x, best_y = here, 0.0, 0.0
            for s in range(SECTORS):
                length, x, y = STEP_CHOICES[r * SECTORS + s]
                there = cells_in_disc(xs, ys, count, length * x, length * y)
                if there > best:
                    best, best_x, best_y = there, x, y
            at = start + 1 + 3 * r
            out[b, at], out[b, at + 1], out[b, at + 2] = best_x, best_y, (best - here) * weight * GAIN_SCALE


@leaf_kernel
def cells_in_disc(xs: Array, ys: Array, count: int, x: float, y: float) -> int:
    """How many of the first ``count`` cells lie in a disc of half an avoid distance around (x, y) [avoid distances]."""
    total = 0  # whole numbers: a sum of floats would keep its order, and be worked out one by one
    for k in range(count):
        dx, dy = xs[k] - x, ys[k] - y
        total += dx * dx + dy * dy <= 0.25
    return total


@leaf_kernel
def observe_polar_cells(p: "Perceptions", bins: Array, xs: Array, ys: Array, kinds: Integers, out: Array) -> None:
    """The bins of :func:`observe_polar_rows`; the other arrays are scratch, of a cell each but ``bins``.

    Per row: list the cells that count, then work out where they stand, a loop without branches, then spread them.
    """
    all_cells, all_states, counts = p.cells, p.states, p.cell_count
    avoid, weights, pitch = p.avoid, p.cell_weight, p.pitch
    wide, high = SECTORS + 2, len(RINGS) + 1  # a cell between the last and the first sector goes into an extra one
    start = 6 + 5 * NEIGHBOURS
    for b in range(out.shape[0]):
        cells, states, scale, count = all_cells[b], all_states[b], 1.0 / avoid[b], 0
        for k in range(counts[b]):
            xs[count] = cells[k, 0]
            ys[count] = cells[k, 1]
            kinds[count] = states[k]
            count += states[k] != OTHERS
        for k in range((count + LANES - 1) // LANES * LANES):
            x, y = xs[k] * scale, ys[k] * scale
            sector = turn_of(x, y) * SECTORS
            ring = ring_of(math.sqrt(x * x + y * y))
            kinds[k] = (kinds[k] * high + int(ring)) * wide + int(sector)
            xs[k] = sector - int(sector)
            ys[k] = ring - int(ring)
        bins[:] = 0.0
        for k in range(count):
            at, along, outwards = kinds[k], xs[k], ys[k]
            bins[at] += (1.0 - outwards) * (1.0 - along)
            bins[at + 1] += (1.0 - outwards) * along
            bins[at + wide] += outwards * (1.0 - along)
            bins[at + wide + 1] += outwards * along
        cell_area = weights[b] * (pitch[b] * scale) ** 2
        for channel in range(CHANNELS):
            for r in range(len(RINGS)):
                source, to = (channel * high + r) * wide, start + (channel * len(RINGS) + r) * SECTORS
                bins[source] += bins[source + SECTORS]
                bins[source + 1] += bins[source + SECTORS + 1]
                share = cell_area / BIN_AREAS[r]
                row_bins, row_out = bins[source:], out[b, to:]
                for s in range(SECTORS):
                    row_out[s] = row_bins[s] * share


@kernel
def observe_lamarl_rows(p: "Perceptions", speed: float, out: Array) -> None:
    """Fill ``out`` (B, LAMARL_SIZE): own velocity, 6 neighbours, nearest cell's offset and velocity, 80 free cells.

    The published layout (zero padded) without absolute position; here dimensionless. Inside the shape, and with a
    static shape, the target's relative velocity is minus one's own.
    """
    for b in range(out.shape[0]):
        row = out[b]
        row[:] = 0.0
        avoid = p.avoid[b]
        row[0], row[1] = p.velocity[b, 0] / speed, p.velocity[b, 1] / speed
        for k in range(min(p.neighbour_count[b], LAMARL_NEIGHBOURS)):
            for axis in range(2):
                row[2 + 4 * k + axis] = p.neighbours[b, k, axis] / avoid
                row[4 + 4 * k + axis] = p.neighbours[b, k, 2 + axis] / speed
        at = 2 + 4 * LAMARL_NEIGHBOURS
        for axis in range(2):
            row[at + axis] = p.target[b, axis] / avoid
            row[at + 2 + axis] = -p.velocity[b, axis] / speed
        total = 0
        for k in range(p.cell_count[b]):
            if not p.inside[b] or p.states[b, k] == FREE:
                total += 1
        kept, seen = 0, 0
        for k in range(p.cell_count[b]):
            if p.inside[b] and p.states[b, k] != FREE:
                continue
            seen += 1
            if total > LAMARL_CELLS and (seen * LAMARL_CELLS) // total == ((seen - 1) * LAMARL_CELLS) // total:
                continue
            row[at + 4 + 2 * kept] = p.cells[b, k, 0] / avoid
            row[at + 5 + 2 * kept] = p.cells[b, k, 1] / avoid
            kept += 1
