"""Whole episodes under a controller, and the figures that describe them, as the design defines figures."""

import math
from dataclasses import dataclass

import numpy as np

from muster_core.controllers import Controller
from muster_core.errors import MusterError
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
from muster_sim.events import Stage
from muster_sim.obstacles import obstacle_distance
from muster_sim.starts import Start

SETTLED = 20
"""Steps at the end over which settled figures are averaged: 2 s."""
RECOVERED_AFTER = 20.0
"""Time after an event at which a team should have recovered [s]."""
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
    stages: tuple[Stage, ...] = ()
    """What held when, if the team or the shape changed on the way; the first from step 0 on. Empty: everybody is in the
    team, and the shape stays."""
    events: tuple[int, ...] = ()
    """Steps after which something happened, rising."""
    obstacle_clearance: float = math.inf
    """Smallest gap between a robot and an obstacle after any step [m]; infinite without obstacles."""


def fly(environment: ShapeAssembly, controller: Controller, starts: list[Start], seeds: Integers) -> list[Rollout]:
    """Fly one episode per environment from ``starts``, ``episode_steps`` long.

    Raises:
        MusterError: the controller gave an acceleration that is no number.
    """
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
    flown, changes = np.zeros(count), [0]
    stages = [[environment.timeline.stage(e, 0)] for e in range(count)]
    for t in range(steps):
        flown += environment.timeline.members.sum(axis=1)
        actions = controller.act(environment.perceptions, environment.scene, environment.rows)
        if not np.isfinite(actions).all():
            raise MusterError(f"Controller {controller.name!r} gave a non-finite acceleration at step {t}")
        environment.advance(actions)
        positions[:, t + 1] = environment.world.positions
        intrusion += environment.intrusiveness.reshape(count, robots).sum(axis=1)
        active[:, t] = environment.filter_active.reshape(count, robots)
        if environment.changed:
            changes.append(t + 1)
            for e in range(count):
                stages[e].append(environment.timeline.stage(e, t + 1))
    world, eventful = environment.world, bool(environment.config.events)
    happened = tuple(sorted({event.step for event in environment.config.events if event.step <= steps}))
    return [
        Rollout(
            start.shape, positions[e], int(world.contacts[e]), float(world.minimum_clearance[e]),
            float(intrusion[e] / flown[e]), float(active[e].sum() / flown[e]), active[e],
            tuple(stages[e]) if eventful else (), happened,
            float(obstacle_distance(positions[e], environment.config.arena).min()) - environment.config.robot.radius,
        )
        for e, start in enumerate(starts)
    ]  # fmt: skip


@dataclass(frozen=True)
class Course:
    """How well a team did after each of T steps, judged by what held then."""

    coverage: Array
    """(T,) share of the cells that members of the team cover."""
    best: Array
    """(T,) the same of the best layout known for so many (M1*)."""
    entering: Array
    """(T,) share of the members that are in the shape."""
    stages: list[Stage]
    """(T) what held."""


def describe(rollout: Rollout, max_speed: float, max_acceleration: float) -> dict[str, float]:
    """The figures of one episode; times that were not reached are infinite, gaps that do not count are NaN.

    Where something happened on the way, figures are those of the members of the team and of the shape at the time, the
    time bound, which knows nothing of that, is NaN, and :func:`recovery` adds to them.
    """
    course = follow_course(rollout)
    ratio, settled = course.coverage / course.best, slice(-SETTLED, None)
    last = [
        (points[stage.members], stage.shape, int(stage.members.sum()))
        for points, stage in zip(rollout.positions[settled], course.stages[settled], strict=True)
    ]
    time, bound = convergence_time(course.entering, ratio, PERIOD), float("nan")
    if len(rollout.stages) <= 1:
        shape, team = last[0][1:]
        goals = shape.to_world(best_layout(shape, team).points)
        bound = time_bound(rollout.positions[0][course.stages[0].members], goals, max_speed, max_acceleration)
    return {
        "coverage": float(course.coverage[settled].mean()),
        "coverage_best": float(course.best[-1]),
        "coverage_normalised": float(ratio[settled].mean()),
        "area_coverage": float(np.mean([area_coverage(*moment) for moment in last])),
        "entering_rate": float(course.entering[settled].mean()),
        "voronoi_variance": float(np.mean([voronoi_variance(p, shape) for p, shape, _ in last])),
        "spacing_variation": float(np.mean([spacing_variation(p) for p, _, _ in last])),
        "convergence_time_s": time,
        "time_bound_s": bound,
        "optimality_gap": time / bound if bound >= SHORTEST_BOUND else float("nan"),
        "contacts": float(rollout.contacts),
        "robot_steps": float(sum(stage.members.sum() for stage in course.stages)),
        "minimum_clearance_m": rollout.minimum_clearance,
        "intrusiveness": rollout.intrusiveness,
        "filter_share": rollout.filter_share,
        **({"obstacle_clearance_m": gap} if math.isfinite(gap := rollout.obstacle_clearance) else {}),
        **(recovery(ratio, rollout.events[-1]) if rollout.events else {}),
    }


def follow_course(rollout: Rollout) -> Course:
    """Judge every moment of an episode; a layout better than the best known one is kept."""
    stages = stages_of(rollout)
    begins, known = np.array([stage.step for stage in stages]), {}
    after = np.arange(1, len(rollout.positions))
    of_step = np.searchsorted(begins, after, side="right") - 1
    covered, best, inside = np.zeros(len(after)), np.zeros(len(after)), np.zeros(len(after))
    for index, stage in enumerate(stages):
        team = int(stage.members.sum())
        points = rollout.positions[1:, stage.members]
        at = np.flatnonzero(of_step == index)
        if not len(at):
            continue
        covered[at] = [coverage(points[t], stage.shape, team) for t in at]
        inside[at] = [entering_rate(points[t], stage.shape) for t in at]
        key, peak = (stage.shape.digest, team), at[covered[at].argmax()]
        if key not in known:
            known[key] = best_layout(stage.shape, team).coverage
        if covered[peak] > known[key]:
            known[key] = raise_best(stage.shape, team, points[peak]).coverage
        best[at] = known[key]
    return Course(covered, best, inside, [stages[index] for index in of_step])


def stages_of(rollout: Rollout) -> tuple[Stage, ...]:
    """What held when; a single stage where nothing happened."""
    return rollout.stages or (Stage(0, rollout.shape, np.ones(rollout.positions.shape[1], np.bool_)),)


def recovery(ratio: Array, step: int) -> dict[str, float]:
    """How a team recovered from what happened after ``step`` steps.

    Args:
        ratio: Coverage/best after each step, (T,).
        step: When it happened, 0 ≤ step ≤ T.

    Returns:
        ``recovery_time_s`` and ``recovery_time_90_s``: time until coverage/best is at least 0.92 or 0.90 and stays so
        for 2 s, infinite if that does not happen; ``coverage_normalised_20_s``: coverage/best 20 s after it, mean of
        the 2 s before, NaN if the episode was over.
    """
    since, everybody_in = ratio[step:], np.ones(len(ratio) - step)
    after = round(RECOVERED_AFTER / PERIOD)
    times = {level: convergence_time(everybody_in, since, PERIOD, level) for level in (0.92, 0.90)}
    return {
        "recovery_time_s": times[0.92],
        "recovery_time_90_s": times[0.90],
        "coverage_normalised_20_s": float(since[after - SETTLED : after].mean())
        if len(since) >= after
        else float("nan"),
    }
