"""The settings of a robot node: a dataclass, and ROS parameters declared by looping over it."""

import math
import re
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, get_type_hints

from rclpy.exceptions import InvalidTopicNameException
from rclpy.node import Node
from rclpy.validate_topic_name import validate_topic_name

from muster_core.errors import MusterError, unknown
from muster_core.robot import Arena, RobotModel
from muster_ros.gatekeeper import StopRules

COMMAND_TYPES = ("TwistStamped", "Twist")
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True)
class RobotParameters:
    """One robot of a team."""

    name: str = ""
    """This robot's name; the node's name where it is left empty."""
    team: tuple[str, ...] = ()
    """Names of all robots of the team, this one included."""
    policy: str = "shipped"
    """A controller's name (``shipped``, ``prior``, ``expert``, …) or the path of an ONNX file."""
    odometry_topic: str = "/{name}/odom"
    """Where each robot's odometry is; ``{name}`` stands for the robot's name."""
    command_topic: str = "/{name}/cmd_vel"
    """Where commands go."""
    command_type: str = "TwistStamped"
    """``TwistStamped`` (the controllers of Jazzy) or ``Twist``."""
    time_scale: float = 1.0
    """Simulated seconds per second: ticks come this much faster. 1 on robots."""
    robot: RobotModel = field(default_factory=RobotModel)
    """Size and limits of the base."""
    arena: Arena = field(default_factory=Arena)
    """The geofence."""
    rules: StopRules = field(default_factory=StopRules)
    """When to stop."""

    def __post_init__(self) -> None:
        """Refuse what no team could run.

        Raises:
            MusterError: names the value and the remedy.
        """
        check_team(self.team)
        if self.name not in self.team:
            raise MusterError(f"Robot {self.name!r} is not in its team: {', '.join(self.team)}; add it to 'team'")
        if self.command_type not in COMMAND_TYPES:
            raise unknown("command_type", self.command_type, COMMAND_TYPES)
        for key in ("odometry_topic", "command_topic"):
            check_topic(key, getattr(self, key))
        if not (math.isfinite(self.time_scale) and self.time_scale > 0):
            raise MusterError(f"time_scale is {self.time_scale}; it must be a finite number above 0")

    def odometry_topics(self) -> dict[str, str]:
        """Odometry topic of every robot of the team by its name."""
        return {name: self.odometry_topic.replace("{name}", name) for name in self.team}


def check_team(team: tuple[str, ...]) -> None:
    """Refuse a team that is none.

    Raises:
        MusterError: fewer than two robots, a name twice, or a name that ROS does not take.
    """
    if len(team) < 2:
        raise MusterError(f"A team needs at least 2 robots; 'team' names {len(team)}: {list(team)}")
    twice = sorted({name for name in team if team.count(name) > 1})
    if twice:
        raise MusterError(f"'team' names {', '.join(map(repr, twice))} more than once; every robot needs its own name")
    for name in team:
        if not _NAME.fullmatch(name):
            raise MusterError(f"{name!r} is no robot name; take letters, digits and underscores, not a digit first")


def check_topic(key: str, pattern: str) -> None:
    """Refuse a topic pattern that is no topic, or would be the same for all robots.

    Raises:
        MusterError: names the key and the pattern.
    """
    if "{name}" not in pattern:
        raise MusterError(f"{key} is {pattern!r}; it must hold '{{name}}', or all robots would share one topic")
    try:
        validate_topic_name(pattern.replace("{name}", "name"))
    except InvalidTopicNameException:
        words = "take letters, digits and underscores between slashes, as in '/{name}/odom'"
        raise MusterError(f"{key} is {pattern!r}, which is no topic; {words}") from None


def flat_settings(settings: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass of settings
    """All fields of a dataclass of settings by dotted name, nested ones included.

    Raises:
        MusterError: an arena with obstacles, which no ROS parameter can hold.
    """
    flat: dict[str, Any] = {}
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        if entry.name == "obstacles":
            if value:
                raise MusterError("Robot nodes take no obstacles yet; fly them with muster-evaluate --obstacles")
        elif is_dataclass(value):
            flat |= {f"{entry.name}.{key}": inner for key, inner in flat_settings(value).items()}
        else:
            flat[entry.name] = value
    return flat


def declare_settings(node: Node, defaults: dict[str, Any]) -> None:
    """Declare a parameter for every default by dotted name (see `flat_settings`)."""
    for name, default in defaults.items():
        # An empty list has no type on the wire; one empty name stands for it.
        value = ([*default] or [""]) if isinstance(default, tuple) else default
        node.declare_parameter(name, value)


def read_settings(node: Node, defaults: dict[str, Any]) -> dict[str, Any]:
    """The present values of what `declare_settings` declared, by dotted name; not checked."""
    values = {name: node.get_parameter(name).value for name in defaults}
    return {
        name: tuple(entry for entry in value if entry) if isinstance(defaults[name], tuple) else value
        for name, value in values.items()
    }


def declare_parameters(node: Node) -> None:
    """Declare every field of `RobotParameters` (nested ones as ``robot.radius``), and ``autostart``."""
    declare_settings(node, robot_defaults() | {"autostart": True})


def read_parameters(node: Node) -> RobotParameters:
    """The parameters' present values, checked; the robot's name is the node's where none is set.

    Raises:
        MusterError: a value that the dataclass refuses.
    """
    values = read_settings(node, robot_defaults())
    values["name"] = values["name"] or node.get_name()
    parameters: RobotParameters = build_settings(RobotParameters, values)
    return parameters


def build_settings(kind: type, values: dict[str, Any], prefix: str = "") -> Any:  # noqa: ANN401 - the kind asked for
    """A dataclass of settings from values by dotted name (see `flat_settings`)."""
    hints = get_type_hints(kind)
    arguments = {}
    for entry in fields(kind):
        name = f"{prefix}{entry.name}"
        if is_dataclass(hints[entry.name]):
            arguments[entry.name] = build_settings(hints[entry.name], values, f"{name}.")
        elif name in values:
            arguments[entry.name] = values[name]
    return kind(**arguments)


def robot_defaults() -> dict[str, Any]:
    """Every parameter of a robot node by dotted name, with its default."""
    # A team of two stands in, because a robot without one is refused.
    example = RobotParameters(name="a", team=("a", "b"))
    return flat_settings(example) | {"name": "", "team": ()}
