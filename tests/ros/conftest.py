"""Real nodes in real processes over real DDS; only the bases are fake: perfect ones, in a thread of the test."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy")

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import TwistStamped
from lifecycle_msgs.srv import ChangeState, GetState
from nav_msgs.msg import OccupancyGrid, Odometry
from rcl_interfaces.srv import SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_msgs.msg import Bool, Empty, Int32
from std_srvs.srv import Trigger

from muster_core.controllers import load_controller
from muster_core.pilot import Pilot
from muster_core.shape import Shape
from muster_ros import messages
from muster_ros.domain import FreeDomain
from muster_ros.messages import Pose
from muster_ros.operator_client import OperatorClient
from muster_ros.spinning import open_context

PATIENCE = 90.0
"""How long a busy machine may take for something that has no deadline of its own [s]."""


@pytest.fixture(scope="session", autouse=True)
def warm_kernels() -> None:
    """Fill the kernel cache once, so that no node of a test spends half a minute compiling."""
    Pilot(load_controller("prior")).warm_up()


@pytest.fixture
def domain(monkeypatch) -> Iterator[int]:
    """A ROS domain of this test's own, also for the processes it starts."""
    lock = FreeDomain()
    monkeypatch.setenv("ROS_DOMAIN_ID", str(lock.number))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setenv("AMENT_PREFIX_PATH", os.environ.get("AMENT_PREFIX_PATH", sys.prefix))
    yield lock.number
    lock.close()


@pytest.fixture
def ros(domain) -> Iterator[None]:
    """An rclpy context for the test itself."""
    open_context([])
    yield
    rclpy.try_shutdown()


@pytest.fixture
def operator(ros) -> Iterator[OperatorClient]:
    client = OperatorClient(timeout=PATIENCE)
    yield client
    client.close()


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen]]:
    """Starts ``python -m module arguments`` and ends it with the test."""
    started = []

    def start_module(module: str, *arguments: str, **options) -> subprocess.Popen:
        process = subprocess.Popen([sys.executable, "-m", module, *arguments], start_new_session=True, **options)
        started.append(process)
        return process

    yield start_module
    for process in started:
        end(process)


@pytest.fixture
def bases(ros) -> Iterator[Callable[..., "FakeBases"]]:
    made = []

    def make(names, positions, **options) -> FakeBases:
        made.append(FakeBases(names, positions, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def reports(ros) -> Iterator["Reports"]:
    listener = Reports()
    yield listener
    listener.close()


class FakeBases:
    """Bases that follow every command at once, and a perfect motion capture at 100 Hz."""

    def __init__(self, names, positions, rate: float = 100.0) -> None:
        self.names = list(names)
        self.positions = np.array(positions, dtype=float)
        self.velocities = np.zeros_like(self.positions)
        self.yaws = np.linspace(-3.0, 3.0, len(self.names))
        self.muted: set[str] = set()
        self.poisoned: set[str] = set()
        self.commands: dict[str, list[tuple[float, np.ndarray]]] = {name: [] for name in self.names}
        """Stamp [s] and world velocity (2,) of every command heard."""
        self.last_fresh: dict[str, float] = {}
        """Stamp of the last odometry sent [s]."""
        self._period = 1.0 / rate
        self._node = Node("fake_bases", start_parameter_services=False, enable_rosout=False)
        self._publishers = [
            self._node.create_publisher(Odometry, f"/{n}/odom", messages.ODOMETRY_QOS) for n in self.names
        ]
        self._listeners = [
            self._node.create_subscription(TwistStamped, f"/{n}/cmd_vel", lambda m: None, 50) for n in self.names
        ]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def speed(self, name: str) -> float:
        return float(np.hypot(*self.velocities[self.names.index(name)]))

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._node.destroy_node()

    def _run(self) -> None:
        before = time.monotonic()
        while not self._stop.is_set():
            for row in range(len(self.names)):
                self._listen(row)
            now = time.monotonic()
            self.positions += self.velocities * (now - before)
            before = now
            for row in range(len(self.names)):
                self._speak(row)
            self._stop.wait(self._period)

    def _listen(self, row: int) -> None:
        name, listener = self.names[row], self._listeners[row]
        while True:
            with listener.handle:
                taken = listener.handle.take_message(TwistStamped, False)
            if taken is None:
                return
            forward, left, _ = messages.twist_from_command(taken[0])
            cosine, sine = np.cos(self.yaws[row]), np.sin(self.yaws[row])
            world = np.array([cosine * forward - sine * left, sine * forward + cosine * left])
            self.velocities[row] = world
            self.commands[name].append((messages.seconds(taken[0].header.stamp), world))

    def _speak(self, row: int) -> None:
        name = self.names[row]
        if name in self.muted:
            return
        stamp = self._node.get_clock().now().nanoseconds * 1e-9
        position = np.full(2, np.nan) if name in self.poisoned else self.positions[row]
        message = messages.odometry_from_pose(Pose(position, self.velocities[row], self.yaws[row], 0.0, stamp), name)
        self._publishers[row].publish(message)
        if name not in self.poisoned:
            self.last_fresh[name] = stamp


class Reports:
    """The newest diagnostic values of every robot."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, str]] = {}
        self.seen: dict[str, set[str]] = {}
        """States that each robot was ever in."""
        self._node = Node("reports", start_parameter_services=False, enable_rosout=False)
        self._node.create_subscription(
            DiagnosticArray, messages.DIAGNOSTICS_TOPIC, self._store, messages.DIAGNOSTICS_QOS
        )
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)

    def await_state(self, name: str, state: str, reason: str = "", patience: float = PATIENCE) -> dict[str, str]:
        """Wait until a robot reports a state, with a reason that holds the given words."""
        self.until(
            lambda: self.values.get(name, {}).get("state") == state and reason in self.values[name]["reason"],
            f"{name} to be {state} {reason}",
            patience,
        )
        return self.values[name]

    def until(self, condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
        deadline = time.monotonic() + patience
        while not condition():
            assert time.monotonic() < deadline, f"waited {patience:g} s for {what}; known: {self.values}"
            self._executor.spin_once(timeout_sec=0.05)

    def spin(self, duration: float) -> None:
        deadline = time.monotonic() + duration
        while time.monotonic() < deadline:
            self._executor.spin_once(timeout_sec=0.05)

    def close(self) -> None:
        self._executor.shutdown()
        self._node.destroy_node()

    def _store(self, message: DiagnosticArray) -> None:
        for status in message.status:
            values = messages.status_values(status)
            self.values[status.hardware_id] = values
            self.seen.setdefault(status.hardware_id, set()).add(values.get("state", ""))


def end(process: subprocess.Popen) -> int:
    """Stop a process politely, then not."""
    for number, patience in ((signal.SIGINT, 10), (signal.SIGKILL, 10)):
        if process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
    return process.returncode


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Lifecycle:
    """Asks a lifecycle node of another process to change its state, and sets its parameters."""

    def __init__(self, name: str) -> None:
        self._node = Node("lifecycle_client", start_parameter_services=False, enable_rosout=False)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._change = self._node.create_client(ChangeState, f"/{name}/change_state")
        self._state = self._node.create_client(GetState, f"/{name}/get_state")
        self._parameters = self._node.create_client(SetParameters, f"/{name}/set_parameters")

    def change(self, label: str) -> bool:
        request = ChangeState.Request()
        request.transition.label = label
        return self._call(self._change, request).success

    def state(self) -> str:
        return self._call(self._state, GetState.Request()).current_state.label

    def set(self, **values) -> None:
        parameters = [Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
        answer = self._call(self._parameters, SetParameters.Request(parameters=parameters))
        assert all(result.successful for result in answer.results), answer

    def trigger(self, name: str) -> Trigger.Response:
        return self._call(self._node.create_client(Trigger, name), Trigger.Request())

    def close(self) -> None:
        self._executor.shutdown()
        self._node.destroy_node()

    def _call(self, client, request):
        assert client.wait_for_service(timeout_sec=PATIENCE), f"no {client.srv_name}"
        future = client.call_async(request)
        deadline = time.monotonic() + PATIENCE
        while not future.done():
            assert time.monotonic() < deadline, f"no answer from {client.srv_name}"
            self._executor.spin_once(timeout_sec=0.1)
        return future.result()


class Commander:
    """The operator's latched topics, without an operator's judgement."""

    def __init__(self) -> None:
        self._node = Node("commander", start_parameter_services=False, enable_rosout=False)
        latched = messages.LATCHED_QOS
        self._shapes = self._node.create_publisher(OccupancyGrid, messages.SHAPE_TOPIC, latched)
        self._sizes = self._node.create_publisher(Int32, messages.TEAM_SIZE_TOPIC, latched)
        self._runs = self._node.create_publisher(Bool, messages.RUN_TOPIC, latched)
        self._estops = self._node.create_publisher(Bool, messages.ESTOP_TOPIC, latched)
        self._releases = self._node.create_publisher(Empty, messages.RELEASE_TOPIC, messages.EVENT_QOS)
        self._pressed = False
        self._silent = threading.Event()
        self._heart = threading.Thread(target=self._beat, daemon=True)
        self._heart.start()

    def send(self, shape: Shape, team_size: int, run: bool = True) -> None:
        self._shapes.publish(messages.grid_from_shape(shape, time.time()))
        self._sizes.publish(Int32(data=team_size))
        self._runs.publish(Bool(data=run))

    def estop(self, pressed: bool) -> None:
        self._pressed = pressed
        self._estops.publish(Bool(data=pressed))

    def release(self) -> None:
        self._releases.publish(Empty())

    def fall_silent(self) -> None:
        """No more heartbeats."""
        self._silent.set()
        self._heart.join()

    def close(self) -> None:
        self.fall_silent()
        self._node.destroy_node()

    def _beat(self) -> None:
        while not self._silent.wait(0.2):
            self._estops.publish(Bool(data=self._pressed))


@pytest.fixture
def commander(ros) -> Iterator[Commander]:
    made = Commander()
    yield made
    made.close()


@pytest.fixture
def lifecycle(ros) -> Iterator[Callable[[str], Lifecycle]]:
    made = []

    def make(name: str) -> Lifecycle:
        made.append(Lifecycle(name))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def robot(start) -> Callable[..., subprocess.Popen]:
    """Starts a robot node; parameters by keyword, ``__`` for a dot."""

    def start_robot(name: str, *options: str, **parameters) -> subprocess.Popen:
        words = [
            word
            for key, value in parameters.items()
            for word in ("-p", f"{key.replace('__', '.')}:={json.dumps(value)}")
        ]
        return start("muster_ros.robot_node", *options, "--ros-args", "-r", f"__node:={name}", *words)

    return start_robot


def children_of(pid: int) -> list[int]:
    """Live children of a process."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and alive(int(entry.name)):
            parts = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(parts[1]) == pid:
                found.append(int(entry.name))
    return found


@pytest.fixture
def processes_alive() -> tuple[Callable[[int], bool], Callable[[int], list[int]]]:
    """`alive` and `children_of`, which tests cannot import from here."""
    return alive, children_of
