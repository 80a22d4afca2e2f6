"""Bags changed on purpose: one message, one number, or whatever chance hits."""

import json
import random
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import Float64MultiArray

from muster_ros.bag_reader import METADATA, Bag, Recorded
from muster_ros.bag_writer import BagWriter
from muster_ros.decision import decision_from_message, message_from_decision

NUMBERS = (0.0, -1.0, 1e-300, 1e6, -1e18, 1e300, float("nan"), float("inf"))
"""What a number may be changed to."""


def rewrite(
    source: Path, target: Path, change: Callable[[Recorded], Recorded | None], policy: bytes | None = None
) -> Path:
    """The same bag with some messages changed or left out."""
    bag, writer, channels = Bag(source), BagWriter(target), {}
    messages = list(bag)
    facts = {key: value for key, value in bag.facts.items() if key != "format"}
    writer.describe(METADATA, {"format": "1", "facts": json.dumps(facts)})
    for name, content in bag.attachments.items():
        writer.attach(name, content if policy is None else policy)
    for message in messages:
        changed = change(message)
        if changed is None:
            continue
        if message.topic not in channels:
            channels[message.topic] = writer.channel(message.topic, message.type_name, "", "")
        writer.write(channels[message.topic], changed.received, changed.published, changed.content)
    writer.close()
    return target


def only(topic: str, number: int, change: Callable[[Recorded], Recorded | None]):
    """Changes the ``number``-th message of a topic and leaves the others."""
    seen = 0

    def pick(message: Recorded) -> Recorded | None:
        nonlocal seen
        seen += message.topic == topic
        return change(message) if message.topic == topic and seen == number else message

    return pick


def edited(kind: type, edit: Callable):
    """Changes a message's content."""

    def change(recorded: Recorded) -> Recorded:
        message = deserialize_message(recorded.content, kind)
        return replace(recorded, content=serialize_message(edit(message) or message))

    return change


def decided(**changes):
    """Changes fields of a decision by functions of their values."""

    def edit(message: Float64MultiArray) -> Float64MultiArray:
        decision = decision_from_message(message)
        return message_from_decision(
            replace(decision, **{key: change(getattr(decision, key)) for key, change in changes.items()})
        )

    return edited(Float64MultiArray, edit)


def of_decision(kind: str, change: Callable[[Recorded], Recorded | None], place: int = 20):
    """Changes the ``place``-th decision of robot a of one kind."""
    seen = 0

    def pick(recorded: Recorded) -> Recorded | None:
        nonlocal seen
        if recorded.topic != "/muster/decisions/a":
            return recorded
        seen += decision_from_message(deserialize_message(recorded.content, Float64MultiArray)).kind == kind
        if seen != place:
            return recorded
        seen += 1
        return change(recorded)

    return pick


def damaged(content: bytes, draw: random.Random) -> bytes:
    """Cut, or with bytes or a length changed."""
    bad = bytearray(content)
    kind = draw.random()
    if kind < 0.2 or len(bad) < 16:
        return bytes(bad[: draw.randrange(len(bad) + 1)])
    if kind < 0.5:
        place = draw.randrange(len(bad) - 8)
        bad[place : place + 8] = struct.pack("<Q", draw.choice((0, 1, 2**31, 2**32 - 1, 2**62, 2**64 - 1)))
        return bytes(bad)
    for _ in range(draw.randrange(1, 6)):
        bad[draw.randrange(len(bad))] = draw.randrange(256)
    return bytes(bad)


def renumbered(recorded: Recorded, draw: random.Random) -> Recorded:
    """A decision with one or two of its numbers changed."""
    message = deserialize_message(recorded.content, Float64MultiArray)
    for _ in range(draw.randrange(1, 3)):
        message.data[draw.randrange(len(message.data))] = draw.choice(NUMBERS)
    return replace(recorded, content=serialize_message(message))


def beginning(source: Path, target: Path, decisions: int) -> Path:
    """The bag up to a number of decisions of robot a that asked the policy."""
    seen = 0

    def keep(recorded: Recorded) -> Recorded | None:
        nonlocal seen
        if recorded.topic == "/muster/decisions/a":
            decision = decision_from_message(deserialize_message(recorded.content, Float64MultiArray))
            seen += decision.kind == "decide"
        return recorded if seen < decisions else None

    return rewrite(source, target, keep)
