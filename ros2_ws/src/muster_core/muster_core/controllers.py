"""Controllers with one interface: perceptions in, accelerations out. A trained policy is one of them.

``prior`` and ``expert`` are LAMARL's; ``coverage`` is the strongest hand-written one; ``assignment`` knows everything
and is the omniscient reference; ``random`` is the floor.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from muster_core.errors import MusterError
from muster_core.kernels.control import coverage_rows, expert_rows, prior_rows
from muster_core.kernels.sensing import MEMBER
from muster_core.robot import RobotModel
from muster_core.scene import Perceptions, Scene, Sensing
from muster_core.types import Array, Integers

COVERAGE_GAINS = np.array([6.0, 0.12, 2.0, 3.0, 0.5, 2.0, 0.85])
"""Rim push, rim width [avoid], entering, repulsion, alignment, damping, repulsion range [avoid]."""


class Controller(Protocol):
    """Something that decides an acceleration for each of a batch of robots; classes of ours inherit from it."""

    name: str
    sensing: Sensing
    period: float
    """Time between two decisions [s]."""

    def act(self, perceptions: Perceptions, scene: Scene, rows: Integers) -> Array:
        """Accelerations (B, 2) in [-1, 1], in units of the largest one.

        Args:
            perceptions: What the B robots see.
            scene: The whole world, for omniscient references only.
            rows: (B, 2) environment and robot of each row.
        """
        ...

    def check_task(self, robot: RobotModel, avoid: float) -> None:
        """Refuse a robot and avoid distance [m] that this controller was not made for; by default none.

        Raises:
            MusterError: says what does not fit, and the remedy.
        """
        return


class KernelController(Controller):
    """A controller that is one kernel over perceptions."""

    period = 0.1

    def __init__(self, name: str, decide: Callable[[Perceptions, Array], None], sensing: Sensing | None = None) -> None:
        """``decide(perceptions, out)`` fills accelerations (B, 2)."""
        self.name = name
        self.sensing = sensing or Sensing()
        self._decide = decide

    def act(self, perceptions: Perceptions, scene: Scene, rows: Integers) -> Array:
        """See :class:`Controller`."""
        out = np.zeros((len(rows), 2))
        self._decide(perceptions, out)
        return out


class RandomController(Controller):
    """Independent uniform accelerations."""

    name = "random"
    period = 0.1

    def __init__(self, seed: int = 0) -> None:
        """``seed`` makes the draws repeatable."""
        self.sensing = Sensing()
        self._generator = np.random.default_rng(seed)

    def act(self, perceptions: Perceptions, scene: Scene, rows: Integers) -> Array:
        """See :class:`Controller`."""
        return self._generator.uniform(-1.0, 1.0, (len(rows), 2))


class AssignmentController(Controller):
    """The omniscient reference: Hungarian assignment to the best layout known, then straight to one's own point.

    It needs scipy and sees the whole scene. It assigns anew at every decision: the best assignment stays the best while
    everybody goes straight to its point, and robots that each solve it for themselves come to agree.
    """

    name = "assignment"
    period = 0.1

    def __init__(self, robot: RobotModel) -> None:
        """``robot`` gives the speed and acceleration limits that the approach to a point keeps."""
        self.sensing = Sensing()
        self._robot = robot

    def act(self, perceptions: Perceptions, scene: Scene, rows: Integers) -> Array:
        """See :class:`Controller`; a speed that can still brake at half the acceleration before the goal."""
        e, i = rows[:, 0], rows[:, 1]
        offset = assign_goals(scene)[e, i] - scene.arrays.positions[e, i]
        distance = np.linalg.norm(offset, axis=1, keepdims=True)
        speed = np.minimum(np.sqrt(self._robot.max_acceleration * distance), self._robot.max_speed)
        wanted = offset / np.maximum(distance, 1e-9) * speed
        gain = self._robot.max_acceleration * self.period
        acceleration: Array = np.clip((wanted - scene.arrays.velocities[e, i]) / gain, -1.0, 1.0)
        return acceleration


def assign_goals(scene: Scene) -> Array:
    """(E, N, 2) goals [m; world]: the best layout's points, matched so that the summed squared way is least.

    Raises:
        MusterError: scipy is not installed.
    """
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError as error:
        raise MusterError("The assignment controller needs scipy: pip install 'muster_core[assignment]'") from error
    from muster_core.layout import best_layout

    goals = scene.arrays.positions.copy()
    for e, shape in enumerate(scene.shapes):
        points = shape.to_world(best_layout(shape, int(scene.team_sizes[e])).points)
        members = np.flatnonzero(scene.arrays.present[e] == MEMBER)
        way = scene.arrays.positions[e, members][:, None] - points[None]
        robots, targets = linear_sum_assignment((way**2).sum(axis=2))
        goals[e, members[robots]] = points[targets]
    return goals


def _prior(robot: RobotModel) -> Controller:
    return KernelController("prior", lambda p, out: prior_rows(p, robot.max_speed, out))


def _expert(robot: RobotModel) -> Controller:
    return KernelController("expert", lambda p, out: expert_rows(p, robot.max_speed, out))


def _coverage(robot: RobotModel) -> Controller:
    return KernelController("coverage", lambda p, out: coverage_rows(p, robot.max_speed, COVERAGE_GAINS, out))


CONTROLLERS: dict[str, Callable[[RobotModel], Controller]] = {
    "prior": _prior,
    "expert": _expert,
    "coverage": _coverage,
    "assignment": AssignmentController,
    "random": lambda robot: RandomController(),
}


def load_controller(name: str = "shipped", robot: RobotModel | None = None) -> Controller:
    """The controller called ``name``: ``shipped``, a path ending in ``.onnx``, or one of ``CONTROLLERS``.

    Raises:
        MusterError: unknown name (the choices are listed), or a policy file that must not fly.
    """
    robot = robot or RobotModel()
    if name in CONTROLLERS:
        return CONTROLLERS[name](robot)
    if name == "shipped" or name.endswith(".onnx"):
        from muster_core.policy import Policy

        return Policy.load(name, robot)
    choices = ", ".join(["shipped", "a path ending in .onnx", *CONTROLLERS])
    raise MusterError(f"Unknown controller {name!r}. Available: {choices}")
