"""The rhythm of one robot: which tick decides, which only filters, which brakes. Time is handed in; no ROS.

A policy period holds four ticks. The first asks the policy, the third filters the same wish again with newer poses,
and the two between only watch: with 25 ms between looks the first braking command leaves less than 130 ms after the
last fresh pose, where 50 ms would spend the allowed 150 ms to the last.
"""

from collections.abc import Callable

import numpy as np

from muster_core.pilot import Command, Pilot
from muster_core.scene import Snapshot
from muster_core.types import Array
from muster_ros.gatekeeper import Verdict

TICKS_PER_POLICY_PERIOD = 4
QUIET_AFTER = 40
"""Ticks (1 s) for which a robot at rest that is not held back repeats its zero before it leaves the topic alone."""


class ControlLoop:
    """What is carried from tick to tick: the last command after the filter, and what the policy wished.

    Args:
        pilot: the one control step.
    """

    def __init__(self, pilot: Pilot) -> None:
        self.pilot = pilot
        self.period = pilot.period / TICKS_PER_POLICY_PERIOD
        self.last: Command | None = None
        self._issued = np.zeros(2)
        self._desired = np.zeros(2)
        self._phase = 0
        self._resting = 0

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
        if not verdict.moving:
            return self._brake(quiet=verdict.state not in ("holding", "stopped"))
        phase, self._phase, self._resting = self._phase, (self._phase + 1) % TICKS_PER_POLICY_PERIOD, 0
        if phase == 0:
            self.last = self.pilot.command(observe())
            self._desired = self.last.desired
        elif phase == TICKS_PER_POLICY_PERIOD // 2:
            self.last = self.pilot.hold(observe(), self._desired)
        else:
            return None
        self._issued = self.last.velocity
        return self._issued

    def halt(self) -> Array:
        """Forget all wishes; the zero command, shape (2,) [m/s], for an end without a ramp."""
        self._issued, self._desired, self._phase, self.last = np.zeros(2), np.zeros(2), 0, None
        return self._issued

    def _brake(self, quiet: bool) -> Array | None:
        self._phase, self.last = 0, None
        self._issued = self.pilot.brake(self._issued, self.period)
        self._resting = 0 if self._issued.any() else self._resting + 1
        return None if quiet and self._resting > QUIET_AFTER else self._issued
