"""Does training from nothing work, how long does it take, and does every seed end well?"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from muster_training.experiments.charts import ratio_chart
from muster_training.experiments.experiment import Cell, Column, Experiment, ExperimentSettings, Outcome, TableRow
from muster_training.experiments.flights import figure_column, label_column
from muster_training.experiments.training_runs import TrainingCell
from muster_training.lamarl import LamarlConfig
from muster_training.statistics import estimate, finite_or_none
from muster_training.train import LamarlCommand

RUNS = 3
COLUMNS = ("coverage_normalised", "entering_rate", "contacts", "robot_steps", "coverage_best", "trained_robot_steps",
           "wall_s", "train_cpu_s")  # fmt: skip
"""Figures of a run that a row shows."""


def cells(settings: ExperimentSettings) -> Sequence[Cell]:
    """muster-train lamarl as it is, with other seeds."""
    learner = LamarlConfig()
    if settings.rounds:
        learner = replace(learner, rounds=settings.rounds)
    return [
        TrainingCell(
            (("run", f"seed {seed}"),),
            LamarlCommand(learner=replace(learner, seed=seed)),
            test_shapes=settings.shapes or "seven",
            test_episodes=settings.episodes or 5,
        )
        for seed in range(settings.seed, settings.seed + (settings.runs or RUNS))
    ]


def summarise(outcomes: Sequence[Outcome]) -> list[TableRow]:
    """A row per seed, and one with the mean over seeds and its interval."""
    rows: list[TableRow] = []
    for outcome in outcomes:
        row: TableRow = {**outcome.cell.labels, "kind": "one run"}
        for figures in outcome.figures:
            row |= {key: finite_or_none(figures[key]) for key in COLUMNS}
            row["coverage_normalised_interval_95"] = [figures["coverage_normalised"]] * 2
        rows.append(row)
    done = [row for row in rows if "coverage_normalised" in row]
    mean = estimate([[row["coverage_normalised"] for row in done]])
    together: TableRow = {"run": "mean", "kind": "mean over runs", "coverage_normalised": mean.value}
    together["coverage_normalised_interval_95"] = [mean.low, mean.high]
    for key in COLUMNS[1:]:
        known = [row[key] for row in done if row[key] is not None]
        together[key] = float(np.mean(known)) if known else None
    return [*rows, together]


def draw(rows: Sequence[TableRow], path: Path) -> None:
    """Seeds side by side."""
    ratio_chart(rows, "run", "kind", path, "")


def _ratio(row: TableRow) -> str:
    if row.get("coverage_normalised") is None:
        return "failed"
    low, high = row["coverage_normalised_interval_95"]
    interval = f" ({low:.3f}–{high:.3f})" if high > low else ""
    return f"{row['coverage_normalised']:.3f}{interval}"


def _minutes(key: str, heading: str) -> Column:
    return Column(heading, lambda row: "–" if row.get(key) is None else f"{row[key] / 60:.1f} min")


EXPERIMENT = Experiment(
    name="train",
    question="Does training from nothing end well with every seed, and how long does it take?",
    cost="three whole trainings; alone on the machine, for the wall time",
    cells=cells,
    summarise=summarise,
    columns=(
        label_column("run"),
        Column("ratio on the test shapes", _ratio),
        figure_column("coverage_best", "ceiling"),
        figure_column("entering_rate", "inside", 4),
        figure_column("contacts", "contacts", 0),
        Column("experience", lambda row: _experience(row)),
        _minutes("wall_s", "wall time"),
        _minutes("train_cpu_s", "CPU time of the learner's process"),
    ),
    draw=draw,
    note=(
        "muster-train lamarl with its defaults, then muster-export, then flown in BulletWorld as any policy is. "
        "*Ratio* is coverage divided by the best layout known, whose ceiling is 1; the interval of the mean resamples "
        "the runs. A run that was killed and resumed has no wall time (`–`)."
    ),
    flies_policy=False,
)


def _experience(row: TableRow) -> str:
    steps = row.get("trained_robot_steps")
    return "–" if steps is None else f"{steps / 1e6:.1f} M robot-steps"
