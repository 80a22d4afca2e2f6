"""What all `muster-…` commands share: two options, and how they end.

They end with 0 good, 1 the work failed, 2 wrong use, 130 interrupted, and then with one line on stderr. ``--quiet``
shows no progress and no remarks on stderr: results on stdout and errors stay. ``--log FILE``: see `muster_core.log`.
"""

import argparse
import contextlib
import errno
import importlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

from muster_core.errors import MusterError, WorkFailed, first_line
from muster_core.log import VARIABLE, log_event, logging_to_file

WORK_FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130
"""As a shell reports a program ended by Ctrl-C: 128 + SIGINT."""
QUIET = "MUSTER_QUIET"
"""Environment variable that ``--quiet`` sets, also for the processes that a command starts."""
SHARED_HELP = """
with every command: --quiet (no progress, no remarks), --log FILE (what happens, as JSON lines; or MUSTER_LOG=FILE)"""


class CommandParser(argparse.ArgumentParser):
    """An argument parser that reports wrong use as every command does: one line, without the usage above it."""

    def error(self, message: str) -> NoReturn:
        """Called by argparse.

        Raises:
            MusterError: always, with the message and where to read more.
        """
        raise MusterError(f"{message} (see {self.prog} --help)")


def run_command(main: Callable[[], int | None]) -> int:
    """Run a command's body and turn what went wrong into one line on stderr and an exit code.

    Only errors meant for the user are turned: anything else is a fault of ours and keeps its traceback.

    Args:
        main: the command's body; it returns an exit code, or None for 0.

    Returns:
        The exit code, for `sys.exit`.
    """
    try:
        with _shared_options(), logging_to_file():
            return _logged(main)
    except WorkFailed as error:
        return _report(error, WORK_FAILED)
    except MusterError as error:
        return _report(error, WRONG_USE)
    except KeyboardInterrupt:
        return _report("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has left (`… | head`): nothing to say, and the flush at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return WORK_FAILED
    except MemoryError as error:
        return _report(f"not enough memory ({first_line(error)}); ask for less at once", WORK_FAILED)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return _report(f"no space left on the disk ({first_line(error)})", WORK_FAILED)


def launch(module: str) -> int:
    """Import ``module``, which may take seconds, and run its ``main``; Ctrl-C ends either with one line.

    A KeyboardInterrupt inside the import of a large library may come out as any other error.
    """
    try:
        before = signal.signal(signal.SIGINT, _leave)
        main: Callable[[], int | None] = importlib.import_module(module).main
        signal.signal(signal.SIGINT, before)
    except KeyboardInterrupt:
        return _report("interrupted", INTERRUPTED)
    return main() or 0


def is_quiet() -> bool:
    """Whether the command was asked to say nothing but results and errors."""
    return os.environ.get(QUIET, "") not in {"", "0"}


@contextlib.contextmanager
def _shared_options() -> Iterator[None]:
    """Take the options of all commands from the command line, for as long as the command runs."""
    words, rest = sys.argv[1:], []
    before = {name: os.environ.get(name) for name in (QUIET, VARIABLE)}
    arguments = sys.argv
    try:
        while words and words[0] != "--":
            word = words.pop(0)
            name, given, value = word.partition("=")
            if word == "--quiet":
                os.environ[QUIET] = "1"
            elif name == "--log":
                if not (value or words) or (given and not value):
                    raise MusterError("--log needs the name of a file")
                os.environ[VARIABLE] = os.path.abspath(value or words.pop(0))
            else:
                rest.append(word)
        sys.argv = [*arguments[:1], *rest, *words]
        yield
    finally:
        sys.argv = arguments
        for name, old in before.items():
            os.environ.pop(name, None)
            if old is not None:
                os.environ[name] = old


def _logged(main: Callable[[], int | None]) -> int:
    begun = time.monotonic()
    log_event("command started", arguments=sys.argv)
    outcome: dict[str, object] = {"code": 0}
    try:
        code = main() or 0
        outcome = {"code": code}
        return code
    except SystemExit as end:
        if not end.code and {"-h", "--help"} & set(sys.argv):
            print(SHARED_HELP)
        outcome = {"code": end.code}
        raise
    except BaseException as error:
        outcome = {"error": type(error).__name__, "message": str(error)}
        raise
    finally:
        log_event("command ended", seconds=round(time.monotonic() - begun, 3), **outcome)


def _leave(number: int, frame: object) -> NoReturn:
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


def _report(message: object, code: int) -> int:
    line = " ".join(str(message).split())
    print(f"error: {line}" if code != INTERRUPTED else line, file=sys.stderr)
    return code
