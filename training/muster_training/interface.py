"""How the training commands talk to people: options from dataclasses, progress on stderr, quiet when nobody looks."""

import contextlib
import io
import sys
from typing import TypeVar

import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from muster_core.cli import WRONG_USE, is_quiet
from muster_core.errors import MusterError, unknown

Command = TypeVar("Command")


def parse(command: type[Command], program: str, arguments: list[str] | None = None) -> Command:
    """``command`` filled from the command line (or ``arguments``); ``--help`` exits with 0.

    Raises:
        MusterError: wrong use, in one line.
    """
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.cli(command, prog=program, args=arguments, config=(tyro.conf.OmitArgPrefixes,))
    except SystemExit as end:
        if end.code != WRONG_USE:
            raise
        raise MusterError(f"{_one_line(complaint.getvalue())} (see {program} --help)") from None


def parse_verb(verbs: dict[str, type], program: str) -> object:
    """The command that the first word names, filled from the rest; without a word, or with ``--help``, a list.

    Raises:
        MusterError: unknown word; the choices are listed.
    """
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(f"usage: {program} VERB [OPTIONS]\n")
        for verb, command in verbs.items():
            print(f"  {verb:10} {(command.__doc__ or '').splitlines()[0]}")
        print(f"\n{program} VERB --help tells more.")
        sys.exit(0 if arguments else WRONG_USE)
    if arguments[0] not in verbs:
        raise unknown(f"{program} verb", arguments[0], list(verbs))
    return parse(verbs[arguments[0]], f"{program} {arguments[0]}", arguments[1:])


def progress_bar(quiet: bool = False) -> Progress:
    """A progress bar with the time left, on stderr; silent when ``quiet`` or asked to be, or on no terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=quiet or is_quiet() or not sys.stderr.isatty(),
    )


def _one_line(box: str) -> str:
    """The first part of what tyro says in a box (title, parts between rules), and the options it thinks were meant."""
    parts: list[list[str]] = [[]]
    for line in (line.strip(" │╭╮╰╯") for line in box.splitlines()[1:]):
        if line.strip("─-"):
            parts[-1].append(line)
        elif parts[-1]:
            parts.append([])
    meant = [line for part in parts if part[:1] == ["Perhaps you meant:"] for line in part if line[:2] == "--"]
    return " ".join(parts[0]) + (f"; perhaps you meant {' or '.join(meant)}" if meant else "")
