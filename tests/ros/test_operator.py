"""The operator: a real operator node and the real command line, with a fake robot that only reports."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import OccupancyGrid
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from std_msgs.msg import Bool, Int32

from muster_core.errors import MusterError, WorkFailed
from muster_core.shape import load_shape
from muster_core.shape_text import write_shape_text
from muster_ros import messages, operator_cli, run
from muster_ros.operator_node import ShapeRequest


def test_a_command_line_that_is_wrong_is_one_line(capsys, monkeypatch):
    for main, arguments in ((operator_cli.main, ["fly"]), (run.main, ["fleet.yaml"])):
        monkeypatch.setattr(sys, "argv", ["muster-command", *arguments])
        assert main() == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert error.count("\n") == 1


def asked(*arguments):
    return operator_cli._request(operator_cli._parser().parse_args(["shape", *arguments]))


def test_a_shape_file_goes_out_as_its_cells(tmp_path):
    shape = load_shape("R", height=1.5, cells=200).moved(0.4, -0.2, 0.3)
    path = tmp_path / "logo.shape"
    path.write_text(write_shape_text("logo", shape), encoding="utf-8")
    built = asked(str(path)).build()
    assert built.digest == shape.digest
    np.testing.assert_allclose(built.cells, shape.cells, atol=1e-12)
    np.testing.assert_allclose(asked(str(path), "--x", "1").build().centre, [1.0, -0.2], atol=1e-12)
    assert asked("star", "--height", "1.5") == ShapeRequest("star", shape_height=1.5)


def test_files_that_hold_no_cells_are_refused_with_the_remedy(tmp_path):
    picture, broken = tmp_path / "logo.png", tmp_path / "broken.shape"
    picture.write_bytes(b"x")
    broken.write_text("{")
    for arguments, message in (
        ([str(picture)], "muster-shape show .*logo.png --save logo.shape"),
        ([str(tmp_path / "gone.shape")], "Cannot read .*No such file"),
        ([str(tmp_path)], None),
        ([str(broken)], "broken.shape: A shape's text is JSON; this is not"),
    ):
        if message is None:
            assert asked(*arguments).shape == str(tmp_path), "a text, which the operator node then refuses to draw"
            continue
        with pytest.raises(MusterError, match=message):
            asked(*arguments)
    broken.write_text(write_shape_text("R", load_shape("R")))
    with pytest.raises(MusterError, match="has its own height"):
        asked(str(broken), "--height", "2")


class Listener:
    """One robot's ears for the operator's topics, and its reports."""

    def __init__(self, name: str) -> None:
        self.heard = {}
        self._name = name
        self._node = Node("listener", start_parameter_services=False, enable_rosout=False)
        self._reports = self._node.create_publisher(
            DiagnosticArray, messages.DIAGNOSTICS_TOPIC, messages.DIAGNOSTICS_QOS
        )
        for topic, kind in (
            (messages.SHAPE_TOPIC, OccupancyGrid),
            (messages.TEAM_SIZE_TOPIC, Int32),
            (messages.RUN_TOPIC, Bool),
            (messages.ESTOP_TOPIC, Bool),
        ):
            self._node.create_subscription(kind, topic, self._store(topic), messages.LATCHED_QOS)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)

    def report(self) -> None:
        array = DiagnosticArray()
        array.status = [messages.status_message(self._name, "ok", "idle", {"state": "idle", "reason": ""})]
        self._reports.publish(array)

    def until(self, condition) -> None:
        for _ in range(600):
            if condition(self.heard):
                return
            self.report()
            self._executor.spin_once(timeout_sec=0.1)
        raise AssertionError(f"heard only {self.heard}")

    def close(self) -> None:
        self._executor.shutdown()
        self._node.destroy_node()

    def _store(self, topic):
        return lambda message: self.heard.__setitem__(topic, message)


@pytest.fixture
def node(start, ros):
    return start("muster_ros.operator_node", "--ros-args", "-p", 'team:=["a", "b", "c"]')


@pytest.fixture
def listener(node):
    made = Listener("a")
    made.until(lambda heard: messages.TEAM_SIZE_TOPIC in heard and messages.ESTOP_TOPIC in heard)
    yield made
    made.close()


@pytest.fixture
def reachable(listener, operator):
    """The operator node, with one of three robots reporting."""
    for _ in range(600):
        listener.report()
        if operator.status()["reachable"]:
            return operator
        time.sleep(0.05)
    raise AssertionError(operator.status())


def muster_operator(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "muster_ros.operator_cli", *words], capture_output=True, text=True, timeout=60
    )


def test_the_verbs_change_what_robots_hear(listener, reachable):
    assert listener.heard[messages.TEAM_SIZE_TOPIC].data == 3
    listener.report()
    assert reachable.shape(ShapeRequest("square", shape_x=0.2, shape_yaw=0.5)) == "shape square sent"
    listener.until(lambda heard: messages.SHAPE_TOPIC in heard)
    shape = messages.shape_from_grid(listener.heard[messages.SHAPE_TOPIC])
    assert shape.centre == pytest.approx([0.2, 0.0], abs=1e-3)
    assert shape.yaw == pytest.approx(0.5)
    listener.report()
    assert reachable.verb("start") == "1 of 3 robots start"
    listener.until(lambda heard: heard[messages.RUN_TOPIC].data)
    reachable.verb("stop")
    listener.until(lambda heard: not heard[messages.RUN_TOPIC].data)
    reachable.verb("estop")
    listener.until(lambda heard: heard[messages.ESTOP_TOPIC].data)
    with pytest.raises(WorkFailed, match=r"e-stop is pressed.*release"):
        reachable.verb("start")
    reachable.verb("release")
    listener.until(lambda heard: not heard[messages.ESTOP_TOPIC].data)
    status = reachable.status()
    assert (status["shape"], status["running"], status["estop"], status["team_size"]) == ("square", False, False, 3)
    assert [robot["reachable"] for robot in status["robots"].values()] == [True, False, False]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (ShapeRequest("square", shape_x=2.0), "reaches to x .*Move it to the middle"),
        (ShapeRequest("square", shape_height=0.1), "3 robots .*do not fit"),
        (ShapeRequest("square", shape_height=float("nan")), "height is nan"),
        (ShapeRequest("square", shape_cells=-5), "cells is -5"),
        (ShapeRequest("\u4e2d"), "\u4e2d|pillow"),
    ],
)
def test_shapes_that_cannot_be_formed_are_refused(listener, reachable, request_, words):
    listener.report()
    with pytest.raises(WorkFailed, match=words):
        reachable.shape(request_)
    assert reachable.status()["shape"] == ""


def test_an_empty_name_is_refused(operator):
    with pytest.raises(MusterError, match="name is empty"):
        operator.shape(ShapeRequest(" "))


def test_nobody_is_told_to_move_when_nobody_listens(node, operator):
    with pytest.raises(WorkFailed, match=r"No robot is reachable: none of the 3 .*ROS_DOMAIN_ID"):
        operator.shape(ShapeRequest("square"))
    with pytest.raises(WorkFailed, match="no shape to form; send one first"):
        operator.verb("start")


def test_the_command_line_says_one_line_and_an_exit_code(node, domain):
    status = muster_operator("status", "--json")
    assert status.returncode == 0, status.stderr
    assert json.loads(status.stdout)["team_size"] == 3
    table = muster_operator("status")
    assert "0/3 robots reachable" in table.stdout
    refused = muster_operator("shape", "square")
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: No robot is reachable")
    assert refused.stderr.count("\n") == 1
    assert muster_operator("dance").returncode == 2


def test_without_an_operator_node_it_says_so_in_time(domain):
    answer = muster_operator("start", "--timeout", "1")
    assert answer.returncode == 1
    assert "No operator node answers within 1 s; start a team (muster-run)" in answer.stderr


def test_a_domain_or_timeout_that_is_none_is_refused_in_one_line(domain, monkeypatch):
    assert muster_operator("start", "--timeout", "nan").stderr == (
        "error: timeout is nan; it must be a finite number of seconds above 0\n"
    )
    for value in ("999", "abc", "-1"):
        monkeypatch.setenv("ROS_DOMAIN_ID", value)
        answer = muster_operator("start", "--timeout", "1")
        assert answer.returncode == 2
        assert answer.stderr == f"error: ROS_DOMAIN_ID is {value}; take a whole number from 0 to 232\n"


def test_a_node_without_a_team_refuses_to_start(start, domain):
    process = start("muster_ros.operator_node", stderr=subprocess.PIPE, text=True)
    assert process.wait(30) == 2
    assert "at least 2 robots" in process.stderr.read()
