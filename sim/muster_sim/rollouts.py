"""Whole episodes under a controller, and the figures that describe them, as the design defines figures."""

from dataclasses import dataclass

import numpy as np

from muster_core.controllers import Controller
from muster_core.layout import best_layout, raise_best
from muster_core.metrics import (
    area_coverage,
    convergence_time,
    coverage,
    entering_rate,
    spacing_variation,
    time_bound,
    voronoi_variance,
)
from muster_core.shape import Shape
from muster_core.types import Array, Integers, Mask
from muster_sim.assembly import ShapeAssembly
from muster_sim.contract import PERIOD
from muster_sim.starts import Start

SETTLED = 20
"""Steps at the end over which settled figures are averaged: 2 s."""
SHORTEST_BOUND = 1.0
"""Episodes whose time bound is shorter [s] say nothing about the way and are left out of the optimality gap."""


@dataclass(frozen=True)
class Rollout:
    """One episode."""

    shape: Shape
    """What was to be formed."""
    positions: Array
    """(T+1, N, 2) from the start to after the last step [m; world]."""
    contacts: int
    """Contacts between robots."""
    minimum_clearance: float
    """Smallest gap between two robots [m]."""
    intrusiveness: float
    """Mean ‖u_safe − u‖/max_speed."""
    filter_share: float
    """Share of commands that the safety filter changed."""
    filter_active: Mask | None = None
    """(T, N) which robot's command it changed at which step; None where nobody kept it."""


def fly(environment: ShapeAssembly, controller: Controller, starts: list[Start], seeds: Integers) -> list[Rollout]:
    """Fly one episode per environment from ``starts``, ``episode_steps`` long."""
    environment.place(
        [s.shape for s in starts],
        np.stack([s.positions for s in starts]),
        np.stack([s.velocities for s in starts]),
        seeds,
    )
    steps, count, robots = environment.episode_steps, environment.environments, environment.agents
    positions = np.empty((count, steps + 1, robots, 2))
    positions[:, 0] = environment.world.positions
    intrusion, active = np.zeros(count), np.zeros((count, steps, robots), dtype=bool)
    for t in range(steps):
        environment.advance(controller.act(environment.perceptions, environment.scene, environment.rows))
        positions[:, t + 1] = environment.world.positions
        intrusion += environment.intrusiveness.reshape(count, robots).mean(axis=1)
        active[:, t] = environment.filter_active.reshape(count, robots)
    world = environment.world
    return [
        Rollout(
            start.shape, positions[e], int(world.contacts[e]), float(world.minimum_clearance[e]),
            float(intrusion[e]) / steps, float(active[e].mean()), active[e],
        )
        for e, start in enumerate(starts)
    ]  # fmt: skip


def describe(rollout: Rollout, max_speed: float, max_acceleration: float) -> dict[str, float]:
    """The figures of one episode; times that were not reached are infinite, gaps that do not count are NaN."""
    shape, robots = rollout.shape, rollout.positions.shape[1]
    best = best_layout(shape, robots)
    covered = np.array([coverage(p, shape, robots) for p in rollout.positions[1:]])
    peak = int(covered.argmax())
    if covered[peak] > best.coverage:
        best = raise_best(shape, robots, rollout.positions[1 + peak])
    inside = np.array([entering_rate(p, shape) for p in rollout.positions[1:]])
    settled = rollout.positions[-SETTLED:]
    time = convergence_time(inside, covered / best.coverage, PERIOD)
    bound = time_bound(rollout.positions[0], shape.to_world(best.points), max_speed, max_acceleration)
    return {
        "coverage": float(covered[-SETTLED:].mean()),
        "coverage_best": best.coverage,
        "coverage_normalised": float(covered[-SETTLED:].mean()) / best.coverage,
        "area_coverage": float(np.mean([area_coverage(p, shape, robots) for p in settled])),
        "entering_rate": float(inside[-SETTLED:].mean()),
        "voronoi_variance": float(np.mean([voronoi_variance(p, shape) for p in settled])),
        "spacing_variation": float(np.mean([spacing_variation(p) for p in settled])),
        "convergence_time_s": time,
        "time_bound_s": bound,
        "optimality_gap": time / bound if bound >= SHORTEST_BOUND else float("nan"),
        "contacts": float(rollout.contacts),
        "robot_steps": float(robots * (len(rollout.positions) - 1)),
        "minimum_clearance_m": rollout.minimum_clearance,
        "intrusiveness": rollout.intrusiveness,
        "filter_share": rollout.filter_share,
    }
