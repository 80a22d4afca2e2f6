"""Whether a robot may move: a small state machine with time handed in, that knows nothing of ROS.

A robot is ``idle`` until it knows where it is, what to form and with how many, ``ready`` until the operator says
start, then ``running``. A stale pose makes it ``holding`` until poses are fresh again. What a person must look at
makes it ``stopped``, until a release: e-stop, geofence breach, non-finite odometry, a lost operator.
"""

import math
from dataclasses import dataclass

from muster_core.errors import MusterError

IDLE, READY, RUNNING, HOLDING, STOPPED = "idle", "ready", "running", "holding", "stopped"

RELEASE_WINDOW = 0.5
"""A release counts for this long [s], so that it does not matter whether it or the e-stop's own message is first."""


@dataclass(frozen=True)
class StopRules:
    """When to stop, and when to go on."""

    stale_after: float = 0.1
    """Age of the own pose above which the robot brakes [s]."""
    resume_after: float = 0.5
    """How long poses must have been fresh before it moves again [s]."""
    operator_timeout: float = 2.0
    """Silence of the operator's heartbeat after which a running robot stops for good [s]; 0 turns it off."""

    def __post_init__(self) -> None:
        """Refuse times that would never stop a robot.

        Raises:
            MusterError: names the setting and its value.
        """
        for name, least in (("stale_after", 1e-3), ("resume_after", 0.0), ("operator_timeout", 0.0)):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= least):
                raise MusterError(f"{name} is {value} s; it must be a finite number of at least {least:g}")


@dataclass(frozen=True)
class Conditions:
    """What a robot knows at one tick."""

    pose_age: float | None
    """Age of the own pose [s], or None before the first."""
    finite: bool = True
    """Whether the newest own odometry was finite."""
    inside: bool = True
    """Whether the own position is inside the geofence."""
    task: str = ""
    """What is missing from the task (shape, team size), or an empty string."""
    start: bool = False
    """Whether the operator says start."""
    estop: bool = False
    """Whether the e-stop is pressed."""
    operator_age: float | None = None
    """Time since the operator's last heartbeat [s], or None before the first."""


@dataclass(frozen=True)
class Verdict:
    """What follows."""

    state: str
    """``idle``, ``ready``, ``running``, ``holding`` or ``stopped``."""
    reason: str
    """Why, for the operator to read; empty while all is well."""

    @property
    def moving(self) -> bool:
        """Whether the policy may command the robot."""
        return self.state == RUNNING


class Gatekeeper:
    """Decides tick by tick; all it remembers is what is latched and since when poses are fresh."""

    def __init__(self, rules: StopRules) -> None:
        self.rules = rules
        self.latches: dict[str, str] = {}
        self._holding = False
        self._fresh_since: float | None = None
        self._released_at: float | None = None

    def latch(self, cause: str, reason: str) -> None:
        """Stop until released; the first reason of a cause stays."""
        self.latches.setdefault(cause, reason)

    def release(self, now: float) -> None:
        """Ask to let go of what is latched; a cause that still holds stays."""
        self._released_at = now

    def decide(self, now: float, conditions: Conditions) -> Verdict:
        """The verdict for this tick; ``now`` [s] is a steady clock."""
        fresh = self._judge_pose(now, conditions.pose_age)
        causes = self._causes(conditions)
        for cause, reason in causes.items():
            self.latch(cause, reason)
        if self._released_at is not None and now - self._released_at > RELEASE_WINDOW:
            self._released_at = None
        if self._released_at is not None:
            self.latches = {cause: reason for cause, reason in self.latches.items() if cause in causes}
            if not self.latches:
                self._released_at = None
        if self.latches:
            return Verdict(STOPPED, "; ".join(self.latches.values()))
        if conditions.pose_age is None:
            return Verdict(IDLE, "no own odometry yet")
        if not fresh:
            return Verdict(HOLDING, self._why_holding(conditions.pose_age))
        if conditions.task:
            return Verdict(IDLE, conditions.task)
        return Verdict(RUNNING, "") if conditions.start else Verdict(READY, "")

    def _causes(self, conditions: Conditions) -> dict[str, str]:
        causes = {}
        if conditions.estop:
            causes["estop"] = "e-stop"
        if not conditions.finite:
            causes["finite"] = "own odometry is not finite"
        if conditions.start and not conditions.task:
            if not conditions.inside:
                causes["geofence"] = "outside the geofence"
            limit, age = self.rules.operator_timeout, conditions.operator_age
            if limit > 0 and age is not None and age > limit:
                causes["operator"] = f"operator lost: no heartbeat for {limit:g} s"
        return causes

    def _judge_pose(self, now: float, age: float | None) -> bool:
        if age is None:
            return False
        if age > self.rules.stale_after:
            self._holding, self._fresh_since = True, None
        elif self._fresh_since is None:
            self._fresh_since = now
        if self._holding and self._fresh_since is not None and now - self._fresh_since >= self.rules.resume_after:
            self._holding = False
        return not self._holding

    def _why_holding(self, age: float) -> str:
        if age > self.rules.stale_after:
            return f"own pose is {age * 1e3:.0f} ms old; at most {self.rules.stale_after * 1e3:.0f} ms"
        return f"poses are fresh again; moving once they were so for {self.rules.resume_after:g} s"
