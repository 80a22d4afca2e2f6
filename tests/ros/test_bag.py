"""Bags on disk: what ends a file early, and files that are none."""

import os
import resource
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from mcap.reader import make_reader
from mcap.writer import Writer

from muster_core.errors import MusterError, WorkFailed
from muster_ros.bag_reader import METADATA, Bag, Recorded, in_order
from muster_ros.bag_topics import Topic, definition, topics_of
from muster_ros.bag_writer import BagWriter
from muster_ros.parameters import RobotParameters

FACTS = {"format": "1", "facts": '{"team": ["a", "b"]}'}
FILLER = """
import os, sys
from pathlib import Path
from muster_core.errors import WorkFailed
from muster_ros.bag_writer import BagWriter
bag = BagWriter(Path(sys.argv[1]))
bag.describe("muster", {"format": "1", "facts": "{}"})
channel = bag.channel("/noise", "std_msgs/msg/Empty", "", "")
number = 0
try:
    while number < 4000:
        bag.write(channel, number, number, number.to_bytes(4, "little") + os.urandom(2000))
        number += 1
except WorkFailed as error:
    print(error)
    sys.exit(1)
"""


@pytest.fixture
def bag(tmp_path) -> Path:
    """A whole bag of 600 messages in about ten chunks."""
    path = tmp_path / "run.mcap"
    writer = BagWriter(path)
    writer.describe(METADATA, FACTS)
    writer.attach("policy.onnx", b"network")
    channel = writer.channel("/a", "std_msgs/msg/Empty", "", "")
    for number in range(600):
        writer.write(channel, number, number, number.to_bytes(4, "little") + os.urandom(2000))
    writer.close()
    return path


def numbers(path: Path) -> tuple[list[int], str]:
    read = Bag(path)
    found = [int.from_bytes(message.content[:4], "little") for message in read]
    read.close()
    return found, read.damage


def test_what_was_written_is_read(bag):
    read = Bag(bag)
    messages = list(read)
    assert read.facts == {"format": 1, "team": ["a", "b"]}
    assert read.attachments == {"policy.onnx": b"network"}
    assert read.damage == ""
    assert [message.received for message in messages] == list(range(600))
    assert messages[0].type_name == "std_msgs/msg/Empty"
    # And by the format's own reader, index and all.
    with bag.open("rb") as file:
        summary = make_reader(file).get_summary()
    assert summary.statistics.message_count == 600


def test_a_bag_cut_anywhere_is_read_up_to_its_last_whole_chunk(bag, tmp_path):
    content, cut = bag.read_bytes(), tmp_path / "cut.mcap"
    counts = []
    for length in range(3000, len(content) - 3000, 9973):
        cut.write_bytes(content[:length])
        found, damage = numbers(cut)
        assert damage == "it was cut in the middle"
        assert found == list(range(len(found)))
        counts.append(len(found))
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] > 400


def test_a_flipped_byte_in_a_chunk_is_noticed(bag, tmp_path):
    content, bad = bytearray(bag.read_bytes()), tmp_path / "bad.mcap"
    content[len(content) // 2] ^= 0xFF
    bad.write_bytes(content)
    found, damage = numbers(bad)
    assert 0 < len(found) < 600
    assert damage.startswith("it is damaged")


def foreign(path: Path) -> None:
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        channel = writer.register_channel("/x", "json", 0)
        for number in range(5000):
            writer.add_message(channel, number, b"{}", number)
        writer.finish()


def of_format(found: str, facts: str):
    def write(path: Path) -> None:
        writer = BagWriter(path)
        writer.describe(METADATA, {"format": found, "facts": facts})
        writer.close()

    return write


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_bytes(b""), "is not a bag that muster recorded \\(it was cut in the middle\\)"),
        (
            lambda path: path.write_text("robots: 12\n" * 9),
            "is not a bag that muster recorded \\(it is no MCAP file\\)",
        ),
        (lambda path: path.write_bytes(os.urandom(9999)), "is not a bag that muster recorded \\(it is no MCAP file\\)"),
        (lambda path: path.write_bytes(b"\x89MCAP0\r\n" + b"\xff" * 999), "is not a bag that muster recorded"),
        (lambda path: path.write_bytes(b"\x89MCAP0\r\n\x06" + struct.pack("<Q", 2**62)), "exceeds limit"),
        (foreign, "is not a bag that muster recorded"),
        (of_format("2", "{}"), "is a bag of format '2'; this Muster reads format 1"),
        (of_format("1", "[]"), "is a bag whose facts cannot be read"),
    ],
)
def test_what_is_no_bag_of_ours_is_refused_in_one_line(tmp_path, make, words):
    path = tmp_path / "strange.mcap"
    make(path)
    with pytest.raises(WorkFailed, match=words) as refused:
        Bag(path)
    assert "\n" not in str(refused.value)


def test_a_chunk_that_would_not_fit_into_memory_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.mcap"
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=2**31)
        writer.start()
        writer.add_metadata(METADATA, FACTS)
        channel = writer.register_channel("/x", "cdr", 0)
        for _ in range(5):
            writer.add_message(channel, 0, bytes(2**24), 0)
        writer.finish()
    assert path.stat().st_size < 100_000
    found, damage = numbers(path)
    assert found == []
    assert damage.startswith("it is damaged: a chunk of 8388")


def test_a_file_that_is_there_or_cannot_be_made_is_refused(bag, tmp_path):
    for path, words in ((bag, "exists"), (tmp_path / "gone" / "x.mcap", "No such file"), (tmp_path, "exists")):
        with pytest.raises(MusterError, match=words):
            BagWriter(path)
    with pytest.raises(MusterError, match="cannot be read"):
        Bag(tmp_path / "nowhere.mcap")


def check_ended(path: Path, answer: subprocess.CompletedProcess, cause: str) -> None:
    assert answer.returncode == 1, answer.stderr
    assert cause in answer.stdout
    assert f"the bag has been ended after {path.stat().st_size} bytes" in answer.stdout
    found, damage = numbers(path)
    assert damage == ""
    assert found == list(range(len(found)))
    assert len(found) > 100
    with path.open("rb") as file:
        assert sum(1 for _ in make_reader(file).iter_messages()) == len(found)


def test_a_file_that_may_grow_no_further_ends_cleanly(tmp_path):
    path = tmp_path / "run.mcap"
    answer = subprocess.run(
        [sys.executable, "-c", FILLER, str(path)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_003, 1_000_003)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    check_ended(path, answer, "File too large")


def test_a_full_disk_ends_the_bag_cleanly(tmp_path):
    disk, path = tmp_path / "disk", tmp_path / "run.mcap"
    disk.mkdir()
    own_mounts = ("unshare", "--user", "--map-root-user", "--mount")
    if subprocess.run([*own_mounts, "mount", "-t", "tmpfs", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("this user may not mount a small disk")
    script = (
        f"mount -t tmpfs -o size=1m none {disk} && {sys.executable} -c '{FILLER}' {disk}/run.mcap; "
        f"code=$?; cp {disk}/run.mcap {path}; exit $code"
    )
    answer = subprocess.run([*own_mounts, "sh", "-c", script], capture_output=True, text=True, timeout=60)
    check_ended(path, answer, "No space left on device")


def test_messages_come_by_the_time_they_were_received(bag):
    def message(topic, received):
        return Recorded(topic, "", received, 0, b"")

    file = [message("/d/a", 10), message("/o", 12), message("/o", 11), message("/o", 40), message("/d/a", 41)]
    ordered = [(m.topic, m.received) for m in in_order(iter(file), horizon=20, late={"/d/": 5})]
    assert ordered == [("/o", 11), ("/o", 12), ("/d/a", 10), ("/o", 40), ("/d/a", 41)]


def test_every_topic_has_a_whole_definition(monkeypatch):
    monkeypatch.setenv("AMENT_PREFIX_PATH", os.environ.get("AMENT_PREFIX_PATH", sys.prefix))
    topics: list[Topic] = topics_of(RobotParameters(name="a", team=("a", "b")))
    assert {"/a/odom", "/b/cmd_vel", "/muster/decisions/a", "/muster/setup/b", "/muster/shape", "/diagnostics"} <= {
        topic.name for topic in topics
    }
    for topic in topics:
        definition(topic.type_name)
    held = [line.removeprefix("MSG: ") for line in definition("nav_msgs/msg/Odometry").splitlines() if "MSG: " in line]
    assert sorted(held) == sorted(
        ["std_msgs/Header", "builtin_interfaces/Time"]
        + [f"geometry_msgs/{name}" for name in ("PoseWithCovariance", "TwistWithCovariance", "Pose", "Twist")]
        + [f"geometry_msgs/{name}" for name in ("Point", "Quaternion", "Vector3")]
    )
    with pytest.raises(MusterError, match="install gone_msgs"):
        definition("gone_msgs/msg/Lost")
