"""muster-evaluate and muster-bench: the figures' form, their repeatability, and wrong use."""

import json
import sys
from dataclasses import replace

import pytest

from muster_core.controllers import RandomController
from muster_core.errors import MusterError
from muster_core.policy import Policy
from muster_training import bench, evaluate, flying

ARGUMENTS = [
    "--controller",
    "coverage",
    "--shapes",
    "R,disc",
    "--robots",
    "8",
    "--episodes",
    "2",
    "--seconds",
    "4",
    "--json",
]


def run(monkeypatch, capsys, main, arguments):
    monkeypatch.setattr(sys, "argv", ["command", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    captured = capsys.readouterr()
    return stop.value.code, captured.out, captured.err


def test_report_has_every_promised_figure_and_repeats(monkeypatch, capsys):
    code, first, _ = run(monkeypatch, capsys, evaluate.main, ARGUMENTS)
    assert code == 0
    _, second, _ = run(monkeypatch, capsys, evaluate.main, ARGUMENTS)
    assert first == second
    report = json.loads(first)
    promised = {
        "coverage", "coverage_best", "coverage_normalised", "area_coverage", "entering_rate", "voronoi_variance",
        "convergence_time_s", "censored", "contacts_per_million", "minimum_clearance_m", "episodes",
    }  # fmt: skip
    for row in (*report["shapes"].values(), report["mean"]):
        assert promised <= set(row)
        assert 0.0 <= row["coverage_normalised"] <= 1.0
    assert report["mean"]["episodes"] == 4
    assert report["mean"]["robot_steps"] == 4 * 8 * 40


def test_another_seed_flies_other_episodes(monkeypatch, capsys):
    _, first, _ = run(monkeypatch, capsys, evaluate.main, ARGUMENTS)
    _, second, _ = run(monkeypatch, capsys, evaluate.main, [*ARGUMENTS, "--seed", "1"])
    assert json.loads(first)["shapes"] != json.loads(second)["shapes"]


def test_pictures_and_a_second_controller_from_the_same_starts(monkeypatch, capsys, tmp_path):
    pictures = ["--plots", str(tmp_path / "a" / "plots"), "--video", str(tmp_path / "both.mp4"), "--against", "prior"]
    code, out, _ = run(monkeypatch, capsys, evaluate.main, [*ARGUMENTS, *pictures])
    assert code == 0
    report = json.loads(out)
    assert sorted(path.name for path in (tmp_path / "a" / "plots").iterdir()) == sorted(
        [
            "curves.png",
            *(f"{kind}-{who}.png" for kind in ("paths", "uncovered", "filter") for who in ("coverage", "prior")),
        ]
    )
    assert len(report["files"]) == 8
    assert (tmp_path / "both.mp4").stat().st_size > 1000
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["both.mp4"]
    _, alone, _ = run(monkeypatch, capsys, evaluate.main, [*ARGUMENTS, "--controller", "prior"])
    assert report["against"] == json.loads(alone)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--controller", "magic"], "Unknown controller 'magic'. Available: shipped, a path ending in .onnx, prior"),
        (["--world", "gazebo", "--controller", "prior"], "Unknown world 'gazebo'. Available: bullet"),
        (["--shapes", ",", "--controller", "prior"], "No shape in ','. Available: seven"),
        (["--robots", "2000", "--controller", "prior"], "do not fit into a shape"),
        (["--robots", "1", "--controller", "prior"], "robots is 1; a swarm needs at least 2"),
        (["--policy", "missing.onnx"], "No policy file 'missing.onnx'"),
        (["--controller", "prior", "--video", "run.avi"], "Cannot write 'run.avi': a video's name must end in .mp4"),
        (
            ["--controller", "prior", "--video", "none/run.mp4"],
            "Cannot write 'none/run.mp4': there is no folder 'none'",
        ),
        (["--controller", "prior", "--plots", "/dev/null/x"], "Cannot write pictures to '/dev/null/x'"),
        (["--policy", "a.onnx", "--controller", "prior"], "Give one of --policy, --controller and --program"),
        (["--seed", "-1"], "seed is -1; it must lie in 0"),
        (["--robot", "atlas"], "Unknown robot 'atlas'. Available: "),
        (["--robot", "none.yaml"], "none.yaml: cannot be read: No such file"),
        (["--controller", "none.py:Mine"], "There is no file 'none.py' with a controller"),
        (["--kill", "half"], "kill is 'half'; it must be SHARE@SECONDS, for example 0.3@15"),
        (["--kill", "0.3@nan"], "kill is '0.3@nan'"),
        (["--kill", "1.5@2"], "Kill has share 1.5"),
        (["--processes", "0"], "processes is 0; it must lie in 1 … 256"),
        (["--robots", "many"], "Error parsing --robots: invalid literal for int() with base 10: 'many' (see muster-"),
        (["--robos", "3"], "Unrecognized options: --robos, 3; perhaps you meant --robots INT"),
    ],
)
def test_wrong_use_of_evaluate(arguments, message, monkeypatch, capsys):
    code, out, err = run(monkeypatch, capsys, evaluate.main, arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_two_processes_report_what_one_does(monkeypatch, capsys):
    _, alone, _ = run(monkeypatch, capsys, evaluate.main, [*ARGUMENTS, "--shapes", "R,disc,star"])
    code, shared, _ = run(
        monkeypatch, capsys, evaluate.main, [*ARGUMENTS, "--shapes", "R,disc,star", "--processes", "2"]
    )
    assert code == 0
    assert shared == alone


def test_a_shape_flies_the_same_beside_any_others(monkeypatch, capsys):
    _, alone, _ = run(monkeypatch, capsys, evaluate.main, [*ARGUMENTS, "--shapes", "R"])
    _, first, _ = run(monkeypatch, capsys, evaluate.main, [*ARGUMENTS, "--shapes", "R,disc"])
    assert json.loads(alone)["shapes"]["R"] == json.loads(first)["shapes"]["R"]


def test_survivors_alone_count_after_a_kill(monkeypatch, capsys):
    _, whole, _ = run(monkeypatch, capsys, evaluate.main, ARGUMENTS)
    code, out, _ = run(monkeypatch, capsys, evaluate.main, [*ARGUMENTS, "--kill", "0.5@2"])
    assert code == 0
    assert json.loads(out)["settings"]["kill"] == "0.5@2"
    # 20 steps of eight robots and 20 of four, in each of four episodes; the step of the event may count either way
    assert abs(json.loads(out)["mean"]["robot_steps"] - 4 * (20 * 8 + 20 * 4)) <= 4 * 4
    best = [json.loads(text)["shapes"]["R"]["coverage_best"] for text in (whole, out)]
    assert best[0] != best[1]


def test_a_shape_named_twice_counts_once(monkeypatch, capsys):
    _, once, _ = run(monkeypatch, capsys, evaluate.main, ARGUMENTS)
    _, twice, _ = run(monkeypatch, capsys, evaluate.main, [*ARGUMENTS, "--shapes", "R,disc,R"])
    assert json.loads(once)["mean"] == json.loads(twice)["mean"]


def test_a_policy_of_another_period_is_refused(monkeypatch):
    class Slow(RandomController):
        period = 0.2

    monkeypatch.setattr(flying, "load_named", lambda name, robot: Slow())
    with pytest.raises(MusterError, match=r"random decides every 0\.2 s, but this evaluation every 0\.1 s"):
        evaluate.evaluate(evaluate.EvaluateCommand(shapes="R", robots=6))


def test_a_policy_that_refuses_a_later_shape_flies_none(monkeypatch):
    monkeypatch.setattr(flying, "fly", lambda *_: pytest.fail("flown"))
    # With this policy 3 robots may fly the R, where they stand 1.15 m apart, but not the disc, where it is 1.33 m.
    policy = Policy.load("shipped")
    policy.card = replace(policy.card, speed_ratio=(0.065, 0.9))
    monkeypatch.setattr(flying, "load_named", lambda name, robot: policy)
    with pytest.raises(MusterError, match=r"the policy was trained for 0\.065 … 0\.900"):
        evaluate.evaluate(evaluate.EvaluateCommand(shapes="R,disc", robots=3))


@pytest.mark.parametrize("wrong", [("--seconds", "nan"), ("--seconds", "inf"), ("--processes", "0")])
def test_wrong_use_of_bench(wrong, monkeypatch, capsys):
    code, out, err = run(monkeypatch, capsys, bench.main, ["world", *wrong])
    assert (code, out) == (2, "")
    assert f"{wrong[0][2:]} {wrong[1]}" in err


def test_bench_world_measures_one_thread_and_workers(monkeypatch, capsys):
    fast = ["world", "--robots", "6", "--seconds", "0.2", "--repeats", "1", "--json"]
    code, out, _ = run(monkeypatch, capsys, bench.main, fast)
    assert code == 0
    assert json.loads(out)["robot_steps_per_cpu_s"] > 1000
    code, out, _ = run(monkeypatch, capsys, bench.main, [*fast, "--processes", "2"])
    assert json.loads(out)["processes"] == 2


def test_bench_pilot_reports_median_and_tail(monkeypatch, capsys):
    code, out, _ = run(
        monkeypatch, capsys, bench.main, ["pilot", "--policy", "coverage", "--decisions", "50", "--json"]
    )
    report = json.loads(out)
    assert code == 0
    assert 0 < report["median_us"] <= report["p99_us"]
