"""Which topics a bag holds, how they are listened to, and the text of their message definitions."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Twist, TwistStamped
from nav_msgs.msg import OccupancyGrid, Odometry
from rcl_interfaces.msg import Log
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Bool, Empty, Float64MultiArray, Int32, String
from visualization_msgs.msg import MarkerArray

from muster_core.errors import MusterError
from muster_ros import messages
from muster_ros.parameters import RobotParameters

QUEUE = 500
"""Messages that may wait between two looks at a topic: half a minute of commands, five seconds of odometry."""
_SEPARATOR = "=" * 80
_PRIMITIVES = frozenset(
    ["bool", "byte", "char", "string", "wstring", "float32", "float64"]
    + [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
)


@dataclass(frozen=True)
class Topic:
    """One topic of a bag."""

    name: str
    kind: Any
    """Its message class."""
    reliable: bool = True
    latched: bool = False

    @property
    def type_name(self) -> str:
        """As ROS spells it: ``nav_msgs/msg/Odometry``."""
        return type_name(self.kind)

    @property
    def qos(self) -> QoSProfile:
        """How a recorder listens: no stricter than the topic is offered, with room for messages to wait."""
        return QoSProfile(
            depth=QUEUE,
            reliability=ReliabilityPolicy.RELIABLE if self.reliable else ReliabilityPolicy.BEST_EFFORT,
            durability=DurabilityPolicy.TRANSIENT_LOCAL if self.latched else DurabilityPolicy.VOLATILE,
        )

    @property
    def offered_qos(self) -> str:
        """The same as the YAML that rosbag2 keeps in a channel, so that ``ros2 bag play`` latches what was latched."""
        return (
            f"- history: keep_last\n  depth: {1 if self.latched else 10}\n"
            f"  reliability: {'reliable' if self.reliable else 'best_effort'}\n"
            f"  durability: {'transient_local' if self.latched else 'volatile'}\n"
            "  deadline: {sec: 9223372036, nsec: 854775807}\n  lifespan: {sec: 9223372036, nsec: 854775807}\n"
            "  liveliness: automatic\n  liveliness_lease_duration: {sec: 9223372036, nsec: 854775807}\n"
            "  avoid_ros_namespace_conventions: false\n"
        )


def topics_of(settings: RobotParameters) -> list[Topic]:
    """Every topic that matters of the team that a robot with these parameters belongs to."""
    command = TwistStamped if settings.command_type == "TwistStamped" else Twist
    topics = [
        Topic(messages.SHAPE_TOPIC, OccupancyGrid, latched=True),
        Topic(messages.TEAM_SIZE_TOPIC, Int32, latched=True),
        Topic(messages.RUN_TOPIC, Bool, latched=True),
        Topic(messages.ESTOP_TOPIC, Bool, latched=True),
        Topic(messages.RELEASE_TOPIC, Empty),
        Topic(messages.DIAGNOSTICS_TOPIC, DiagnosticArray),
        Topic(messages.MARKERS_TOPIC, MarkerArray),
        Topic("/clock", Clock, reliable=False),
        Topic("/rosout", Log, latched=True),
    ]
    for name in settings.team:
        topics += [
            Topic(settings.odometry_topics()[name], Odometry, reliable=False),
            Topic(settings.command_topic.replace("{name}", name), command),
            Topic(messages.DECISION_TOPIC.replace("{name}", name), Float64MultiArray),
            Topic(messages.SETUP_TOPIC.replace("{name}", name), String, latched=True),
        ]
    frames = frames_kind()
    if frames is not None:
        topics += [Topic("/tf", frames), replace(Topic("/tf_static", frames), latched=True)]
    return topics


def type_name(kind: Any) -> str:  # noqa: ANN401 - any message class
    """A message class's name as ROS spells it: ``nav_msgs/msg/Odometry``."""
    return f"{kind.__module__.split('.')[0]}/msg/{kind.__name__}"


def definition(name: str) -> str:
    """The definition of a message type with all that it holds, as ``ros2msg`` schemas want it.

    Raises:
        MusterError: a definition is not installed.
    """
    package, _, short = name.split("/")
    found: dict[str, str] = {}
    waiting = [(package, short)]
    while waiting:
        package, short = waiting.pop(0)
        if f"{package}/{short}" in found:
            continue
        text = _read(package, short)
        found[f"{package}/{short}"] = text
        waiting += _inner(text, package)
    (_, first), *others = found.items()
    return "\n".join([first, *(f"{_SEPARATOR}\nMSG: {key}\n{text}" for key, text in others)])


def frames_kind() -> Any:  # noqa: ANN401 - a message class or None
    """TFMessage where it is installed: on any ROS, but not among the wheels."""
    try:
        from tf2_msgs.msg import TFMessage
    except ImportError:
        return None
    return TFMessage


def _inner(text: str, package: str) -> list[tuple[str, str]]:
    """Package and name of the message types that a definition's fields have."""
    inner = []
    for line in text.splitlines():
        words = line.split("#")[0].split()
        kind = words[0].split("[")[0].split("<")[0] if words else ""
        if kind and kind not in _PRIMITIVES:
            head, _, tail = kind.rpartition("/")
            inner.append((head.split("/")[0] or package, tail))
    return inner


def _read(package: str, short: str) -> str:
    try:
        path = Path(get_package_share_directory(package)) / "msg" / f"{short}.msg"
        return path.read_text(encoding="utf-8")
    except (PackageNotFoundError, OSError):
        raise MusterError(f"The definition of {package}/msg/{short} is not installed; install {package}") from None
