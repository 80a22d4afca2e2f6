"""Fair starts: where the shape lies and where the robots of an episode stand, drawn from its seed alone."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from muster_core.control_step import MARGIN, ControlStep, Limits
from muster_core.errors import MusterError
from muster_core.robot import Arena
from muster_core.shape import Shape
from muster_core.types import Array
from muster_sim.catalogue import PROCEDURAL
from muster_sim.contract import PERIOD
from muster_sim.kernels.starts import accept_points, stoppable_speeds
from muster_sim.procedural import procedural_shape
from muster_sim.randomisation import draw_conditions

if TYPE_CHECKING:
    from muster_sim.assembly import AssemblyConfig


@dataclass(frozen=True)
class Start:
    """How one episode begins."""

    shape: Shape
    """The shape at its pose."""
    positions: Array
    """(N, 2) [m; world]."""
    velocities: Array
    """(N, 2) [m/s; world]."""


def draw_episode(seed: int, shapes: dict[str, Shape], config: "AssemblyConfig", name: str | None = None) -> Start:
    """Draw an episode as LAMARL does, with its faults mended: the shape lies in the arena, robots start apart.

    Rotation U(-π, π), offset U(±1.4 m)² as far as the shape stays inside; robots uniform in the arena or in a 2 m box
    (a larger one for teams of more than a hundred), at least two diameters apart; velocities U(±0.5 m/s)², as far as
    everybody can still stop.

    Args:
        seed: Everything drawn follows from it.
        shapes: Shapes to choose from, by name; of no use where the task says ``procedural``.
        config: The task.
        name: Take this shape instead of choosing one.

    Raises:
        MusterError: The shape does not fit the arena, or the robots do not.
    """
    generator = np.random.default_rng(seed)
    if config.shapes == (PROCEDURAL,):
        asked = procedural_shape(seed, config.height, config.cells)
        asked.check_team(config.robots, config.robot.radius)
    else:
        chosen = str(generator.choice(sorted(shapes)))
        asked = shapes[name or chosen]
    shape = place_shape(asked, config.arena, generator)
    half = np.array([config.arena.half_width, config.arena.half_height]) - config.robot.radius - 2 * MARGIN
    low, high, gap = -half, half, 4.0 * config.robot.radius
    if generator.random() < 0.5:
        # Discs thrown at random fill 0.55 of an area at most; here they fill 0.39 of it.
        box = np.minimum(max(1.0, gap * np.sqrt(config.robots / 2)), half)
        centre = generator.uniform(-(half - box), half - box)
        low, high = centre - box, centre + box
    positions = spaced_points(config.robots, low, high, gap, generator)
    limits = ControlStep(config.robot, config.arena, config.sensing, PERIOD).limits
    if config.randomisation is not None:
        conditions = draw_conditions(seed, config.randomisation, config.robot, config.sensing, config.robots)
        limits = conditions.limits(config.arena, config.sensing)
    velocities = generator.uniform(-0.5, 0.5, (config.robots, 2)) * min(1.0, limits.max_speed / 0.8)
    return Start(shape, positions, stoppable(positions, velocities, config, limits))


def stoppable(positions: Array, velocities: Array, config: "AssemblyConfig", limits: Limits | None = None) -> Array:
    """``velocities`` (N, 2) shortened so that nobody starts on a collision course that no brake could end.

    A robot may go as fast as two robots approaching each other over its nearest gap (or it alone over its gap to the
    wall) can still brake: otherwise an episode would count contacts that no controller could avoid. ``limits`` are
    those of the episode's robots, by default the task's.
    """
    limits = limits or ControlStep(config.robot, config.arena, config.sensing, PERIOD).limits
    allowed = np.empty(len(positions))
    stoppable_speeds(
        positions, config.arena.half_width, config.arena.half_height, limits.radius, limits.margin,
        2.0 * limits.max_speed, limits.braking, limits.reaction, allowed,
    )  # fmt: skip
    speed = np.linalg.norm(velocities, axis=1)
    slower: Array = velocities * np.minimum(1.0, allowed / np.maximum(speed, 1e-9))[:, None]
    return slower


def place_shape(shape: Shape, arena: Arena, generator: np.random.Generator, reach: float = 1.4) -> Shape:
    """``shape`` at a random pose with every cell in the arena.

    Raises:
        MusterError: It is larger than the arena.
    """
    yaw = generator.uniform(-np.pi, np.pi)
    room = room_around(shape.moved(0.0, 0.0, yaw), arena)
    x, y = generator.uniform(-np.minimum(room, reach), np.minimum(room, reach))
    return shape.moved(float(x), float(y), float(yaw))


def pulled_in(shape: Shape, arena: Arena) -> Shape:
    """``shape`` moved just so far that every cell lies in the arena.

    Raises:
        MusterError: It is larger than the arena.
    """
    room = room_around(shape.moved(0.0, 0.0, shape.yaw), arena)
    x, y = np.clip(shape.centre, -room, room)
    return shape.moved(float(x), float(y), shape.yaw)


def room_around(centred: Shape, arena: Arena) -> Array:
    """How far a shape with its centre at the origin may be moved along x and y within the arena, (2,) [m].

    Raises:
        MusterError: It is larger than the arena.
    """
    room: Array = np.array([arena.half_width, arena.half_height]) - np.abs(centred.cells).max(axis=0) - centred.pitch
    if (room < 0).any():
        raise MusterError(f"The shape is {-2 * room.min():.2f} m too large for the arena; make it smaller")
    return room


def spaced_points(count: int, low: Array, high: Array, gap: float, generator: np.random.Generator) -> Array:
    """``count`` uniform points (count, 2) in the box ``low`` … ``high`` [m], at least ``gap`` [m] apart.

    Raises:
        MusterError: They do not fit by trial.
    """
    points, found = np.zeros((count, 2)), 0
    rows, columns = (int(n) for n in np.ceil((high - low) * (math.sqrt(2.0) / gap))[::-1] + 1)
    squares = np.zeros((rows, columns), np.int64)
    for _ in range(1000):
        # As many candidates as are missing: each is needed, so the generator is left as if drawn one by one.
        candidates = low + (high - low) * generator.random((count - found, 2))
        found = accept_points(candidates, low, gap, points, found, squares)
        if found == count:
            return points
    raise MusterError(
        f"{count} robots at least {gap:.2f} m apart do not fit a box of {(high - low).round(2).tolist()} m; "
        "take fewer or smaller robots"
    )
