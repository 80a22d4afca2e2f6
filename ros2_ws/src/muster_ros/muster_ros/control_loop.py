"""The rhythm of one robot: which tick decides, which only filters, which brakes. Time is handed in; no ROS.

A policy period holds four ticks. One asks the policy, the one after next filters the same wish again with newer poses,
and the two between only watch: with 25 ms between looks the first braking command leaves less than 130 ms after the
last fresh pose, where 50 ms would spend the allowed 150 ms to the last.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from muster_core.pilot import Command, Pilot
from muster_core.scene import Snapshot
from muster_core.types import Array
from muster_ros.gatekeeper import Verdict

TICKS_PER_POLICY_PERIOD = 4
KINDS = ("decide", "hold", "brake", "halt")
"""What a command can come from: the policy, the filter alone, the ramp, or an end without a ramp."""
QUIET_AFTER = 40
"""Ticks (1 s) for which a robot at rest that is not held back repeats its zero before it leaves the topic alone."""


@dataclass(frozen=True)
class Basis:
    """What the last command was computed from; with it, the same pilot computes the same command again."""

    kind: str = "halt"
    """One of `KINDS`."""
    dt: float = 0.0
    """Time since the command before, as the filter and the ramp count it [s]."""
    issued: Array = field(default_factory=lambda: np.zeros(2))
    """The command before, shape (2,) [m/s; world]."""
    wish: Array = field(default_factory=lambda: np.zeros(2))
    """What the policy had wished before, shape (2,) [m/s; world]."""
    snapshot: Snapshot | None = None
    """What the robot knew; None where it only braked."""


class ControlLoop:
    """What is carried from tick to tick: the last command after the filter, and what the policy wished.

    Args:
        pilot: the one control step.
    """

    def __init__(self, pilot: Pilot) -> None:
        self.pilot = pilot
        self.period = pilot.period / TICKS_PER_POLICY_PERIOD
        self.last: Command | None = None
        self.basis = Basis()
        self._issued = np.zeros(2)
        self._desired = np.zeros(2)
        self._even = False
        self._filter_next = False
        self._resting = 0

    @property
    def commanding(self) -> bool:
        """Whether the last tick was one of those that command a moving robot; the ones between only watch."""
        return self._even

    @property
    def issued(self) -> Array:
        """The last velocity commanded, shape (2,) [m/s; world]."""
        return self._issued

    def tick(self, verdict: Verdict, observe: Callable[[], Snapshot]) -> Array | None:
        """The velocity to command at this tick, shape (2,) [m/s; world], or None to leave the last one standing.

        Args:
            verdict: whether the robot may move.
            observe: gives the snapshot; called only on ticks that need one.
        """
        self._even = not self._even
        if not verdict.moving:
            return self._brake(quiet=verdict.state not in ("holding", "stopped"))
        self._resting = 0
        if not self._even:
            return None
        snapshot, kind = observe(), "hold" if self._filter_next else "decide"
        dt = self.pilot.period * (0.5 if self._filter_next else 1.0)
        self.basis = Basis(kind, dt, self._issued, self._desired, snapshot)
        if self._filter_next:
            self.last = self.pilot.hold(snapshot, self._desired, dt)
        else:
            self.last = self.pilot.command(snapshot)
            self._desired = self.last.desired
        self._filter_next = not self._filter_next
        self._issued = self.last.velocity
        return self._issued

    def halt(self) -> Array:
        """Forget all wishes; the zero command, shape (2,) [m/s], for an end without a ramp."""
        self.basis = Basis("halt", 0.0, self._issued, self._desired)
        self._issued, self._desired, self._filter_next, self.last = np.zeros(2), np.zeros(2), False, None
        return self._issued

    def _brake(self, quiet: bool) -> Array | None:
        self._filter_next, self.last = False, None
        self.basis = Basis("brake", self.period, self._issued, self._desired)
        self._issued = self.pilot.brake(self._issued, self.period)
        self._resting = 0 if self._issued.any() else self._resting + 1
        return None if quiet and self._resting > QUIET_AFTER else self._issued
