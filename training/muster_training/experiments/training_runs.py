"""Cells that train: the same code as muster-train, in a run folder of their own that a kill does not lose."""

import contextlib
import csv
import math
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from muster_core.errors import MusterError
from muster_sim.catalogue import expand
from muster_training.experiments.experiment import Figures, Label
from muster_training.experiments.flights import team_task
from muster_training.export import export
from muster_training.flying import ShapeFlight, fly_shape
from muster_training.runs import damage_refused
from muster_training.summaries import summarise_shapes
from muster_training.train import LamarlCommand, Training


@dataclass(frozen=True)
class TrainingCell:
    """One training run from nothing."""

    marks: tuple[tuple[str, Label], ...]
    """The labels, the seed among them."""
    command: LamarlCommand
    """What muster-train would be told; its run folder is given later."""
    test_shapes: str | None = None
    """Fly the exported policy over these shapes in BulletWorld; by default the figures are those of the curve."""
    test_episodes: int = 5
    """Episodes on each of them."""

    @property
    def name(self) -> str:
        """See :class:`Cell`."""
        return "/".join(str(value) for _, value in self.marks)

    @property
    def labels(self) -> Mapping[str, Label]:
        """See :class:`Cell`."""
        return dict(self.marks)

    def run(self, folder: Path) -> Sequence[Figures]:
        """See :class:`Cell`: the points of the curve, or one row about the whole run and its exported policy."""
        run = self.run_folder(folder)
        wall, cpu = _train(self.command, run) or (math.nan, math.nan)
        if self.test_shapes is None:
            return read_curve(run)
        return [{"wall_s": wall, "train_cpu_s": cpu, **self._tested(run)}]

    def run_folder(self, folder: Path) -> Path:
        """Where it trains, in the experiment's ``folder``."""
        return folder / "runs" / re.sub(r"[^A-Za-z0-9]+", "-", self.name)

    def _tested(self, run: Path) -> Figures:
        """Export the best actor and fly it as any policy is flown, with the first team size of its training."""
        policy = run / "policy.onnx"
        export(run, policy, finish=False)  # what was learnt, without the search that a shipped policy ends with
        task, names = team_task(self.command.robots[0]), expand(self.test_shapes or "")
        flights = [
            ShapeFlight(replace(task, shapes=(name,)), str(policy), self.test_episodes, (0, place))
            for place, name in enumerate(names)
        ]
        flown = summarise_shapes({flight.shape: fly_shape(flight)[0] for flight in flights})
        kept = ("coverage_normalised", "entering_rate", "contacts", "robot_steps", "coverage_best")
        return {key: float(flown[key]) for key in kept} | {"trained_robot_steps": read_curve(run)[-1]["robot_steps"]}


def read_curve(run: Path) -> list[dict[str, float]]:
    """The evaluated points of a run's curve: robot-steps so far and the score; the last of each round counts.

    Raises:
        MusterError: the curve is damaged, or nothing was evaluated.
    """
    points: dict[float, dict[str, float]] = {}
    with damage_refused(run), (run / "curve.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["coverage_normalised"]:
                steps = float(row["robot_steps"])
                points[steps] = {"robot_steps": steps, "coverage_normalised": float(row["coverage_normalised"])}
    if not points:
        raise MusterError(f"The run {run} was never evaluated; let it train longer, or evaluate more often")
    return list(points.values())


def _train(command: LamarlCommand, run: Path) -> tuple[float, float] | None:
    """Train to the end, anew or from the last checkpoint; wall and CPU time [s], None where a kill came between."""
    resumed = (run / "checkpoint.pt").is_file()
    if not resumed:
        shutil.rmtree(run, ignore_errors=True)
    run.parent.mkdir(parents=True, exist_ok=True)
    given = replace(command, resume=run) if resumed else replace(command, run=run)
    wall, cpu = time.perf_counter(), time.process_time()
    with run.with_suffix(".log").open("a", encoding="utf-8") as log, contextlib.redirect_stderr(log):
        Training(given).run()
    return None if resumed else (time.perf_counter() - wall, time.process_time() - cpu)
