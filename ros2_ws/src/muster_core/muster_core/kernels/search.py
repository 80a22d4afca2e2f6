"""Local search on one's own marginal coverage, once everybody around has come to rest."""

import math
from typing import TYPE_CHECKING

from muster_core.kernel import leaf_kernel
from muster_core.kernels.control import clip
from muster_core.kernels.sensing import OTHERS
from muster_core.types import Array, Integers

if TYPE_CHECKING:
    from muster_core.scene import Perceptions

CALM_STEPS = 10
"""So many decisions in a row must be calm before a robot searches."""
RINGS, SPOKES = 5, 8
"""Displacements tried: RINGS lengths up to the step in SPOKES directions, 40 in all."""
TURN = 2.399963229728653
"""Golden angle [rad]: by so much directions are turned from ring to ring and trial to trial."""
MEMORY = 6
"""Numbers kept of each robot: calm decisions, searching, goal x, goal y [m; world], step [avoid], wait [decisions]."""


@leaf_kernel
def marginal_cells(p: "Perceptions", b: int, x: float, y: float) -> float:
    """How many cells robot ``b`` would cover alone, moved by (x, y) [m], were nobody else to move.

    −1 where it would leave the shape. Cells count the less, down to nothing, over the last tenth of the disc's radius,
    so that a move that only brings cells off the rim is seen to gain.
    """
    reach = 0.5 * p.avoid[b]
    near = 0.9 * math.sqrt(0.5 * p.cell_weight[b]) * p.pitch[b]  # not so close to the edge that it may drift out
    inside, total = False, 0.0
    for k in range(p.cell_count[b]):
        dx, dy = p.cells[b, k, 0] - x, p.cells[b, k, 1] - y
        square = dx * dx + dy * dy
        if square < near * near:
            inside = True
        if square < reach * reach and p.states[b, k] != OTHERS:
            total += 1.0 + 0.1 * (1.0 - math.sqrt(square) / reach)
    return total * p.cell_weight[b] if inside else -1.0


@leaf_kernel
def best_displacement(p: "Perceptions", b: int, step: float, phase: float) -> tuple[float, float, float]:
    """Of `RINGS` x `SPOKES` displacements up to ``step`` [m] the one that gains most, and its gain [cells]."""
    here = marginal_cells(p, b, 0.0, 0.0)
    best_x, best_y, best = 0.0, 0.0, 0.0
    for ring in range(RINGS):
        length = step * (ring + 1) / RINGS
        for spoke in range(SPOKES):
            angle = phase + TURN * ring + 2.0 * math.pi * spoke / SPOKES
            x, y = length * math.cos(angle), length * math.sin(angle)
            gain = marginal_cells(p, b, x, y) - here
            if gain > best + 1e-9:
                best_x, best_y, best = x, y, gain
    return best_x, best_y, best


@leaf_kernel
def fastest_around(p: "Perceptions", b: int) -> float:
    """Largest speed among the robot and its neighbours [m/s]."""
    vx, vy = p.velocity[b, 0], p.velocity[b, 1]
    most = vx * vx + vy * vy
    for k in range(p.neighbour_count[b]):
        x, y = p.neighbours[b, k, 2] + vx, p.neighbours[b, k, 3] + vy
        most = max(most, x * x + y * y)
    return math.sqrt(most)


@leaf_kernel
def search_rows(
    p: "Perceptions", rows: Integers, positions: Array, speed: float, gains: Array, memory: Array, out: Array
) -> None:
    """Let robots that have come to rest search, and replace what ``out`` says for them.

    A robot is calm while it is inside and nobody around is faster than gains[0]. After `CALM_STEPS` calm decisions it
    tries displacements; the best one that gains own cells becomes its goal. Without a gain the step shrinks, from
    gains[2] by the factor gains[3]; below a tenth it starts again, for neighbours may have made room since. Whoever
    leaves the shape, or sees somebody faster than gains[1], goes with the flow again.

    Args:
        p: ``Perceptions``.
        rows: (B, 2) environment and robot.
        positions: (E, N, 2) [m; world].
        speed: Speed limit [m/s].
        gains: (7,) calm speed, flow speed [both in speed limits], first step [avoid], its shrinking, stiffness
            [accelerations per avoid distance], damping, decisions between trials.
        memory: (E, N, `MEMORY`), zero at the start of an episode.
        out: (B, 2), what the flow wants; changed.
    """
    for b in range(rows.shape[0]):
        e, i = rows[b, 0], rows[b, 1]
        own = memory[e, i]
        x, y, avoid = positions[e, i, 0], positions[e, i, 1], p.avoid[b]
        fastest = fastest_around(p, b) / speed
        if own[1] == 0.0:
            own[0] = own[0] + 1.0 if p.inside[b] and fastest < gains[0] else 0.0
            if own[0] < CALM_STEPS:
                continue
            own[1], own[2], own[3], own[4] = 1.0, x, y, gains[2]
            own[5] = (5.0 * i) % max(1.0, math.floor(gains[6]))  # neighbours rarely move at the same time
        elif not p.inside[b] or fastest > gains[1]:
            own[0], own[1] = 0.0, 0.0
            continue
        own[5] -= 1.0
        if own[5] <= 0.0:
            own[5] = max(1.0, math.floor(gains[6]))
            dx, dy, gain = best_displacement(p, b, own[4] * avoid, TURN * own[0])
            own[0] += 1.0
            if gain > 0.0:
                own[2], own[3] = x + dx, y + dy
            else:
                own[4] = own[4] * gains[3] if own[4] > 0.1 * gains[2] else gains[2]
        vx, vy = p.velocity[b, 0] / speed, p.velocity[b, 1] / speed
        out[b, 0] = clip(gains[4] * (own[2] - x) / avoid - gains[5] * vx)
        out[b, 1] = clip(gains[4] * (own[3] - y) / avoid - gains[5] * vy)
