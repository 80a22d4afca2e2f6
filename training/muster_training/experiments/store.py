"""The folder of an experiment that runs: its settings, and a line for every cell that is finished.

A line is written at once and reaches the disk before the next cell counts, so that a kill loses at most the cells that
were being worked on; a line that was cut short is dropped.
"""

import fcntl
import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from muster_core.errors import MusterError
from muster_training.experiments.experiment import Figures
from muster_training.runs import replace_file

FORMAT = 1
"""Version of the folder; one of another version is refused."""


class Store:
    """Finished cells on disk; one process at a time."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        """Begin in ``folder``, or continue what was begun there with the same ``settings``.

        Raises:
            MusterError: it was begun with other settings, is damaged, cannot be written, or someone works in it.
        """
        self.folder = folder
        self.finished: dict[str, dict[str, Any]] = {}
        """By the cell's name: ``figures``, ``cpu_s``, ``commit``."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(folder / "cells.jsonl", os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise MusterError(f"Cannot use {folder}: {error.strerror}. Choose another folder with --out") from error
        try:
            self._lock()
            self._check_settings(settings)
            self._read()
        except BaseException:
            self.close()
            raise

    def append(self, name: str, figures: Sequence[Figures], cpu_s: float, commit: str) -> None:
        """Write a finished cell so that it stays.

        Raises:
            OSError: the disk does not take it.
        """
        cell = {"cell": name, "figures": [_encoded(row) for row in figures], "cpu_s": cpu_s, "commit": commit}
        line = json.dumps(cell, allow_nan=False).encode() + b"\n"
        while line:
            line = line[os.write(self._file, line) :]
        os.fsync(self._file)
        self.finished[name] = cell | {"figures": [dict(row) for row in figures]}

    def close(self) -> None:
        """Let others in; may be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise MusterError(f"Another muster-experiment is at work in {self.folder}; wait, or choose --out") from None

    def _check_settings(self, settings: dict[str, Any]) -> None:
        path = self.folder / "settings.json"
        wanted = {"format": FORMAT, **settings}
        if not path.exists():
            replace_file(path, json.dumps(wanted, indent=1).encode())
            return
        try:
            begun = json.loads(path.read_text(encoding="utf-8"))
            differing = [key for key in {**begun, **wanted} if begun.get(key) != wanted.get(key)]
        except (OSError, ValueError, TypeError) as error:
            raise MusterError(f"{path} cannot be read ({error}); choose another folder with --out") from error
        if differing:
            key = differing[0]
            raise MusterError(
                f"{self.folder} was begun with {key} {begun.get(key)!r}, and this is {wanted.get(key)!r}; "
                "choose another folder with --out, or begin anew with --fresh"
            )

    def _read(self) -> None:
        content = (self.folder / "cells.jsonl").read_bytes()
        whole = content.rfind(b"\n") + 1
        for number, line in enumerate(content[:whole].splitlines(), start=1):
            try:
                cell = json.loads(line)
                cell["figures"] = [{key: float(value) for key, value in row.items()} for row in cell["figures"]]
                self.finished.setdefault(str(cell["cell"]), cell)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise MusterError(
                    f"{self.folder / 'cells.jsonl'}, line {number} is damaged ({type(error).__name__}); "
                    "begin anew with --fresh"
                ) from error
        if whole < len(content):  # a kill cut the last line short; what follows must begin a line of its own
            os.ftruncate(self._file, whole)


def _encoded(row: Figures) -> dict[str, float | str]:
    """JSON holds no infinity and no NaN: they travel as text, which ``float`` reads."""
    return {key: float(value) if math.isfinite(value) else str(float(value)) for key, value in row.items()}
