"""ROS messages in, core types out, and back: the only file that knows how the two are spelled.

What comes from outside is checked here, at the door: a message that no robot should act on becomes a
`MusterError` that names the value and the remedy. Topic names and QoS profiles stand here too, once.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from geometry_msgs.msg import Quaternion, Twist, TwistStamped
from nav_msgs.msg import OccupancyGrid, Odometry
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from transforms3d.euler import euler2quat, quat2euler

from muster_core.errors import MusterError
from muster_core.shape import Shape
from muster_core.types import Array

SHAPE_TOPIC = "/muster/shape"
TEAM_SIZE_TOPIC = "/muster/team_size"
RUN_TOPIC = "/muster/run"
ESTOP_TOPIC = "/muster/estop"
RELEASE_TOPIC = "/muster/release"
DIAGNOSTICS_TOPIC = "/diagnostics"
DECISION_TOPIC = "/muster/decisions/{name}"
"""What each robot based its commands on; see `muster_ros.decision`."""
SETUP_TOPIC = "/muster/setup/{name}"
"""Which policy, robot and arena each robot runs with; see `muster_ros.robot_setup`."""
MARKERS_TOPIC = "/muster/markers"
OPERATOR = "/muster/operator"
"""Full name of the operator node; its services and parameters live below it."""
WORLD_FRAME = "world"

ODOMETRY_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
"""Only the newest pose counts, and a lost one is not worth waiting for."""
COMMAND_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
"""Reliable because the controllers of ros2_control ask for it; a best-effort base matches as well."""
LATCHED_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""Whoever joins late still hears the last message."""
EVENT_QOS = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
DECISION_QOS = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
DIAGNOSTICS_QOS = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)

LARGEST_GRID = 1024
"""Cells along one side of a shape's grid, at most: a larger one is a mistake or an attack, not a formation."""
LARGEST_TILT = 0.01
"""Roll or pitch of a shape [rad] beyond which it is not a formation on the floor."""


@dataclass(frozen=True)
class Pose:
    """What one odometry message says."""

    position: Array
    """Position, shape (2,) [m; world]."""
    velocity: Array
    """Velocity, shape (2,) [m/s; world]."""
    yaw: float
    """Heading [rad; world]."""
    yaw_rate: float
    """Turning rate [rad/s]."""
    stamp: float
    """When it was measured [s; the ROS clock]."""

    def ahead(self, distance: float) -> "Pose":
        """The pose of the point ``distance`` [m] ahead on the same body (behind it where negative)."""
        if distance == 0.0:
            return self
        heading = np.array([math.cos(self.yaw), math.sin(self.yaw)])
        swing = distance * self.yaw_rate * np.array([-heading[1], heading[0]])
        return replace(self, position=self.position + distance * heading, velocity=self.velocity + swing)


def pose_from_odometry(message: Odometry, name: str) -> Pose:
    """Read an odometry message; its twist is in the robot's own frame and is turned into the world's.

    Raises:
        MusterError: a number is not finite or the orientation is no rotation; names the robot and the values.
    """
    place, turn = message.pose.pose.position, message.pose.pose.orientation
    twist = message.twist.twist
    numbers = (place.x, place.y, turn.w, turn.x, turn.y, turn.z, twist.linear.x, twist.linear.y, twist.angular.z)
    if not all(map(math.isfinite, numbers)):
        raise MusterError(
            f"Odometry of {name!r} is not finite: position ({place.x}, {place.y}) m, "
            f"velocity ({twist.linear.x}, {twist.linear.y}) m/s; check its tracking"
        )
    yaw = _yaw(turn, f"Odometry of {name!r}")
    cosine, sine = math.cos(yaw), math.sin(yaw)
    velocity = (
        cosine * twist.linear.x - sine * twist.linear.y,
        sine * twist.linear.x + cosine * twist.linear.y,
    )
    stamp = seconds(message.header.stamp)
    return Pose(np.array([place.x, place.y]), np.array(velocity), yaw, float(twist.angular.z), stamp)


def odometry_from_pose(pose: Pose, name: str) -> Odometry:
    """Write an odometry message: pose in the world, twist in the frame of the robot ``name``."""
    message = Odometry()
    message.header.stamp = time_message(pose.stamp)
    message.header.frame_id = WORLD_FRAME
    message.child_frame_id = name
    message.pose.pose.position.x = float(pose.position[0])
    message.pose.pose.position.y = float(pose.position[1])
    message.pose.pose.orientation = quaternion(pose.yaw)
    cosine, sine = math.cos(pose.yaw), math.sin(pose.yaw)
    message.twist.twist.linear.x = float(cosine * pose.velocity[0] + sine * pose.velocity[1])
    message.twist.twist.linear.y = float(cosine * pose.velocity[1] - sine * pose.velocity[0])
    message.twist.twist.angular.z = float(pose.yaw_rate)
    return message


def shape_from_grid(message: OccupancyGrid) -> Shape:
    """Read a formation shape.

    Raises:
        MusterError: the grid is too large, does not hold what it says, is tilted or stands nowhere.
    """
    info = message.info
    if not (0 < info.width <= LARGEST_GRID and 0 < info.height <= LARGEST_GRID):
        raise MusterError(
            f"The shape's grid is {info.width} x {info.height} cells; it must be 1 to {LARGEST_GRID} along each side"
        )
    if len(message.data) != info.width * info.height:
        raise MusterError(
            f"The shape's grid says {info.width} x {info.height} cells but holds {len(message.data)} values"
        )
    if not (math.isfinite(info.resolution) and info.resolution > 0):
        raise MusterError(f"The shape's resolution is {info.resolution} m; it must be a finite number above 0")
    place = info.origin.position
    if not (math.isfinite(place.x) and math.isfinite(place.y)):
        raise MusterError(f"The shape's origin is ({place.x}, {place.y}) m; both must be finite")
    yaw = _yaw(info.origin.orientation, "The shape", level=True)
    # Through a string: float32 on the wire, and 0.1 must not come back as 0.10000000149.
    resolution = float(str(np.float32(info.resolution)))
    return Shape.from_occupancy_grid(
        np.asarray(message.data, dtype=np.int8), info.width, info.height, resolution, place.x, place.y, yaw
    )


def grid_from_shape(shape: Shape, stamp: float) -> OccupancyGrid:
    """Write a formation shape as the grid that RViz and Foxglove draw."""
    message = OccupancyGrid()
    message.header.stamp = time_message(stamp)
    message.header.frame_id = WORLD_FRAME
    rows, columns = shape.occupancy.shape
    message.info.map_load_time = message.header.stamp
    message.info.width = int(columns)
    message.info.height = int(rows)
    message.info.resolution = float(shape.pitch)
    message.info.origin.position.x = float(shape.origin_x)
    message.info.origin.position.y = float(shape.origin_y)
    message.info.origin.orientation = quaternion(shape.yaw)
    message.data = shape.occupancy_grid_data().ravel().tolist()
    return message


def command_message(twist: tuple[float, float, float], stamp: float, name: str, kind: str) -> Twist | TwistStamped:
    """Write a body twist (vx, vy [m/s], wz [rad/s]) as ``TwistStamped`` or ``Twist``."""
    plain = Twist()
    plain.linear.x, plain.linear.y, plain.angular.z = map(float, twist)
    if kind == "Twist":
        return plain
    message = TwistStamped(twist=plain)
    message.header.stamp = time_message(stamp)
    message.header.frame_id = name
    return message


def twist_from_command(message: Twist | TwistStamped) -> tuple[float, float, float]:
    """Body twist (vx, vy [m/s], wz [rad/s]) of a command.

    Raises:
        MusterError: a number is not finite.
    """
    twist = message.twist if isinstance(message, TwistStamped) else message
    numbers = (twist.linear.x, twist.linear.y, twist.angular.z)
    if not all(map(math.isfinite, numbers)):
        raise MusterError(f"The command {numbers} is not finite; the base stays at rest")
    return numbers


def status_message(name: str, level: str, summary: str, values: Mapping[str, object]) -> DiagnosticStatus:
    """Write one diagnostic status; ``level`` is ``ok``, ``warn`` or ``error``."""
    levels = {"ok": DiagnosticStatus.OK, "warn": DiagnosticStatus.WARN, "error": DiagnosticStatus.ERROR}
    return DiagnosticStatus(
        level=levels[level],
        name=f"muster: {name}",
        message=summary,
        hardware_id=name,
        values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
    )


def status_values(status: DiagnosticStatus) -> dict[str, str]:
    """The values of one diagnostic status by their keys."""
    return {pair.key: pair.value for pair in status.values}


def seconds(stamp: Time) -> float:
    """A message's time as seconds."""
    return float(stamp.sec + stamp.nanosec * 1e-9)


def time_message(stamp: float) -> Time:
    """Seconds as a message's time, to the nanosecond that a float64 can tell."""
    nanoseconds = round(stamp * 1e9)
    return Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)


def quaternion(yaw: float) -> Quaternion:
    """A turn by ``yaw`` [rad] about the vertical."""
    w, x, y, z = euler2quat(0.0, 0.0, yaw)
    return Quaternion(w=float(w), x=float(x), y=float(y), z=float(z))


def _yaw(turn: Quaternion, what: str, level: bool = False) -> float:
    parts = (turn.w, turn.x, turn.y, turn.z)
    length = math.sqrt(sum(part * part for part in parts))
    if not 0.5 < length < 2.0:
        raise MusterError(f"{what} has the orientation {parts}, which is no rotation; its length must be 1")
    roll, pitch, yaw = quat2euler(parts)
    if level and max(abs(roll), abs(pitch)) > LARGEST_TILT:
        raise MusterError(f"{what} is tilted by roll {roll:.3f}, pitch {pitch:.3f} rad; it must lie on the floor")
    return float(yaw)
