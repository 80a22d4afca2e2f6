"""The control step for environments whose robots differ: each environment's rows with the limits of its own robots."""

import math
from typing import TYPE_CHECKING

import numpy as np

from muster_core.control_step import Limits
from muster_core.kernel import kernel
from muster_core.kernels.safety import brake
from muster_core.types import AnyArray, Array, Integers
from muster_sim.kernels.passes import command_pass

if TYPE_CHECKING:
    from muster_core.scene import SceneArrays


@kernel
def command_each(
    rows: Integers,
    scene: "SceneArrays",
    radius: Array,
    bounds: Array,
    limits: "Limits",
    each: Array,
    stale_after: float,
    work: Array,
    actions: Array,
    desired: Array,
    activity: AnyArray,
    intrusiveness: Array,
    filter_active: AnyArray,
    commands: Array,
) -> None:
    """As :func:`muster_sim.kernels.passes.command_pass`, which says what else is here, environment by environment.

    A robot whose own pose is too old brakes, as its pilot would. (``limits`` only makes numba compile anew when
    ``Limits`` changes: what counts is ``each``.)

    Args:
        rows: (E·N, 2), in order.
        scene: Who is where, as measured.
        radius: (E,) sensing radius [m].
        bounds: Of the arena.
        limits: Of any robot.
        each: (E, fields) the ``Limits`` of each environment's robots, in their order.
        stale_after: Age of the own pose beyond which a robot brakes [s].
        work: Scratch of the filter.
        actions: Accelerations (E·N, 2) in [-1, 1].
        desired: Receives (E·N, 2).
        activity: Receives (E·N,).
        intrusiveness: Receives (E·N,).
        filter_active: Receives (E·N,).
        commands: Receives (E·N, 2); may be ``scene.issued``.
    """
    robots = scene.positions.shape[1]
    ramp = np.zeros((robots, 2))
    for e in range(scene.positions.shape[0]):
        m = each[e]
        own = Limits(m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], m[9])
        b, end = e * robots, (e + 1) * robots
        for i in range(robots):
            ramp[i, 0], ramp[i, 1] = brake(scene.issued[e, i, 0], scene.issued[e, i, 1], own.hard_braking * own.period)
        command_pass(
            rows[b:end], scene, radius, bounds, own, work, actions[b:end], desired[b:end], activity[b:end],
            intrusiveness[b:end], filter_active[b:end], commands[b:end],
        )  # fmt: skip
        for i in range(robots):
            if scene.ages[e, i] > stale_after:
                commands[b + i, 0], commands[b + i, 1] = ramp[i, 0], ramp[i, 1]
                filter_active[b + i] = True
                dx, dy = ramp[i, 0] - desired[b + i, 0], ramp[i, 1] - desired[b + i, 1]
                intrusiveness[b + i] = math.sqrt(dx * dx + dy * dy) / own.max_speed
