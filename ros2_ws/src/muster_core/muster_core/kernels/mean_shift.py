"""Mean-shift exploration (Sun et al., Nature Communications 14:3476, 2023), its velocity followed by acceleration."""

import math
from typing import TYPE_CHECKING

from muster_core.kernel import leaf_kernel
from muster_core.kernels.control import clip, mean_relative_velocity, repulsion, unit
from muster_core.kernels.sensing import OTHERS
from muster_core.types import Array

if TYPE_CHECKING:
    from muster_core.scene import Perceptions


@leaf_kernel
def cell_means(p: "Perceptions", b: int) -> tuple[float, float, float, float]:
    """Weighted mean offsets [avoid] of all cells in sight and of those that no neighbour occupies.

    The weight is the paper's ½(1 + cos(πd/radius)).
    """
    ax, ay, all_weight = 0.0, 0.0, 0.0
    fx, fy, free_weight = 0.0, 0.0, 0.0
    for k in range(p.cell_count[b]):
        dx, dy = p.cells[b, k, 0], p.cells[b, k, 1]
        weight = 0.5 * (1.0 + math.cos(math.pi * min(math.sqrt(dx * dx + dy * dy) / p.radius[b], 1.0)))
        ax += weight * dx
        ay += weight * dy
        all_weight += weight
        if p.states[b, k] != OTHERS:
            fx += weight * dx
            fy += weight * dy
            free_weight += weight
    all_scale = 1.0 / (all_weight * p.avoid[b]) if all_weight > 0.0 else 0.0
    free_scale = 1.0 / (free_weight * p.avoid[b]) if free_weight > 0.0 else 0.0
    return ax * all_scale, ay * all_scale, fx * free_scale, fy * free_scale


@leaf_kernel
def mean_shift_rows(p: "Perceptions", speed: float, gains: Array, out: Array) -> None:
    """Velocity = entering + filling + exploring + interaction, limited to ``speed``, and followed by acceleration.

    Entering points to the nearest cell while outside; filling is the mean shift over all cells in sight, exploring
    over those that no neighbour occupies; interaction is Σ(avoid/d − 1)·away and the consensus of velocities. Where
    the paper negotiates the place of the shape, here everybody is told it.

    Args:
        p: ``Perceptions``.
        speed: Speed limit [m/s].
        gains: (6,) entering, filling, exploring, repulsion, consensus [all in speed limits], following.
        out: (B, 2).
    """
    for b in range(out.shape[0]):
        fill_x, fill_y, explore_x, explore_y = cell_means(p, b)
        away_x, away_y = repulsion(p.neighbours, p.neighbour_count[b], p.avoid[b], b)
        with_x, with_y = mean_relative_velocity(p.neighbours, p.neighbour_count[b], b, speed)
        x = gains[1] * fill_x + gains[2] * explore_x + gains[3] * away_x + gains[4] * with_x
        y = gains[1] * fill_y + gains[2] * explore_y + gains[3] * away_y + gains[4] * with_y
        if not p.inside[b]:
            enter_x, enter_y = unit(p.target[b, 0], p.target[b, 1])
            x += gains[0] * enter_x
            y += gains[0] * enter_y
        length = max(math.sqrt(x * x + y * y), 1.0)
        out[b, 0] = clip(gains[5] * (x / length - p.velocity[b, 0] / speed))
        out[b, 1] = clip(gains[5] * (y / length - p.velocity[b, 1] / speed))
