"""From a perception to a policy's input vector: dimensionless, relative, masked.

``polar-1`` is a soft histogram of free cells and of cells covered by oneself alone, ring by ring and sector by sector;
``polar-free-1`` leaves the latter out, to show what they are worth; ``set-1`` lists single cells with their states, for
networks that read sets; ``lamarl-1`` is the published vector without absolute position, 190 numbers.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from muster_core.kernel import kernel, leaf_kernel
from muster_core.kernels.sensing import FREE, LANES, MINE, OTHERS
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
MOTION = 6
"""Numbers before the neighbours: own velocity, way to the shape, inside, distance."""
ELEMENT = 5
"""Numbers of a neighbour, and of a cell of ``set-1``; the last is 1 where there is one."""
POLAR_SIZE = 6 + 5 * NEIGHBOURS + CHANNELS * len(RINGS) * SECTORS
SET_CELLS = 64
SET_REACH = RINGS[-1]
"""Cells up to here are listed [avoid distances]: as far as the histogram sees."""
SET_SIZE = MOTION + ELEMENT * (NEIGHBOURS + SET_CELLS)
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


@leaf_kernel
def write_polar(p: "Perceptions", speed: float, desk: Desk, out: AnyArray) -> None:
    """The numbers of ``polar-1``, with ``desk`` to work on."""
    observe_polar_cells(p, desk.bins, desk.xs, desk.ys, desk.kinds, out)
    observe_motion(p, 0, out.shape[0], speed, out)


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
def observe_polar_free_rows(p: "Perceptions", speed: float, out: AnyArray) -> None:
    """Fill ``out`` (B, POLAR_SIZE) as ``polar-1``, but with nothing in the bins of cells covered by oneself alone."""
    write_polar_free(p, speed, new_desk(p.cells.shape[1]), out)


@leaf_kernel
def write_polar_free(p: "Perceptions", speed: float, desk: Desk, out: AnyArray) -> None:
    """The numbers of ``polar-free-1``, with ``desk`` to work on."""
    write_polar(p, speed, desk, out)
    for b in range(out.shape[0]):
        for k in range(POLAR_SIZE - len(RINGS) * SECTORS, POLAR_SIZE):
            out[b, k] = 0.0


@leaf_kernel
def keeps(seen: int, total: int, room: int) -> bool:
    """Whether the ``seen``-th of ``total``, counted from 1, is among the ``room`` that an even subsample keeps."""
    return total <= room or (seen * room) // total != ((seen - 1) * room) // total


@kernel
def observe_set_rows(p: "Perceptions", speed: float, out: AnyArray) -> None:
    """Fill ``out`` (B, SET_SIZE): own motion and neighbours as ``polar-1``, then single cells.

    A cell is (x, y, free, mine, 1) with its place in avoid distances; cells beyond SET_REACH are left out, of more than
    SET_CELLS an even subsample is listed, and places without a cell are zero.
    """
    observe_motion(p, 0, out.shape[0], speed, out)
    start = MOTION + ELEMENT * NEIGHBOURS
    for b in range(out.shape[0]):
        row, per_avoid, total = out[b], 1.0 / p.avoid[b], 0
        row[start:] = 0.0
        reach = (SET_REACH * p.avoid[b]) ** 2
        for k in range(p.cell_count[b]):
            total += p.cells[b, k, 0] ** 2 + p.cells[b, k, 1] ** 2 <= reach
        at, seen = start, 0
        for k in range(p.cell_count[b]):
            x, y, state = p.cells[b, k, 0], p.cells[b, k, 1], p.states[b, k]
            if x**2 + y**2 > reach:
                continue
            seen += 1
            if keeps(seen, total, SET_CELLS):
                row[at], row[at + 1], row[at + 4] = x * per_avoid, y * per_avoid, 1.0
                row[at + 2] = 1.0 if state == FREE else 0.0
                row[at + 3] = 1.0 if state == MINE else 0.0
                at += ELEMENT


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
            if not keeps(seen, total, LAMARL_CELLS):
                continue
            row[at + 4 + 2 * kept] = p.cells[b, k, 0] / avoid
            row[at + 5 + 2 * kept] = p.cells[b, k, 1] / avoid
            kept += 1
