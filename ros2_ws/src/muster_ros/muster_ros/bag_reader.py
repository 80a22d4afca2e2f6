"""Reads a bag from its beginning, as far as it goes: also one that was cut, whose last chunk is then left out.

What is no bag of ours is refused in one line. Memory stays bounded: messages come one by one, chunk by chunk, and a
record that says it is larger than any that we write is not read.
"""

import heapq
import itertools
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zstandard
from mcap.exceptions import EndOfFile, InvalidMagic, McapError
from mcap.records import Attachment, Channel, Chunk, DataEnd, Message, Metadata, Schema
from mcap.stream_reader import CRCValidationError, StreamReader, breakup_chunk

from muster_core.errors import MusterError, WorkFailed, first_line

METADATA = "muster"
"""Name of our metadata record."""
FORMAT = 1
"""Of a bag; another is refused."""
LARGEST_RECORD = 64 * 1024 * 1024
"""Bytes of one record, before and after decompression, at most."""
MOST_EARLY = 1000
"""Records before our metadata, at most; the recorder writes none."""
_DAMAGE = (McapError, CRCValidationError, zstandard.ZstdError, RuntimeError, struct.error, ValueError)
"""What the reader raises on damaged content; a text that is no UTF-8 is a ValueError."""


@dataclass(frozen=True)
class Recorded:
    """One message."""

    topic: str
    type_name: str
    received: int
    """When the recorder received it [ns]."""
    published: int
    """When it was published [ns]."""
    content: bytes
    """As it was on the wire."""


@dataclass
class Bag:
    """A bag while it is read; ``attachments`` and ``damage`` are known once all messages have been read.

    Args:
        path: the file.

    Raises:
        MusterError: there is no such file, or it is no MCAP file.
    """

    path: Path
    attachments: dict[str, bytes] = field(default_factory=dict)
    damage: str = ""
    """Why the rest of the file could not be read; empty when it is whole."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What the recorder noted: format, team, topics."""

    def __post_init__(self) -> None:
        """Open it and read its head.

        Raises:
            MusterError: no file, an empty one, no MCAP, or not one that the recorder wrote.
        """
        try:
            self._file = self.path.open("rb")
        except OSError as error:
            raise MusterError(f"{self.path} cannot be read: {error.strerror}") from None
        self._records = self._read()
        self._early: list[Any] = []
        for record in self._records:
            if isinstance(record, Metadata) and record.name == METADATA:
                self.facts = _checked(self.path, record.metadata)
                return
            self._early.append(record)
            if isinstance(record, Message) or len(self._early) > MOST_EARLY:
                break
        raise WorkFailed(f"{self.path} is not a bag that muster recorded{f' ({self.damage})' if self.damage else ''}")

    def __iter__(self) -> Iterator[Recorded]:
        """The messages in the order of the file; once."""
        schemas: dict[int, Schema] = {}
        channels: dict[int, Channel] = {}
        for record in itertools.chain(self._early, self._records):
            if isinstance(record, Attachment):
                self.attachments[record.name] = record.data
            elif isinstance(record, Schema):
                schemas[record.id] = record
            elif isinstance(record, Channel):
                channels[record.id] = record
            elif isinstance(record, Message) and record.channel_id in channels:
                channel = channels[record.channel_id]
                kind = schemas[channel.schema_id].name if channel.schema_id in schemas else ""
                yield Recorded(channel.topic, kind, record.log_time, record.publish_time, record.data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self) -> Iterator[Any]:
        """Records until the end or the first damage."""
        reader = StreamReader(self._file, emit_chunks=True, record_size_limit=LARGEST_RECORD)
        records, ended = iter(reader.records), False
        while not ended:
            try:
                record = next(records)
                parts = _parts(record) if isinstance(record, Chunk) else [record]
                ended = isinstance(record, DataEnd)
            except (InvalidMagic, StopIteration):
                self.damage = "it is no MCAP file"
                return
            except _DAMAGE as error:
                cut = isinstance(error, EndOfFile) or (isinstance(error, struct.error) and not self._file.read(1))
                self.damage = "it was cut in the middle" if cut else f"it is damaged: {first_line(error)}"
                return
            yield from parts


def in_order(messages: Iterator[Recorded], horizon: int, late: dict[str, int]) -> Iterator[Recorded]:
    """The messages by the time they were received, where none comes more than ``horizon`` [ns] out of turn.

    Args:
        messages: in the order of a file.
        horizon: how long a message is kept back [ns].
        late: by the beginning of a topic's name, how much later [ns] its messages are to count as received.
    """
    waiting: list[tuple[int, int, Recorded]] = []
    for number, message in enumerate(messages):
        delay = next((extra for head, extra in late.items() if message.topic.startswith(head)), 0)
        heapq.heappush(waiting, (message.received + delay, number, message))
        while waiting[0][0] < message.received - horizon:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]


def _parts(chunk: Chunk) -> list[Any]:
    if chunk.uncompressed_size > LARGEST_RECORD:
        raise ValueError(f"a chunk of {chunk.uncompressed_size} bytes")
    # A decompressor believes the frame's own header and asks for that much memory.
    if chunk.compression == "zstd" and zstandard.frame_content_size(chunk.data) != chunk.uncompressed_size:
        raise ValueError("a chunk that is not as large as it says")
    if chunk.compression not in ("zstd", ""):
        raise ValueError(f"a chunk compressed with {chunk.compression!r:.20}, which muster does not write")
    return breakup_chunk(chunk, validate_crc=True)


def _checked(path: Path, values: dict[str, str]) -> dict[str, Any]:
    found = values.get("format")
    if found != str(FORMAT):
        raise WorkFailed(f"{path} is a bag of format {found!r:.40}; this Muster reads format {FORMAT}")
    try:
        facts = json.loads(values["facts"])
    except (KeyError, ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):
        raise WorkFailed(f"{path} is a bag whose facts cannot be read")
    return {"format": FORMAT, **facts}
