"""The demo from end to end, short and small: real processes, real DDS, PyBullet; stopped, it leaves nothing."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("pybullet")


def demo(out: Path, *options: str) -> subprocess.Popen:
    words = ("-m", "muster_simulator.demo", "--robots", "4", "--policy", "expert", "--out", str(out), *options)
    return subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def children_of(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(stat.parent.name))
    return found


def await_end(pids: list[int], patience: float = 30.0) -> None:
    deadline = time.monotonic() + patience
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline, f"still there: {pids}"
        time.sleep(0.1)


@pytest.fixture
def fleeting(tmp_path):
    """A demo that is under way, and its children."""
    process = demo(tmp_path / "demo")
    deadline = time.monotonic() + 60
    while len(children_of(process.pid)) < 7:
        assert time.monotonic() < deadline, "the demo started no processes"
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
    yield process, children_of(process.pid)
    if process.poll() is None:
        process.kill()


def test_four_robots_form_two_shapes(tmp_path):
    out = tmp_path / "demo"
    process = demo(out, "--shapes", "disc", "square", "--seconds-per-shape", "10", "--json")
    answer, errors = process.communicate(timeout=170)
    assert process.returncode == 0, errors
    summary = json.loads(answer)
    assert summary == json.loads((out / "summary.json").read_text())
    assert (summary["robots"], summary["processes"], summary["contacts"]) == (4, 7, 0)
    assert [shape["shape"] for shape in summary["shapes"]] == ["disc", "square"]
    assert summary["entering_rate"] > 0.8
    assert 0.6 < summary["coverage_normalised"] <= 1.0
    assert summary["minimum_clearance_m"] > 0.0
    assert 0.0 < summary["pose_age_median_ms"] < 20.0
    # 4 robots, 20 s, 20 commands a second.
    assert summary["commands"] > 0.8 * 4 * 20 * 20
    assert summary["duration_s"] > 20.0
    for name in ("paths.png", "curves.png", "video.mp4", "recording.npz", "bag.mcap", "log.txt"):
        assert (out / name).stat().st_size > 0, name


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)])
def test_a_demo_that_is_stopped_leaves_no_process_behind(fleeting, number, code):
    process, children = fleeting
    process.send_signal(number)
    assert process.wait(40) == code
    await_end(children)


def test_a_robot_that_dies_is_named_and_the_others_are_stopped(fleeting):
    process, children = fleeting
    words = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in children}
    victim = next(pid for pid, text in words.items() if "__node:=robot_03" in text)
    subprocess.run(["kill", "-9", str(victim)], check=True)
    assert process.wait(60) == 1
    assert "robot_03 ended by itself (signal 9)" in process.stderr.read()
    await_end(children)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--robots", "1"), "robots is 1; one process each, take 2 to 27"),
        (("--seconds-per-shape", "0"), "seconds-per-shape is 0"),
        (("--policy", "nonsense"), "'nonsense'"),
        (("--seed", "-1"), "seed is -1"),
        (("--robots", "many"), "argument --robots: invalid int value: 'many' (see"),
        (("--shapes", "R", ""), "The text '' has nothing to draw"),
    ],
)
def test_wrong_use_is_one_line(tmp_path, options, words):
    process = demo(tmp_path / "demo", *options)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert words in errors
    assert errors.count("\n") == 1
