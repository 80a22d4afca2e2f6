"""Experiments that train: what counts as learnt, factors by hand, and a tiny run that is not lost."""

import math
import shutil

import pytest

from muster_core.errors import MusterError
from muster_training.experiments import prior, train
from muster_training.experiments.experiment import ExperimentSettings, Outcome, find_experiment
from muster_training.experiments.report import markdown_table
from muster_training.experiments.training_runs import TrainingCell, read_curve

from .conftest import tiny_command


def outcomes(curves):
    """Curves {condition: scores of each run} as the cells of the experiment would give them, 100 steps a point."""
    cells = prior.cells(ExperimentSettings(runs=2))
    found = []
    for cell in cells:
        scores = curves[cell.labels["condition"]][cell.labels["seed"]]
        points = [{"robot_steps": 100.0 * (k + 1), "coverage_normalised": s} for k, s in enumerate(scores)]
        found.append(Outcome(cell, points))
    return found


def test_experience_until_learnt_and_its_factor():
    curves = {
        prior.WITH: [[0.1, 0.8, 0.9, 0.9, 0.9], [0.1, 0.2, 0.9, 0.9, 0.9]],
        prior.FLIGHTS: [[0.1, 0.1, 0.1, 0.82, 0.82], [0.1, 0.1, 0.1, 0.1, 0.85]],
        prior.WITHOUT: [[0.1, 0.2, 0.3, 0.4, 0.5], [0.1, 0.2, 0.3, 0.4, 0.5]],
    }
    rows = prior.summarise(outcomes(curves))
    with_it, flights, without, first, second = rows
    assert with_it["threshold"] == pytest.approx(0.9 * 0.9)
    assert with_it["needed"] == [300.0, 300.0]  # 0.8 is not yet 0.81
    assert with_it["final"][0] == pytest.approx(0.9)
    assert (flights["needed_median"], flights["censored"]) == (450.0, 0)
    assert (without["needed_median"], without["censored"]) == (None, 2)
    assert first["factor"][0] == pytest.approx(450 / 300)
    assert second["factor"] == [None, None, None]  # never reached: infinite
    lines = markdown_table(find_experiment("prior"), rows)
    assert "| without / with the prior |  |  |  |  | ∞ (∞–∞) |  |" in lines


def test_no_factor_where_nobody_learnt():
    scores = [[0.9, 0.1, 0.5, 0.5, 0.5]] * 2  # the mean of the last three counts as final: reached at once
    slow = [[0.0, 0.0, 0.0, 0.0, 0.0]] * 2
    rows = prior.summarise(outcomes({prior.WITH: slow, prior.FLIGHTS: slow, prior.WITHOUT: scores}))
    assert rows[-1]["factor"] == [0.0, 0.0, 0.0]
    assert rows[-2]["factor"] is None
    assert markdown_table(find_experiment("prior"), rows)[-2].endswith("| – |  |")


def test_a_condition_without_a_run_is_refused():
    with pytest.raises(MusterError, match="No training run 'with the prior' came to its end"):
        prior.summarise([])


def test_conditions_differ_in_the_prior_alone():
    cells = prior.cells(ExperimentSettings(runs=1))
    assert len({(cell.command.learner.seed, cell.command.learner.rounds) for cell in cells}) == 1
    priors = {cell.labels["condition"]: (cell.command.prior, cell.command.learner.prior_weight) for cell in cells}
    assert priors == {prior.WITH: ("prior", 0.3), prior.FLIGHTS: ("prior", 0.0), prior.WITHOUT: ("random", 0.0)}


def test_training_rows_and_their_mean():
    cells = train.cells(ExperimentSettings(runs=2))
    figures = {
        "coverage_normalised": 0.9, "entering_rate": 1.0, "contacts": 0.0, "robot_steps": 1000.0, "coverage_best": 0.84,
        "trained_robot_steps": 5e6, "wall_s": 300.0, "train_cpu_s": 290.0,
    }  # fmt: skip
    worse = {**figures, "coverage_normalised": 0.8, "wall_s": math.nan, "train_cpu_s": math.nan}
    rows = train.summarise([Outcome(cells[0], [figures]), Outcome(cells[1], [worse])])
    assert [row["run"] for row in rows] == ["seed 0", "seed 1", "mean"]
    assert rows[1]["wall_s"] is None  # it was resumed
    assert rows[2]["coverage_normalised"] == pytest.approx(0.85)
    assert rows[2]["coverage_normalised_interval_95"] == pytest.approx([0.8, 0.9])
    assert rows[2]["wall_s"] == 300.0
    assert "5.0 min" in markdown_table(find_experiment("train"), rows)[2]


def test_a_training_cell_is_what_muster_train_does(tiny_run, tmp_path):
    cell = TrainingCell((("condition", "with the prior"), ("seed", 3)), tiny_command(None))
    assert cell.run(tmp_path) == read_curve(tiny_run)
    assert (tmp_path / "runs" / "with-the-prior-3.log").is_file()
    # again: the run is at its end, nothing is trained, the figures are the same
    before = (tmp_path / "runs" / "with-the-prior-3" / "checkpoint.pt").stat().st_mtime_ns
    assert cell.run(tmp_path) == read_curve(tiny_run)
    assert (tmp_path / "runs" / "with-the-prior-3" / "checkpoint.pt").stat().st_mtime_ns == before


def test_a_tested_cell_exports_and_flies(tiny_run, tmp_path):
    shutil.copytree(tiny_run, tmp_path / "runs" / "seed-3")
    cell = TrainingCell((("run", "seed 3"),), tiny_command(None), test_shapes="R", test_episodes=1)
    (row,) = cell.run(tmp_path)
    assert math.isnan(row["wall_s"])  # continued, so that nobody knows how long it took
    assert row["trained_robot_steps"] == 8000.0
    assert 0.0 <= row["coverage_normalised"] <= 1.0
    assert (tmp_path / "runs" / "seed-3" / "policy.onnx").is_file()


def test_a_curve_without_a_score_is_refused(tmp_path):
    (tmp_path / "curve.csv").write_text("round,robot_steps,coverage_normalised\n1,100,\n")
    with pytest.raises(MusterError, match="was never evaluated"):
        read_curve(tmp_path)
    with pytest.raises(MusterError, match="is damaged"):
        read_curve(tmp_path / "none")
