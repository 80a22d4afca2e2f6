"""Work an experiment off, cell by cell, and write what came of it: figures, table and picture."""

import hashlib
import importlib.metadata
import json
import platform
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import muster_core
import muster_sim
import muster_training
from muster_core.controllers import load_controller
from muster_core.errors import MusterError
from muster_core.policy import read_policy
from muster_training.experiments.experiment import Cell, Experiment, ExperimentSettings, Figures, Outcome
from muster_training.experiments.store import Store
from muster_training.interface import progress_bar
from muster_training.parallel import check_processes, in_processes
from muster_training.runs import git_commit, replace_file

LIBRARIES = ("numpy", "numba", "scipy", "pybullet", "onnxruntime", "torch")
"""Whose versions a result names."""


@dataclass(frozen=True)
class Job:
    """A cell to work on, and the folder for what must outlive a kill."""

    cell: Cell
    folder: Path


@dataclass(frozen=True)
class Done:
    """What a worker gives back."""

    figures: Sequence[Figures]
    refusal: str | None
    cpu_s: float


def run_experiment(
    experiment: Experiment,
    settings: ExperimentSettings,
    out: Path,
    results: Path,
    processes: int = 1,
    fresh: bool = False,
    quiet: bool = False,
) -> dict[str, Any]:
    """Do what is left of the cells, then write ``NAME.json`` and ``NAME.png`` into ``results``.

    A cell that is refused does not stop the others: it is named in the result, and tried again next time.

    Args:
        experiment: what to do.
        settings: what of it.
        out: folder for the work, one folder per experiment inside.
        results: folder for the result.
        processes: cells at a time; the result is the same.
        fresh: forget what was done before.
        quiet: no progress bar.

    Returns:
        The result, as it is written.

    Raises:
        MusterError: settings that differ from what was begun, a folder that cannot be used, or every cell was refused.
    """
    check_processes(processes)
    if experiment.flies_policy:
        load_controller(settings.policy)
    cells = experiment.cells(settings)
    folder = out / experiment.name
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    _make_folder(results)
    store = Store(folder, _identity(experiment, settings, cells))
    try:
        refused = _work(experiment.name, cells, store, processes, quiet)
        outcomes = [
            Outcome(cell, store.finished.get(cell.name, {}).get("figures", []), refused.get(cell.name))
            for cell in cells
        ]
        if len(refused) == len(cells):
            raise MusterError(f"Nothing came of {experiment.name}: {next(iter(refused.values()))}")
        result = _result(experiment, settings, outcomes, store)
    finally:
        store.close()
    experiment.draw(result["rows"], results / f"{experiment.name}.png")
    replace_file(results / f"{experiment.name}.json", (json.dumps(result, indent=1, allow_nan=False) + "\n").encode())
    return result


def run_cell(job: Job) -> Done:
    """Work on one cell, in this process or in a worker."""
    begin = time.process_time()
    try:
        figures, refusal = job.cell.run(job.folder), None
    except MusterError as error:
        figures, refusal = [], " ".join(str(error).split())
    return Done(figures, refusal, time.process_time() - begin)


def command_line(experiment: Experiment, settings: ExperimentSettings) -> str:
    """The command that gives this result."""
    words = ["muster-experiment", "run", experiment.name]
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        if value is not None and (value != entry.default or entry.name == "seed"):
            words += [f"--{entry.name}", f"'{value}'" if " " in str(value) else str(value)]
    return " ".join(words)


def code_hash() -> str:
    """Hash of everything that flies and learns: another code's figures do not belong into the same table."""
    digest = hashlib.sha256()
    flying = [
        path for package in (muster_core, muster_sim) for root in package.__path__ for path in Path(root).rglob("*.py")
    ]
    learning = [path for root in muster_training.__path__ for path in Path(root).glob("*.py")]
    for path in sorted(flying) + sorted(learning):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _work(name: str, cells: Sequence[Cell], store: Store, processes: int, quiet: bool) -> dict[str, str]:
    """Finish the cells that are not; why others were refused, by name."""
    pending = [cell for cell in cells if cell.name not in store.finished]
    jobs = [Job(cell, store.folder) for cell in pending]
    refused, commit = {}, git_commit()
    with progress_bar(quiet) as progress:
        task = progress.add_task(name, total=len(cells), completed=len(cells) - len(pending))
        for place, done in in_processes(run_cell, jobs, processes):
            if done.refusal is not None:
                refused[pending[place].name] = done.refusal
            else:
                store.append(pending[place].name, done.figures, done.cpu_s, commit)
            progress.update(task, advance=1, description=f"{name}: {pending[place].name}")
    return refused


def _identity(experiment: Experiment, settings: ExperimentSettings, cells: Sequence[Cell]) -> dict[str, Any]:
    """What must be the same for figures to belong together."""
    names = [cell.name for cell in cells]
    assert len(set(names)) == len(names), "two cells of one name"
    return {
        "experiment": experiment.name,
        **asdict(settings),
        "policy file": _policy_hash(settings.policy) if experiment.flies_policy else None,
        "code": code_hash(),
        "cells": hashlib.sha256(repr(cells).encode()).hexdigest()[:16],
    }


def _result(
    experiment: Experiment, settings: ExperimentSettings, outcomes: Sequence[Outcome], store: Store
) -> dict[str, Any]:
    done = [store.finished[outcome.cell.name] for outcome in outcomes if outcome.cell.name in store.finished]
    return {
        "experiment": experiment.name,
        "question": experiment.question,
        "command": command_line(experiment, settings),
        "settings": asdict(settings),
        "policy_sha256": _policy_hash(settings.policy) if experiment.flies_policy else None,
        "commits": sorted({cell["commit"] for cell in done}),
        "code": code_hash(),
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in LIBRARIES},
        "cells": len(outcomes),
        "refused": {outcome.cell.name: outcome.refusal for outcome in outcomes if outcome.refusal is not None},
        "cpu_minutes": round(sum(cell["cpu_s"] for cell in done) / 60.0, 1),
        "rows": experiment.summarise(outcomes),
    }


def _policy_hash(name: str) -> str | None:
    """Hash of a policy's file; None for a controller that is code."""
    if name != "shipped" and not name.endswith(".onnx"):
        return None
    return hashlib.sha256(read_policy(name)).hexdigest()[:16]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MusterError(f"Cannot write results to {folder}: {error.strerror}. Choose --results") from error
