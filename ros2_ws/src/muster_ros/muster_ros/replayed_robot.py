"""One robot of a recorded run, decided again: its pilot, what is known of it so far, and every comparison."""

import math
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
from geometry_msgs.msg import TwistStamped

from muster_core.errors import MusterError
from muster_core.pilot import Pilot
from muster_core.scene import Snapshot
from muster_core.shape import Shape
from muster_core.types import Array
from muster_ros import messages
from muster_ros.decision import Decision
from muster_ros.messages import Pose
from muster_ros.replay_report import ReplayReport
from muster_ros.robot_setup import RobotSetup

UNCLAIMED = 1.0
"""How long a command waits for the decision that it came from [s]."""
POSES_KEPT = 3000
"""Odometry messages remembered of each robot: 30 s, and the last ones of a robot that fell silent."""


class ReplayedRobot:
    """One robot while its bag is read, message by message.

    Args:
        name: the robot's.
        tolerance: largest difference of two equal commands [m/s, rad/s].
        heard: recorded poses by stamp, of every robot by name in the team's order; filled by whoever reads the bag.
        shapes: recorded shapes by their key; filled likewise.
        report: gets what is found.
    """

    def __init__(
        self,
        name: str,
        tolerance: float,
        heard: "Mapping[str, OrderedDict[float, Pose]]",
        shapes: Mapping[int, Shape],
        report: ReplayReport,
    ) -> None:
        self.setup: RobotSetup | None = None
        self._name, self._tolerance, self._heard, self._shapes, self._report = name, tolerance, heard, shapes, report
        self._team = list(heard)
        self._pilot: Pilot | None = None
        self._last: Decision | None = None
        self._first = math.inf
        """When the first decision record was received [s]; robots publish them only once a recorder listens."""
        self._waiting: list[tuple[float, Any]] = []
        """Commands that no decision has claimed yet: when they were received [s], and the message."""
        self._missing = 0
        """Decision records lost so far whose commands have not been seen either."""

    def equip(self, setup: RobotSetup, pilot: Pilot) -> None:
        """From now on the robot runs with this."""
        self.setup, self._pilot, self._last = setup, pilot, None

    def command(self, now: float, message: Any) -> None:  # noqa: ANN401 - Twist or TwistStamped
        """A command was received at ``now`` [s]; the decision that it came from is read later."""
        self._waiting.append((now, message))
        while self._waiting[0][0] < now - UNCLAIMED:
            at, _ = self._waiting.pop(0)
            if at < self._first:
                self._report.commands_before += 1
            elif self._missing:
                self._missing -= 1
            else:
                self._report.fault(f"{self._name}: a command received at {at:.3f} s came from no decision")

    def decide(self, now: float, decision: Decision) -> None:
        """Decide again and compare; the record was received at ``now`` [s].

        Raises:
            MusterError: the record contradicts itself.
        """
        if self._pilot is None or self.setup is None:
            self._report.fault(f"{self._name}: decided before it said what it runs with")
            return
        self._check_chain(decision)
        self._last, self._first = decision, min(self._first, now)
        self._check_poses(decision, self.setup.model.look_ahead)
        velocity = self._recompute(self._pilot, decision)
        if velocity is None:
            return
        self._report.decisions[decision.kind] = self._report.decisions.get(decision.kind, 0) + 1
        self._expect(decision, "commands", velocity, decision.velocity)
        still = math.isnan(decision.yaw)
        self._compare(decision, (0.0, 0.0, 0.0) if still else self.setup.model.twist(velocity, decision.yaw))

    def finish(self) -> None:
        """The bag ends; commands that still wait for their decisions came after the last one recorded."""
        self._report.commands_before += len(self._waiting)
        self._waiting = []

    def _recompute(self, pilot: Pilot, decision: Decision) -> Array | None:
        """The velocity that follows from the record, shape (2,) [m/s; world]; None where the shape is missing."""
        if decision.kind == "halt":
            return np.zeros(2)
        if decision.kind == "brake":
            return pilot.brake(decision.issued, decision.dt)
        shape = self._shapes.get(decision.shape)
        if shape is None:
            self._fault(decision, "was for a shape that is not in the bag")
            return None
        known = [self._team[int(row)] for row in decision.robots]
        if self._name not in known:
            raise MusterError(f"{_words(decision)} does not know the robot itself")
        snapshot = Snapshot(
            positions=decision.positions,
            velocities=decision.velocities,
            ages=decision.ages,
            me=known.index(self._name),
            issued=decision.issued,
            shape=shape,
            team_size=decision.team_size,
        )
        if decision.kind == "hold":
            return pilot.hold(snapshot, decision.wish, decision.dt).velocity
        command = pilot.command(snapshot)
        self._expect(decision, "wishes for", command.desired, decision.desired)
        return command.velocity

    def _check_chain(self, decision: Decision) -> None:
        last = self._last
        # A robot that was configured anew counts from 0 again.
        if last is None or decision.sequence <= last.sequence:
            return
        lost = decision.sequence - last.sequence - 1
        if lost:
            self._report.decisions_lost += lost
            self._missing += lost
            return
        wish = {"decide": last.desired, "halt": np.zeros(2)}.get(last.kind, last.wish)
        self._expect(decision, "builds on", decision.issued, last.velocity)
        if decision.kind == "hold":
            self._expect(decision, "holds the wish", decision.wish, wish)

    def _check_poses(self, decision: Decision, look_ahead: float) -> None:
        rows = zip(decision.robots, decision.stamps, decision.positions, decision.velocities, strict=True)
        for row, stamp, position, velocity in rows:
            if not (0 <= row < len(self._team) and row == int(row)):
                raise MusterError(f"{_words(decision)} knows a robot {row:g} of {len(self._team)}")
            other = self._team[int(row)]
            pose = self._heard[other].get(float(stamp))
            if pose is None:
                self._report.poses_unheard += 1
                continue
            self._report.poses += 1
            steered = pose.ahead(look_ahead)
            self._expect(decision, f"places {other} at", position, steered.position)
            self._expect(decision, f"moves {other} with", velocity, steered.velocity)
            if other == self._name:
                self._expect(decision, "turns to", np.array([decision.yaw]), np.array([pose.yaw]))

    def _compare(self, decision: Decision, twist: tuple[float, float, float]) -> None:
        """Compare with the command that went out, which is among those that wait if the recorder heard it."""
        place = next((k for k, (_, message) in enumerate(self._waiting) if _belongs(message, decision)), None)
        if place is None:
            self._report.commands_unheard += 1
            return
        recorded = messages.twist_from_command(self._waiting.pop(place)[1])
        difference = _difference(np.array(twist), np.array(recorded))
        self._report.compared += 1
        self._report.identical += tuple(twist) == tuple(recorded)
        self._report.largest_difference = max(self._report.largest_difference, difference)
        if difference > self._tolerance:
            self._fault(decision, f"gives the twist {_spell(twist)}, but {_spell(recorded)} was sent")

    def _expect(self, decision: Decision, verb: str, one: Array, other: Array) -> None:
        if _difference(one, other) > self._tolerance:
            self._fault(decision, f"{verb} {_spell(one)}, not {_spell(other)}")

    def _fault(self, decision: Decision, words: str) -> None:
        self._report.fault(f"{self._name}: {_words(decision)} {words}")


def _belongs(message: Any, decision: Decision) -> bool:  # noqa: ANN401 - Twist or TwistStamped
    """Whether a command is the one of a decision: by its stamp, or where it has none by what it says."""
    if isinstance(message, TwistStamped):
        return bool(message.header.stamp == messages.time_message(decision.stamp))
    return (message.linear.x, message.linear.y, message.angular.z) == tuple(decision.twist)


def _difference(one: Array, other: Array) -> float:
    gap = float(np.abs(one - other).max())
    return gap if math.isfinite(gap) else math.inf


def _spell(numbers: Any) -> str:  # noqa: ANN401 - any numbers
    return "(" + ", ".join(f"{float(number):.6g}" for number in numbers) + ")"


def _words(decision: Decision) -> str:
    return f"{decision.kind} {decision.sequence}"
