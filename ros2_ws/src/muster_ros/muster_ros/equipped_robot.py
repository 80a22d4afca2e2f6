"""A configured robot: what it hears, what it is told, and what becomes of both at a tick.

It translates and does not decide: callbacks store, and at a tick `Gatekeeper` says whether the robot may move and
`ControlLoop` how.
"""

import time

import numpy as np
from geometry_msgs.msg import Twist, TwistStamped
from rclpy.duration import Duration
from rclpy.node import Node
from std_msgs.msg import Float64MultiArray, String

from muster_core import metrics
from muster_core.pilot import Pilot
from muster_core.scene import Snapshot
from muster_core.types import Array
from muster_ros import messages
from muster_ros.control_loop import ControlLoop
from muster_ros.decision import Decision, message_from_decision
from muster_ros.gatekeeper import Conditions, Gatekeeper, Verdict
from muster_ros.health import Health
from muster_ros.hearing import Hearing
from muster_ros.messages import Pose
from muster_ros.orders import Orders
from muster_ros.parameters import RobotParameters
from muster_ros.pose_follower import PoseFollower
from muster_ros.robot_setup import RobotSetup

LAST_COMMAND = Duration(seconds=0.2)
"""How long the last command may take to be acknowledged before the publisher goes."""


class EquippedRobot:
    """One robot with everything it needs to move.

    Args:
        node: gets the publisher and the subscriptions.
        settings: checked parameters.
        pilot: warmed up.
        hearing: the team's odometry where robots share a process; None for one of its own.
    """

    def __init__(self, node: Node, settings: RobotParameters, pilot: Pilot, hearing: Hearing | None) -> None:
        self.settings = settings
        self.loop = ControlLoop(pilot)
        self.keeper = Gatekeeper(settings.rules)
        self._follower = PoseFollower()
        self.health = Health()
        self.verdict = Verdict("idle", "not active")
        self._node = node
        self._owns_hearing = hearing is None
        self.hearing = hearing or Hearing(node, settings.odometry_topics(), {settings.name})
        self.orders = Orders(node, pilot, self.release)
        self._commands = node.create_publisher(
            TwistStamped if settings.command_type == "TwistStamped" else Twist,
            settings.command_topic.replace("{name}", settings.name),
            messages.COMMAND_QOS,
        )
        self._decisions = node.create_publisher(
            Float64MultiArray, messages.DECISION_TOPIC.replace("{name}", settings.name), messages.DECISION_QOS
        )
        self._setups = node.create_publisher(
            String, messages.SETUP_TOPIC.replace("{name}", settings.name), messages.LATCHED_QOS
        )
        self._setups.publish(RobotSetup.of(settings, getattr(pilot.controller, "sha256", "")).message())
        self._commanded = 0
        self._known: dict[str, Pose] = {}
        self._dropped_before = 0

    @property
    def period(self) -> float:
        """Time between two ticks [s; steady clock]."""
        return self.loop.period / self.settings.time_scale

    def tick(self, due: float) -> float | None:
        """Look at what is known now and command accordingly.

        Args:
            due: when the tick should have come [s; steady clock].

        Returns:
            How long to put later ticks off [s], so that they follow the poses more closely; None to leave them.
        """
        now = time.monotonic()
        arrival = self.hearing[self.settings.name].arrival
        self._act(now, due)
        if not self.loop.commanding or self.verdict.state not in ("ready", "running"):
            return None
        return self._follower.shift(now - arrival, self.hearing[self.settings.name].interval)

    def halt(self) -> None:
        """Command zero at once and forget what was wished."""
        self._publish(self.loop.halt())

    def release(self) -> None:
        """Let go of what is latched; what still holds stops the robot again."""
        self.keeper.release(time.monotonic())

    def values(self) -> dict[str, object]:
        """What goes into the diagnostic report beside state and reason."""
        team = self.settings.team
        heard = [name for name in team if self.hearing[name].pose is not None]
        own, shape = self._steered(self.settings.name), self.orders.shape
        filtered = self.loop.last.reason if self.loop.last is not None else ""
        return {
            **self.health.values(),
            "policy": self.settings.policy,
            "heard": f"{len(heard)}/{len(team)}",
            "dropped": sum(self.hearing[name].dropped for name in team),
            "odometry_faults": "; ".join(self.hearing.faults()),
            "pilot": filtered,
            "in_shape": "" if own is None or shape is None else int(metrics.entering_rate(own.position[None], shape)),
        }

    def close(self) -> None:
        """Give everything back, once the last command has reached the base."""
        self.orders.close()
        self._commands.wait_for_all_acked(LAST_COMMAND)
        for publisher in (self._commands, self._decisions, self._setups):
            self._node.destroy_publisher(publisher)
        if self._owns_hearing:
            self.hearing.close()

    def _act(self, now: float, due: float) -> None:
        verdict = self.keeper.decide(now, self._conditions(now))
        if verdict.state != self.verdict.state:
            self._node.get_logger().info(f"{self.verdict.state} -> {verdict.state} {verdict.reason}".rstrip())
        self.verdict = verdict
        velocity = self.loop.tick(verdict, self._snapshot)
        if velocity is None:
            return
        self._publish(velocity)
        if self.loop.last is not None:
            now, own = time.monotonic(), self.hearing[self.settings.name]
            self.health.commanded(self._age(self.settings.name, now), own.transport, self.loop.last.filter_active)
            self.health.tick_ms.append((now - due) * 1e3)

    def _conditions(self, now: float) -> Conditions:
        name, arena = self.settings.name, self.settings.arena
        heard, own = self.hearing[name], self._steered(name)
        # A bad message between two ticks counts, even when a good one has followed.
        finite = heard.dropped == self._dropped_before and not heard.fault
        self._dropped_before = heard.dropped
        return Conditions(
            pose_age=None if own is None else self._age(name, now),
            finite=finite,
            inside=own is None or bool((np.abs(own.position) <= (arena.half_width, arena.half_height)).all()),
            task=self.orders.fault,
            start=self.orders.start,
            estop=self.orders.estop,
            operator_age=self.orders.heartbeat_age(now),
        )

    def _snapshot(self) -> Snapshot:
        self.hearing.fetch()
        known = {name: pose for name in self.settings.team if (pose := self._steered(name)) is not None}
        self._known = known
        now = time.monotonic()
        assert self.orders.shape is not None, "no snapshot is taken before there is a task"
        assert self.orders.team_size is not None, "no snapshot is taken before there is a task"
        return Snapshot(
            positions=np.array([pose.position for pose in known.values()]),
            velocities=np.array([pose.velocity for pose in known.values()]),
            ages=np.array([self._age(name, now) for name in known]),
            me=list(known).index(self.settings.name),
            issued=self.loop.issued,
            shape=self.orders.shape,
            team_size=self.orders.team_size,
        )

    def _steered(self, name: str) -> Pose | None:
        """Pose of the point of a robot that is steered, or None when it was never heard."""
        pose = self.hearing[name].pose
        return None if pose is None else pose.ahead(self.settings.robot.look_ahead)

    def _age(self, name: str, now: float) -> float:
        return self.hearing[name].age(self._ros_now(), now, self.settings.time_scale)

    def _ros_now(self) -> float:
        return float(self._node.get_clock().now().nanoseconds * 1e-9)

    def _publish(self, velocity: Array) -> None:
        pose = self.hearing[self.settings.name].pose
        twist = (0.0, 0.0, 0.0) if pose is None else self.settings.robot.twist(velocity, pose.yaw)
        stamp = self._ros_now()
        self._commands.publish(messages.command_message(twist, stamp, self.settings.name, self.settings.command_type))
        # After the command, which must not wait for it, and only where somebody listens: a recorder, a display.
        if self._decisions.get_subscription_count():
            yaw = float("nan") if pose is None else pose.yaw
            self._decisions.publish(message_from_decision(self._decision(velocity, twist, stamp, yaw)))
        self._commanded += 1

    def _decision(self, velocity: Array, twist: tuple[float, float, float], stamp: float, yaw: float) -> Decision:
        basis, last, snapshot = self.loop.basis, self.loop.last, self.loop.basis.snapshot
        # A robot that brakes looks at nobody.
        seen = {} if snapshot is None else self._known
        return Decision(
            sequence=self._commanded,
            kind=basis.kind,
            state=self.verdict.state,
            filter_active=last is not None and last.filter_active,
            stamp=stamp,
            dt=basis.dt,
            yaw=yaw,
            issued=basis.issued,
            wish=basis.wish,
            desired=velocity if last is None else last.desired,
            acceleration=np.zeros(2) if last is None else last.acceleration,
            velocity=velocity,
            twist=twist,
            team_size=0 if snapshot is None else snapshot.team_size,
            shape=0 if snapshot is None else self.orders.shape_key,
            robots=np.array([self.settings.team.index(name) for name in seen], np.float64),
            stamps=np.array([pose.stamp for pose in seen.values()]),
            ages=np.zeros(0) if snapshot is None else snapshot.ages,
            positions=np.zeros((0, 2)) if snapshot is None else snapshot.positions,
            velocities=np.zeros((0, 2)) if snapshot is None else snapshot.velocities,
        )
