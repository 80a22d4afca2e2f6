"""Hand-written controllers of one robot: the published prior, the published expert, and marginal coverage.

Each maps row b of ``Perceptions`` to an acceleration in units of the largest one, every component clipped to [-1, 1].
Lengths inside are divided by the avoid distance and speeds by the speed limit, so one set of gains serves every robot.
The published gains of the first two are LAMARL's, for 0.26 m and 0.8 m/s (arXiv 2506.01538 and its public code).
"""

import math
from typing import TYPE_CHECKING

from muster_core.kernel import leaf_kernel
from muster_core.kernels.sensing import FREE, OTHERS
from muster_core.types import Array, Integers

if TYPE_CHECKING:
    from muster_core.control_step import Limits
    from muster_core.scene import Perceptions, SceneArrays

PUBLISHED_AVOID = 0.26  # [m]: at this avoid distance the published gains on metres apply as they are
PUBLISHED_SPEED = 0.8  # [m/s]
PRIOR_GAINS = (2.0, 3.0, 2.0 * PUBLISHED_SPEED)
"""Published gains of the prior: entering, repulsion, alignment."""
EXPERT_GAINS = (1.0, PUBLISHED_SPEED, 15.0 * PUBLISHED_AVOID, 17.0 * PUBLISHED_AVOID, 5.0 * PUBLISHED_SPEED)
"""Published gains of the expert: entering, damping outside the shape, exploration, repulsion, alignment."""


@leaf_kernel
def clip(value: float) -> float:
    """``value`` limited to [-1, 1]."""
    return min(max(value, -1.0), 1.0)


@leaf_kernel
def unit(dx: float, dy: float) -> tuple[float, float]:
    """(dx, dy) at length 1, or zero if it has none."""
    length = math.sqrt(dx * dx + dy * dy)
    if length < 1e-12:
        return 0.0, 0.0
    return dx / length, dy / length


@leaf_kernel
def repulsion(neighbours: Array, count: int, avoid: float, b: int) -> tuple[float, float]:
    """Sum over neighbours nearer than the avoid distance of (avoid/d − 1) times the unit vector away from them."""
    x, y = 0.0, 0.0
    for k in range(count):
        dx, dy = neighbours[b, k, 0], neighbours[b, k, 1]
        square = dx * dx + dy * dy
        if square < avoid * avoid:
            distance = max(math.sqrt(square), 1e-6)
            strength = (avoid / distance - 1.0) / distance
            x -= strength * dx
            y -= strength * dy
    return x, y


@leaf_kernel
def mean_relative_velocity(neighbours: Array, count: int, b: int, speed: float) -> tuple[float, float]:
    """Mean velocity of the neighbours relative to one's own, in units of ``speed``."""
    if count == 0:
        return 0.0, 0.0
    x, y = 0.0, 0.0
    for k in range(count):
        x += neighbours[b, k, 2]
        y += neighbours[b, k, 3]
    return x / (count * speed), y / (count * speed)


@leaf_kernel
def prior_rows(p: "Perceptions", speed: float, out: Array) -> None:
    """LAMARL's prior with its published gains."""
    tuned_prior_rows(p, speed, PRIOR_GAINS, out)


@leaf_kernel
def tuned_prior_rows(p: "Perceptions", speed: float, gains: "Array | tuple[float, ...]", out: Array) -> None:
    """LAMARL's prior: ``clip(g₀·entering + g₁·Σ(avoid/d − 1)·away + g₂·(mean neighbour velocity − own), ±1)``."""
    neighbours, counts, avoid, inside, target = p.neighbours, p.neighbour_count, p.avoid, p.inside, p.target
    for b in range(out.shape[0]):
        px, py = repulsion(neighbours, counts[b], avoid[b], b)
        ax, ay = mean_relative_velocity(neighbours, counts[b], b, speed)
        ex, ey = (0.0, 0.0) if inside[b] else unit(target[b, 0], target[b, 1])
        out[b, 0] = clip(gains[0] * ex + gains[1] * px + gains[2] * ax)
        out[b, 1] = clip(gains[0] * ey + gains[1] * py + gains[2] * ay)


@leaf_kernel
def exploration(p: "Perceptions", b: int) -> tuple[float, float]:
    """ψ-weighted mean offset of the free cells in units of the avoid distance, ψ(d) = ½(1 + cos(πd/radius)).

    Outside the shape every sensed cell counts as free, as published.
    """
    x, y, total = 0.0, 0.0, 0.0
    for k in range(p.cell_count[b]):
        if p.inside[b] and p.states[b, k] != FREE:
            continue
        dx, dy = p.cells[b, k, 0], p.cells[b, k, 1]
        weight = 0.5 * (1.0 + math.cos(math.pi * math.sqrt(dx * dx + dy * dy) / p.radius[b]))
        x += weight * dx
        y += weight * dy
        total += weight
    if total <= 0.0:
        return 0.0, 0.0
    return x / (total * p.avoid[b]), y / (total * p.avoid[b])


@leaf_kernel
def expert_rows(p: "Perceptions", speed: float, out: Array) -> None:
    """LAMARL's hand-written expert with its published gains."""
    tuned_expert_rows(p, speed, EXPERT_GAINS, out)


@leaf_kernel
def tuned_expert_rows(p: "Perceptions", speed: float, gains: "Array | tuple[float, ...]", out: Array) -> None:
    """LAMARL's hand-written expert: entering, exploration, repulsion proportional to the offset, alignment.

    ``gains`` (5,) in the order of `EXPERT_GAINS`.
    """
    for b in range(out.shape[0]):
        x, y = exploration(p, b)
        x, y = gains[2] * x, gains[2] * y
        if not p.inside[b]:
            ux, uy = unit(p.target[b, 0], p.target[b, 1])
            x += gains[0] * ux - gains[1] * p.velocity[b, 0] / speed
            y += gains[0] * uy - gains[1] * p.velocity[b, 1] / speed
        for k in range(p.neighbour_count[b]):
            dx, dy = p.neighbours[b, k, 0] / p.avoid[b], p.neighbours[b, k, 1] / p.avoid[b]
            distance = max(math.sqrt(dx * dx + dy * dy), 1e-6)
            if distance < 1.0:
                x -= gains[3] * (1.0 / distance - 1.0) * dx
                y -= gains[3] * (1.0 / distance - 1.0) * dy
        ax, ay = mean_relative_velocity(p.neighbours, p.neighbour_count[b], b, speed)
        out[b, 0] = clip(x + gains[4] * ax)
        out[b, 1] = clip(y + gains[4] * ay)


@leaf_kernel
def coverage_rows(p: "Perceptions", speed: float, gains: Array, out: Array) -> None:
    """Marginal coverage: push along the sum over the cells near the rim of one's own disc that nobody else covers.

    Moving by δ along a direction gains the cells just outside the rim and loses those just inside it, so the sum of
    their unit offsets is the gradient of one's own marginal coverage, smoothed over the width of the rim.

    Args:
        p: ``Perceptions``.
        speed: Speed limit [m/s].
        gains: (7,) rim push, rim width [avoid], entering, repulsion, alignment, damping, repulsion range [avoid].
        out: (B, 2).
    """
    for b in range(out.shape[0]):
        avoid = p.avoid[b]
        per_disc = math.pi * 0.25 * avoid * avoid / (p.pitch[b] * p.pitch[b])
        x, y = 0.0, 0.0
        for k in range(p.cell_count[b]):
            if p.states[b, k] == OTHERS:
                continue
            dx, dy = p.cells[b, k, 0], p.cells[b, k, 1]
            distance = math.sqrt(dx * dx + dy * dy)
            rim = (distance / avoid - 0.5) / gains[1]
            weight = math.exp(-rim * rim)
            if distance > 1e-9:
                x += weight * dx / distance
                y += weight * dy / distance
        push = gains[0] * p.cell_weight[b] / per_disc
        x, y = push * x, push * y
        if not p.inside[b]:
            ux, uy = unit(p.target[b, 0], p.target[b, 1])
            x += gains[2] * ux
            y += gains[2] * uy
        for k in range(p.neighbour_count[b]):
            dx, dy = p.neighbours[b, k, 0], p.neighbours[b, k, 1]
            distance = max(math.sqrt(dx * dx + dy * dy), 1e-6)
            if distance < gains[6] * avoid:
                strength = gains[3] * (gains[6] * avoid / distance - 1.0) / distance
                x -= strength * dx
                y -= strength * dy
        ax, ay = mean_relative_velocity(p.neighbours, p.neighbour_count[b], b, speed)
        out[b, 0] = clip(x + gains[4] * ax - gains[5] * p.velocity[b, 0] / speed)
        out[b, 1] = clip(y + gains[4] * ay - gains[5] * p.velocity[b, 1] / speed)


@leaf_kernel
def desired_rows(rows: Integers, scene: "SceneArrays", limits: "Limits", acceleration: Array, desired: Array) -> None:
    """Turn accelerations (B, 2) in [-1, 1] into desired velocities (B, 2) [m/s]: last command plus u·dt, limited.

    The last command is first drawn within ``limits.band`` of the measured velocity, so that a robot that was pushed
    or held does not carry on from a speed it never had.
    """
    velocities, issued = scene.velocities, scene.issued
    gain = limits.max_acceleration * limits.period
    for b in range(rows.shape[0]):
        e, i = rows[b, 0], rows[b, 1]
        vx, vy = velocities[e, i, 0], velocities[e, i, 1]
        dx, dy = issued[e, i, 0] - vx, issued[e, i, 1] - vy
        gap = math.sqrt(dx * dx + dy * dy)
        if gap > limits.band:
            dx, dy = dx * limits.band / gap, dy * limits.band / gap
        x = vx + dx + gain * clip(acceleration[b, 0])
        y = vy + dy + gain * clip(acceleration[b, 1])
        speed = math.sqrt(x * x + y * y)
        if speed > limits.max_speed:
            x, y = x * limits.max_speed / speed, y * limits.max_speed / speed
        desired[b, 0], desired[b, 1] = x, y
