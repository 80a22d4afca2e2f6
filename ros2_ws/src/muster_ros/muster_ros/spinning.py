"""Runs nodes in one process until they are told to stop, and lets each of them say its last word."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Protocol

import rclpy
from rclpy.context import Context
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from muster_ros.domain import check_domain

LAST_WORDS = 5
"""Time a process gets to end cleanly after a signal [s]; then the kernel ends it."""


class Closable(Protocol):
    """A node, or what owns some: it can be closed."""

    def close(self) -> None:
        """Publish the last word and give everything back."""


class StopRequest:
    """Turns SIGINT and SIGTERM into a flag.

    rclpy's own handlers shut the context down at once, after which no zero command can be published any more. A
    shell starts background jobs with SIGINT ignored: setting the handler ourselves undoes that.

    Args:
        last_words: after this time [s] the kernel ends a process that still lives; None lets it take its time.
    """

    def __init__(self, last_words: int | None = LAST_WORDS) -> None:
        self.made = False
        self._last_words = last_words
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.made = True
        if self._last_words is not None:
            signal.alarm(self._last_words)


def open_context(arguments: Sequence[str] | None = None, context: Context | None = None) -> None:
    """Start rclpy, with the wheels' own files found where no ROS installation is sourced.

    Raises:
        MusterError: the environment's ROS_DOMAIN_ID is none.
    """
    check_domain("ROS_DOMAIN_ID", os.environ.get("ROS_DOMAIN_ID", ""))
    os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)
    rclpy.init(
        args=None if arguments is None else list(arguments),
        context=context,
        signal_handler_options=SignalHandlerOptions.NO,
    )


def make_executor() -> Executor:
    """The events executor, which costs 0.4 times the CPU; the ordinary one on a ROS 2 that lacks it."""
    try:
        from rclpy.experimental import EventsExecutor
    except ImportError:
        return SingleThreadedExecutor()
    return EventsExecutor()


def run_nodes(
    make: Callable[[Executor], Sequence[Closable]],
    arguments: Sequence[str] | None = None,
    last_words: int = LAST_WORDS,
    niceness: int = 0,
) -> None:
    """Make nodes, spin them until SIGINT or SIGTERM, then close them in any case.

    Args:
        make: makes what is to run and adds the nodes to the executor it is given.
        arguments: the command line, with ROS arguments; None for this process's.
        last_words: time to close everything after a signal [s].
        niceness: asked of the scheduler; below 0 is before other programs, and granted only to those who may.
    """
    # Not allowed to most users: then the nodes take their turn like everybody else.
    with contextlib.suppress(PermissionError):
        os.nice(niceness)
    stop = StopRequest(last_words)
    open_context(arguments)
    nodes: Sequence[Closable] = ()
    try:
        executor = make_executor()
        nodes = make(executor)
        while rclpy.ok() and not stop.made:
            # `spin()` of the events executor hangs; one step at a time works.
            executor.spin_once(timeout_sec=0.1)
    finally:
        for node in nodes:
            node.close()
        rclpy.try_shutdown()
