"""Records a team into one MCAP bag: odometry, commands, what they were based on, the operator's word, diagnostics.

Nothing that a robot does depends on the recorder. It looks at queues that DDS fills, twenty times a second, from a node
that no executor spins (a callback for each message would cost five times the CPU), and copies messages as they came.
At a limit of size or time, or on a full disk, it ends the file, says so on ``/diagnostics`` and in its log, and idles.
"""

import json
import math
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.executors import Executor
from rclpy.node import Node
from rclpy.subscription import Subscription

from muster_core.cli import run_command
from muster_core.errors import MusterError, WorkFailed
from muster_ros import messages
from muster_ros.bag_reader import FORMAT, METADATA
from muster_ros.bag_topics import Topic, definition, topics_of
from muster_ros.bag_writer import BagWriter
from muster_ros.node_help import answer_help
from muster_ros.parameters import (
    RobotParameters,
    build_settings,
    declare_settings,
    flat_settings,
    read_settings,
    robot_defaults,
)
from muster_ros.robot_setup import policy_bytes, sha256
from muster_ros.spinning import Closable, run_nodes

NICENESS = 5
"""Robots come first."""
LOOK_EVERY = 0.05
"""Time between two looks at the queues [s]."""
FLUSH_EVERY = 0.5
"""The most that ``kill -9`` costs [s]."""
REPORT_EVERY = 1.0
"""Time between two reports [s]."""
LAST_WORDS = 12
"""Time to end the file and leave the graph, on a busy machine too [s]; nobody waits for a recorder."""
LAST_LOOKS = 0.3
"""How long the robots' last commands are waited for [s]."""
MOST_AT_ONCE = 2000
"""Messages of one topic taken at one look, at most, so that a flood does not keep the others waiting."""


@dataclass(frozen=True)
class Limits:
    """When a bag ends by itself."""

    megabytes: float = 2000.0
    """Size of the file [MB]."""
    minutes: float = 120.0
    """Duration [min]."""

    def __post_init__(self) -> None:
        """Refuse limits that are none.

        Raises:
            MusterError: names the limit and its value.
        """
        for name in ("megabytes", "minutes"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise MusterError(f"limits.{name} is {value}; it must be a finite number above 0")


class RecorderNode(Node):
    """Parameters: those of a robot (any of the team), ``bag`` (the file) and ``limits.megabytes``, ``limits.minutes``.

    Raises:
        MusterError: a parameter is wrong, the file is there already or cannot be made, or the policy is not there.
    """

    def __init__(self) -> None:
        super().__init__("recorder", namespace="/muster")
        declare_settings(self, recorder_defaults())
        values = read_settings(self, recorder_defaults())
        values["name"] = values["name"] or next(iter(values["team"]), "")
        self.limits: Limits = build_settings(Limits, values, "limits.")
        self.settings: RobotParameters = build_settings(RobotParameters, values)
        self.state, self.reason, self.messages = "recording", "", 0
        path = str(self.get_parameter("bag").value)
        if not path:
            raise MusterError("bag is empty; name the file to record to: -p bag:=run.mcap")
        self._ear = Node(
            "recorder_ear",
            namespace="/muster",
            context=self.context,
            use_global_arguments=False,
            start_parameter_services=False,
            enable_rosout=False,
        )
        # Everything that can be refused comes before the file is made.
        policy = policy_bytes(self.settings.policy)
        topics = [(topic, definition(topic.type_name)) for topic in topics_of(self.settings)]
        self._bag = BagWriter(Path(path))
        self._heard: list[tuple[int, Subscription]] = []
        try:
            self._describe(policy, topics)
        except WorkFailed as error:
            self._stop(str(error))
        self._began = self._flushed = time.monotonic()
        self._diagnostics = self.create_publisher(DiagnosticArray, messages.DIAGNOSTICS_TOPIC, messages.DIAGNOSTICS_QOS)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(LOOK_EVERY, self._look, clock=steady)
        self.create_timer(REPORT_EVERY, self._report, clock=steady)

    def close(self) -> None:
        """Take in what is still under way, end the file and give everything back."""
        until = time.monotonic() + LAST_LOOKS
        while self.state == "recording" and time.monotonic() < until:
            self._look()
            time.sleep(LOOK_EVERY)
        if self.state == "recording":
            self._stop("shut down")
        self._ear.destroy_node()
        self.destroy_node()

    def _describe(self, policy: bytes, topics: list[tuple[Topic, str]]) -> None:
        """The head of the file: what was recorded, with which policy, and the topics."""
        settings = self.settings
        facts = {
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "muster": version("muster_ros"),
            "team": settings.team,
            "policy": settings.policy,
            "policy_sha256": sha256(policy),
            "odometry_topic": settings.odometry_topic,
            "command_topic": settings.command_topic,
            "command_type": settings.command_type,
        }
        self._bag.describe(METADATA, {"format": str(FORMAT), "facts": json.dumps(facts)})
        if policy:
            self._bag.attach(f"{sha256(policy)}.onnx", policy)
        for topic, text in topics:
            channel = self._bag.channel(topic.name, topic.type_name, text, topic.offered_qos)
            # Never called: nobody spins the ear.
            subscription = self._ear.create_subscription(topic.kind, topic.name, lambda message: None, topic.qos)
            self._heard.append((channel, subscription))

    def _look(self) -> None:
        if self.state != "recording":
            return
        try:
            # By the time of arrival over all topics: a reader then finds a command after what it was based on.
            for received, published, channel, content in sorted(self._take(), key=lambda taken: taken[0]):
                self._bag.write(channel, received, published, content)
                self.messages += 1
            now = time.monotonic()
            if now - self._flushed >= FLUSH_EVERY:
                self._flushed = now
                self._bag.flush()
        except WorkFailed as error:
            self._stop(str(error))
            return
        if self._bag.size >= self.limits.megabytes * 1e6:
            self._stop(f"{self._bag.path} has reached its {self.limits.megabytes:g} MB")
        elif now - self._began >= 60.0 * self.limits.minutes:
            self._stop(f"{self._bag.path} has reached its {self.limits.minutes:g} minutes")

    def _take(self) -> list[tuple[int, int, int, bytes]]:
        """What has arrived: received and published [ns], channel, content."""
        taken = []
        for channel, subscription in self._heard:
            with subscription.handle:
                for _ in range(MOST_AT_ONCE):
                    found = subscription.handle.take_message(subscription.msg_type, True)
                    if found is None:
                        break
                    content, times = found
                    taken.append((times["received_timestamp"], times["source_timestamp"], channel, content))
        return taken

    def _stop(self, reason: str) -> None:
        """End the bag and stop listening; the robots never learn of it."""
        self.state, self.reason = "ended", reason
        for _, subscription in self._heard:
            self._ear.destroy_subscription(subscription)
        self._heard = []
        try:
            self._bag.close()
        except WorkFailed as error:
            # Ended already when that is why it ended.
            self.reason = reason if "has been ended" in str(error) and reason != "shut down" else str(error)
        words = f"bag {self._bag.path}: {self.messages} messages, {self._bag.size / 1e6:.1f} MB; {self.reason}"
        if reason == "shut down":
            self.get_logger().info(words)
        else:
            self.get_logger().error(f"{words}. The robots fly on unrecorded")

    def _report(self) -> None:
        array = DiagnosticArray()
        array.header.stamp = self.get_clock().now().to_msg()
        values = {
            "state": self.state,
            "reason": self.reason,
            "bag": self._bag.path,
            "messages": self.messages,
            "megabytes": f"{self._bag.size / 1e6:.3f}",
        }
        level = "ok" if self.state == "recording" else "error"
        summary = f"{self.state}: {self.reason}" if self.reason else self.state
        array.status = [messages.status_message("recorder", level, summary, values)]
        self._diagnostics.publish(array)


def recorder_defaults() -> dict[str, Any]:
    """Every parameter of the recorder by dotted name, with its default."""
    limits = {f"limits.{key}": value for key, value in flat_settings(Limits()).items()}
    return robot_defaults() | limits | {"bag": ""}


def main() -> int:
    """Record until SIGINT or SIGTERM."""
    if answer_help(sys.argv, "muster-recorder", __doc__, recorder_defaults()):
        return 0
    return run_command(lambda: run_nodes(_make, sys.argv, LAST_WORDS, NICENESS))


def _make(executor: Executor) -> list[Closable]:
    node = RecorderNode()
    executor.add_node(node)
    return [node]


if __name__ == "__main__":
    sys.exit(main())
