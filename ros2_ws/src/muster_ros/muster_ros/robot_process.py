"""The process that hosts one robot, or with ``--composed`` all robots of a team."""

from collections.abc import Sequence

import rclpy
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.executors import Executor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from muster_core.errors import MusterError
from muster_ros.hearing import Hearing
from muster_ros.parameters import RobotParameters, build_settings, declare_parameters, read_settings, robot_defaults
from muster_ros.robot_node import RobotNode
from muster_ros.spinning import Closable, run_nodes

NICENESS = -5
"""A robot's commands come before whatever else its computer does."""
OPTIONS = {"--composed": "all robots of the team in this process"}
"""What is not ROS's."""


def run_robots(arguments: Sequence[str]) -> None:
    """Run the robots that the command line asks for until SIGINT or SIGTERM.

    Every robot configures and activates itself, unless the parameter ``autostart`` is false: then a lifecycle manager
    does. One that refuses stays in the graph and says why on ``/diagnostics``.

    Raises:
        MusterError: a parameter of the wrong type, or an unknown option.
    """
    own, ros = _split(arguments[1:])
    unknown = [option for option in own if option not in OPTIONS]
    if unknown:
        raise MusterError(f"Unknown option {unknown[0]!r}. Available: --composed, --ros-args …")
    make = _compose if "--composed" in own else _single
    try:
        run_nodes(make, [arguments[0], *ros], niceness=NICENESS)
    except InvalidParameterTypeException as error:
        raise MusterError(f"{error}; write whole numbers of metres and seconds with a point, as in 1.0") from None


class ComposedTeam:
    """All robots of a team in this process, over one set of subscriptions.

    Args:
        executor: what spins them; the nodes are added to it.
    """

    def __init__(self, executor: Executor) -> None:
        self._host = rclpy.create_node("team")
        declare_parameters(self._host)
        values = read_settings(self._host, robot_defaults())
        team = values["team"]
        settings: RobotParameters = build_settings(RobotParameters, values | {"name": team[0] if team else ""})
        self._hearing = Hearing(self._host, settings.odometry_topics(), set(team))
        executor.add_node(self._host)
        self.robots = [RobotNode(name, self._hearing, [Parameter("name", value=name)]) for name in team]
        for robot in self.robots:
            executor.add_node(robot)
            autostart(robot)

    def close(self) -> None:
        """Stop every robot, then give everything back."""
        for robot in self.robots:
            robot.close()
        self._hearing.close()
        self._host.destroy_node()


def autostart(robot: RobotNode) -> None:
    """Configure and activate, unless the robot's parameter ``autostart`` says otherwise."""
    if not robot.get_parameter("autostart").value:
        return
    if robot.trigger_configure() == TransitionCallbackReturn.SUCCESS:
        robot.trigger_activate()


def _single(executor: Executor) -> list[Closable]:
    robot = RobotNode()
    executor.add_node(robot)
    autostart(robot)
    return [robot]


def _compose(executor: Executor) -> list[Closable]:
    return [ComposedTeam(executor)]


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Our own options, and ROS's from ``--ros-args`` on."""
    words = list(arguments)
    at = words.index("--ros-args") if "--ros-args" in words else len(words)
    return words[:at], words[at:]
