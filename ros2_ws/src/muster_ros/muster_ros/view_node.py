"""Frames and markers of a running team for RViz and Foxglove. It listens only: robots fly the same without it.

``/muster/markers`` needs nothing but the standard messages. Frames (``/tf``, REP-105) are broadcast where tf2_msgs is
installed, which is on any ROS; the wheels on PyPI lack it, and then markers, in the frame ``world``, must do.
"""

import sys
import time

from nav_msgs.msg import OccupancyGrid
from rclpy.clock import Clock, ClockType
from rclpy.executors import Executor
from rclpy.node import Node
from std_msgs.msg import Float64MultiArray, Int32
from visualization_msgs.msg import MarkerArray

from muster_core.cli import run_command
from muster_core.controllers import load_controller
from muster_core.errors import MusterError
from muster_core.shape import Shape
from muster_ros import messages
from muster_ros.bag_topics import frames_kind
from muster_ros.decision import decision_from_message
from muster_ros.hearing import Hearing
from muster_ros.markers import TeamView, base_transforms, fixed_transforms, team_markers
from muster_ros.node_help import answer_help
from muster_ros.parameters import RobotParameters, build_settings, declare_settings, read_settings, robot_defaults
from muster_ros.spinning import Closable, run_nodes

NICENESS = 5
"""Robots come first."""
PERIOD = 0.2
"""Time between two pictures [s]."""
FORGET_AFTER = 2.0
"""A robot that was not heard for so long is drawn no more [s]."""


class ViewNode(Node):
    """Parameters: those of a robot, any of the team.

    Raises:
        MusterError: a parameter is wrong, or the policy, which says how far robots see, is not there.
    """

    def __init__(self) -> None:
        super().__init__("view", namespace="/muster")
        declare_settings(self, robot_defaults())
        values = read_settings(self, robot_defaults())
        values["name"] = values["name"] or next(iter(values["team"]), "")
        self.settings: RobotParameters = build_settings(RobotParameters, values)
        self._sensing = load_controller(self.settings.policy, self.settings.robot).sensing
        self._shape: Shape | None = None
        self._team_size = len(self.settings.team)
        self._filtered: set[str] = set()
        self._hearing = Hearing(self, self.settings.odometry_topics(), set())
        self._connect()

    def close(self) -> None:
        """Give everything back."""
        self._hearing.close()
        self.destroy_node()

    def _connect(self) -> None:
        latched = messages.LATCHED_QOS
        self.create_subscription(OccupancyGrid, messages.SHAPE_TOPIC, self._on_shape, latched)
        self.create_subscription(Int32, messages.TEAM_SIZE_TOPIC, self._on_team_size, latched)
        # Of each robot's decisions only the newest counts; like odometry, it is fetched when a picture is due.
        self._decisions = {
            name: self._hearing.listen(
                Float64MultiArray, messages.DECISION_TOPIC.replace("{name}", name), messages.ODOMETRY_QOS
            )
            for name in self.settings.team
        }
        self._markers = self.create_publisher(MarkerArray, messages.MARKERS_TOPIC, messages.EVENT_QOS)
        kind = frames_kind()
        self._frames = None if kind is None else self.create_publisher(kind, "/tf", 100)
        if kind is None:
            self.get_logger().info("no tf2_msgs here: markers are published, frames are not")
        else:
            self._fixed = self.create_publisher(kind, "/tf_static", messages.LATCHED_QOS)
            now = self.get_clock().now().to_msg()
            self._fixed.publish(kind(transforms=fixed_transforms(self.settings.team, now)))
        self.create_timer(PERIOD, self._draw, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _draw(self) -> None:
        self._hearing.fetch()
        self._fetch_decisions()
        now = time.monotonic()
        heard = {name: self._hearing[name] for name in self.settings.team}
        bases = {
            name: each.pose
            for name, each in heard.items()
            if each.pose is not None and now - each.arrival < FORGET_AFTER
        }
        ahead = self.settings.robot.look_ahead
        avoid = 0.0 if self._shape is None else self._shape.avoid_distance(self._team_size)
        view = TeamView(
            poses={name: pose.ahead(ahead) for name, pose in bases.items()},
            shape=self._shape,
            avoid=avoid,
            sight=self._sensing.radius_ratio * avoid,
            radius=self.settings.robot.radius,
            filtered=frozenset(self._filtered),
        )
        self._markers.publish(team_markers(view, self.get_clock().now().to_msg()))
        if self._frames is not None:
            self._frames.publish(frames_kind()(transforms=base_transforms(bases)))

    def _fetch_decisions(self) -> None:
        for name, subscription in self._decisions.items():
            message = self._hearing.take(subscription)
            if message is None:
                continue
            try:
                active = decision_from_message(message).filter_active
            except MusterError as error:
                self.get_logger().warning(f"{name}: {error}", once=True)
                continue
            (self._filtered.add if active else self._filtered.discard)(name)

    def _on_shape(self, message: OccupancyGrid) -> None:
        try:
            self._shape = messages.shape_from_grid(message)
        except MusterError as error:
            self.get_logger().warning(f"shape not drawn: {error}")

    def _on_team_size(self, message: Int32) -> None:
        self._team_size = max(1, message.data)


def main() -> int:
    """Publish frames and markers until SIGINT or SIGTERM."""
    if answer_help(sys.argv, "muster-view", __doc__, robot_defaults()):
        return 0
    return run_command(lambda: run_nodes(_make, sys.argv, niceness=NICENESS))


def _make(executor: Executor) -> list[Closable]:
    node = ViewNode()
    executor.add_node(node)
    return [node]


if __name__ == "__main__":
    sys.exit(main())
