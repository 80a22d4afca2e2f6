"""Hears the team's odometry and keeps the newest pose of every robot.

Python callbacks are dear: 12 robots that each let 12 topics at 100 Hz call back spend 0.095 of a core per process on
it. So only the own odometry calls back; the neighbours' is fetched when a tick needs it, from depth-1 subscriptions
on a node that no executor spins (0.043 of a core, measured; poses are as fresh, because the newest one waits there).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nav_msgs.msg import Odometry
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

from muster_core.errors import MusterError
from muster_ros.messages import ODOMETRY_QOS, Pose, pose_from_odometry, seconds


@dataclass
class Heard:
    """What is known of one robot's odometry."""

    pose: Pose | None = None
    """The newest good pose, or None before the first."""
    arrival: float = 0.0
    """When it was taken in [s; steady clock]."""
    transport: float = 0.0
    """Time from its stamp until it was taken in [s]; true for robots that call back."""
    interval: float = 0.0
    """Time between two messages, smoothed [s; steady clock]; true for robots that call back; 0 before the second."""
    dropped: int = 0
    """Messages thrown away so far."""
    fault: str = ""
    """What was wrong with the newest message; empty when it was good."""

    def age(self, now: float, steady_now: float, time_scale: float = 1.0) -> float:
        """Age of the pose [s]: by its stamp or by its arrival, whichever is more.

        The stamp catches a slow link, the arrival a clock that stands still or runs ahead.
        """
        if self.pose is None:
            return float("inf")
        return max(now - self.pose.stamp, (steady_now - self.arrival) * time_scale, 0.0)


class Hearing:
    """Subscriptions to a team's odometry, one per robot and process, shared by all robot nodes of the process.

    Args:
        node: a node that is spun; it gets the subscriptions that call back.
        topics: odometry topic of every robot of the team by name.
        own: the robots of this process.
    """

    def __init__(self, node: Node, topics: dict[str, str], own: set[str]) -> None:
        self._node = node
        self._steady = time.monotonic
        self._heard: dict[str, Heard] = {name: Heard() for name in topics}
        self._called = [
            node.create_subscription(Odometry, topics[name], self._callback(name), ODOMETRY_QOS) for name in sorted(own)
        ]
        self._ear: Node | None = None
        self._fetched: dict[str, Subscription] = {}
        others = [name for name in topics if name not in own]
        if others:
            self._ear = Node(
                f"{node.get_name()}_ear",
                context=node.context,
                use_global_arguments=False,
                start_parameter_services=False,
                enable_rosout=False,
            )
            self._fetched = {name: self.listen(Odometry, topics[name], ODOMETRY_QOS) for name in others}

    def __getitem__(self, name: str) -> Heard:
        return self._heard[name]

    def fetch(self) -> None:
        """Take in what has arrived from the robots that do not call back."""
        for name, subscription in self._fetched.items():
            message = self.take(subscription)
            if message is not None:
                self._store(name, message)

    def listen(self, kind: type, topic: str, qos: QoSProfile) -> Subscription:
        """A subscription beside the odometry's that does not call back either: `take` asks it.

        Only where there are robots that do not call back; it goes with `close`.
        """
        assert self._ear is not None, "there is nobody to be asked"
        return self._ear.create_subscription(kind, topic, lambda message: None, qos)

    @staticmethod
    def take(subscription: Subscription) -> Any:  # noqa: ANN401 - a message of any type
        """The next message that waits, or None."""
        with subscription.handle:
            taken = subscription.handle.take_message(subscription.msg_type, subscription.raw)
        return None if taken is None else taken[0]

    def faults(self) -> list[str]:
        """What is wrong with robots' odometry at the moment, one line each."""
        return [heard.fault for heard in self._heard.values() if heard.fault]

    def close(self) -> None:
        """Give the subscriptions back."""
        for subscription in self._called:
            self._node.destroy_subscription(subscription)
        if self._ear is not None:
            self._ear.destroy_node()
        self._called, self._fetched, self._ear = [], {}, None

    def _callback(self, name: str) -> Callable[[Odometry], None]:
        def store(message: Odometry) -> None:
            self._store(name, message)

        return store

    def _store(self, name: str, message: Odometry) -> None:
        heard = self._heard[name]
        try:
            pose = pose_from_odometry(message, name)
        except MusterError as error:
            heard.dropped += 1
            if not heard.fault:
                self._node.get_logger().warning(f"dropped: {error}")
            heard.fault = str(error)
            return
        now = self._steady()
        if heard.pose is not None:
            gap = now - heard.arrival
            heard.interval = gap if heard.interval == 0.0 else heard.interval + 0.1 * (gap - heard.interval)
        heard.pose, heard.fault, heard.arrival = pose, "", now
        heard.transport = self._node.get_clock().now().nanoseconds * 1e-9 - seconds(message.header.stamp)
