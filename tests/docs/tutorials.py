"""Reads a tutorial's fenced blocks and does what they say, in order, in one folder.

```sh runs by bash and must succeed; ```python runs; a block of any kind with `file=NAME` is written to that file. A
```text block is what the block before printed: each of its lines must be there, in that order, where `…` stands for
anything.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LONGEST = 600
"""Most time that one block may take [s], on a busy machine too."""


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    line: int
    """Where it begins in the page."""
    kind: str
    """The word after the fence."""
    file: str
    """File to write it to; empty for a block that runs."""
    text: str
    """What is in it."""


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a page of Markdown."""
    for match in re.finditer(r"^```(\w*)(?: +file=(\S+))?\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        line = page.count("\n", 0, match.start()) + 1
        yield Block(line, match.group(1), match.group(2) or "", match.group(3))


def follow(page: Path, folder: Path) -> None:
    """Do all that ``page`` says, in ``folder``; an AssertionError names the line that does not hold."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
    }
    # What the ROS wheels set for this process must not reach the next one.
    for name in ("LD_LIBRARY_PATH", "_ROS_WHEELS_BOOTSTRAP_COMPLETE"):
        environment.pop(name, None)
    printed = ""
    for block in blocks(page.read_text(encoding="utf-8")):
        place = f"{page.name}:{block.line}"
        if block.file:
            (folder / block.file).write_text(block.text, encoding="utf-8")
        elif block.kind in {"sh", "python"}:
            words = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}[block.kind]
            done = subprocess.run(
                [*words, block.text], cwd=folder, env=environment, capture_output=True, text=True, timeout=LONGEST
            )
            printed = done.stdout
            assert done.returncode == 0, f"{place} exits with {done.returncode}: {done.stderr[-2000:]}"
        elif block.kind == "text":
            missing = first_missing(block.text, printed)
            assert missing is None, f"{place} promises {missing!r}; printed was:\n{printed}"
        else:
            raise AssertionError(
                f"{place}: a block of kind {block.kind!r} is neither run nor written; say text or file="
            )


def first_missing(promised: str, printed: str) -> str | None:
    """The first line of ``promised`` that ``printed`` does not have after those before it; None where all are there."""
    lines = iter(printed.splitlines())
    for line in promised.splitlines():
        pattern = ".*".join(re.escape(part) for part in line.strip().split("…"))
        if not any(re.fullmatch(pattern, candidate.strip()) for candidate in lines):
            return line
    return None
