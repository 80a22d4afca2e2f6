"""What a robot is paid for, from its own perception alone: LAMARL's published reward and marginal coverage."""

import math
from typing import TYPE_CHECKING

from muster_core.kernel import leaf_kernel
from muster_core.kernels.control import exploration
from muster_core.kernels.sensing import MINE
from muster_core.types import Array

if TYPE_CHECKING:
    from muster_core.scene import Perceptions

UNIFORM_WITHIN = 0.05 / 0.26  # the published 0.05 m at the published avoid distance of 0.26 m


@leaf_kernel
def published_rows(p: "Perceptions", out: Array) -> None:
    """LAMARL's reward, 1 when all hold, else 0: inside, no neighbour within the avoid distance, free cells balanced.

    Balanced: the ψ-weighted mean of the free cells in sight is nearer than 0.05 m (at an avoid distance of 0.26 m).
    With no free cell in sight the reward is 0, as published.
    """
    for b in range(out.shape[0]):
        out[b] = 0.0
        if not p.inside[b]:
            continue
        free = False
        for k in range(p.cell_count[b]):
            if p.states[b, k] == 0:
                free = True
                break
        if not free:
            continue
        crowded = False
        for k in range(p.neighbour_count[b]):
            dx, dy = p.neighbours[b, k, 0], p.neighbours[b, k, 1]
            if dx * dx + dy * dy < p.avoid[b] * p.avoid[b]:
                crowded = True
                break
        if crowded:
            continue
        x, y = exploration(p, b)
        if math.sqrt(x * x + y * y) < UNIFORM_WITHIN:
            out[b] = 1.0


@leaf_kernel
def marginal_rows(p: "Perceptions", out: Array) -> None:
    """Marginal coverage: the cells that I alone cover as a share of what my disc can hold, 0 … 1; 0 outside the shape.

    The sum over the team rises exactly with the number of cells covered once, so no robot is paid for another's cells.
    """
    states, counts, weights, avoid, pitch, inside = p.states, p.cell_count, p.cell_weight, p.avoid, p.pitch, p.inside
    for b in range(out.shape[0]):
        mine = 0
        for k in range(counts[b]):
            mine += states[b, k] == MINE
        per_disc = math.pi * 0.25 * avoid[b] * avoid[b] / (pitch[b] * pitch[b])
        out[b] = min(mine * weights[b] / per_disc, 1.0) if inside[b] else 0.0
