"""Run folders: what was run, where it got to, and nothing half-written.

A run folder holds ``config.json`` (task, learner, seeds, commit), ``events.*`` (TensorBoard), ``curve.csv`` and
``checkpoint.pt``, which is replaced in one step, so that a kill loses at most one checkpoint interval.
"""

import hashlib
import json
import os
import subprocess
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

import muster_core.kernels
from muster_core.errors import MusterError, first_line
from muster_core.robot import Arena, RobotModel
from muster_core.scene import Sensing
from muster_sim.assembly import AssemblyConfig
from muster_sim.randomisation import Randomisation

FORMAT = 2
"""Version of the run folder; a folder of another version is refused."""


def write_config(folder: Path, algorithm: str, task: AssemblyConfig, settings: dict[str, Any]) -> None:
    """Begin a run in ``folder``, which must be new or empty.

    Raises:
        MusterError: the folder holds something already, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        occupied = any(folder.iterdir())
    except OSError as error:
        raise MusterError(f"Cannot use {folder} as run folder: {error.strerror}. Choose another with --run") from error
    if occupied:
        raise MusterError(f"{folder} holds a run already; choose another with --run, or continue it with --resume")
    content = {
        "format": FORMAT,
        "algorithm": algorithm,
        "commit": git_commit(),
        "program": task.program.hash if task.program else program_hash(),
        "torch": torch.__version__,
        "task": asdict(replace(task, program=None)),
        "settings": settings,
    }
    replace_file(folder / "config.json", json.dumps(content, indent=1).encode())


def read_config(folder: Path) -> dict[str, Any]:
    """The content of a run's ``config.json``.

    Raises:
        MusterError: not a run folder, or one of another version.
    """
    try:
        content: Any = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MusterError(f"{folder} is no run folder: its config.json cannot be read ({error})") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else None
        raise MusterError(f"{folder} is a run of format {found!r}; this Muster reads format {FORMAT}. Train it again")
    return content


def task_of(content: dict[str, Any]) -> AssemblyConfig:
    """The task that a run's config describes.

    Raises:
        MusterError: a field is missing or unknown.
    """
    try:
        task = dict(content["task"])
        kinds = {"robot": RobotModel, "arena": Arena, "sensing": Sensing}
        parts: dict[str, Any] = {name: kind(**task[name]) for name, kind in kinds.items()}
        tuples = {name: tuple(task[name]) for name in ("shapes", "events")}
        randomisation = Randomisation(**task["randomisation"]) if task["randomisation"] else None
        return AssemblyConfig(**{**task, **parts, **tuples, "randomisation": randomisation})
    except (KeyError, TypeError) as error:
        raise MusterError(f"The run's config.json does not describe a task: {error}") from error


@contextmanager
def damage_refused(folder: Path) -> Iterator[None]:
    """Turn what reading a damaged or foreign run raises into the one line for the user.

    Raises:
        MusterError: a part of the run is missing, cut short or does not fit the others.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, RuntimeError, OSError, EOFError, zipfile.BadZipFile) as error:
        problem = f"{type(error).__name__}: {first_line(error)}"
        raise MusterError(f"The run {folder} is damaged or of another Muster ({problem}); train again") from error


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Replace ``checkpoint.pt`` in one step."""
    temporary = folder / "checkpoint.part"
    torch.save(state, temporary)
    os.replace(temporary, folder / "checkpoint.pt")


def load_checkpoint(folder: Path) -> dict[str, Any]:
    """The newest checkpoint.

    Raises:
        MusterError: there is none yet, or it cannot be read.
    """
    path = folder / "checkpoint.pt"
    if not path.is_file():
        raise MusterError(f"{folder} has no checkpoint yet; the first is written after one interval of training")
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged or foreign file
        raise MusterError(f"{path} cannot be read as a checkpoint ({first_line(error)})") from error
    return state


def replace_file(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` in one step: a reader or a crash never meets half a file.

    Raises:
        MusterError: the place cannot be written; the old file is as it was.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise MusterError(f"Cannot write {path}: {error.strerror or error}") from error


def git_commit() -> str:
    """Commit of the code that runs, with ``+`` for uncommitted changes, or ``unknown`` outside a checkout."""
    here = Path(__file__).parent
    try:
        commit = _git(here, "rev-parse", "--short=12", "HEAD")
        return commit + ("+" if _git(here, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def program_hash() -> str:
    """Hash of the kernels that give prior and reward when no program of a language model does."""
    digest = hashlib.sha256()
    for source in _kernel_files():
        digest.update(source.read_bytes())
    return f"builtin-{digest.hexdigest()[:16]}"


def _kernel_files() -> Iterable[Path]:
    for folder in muster_core.kernels.__path__:
        yield from sorted(Path(folder).glob("*.py"))


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()
