"""What every simulated world offers: batches of swarms that take velocity commands and show where the robots are.

A world knows nothing of shapes, observations or rewards. To add one, write a file with a class that follows
:class:`World` and name it in ``WORLDS``.
"""

import importlib
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from muster_core.errors import MusterError, unknown
from muster_core.robot import Arena, RobotModel
from muster_core.types import Array, Integers, Mask

WORLDS: dict[str, str] = {
    "bullet": "muster_sim.bullet:BulletWorld",
    "kinematic": "muster_sim.kinematic:KinematicWorld",
}
"""World's name → module and class; imported when first asked for, so that pictures need no physics engine."""


@dataclass(frozen=True)
class Bases:
    """What the bases of one environment are like, as far as it may differ from episode to episode."""

    lag: float
    """Time constant with which they follow a command [s]."""
    delay: float
    """Time before a command begins to act [s]; rounded to whole substeps."""
    max_speed: float
    """Faster commands are shortened to it [m/s]; at most the world's robot model's."""
    masses: Array
    """Of each robot, shape (N,) [kg]: who gives way when two press against each other. Usually all 1."""


@runtime_checkable
class World(Protocol):
    """E environments of N robots each, stepped together; SI units, world frame (ENU).

    The state arrays are updated in place by ``reset``, ``reset_environment`` and ``step``: copy what must stay.
    """

    environments: int
    """Number of independent swarms E."""
    robots: int
    """Robots in each swarm N."""
    robot_model: RobotModel
    """The kind of robot, the same everywhere."""
    arena: Arena
    """The rectangle whose edge is a wall."""
    dt: float
    """Time that one ``step`` advances [s]."""
    positions: Array
    """True positions of the steered points. Shape: (E, N, 2) [m; world]."""
    velocities: Array
    """True velocities of the steered points. Shape: (E, N, 2) [m/s; world]."""
    yaw: Array
    """True headings. Shape: (E, N) [rad; world]."""
    contacts: Integers
    """Contacts between robots that began since the environment's reset. Shape: (E,)."""
    minimum_clearance: Array
    """Smallest gap between two robots' discs since the reset, negative when pressed together. Shape: (E,) [m]."""

    def reset(self, seeds: Integers, positions: Array, velocities: Array) -> None:
        """Begin anew everywhere.

        Args:
            seeds: What the world draws by itself follows from these. Shape: (E,).
            positions: Shape: (E, N, 2) [m; world].
            velocities: Shape: (E, N, 2) [m/s; world].

        Raises:
            MusterError: A shape does not fit, a value is not finite, robots overlap, are too fast or not in the arena.
        """

    def reset_environment(self, environment: int, seed: int, positions: Array, velocities: Array) -> None:
        """Begin anew in one environment; the others stay as they are.

        Args:
            environment: Which one, 0 ≤ environment < E.
            seed: As in ``reset``.
            positions: Shape: (N, 2) [m; world].
            velocities: Shape: (N, 2) [m/s; world].

        Raises:
            MusterError: As in ``reset``.
        """

    def equip(self, environment: int, bases: Bases) -> None:
        """Give one environment other bases than the robot model's, from its next reset on.

        Raises:
            MusterError: They are faster than the robot model, or have a lag, delay or mass that no base has here.
        """

    def halt(self, environment: int, halted: Mask) -> None:
        """Choose which robots' bases take no command: they brake to a standstill, and can still be pushed.

        A reset frees them all.

        Args:
            environment: Which one.
            halted: Shape: (N,).
        """

    def step(self, commands: Array) -> None:
        """Advance ``dt`` while every robot's base follows its command; updates the state arrays.

        Args:
            commands: Velocity of the steered point. Shape: (E, N, 2) [m/s; world].

        Raises:
            MusterError: The shape does not fit or a command is not finite; nothing has moved then.
        """

    def close(self) -> None:
        """Give back what the world holds; may be called twice."""


def make_world(
    name: str,
    environments: int,
    robots: int,
    robot_model: RobotModel,
    arena: Arena,
    **settings: Any,  # noqa: ANN401
) -> World:
    """Build the world called ``name``.

    Args:
        name: One of ``WORLDS``.
        environments: Number of swarms, at least 1.
        robots: Robots in each, at least 1.
        robot_model: The kind of robot.
        arena: Its edge is a wall.
        settings: What only this world takes (see its constructor).

    Raises:
        MusterError: No such world (the message lists them), or the world refuses the arguments.
    """
    if name not in WORLDS:
        raise unknown("world", name, sorted(WORLDS))
    module, _, attribute = WORLDS[name].partition(":")
    build = getattr(importlib.import_module(module), attribute)
    world: World = build(environments, robots, robot_model, arena, **settings)
    return world


def checked(name: str, values: object, shape: tuple[int, ...], unit: str) -> Array:
    """``values`` as a float64 array of the given shape, all finite.

    Raises:
        MusterError: Names what is wrong with ``name`` and, for a value, where it stands.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise MusterError(f"{name} are not numbers [{unit}] of shape {shape}: {error}") from error
    if array.shape != shape:
        raise MusterError(f"{name} have shape {array.shape}; this world takes {shape} [{unit}]")
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise MusterError(f"{name}{list(where)} is {array[where]}; it must be a finite number [{unit}]")
    return array
