"""The simulated bases, and a whole composed team that flies faster than real time in them."""

import json
import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("pybullet")

from muster_core.robot import Arena, RobotModel
from muster_ros.domain import FreeDomain
from muster_sim.recording import Recording
from muster_simulator.simulated_bases import COMMAND_TIMEOUT, STEP, SimulatedBases


def advance(bases: SimulatedBases, seconds: float) -> None:
    for _ in range(round(seconds / STEP)):
        bases.step()


def test_a_base_goes_where_it_heads_and_stops_by_itself_when_nobody_speaks():
    bases = SimulatedBases(2, "bullet", RobotModel(), Arena(), seed=3)
    before = bases.pose(0, 0.0)
    for _ in range(10):
        # Towards the middle, so that no wall is in the way: forward or backward, whichever leads there.
        heading = np.array([math.cos(before.yaw), math.sin(before.yaw)])
        sign = -1.0 if heading @ before.position > 0 else 1.0
        bases.command(0, (0.2 * sign, 0.0, 0.0))
        advance(bases, 0.1)
    moved = (bases.pose(0, 1.0).position - before.position) * sign
    # One second at 0.2 m/s, less the lag and the ramp.
    assert moved @ heading == pytest.approx(0.2, abs=0.04)
    assert abs(moved @ [-heading[1], heading[0]]) < 0.01
    assert bases.pose(1, 1.0).velocity == pytest.approx([0.0, 0.0])
    advance(bases, COMMAND_TIMEOUT + 0.7)
    assert bases.pose(0, 2.0).velocity == pytest.approx([0.0, 0.0], abs=1e-3)


def test_a_differential_base_turns_about_its_axle():
    robot = RobotModel(radius=0.2, kinematics="differential", look_ahead=0.1, max_speed=0.3)
    bases = SimulatedBases(2, "bullet", robot, Arena(), seed=1)
    before = bases.pose(0, 0.0)
    for _ in range(10):
        bases.command(0, (0.0, 0.0, 0.5))
        advance(bases, 0.1)
    after = bases.pose(0, 1.0)
    assert after.position == pytest.approx(before.position, abs=0.01)
    turned = math.remainder(after.yaw - before.yaw, 2 * math.pi)
    # Half a radian per second for one second, less the lag and the ramp.
    assert turned == pytest.approx(0.5, abs=0.06)
    assert after.yaw_rate == pytest.approx(0.5, abs=0.02)


def test_starts_are_spaced_and_follow_from_the_seed():
    first, second, other = (SimulatedBases(12, "bullet", RobotModel(), Arena(), seed).positions for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, second)
    assert not np.allclose(first, other)
    gaps = np.linalg.norm(first[:, None] - first[None], axis=2)[~np.eye(12, dtype=bool)]
    assert gaps.min() >= 0.14


@pytest.fixture
def domain(monkeypatch):
    lock = FreeDomain()
    monkeypatch.setenv("ROS_DOMAIN_ID", str(lock.number))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    yield lock.number
    lock.close()


def operator(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "muster_ros.operator_cli", *words, "--timeout", "60"],
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    return done.stdout


def test_a_composed_team_forms_a_shape_at_four_times_real_time(tmp_path, domain):
    fleet, record = tmp_path / "fleet.yaml", tmp_path / "run.npz"
    fleet.write_text("robots: 6\npolicy: expert\n")
    options = ("--backend", "sim", "--composed", "--rate", "4", "--record", str(record))
    runner = subprocess.Popen([sys.executable, "-m", "muster_ros.run", str(fleet), *options], start_new_session=True)
    try:
        deadline = time.monotonic() + 90
        while json.loads(operator("status", "--json"))["reachable"] < 6:
            assert time.monotonic() < deadline, "the robots did not report"
        operator("shape", "disc")
        operator("start")
        time.sleep(6.0)
        states = json.loads(operator("status", "--json"))["robots"]
        runner.send_signal(signal.SIGINT)
        assert runner.wait(60) == 0
    finally:
        if runner.poll() is None:
            runner.kill()
    assert {robot["state"] for robot in states.values()} == {"running"}
    recording = Recording.load(record)
    # At least 6 s at four times real time; a busy machine may fall behind by half.
    assert recording.times[-1] > 12.0
    assert recording.entering_rate()[-20:].mean() > 0.8
    assert recording.coverage_normalised()[-20:].mean() > 0.5


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        (("team:=[a, b]", "world:=gazebo"), "Unknown world 'gazebo'. Available: bullet"),
        (("team:=[a]",), "at least 2 robots"),
        (("team:=[a, b]", "record:=/nowhere/run.npz"), "no folder /nowhere"),
    ],
)
def test_a_simulator_that_cannot_run_says_so_in_one_line(domain, parameters, words):
    options = [word for parameter in parameters for word in ("-p", parameter)]
    done = subprocess.run(
        [sys.executable, "-m", "muster_simulator.simulator_node", "--ros-args", *options],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert Path("/nowhere").exists() is False
