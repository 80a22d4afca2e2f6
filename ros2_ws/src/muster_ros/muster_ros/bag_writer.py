"""Writes one bag: a bounded MCAP file that is readable at every moment, whatever ends it.

Of the two MCAP writers for Python, rosbags' keeps its chunk in memory until it is told to close, so that ``kill -9``
leaves nothing; the format's own (``mcap``) writes chunk by chunk and can be told to flush. A reader needs no more than
the whole chunks. A write that fails half-way (a full disk) is taken back to the end of the last whole record, and the
file is ended there: with the format's end and footer, in 50 bytes, without the index, which readers can do without.
"""

import contextlib
from pathlib import Path
from typing import IO

from mcap.data_stream import RecordBuilder
from mcap.records import DataEnd, Footer
from mcap.writer import MCAP0_MAGIC, Writer

from muster_core.errors import MusterError, WorkFailed

CHUNK = 128 * 1024
"""Bytes before compression after which a chunk is written."""


class BagWriter:
    """One bag while it is written.

    Args:
        path: the file; it must not be there yet.

    Raises:
        MusterError: the file is there already, or cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = _RewindingFile(path)
        self._schemas: dict[str, int] = {}
        self._open = True
        with self._ending():
            # Our file quacks as far as the writer asks.
            self._writer = Writer(self._file, chunk_size=CHUNK)  # type: ignore[arg-type]
            self._writer.start(profile="ros2", library="muster")

    @property
    def size(self) -> int:
        """Bytes on disk so far."""
        return self._file.tell()

    def describe(self, name: str, values: dict[str, str]) -> None:
        """Write a metadata record, at once.

        Raises:
            WorkFailed: the disk is full; the file has been ended.
        """
        with self._ending():
            self._writer.add_metadata(name, values)

    def attach(self, name: str, content: bytes) -> None:
        """Write a file into the bag, at once.

        Raises:
            WorkFailed: the disk is full; the file has been ended.
        """
        with self._ending():
            self._writer.add_attachment(0, 0, name, "application/octet-stream", content)

    def channel(self, topic: str, type_name: str, definition: str, offered_qos: str) -> int:
        """Announce a topic; the number to write its messages with.

        Raises:
            WorkFailed: the disk is full; the file has been ended.
        """
        with self._ending():
            if type_name not in self._schemas:
                self._schemas[type_name] = self._writer.register_schema(type_name, "ros2msg", definition.encode())
            metadata = {"offered_qos_profiles": offered_qos}
            return self._writer.register_channel(topic, "cdr", self._schemas[type_name], metadata)
        raise AssertionError("the disk's being full is raised above")

    def write(self, channel: int, received: int, published: int, content: bytes) -> None:
        """Write a message; times in nanoseconds.

        Raises:
            WorkFailed: the disk is full; the file has been ended.
        """
        with self._ending():
            self._writer.add_message(channel, received, content, published)

    def flush(self) -> None:
        """Bring everything so far onto the disk, readable.

        Raises:
            WorkFailed: the disk is full; the file has been ended.
        """
        with self._ending():
            self._writer.flush()

    def close(self) -> None:
        """End the file with its index; a second time does nothing.

        Raises:
            WorkFailed: the disk is full; the file has been ended without its index.
        """
        if self._open:
            with self._ending():
                self._writer.finish()
            self._open = False
            self._file.close()

    @contextlib.contextmanager
    def _ending(self):  # noqa: ANN202 - a context manager
        if not self._open:
            raise WorkFailed(f"{self.path} has been ended")
        try:
            yield
        except OSError as error:
            self._open = False
            whole = self._file.end(_tail())
            raise WorkFailed(
                f"{self.path} cannot be written further: {error.strerror}; "
                + (f"the bag has been ended after {self.size} bytes" if whole else "the bag has no end mark")
            ) from None


class _RewindingFile:
    """A file whose failed write leaves no half record behind."""

    def __init__(self, path: Path) -> None:
        try:
            self._file: IO[bytes] = path.open("xb", buffering=0)
        except FileExistsError:
            raise MusterError(f"{path} exists; move it away, or name another bag") from None
        except OSError as error:
            raise MusterError(f"{path} cannot be written: {error.strerror}") from None
        self._at = 0
        self._ends = [0]

    def tell(self) -> int:
        return self._at

    def write(self, content: bytes) -> int:
        rest = memoryview(content)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._at += len(content)
        if content:
            self._ends = [*self._ends[-7:], self._at]
        return len(content)

    def flush(self) -> None:
        """Nothing is buffered here."""

    def close(self) -> None:
        self._file.close()

    def end(self, tail: bytes) -> bool:
        """Cut what was written half, append ``tail`` and close; whether that was possible.

        Where not even that has room, whole writes are given up for it, from the last one on.
        """
        try:
            for end in reversed(self._ends):
                with contextlib.suppress(OSError):
                    self._at = end
                    self._file.truncate(end)
                    self._file.seek(end)
                    self.write(tail)
                    return True
            return False
        finally:
            with contextlib.suppress(OSError):
                self._file.close()


def _tail() -> bytes:
    """The shortest end of an MCAP file: no index, no check sum."""
    builder = RecordBuilder()
    DataEnd(0).write(builder)
    Footer(summary_start=0, summary_offset_start=0, summary_crc=0).write(builder)
    return builder.end() + MCAP0_MAGIC
