"""A ROS_DOMAIN_ID that nobody on this machine uses."""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path
from typing import IO

from muster_core.errors import MusterError, WorkFailed

HIGHEST = 101
"""The highest domain whose ports lie below those that Linux hands out by itself."""

LARGEST = 232
"""The largest domain whose ports are port numbers."""


class FreeDomain:
    """A free domain, kept for as long as this object lives or until `close`.

    A lock file keeps two runs that start at once apart; the ports tell of everybody else.

    Raises:
        WorkFailed: all are taken.
    """

    def __init__(self) -> None:
        self._lock: IO[str] | None = None
        # Not seeded: two runs at the same moment shall not try the same ones.
        for number in random.sample(range(1, HIGHEST + 1), HIGHEST):
            if not _ports_free(number):
                continue
            self._lock = _lock(number)
            if self._lock is not None:
                self.number = number
                return
        raise WorkFailed(f"All ROS domains from 1 to {HIGHEST} are in use on this machine; set ROS_DOMAIN_ID yourself")

    def close(self) -> None:
        """Let others have it."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def check_domain(name: str, value: str) -> None:
    """Refuse what is no domain: DDS would end the process, or the wheels' rclpy print a traceback.

    Args:
        name: what to call the setting.
        value: its value as text; the empty text stands for none and passes.

    Raises:
        MusterError: names the setting and its value.
    """
    if value and not (value.isascii() and value.isdecimal() and int(value) <= LARGEST):
        raise MusterError(f"{name} is {value}; take a whole number from 0 to {LARGEST}")


def _ports_free(domain: int) -> bool:
    # RTPS 9.6.1.1: 7400 + 250·domain is the discovery port, + 10 the first participant's own.
    base = 7400 + 250 * domain
    for port in (base, base + 10):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("", port))
            except OSError:
                return False
    return True


def _lock(domain: int) -> IO[str] | None:
    path = Path(tempfile.gettempdir()) / f"muster-domain-{os.getuid()}-{domain}.lock"
    handle = path.open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        return None
    return handle
