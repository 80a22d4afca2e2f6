"""One node that puts a simulated world behind the robots' topics: commands in, odometry at 100 Hz and /clock out.

In real time stamps are the system's time, so that latencies are what they would be on robots. At another rate stamps
are simulated time, which /clock tells. What is true (contacts, clearance) goes to /diagnostics.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Twist, TwistStamped
from nav_msgs.msg import OccupancyGrid, Odometry
from rclpy.clock import Clock, ClockType
from rclpy.executors import Executor
from rclpy.node import Node
from rosgraph_msgs.msg import Clock as ClockMessage

from muster_core.cli import run_command
from muster_core.errors import MusterError
from muster_core.robot import Arena, RobotModel
from muster_ros import messages
from muster_ros.node_help import answer_help
from muster_ros.parameters import (
    RobotParameters,
    build_settings,
    check_team,
    declare_settings,
    flat_settings,
    read_settings,
)
from muster_ros.spinning import Closable, run_nodes

try:
    from muster_simulator.simulated_bases import STEP, SimulatedBases
    from muster_simulator.trail import Trail
except ImportError as error:
    raise ImportError(f"The simulator needs muster_sim ({error}): pip install muster_sim") from error

MOST_CATCH_UP = 5
"""Steps made at once when the machine was late; beyond that simulated time falls behind."""
CLOCK_PERIOD = 0.02
"""Time between two /clock messages [s]: every one of them costs every robot a callback."""
REPORT_PERIOD = 0.2
"""Time between two reports of the truth [s]."""
STEPS_PER_SAMPLE = 5
"""Steps between two recorded moments: 20 a second."""
LAST_WORDS = 60
"""Time to finish and write a recording [s]."""

NICENESS = -10
"""Real bases and motion capture do not wait for the robots' computers."""


@dataclass(frozen=True)
class SimulatorSettings:
    """What the simulator is told; every field is a parameter."""

    team: tuple[str, ...] = ()
    """Names of the robots."""
    world: str = "bullet"
    """Which world."""
    seed: int = 0
    """Seed of the starts."""
    rate: float = 1.0
    """Simulated seconds per second."""
    record: str = ""
    """File for the true trajectories (.npz); empty for none."""
    odometry_topic: str = RobotParameters.odometry_topic
    """As the robots have it."""
    command_topic: str = RobotParameters.command_topic
    """As the robots have it."""
    command_type: str = RobotParameters.command_type
    """As the robots have it."""
    robot: RobotModel = field(default_factory=RobotModel)
    """The bases."""
    arena: Arena = field(default_factory=Arena)
    """The walls."""


class SimulatorNode(Node):
    """The world's node."""

    def __init__(self) -> None:
        super().__init__("simulator", namespace="/muster")
        defaults = flat_settings(SimulatorSettings())
        declare_settings(self, defaults)
        self.settings: SimulatorSettings = build_settings(SimulatorSettings, read_settings(self, defaults))
        settings = self.settings
        check_team(settings.team)
        if settings.record and not Path(settings.record).parent.is_dir():
            raise MusterError(f"record: there is no folder {Path(settings.record).parent}; make it first")
        self.bases = SimulatedBases(len(settings.team), settings.world, settings.robot, settings.arena, settings.seed)
        self._trail = Trail()
        self._steps = 0
        self._started = self._reported = time.monotonic()
        self._clocked = self._reported_time = 0.0
        self._connect()

    def close(self) -> None:
        """Write the recording, where one was asked for, and give everything back."""
        if self.settings.record:
            path = Path(self.settings.record)
            written = self._trail.save(path, self.settings.robot, self.settings.arena)
            self.get_logger().info(f"recording: {path}" if written else "no recording: no shape was sent")
        self.bases.world.close()
        self.destroy_node()

    def _connect(self) -> None:
        settings = self.settings
        kind = TwistStamped if settings.command_type == "TwistStamped" else Twist
        self._odometry = []
        for row, name in enumerate(settings.team):
            topic = settings.odometry_topic.replace("{name}", name)
            self._odometry.append(self.create_publisher(Odometry, topic, messages.ODOMETRY_QOS))
            topic = settings.command_topic.replace("{name}", name)
            self.create_subscription(kind, topic, self._command_callback(row), messages.ODOMETRY_QOS)
        self.create_subscription(OccupancyGrid, messages.SHAPE_TOPIC, self._on_shape, messages.LATCHED_QOS)
        self._clocks = self.create_publisher(ClockMessage, "/clock", messages.ODOMETRY_QOS)
        self._diagnostics = self.create_publisher(DiagnosticArray, messages.DIAGNOSTICS_TOPIC, messages.DIAGNOSTICS_QOS)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(STEP / settings.rate, self._on_timer, clock=steady)
        self.create_timer(REPORT_PERIOD, self._report, clock=steady)

    def _command_callback(self, row: int) -> Callable[[Twist | TwistStamped], None]:
        def store(message: Twist | TwistStamped) -> None:
            try:
                self.bases.command(row, messages.twist_from_command(message))
            except MusterError as error:
                self.bases.command(row, (0.0, 0.0, 0.0))
                self.get_logger().error(f"{self.settings.team[row]}: {error}")

        return store

    def _on_shape(self, message: OccupancyGrid) -> None:
        try:
            self._trail.shape(self.bases.time, messages.shape_from_grid(message))
        except MusterError as error:
            self.get_logger().error(f"shape refused: {error}")

    def _on_timer(self) -> None:
        due = int((time.monotonic() - self._started) * self.settings.rate / STEP)
        if due - self._steps > MOST_CATCH_UP:
            # Too late to catch up: let that time pass without simulating it.
            self._started += (due - self._steps - MOST_CATCH_UP) * STEP / self.settings.rate
            due = self._steps + MOST_CATCH_UP
        stepped = self._steps < due
        while self._steps < due:
            self.bases.step()
            self._steps += 1
            if self.settings.record and self._steps % STEPS_PER_SAMPLE == 0:
                self._trail.positions(self.bases.time, self.bases.positions)
        if stepped:
            self._publish()

    def _publish(self) -> None:
        now = time.monotonic()
        if now - self._clocked >= CLOCK_PERIOD:
            self._clocked = now
            self._clocks.publish(ClockMessage(clock=messages.time_message(self._stamp())))
        for row, (name, publisher) in enumerate(zip(self.settings.team, self._odometry, strict=True)):
            # Stamped one by one: the last of a large team is measured when it is sent, not when the first one was.
            publisher.publish(messages.odometry_from_pose(self.bases.pose(row, self._stamp()), name))

    def _stamp(self) -> float:
        return time.time() if self.settings.rate == 1.0 else self.bases.time

    def _report(self) -> None:
        now = time.monotonic()
        factor = (self.bases.time - self._reported_time) / max(now - self._reported, 1e-9)
        self._reported, self._reported_time = now, self.bases.time
        world = self.bases.world
        values = {
            "contacts": int(world.contacts[0]),
            "minimum_clearance_m": f"{float(world.minimum_clearance[0]):.5f}",
            "real_time_factor": f"{factor:.3f}",
            "time_s": f"{self.bases.time:.2f}",
            "world": self.settings.world,
        }
        array = DiagnosticArray()
        array.header.stamp = messages.time_message(self._stamp())
        array.status = [messages.status_message("simulator", "ok", f"{self.bases.time:.1f} s simulated", values)]
        self._diagnostics.publish(array)


def main() -> int:
    """Run the simulator until SIGINT or SIGTERM."""
    if answer_help(sys.argv, "muster-simulator", __doc__, flat_settings(SimulatorSettings())):
        return 0
    return run_command(lambda: run_nodes(_make, sys.argv, LAST_WORDS, NICENESS))


def _make(executor: Executor) -> list[Closable]:
    node = SimulatorNode()
    executor.add_node(node)
    return [node]


if __name__ == "__main__":
    sys.exit(main())
