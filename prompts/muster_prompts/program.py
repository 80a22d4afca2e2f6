"""A program on disk and in memory: a folder that ``muster-write`` made, read through the gate every time.

A folder holds ``program.py`` (readable), ``shape.json``, ``provenance.json``, ``transcript.md`` and, for a shape by
signed distance, ``sdf.py``. A hash is not a signature: whoever loads a folder runs the gate again.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from muster_core.controllers import KernelController
from muster_core.errors import MusterError, WorkFailed
from muster_core.robot import RobotModel
from muster_core.scene import Perceptions, Sensing
from muster_core.shape import Shape
from muster_core.types import AnyArray, Array
from muster_prompts.compilation import Compiled, compile_program, read_only, run_prior, run_reward
from muster_prompts.gate import Gate, Verdict
from muster_prompts.source import MAX_CHARACTERS

FORMAT = 1
"""Version of the folder."""


@dataclass(frozen=True)
class Program:
    """A program that the gate accepted while this process ran; compiled where it is used, so it can go to workers."""

    text: str
    """Python text."""
    name: str = "program"
    """For reports."""
    verdict: Verdict = field(default_factory=lambda: Verdict(False), compare=False)
    """What the gate said."""
    shape: Shape | None = field(default=None, compare=False)
    """The shape it was written for."""

    def __post_init__(self) -> None:
        """Refuse a program that did not pass.

        Raises:
            MusterError: the gate refused it; says why.
        """
        if not self.verdict.accepted:
            raise MusterError(f"The program {self.name} is refused: {self.verdict}".replace("\n", " "))

    @property
    def hash(self) -> str:
        """Identity of the text, as policy cards carry it."""
        return f"program-{hashlib.sha256(self.text.encode()).hexdigest()[:16]}"

    @cached_property
    def compiled(self) -> Compiled:
        """Native code in this process; the first use takes some seconds."""
        return compile_program(self.text, read_only(Perceptions.empty(1, Sensing())))

    def __getstate__(self) -> dict[str, Any]:
        """What travels to a worker: the text, not the machine code."""
        return {name: value for name, value in vars(self).items() if name != "compiled"}

    def prior(self, robot: RobotModel) -> KernelController:
        """The prior as a controller."""
        return KernelController(self.hash, self.prior_rows(robot))

    def reward(self, robot: RobotModel) -> Callable[[Perceptions, Array], None]:
        """The reward as a function that fills (B,) for a batch of perceptions."""
        limits = (robot.max_speed, robot.max_acceleration)

        def fill(p: Perceptions, out: Array) -> None:
            values, status = run_reward(self.compiled, read_only(p), limits)
            self._check(status, "reward")
            np.clip(values, 0.0, 1.0, out=out)

        return fill

    def prior_rows(self, robot: RobotModel) -> Callable[[Perceptions, Array], None]:
        """The prior as a function that fills (B, 2) for a batch of perceptions."""
        limits = (robot.max_speed, robot.max_acceleration)

        def decide(p: Perceptions, out: Array) -> None:
            values, status = run_prior(self.compiled, read_only(p), limits)
            self._check(status, "prior")
            np.clip(values, -1.0, 1.0, out=out)

        return decide

    def _check(self, status: AnyArray, name: str) -> None:
        """Every batch is looked at: a program can fail on what no trial had.

        Raises:
            WorkFailed: some rows have no value.
        """
        if status.any():
            row = int(np.flatnonzero(status)[0])
            how = {1: "raised an error", 2: "gave a value that is not finite"}.get(
                int(status[row]), "gave an array of wrong length"
            )
            raise WorkFailed(f"{name} of {self.name} {how} on a perception that no trial had (row {row} of its batch)")


@dataclass(frozen=True)
class ProgramTerms:
    """Prior and reward of a program for a task, see :class:`muster_sim.terms.Terms`."""

    program: Program
    """What the gate accepted."""
    robot: RobotModel
    """Whose limits the program is told."""
    share: float = 1.0
    """Of the program's reward; the rest is the built-in one. 1: the program's alone, 0: the built-in alone."""

    @property
    def shape(self) -> Shape | None:
        """The shape it was written for."""
        return self.program.shape

    @property
    def hash(self) -> str:
        """Of the program."""
        return self.program.hash

    def fill(self, p: Perceptions, rewards: Array, priors: Array) -> None:
        """See :meth:`muster_sim.terms.Terms.fill`."""
        self.program.prior_rows(self.robot)(p, priors)
        if self.share > 0.0:
            own = np.empty(len(rewards))
            self.program.reward(self.robot)(p, own)
            rewards[:] = self.share * own + (1.0 - self.share) * rewards


def load_program(folder: Path, gate: Gate | None = None) -> Program:
    """The program in ``folder``, checked by the gate anew.

    Raises:
        MusterError: no program folder, or the gate refuses the program.
    """
    text = read_text(folder / "program.py" if folder.is_dir() else folder)
    shape = read_shape(folder / "shape.json") if (folder / "shape.json").is_file() else None
    return admit(text, folder.name, gate, shape)


def admit(text: str, name: str, gate: Gate | None = None, shape: Shape | None = None) -> Program:
    """``text`` as a program, if the gate accepts it.

    Raises:
        MusterError: it does not; says why.
    """
    if gate is not None:
        return Program(text, name, gate.check(text), shape)
    with Gate() as own:
        return Program(text, name, own.check(text), shape)


def read_text(path: Path) -> str:
    """A file that may hold a program.

    Raises:
        MusterError: it cannot be read, is too large, or is no UTF-8 text.
    """
    try:
        with path.open("rb") as file:
            return file.read(4 * MAX_CHARACTERS).decode("utf-8")
    except OSError as error:
        raise MusterError(f"Cannot read a program from {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise MusterError(f"{path} is no program: it is not UTF-8 text") from None


def write_shape(path: Path, shape: Shape) -> None:
    """A shape as JSON that people can read: one string a row, the top row first."""
    rows = ["".join("#" if cell else "." for cell in row) for row in shape.occupancy[::-1]]
    replace_text(path, json.dumps({"format": FORMAT, "pitch": shape.pitch, "rows": rows}, indent=1) + "\n")


def read_shape(path: Path) -> Shape:
    """A shape from such a file, its centre at the world's origin.

    Raises:
        MusterError: it is none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        rows = [[{"#": True, ".": False}[sign] for sign in row] for row in content["rows"]]
        if content["format"] != FORMAT or len({len(row) for row in rows}) != 1:
            raise ValueError("another format, or rows of different length")
        occupancy, pitch = np.array(rows[::-1]), float(content["pitch"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MusterError(f"{path} is no shape ({type(error).__name__}: {error})") from None
    return Shape.from_array(occupancy, pitch)


def replace_text(path: Path, text: str) -> None:
    """Write ``text`` in one step: nobody meets half a file.

    Raises:
        MusterError: the place cannot be written.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        raise MusterError(f"Cannot write {path}: {error.strerror or error}") from None
