"""How the training commands talk to people: options from dataclasses, progress on stderr, quiet when nobody looks."""

import sys
from typing import TypeVar

import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from muster_core.cli import WRONG_USE
from muster_core.errors import unknown

Command = TypeVar("Command")


def parse(command: type[Command], program: str, arguments: list[str] | None = None) -> Command:
    """``command`` filled from the command line (or ``arguments``); wrong use exits with 2, ``--help`` with 0."""
    return tyro.cli(command, prog=program, args=arguments, config=(tyro.conf.OmitArgPrefixes,))


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
    """A progress bar with the time left, on stderr; silent when ``quiet`` or when stderr is no terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=quiet or not sys.stderr.isatty(),
    )
