"""Controllers with one interface: perceptions in, accelerations out. A trained policy is one of them.

``prior`` and ``expert`` are LAMARL's as published, ``tuned-prior`` and ``tuned-expert`` the same with gains tuned here;
``network`` is the shipped policy without the local search it ends with;
``mean-shift`` and ``orca`` are the literature's; ``coverage``, and ``search`` on top of it, are the strongest written
by hand; ``assignment`` knows everything and is the omniscient reference; ``random`` is the floor.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np

from muster_core.errors import MusterError, unknown
from muster_core.gains import TUNED, UNTUNED
from muster_core.kernels.control import coverage_rows, tuned_expert_rows, tuned_prior_rows
from muster_core.kernels.mean_shift import mean_shift_rows
from muster_core.kernels.orca import orca_rows
from muster_core.kernels.sensing import MEMBER
from muster_core.local_search import LocalSearch
from muster_core.robot import RobotModel
from muster_core.scene import Perceptions, Scene, Sensing
from muster_core.types import Array, Integers

if TYPE_CHECKING:
    from muster_core.policy import Policy

COVERAGE_GAINS = TUNED["coverage"]
"""Rim push, rim width [avoid], entering, repulsion, alignment, damping, repulsion range [avoid]."""
PERIOD = 0.1
"""Time between two decisions of the hand-written controllers [s]."""


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

    period = PERIOD

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


class SearchController(Controller):
    """``coverage``, and local search on one's own marginal coverage wherever it has come to rest."""

    name = "search"
    period = PERIOD

    def __init__(self, robot: RobotModel, gains: Array | None = None) -> None:
        """``gains`` (7,) as :func:`muster_core.kernels.search.search_rows` takes them."""
        self.sensing = Sensing()
        self._speed = robot.max_speed
        self._search = LocalSearch(TUNED["search"] if gains is None else gains, robot.max_speed)

    def act(self, perceptions: Perceptions, scene: Scene, rows: Integers) -> Array:
        """See :class:`Controller`."""
        out = np.zeros((len(rows), 2))
        coverage_rows(perceptions, self._speed, COVERAGE_GAINS, out)
        self._search.refine(perceptions, scene, rows, out)
        return out


class RandomController(Controller):
    """Independent uniform accelerations."""

    name = "random"
    period = PERIOD

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
    period = PERIOD

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


def with_gains(law: str, robot: RobotModel, gains: Array, name: str | None = None) -> Controller:
    """The hand-written controller that follows ``law`` with ``gains``, in the order of `muster_core.gains.NAMES`.

    Raises:
        MusterError: there is no such law (the message lists them), or it has another number of gains.
    """
    if law not in UNTUNED:
        raise unknown("law", law, list(UNTUNED))
    gains = np.asarray(gains, np.float64)
    if gains.shape != UNTUNED[law].shape or not np.isfinite(gains).all():
        raise MusterError(f"{law} takes {len(UNTUNED[law])} finite gains, got {gains.tolist()}")
    if law == "search":
        return SearchController(robot, gains)
    speed = robot.max_speed
    if law == "orca":
        return KernelController(name or law, lambda p, out: orca_rows(p, speed, gains, PERIOD, out))
    rows = _LAWS[law]
    return KernelController(name or law, lambda p, out: rows(p, speed, gains, out))


_LAWS: dict[str, Callable[[Perceptions, float, Array, Array], None]] = {
    "prior": tuned_prior_rows,
    "expert": tuned_expert_rows,
    "coverage": coverage_rows,
    "mean-shift": mean_shift_rows,
}

CONTROLLERS: dict[str, Callable[[RobotModel], Controller]] = {
    "prior": lambda robot: with_gains("prior", robot, UNTUNED["prior"]),
    "expert": lambda robot: with_gains("expert", robot, UNTUNED["expert"]),
    "tuned-prior": lambda robot: with_gains("prior", robot, TUNED["prior"], "tuned-prior"),
    "tuned-expert": lambda robot: with_gains("expert", robot, TUNED["expert"], "tuned-expert"),
    "mean-shift": lambda robot: with_gains("mean-shift", robot, TUNED["mean-shift"]),
    "orca": lambda robot: with_gains("orca", robot, TUNED["orca"]),
    "coverage": lambda robot: with_gains("coverage", robot, TUNED["coverage"]),
    "search": SearchController,
    "network": lambda robot: _network(robot),
    "assignment": AssignmentController,
    "random": lambda robot: RandomController(),
}


def load_controller(name: str = "shipped", robot: RobotModel | None = None) -> Controller:
    """The controller called ``name``: ``shipped``, a path ending in ``.onnx``, one of ``CONTROLLERS``, or one's own.

    Raises:
        MusterError: unknown name (the choices are listed), or a policy file that must not fly.
    """
    robot = robot or RobotModel()
    if name in CONTROLLERS:
        return CONTROLLERS[name](robot)
    if name == "shipped" or name.endswith(".onnx"):
        return _policy(name, robot)
    if ":" in name:
        from muster_core.own_controller import load_own

        return load_own(name, robot)
    choices = ", ".join(["shipped", "a path ending in .onnx", *CONTROLLERS, "your own as file.py:Class"])
    raise MusterError(f"Unknown controller {name!r}. Available: {choices}")


def _policy(name: str, robot: RobotModel, finish: bool = True) -> "Policy":
    from muster_core.policy import Policy  # it needs onnxruntime, which controllers of kernels do without

    return Policy.load(name, robot, finish)


def _network(robot: RobotModel) -> Controller:
    policy = _policy("shipped", robot, finish=False)
    policy.name = "network"
    return policy
