"""Run folders: what a run leaves, that it continues bit for bit, and what is refused."""

import csv
import json
import random
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, replace

import pytest
import torch

from muster_core.errors import MusterError, WorkFailed
from muster_sim.assembly import AssemblyConfig
from muster_sim.randomisation import Randomisation
from muster_training import train
from muster_training.lamarl import train_round
from muster_training.runs import load_checkpoint, read_config, task_of
from muster_training.train import LamarlCommand, Training, main

from .conftest import TINY, tiny_command


def weights(folder):
    state = load_checkpoint(folder)
    return [state[part][name] for part in ("actor", "critic", "target_actor", "target_critic") for name in state[part]]


def test_a_run_leaves_config_curve_events_and_checkpoint(tiny_run):
    config = json.loads((tiny_run / "config.json").read_text())
    assert config["settings"]["learner"]["seed"] == TINY.seed
    assert config["task"]["prior"] == "prior"
    assert config["program"].startswith("builtin-")
    with (tiny_run / "curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["round"]) for row in rows] == [1, 2, 3, 4]
    # five swarms of 6 and eight of 4 robots in turn, 200 steps each
    assert [int(row["robot_steps"]) for row in rows] == [6000, 12400, 18400, 24800]
    assert rows[1]["coverage_normalised"]
    assert not rows[0]["coverage_normalised"]
    assert list(tiny_run.glob("events.out.tfevents.*"))
    assert not list(tiny_run.rglob("*.part"))


def test_the_same_seed_gives_the_same_weights(tiny_run, tmp_path):
    Training(tiny_command(tmp_path / "again", workers=2)).run()
    assert all(torch.equal(a, b) for a, b in zip(weights(tiny_run), weights(tmp_path / "again"), strict=True))


def test_another_seed_gives_other_weights(tiny_run, tmp_path):
    Training(tiny_command(tmp_path / "other", learner=replace(TINY, seed=4))).run()
    assert not all(torch.equal(a, b) for a, b in zip(weights(tiny_run), weights(tmp_path / "other"), strict=True))


def test_a_randomised_task_is_read_back_as_it_was():
    task = AssemblyConfig(shapes=("R",), randomisation=Randomisation.standard())
    assert task_of({"task": json.loads(json.dumps(asdict(task)))}) == task


STARTED = """
import sys
from pathlib import Path
from tests_tiny import tiny_command
from muster_training.train import Training
folder = Path(sys.argv[1])
begun = (folder / "checkpoint.pt").exists()
Training(tiny_command(None if begun else folder, resume=folder if begun else None)).run()
"""


def test_a_run_killed_at_three_random_moments_continues_bit_for_bit(tiny_run, tmp_path):
    shutil.copy(__file__.replace("test_train.py", "conftest.py"), tmp_path / "tests_tiny.py")
    folder, moments = tmp_path / "killed", []
    for kill in range(3):
        run = subprocess.Popen(
            [sys.executable, "-c", STARTED, str(folder)], cwd=tmp_path, stderr=subprocess.PIPE, text=True
        )
        # Wait for as many checkpoints as kills, then for a moment that nobody chose: within a round or between two.
        deadline = time.monotonic() + 120
        while _rounds(folder) <= kill and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(random.random() * 0.3)
        moments.append((_rounds(folder), run.poll()))
        run.kill()
        run.communicate()
    assert moments[0][1] is None, "the first kill came too late to interrupt anything"
    Training(tiny_command(None, resume=folder)).run()
    same = [torch.equal(a, b) for a, b in zip(weights(tiny_run), weights(folder), strict=True)]
    assert all(same), f"killed after these rounds (and with these exit codes): {moments}"


def _rounds(folder):
    try:
        return load_checkpoint(folder)["done_rounds"]
    except MusterError:
        return 0


class StoppedError(Exception):
    """The training was interrupted."""


def stopped(monkeypatch, command, rounds):
    keep = Training._keep

    def stop_after(self, *arguments):
        keep(self, *arguments)
        if self.learner.done_rounds == rounds:
            raise StoppedError

    with monkeypatch.context() as patch:
        patch.setattr(Training, "_keep", stop_after)
        with pytest.raises(StoppedError):
            Training(command).run()


def test_a_run_whose_replay_is_full_continues_bit_for_bit(monkeypatch, tmp_path):
    # 30 and 30 trajectories in turn fill 75 rows in three rounds: at round 11 the ring has gone round several times
    settings = {"learner": replace(TINY, capacity=75, rounds=14), "robots": (3, 2), "shapes": "R", "evaluate_every": 14}
    Training(tiny_command(tmp_path / "whole", **settings)).run()
    stopped(monkeypatch, tiny_command(tmp_path / "stopped", **settings), rounds=11)
    kept = sorted(int(path.stem) for path in (tmp_path / "stopped" / "experience").iterdir())
    assert kept == [8, 9, 10, 11], "two turns of 60 trajectories hold 75"
    Training(tiny_command(None, resume=tmp_path / "stopped", **settings)).run()
    pairs = zip(weights(tmp_path / "whole"), weights(tmp_path / "stopped"), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "experience" / "000002.npz").unlink(), "FileNotFoundError.*000002.npz"),
        (lambda folder: (folder / "experience" / "000003.npz").write_bytes(b"PK"), "is damaged"),
        (lambda folder: torch.save({"actor": 1}, folder / "checkpoint.pt"), "is damaged"),
        (lambda folder: (folder / "checkpoint.pt").write_bytes(b""), "cannot be read as a checkpoint"),
        (lambda folder: edit(folder, lambda config: config.pop("settings")), "KeyError: 'settings'"),
        (lambda folder: edit(folder, lambda config: config["settings"]["learner"].pop("noise")), "KeyError: 'noise'"),
        (lambda folder: edit(folder, lambda config: config["settings"]["learner"].update(hidden=9)), "is damaged"),
        (
            lambda folder: edit(folder, lambda config: config["task"].update(reward="published")),
            "contradict each other",
        ),
    ],
)
def test_a_damaged_run_is_not_continued(damage, message, tiny_run, tmp_path):
    shutil.copytree(tiny_run, tmp_path / "damaged")
    damage(tmp_path / "damaged")
    with pytest.raises(MusterError, match=message):
        Training(LamarlCommand(resume=tmp_path / "damaged", device="cpu", threads=1))


def edit(folder, change):
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"environments": 5}, "environments is 5, but the run was begun with 1"),
        ({"learner": replace(TINY, rounds=900)}, "rounds is 900, but the run was begun with 4"),
    ],
)
def test_a_run_continues_only_as_it_began(other, message, tiny_run):
    with pytest.raises(MusterError, match=message):
        Training(tiny_command(None, resume=tiny_run, **other))


def test_a_run_that_diverges_fails_and_keeps_its_last_checkpoint(monkeypatch, tmp_path):
    def diverge(learner, collector):
        fresh, figures = train_round(learner, collector)
        return fresh, figures | ({"value": float("nan")} if learner.done_rounds == 3 else {})

    monkeypatch.setattr(train, "train_round", diverge)
    with pytest.raises(WorkFailed, match=r"Round 3 diverged: .*value nan"):
        Training(tiny_command(tmp_path / "run")).run()
    assert load_checkpoint(tmp_path / "run")["done_rounds"] == 2


def test_the_task_survives_the_config_file(tiny_run):
    task = task_of(read_config(tiny_run))
    assert (task.robots, task.shapes) == (6, ("R", "disc"))
    assert task.robot.radius == 0.035


def test_an_occupied_folder_is_refused(tiny_run):
    with pytest.raises(MusterError, match="holds a run already"):
        Training(tiny_command(tiny_run))


def test_a_run_of_another_version_is_refused(tiny_run, tmp_path):
    other = tmp_path / "old"
    shutil.copytree(tiny_run, other)
    config = json.loads((other / "config.json").read_text()) | {"format": 99}
    (other / "config.json").write_text(json.dumps(config))
    with pytest.raises(MusterError, match="run of format 99; this Muster reads format 2"):
        Training(tiny_command(None, resume=other))


def test_a_cut_checkpoint_is_refused(tiny_run, tmp_path):
    other = tmp_path / "cut"
    shutil.copytree(tiny_run, other)
    content = (other / "checkpoint.pt").read_bytes()
    (other / "checkpoint.pt").write_bytes(content[: len(content) // 2])
    with pytest.raises(MusterError, match="cannot be read as a checkpoint"):
        Training(tiny_command(None, resume=other))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lamarl", "--world", "gazebo"], "Unknown world 'gazebo'. Available: bullet"),
        (["lamarl", "--reward", "money"], "Unknown reward 'money'. Available: marginal, published"),
        (["lamarl", "--robots", "1"], "robots is 1; a swarm needs at least 2"),
        (["lamarl", "--prior", "oracle"], "Unknown controller 'oracle'"),
        (["lamarl", "--device", "tpu"], "Unknown device 'tpu'. Available: auto, cpu, cuda"),
        (["ppo"], "Unknown muster-train verb 'ppo'. Available: lamarl"),
        (["lamarl", "--resume", "nowhere"], "nowhere is no run folder"),
        (["lamarl", "--robots"], "robots is empty; name at least one team size"),
        (["lamarl", "--environments", "0"], "environments is 0; it must be at least 1"),
        (["lamarl", "--threads", "-1"], "threads is -1; it must lie in 0 … 256"),
        (["lamarl", "--threads", "100000"], "threads is 100000; it must lie in 0 … 256"),
        (["lamarl", "--seed", "-1"], "seed is -1; it must lie in 0 … 2^63 - 1"),
        (["lamarl", "--seed", "99999999999999999999"], "seed is 99999999999999999999"),
        (["lamarl", "--actor-rate", "nan"], "actor_rate is nan; it must lie above 0"),
        (["lamarl", "--critic-rate", "inf"], "critic_rate is inf"),
        (["lamarl", "--prior-weight", "nan"], "prior_weight is nan; it must be a finite number"),
        (["lamarl", "--noise", "0", "0.5"], "noise is (0.0, 0.5); it must be two rising"),
        (["lamarl", "--noise", "0.5", "0.02"], "noise is (0.5, 0.02)"),
        (["lamarl", "--noise", "nan", "nan"], "noise is (nan, nan)"),
        (["lamarl", "--rounds", "2", "--prior-rounds", "5"], "prior_rounds is 5; with 2 rounds nothing"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(arguments, message, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["muster-train", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert message in error[-1]
    assert not any(tmp_path.iterdir()), "nothing may be left behind"
