"""What a command does, as a file of JSON lines beside what it says to people: the one place that sets logging up.

``--log FILE`` of any command, or ``MUSTER_LOG=FILE`` in the environment, which the processes that it starts inherit:
every line is one JSON object with time, level, event and the event's own fields. Without either nothing is written.
"""

import contextlib
import datetime
import json
import logging
import os
from collections.abc import Iterator

from muster_core.errors import MusterError

VARIABLE = "MUSTER_LOG"
"""Environment variable with the file's name."""
_LOGGER = logging.getLogger("muster")


def log_event(event: str, level: int = logging.INFO, **fields: object) -> None:
    """Write that ``event`` happened, with its ``fields``; arrays and paths are written as text."""
    _LOGGER.log(level, event, extra={"fields": fields})


@contextlib.contextmanager
def logging_to_file() -> Iterator[None]:
    """Log to the file that the environment names, as long as this lasts.

    Warnings of libraries go there too, and nowhere else: standard error is for what the user is told.

    Raises:
        MusterError: the file cannot be written.
    """
    root, path = logging.getLogger(), os.environ.get(VARIABLE, "")
    handler: logging.Handler = logging.NullHandler()
    if path:
        try:
            # Opened to append: processes of one command share the file, and a line is written at once.
            handler = logging.FileHandler(path, encoding="utf-8")
        except OSError as error:
            raise MusterError(f"Cannot write the log {path!r}: {error.strerror}") from None
        handler.setFormatter(_JsonLines())
    before = _LOGGER.level
    logging.captureWarnings(True)
    _LOGGER.setLevel(logging.INFO)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()
        _LOGGER.setLevel(before)
        logging.captureWarnings(False)


class _JsonLines(logging.Formatter):
    """A record as one line of JSON; a message of a library is the event's text."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.datetime.fromtimestamp(record.created, datetime.timezone.utc)
        line = {
            "time": time.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "process": record.process,
        }
        if record.name != _LOGGER.name:
            line["from"] = record.name
        return json.dumps({**getattr(record, "fields", {}), **line}, default=str, ensure_ascii=False)
