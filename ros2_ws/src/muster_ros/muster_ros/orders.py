"""What the operator told this robot: subscriptions that store the newest word, and whether it can be obeyed."""

import time
from collections.abc import Callable

from nav_msgs.msg import OccupancyGrid
from rclpy.node import Node
from std_msgs.msg import Bool, Empty, Int32

from muster_core.errors import MusterError
from muster_core.pilot import Pilot
from muster_core.shape import Shape
from muster_ros import messages
from muster_ros.decision import shape_key


class Orders:
    """The latched topics of the operator, as one robot heard them.

    Args:
        node: gets the subscriptions.
        pilot: knows which tasks it can fly.
        on_release: called when the operator releases what is latched.
    """

    def __init__(self, node: Node, pilot: Pilot, on_release: Callable[[], None]) -> None:
        self.start = False
        """Whether robots may move."""
        self.estop = False
        """Whether the e-stop is pressed."""
        self.shape: Shape | None = None
        self.shape_key = 0
        """Tells the shape from others; 0 before the first."""
        self.team_size: int | None = None
        self.fault = "waiting for shape and team size"
        """Why there is nothing to form; empty when there is."""
        self._node, self._pilot, self._on_release = node, pilot, on_release
        self._heartbeat: float | None = None
        latched = messages.LATCHED_QOS
        self._subscriptions = [
            node.create_subscription(OccupancyGrid, messages.SHAPE_TOPIC, self._store_shape, latched),
            node.create_subscription(Int32, messages.TEAM_SIZE_TOPIC, self._store_team_size, latched),
            node.create_subscription(Bool, messages.RUN_TOPIC, self._store_start, latched),
            node.create_subscription(Bool, messages.ESTOP_TOPIC, self._store_estop, latched),
            node.create_subscription(
                Empty, messages.RELEASE_TOPIC, lambda message: self._on_release(), messages.EVENT_QOS
            ),
        ]

    def heartbeat_age(self, steady_now: float) -> float | None:
        """Time since the e-stop topic was last heard [s], or None before the first."""
        return None if self._heartbeat is None else steady_now - self._heartbeat

    def close(self) -> None:
        """Give the subscriptions back."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def _store_shape(self, message: OccupancyGrid) -> None:
        try:
            self.shape = messages.shape_from_grid(message)
        except MusterError as error:
            self.shape, self.fault = None, str(error)
            self._node.get_logger().error(f"shape refused: {error}")
            return
        self.shape_key = shape_key(message)
        self._check()

    def _store_team_size(self, message: Int32) -> None:
        self.team_size = message.data
        self._check()

    def _store_start(self, message: Bool) -> None:
        self.start = message.data

    def _store_estop(self, message: Bool) -> None:
        self.estop, self._heartbeat = message.data, time.monotonic()

    def _check(self) -> None:
        self.fault = ""
        if self.shape is None or self.team_size is None:
            self.fault = f"waiting for {'team size' if self.team_size is None else 'shape'}"
            return
        try:
            if self.team_size < 2:
                raise MusterError(f"The team size is {self.team_size}; a team needs at least 2 robots")
            self._pilot.check(self.shape, self.team_size)
        except MusterError as error:
            self.fault = str(error)
            self._node.get_logger().error(f"cannot form this shape: {error}")
