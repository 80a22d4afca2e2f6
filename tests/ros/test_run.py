"""`muster-run`: whole teams in real processes, and none of them left behind, however it ends."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from muster_ros.domain import FreeDomain
from muster_ros.fleet import Process
from muster_ros.operator_node import ShapeRequest
from muster_ros.replay import replay
from muster_ros.shared_memory import FOLDER, segments_of
from muster_ros.supervisor import Supervisor

TEAM = ["ann", "bob", "cat", "dan"]
CORNERS = [(-1.5, -1.5), (1.5, -1.5), (1.5, 1.5), (-1.5, 1.5)]


@pytest.fixture
def fleet_file(tmp_path) -> Path:
    path = tmp_path / "fleet.yaml"
    path.write_text(f"name: test\nrobots: {TEAM}\npolicy: prior\n")
    return path


@pytest.fixture
def team(start, bases, reports, operator, fleet_file, processes_alive):
    """Starts a runner with four robots over fake bases; the runner, its children and the bases."""

    def begin(*options: str):
        world = bases(TEAM, CORNERS)
        runner = start(
            "muster_ros.run",
            str(fleet_file),
            "--backend",
            "robots",
            *options,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in TEAM:
            reports.await_state(name, "idle", "waiting for shape")
        # The operator node hears of them in its own time.
        reports.until(lambda: operator.status()["reachable"] == len(TEAM), "the operator to reach all")
        return runner, processes_alive[1](runner.pid), world

    return begin


def open_files(pid: int) -> list[str]:
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        # A file can be closed between listing and looking.
        with contextlib.suppress(OSError):
            found.append(str(link.readlink()))
    return found


def await_end(pids, alive, patience: float = 20.0) -> None:
    deadline = time.monotonic() + patience
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline, f"still there: {[pid for pid in pids if alive(pid)]}"
        time.sleep(0.05)


@pytest.mark.parametrize("options", [(), ("--composed",)], ids=["a process each", "composed"])
def test_a_team_forms_a_shape_and_ctrl_c_stops_everything(team, operator, reports, options, processes_alive):
    runner, children, world = team(*options)
    assert len(children) == (2 if options else 5)
    operator.shape(ShapeRequest("disc", shape_height=1.6))
    operator.verb("start")
    reports.until(lambda: all(reports.values[name].get("in_shape") == "1" for name in TEAM), "all in shape")
    assert {robot["state"] for robot in operator.status()["robots"].values()} == {"running"}
    runner.send_signal(signal.SIGINT)
    assert runner.wait(30) == 0, runner.stderr.read()
    await_end(children, processes_alive[0])
    assert "4 robots" in runner.stdout.read()
    time.sleep(0.2)
    assert [world.speed(name) for name in TEAM] == [0.0] * 4


def test_kill_9_of_the_runner_leaves_no_process_and_no_robot_moving(team, operator, reports, processes_alive):
    runner, children, world = team()
    assert len(children) == 5
    operator.shape(ShapeRequest("star"))
    operator.verb("start")
    reports.until(lambda: world.speed("ann") > 0.1, "ann to move")
    runner.kill()
    await_end(children, processes_alive[0])
    time.sleep(0.2)
    assert [world.speed(name) for name in TEAM] == [0.0] * 4


def test_a_robot_that_dies_ends_the_run_is_named_and_leaves_no_shared_memory(team, processes_alive):
    runner, children, _ = team()
    names = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in children}
    bob = next(pid for pid, words in names.items() if "__node:=bob" in words)
    locks = {Path(name).name.removesuffix("_el") for name in open_files(bob) if name.endswith("_el")}
    segments = {name for name in locks & segments_of(bob) if "_port" not in name}
    assert segments
    # Long enough for the runner to have taken note.
    time.sleep(1.5)
    os.kill(bob, signal.SIGKILL)
    assert runner.wait(40) == 1
    assert "bob ended by itself (signal 9)" in runner.stderr.read()
    await_end(children, processes_alive[0])
    assert not [name for name in segments if (FOLDER / name).exists()]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--backend", "gazebo"), "Unknown backend 'gazebo'. Available: sim, robots"),
        (("--backend", "robots", "--rate", "2"), "rate is 2"),
        (("--backend", "robots", "--domain", "999"), "domain is 999; take a whole number from 0 to 232"),
        (("--backend", "sim", "--record", "/gone/x.npz"), "record: there is no folder /gone; make it first"),
    ],
)
def test_wrong_use_is_one_line_and_nothing_starts(start, fleet_file, domain, options, words):
    runner = start("muster_ros.run", str(fleet_file), *options, stderr=subprocess.PIPE, text=True)
    assert runner.wait(30) == 2
    error = runner.stderr.read()
    assert words in error
    assert error.count("\n") == 1


def test_a_bad_policy_is_refused_before_anything_starts(start, tmp_path, domain):
    path = tmp_path / "bad.yaml"
    path.write_text("robots: 3\npolicy: nonsense\n")
    runner = start("muster_ros.run", str(path), "--backend", "robots", stderr=subprocess.PIPE, text=True)
    assert runner.wait(30) == 2
    assert "'nonsense'" in runner.stderr.read()


def test_children_that_ignore_every_plea_are_killed_with_their_own_children(processes_alive, tmp_path):
    alive, _ = processes_alive
    pids = tmp_path / "pids"
    stubborn = f"trap '' INT TERM; sleep 300 & echo $$ $! > {pids}; wait; wait; while true; do sleep 1; done"
    supervisor = Supervisor()
    supervisor.start([Process("stubborn", ("bash", "-c", stubborn), {})])
    while not (pids.exists() and pids.read_text().strip()):
        time.sleep(0.02)
    supervisor.stop(patience=((signal.SIGINT, 0.3), (signal.SIGTERM, 0.3), (signal.SIGKILL, 5.0)))
    await_end(map(int, pids.read_text().split()), alive)


def test_a_recorder_that_dies_costs_a_line_and_not_the_run(team, operator, reports, processes_alive, tmp_path):
    bag = tmp_path / "run.mcap"
    runner, children, world = team("--bag", str(bag), "--view")
    assert len(children) == 7
    names = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in children}
    recorder = next(pid for pid, words in names.items() if "recorder_node" in words)
    operator.shape(ShapeRequest("disc", shape_height=1.6))
    operator.verb("start")
    reports.until(lambda: world.speed("ann") > 0.1, "ann to move")
    os.kill(recorder, signal.SIGKILL)
    reports.spin(1.0)
    assert {reports.values[name]["state"] for name in TEAM} == {"running"}
    runner.send_signal(signal.SIGINT)
    assert runner.wait(30) == 0
    errors = runner.stderr.read()
    assert errors.count("recorder ended by itself (signal 9); the robots go on without it") == 1
    await_end(children, processes_alive[0])
    report = replay(bag)
    assert report.faults == 0, report.fault_lines
    assert report.compared == report.identical > 20


def test_two_runs_never_get_the_same_domain():
    locks = [FreeDomain() for _ in range(10)]
    assert len({lock.number for lock in locks}) == 10
    for lock in locks:
        lock.close()
