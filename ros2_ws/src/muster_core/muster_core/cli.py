"""How a `muster-…` command ends: 0 good, 1 the work failed, 2 wrong use, 130 interrupted, with one line on stderr."""

import argparse
import errno
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from muster_core.errors import MusterError, WorkFailed, first_line

WORK_FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130
"""As a shell reports a program ended by Ctrl-C: 128 + SIGINT."""


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
        return main() or 0
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


def _report(message: object, code: int) -> int:
    line = " ".join(str(message).split())
    print(f"error: {line}" if code != INTERRUPTED else line, file=sys.stderr)
    return code
