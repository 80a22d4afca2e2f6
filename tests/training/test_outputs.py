"""What commands say where: in JSON mode one object on stdout and nothing on stderr, from libraries neither."""

import json
import signal
import subprocess
import sys

import pytest

COMMANDS = {
    "list": ("muster_sim.shape_cli", "list --json"),
    "show": ("muster_sim.shape_cli", "show R --cells 60 --robots 6 --json"),
    "best": ("muster_sim.shape_cli", "best R --cells 60 --robots 6 --json"),
    "pilot": ("muster_training.bench", "pilot --robots 4 --decisions 10 --json"),
    "world": ("muster_training.bench", "world --robots 4 --seconds 0.01 --repeats 1 --json"),
    "evaluate": (
        "muster_training.evaluate",
        "--controller coverage --shapes disc --robots 6 --episodes 1 --seconds 3 --json",
    ),
    "experiments": ("muster_training.experiments.command", "list --json"),
}


def run(module, *words, **settings):
    return subprocess.run([sys.executable, "-m", module, *words], capture_output=True, text=True, **settings)


@pytest.mark.parametrize("name", COMMANDS)
def test_json_mode_is_one_object_and_silence(name, tmp_path):
    module, words = COMMANDS[name]
    log = tmp_path / "log.jsonl"
    result = run(module, *words.split(), "--log", str(log), cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert isinstance(json.loads(result.stdout), dict)
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert (events[0], events[-1]) == ("command started", "command ended")


def test_a_quiet_training_says_only_where_its_run_is(tmp_path):
    words = (
        "lamarl --world kinematic --robots 4 --environments 1 --rounds 1 --evaluate-every 1 --shapes disc "
        "--run run --threads 1 --quiet --log log.jsonl"
    )
    result = run("muster_training.train", *words.split(), cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) == 1
    events = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(event["number"], event["of"]) for event in events if event["event"] == "round"] == [(1, 1)]


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_ctrl_c_while_it_imports_is_one_line(command):
    program = f"from muster_training.commands import {command}; print('go', flush=True); raise SystemExit({command}())"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "lamarl"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "go\n"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.3)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (130, "interrupted\n")
