"""What happens to a team during an episode: robots die, stick or join, and the shape moves or becomes another one.

Events are part of the task. Whom they hit follows from the episode's seed. An event at step k comes after the k-th
step, before anybody looks again; at step 0, before the first one.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from muster_core.errors import MusterError
from muster_core.robot import Arena
from muster_core.shape import Shape
from muster_core.types import Integers, Mask
from muster_core.validation import finite
from muster_sim.contract import PERIOD
from muster_sim.starts import pulled_in

EVENTS_STREAM = 0x6576656E
"""Keeps the draws of events apart from others of the same seed."""
FEWEST = 2
"""Robots that must be left: fewer are no swarm."""


@dataclass(frozen=True)
class Kill:
    """Robots die: their bases brake to a standstill and stay as obstacles; the others are the team from then on."""

    step: int
    """When."""
    share: float = 0.0
    """How many of the team, chosen at random, in (0, 1); at least one."""
    robots: tuple[int, ...] = ()
    """Or who, by number."""

    def __post_init__(self) -> None:
        """Refuse what cannot happen.

        Raises:
            MusterError: names the field and its value.
        """
        _check_whom(self)


@dataclass(frozen=True)
class Stick:
    """Bases brake to a standstill and move no more, while their robots decide on and count as members of the team."""

    step: int
    """When."""
    share: float = 0.0
    """How many of the team, chosen at random, in (0, 1); at least one."""
    robots: tuple[int, ...] = ()
    """Or who, by number."""

    def __post_init__(self) -> None:
        """Refuse what cannot happen.

        Raises:
            MusterError: names the field and its value.
        """
        _check_whom(self)


@dataclass(frozen=True)
class Join:
    """Robots that have stood about since the start as mere obstacles wake up and are members of the team."""

    step: int
    """When."""
    share: float = 0.0
    """How many of all robots, chosen at random, in (0, 1); at least one."""
    robots: tuple[int, ...] = ()
    """Or who, by number."""

    def __post_init__(self) -> None:
        """Refuse what cannot happen.

        Raises:
            MusterError: names the field and its value.
        """
        _check_whom(self)


@dataclass(frozen=True)
class MoveShape:
    """The shape stands elsewhere at once; where it would stick out of the arena it is pulled back."""

    step: int
    """When."""
    x: float
    """Of its centre [m; world]."""
    y: float
    """Of its centre [m; world]."""
    yaw: float
    """Its turn [rad; world]."""

    def __post_init__(self) -> None:
        """Refuse what cannot happen.

        Raises:
            MusterError: names the field and its value.
        """
        _check_step(self)
        for name in ("x", "y", "yaw"):
            finite(f"MoveShape's {name}", getattr(self, name))


@dataclass(frozen=True)
class DriftShape:
    """The shape moves and turns steadily for a while, and is held back where it would stick out of the arena."""

    step: int
    """When it begins."""
    steps: int
    """How long."""
    vx: float = 0.0
    """Velocity of its centre [m/s; world]."""
    vy: float = 0.0
    """The same along y [m/s; world]."""
    rate: float = 0.0
    """How fast it turns [rad/s]."""

    def __post_init__(self) -> None:
        """Refuse what cannot happen.

        Raises:
            MusterError: names the field and its value.
        """
        _check_step(self)
        if isinstance(self.steps, bool) or not isinstance(self.steps, int) or self.steps < 1:
            raise MusterError(f"DriftShape's steps is {self.steps!r}; it must be a whole number of at least 1")
        for name in ("vx", "vy", "rate"):
            finite(f"DriftShape's {name}", getattr(self, name))


@dataclass(frozen=True)
class ChangeShape:
    """The team is asked for another shape, at the place and turn of the present one."""

    step: int
    """When."""
    name: str
    """Which, as in ``AssemblyConfig.shapes``."""

    def __post_init__(self) -> None:
        """Refuse what cannot happen.

        Raises:
            MusterError: names the field and its value.
        """
        _check_step(self)
        if not isinstance(self.name, str) or not self.name:
            raise MusterError(f"ChangeShape's name is {self.name!r}; name a shape, for example R")


Event = Kill | Stick | Join | MoveShape | DriftShape | ChangeShape
"""Anything that can happen."""


@dataclass(frozen=True)
class Stage:
    """What holds in one environment from some step on."""

    step: int
    """Since when."""
    shape: Shape
    """What is to be formed."""
    members: Mask
    """(N,) who is in the team."""


class Timeline:
    """The events of E environments of N robots, and what has become of teams and shapes."""

    def __init__(
        self, events: Sequence[Event], environments: int, robots: int, arena: Arena, load: Callable[[str], Shape]
    ) -> None:
        """Open the shapes that will be asked for; nothing happens before ``begin``.

        Args:
            events: In any order; of the same step, as they stand here.
            environments: E.
            robots: N.
            arena: Shapes stay in it.
            load: Opens a shape by name.

        Raises:
            MusterError: a robot's number or a place does not exist, or a shape is refused.
        """
        self.events, self.arena = tuple(events), arena
        for event in self.events:
            if isinstance(event, Kill | Stick | Join) and max(event.robots, default=0) >= robots:
                raise MusterError(f"{event} names robot {max(event.robots)}; there are {robots}, from 0")
            inside = not isinstance(event, MoveShape) or (
                abs(event.x) <= arena.half_width and abs(event.y) <= arena.half_height
            )
            if not inside:
                raise MusterError(f"{event} lies outside the arena of ±{arena.half_width} m, ±{arena.half_height} m")
        self._asked = {event.name: load(event.name) for event in self.events if isinstance(event, ChangeShape)}
        self.members: Mask = np.ones((environments, robots), np.bool_)
        """(E, N) who is in the team."""
        self.halted: Mask = np.zeros((environments, robots), np.bool_)
        """(E, N) whose base takes no commands."""
        self.shapes: list[Shape] = []
        """(E) what is to be formed."""
        self._orders: list[list[Integers]] = []
        self._rehearse(environments)

    def begin(self, seeds: Sequence[int] | Integers, shapes: Sequence[Shape]) -> None:
        """Begin episodes: everybody is there but who joins later; ``shapes`` (E) as they lie."""
        count = self.members.shape[1]
        self.shapes = list(shapes)
        self.members[:], self.halted[:] = True, False
        self._orders = [
            [np.random.default_rng([int(s), EVENTS_STREAM, k]).permutation(count) for k in range(len(self.events))]
            for s in seeds
        ]
        for index, event in enumerate(self.events):
            if isinstance(event, Join):
                for e, order in enumerate(self._orders):
                    asleep = self._whom(event, order[index], np.ones(count, np.bool_))
                    self.members[e, asleep], self.halted[e, asleep] = False, True

    def happen(self, step: int) -> bool:
        """Let happen what is due after ``step`` steps; whether anything was.

        Raises:
            MusterError: fewer than two robots would be left.
        """
        due = [
            (index, event)
            for index, event in enumerate(self.events)
            if event.step == step or (isinstance(event, DriftShape) and 0 < step - event.step <= event.steps)
        ]
        for index, event in due:
            for e in range(len(self.shapes)):
                if isinstance(event, Kill | Stick | Join):
                    self._hit(event, e, self._orders[e][index])
                else:
                    self.shapes[e] = self._changed(event, self.shapes[e], step)
        return bool(due)

    def stage(self, environment: int, step: int) -> Stage:
        """What holds in one environment since ``step``."""
        return Stage(step, self.shapes[environment], self.members[environment].copy())

    def _rehearse(self, environments: int) -> None:
        """Refuse events that leave nobody, before anything flies."""
        self.begin(range(environments), [])
        for index, event in sorted(enumerate(self.events), key=lambda pair: pair[1].step):
            if isinstance(event, Kill | Stick | Join):
                self._hit(event, 0, self._orders[0][index])

    def _hit(self, event: Kill | Stick | Join, e: int, order: Integers) -> None:
        if isinstance(event, Join):
            whom = self._whom(event, order, np.ones(len(order), np.bool_))
            self.members[e, whom], self.halted[e, whom] = True, False
            return
        whom = self._whom(event, order, self.members[e])
        self.halted[e, whom] = True
        if isinstance(event, Kill):
            self.members[e, whom] = False
            if self.members[e].sum() < FEWEST:
                raise MusterError(f"{event} leaves fewer than {FEWEST} robots")

    def _whom(self, event: Kill | Stick | Join, order: Integers, among: Mask) -> Integers:
        """Numbers of the robots that an event hits, of those ``among`` whom it chooses, (N,)."""
        if event.robots:
            return np.array(event.robots, np.int64)
        return order[among[order]][: max(1, round(event.share * among.sum()))]

    def _changed(self, event: MoveShape | DriftShape | ChangeShape, shape: Shape, step: int) -> Shape:
        x, y = shape.centre
        if isinstance(event, MoveShape):
            moved = shape.moved(event.x, event.y, event.yaw)
        elif isinstance(event, ChangeShape):
            moved = self._asked[event.name].moved(x, y, shape.yaw)
        elif step == event.step:
            return shape
        else:
            moved = shape.moved(x + event.vx * PERIOD, y + event.vy * PERIOD, shape.yaw + event.rate * PERIOD)
        return pulled_in(moved, self.arena)


def _check_step(event: Event) -> None:
    if isinstance(event.step, bool) or not isinstance(event.step, int) or event.step < 0:
        raise MusterError(f"{type(event).__name__}'s step is {event.step!r}; it must be a whole number, 0 or above")


def _check_whom(event: Kill | Stick | Join) -> None:
    _check_step(event)
    name, robots = type(event).__name__, tuple(event.robots)
    share_given = isinstance(event.share, int | float) and math.isfinite(event.share) and 0.0 < event.share < 1.0
    if bool(robots) == share_given or (robots and event.share != 0.0):
        raise MusterError(
            f"{name} has share {event.share!r} and robots {robots!r}; give a share in (0, 1), or the robots' numbers"
        )
    if any(isinstance(robot, bool) or not isinstance(robot, int) or robot < 0 for robot in robots):
        raise MusterError(f"{name}'s robots are {robots!r}; they are whole numbers, 0 or above")
    object.__setattr__(event, "robots", robots)
