"""muster-experiment: work that a kill does not lose, results that do not depend on how it was done, honest tables."""

import json
import math
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from muster_core.errors import MusterError
from muster_sim.assembly import AssemblyConfig
from muster_training.experiments import command, running
from muster_training.experiments.charts import ratio_chart
from muster_training.experiments.experiment import EXPERIMENTS, Experiment, ExperimentSettings, Outcome, find_experiment
from muster_training.experiments.flights import FLIGHT_COLUMNS, FlightCell, flight_cells, flight_rows, label_column
from muster_training.experiments.running import command_line, run_experiment
from muster_training.experiments.store import Store
from muster_training.flying import ShapeFlight

SMALL = AssemblyConfig(robots=6, episode_steps=40)


def small_cells(settings):
    """Three controllers over two shapes, four seconds each."""
    return [
        cell
        for name in ("prior", "expert", "coverage")
        for cell in flight_cells(
            {"controller": name}, ShapeFlight(SMALL, name, settings.episodes or 2), ("R", "disc"), settings.seed
        )
    ]


def draw(rows, path):
    ratio_chart(rows, "controller", "controller", path, "")


EXPERIMENT = Experiment(
    "small", "Which?", "seconds", small_cells, flight_rows, (label_column("controller"), *FLIGHT_COLUMNS), draw,
    flies_policy=False,
)  # fmt: skip


def run(folder, settings=None, **options):
    """The result without what depends on the clock."""
    result = run_experiment(EXPERIMENT, settings or ExperimentSettings(), folder, folder / "results", **options)
    assert json.loads((folder / "results" / "small.json").read_text()) == result
    assert (folder / "results" / "small.png").stat().st_size > 1000
    return {key: value for key, value in result.items() if key != "cpu_minutes"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return run(tmp_path_factory.mktemp("whole"))


# -- the same result, however the work was done ------------------------------------------------------------------------


def test_a_result_says_how_it_came_about(whole):
    assert [row["controller"] for row in whole["rows"]] == ["prior", "expert", "coverage"]
    assert whole["command"] == "muster-experiment run small --seed 0"
    assert whole["cells"] == 6
    assert whole["refused"] == {}
    assert whole["commits"]
    assert {"python", "numpy", "pybullet", "torch"} <= set(whole["versions"])
    row = whole["rows"][0]
    low, high = row["coverage_normalised_interval_95"]
    assert low <= row["coverage_normalised"] <= high
    assert (row["episodes"], row["robot_steps"]) == (4, 4 * 6 * 40)


def test_two_processes_give_the_result_of_one(whole, tmp_path):
    assert run(tmp_path, processes=2) == whole


KILLED = """
import multiprocessing, os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_experiments as small
from muster_training.experiments.store import Store
append = Store.append
def stop_after(self, *arguments):
    append(self, *arguments)
    if len(self.finished) == 3:
        print(*[child.pid for child in multiprocessing.active_children()], flush=True)
        os.kill(os.getpid(), 9)
Store.append = stop_after
if __name__ == "__main__":
    small.run(Path(sys.argv[2]), processes=int(sys.argv[3]))
"""


def gone_within(seconds, processes):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        states = [
            path.read_text().rsplit(")", 1)[1].split()[0]
            for pid in processes
            if (path := Path(f"/proc/{pid}/stat")).exists()
        ]
        if all(state == "Z" for state in states):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("processes", [1, 2])
def test_a_killed_experiment_continues_to_the_same_result(processes, whole, tmp_path, monkeypatch):
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    folder = __file__.rpartition("/")[0]
    arguments = [sys.executable, str(script), folder, str(tmp_path / "work"), str(processes)]
    killed = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert killed.returncode == -9, killed.stderr
    workers = [int(word) for word in killed.stdout.split()]
    assert len(workers) == (processes if processes > 1 else 0)
    assert gone_within(20.0, workers), "workers live on after their parent was killed"
    lines = (tmp_path / "work" / "small" / "cells.jsonl").read_bytes()
    assert lines.count(b"\n") == 3
    with (tmp_path / "work" / "small" / "cells.jsonl").open("ab") as file:
        file.write(lines.splitlines()[0][:40])  # as if the kill had come in the middle of the next line
    worked = []
    work = running.run_cell
    monkeypatch.setattr(running, "run_cell", lambda job: worked.append(job.cell.name) or work(job))
    assert run(tmp_path / "work") == whole
    assert len(worked) == 3
    content = (tmp_path / "work" / "small" / "cells.jsonl").read_text()
    assert len([json.loads(line) for line in content.splitlines()]) == 6


def test_a_finished_experiment_flies_nothing_again(whole, tmp_path, monkeypatch):
    run(tmp_path)
    monkeypatch.setattr(running, "run_cell", lambda job: pytest.fail("worked"))
    assert run(tmp_path) == whole


# -- what does not belong together is refused --------------------------------------------------------------------------


def test_other_settings_are_refused_in_one_line(tmp_path):
    run(tmp_path, ExperimentSettings(episodes=1))
    with pytest.raises(MusterError, match=r"small was begun with episodes 1, and this is 2; choose another folder"):
        run(tmp_path, ExperimentSettings(episodes=2))
    assert run(tmp_path, ExperimentSettings(episodes=2), fresh=True)["rows"][0]["episodes"] == 4


def test_other_code_is_refused(tmp_path, monkeypatch):
    run(tmp_path, ExperimentSettings(episodes=1))
    monkeypatch.setattr(running, "code_hash", lambda: "edited")
    with pytest.raises(MusterError, match=r"was begun with code '[0-9a-f]{16}', and this is 'edited'"):
        run(tmp_path, ExperimentSettings(episodes=1))


@pytest.mark.parametrize("damage", [b"{}\n", b"not json\n", b'{"cell": "a", "figures": [{"x": "y"}]}\n', b"[]\n"])
def test_a_damaged_line_is_named(damage, tmp_path):
    store = Store(tmp_path, {"seed": 1})
    store.append("a", [{"x": 1.0}], 0.5, "abc")
    store.close()
    with (tmp_path / "cells.jsonl").open("ab") as file:
        file.write(damage)
    with pytest.raises(MusterError, match=r"cells\.jsonl, line 2 is damaged"):
        Store(tmp_path, {"seed": 1})


def test_what_was_never_reached_survives_the_file(tmp_path):
    store = Store(tmp_path, {})
    store.append("a", [{"time": math.inf, "gap": math.nan, "ratio": 0.1 + 0.2}], 0.5, "abc")
    store.close()
    row = Store(tmp_path, {}).finished["a"]["figures"][0]
    assert row["time"] == math.inf
    assert math.isnan(row["gap"])
    assert row["ratio"] == 0.1 + 0.2
    assert "Infinity" not in (tmp_path / "cells.jsonl").read_text()


def test_one_process_at_a_time(tmp_path):
    store = Store(tmp_path, {})
    with pytest.raises(MusterError, match="Another muster-experiment is at work"):
        Store(tmp_path, {})
    store.close()
    Store(tmp_path, {}).close()


def test_a_refused_cell_is_named_and_the_others_fly(tmp_path):
    def with_a_crowd(settings):
        crowd = ShapeFlight(replace(SMALL, robots=3000, shapes=("R",)), "prior", 1)
        return [*small_cells(settings)[:1], FlightCell((("controller", "crowd"),), crowd)]

    result = run_experiment(
        replace(EXPERIMENT, cells=with_a_crowd), ExperimentSettings(episodes=1), tmp_path, tmp_path / "results"
    )
    assert list(result["refused"]) == ["crowd/R"]
    assert "do not fit" in result["refused"]["crowd/R"]
    assert result["rows"][1]["controller"] == "crowd"
    assert EXPERIMENT.columns[1].text(result["rows"][1]) == "refused"

    def only_the_crowd(settings):
        return with_a_crowd(settings)[1:]

    with pytest.raises(MusterError, match="Nothing came of small: 3000 robots"):
        run_experiment(replace(EXPERIMENT, cells=only_the_crowd), ExperimentSettings(), tmp_path / "b", tmp_path)


# -- every experiment --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_has_cells_of_its_own(name):
    experiment = find_experiment(name)
    assert experiment.name == name
    cells = experiment.cells(ExperimentSettings(shapes="R,disc", episodes=1, runs=1, seed=3))
    names = [cell.name for cell in cells]
    assert len(set(names)) == len(names) >= 1
    assert experiment.cells(ExperimentSettings(shapes="R,disc", episodes=1, runs=1, seed=3)) == cells
    assert experiment.cells(ExperimentSettings(shapes="R,disc", episodes=1, runs=1, seed=4)) != cells


def test_every_controller_has_the_same_starts():
    cells = find_experiment("shapes").cells(ExperimentSettings(shapes="R,disc", episodes=1))
    seeds = {}
    for cell in cells:
        seeds.setdefault(cell.labels["controller"], []).append(cell.flight.seed)
    assert len({tuple(own) for own in seeds.values()}) == 1


def test_ratios_do_not_depend_on_the_order_in_which_a_best_layout_was_beaten():
    cells = small_cells(ExperimentSettings(episodes=1))
    row = {
        "area_coverage": 0.5, "entering_rate": 1.0, "voronoi_variance": 1.0, "spacing_variation": 0.1,
        "intrusiveness": 0.0, "filter_share": 0.0, "convergence_time_s": 5.0, "optimality_gap": 2.0, "contacts": 0.0,
        "robot_steps": 100.0, "minimum_clearance_m": 0.1, "coverage_normalised": 0.9, "coverage": 0.72,
    }  # fmt: skip
    early, late = {**row, "coverage_best": 0.8}, {**row, "coverage_best": 0.9}
    # the expert's rollout over the R has beaten the best layout after the prior's cell was finished
    outcomes = [Outcome(cells[0], [early]), Outcome(cells[2], [late])]
    assert [r["coverage_normalised"] for r in flight_rows(outcomes)] == pytest.approx([0.8, 0.8])
    assert [r["coverage_best"] for r in flight_rows(outcomes)] == [0.9, 0.9]


# -- the command -------------------------------------------------------------------------------------------------------


def call(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["muster-experiment", *arguments])
    with pytest.raises(SystemExit) as stop:
        command.main()
    captured = capsys.readouterr()
    return stop.value.code, captured.out, captured.err


def test_list_names_them_all(monkeypatch, capsys):
    code, out, _ = call(monkeypatch, capsys, "list", "--json")
    assert code == 0
    assert tuple(json.loads(out)) == EXPERIMENTS


def test_run_writes_figures_and_picture_and_repeats_its_command(monkeypatch, capsys, tmp_path):
    folders = ["--out", str(tmp_path / "work"), "--results", str(tmp_path / "results")]
    few = ["--shapes", "disc", "--episodes", "1", "--policy", "coverage"]
    code, out, _ = call(monkeypatch, capsys, "run", "radius", *few, *folders, "--json")
    assert code == 0
    result = json.loads(out)
    assert result["command"] == "muster-experiment run radius --policy coverage --seed 0 --episodes 1 --shapes disc"
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["radius.json", "radius.png"]
    assert {row["radius"] for row in result["rows"]} == {1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0}
    code, out, _ = call(monkeypatch, capsys, "run", "radius", *few, *folders)
    assert code == 0
    assert f"written: {tmp_path / 'results' / 'radius'}.json and .png" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "magic"], "Unknown experiment 'magic'. Available: shapes, teams"),
        (["run", "shapes", "--policy", "none.onnx"], "No policy file 'none.onnx'"),
        (["run", "shapes", "--episodes", "0"], "episodes is 0; it must lie in 1 … 10000"),
        (["run", "shapes", "--processes", "0"], "processes is 0; it must lie in 1 … 256"),
        (["run", "shapes", "--seed", "-1"], "seed is -1; it must lie in 0"),
        (["run", "shapes", "--shapes", ","], "No shape in ','"),
        (["run", "shapes", "--out", "/dev/null/x"], "Cannot use /dev/null/x/shapes"),
        (["run", "shapes", "--results", "/dev/null/x"], "Cannot write results to /dev/null/x"),
        (["run"], "required"),
        (["fly"], "Unknown muster-experiment verb 'fly'. Available: list, run, report"),
    ],
)
def test_wrong_use(arguments, message, monkeypatch, capsys, tmp_path):
    if "--out" not in arguments and arguments[0] == "run":
        arguments = [*arguments, "--out", str(tmp_path)]
    code, out, err = call(monkeypatch, capsys, *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_command_line_names_what_differs_from_the_defaults():
    experiment = find_experiment("shapes")
    assert command_line(experiment, ExperimentSettings()) == "muster-experiment run shapes --seed 0"
    asked = ExperimentSettings(policy="a b.onnx", seed=2, episodes=1)
    assert command_line(experiment, asked) == "muster-experiment run shapes --policy 'a b.onnx' --seed 2 --episodes 1"
