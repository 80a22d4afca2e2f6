"""What all robots of many environments do and see in a step, environment by environment in few large calls.

These string the robots' own kernels together; they decide nothing. A block of rows goes through sensing, observation,
reward and prior while what it saw is still in the processor's cache.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from muster_core.kernel import kernel, leaf_kernel
from muster_core.kernels.control import coverage_rows, desired_rows, expert_rows, prior_rows
from muster_core.kernels.observation import (
    Desk,
    new_desk,
    observe_lamarl_rows,
    observe_set_rows,
    write_polar,
    write_polar_free,
)
from muster_core.kernels.reward import marginal_rows, published_rows
from muster_core.kernels.safety import FREE_MOTION, filter_rows
from muster_core.kernels.sensing import BLOCK, look_around, new_sight, sense_block
from muster_core.types import AnyArray, Array, Integers

if TYPE_CHECKING:
    from muster_core.kernels.limits import Limits
    from muster_core.scene import Lattices, Perceptions, SceneArrays

LAYOUTS = ("polar-1", "lamarl-1", "polar-free-1", "set-1")
"""Observation layouts that :func:`look_pass` knows, by their place here."""
REWARDS = ("published", "marginal")
"""Rewards, likewise."""
PRIORS = ("prior", "expert", "coverage")
"""Controllers, likewise."""


class Choice(NamedTuple):
    """Which of the above, by place; -1 for a prior that is none of them and is not worked out."""

    layout: int
    """In LAYOUTS."""
    reward: int
    """In REWARDS."""
    prior: int
    """In PRIORS."""


@leaf_kernel
def observe_chosen(layout: int, p: "Perceptions", speed: float, desk: Desk, out: AnyArray) -> None:
    """Fill ``out`` (B, size) by the layout chosen, with ``desk`` to work on."""
    if layout == 0:
        write_polar(p, speed, desk, out)
    elif layout == 1:
        observe_lamarl_rows(p, speed, out)
    elif layout == 2:
        write_polar_free(p, speed, desk, out)
    else:
        observe_set_rows(p, speed, out)


@leaf_kernel
def decide_chosen(prior: int, p: "Perceptions", speed: float, gains: Array, out: Array) -> None:
    """Fill ``out`` (B, 2) by the prior chosen; ``gains`` are those of ``coverage``."""
    if prior == 0:
        prior_rows(p, speed, out)
    elif prior == 1:
        expert_rows(p, speed, out)
    elif prior == 2:
        coverage_rows(p, speed, gains, out)


@kernel
def look_pass(
    rows: Integers,
    scene: "SceneArrays",
    lattices: "Lattices",
    avoid: Array,
    radius: Array,
    choice: Choice,
    speed: float,
    gains: Array,
    p: "Perceptions",
    observations: AnyArray,
    rewards: Array,
    priors: Array,
) -> None:
    """Sense, observe, reward and prior for all ``rows`` (E·N, 2), which stand in order.

    Args:
        rows: Environment and robot.
        scene: Who is where.
        lattices: The shapes.
        avoid: (E,) avoid distance [m].
        radius: (E,) sensing radius [m].
        choice: What to work out.
        speed: Speed limit [m/s].
        gains: Of the ``coverage`` controller.
        p: ``Perceptions`` of BLOCK rows, scratch.
        observations: (E·N, size) float32.
        rewards: (E·N,).
        priors: (E·N, 2).
    """
    robots = scene.positions.shape[1]
    sight = new_sight(robots, p.neighbours.shape[1], lattices, avoid, radius)
    desk = new_desk(p.cells.shape[1])
    for e in range(avoid.shape[0]):
        look_around(e, False, scene, radius[e], sight)
        for begin in range(e * robots, (e + 1) * robots, BLOCK):
            end = min(begin + BLOCK, (e + 1) * robots)
            count = end - begin
            sense_block(rows[begin:end], 0, count, scene, lattices, avoid, radius, sight, p)
            observe_chosen(choice.layout, p, speed, desk, observations[begin:end])
            if choice.reward == 0:
                published_rows(p, rewards[begin:end])
            else:
                marginal_rows(p, rewards[begin:end])
            decide_chosen(choice.prior, p, speed, gains, priors[begin:end])


@kernel
def command_pass(
    rows: Integers,
    scene: "SceneArrays",
    radius: Array,
    bounds: Array,
    limits: "Limits",
    work: Array,
    actions: Array,
    desired: Array,
    activity: AnyArray,
    intrusiveness: Array,
    filter_active: AnyArray,
    commands: Array,
) -> None:
    """From ``actions`` (E·N, 2) in [-1, 1] to safe ``commands`` (E·N, 2) [m/s], by the robots' own control step.

    Args:
        rows: (E·N, 2) environment and robot.
        scene: Who is where.
        radius: (E,) sensing radius [m].
        bounds: Of the arena, as the filter takes them.
        limits: ``Limits``.
        work: Scratch of the filter.
        actions: Accelerations.
        desired: (E·N, 2) receives the velocities before the filter [m/s].
        activity: (E·N,) receives what the filter did.
        intrusiveness: (E·N,) receives ‖u_safe − u‖/max_speed.
        filter_active: (E·N,) receives whether the filter changed anything.
        commands: Receives the velocities after the filter.
    """
    desired_rows(rows, scene, limits, actions, desired)
    filter_rows(rows, scene, radius, bounds, limits, desired, work, commands, activity)
    for b in range(rows.shape[0]):
        dx, dy = commands[b, 0] - desired[b, 0], commands[b, 1] - desired[b, 1]
        intrusiveness[b] = np.sqrt(dx * dx + dy * dy) / limits.max_speed
        filter_active[b] = activity[b] != FREE_MOTION
