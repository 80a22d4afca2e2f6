"""Starts processes and makes sure that every one of them ends: on request, on failure, and when we are killed."""

import ctypes
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from muster_core.errors import WorkFailed
from muster_ros.fleet import Process
from muster_ros.shared_memory import remove_orphans, segments_of

PATIENCE = ((signal.SIGINT, 10.0), (signal.SIGTERM, 3.0), (signal.SIGKILL, 2.0))
"""Signals in the order in which they are tried, and how long each is waited for [s]."""
NOTE_EVERY = 1.0
"""Time between two looks at the children's shared memory [s]."""
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


class Supervisor:
    """The children of one run. A context manager: leaving it stops all of them.

    Every child leads its own process group, which a signal reaches with all its descendants, and asks the kernel for
    SIGTERM when its parent dies, so that even ``kill -9`` of the parent brings the robots to rest.

    Args:
        log: file for what the children print; None leaves it on our own terminal.

    Raises:
        WorkFailed: the file cannot be written.
    """

    def __init__(self, log: Path | None = None) -> None:
        self._log: BinaryIO | None = None
        self._where = "above" if log is None else f"in {log}"
        if log is not None:
            try:
                self._log = log.open("wb")
            except OSError as error:
                raise WorkFailed(f"{log} cannot be written: {error.strerror}") from None
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._spare: dict[str, bool] = {}
        """Children that the others do not need, and whether their end was told."""
        self._segments: set[str] = set()
        self._noted_at = -math.inf

    def __enter__(self) -> "Supervisor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by name."""
        return {name: child.pid for name, child in self._children.items()}

    def start(self, processes: Sequence[Process]) -> None:
        """Start processes; those already started stay when one fails, until `stop`.

        Raises:
            WorkFailed: a program cannot be started; names it.
        """
        for process in processes:
            if not process.essential:
                self._spare[process.name] = False
            environment = {"AMENT_PREFIX_PATH": sys.prefix} | dict(os.environ) | dict(process.environment)
            try:
                self._children[process.name] = subprocess.Popen(
                    process.command,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                    stdout=self._log,
                    stderr=self._log and subprocess.STDOUT,
                    preexec_fn=_die_with(os.getpid()),
                )
            except OSError as error:
                raise WorkFailed(f"{process.name} cannot be started: {error}") from None

    def check(self) -> None:
        """Notice a child that has ended by itself; one that the others do not need only costs a line.

        Raises:
            WorkFailed: names it and how it ended.
        """
        self._note_segments()
        for name, child in self._children.items():
            code = child.poll()
            if code is not None:
                how = f"signal {-code}" if code < 0 else f"exit code {code}"
                if name in self._spare:
                    self._tell_once(name, how)
                    continue
                raise WorkFailed(
                    f"{name} ended by itself ({how}); the others are stopped. Its messages stand {self._where}"
                )

    def stop(self, patience: Sequence[tuple[int, float]] = PATIENCE) -> None:
        """End every child by one signal to its process group after the other, and clean up what killed ones left.

        Args:
            patience: signals, and how long each is waited for [s].
        """
        self._noted_at = -math.inf
        self._note_segments()
        children, self._children = self._children, {}
        self._end(children, patience)
        if self._log is not None:
            self._log.close()

    def _tell_once(self, name: str, how: str) -> None:
        if not self._spare[name]:
            print(f"{name} ended by itself ({how}); the robots go on without it", file=sys.stderr, flush=True)
        self._spare[name] = True

    def _end(self, children: dict[str, subprocess.Popen[bytes]], patience: Sequence[tuple[int, float]]) -> None:
        # Robots were started last and stop first: their poses must not go before they do.
        remaining = list(reversed(children.values()))
        for number, wait in patience:
            for child in remaining:
                _signal_group(child.pid, number)
            remaining = _await(remaining, wait)
            if not remaining:
                break
        for child in children.values():
            # Whatever a child itself started and left behind.
            _signal_group(child.pid, signal.SIGKILL)
        remove_orphans(self._segments)

    def _note_segments(self) -> None:
        """Remember which shared memory the children use: once one was killed, nobody can tell any more."""
        now = time.monotonic()
        if now - self._noted_at > NOTE_EVERY:
            self._noted_at = now
            self._segments = self._segments.union(*(segments_of(child.pid) for child in self._children.values()))


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _await(children: list[subprocess.Popen[bytes]], patience: float) -> list[subprocess.Popen[bytes]]:
    """Those that are still there after ``patience`` [s]."""
    deadline = time.monotonic() + patience
    while children and time.monotonic() < deadline:
        children = [child for child in children if child.poll() is None]
        time.sleep(0.02)
    return children


def _die_with(parent: int) -> Callable[[], None]:
    def ask_the_kernel() -> None:
        # SIGTERM, not SIGKILL: a robot's node then still publishes its zero command; should it hang, its alarm ends it.
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return ask_the_kernel
