"""The report of results: tables come from the files of figures alone, between their marks."""

import json
from pathlib import Path

import pytest

from muster_core.errors import MusterError
from muster_training.experiments import command
from muster_training.experiments.experiment import EXPERIMENTS
from muster_training.experiments.report import fill_report, report_is_current, section

ROOT = Path(__file__).parents[2]
ROW = {
    "radius": 1.6,
    "controller": "a|b",
    "coverage_normalised": 0.9371,
    "coverage_normalised_interval_95": [0.93, 0.9444],
    "coverage_normalised_iqm": 0.94,
    "coverage_normalised_percentile_5": 0.91,
    "coverage_best": 0.84,
    "entering_rate": 0.99996,
    "convergence_time_s": None,
    "censored": 3,
    "episodes": 5,
    "optimality_gap": 3.456,
    "contacts": 0,
    "contacts_per_million_95": 9.52,
}
RESULT = {
    "command": "muster-experiment run radius --seed 0",
    "commits": ["abc123"],
    "cpu_minutes": 4.2,
    "versions": {"python": "3.11.7"},
    "policy_sha256": "feed",
    "refused": {"one/R": "too many", "two/R": "too many", "three/R": "too few"},
    "rows": [ROW, {"radius": 2.0, "controller": "crowd", "refused": ["too many"]}],
}


@pytest.fixture
def folder(tmp_path):
    marks = "".join(f"<!-- result: {name} -->\nstale line\n<!-- end -->\n\nBy hand.\n\n" for name in EXPERIMENTS)
    (tmp_path / "results.md").write_text(f"# Results\n\n{marks}")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "radius.json").write_text(json.dumps(RESULT))
    return tmp_path


def test_marks_are_filled_and_the_rest_stays(folder):
    assert fill_report(folder / "results.md", folder / "results")
    text = (folder / "results.md").read_text()
    assert "stale line" not in text
    assert text.count("By hand.") == len(EXPERIMENTS)
    assert text.count("Not run yet: `muster-experiment run") == len(EXPERIMENTS) - 1
    assert "`muster-experiment run radius --seed 0`\n\nCommit abc123, policy file feed; 4.2 CPU-minutes; python" in text
    assert (
        "| 1.6 | a\\|b | 0.937 (0.930–0.944) | 0.940 | 0.910 | 0.840 | 1.0000 | – | 3 of 5 | 3.46 | 0 (9.5) |" in text
    )
    assert "| 2.0 | crowd | refused |" in text
    assert "](results/radius.png)" in text
    assert "- one/R, two/R: too many\n- three/R: too few" in text


def test_filling_twice_changes_nothing(folder):
    fill_report(folder / "results.md", folder / "results")
    assert report_is_current(folder / "results.md", folder / "results")
    assert not fill_report(folder / "results.md", folder / "results")


def test_figures_and_text_that_drift_apart_are_found(folder, monkeypatch, capsys):
    fill_report(folder / "results.md", folder / "results")
    better = {**RESULT, "rows": [{**ROW, "coverage_normalised": 0.99}]}
    (folder / "results" / "radius.json").write_text(json.dumps(better))
    arguments = ["report", "--results", str(folder / "results"), "--report", str(folder / "results.md")]
    before = (folder / "results.md").read_text()
    assert call(monkeypatch, [*arguments, "--check"]) == 1
    assert "does not show what" in capsys.readouterr().err
    assert (folder / "results.md").read_text() == before
    assert call(monkeypatch, arguments) == 0
    assert call(monkeypatch, [*arguments, "--check"]) == 0


def call(monkeypatch, arguments):
    monkeypatch.setattr("sys.argv", ["muster-experiment", *arguments])
    with pytest.raises(SystemExit) as stop:
        command.main()
    return stop.value.code


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "results.md").unlink(), "cannot be read"),
        (lambda f: (f / "results.md").write_text("# nothing"), "has no places for the result of 'shapes'"),
        (lambda f: (f / "results.md").write_text((f / "results.md").read_text() * 2), "has 2 places for the result of"),
        (
            lambda f: (f / "results.md").write_text(
                (f / "results.md").read_text() + "<!-- result: magic -->\n<!-- end -->"
            ),
            "Unknown experiment 'magic'",
        ),
        (lambda f: (f / "results" / "radius.json").write_text("{"), "radius.json cannot be read as a result"),
        (lambda f: (f / "results" / "radius.json").write_text("[]"), "radius.json is no result: it lacks command"),
        (
            lambda f: (f / "results" / "radius.json").write_text(json.dumps({**RESULT, "rows": None})),
            "radius.json is no result: its rows are None",
        ),
    ],
)
def test_what_cannot_be_reported_is_named(damage, message, folder):
    damage(folder)
    with pytest.raises(MusterError, match=message):
        fill_report(folder / "results.md", folder / "results")


def test_the_report_of_this_repository_shows_its_figures():
    assert report_is_current(ROOT / "docs" / "results.md", ROOT / "docs" / "results")


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_published_figure_has_its_picture_and_its_command(name):
    published = ROOT / "docs" / "results" / f"{name}.json"
    if not published.is_file():
        assert "Not run yet" in section(name, published.parent)
        return
    assert published.with_suffix(".png").is_file()
    result = json.loads(published.read_text())
    assert result["command"].startswith(f"muster-experiment run {name} ")
