"""Writes docs/commands.md from the `--help` of every command: `python docs/reference.py`; `--check` only compares.

The commands are those of the packages' build files. Help is asked for in this process, 100 characters wide and without
colours, so that everybody's file is the same.
"""

import argparse
import ast
import contextlib
import importlib
import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import tomllib

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "commands.md"
WIDTH = "100"
HEAD = """# Commands

Made from each command's `--help` by `make docs`; a test holds the two equal. Every command exits with 0 when it did its
work, 1 when the work failed, 2 when it was used wrongly, and says why in one line.
"""


def entry_points(root: Path = ROOT) -> dict[str, str]:
    """``module:function`` of every command by its name, from the build files."""
    found: dict[str, str] = {}
    for file in sorted(root.glob("*/pyproject.toml")):
        found |= tomllib.loads(file.read_text(encoding="utf-8"))["project"].get("scripts", {})
    for file in sorted(root.glob("ros2_ws/src/*/setup.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EXECUTABLES":
                found |= ast.literal_eval(node.value)
    return dict(sorted(found.items()))


def pages(name: str, target: str) -> Iterator[tuple[str, str]]:
    """The command with its help, then each of its verbs with theirs."""
    text = ask(name, target)
    yield name, text
    for verb in verbs(text):
        yield f"{name} {verb}", ask(name, target, verb)


def ask(name: str, target: str, *words: str) -> str:
    """What ``name words --help`` prints.

    Raises:
        RuntimeError: the command did not end as one that was asked for help.
    """
    module, _, function = target.partition(":")
    main = getattr(importlib.import_module(module), function)
    out, code = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), 0
    with (
        mock.patch.dict(os.environ, {"COLUMNS": WIDTH, "NO_COLOR": "1", "TERM": "dumb"}),
        mock.patch.object(sys, "argv", [name, *words, "--help"]),
        contextlib.redirect_stdout(out),
    ):
        try:
            code = main() or 0
        except SystemExit as end:
            code = int(end.code or 0)
    out.seek(0)
    text = re.sub(r"\x1b\[[0-9;]*m", "", out.read())
    if code or not text:
        raise RuntimeError(f"{' '.join([name, *words])} --help exits with {code} and says {text!r}")
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def verbs(text: str) -> list[str]:
    """The verbs that a command's help names: ``{a,b}`` in argparse's usage, or an indented list under ``VERB``."""
    usage, _, rest = text.partition("\n\n")
    if " VERB " in usage:
        return re.findall(r"^  ([a-z-]+) ", rest, re.MULTILINE)
    choices = re.search(r"(?<!-)\{([a-z,-]+)\} \.\.\.", " ".join(usage.split()))
    return choices.group(1).split(",") if choices else []


def reference() -> str:
    """The whole page."""
    parts, contents = [HEAD], []
    for name, target in entry_points().items():
        for title, text in pages(name, target):
            level = "##" if title == name else "###"
            parts.append(f"{level} {title}\n\n```text\n{text}\n```\n")
        contents.append(f"[`{name}`](#{name})")
    parts.insert(1, " · ".join(contents) + "\n")
    return "\n".join(parts)


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page is not up to date")
    check = parser.parse_args().check
    text = reference()
    if not check:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") != text:
        print("error: docs/commands.md is not what the commands say: make docs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
