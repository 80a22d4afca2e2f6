"""Experiments that train: what counts as learnt, factors by hand, and a tiny run that is not lost."""

import math
import shutil
from dataclasses import replace

import pytest

from muster_core.errors import MusterError
from muster_training.experiments import layouts, prior, train
from muster_training.experiments.experiment import ExperimentSettings, Outcome, find_experiment
from muster_training.experiments.report import markdown_table
from muster_training.experiments.training_runs import TrainingCell, read_curve

from .conftest import TINY, tiny_command


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
    assert row["trained_robot_steps"] == read_curve(tiny_run)[-1]["robot_steps"] > 0
    assert 0.0 <= row["coverage_normalised"] <= 1.0
    assert (tmp_path / "runs" / "seed-3" / "policy.onnx").is_file()


def test_a_curve_without_a_score_is_refused(tmp_path):
    (tmp_path / "curve.csv").write_text("round,robot_steps,coverage_normalised\n1,100,\n")
    with pytest.raises(MusterError, match="was never evaluated"):
        read_curve(tmp_path)
    with pytest.raises(MusterError, match="is damaged"):
        read_curve(tmp_path / "none")


def layout_figures(cell, ratio):
    """What a cell of ``layouts`` gives."""
    return {
        "coverage_normalised": ratio, "entering_rate": 1.0, "contacts": 0.0, "robot_steps": 1000.0,
        "coverage_best": 0.84, "trained_robot_steps": 2e6, "updates": 4000.0, "rounds": 40.0, "wall_s": 100.0,
        "train_cpu_s": math.nan if cell.labels["seed"] else 101.0, "round_cpu_s": 1.2, "network_us": 20.0,
        "decision_us": 80.0,
    }  # fmt: skip


def test_layouts_differ_in_what_is_seen_and_what_reads_it_alone():
    cells = layouts.cells(ExperimentSettings(runs=2))
    assert len(cells) == 10
    kinds = {cell.labels["kind"]: cell.command for cell in cells}
    assert {(c.layout, c.learner.architecture) for c in kinds.values()} == set(layouts.KINDS.values())
    alike = {replace(c, layout="", learner=replace(c.learner, architecture="mlp")) for c in kinds.values()}
    assert len(alike) == 1
    assert [cell.cpu_seconds for cell in layouts.cells(ExperimentSettings(rounds=3))] == [None] * 10


def test_rows_of_layouts():
    cells = layouts.cells(ExperimentSettings(runs=2))
    outcomes = [Outcome(cell, [layout_figures(cell, 0.8 if cell.labels["seed"] else 0.6)]) for cell in cells]
    outcomes[0] = Outcome(cells[0], [], "diverged")
    outcomes[1] = Outcome(cells[1], [], "diverged")
    outcomes[6] = Outcome(cells[6], [], "diverged")
    rows = layouts.summarise(outcomes)
    assert [row["kind"] for row in rows] == list(layouts.KINDS)
    assert (rows[0]["runs"], rows[0]["coverage_normalised"], rows[0]["train_cpu_s"]) == (1, 0.8, None)
    assert rows[1] == {"kind": "lamarl-1, mlp", "group": "mean of runs", "runs": 0}
    assert rows[2]["coverage_normalised"] == pytest.approx(0.7)
    assert rows[2]["coverage_normalised_interval_95"] == pytest.approx([0.6, 0.8])
    assert rows[2]["train_cpu_s"] == 101.0  # the other was resumed
    table = markdown_table(find_experiment("layouts"), rows)
    assert "0.700 | 0.600, 0.800 | 1.0000 | 0.0 | 4000 | 2.00 M | 101 | 1.20 | 20 | 80 |" in table[4]
    assert "| lamarl-1, mlp | – | failed | – |" in table[3]


def test_a_kind_gets_the_rounds_that_fit_its_time(tmp_path, monkeypatch):
    monkeypatch.setattr(layouts, "measure_cost", lambda command: {"round_s": 3.0, "assessment_s": 1.0})
    trained = []

    def run(cell, folder):
        trained.append(cell)
        return [layout_figures(cell, 0.7)]

    monkeypatch.setattr(layouts.TrainingCell, "run", run)
    monkeypatch.setattr(layouts, "network_microseconds", lambda policy: 20.0)
    monkeypatch.setattr(layouts, "bench_pilot", lambda command: {"median_us": 80.0})
    first, *_, second = layouts.cells(ExperimentSettings())[::5]
    (figures,) = first.run(tmp_path)
    assert (figures["rounds"], figures["updates"], figures["round_cpu_s"]) == (32.0, 3200.0, 3.0)  # (100 - 4·1)/3
    monkeypatch.setattr(layouts, "measure_cost", lambda command: pytest.fail("measured for one of the same kind"))
    assert second.run(tmp_path)[0]["rounds"] == 32.0
    assert [(c.command.learner.rounds, c.command.evaluate_every) for c in trained] == [(32, 8)] * 2
    (cost,) = tmp_path.glob("cost-*.json")
    cost.write_text("{}")
    with pytest.raises(MusterError, match="is damaged"):
        second.run(tmp_path)


def test_a_measured_cost_is_cpu_time_of_a_round():
    command = tiny_command(None, layout="set-1", world="kinematic", learner=replace(TINY, architecture="attention"))
    cost = layouts.measure_cost(command)
    assert 0.0 < cost["round_s"] < 60.0
    assert 0.0 < cost["assessment_s"] < 60.0
