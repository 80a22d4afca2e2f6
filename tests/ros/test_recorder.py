"""A real recorder beside real robots over real DDS: its bag replays, and nothing that it suffers stops them."""

import json
import os
import random
import resource
import signal
import subprocess
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from geometry_msgs.msg import TwistStamped
from mcap.reader import make_reader
from nav_msgs.msg import OccupancyGrid, Odometry

from muster_core.errors import MusterError, WorkFailed
from muster_core.shape import Shape
from muster_ros.bag_reader import Bag, Recorded
from muster_ros.replay import replay

from .tampering import beginning, damaged, decided, edited, of_decision, only, renumbered, rewrite

TEAM = ["a", "b"]
DISC = Shape.from_figure("disc", height=0.8, cells=200).moved(1.0, 0.0, 0.0)
OTHER = Shape.from_figure("square", height=0.8, cells=200).moved(-1.0, 0.0, 0.3)


@pytest.fixture
def recorder(start, domain):
    """Starts a recorder; parameters by keyword, ``__`` for a dot."""

    def begin(bag: Path, options: dict | None = None, **parameters) -> subprocess.Popen:
        values = {"team": TEAM, "policy": "shipped", "bag": str(bag)} | parameters
        words = [
            word for key, value in values.items() for word in ("-p", f"{key.replace('__', '.')}:={json.dumps(value)}")
        ]
        return start(
            "muster_ros.recorder_node", "--ros-args", *words, **({"stderr": subprocess.PIPE} | (options or {}))
        )

    return begin


@pytest.fixture
def fly(robot, bases, commander, reports):
    """Two robots under way to a disc, recorded from before they started."""

    def begin(**parameters):
        world = bases(TEAM, [(-1.0, 0.3), (0.6, 1.2)])
        processes = [robot(name, team=TEAM, **({"policy": "shipped"} | parameters)) for name in TEAM]
        reports.await_state("recorder", "recording")
        commander.send(DISC, 2)
        for name in TEAM:
            reports.await_state(name, "running")
        return world, processes

    return begin


def stop(process: subprocess.Popen) -> str:
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=20)[1].decode()
    assert process.returncode == 0, errors
    return errors


def test_a_recorded_run_is_decided_again_to_the_last_bit_and_tampering_is_found(
    fly, recorder, reports, commander, tmp_path
):
    bag = tmp_path / "run.mcap"
    process = recorder(bag)
    world, _ = fly()
    reports.until(lambda: world.speed("a") > 0.2, "a to move")
    reports.spin(2.0)
    commander.send(OTHER, 2)
    reports.spin(2.0)
    commander.estop(True)
    reports.await_state("a", "stopped", "e-stop")
    reports.spin(0.5)
    assert "messages" in stop(process)

    heard = []
    report = replay(bag, listen=lambda recorded, message: heard.append(type(message)))
    assert report.faults == 0, report.fault_lines
    assert report.notes == []
    assert report.robots == 2
    # Twice 20 commands a second for 4 s and more, all of which the recorder must have heard on one machine.
    assert report.compared == report.identical > 150
    assert report.largest_difference == 0.0
    assert report.decisions["decide"] > 70
    assert report.decisions["hold"] > 70
    assert report.decisions["brake"] > 20
    assert report.poses > 280
    assert heard.count(OccupancyGrid) == 2
    assert heard.count(Odometry) > 700
    check_tampering(bag, tmp_path)
    check_losses(bag, tmp_path)
    check_chance(bag, tmp_path, inputs=200, seed=0)


def check_tampering(bag: Path, folder: Path) -> None:
    def faster(message):
        message.twist.linear.x += 1e-6

    def elsewhere(message):
        message.pose.pose.position.x += 1e-6

    def smaller(message):
        message.info.resolution *= 1.001

    def nudge(value):
        return value + 1e-6

    cases = {
        "a command": (only("/a/cmd_vel", 60, edited(TwistStamped, faster)), "was sent"),
        "a command more": (
            only("/a/cmd_vel", 60, edited(TwistStamped, lambda m: TwistStamped())),
            "came from no decision",
        ),
        "the shape": (only("/muster/shape", 1, edited(OccupancyGrid, smaller)), "a shape that is not in the bag"),
        "what is decided on": (of_decision("decide", decided(positions=nudge)), "places a at"),
        "the velocity": (of_decision("decide", decided(velocity=nudge)), "commands"),
        "the wish": (of_decision("hold", decided(wish=nudge)), "holds the wish"),
        "the command before": (of_decision("brake", decided(issued=nudge)), "builds on"),
        "the heading": (of_decision("hold", decided(yaw=nudge)), "turns to"),
    }
    for number, (what, (change, words)) in enumerate(cases.items()):
        report = replay(rewrite(bag, folder / f"{number}.mcap", change))
        assert report.faults > 0, what
        assert any(words in line for line in report.fault_lines), (what, report.fault_lines)
        assert all(line.startswith(("a: ", "b: ")) for line in report.fault_lines)

    # All of one robot's poses moved: whoever saw it saw it elsewhere.
    moved = edited(Odometry, elsewhere)
    shifted = rewrite(bag, folder / "moved.mcap", lambda m: moved(m) if m.topic == "/b/odom" else m)
    assert any("places b at" in line for line in replay(shifted).fault_lines)


def check_losses(bag: Path, folder: Path) -> None:
    """What a recorder may miss is counted, not judged; what nothing can be said without is refused."""
    whole = Bag(bag)
    start = sorted(message.received for message in whole if message.topic == "/muster/decisions/a")[60]
    whole.close()
    lossy = replay(rewrite(bag, folder / "lossy.mcap", of_decision("decide", lambda m: None)))
    assert (lossy.faults, lossy.decisions_lost) == (0, 1), lossy.fault_lines
    first = [f"/muster/decisions/{name}" for name in TEAM]
    late = replay(rewrite(bag, folder / "late.mcap", lambda m: None if m.topic in first and m.received < start else m))
    assert (late.faults, late.decisions_lost) == (0, 0), late.fault_lines
    assert late.commands_before > 20
    deaf = replay(rewrite(bag, folder / "deaf.mcap", lambda m: None if m.topic == "/b/odom" else m))
    assert deaf.faults == 0
    assert deaf.poses_unheard > 50

    with pytest.raises(WorkFailed, match="the bag does not hold that file"):
        replay(rewrite(bag, folder / "policy.mcap", lambda m: m, policy=b"another network"))
    without = rewrite(bag, folder / "none.mcap", lambda m: None if "decisions" in m.topic else m)
    with pytest.raises(WorkFailed, match="holds no decision to replay"):
        replay(without)
    with pytest.raises(MusterError, match="tolerance is nan"):
        replay(bag, tolerance=float("nan"))


def end_of(bag: Path) -> str:
    """How a replay ends; anything but a report or one line is an error."""
    try:
        return "faults" if replay(bag).faults else "good"
    except MusterError as error:
        return "refused" if "\n" not in str(error) else "refused in several lines"


def check_chance(bag: Path, folder: Path, inputs: int, seed: int) -> None:
    """Whatever chance does to a bag, a replay ends with a report or with one line."""
    draw = random.Random(seed)
    small = beginning(bag, folder / "small.mcap", decisions=4)
    assert replay(small).faults == 0
    content, target = small.read_bytes(), folder / "chance.mcap"
    read = Bag(small)
    count = sum(1 for _ in read)
    read.close()
    ends = Counter()
    for _ in range(inputs):
        target.unlink(missing_ok=True)
        if draw.random() < 0.4:
            target.write_bytes(damaged(content, draw))
        else:
            victims = {draw.randrange(count) for _ in range(3)}
            numbers = iter(range(count))

            def change(recorded: Recorded, victims=victims, numbers=numbers) -> Recorded:
                if next(numbers) not in victims:
                    return recorded
                if "decisions" in recorded.topic and draw.random() < 0.8:
                    return renumbered(recorded, draw)
                return replace(recorded, content=damaged(recorded.content, draw))

            rewrite(small, target, change)
        ends[end_of(target)] += 1
    assert set(ends) == {"faults", "good", "refused"}, ends


def test_kill_9_costs_half_a_second_and_the_robots_fly_on(fly, recorder, reports, tmp_path):
    bag = tmp_path / "run.mcap"
    process = recorder(bag)
    world, _ = fly(policy="prior")
    reports.spin(2.0)
    process.kill()
    process.wait()
    killed = time.time()
    reports.spin(1.0)
    # The robots never noticed.
    assert {reports.values[name]["state"] for name in TEAM} == {"running"}
    assert world.commands["a"][-1][0] > killed + 0.5
    report = replay(bag)
    assert report.faults == 0, report.fault_lines
    assert report.notes == ["the bag is not whole: it was cut in the middle; all before that was read"]
    read = Bag(bag)
    last = max(message.received for message in read) * 1e-9
    read.close()
    assert killed - last < 1.5
    assert report.compared == report.identical > 50


def test_a_full_disk_ends_the_bag_and_the_robots_fly_on(fly, recorder, reports, tmp_path):
    bag = tmp_path / "run.mcap"
    limit = (120_000, 120_000)
    process = recorder(bag, {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit)}, policy="prior")
    fly(policy="prior")
    values = reports.await_state("recorder", "ended", "cannot be written further: File too large")
    assert int(values["messages"]) > 100
    reports.spin(1.0)
    assert {reports.values[name]["state"] for name in TEAM} == {"running"}
    assert process.poll() is None
    report = replay(bag)
    assert (report.faults, report.notes) == (0, [])
    assert report.compared == report.identical > 10
    assert "The robots fly on unrecorded" in stop(process)


def test_a_bag_ends_at_its_limit_with_its_index_and_plain_twists_replay_too(fly, recorder, reports, tmp_path):
    bag = tmp_path / "run.mcap"
    process = recorder(bag, limits__megabytes=0.15, command_type="Twist", policy="prior")
    fly(policy="prior", command_type="Twist")
    reports.await_state("recorder", "ended", "has reached its 0.15 MB")
    reports.spin(0.5)
    assert {reports.values[name]["state"] for name in TEAM} == {"running"}
    stop(process)
    # Half a second's worth beyond the limit, and the index.
    assert 150_000 < bag.stat().st_size < 300_000
    with bag.open("rb") as file:
        assert make_reader(file).get_summary().statistics.message_count > 100
    report = replay(bag)
    assert report.faults == 0, report.fault_lines
    assert report.compared == report.identical > 20


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"bag": ""}, "bag is empty; name the file"),
        ({"bag": "/gone/run.mcap"}, "/gone/run.mcap cannot be written: No such file or directory"),
        ({"limits__minutes": 0.0}, "limits.minutes is 0.0; it must be a finite number above 0"),
        ({"policy": "gone.onnx"}, "No policy file 'gone.onnx'"),
        ({"team": ["a"]}, "A team needs at least 2 robots"),
    ],
)
def test_wrong_use_is_one_line(recorder, tmp_path, parameters, words):
    process = recorder(parameters.pop("bag", tmp_path / "run.mcap"), **parameters)
    errors = process.communicate(timeout=30)[1].decode()
    assert process.returncode == 2, errors
    assert words in errors
    assert errors.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fuzz
@pytest.mark.timeout(3600)
def test_thousands_of_damaged_bags_end_in_a_report_or_one_line(fly, recorder, reports, tmp_path):
    bag = tmp_path / "run.mcap"
    process = recorder(bag)
    fly()
    reports.spin(1.0)
    stop(process)
    inputs, seed = int(os.environ.get("MUSTER_FUZZ_INPUTS", "20000")), int(os.environ.get("MUSTER_FUZZ_SEED", "0"))
    check_chance(bag, tmp_path, inputs, seed)
