"""To the nearest free cell by optimal reciprocal collision avoidance (van den Berg et al., ISRR 2011)."""

import math
from typing import TYPE_CHECKING

import numpy as np

from muster_core.kernel import kernel, leaf_kernel
from muster_core.kernels.control import clip
from muster_core.kernels.projection import project
from muster_core.kernels.sensing import FREE
from muster_core.types import Array

if TYPE_CHECKING:
    from muster_core.scene import Perceptions

BISECTIONS = 12
"""Halvings in the search for the least relaxation of half planes that leave no velocity."""


@leaf_kernel
def nearest_free(p: "Perceptions", b: int) -> tuple[float, float, float]:
    """Offset of the nearest free cell in sight and its distance [m]; of the shape while outside; else (0, 0, 0)."""
    if not p.inside[b]:
        x, y = p.target[b, 0], p.target[b, 1]
        return x, y, math.sqrt(x * x + y * y)
    x, y, nearest = 0.0, 0.0, math.inf
    for k in range(p.cell_count[b]):
        if p.states[b, k] == FREE:
            dx, dy = p.cells[b, k, 0], p.cells[b, k, 1]
            square = dx * dx + dy * dy
            if square < nearest:
                x, y, nearest = dx, dy, square
    return (x, y, math.sqrt(nearest)) if nearest < math.inf else (0.0, 0.0, 0.0)


@leaf_kernel
def reciprocal_plane(
    px: float, py: float, vx: float, vy: float, distance: float, horizon: float, period: float
) -> tuple[float, float, float, float]:
    """The half plane of velocities that one of two robots may take: unit normal, and the change u to be shared.

    Args:
        px: Place of the other relative to this robot, x [m].
        py: The same, y [m].
        vx: Velocity of this robot relative to the other, x [m/s].
        vy: The same, y [m/s].
        distance: They shall come no nearer [m].
        horizon: For so long [s].
        period: Where they are nearer already, within this time [s].
    """
    square, apart = px * px + py * py, distance * distance
    overlapping = square <= apart
    rate = 1.0 / (period if overlapping else horizon)
    wx, wy = vx - rate * px, vy - rate * py
    length = max(math.sqrt(wx * wx + wy * wy), 1e-9)
    along = wx * px + wy * py
    if overlapping or (along < 0.0 and along * along > apart * length * length):
        nx, ny = wx / length, wy / length
        gap = distance * rate - length
        return nx, ny, gap * nx, gap * ny
    leg = math.sqrt(square - apart)
    if px * wy - py * wx > 0.0:
        dx, dy = (px * leg - py * distance) / square, (px * distance + py * leg) / square
    else:
        dx, dy = -(px * leg + py * distance) / square, (px * distance - py * leg) / square
    onto = vx * dx + vy * dy
    return -dy, dx, onto * dx - vx, onto * dy - vy


@leaf_kernel
def least_relaxed(wx: float, wy: float, lines: Array, count: int, discs: Array, most: float) -> tuple[float, float]:
    """The velocity nearest to (wx, wy) after the half planes were moved back by as little as leaves any at all.

    The paper's three-dimensional linear program, by bisection. Changes the bounds of ``lines``.
    """
    low, high, moved = 0.0, most, 0.0
    x, y = 0.0, 0.0
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        for k in range(count):
            lines[k, 2] += moved - middle
        moved = middle
        vx, vy, found = project(wx, wy, lines, count, discs)
        if found:
            x, y, high = vx, vy, middle
        else:
            low = middle
    return x, y


@kernel
def orca_rows(p: "Perceptions", speed: float, gains: Array, period: float, out: Array) -> None:
    """Preferred velocity to the nearest free cell, made reciprocally safe and followed by acceleration.

    Args:
        p: ``Perceptions``.
        speed: Speed limit [m/s].
        gains: (4,) speed of the approach [speed limits per avoid distance], distance to keep [avoid], horizon
            [avoid distances at the speed limit], following.
        period: Time between two decisions [s].
        out: (B, 2).
    """
    lines = np.empty((p.neighbours.shape[1], 3))
    discs = np.zeros((2, 3))
    discs[:, 2] = speed
    for b in range(out.shape[0]):
        avoid, own_x, own_y = p.avoid[b], p.velocity[b, 0], p.velocity[b, 1]
        gx, gy, away = nearest_free(p, b)
        wanted = speed * min(1.0, gains[0] * away / avoid) / max(away, 1e-9)
        count = p.neighbour_count[b]
        for k in range(count):
            nx, ny, ux, uy = reciprocal_plane(
                p.neighbours[b, k, 0],
                p.neighbours[b, k, 1],
                -p.neighbours[b, k, 2],
                -p.neighbours[b, k, 3],
                gains[1] * avoid,
                gains[2] * avoid / speed,
                period,
            )
            lines[k, 0], lines[k, 1] = nx, ny
            lines[k, 2] = nx * (own_x + 0.5 * ux) + ny * (own_y + 0.5 * uy)
        vx, vy, found = project(wanted * gx, wanted * gy, lines, count, discs)
        if not found:
            vx, vy = least_relaxed(wanted * gx, wanted * gy, lines, count, discs, 4.0 * speed + avoid / period)
        out[b, 0] = clip(gains[3] * (vx - own_x) / speed)
        out[b, 1] = clip(gains[3] * (vy - own_y) / speed)
