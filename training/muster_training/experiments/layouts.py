"""What should a policy see, and what should read it: layouts and architectures at equal CPU time.

Each kind gets as many rounds as fit CPU_SECONDS: before its first training one round and one assessment are timed
(after one of each to warm up), the cost is kept in the experiment's folder and the rounds follow from it. So the
learning rate falls over the rounds as in every training, a killed run continues bit for bit, and no clock decides what
is learned once the rounds are known; stopping by the clock would give up both. What was really used is measured and
reported.
"""

import json
import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from muster_core.observation import find_layout
from muster_core.policy import Policy
from muster_sim.catalogue import PROCEDURAL, expand
from muster_training.bench import PilotBench, bench_pilot
from muster_training.experiments.charts import ratio_chart
from muster_training.experiments.experiment import (
    Cell,
    Column,
    Experiment,
    ExperimentSettings,
    Figures,
    Label,
    Outcome,
    TableRow,
)
from muster_training.experiments.flights import figure_column, label_column
from muster_training.experiments.training_runs import TrainingCell
from muster_training.lamarl import LamarlConfig, train_round
from muster_training.runs import damage_refused, replace_file
from muster_training.statistics import estimate, finite_or_none
from muster_training.train import LamarlCommand, Training

KINDS = {
    "polar-1, mlp": ("polar-1", "mlp"),
    "lamarl-1, mlp": ("lamarl-1", "mlp"),
    "polar-1 without cell states, mlp": ("polar-free-1", "mlp"),
    "set-1, pooling": ("set-1", "pooling"),
    "set-1, attention": ("set-1", "attention"),
}
"""Layout and architecture."""
RUNS = 2
CPU_SECONDS = 100.0
"""Of the learner's process, for one training with its assessments [s]."""
LEARNER = LamarlConfig(updates=100, batch=512, hidden=128, capacity=6000)
ASSESSMENTS = 4
"""At most, in a training; the best actor of them is tested."""
DECISIONS = 2000
"""Timed of each policy."""
COLUMNS = (
    "coverage_normalised", "entering_rate", "contacts", "coverage_best", "trained_robot_steps", "updates",
    "train_cpu_s", "round_cpu_s", "network_us", "decision_us",
)  # fmt: skip
"""Figures whose mean over the runs a row shows."""


@dataclass(frozen=True)
class TimedCell:
    """One training that may use so much CPU time, then tested and timed."""

    marks: tuple[tuple[str, Label], ...]
    """The labels: kind and seed."""
    command: LamarlCommand
    """What muster-train would be told, but for the rounds."""
    test_shapes: str
    """Shapes that the exported policy, without local search, is flown over in BulletWorld."""
    test_episodes: int
    """Episodes on each of them."""
    cpu_seconds: float | None = CPU_SECONDS
    """CPU time that the rounds are to fill; None: the command's own rounds."""

    @property
    def name(self) -> str:
        """See :class:`Cell`."""
        return "/".join(str(value) for _, value in self.marks)

    @property
    def labels(self) -> Mapping[str, Label]:
        """See :class:`Cell`."""
        return dict(self.marks)

    def run(self, folder: Path) -> Sequence[Figures]:
        """See :class:`Cell`: one row about the training, its policy's flights and what a decision costs."""
        cost = self._cost(folder)
        rounds = self.command.learner.rounds
        if self.cpu_seconds is not None:
            rounds = max(1, round((self.cpu_seconds - ASSESSMENTS * cost["assessment_s"]) / cost["round_s"]))
        command = replace(
            self.command,
            evaluate_every=math.ceil(rounds / ASSESSMENTS),
            learner=replace(self.command.learner, rounds=rounds),
        )
        cell = TrainingCell(self.marks, command, self.test_shapes, self.test_episodes)
        (figures,) = cell.run(folder)
        policy = str(cell.run_folder(folder) / "policy.onnx")
        return [
            {
                **figures,
                "rounds": float(rounds),
                "updates": float(rounds * command.learner.updates),
                "round_cpu_s": cost["round_s"],
                "network_us": network_microseconds(policy),
                "decision_us": bench_pilot(PilotBench(policy=policy, decisions=DECISIONS))["median_us"],
            }
        ]

    def _cost(self, folder: Path) -> dict[str, float]:
        """CPU time of a round and of an assessment [s], measured once for all seeds of a kind."""
        path = folder / f"cost-{self.command.layout}-{self.command.learner.architecture}.json"
        if not path.is_file():
            replace_file(path, json.dumps(measure_cost(self.command)).encode())
        with damage_refused(folder):
            content = json.loads(path.read_text(encoding="utf-8"))
            return {name: float(content[name]) for name in ("round_s", "assessment_s")}


def cells(settings: ExperimentSettings) -> Sequence[Cell]:
    """Every kind from the same seeds; one team size, KinematicWorld, no randomisation."""
    learner = replace(LEARNER, rounds=settings.rounds or LEARNER.rounds)
    return [
        TimedCell(
            (("kind", kind), ("seed", seed)),
            LamarlCommand(
                world="kinematic",
                shapes=PROCEDURAL,
                randomise=False,
                layout=layout,
                threads=1,
                device="cpu",
                learner=replace(learner, architecture=architecture, seed=seed),
            ),
            test_shapes=",".join(expand(settings.shapes or "seven")),
            test_episodes=settings.episodes or 5,
            cpu_seconds=CPU_SECONDS if settings.rounds is None else None,
        )
        for seed in range(settings.seed, settings.seed + (settings.runs or RUNS))
        for kind, (layout, architecture) in KINDS.items()
    ]


def measure_cost(command: LamarlCommand) -> dict[str, float]:
    """CPU time of one round and of one assessment [s], each after one that warms up."""
    with tempfile.TemporaryDirectory() as folder:
        rounds = max(command.learner.rounds, 4)  # the collector flies ahead in every round that is timed
        training = Training(replace(command, run=Path(folder) / "run", learner=replace(command.learner, rounds=rounds)))
        try:
            train_round(training.learner, training.collector)
            begin = time.process_time()
            train_round(training.learner, training.collector)
            round_s = time.process_time() - begin
            training.collector.take()
            training.assess()
            begin = time.process_time()
            training.assess()
            return {"round_s": round_s, "assessment_s": time.process_time() - begin}
        finally:
            training.close()


def network_microseconds(path: str) -> float:
    """Median time that onnxruntime takes for one robot's decision, on one thread [µs]."""
    policy = Policy.load(path)
    size = find_layout(policy.card.layout).size
    observations = np.random.default_rng(0).normal(0.0, 0.5, (DECISIONS, 1, size))
    times = np.empty(DECISIONS)
    for k, observation in enumerate(observations):
        begin = time.perf_counter_ns()
        policy.decide(observation)
        times[k] = (time.perf_counter_ns() - begin) * 1e-3
    return float(np.median(times))


def summarise(outcomes: Sequence[Outcome]) -> list[TableRow]:
    """A row per kind: the mean over its runs with an interval that resamples them, and every run's own ratio."""
    rows: list[TableRow] = []
    for kind in dict.fromkeys(outcome.cell.labels["kind"] for outcome in outcomes):
        done = [o.figures[0] for o in outcomes if o.cell.labels["kind"] == kind and o.figures]
        row: TableRow = {"kind": kind, "group": "mean of runs", "runs": len(done)}
        for key in COLUMNS if done else ():
            known = [value for figures in done if (value := finite_or_none(figures[key])) is not None]
            row[key] = float(np.mean(known)) if known else None
        if done:
            ratios = [figures["coverage_normalised"] for figures in done]
            mean = estimate([ratios])
            row["coverage_normalised_interval_95"] = [mean.low, mean.high]
            row["coverage_normalised_runs"] = ratios
        rows.append(row)
    return rows


def draw(rows: Sequence[TableRow], path: Path) -> None:
    """The kinds side by side."""
    ratio_chart(rows, "kind", "group", path, "")


def _runs(row: TableRow) -> str:
    return ", ".join(f"{value:.3f}" for value in row.get("coverage_normalised_runs", ())) or "failed"


def _experience(row: TableRow) -> str:
    steps = row.get("trained_robot_steps")
    return "–" if steps is None else f"{steps / 1e6:.2f} M"


EXPERIMENT = Experiment(
    name="layouts",
    question="What should a policy see, and which network should read it, at equal CPU time?",
    cost="about 20 CPU-minutes",
    cells=cells,
    summarise=summarise,
    columns=(
        label_column("kind", "layout and architecture"),
        figure_column("coverage_normalised", "ratio, mean"),
        Column("of each run", _runs),
        figure_column("entering_rate", "inside", 4),
        figure_column("contacts", "contacts", 1),
        figure_column("updates", "updates", 0),
        Column("robot-steps", _experience),
        figure_column("train_cpu_s", "CPU time used [s]", 0),
        figure_column("round_cpu_s", "a round [CPU-s]", 2),
        figure_column("network_us", "network [µs]", 0),
        figure_column("decision_us", "whole decision [µs]", 0),
    ),
    draw=draw,
    note=(
        f"Every training gets as many rounds as fill {CPU_SECONDS:.0f} CPU-seconds by a cost measured beforehand (*a "
        f"round*: one episode of 8 swarms of 30 robots in KinematicWorld and {LEARNER.updates} updates of "
        f"{LEARNER.batch} transitions), so that what costs more learns less; {LEARNER.hidden} hidden units, procedural "
        "shapes, no randomisation. Its policy, without local search, then flies over the seven shapes in BulletWorld. "
        "*Network*: median time of onnxruntime for one robot on one thread; *whole decision*: from a snapshot of 30 "
        "robots to a safe command. Such short trainings tell how fast a kind learns, not where it ends."
    ),
    flies_policy=False,
)
