"""Decides a recorded run again: every command through the same pilot, from recorded messages alone, and compares.

What is recomputed, and from what:

- *The command.* A robot's decision record (`muster_ros.decision`) holds the snapshot that it decided on, float64 by
  float64; the shape is the recorded ``/muster/shape`` that the record names; policy, model and arena are the robot's
  recorded setup, the policy's bytes lie in the bag and must have the hash that the robot stated. `Pilot.command`,
  `hold` or `brake` runs on that, and the twist that follows is compared with the message on the command topic.
- *The chain.* A command builds on the one before and on the wish before; both must be those of the preceding record.
- *The poses.* Every pose in a snapshot must be that of a recorded odometry message of the same stamp.

What is taken as stated: how old the poses were (a reading of the robot's own clock), and whether the gatekeeper let the
robot move. On the machine that flew, equal means equal to the last bit; another processor may round differently, which
``tolerance`` is for. Best-effort odometry and a recorder that starts late lose messages; they are counted, not judged.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from geometry_msgs.msg import Twist, TwistStamped
from nav_msgs.msg import OccupancyGrid, Odometry
from rclpy.serialization import deserialize_message
from std_msgs.msg import Float64MultiArray, String

from muster_core.controllers import CONTROLLERS, load_controller
from muster_core.errors import MusterError, WorkFailed
from muster_core.kernel import kernel_digest
from muster_core.own_controller import is_own
from muster_core.pilot import Pilot
from muster_core.policy import Policy
from muster_core.shape import Shape
from muster_ros import messages
from muster_ros.bag_reader import Bag, Recorded, in_order
from muster_ros.bag_topics import type_name
from muster_ros.decision import decision_from_message, shape_key
from muster_ros.messages import Pose
from muster_ros.replay_report import ReplayReport
from muster_ros.replayed_robot import POSES_KEPT, ReplayedRobot
from muster_ros.robot_setup import RobotSetup, sha256

TOLERANCE = 1e-9
"""Largest difference of two equal commands [m/s, rad/s]."""
HORIZON = 2_000_000_000
"""How far messages may lie out of turn in a bag [ns]."""
PATIENCE = 500_000_000
"""How long the odometry that a decision names may take to reach the recorder after the decision [ns]."""


def replay(
    path: Path,
    tolerance: float = TOLERANCE,
    listen: Callable[[Recorded, Any], None] = lambda recorded, message: None,
) -> ReplayReport:
    """Recompute every command of a bag.

    Args:
        path: the bag.
        tolerance: largest difference of two equal commands [m/s, rad/s].
        listen: is called with every setup, shape and odometry message, in order: for who wants to draw the run.

    Raises:
        MusterError: no such file, or a tolerance that is none.
        WorkFailed: it is no bag of ours, or holds no decision.
    """
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise MusterError(f"tolerance is {tolerance}; it must be a finite number, 0 or above")
    bag = Bag(path)
    try:
        return _Replay(bag, tolerance, listen).run()
    finally:
        bag.close()


class _Replay:
    def __init__(self, bag: Bag, tolerance: float, listen: Callable[[Recorded, Any], None]) -> None:
        facts = bag.facts
        try:
            team = [str(name) for name in facts["team"]]
            patterns = (str(facts["odometry_topic"]), str(facts["command_topic"]))
        except (KeyError, TypeError):
            raise WorkFailed(f"{bag.path} is a bag whose facts lack the team or its topics") from None
        self._bag, self._listen, self._now, self._begin = bag, listen, 0.0, 0.0
        self._report = ReplayReport(robots=len(team))
        self._poses: dict[str, OrderedDict[float, Pose]] = {name: OrderedDict() for name in team}
        self._shapes: dict[int, Shape] = {}
        self._robots = {name: ReplayedRobot(name, tolerance, self._poses, self._shapes, self._report) for name in team}
        command = TwistStamped if facts.get("command_type") == "TwistStamped" else Twist
        kinds: dict[str, tuple[type, Callable[[str, Any], None]]] = {
            patterns[0]: (Odometry, self._on_odometry),
            patterns[1]: (command, lambda name, message: self._robots[name].command(self._now, message)),
            messages.SETUP_TOPIC: (String, self._on_setup),
            messages.DECISION_TOPIC: (Float64MultiArray, self._on_decision),
        }
        self._handlers = {
            pattern.replace("{name}", name): (*kinds[pattern], name) for pattern in kinds for name in team
        }
        self._handlers[messages.SHAPE_TOPIC] = (OccupancyGrid, self._on_shape, "")

    def run(self) -> ReplayReport:
        late = {messages.DECISION_TOPIC.partition("{")[0]: PATIENCE}
        for recorded in in_order(iter(self._bag), HORIZON, late):
            self._now = recorded.received * 1e-9
            self._begin = self._begin or self._now
            if recorded.topic in self._handlers:
                self._take(recorded)
        for robot in self._robots.values():
            robot.finish()
        report = self._report
        report.duration_s = round(self._now - self._begin, 3)
        if self._bag.damage:
            report.notes.append(f"the bag is not whole: {self._bag.damage}; all before that was read")
        if not sum(report.decisions.values()):
            why = "; ".join([*report.fault_lines, *report.notes])
            raise WorkFailed(f"{self._bag.path} holds no decision to replay{f' ({why})' if why else ''}")
        return report

    def _take(self, recorded: Recorded) -> None:
        kind, handle, name = self._handlers[recorded.topic]
        if recorded.type_name != type_name(kind):
            self._report.fault(f"{recorded.topic} holds {recorded.type_name!r:.60}, not {type_name(kind)}")
            return
        try:
            message = deserialize_message(recorded.content, kind)
        except Exception as error:  # rclpy's own exceptions differ between releases
            self._report.fault(f"{recorded.topic}: a message cannot be read ({str(error)[:80]})")
            return
        try:
            handle(name, message)
        except WorkFailed:
            raise
        except MusterError as error:
            self._report.fault(f"{recorded.topic}: {error}")
            return
        if kind in (Odometry, OccupancyGrid, String):
            self._listen(recorded, message)

    def _on_odometry(self, name: str, message: Odometry) -> None:
        try:
            pose = messages.pose_from_odometry(message, name)
        except MusterError:
            # The robots dropped it too; one that decided on it nevertheless is found by the pose's absence.
            return
        poses = self._poses[name]
        poses[pose.stamp] = pose
        if len(poses) > POSES_KEPT:
            poses.popitem(last=False)

    def _on_shape(self, name: str, message: OccupancyGrid) -> None:
        try:
            self._shapes[shape_key(message)] = messages.shape_from_grid(message)
        except MusterError:
            # The robots refused it too.
            return

    def _on_decision(self, name: str, message: Float64MultiArray) -> None:
        self._robots[name].decide(self._now, decision_from_message(message))

    def _on_setup(self, name: str, message: String) -> None:
        setup = RobotSetup.from_message(message)
        if setup.robot != name or setup.team != tuple(self._poses):
            raise MusterError(f"the setup is that of {setup.robot!r:.40} in the team {', '.join(setup.team)[:80]}")
        if setup == self._robots[name].setup:
            return
        if setup.kernels != kernel_digest("muster_core"):
            note = "the robots flew with other mathematics than is installed here; commands may differ"
            self._report.notes += [note] * (note not in self._report.notes)
        self._robots[name].equip(setup, self._pilot(setup))

    def _pilot(self, setup: RobotSetup) -> Pilot:
        """A pilot like the robot's; the policy's bytes come from the bag."""
        if setup.policy == "random":
            raise WorkFailed(f"{setup.robot} flew the policy 'random', which draws its commands: nothing to recompute")
        if is_own(setup.policy):
            # A bag comes from anywhere: it must not say which code to run here.
            raise WorkFailed(f"{setup.robot} flew {setup.policy!r}, a controller of its own, which no bag holds")
        if setup.policy in CONTROLLERS:
            return Pilot(load_controller(setup.policy, setup.model), setup.model, setup.arena)
        content = self._bag.attachments.get(f"{setup.policy_sha256}.onnx", b"")
        if not content or sha256(content) != setup.policy_sha256:
            raise WorkFailed(
                f"{self._bag.path}: {setup.robot} flew the policy {setup.policy!r} with sha256 "
                f"{setup.policy_sha256[:16]}…; the bag does not hold that file"
            )
        return Pilot(Policy(content, setup.policy, setup.model), setup.model, setup.arena)
