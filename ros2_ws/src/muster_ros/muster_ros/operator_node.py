"""The operator's node: it holds the latched topics that a team listens to and offers the verbs that change them.

Verbs are `std_srvs/Trigger` services below the node's name (start, stop, estop, release, status). The shape is the
node's own parameters, set all at once, because that is the standard message whose answer carries a reason:
``ros2 param set /muster/operator shape R`` works as well as ``muster-operator shape R``.
"""

import json
import sys
import time
from dataclasses import dataclass, fields
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import OccupancyGrid
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.executors import Executor
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_msgs.msg import Bool, Empty, Int32
from std_srvs.srv import Trigger

from muster_core.cli import run_command
from muster_core.control_step import check_fit
from muster_core.errors import MusterError
from muster_core.robot import Arena, RobotModel
from muster_core.shape import Shape, load_shape
from muster_core.shape_text import is_shape_text, read_shape_text
from muster_ros import messages
from muster_ros.node_help import answer_help
from muster_ros.parameters import check_team, declare_settings, flat_settings, read_settings
from muster_ros.spinning import Closable, run_nodes

HEARTBEAT_PERIOD = 0.25
"""Time between two e-stop messages [s]; robots miss the operator after 2 s."""
REACHABLE_FOR = 2.0
"""A robot that reported within this time [s] counts as reachable."""


@dataclass(frozen=True)
class ShapeRequest:
    """A shape as an operator asks for it; every field is a parameter of the operator node."""

    shape: str = ""
    """A figure's name, a text, or the text of a shape (`muster_core.shape_text`), whose size and cells are its own;
    empty for none yet."""
    shape_x: float = 0.0
    """Its centre [m; world]."""
    shape_y: float = 0.0
    """Its centre [m; world]."""
    shape_yaw: float = 0.0
    """Its turn [rad]."""
    shape_height: float = 2.2
    """Extent along its own y axis [m]."""
    shape_cells: int = 500
    """About how many cells it is made of."""

    def build(self) -> Shape:
        """The shape asked for.

        Raises:
            MusterError: it cannot be drawn.
        """
        if is_shape_text(self.shape):
            shape = read_shape_text(self.shape)[1]
        else:
            shape = load_shape(self.shape, height=self.shape_height, cells=self.shape_cells)
        return shape.moved(self.shape_x, self.shape_y, self.shape_yaw)


TEAM: dict[str, Any] = {
    "team": (),
    "robot.radius": RobotModel().radius,
    "arena.half_width": Arena().half_width,
    "arena.half_height": Arena().half_height,
}
"""Parameters that say whom the operator speaks for, with their defaults."""


class OperatorNode(Node):
    """Speaks for the operator. Parameters: ``team`` (names), ``robot.radius``, ``arena.…``, and the shape's."""

    def __init__(self) -> None:
        super().__init__("operator", namespace="/muster")
        declare_settings(self, TEAM)
        value = read_settings(self, TEAM)
        self.team = value["team"]
        check_team(self.team)
        self._robot = RobotModel(radius=value["robot.radius"])
        self._arena = Arena(value["arena.half_width"], value["arena.half_height"])
        self._robots: dict[str, tuple[float, dict[str, str]]] = {}
        self._shape: Shape | None = None
        self._running = self._estopped = False
        self._connect()
        for entry in fields(ShapeRequest):
            self.declare_parameter(entry.name, entry.default, ignore_override=True)
        self.add_on_set_parameters_callback(self._on_parameters)
        self._team_sizes.publish(Int32(data=len(self.team)))
        self._publish_run(False)
        self._publish_estop(False)

    def close(self) -> None:
        """Tell the team to stop, then give everything back."""
        self._publish_run(False)
        self._runs.wait_for_all_acked(Duration(seconds=0.5))
        self.destroy_node()

    def start(self) -> str:
        """Let the team move.

        Raises:
            MusterError: there is no shape yet, the e-stop is pressed or no robot is reachable.
        """
        if self._shape is None:
            raise MusterError("There is no shape to form; send one first: muster-operator shape R")
        if self._estopped:
            raise MusterError("The e-stop is pressed; let go of it first: muster-operator release")
        reachable = self._require_reachable()
        self._publish_run(True)
        return f"{len(reachable)} of {len(self.team)} robots start"

    def stop(self) -> str:
        """Bring the team to rest; start lets it go on."""
        self._publish_run(False)
        return "the team comes to rest; start lets it go on"

    def estop(self) -> str:
        """Press the e-stop; robots stay stopped until released and started again."""
        self._publish_estop(True)
        self._publish_run(False)
        return "e-stop pressed; release, then start"

    def release(self) -> str:
        """Let go of the e-stop and of whatever else stopped a robot."""
        self._publish_estop(False)
        self._releases.publish(Empty())
        return "released; a robot whose cause still holds stays stopped; start lets the others move"

    def status(self) -> str:
        """What is known of the team, as JSON."""
        now = time.monotonic()
        robots = {name: {"reachable": False} | self._known(name, now) for name in self.team}
        return json.dumps(
            {
                "shape": self.shape_name(),
                "team_size": len(self.team),
                "running": self._running,
                "estop": self._estopped,
                "reachable": len(self._reachable()),
                "robots": robots,
            }
        )

    def shape_name(self) -> str:
        """What people call the shape that was sent last."""
        shape: str = self.get_parameter("shape").value
        return read_shape_text(shape)[0] if is_shape_text(shape) else shape

    def set_shape(self, request: ShapeRequest) -> None:
        """Send a shape to the team.

        Raises:
            MusterError: it cannot be drawn, does not fit the team or the arena, or no robot is reachable.
        """
        shape = request.build()
        check_fit(shape, len(self.team), self._robot, self._arena)
        self._require_reachable()
        self._shape = shape
        self._shapes.publish(messages.grid_from_shape(shape, self._seconds()))

    def _connect(self) -> None:
        latched = messages.LATCHED_QOS
        self._shapes = self.create_publisher(OccupancyGrid, messages.SHAPE_TOPIC, latched)
        self._team_sizes = self.create_publisher(Int32, messages.TEAM_SIZE_TOPIC, latched)
        self._runs = self.create_publisher(Bool, messages.RUN_TOPIC, latched)
        self._estops = self.create_publisher(Bool, messages.ESTOP_TOPIC, latched)
        self._releases = self.create_publisher(Empty, messages.RELEASE_TOPIC, messages.EVENT_QOS)
        self.create_subscription(
            DiagnosticArray, messages.DIAGNOSTICS_TOPIC, self._on_diagnostics, messages.DIAGNOSTICS_QOS
        )
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(HEARTBEAT_PERIOD, lambda: self._publish_estop(self._estopped), clock=steady)
        for verb in (self.start, self.stop, self.estop, self.release, self.status):
            self.create_service(Trigger, f"~/{verb.__name__}", self._service(verb))

    def _service(self, verb: Any) -> Any:  # noqa: ANN401 - a callback for rclpy
        def answer(request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            try:
                response.message = verb()
                response.success = True
            except MusterError as error:
                response.message, response.success = str(error), False
            return response

        return answer

    def _on_parameters(self, parameters: list[Parameter]) -> SetParametersResult:
        names = {entry.name for entry in fields(ShapeRequest)}
        given = {parameter.name: parameter.value for parameter in parameters}
        fixed = sorted(set(given) - names)
        if fixed:
            return SetParametersResult(successful=False, reason=f"{fixed[0]} is fixed while the operator node runs")
        present = {name: self.get_parameter(name).value for name in names}
        try:
            request = ShapeRequest(**(present | given))
            if request.shape:
                self.set_shape(request)
        except MusterError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.hardware_id in self.team and status.name.startswith("muster: "):
                self._robots[status.hardware_id] = (time.monotonic(), messages.status_values(status))

    def _reachable(self) -> list[str]:
        now = time.monotonic()
        return [name for name, (heard, _) in self._robots.items() if now - heard < REACHABLE_FOR]

    def _require_reachable(self) -> list[str]:
        reachable = self._reachable()
        if not reachable:
            raise MusterError(
                f"No robot is reachable: none of the {len(self.team)} of the team has reported within "
                f"{REACHABLE_FOR:g} s; start them (muster-run) and check ROS_DOMAIN_ID"
            )
        return reachable

    def _known(self, name: str, now: float) -> dict[str, Any]:
        if name not in self._robots:
            return {}
        heard, values = self._robots[name]
        kept = ("state", "reason", "pose_age_ms", "pose_age_p99_ms", "tick_ms", "transport_ms", "heard", "in_shape")
        return {"reachable": now - heard < REACHABLE_FOR} | {key: values[key] for key in kept if key in values}

    def _publish_run(self, running: bool) -> None:
        self._running = running
        self._runs.publish(Bool(data=running))

    def _publish_estop(self, pressed: bool) -> None:
        self._estopped = pressed
        self._estops.publish(Bool(data=pressed))

    def _seconds(self) -> float:
        return float(self.get_clock().now().nanoseconds * 1e-9)


def main() -> int:
    """Run the operator node until SIGINT or SIGTERM."""
    if answer_help(sys.argv, "muster-operator-node", __doc__, TEAM | flat_settings(ShapeRequest())):
        return 0
    return run_command(lambda: run_nodes(_make, sys.argv))


def _make(executor: Executor) -> list[Closable]:
    node = OperatorNode()
    executor.add_node(node)
    return [node]


if __name__ == "__main__":
    sys.exit(main())
