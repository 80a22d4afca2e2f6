"""`muster-replay` on the bag of a real demo: all commands equal, pictures drawn, and every bad file is one line."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("rclpy")
pytest.importorskip("pybullet")

from muster_ros.bag_reader import METADATA, Bag
from muster_ros.bag_writer import BagWriter
from muster_sim.recording import Recording


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    """The folder that a small demo left."""
    out = tmp_path_factory.mktemp("demo") / "out"
    options = ("--robots", "4", "--policy", "expert", "--shapes", "disc", "square", "--seconds-per-shape", "5")
    answer = subprocess.run(
        [sys.executable, "-m", "muster_simulator.demo", *options, "--out", str(out)],
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert answer.returncode == 0, answer.stderr
    assert f"muster-replay {out / 'bag.mcap'}" in answer.stdout
    return out


def replay(*options: object) -> subprocess.CompletedProcess:
    words = [sys.executable, "-m", "muster_simulator.replay_cli", *map(str, options)]
    return subprocess.run(words, capture_output=True, text=True, timeout=120)


def test_all_commands_of_a_demo_are_equal_and_the_run_is_drawn(demo, tmp_path):
    picture, video = tmp_path / "run.png", tmp_path / "run.mp4"
    answer = replay(demo / "bag.mcap", "--json", "--picture", picture, "--video", video)
    assert answer.returncode == 0, answer.stderr
    report = json.loads(answer.stdout)
    assert report["faults"] == 0
    assert report["robots"] == 4
    # 4 robots, 20 commands a second for 10 s; all equal to the last bit on the machine that flew.
    assert report["compared"] == report["identical"] > 0.9 * 4 * 20 * 10
    assert report["largest_difference"] == 0.0
    assert Image.open(picture).size[0] > 400
    assert video.stat().st_size > 10_000


def test_the_drawn_run_is_the_simulators_own(demo):
    from muster_ros.replay import replay as decide_again
    from muster_simulator.bag_trail import BagTrail

    trail = BagTrail()
    decide_again(demo / "bag.mcap", listen=trail.listen)
    drawn, truth = trail.recording(), Recording.load(demo / "recording.npz")
    assert drawn is not None
    assert len(drawn.shapes) == len(truth.shapes) == 2
    assert drawn.robots == 4
    assert drawn.times[-1] == pytest.approx(truth.times[-1], abs=1.0)
    assert np.abs(drawn.positions[-1] - truth.positions[-1]).max() < 0.03


def test_a_changed_command_is_found(demo, tmp_path):
    source, target = Bag(demo / "bag.mcap"), tmp_path / "changed.mcap"
    messages, writer, channels, seen = list(source), BagWriter(target), {}, 0
    facts = {key: value for key, value in source.facts.items() if key != "format"}
    writer.describe(METADATA, {"format": "1", "facts": json.dumps(facts)})
    for message in messages:
        content = bytearray(message.content)
        if message.topic == "/robot_02/cmd_vel":
            seen += 1
            if seen == 100:
                # Sign and exponent of angular.z, the message's last number: 0 becomes 3e-5 rad/s.
                content[-1] ^= 0x3F
        if message.topic not in channels:
            channels[message.topic] = writer.channel(message.topic, message.type_name, "", "")
        writer.write(channels[message.topic], message.received, message.published, bytes(content))
    writer.close()
    answer = replay(target)
    assert answer.returncode == 1
    assert "fault: robot_02: " in answer.stdout
    assert answer.stdout.count("fault: ") == 1
    assert "was sent" in answer.stdout


def test_a_bag_cut_in_the_middle_is_replayed_as_far_as_it_goes(demo, tmp_path):
    content, cut = (demo / "bag.mcap").read_bytes(), tmp_path / "cut.mcap"
    cut.write_bytes(content[: len(content) * 2 // 3])
    answer = replay(cut)
    assert answer.returncode == 0, answer.stderr
    assert "note: the bag is not whole: it was cut in the middle" in answer.stdout
    assert "commands follow from what was recorded" in answer.stdout


@pytest.mark.parametrize(
    ("content", "options", "code", "words"),
    [
        (None, (), 2, "cannot be read: No such file or directory"),
        (b"", (), 1, "is not a bag that muster recorded (it was cut in the middle)"),
        (b"\x89PNG\r\n\x1a\n" + bytes(999), (), 1, "is not a bag that muster recorded (it is no MCAP file)"),
        (b"\x89MCAP0\r\n", (), 1, "is not a bag that muster recorded"),
        (b"", ("--tolerance", "-1"), 2, "tolerance is -1"),
        (b"", ("--picture", "/gone/run.png"), 2, "there is no folder /gone for run.png; make it first"),
        (b"", ("--spin",), 2, "unrecognized arguments: --spin"),
    ],
)
def test_bad_files_and_options_are_one_line(tmp_path, content, options, code, words):
    path = tmp_path / "bag.mcap"
    if content is not None:
        path.write_bytes(content)
    answer = replay(path, *options)
    assert answer.returncode == code
    assert words in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert answer.stdout == ""
