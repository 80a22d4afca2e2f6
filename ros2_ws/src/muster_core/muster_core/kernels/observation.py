"""From a perception to a policy's input vector: dimensionless, relative, masked.

Three layouts: ``polar`` (a soft histogram of free cells and of cells covered by oneself alone, ring by ring and sector
by sector), ``outlook`` (how many cells one's disc would hold alone if it stood a step away, for steps of several
lengths in all directions) and ``lamarl`` (the published vector without absolute position, 190 numbers).
"""

import math
from typing import TYPE_CHECKING

import numpy as np

from muster_core.kernel import kernel
from muster_core.kernels.sensing import FREE, OTHERS
from muster_core.types import Array

if TYPE_CHECKING:
    from muster_core.scene import Perceptions

SECTORS = 12
RINGS = (0.15, 0.35, 0.5, 0.65, 0.9, 1.3)
"""Radii of the rings [avoid distances]; one's own disc ends at 0.5, where the exact place of cells matters most."""
CHANNELS = 2  # free, mine
NEIGHBOURS = 8
POLAR_SIZE = 6 + 5 * NEIGHBOURS + CHANNELS * len(RINGS) * SECTORS
STEPS = (0.08, 0.2, 0.4, 0.7)
"""Lengths of the steps that the outlook looks at [avoid distances]."""
FAR_RINGS = (0.9, 1.3)
"""Middles of the two rings in which the outlook counts free cells beyond those steps [avoid distances]."""
OUTLOOK_SIZE = 6 + 5 * NEIGHBOURS + 1 + (len(STEPS) + len(FAR_RINGS)) * SECTORS
LAMARL_NEIGHBOURS = 6
LAMARL_CELLS = 80
LAMARL_SIZE = 2 + 4 * LAMARL_NEIGHBOURS + 4 + 2 * LAMARL_CELLS


@kernel
def polar_bin(dx: float, dy: float, weight: float, out: Array, start: int) -> None:
    """Spread ``weight`` of the cell at (dx, dy) [avoid distances] over the 2 x 2 nearest bins, linearly."""
    distance = math.sqrt(dx * dx + dy * dy)
    sector = (math.atan2(dy, dx) / (2.0 * math.pi) * SECTORS) % SECTORS
    low_sector = math.floor(sector)
    sector_share = sector - low_sector
    first, second = low_sector % SECTORS, (low_sector + 1) % SECTORS
    high_ring = 0
    while high_ring < len(RINGS) and RINGS[high_ring] < distance:
        high_ring += 1
    low_ring = max(high_ring - 1, 0)
    high_ring = min(high_ring, len(RINGS) - 1)
    ring_share = 0.0
    if high_ring > low_ring:
        ring_share = (distance - RINGS[low_ring]) / (RINGS[high_ring] - RINGS[low_ring])
    for r in range(2):
        at = start + (high_ring if r == 1 else low_ring) * SECTORS
        part = weight * (ring_share if r == 1 else 1.0 - ring_share)
        out[at + first] += part * (1.0 - sector_share)
        out[at + second] += part * sector_share


@kernel
def bin_area(ring: int) -> float:
    """Area that a bin of this ring stands for, between the middles to the next rings [avoid distances²]."""
    inner = 0.0 if ring == 0 else 0.5 * (RINGS[ring - 1] + RINGS[ring])
    last = ring == len(RINGS) - 1
    outer = RINGS[ring] + 0.5 * (RINGS[ring] - RINGS[ring - 1]) if last else 0.5 * (RINGS[ring] + RINGS[ring + 1])
    return math.pi * (outer * outer - inner * inner) / SECTORS


@kernel
def observe_motion(p: "Perceptions", b: int, speed: float, row: Array) -> None:
    """First part of our layouts: own velocity, way to the shape, inside, distance, then the neighbours, masked.

    The way to the shape is a unit vector beyond one avoid distance, so that a robot far away sees nothing it has not
    seen in training.
    """
    avoid = p.avoid[b]
    row[0], row[1] = p.velocity[b, 0] / speed, p.velocity[b, 1] / speed
    dx, dy = p.target[b, 0] / avoid, p.target[b, 1] / avoid
    distance = math.sqrt(dx * dx + dy * dy)
    scale = 1.0 / max(distance, 1.0)
    if not p.inside[b]:
        row[2], row[3] = dx * scale, dy * scale
        row[5] = min(distance, 4.0) * 0.25
    row[4] = 1.0 if p.inside[b] else 0.0
    for k in range(min(p.neighbour_count[b], NEIGHBOURS)):
        at = 6 + 5 * k
        row[at] = p.neighbours[b, k, 0] / avoid
        row[at + 1] = p.neighbours[b, k, 1] / avoid
        row[at + 2] = p.neighbours[b, k, 2] / speed
        row[at + 3] = p.neighbours[b, k, 3] / speed
        row[at + 4] = 1.0


@kernel
def observe_polar_rows(p: "Perceptions", speed: float, out: Array) -> None:
    """Fill ``out`` (B, POLAR_SIZE): own velocity, way to the shape, inside, distance; neighbours; polar cells.

    Speeds are in units of ``speed``, lengths in avoid distances. A bin holds the share of its own area that is filled
    with cells of its channel.
    """
    for b in range(out.shape[0]):
        row = out[b]
        row[:] = 0.0
        avoid = p.avoid[b]
        observe_motion(p, b, speed, row)
        start = 6 + 5 * NEIGHBOURS
        cell_area = p.cell_weight[b] * (p.pitch[b] / avoid) ** 2
        for k in range(p.cell_count[b]):
            state = p.states[b, k]
            if state == OTHERS:
                continue
            channel = 0 if state == FREE else 1
            at = start + channel * len(RINGS) * SECTORS
            polar_bin(p.cells[b, k, 0] / avoid, p.cells[b, k, 1] / avoid, cell_area, row, at)
        for r in range(len(RINGS)):
            share = 1.0 / bin_area(r)
            for channel in range(CHANNELS):
                at = start + (channel * len(RINGS) + r) * SECTORS
                for s in range(SECTORS):
                    row[at + s] *= share


@kernel
def step_vectors() -> tuple[Array, Array]:
    """The steps of the outlook (len(STEPS)·SECTORS, 2), length by length, and the rays of its sectors (SECTORS, 2)."""
    rays = np.empty((SECTORS, 2))
    steps = np.empty((len(STEPS) * SECTORS, 2))
    for s in range(SECTORS):
        angle = 2.0 * math.pi * s / SECTORS
        rays[s, 0], rays[s, 1] = math.cos(angle), math.sin(angle)
    for k in range(len(STEPS)):
        for s in range(SECTORS):
            steps[k * SECTORS + s, 0] = STEPS[k] * rays[s, 0]
            steps[k * SECTORS + s, 1] = STEPS[k] * rays[s, 1]
    return steps, rays


@kernel
def observe_outlook_rows(p: "Perceptions", speed: float, out: Array) -> None:
    """Fill ``out`` (B, OUTLOOK_SIZE): motion and neighbours as in ``polar``; then the outlook.

    The outlook is the marginal coverage here (cells within half an avoid distance that no neighbour covers, as a share
    of what a disc can hold), the change of it after each step, and the free cells of the two far rings by direction, as
    a share of the same.
    """
    steps, rays = step_vectors()
    count = len(STEPS) * SECTORS
    start = 6 + 5 * NEIGHBOURS
    for b in range(out.shape[0]):
        row = out[b]
        row[:] = 0.0
        avoid = p.avoid[b]
        observe_motion(p, b, speed, row)
        weight = p.cell_weight[b] * (p.pitch[b] / avoid) ** 2 / (0.25 * math.pi)  # of one cell in a full disc
        for k in range(p.cell_count[b]):
            if p.states[b, k] == OTHERS:
                continue
            x, y = p.cells[b, k, 0] / avoid, p.cells[b, k, 1] / avoid
            square = x * x + y * y
            if square <= 0.25:
                row[start] += weight
            if square <= (0.5 + STEPS[-1]) ** 2:
                for s in range(count):
                    dx, dy = x - steps[s, 0], y - steps[s, 1]
                    if dx * dx + dy * dy <= 0.25:
                        row[start + 1 + s] += weight
            if square > 0.49:
                near = square < (0.5 * (FAR_RINGS[0] + FAR_RINGS[1])) ** 2
                at = start + 1 + count + (0 if near else SECTORS)
                length = math.sqrt(square)
                for s in range(SECTORS):
                    # weight falls linearly from the sector's ray to its neighbours' rays, in the cosine
                    along = (x * rays[s, 0] + y * rays[s, 1]) / length
                    share = (along - math.cos(2.0 * math.pi / SECTORS)) / (1.0 - math.cos(2.0 * math.pi / SECTORS))
                    if share > 0.0:
                        row[at + s] += weight * share
        for s in range(count):
            row[start + 1 + s] -= row[start]


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
