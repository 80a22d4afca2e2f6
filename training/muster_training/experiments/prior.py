"""What a prior policy is worth in experience, and whether its flights or its place in the loss are worth it."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from muster_core.errors import MusterError
from muster_sim.catalogue import expand
from muster_training.experiments.charts import LearningCurve, learning_chart
from muster_training.experiments.experiment import (
    Cell,
    Column,
    Experiment,
    ExperimentSettings,
    Figures,
    Outcome,
    TableRow,
)
from muster_training.experiments.flights import label_column
from muster_training.experiments.training_runs import TrainingCell
from muster_training.lamarl import LamarlConfig
from muster_training.statistics import Estimate, estimate, factor_of_medians, finite_or_none, median
from muster_training.train import LamarlCommand

WITH, FLIGHTS, WITHOUT = "with the prior", "first flights only", "without"
"""The published prior flies first and stands in the loss; it only flies first; nothing of it."""
CONDITIONS: dict[str, tuple[str, float]] = {
    WITH: ("prior", LamarlConfig.prior_weight),
    FLIGHTS: ("prior", 0.0),
    WITHOUT: ("random", 0.0),
}
"""Prior that flies the first round, and its weight in the loss."""
RUNS = 10
ROUNDS, UPDATES, BATCH, HIDDEN = 40, 100, 512, 128
"""Of a training that is long enough to tell the conditions apart, and short enough for thirty of them."""
EVALUATE_EVERY = 2
"""Rounds; needed experience is known no finer."""
SHARE = 0.9
"""Of the better condition's final score: what counts as learnt."""
LAST = 3
"""Evaluations at the end whose mean is the final score."""


def cells(settings: ExperimentSettings) -> Sequence[Cell]:
    """Every condition from the same seeds, small and cheap: one team size, KinematicWorld, a shortened training."""
    return [
        TrainingCell(
            (("condition", condition), ("seed", settings.seed + k)),
            LamarlCommand(
                world="kinematic",
                robots=(30,),
                shapes=LamarlCommand.shapes if settings.shapes is None else ",".join(expand(settings.shapes)),
                prior=prior,
                threads=1,
                evaluate_every=EVALUATE_EVERY,
                learner=LamarlConfig(
                    rounds=settings.rounds or ROUNDS,
                    updates=UPDATES,
                    batch=BATCH,
                    hidden=HIDDEN,
                    prior_weight=weight,
                    seed=settings.seed + k,
                ),
            ),
        )
        for k in range(settings.runs or RUNS)
        for condition, (prior, weight) in CONDITIONS.items()
    ]


def summarise(outcomes: Sequence[Outcome]) -> list[TableRow]:
    """A row per condition, and the factors of experience between them.

    Raises:
        MusterError: a condition has no run that ended.
    """
    scores, steps = {}, np.zeros(0)
    for condition in CONDITIONS:
        curves = [o.figures for o in outcomes if o.cell.labels["condition"] == condition and o.figures]
        if not curves:
            raise MusterError(f"No training run {condition!r} came to its end")
        scores[condition] = np.array([_column(curve, "coverage_normalised") for curve in curves])
        steps = _column(curves[0], "robot_steps")
    finals = {condition: runs[:, -LAST:].mean(axis=1) for condition, runs in scores.items()}
    threshold = SHARE * max(float(final.mean()) for final in finals.values())
    needed = {condition: [_first(run, steps, threshold) for run in runs] for condition, runs in scores.items()}
    rows = [_condition_row(name, finals[name], needed[name], scores[name], steps, threshold) for name in CONDITIONS]
    for slow in (FLIGHTS, WITHOUT):
        factor = factor_of_medians(needed[slow], needed[WITH])
        unknown = math.isnan(factor.value)  # nobody learnt: any factor is possible
        rows.append({"condition": f"{slow} / {WITH}", "factor": None if unknown else _numbers(factor)})
    return rows


def draw(rows: Sequence[TableRow], path: Path) -> None:
    """The curves of all conditions, with their range."""
    shown = [row for row in rows if "scores" in row]
    curves = [LearningCurve(r["condition"], np.array(r["robot_steps"]), np.array(r["scores"])) for r in shown]
    learning_chart(curves, shown[0]["threshold"], path)


def _condition_row(
    name: str, finals: np.ndarray, needed: Sequence[float], scores: np.ndarray, steps: np.ndarray, threshold: float
) -> TableRow:
    return {
        "condition": name,
        "final": _numbers(estimate([finals])),
        "needed_median": finite_or_none(median(needed)),
        "needed": [finite_or_none(value) for value in needed],
        "censored": int(np.isinf(needed).sum()),
        "runs": len(needed),
        "threshold": threshold,
        "robot_steps": steps.tolist(),
        "scores": scores.round(4).tolist(),
    }


def _first(scores: np.ndarray, steps: np.ndarray, threshold: float) -> float:
    """Experience at the first evaluation that reaches the threshold; infinite where none does."""
    reached = np.flatnonzero(scores >= threshold)
    return float(steps[reached[0]]) if len(reached) else math.inf


def _column(curve: Sequence[Figures], key: str) -> np.ndarray:
    return np.array([point[key] for point in curve])


def _numbers(value: Estimate) -> list[float | None]:
    return [finite_or_none(number) for number in value]


def _interval(value: list[float | None] | None, digits: int) -> str:
    if value is None:
        return "–"
    middle, low, high = ("∞" if number is None else f"{number:.{digits}f}" for number in value)
    return f"{middle} ({low}–{high})"


EXPERIMENT = Experiment(
    name="prior",
    question="How much experience does the prior policy save, and what of it does?",
    cost="about 30 CPU-minutes; half of that with --runs 5",
    cells=cells,
    summarise=summarise,
    columns=(
        label_column("condition"),
        Column("runs", lambda row: str(row.get("runs", ""))),
        Column("final ratio (95 %)", lambda row: _interval(row["final"], 3) if "final" in row else ""),
        Column("robot-steps to 90 %, median", lambda row: _millions(row)),
        Column("never", lambda row: str(row.get("censored", ""))),
        Column("factor (95 %)", lambda row: _interval(row["factor"], 2) if "factor" in row else ""),
        Column("counts as learnt from", lambda row: f"{row['threshold']:.3f}" if "threshold" in row else ""),
    ),
    draw=draw,
    note=(
        f"The score is coverage / best as muster-train judges an actor: flown without exploration every "
        f"{EVALUATE_EVERY} rounds, over shapes of its own; its ceiling is 1. Learnt: {SHARE:g} of the best condition's "
        "final score. A run that never gets there counts as infinite. Factors are of medians, their intervals resample "
        "the runs. The paper says 2.86."
    ),
    flies_policy=False,
)


def _millions(row: TableRow) -> str:
    if "needed" not in row:
        return ""
    return "–" if row["needed_median"] is None else f"{row['needed_median'] / 1e6:.2f} M"
