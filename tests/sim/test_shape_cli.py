"""`muster-shape` as a user runs it: a real process, its output, its files and its exit codes."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from muster_core.figures import FIGURES
from muster_core.shape import load_shape
from muster_sim.shape_cli import draw_blocks


@pytest.fixture
def muster_shape(tmp_path):
    def run(*arguments, code=0):
        environment = {**os.environ, "MUSTER_CACHE": str(tmp_path / "cache"), "PYTHONIOENCODING": "utf-8"}
        command = [sys.executable, "-m", "muster_sim.shape_cli", *arguments]
        result = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, encoding="utf-8")
        assert result.returncode == code, result.stderr
        return result

    return run


def test_list_names_every_figure(muster_shape):
    text = muster_shape("list").stdout
    assert [line.split()[0] for line in text.splitlines()[1 : 1 + len(FIGURES)]] == list(FIGURES)
    facts = json.loads(muster_shape("list", "--json", "--robots", "10").stdout)
    shape = load_shape("disc")
    assert facts["disc"]["cells"] == len(shape.cells)
    assert facts["disc"]["avoid_distance_m"] == pytest.approx(shape.avoid_distance(10))


def test_show_draws_the_letter_upright(muster_shape):
    lines = muster_shape("show", "T").stdout.splitlines()
    assert set(lines[0]) == {"█"}  # the bar of the T is its first line
    assert len(lines[0]) == load_shape("T").occupancy.shape[1]
    assert lines[-1].startswith("T: 504 cells of 0.065 m")


def test_blocks_by_hand():
    occupancy = np.array([[True, False], [True, True], [False, True]])  # row 0 at the bottom
    assert draw_blocks(occupancy) == "▄█\n▀"
    assert draw_blocks(occupancy, unicode=False) == "  ##\n####\n##"


def test_show_writes_a_picture_of_the_lattice(muster_shape, tmp_path):
    muster_shape("show", "arrow", "-o", "arrow.png")
    pixels = np.asarray(Image.open(tmp_path / "arrow.png").convert("L")) < 200
    np.testing.assert_array_equal(pixels[6::12, 6::12][::-1], load_shape("arrow").occupancy)
    assert [path.name for path in tmp_path.glob("*.*")] == ["arrow.png"]


def test_best_measures_and_remembers(muster_shape, tmp_path):
    found = json.loads(muster_shape("best", "R", "--robots", "12", "--cells", "150", "--json").stdout)
    shape = load_shape("R", cells=150)
    distance = np.linalg.norm(shape.cells[:, None] - np.array(found["points_m"])[None], axis=2).min(axis=1)
    # Points are printed to 0.1 mm, which may move a cell over the rim.
    covered = (distance <= shape.avoid_distance(12) / 2 + 1e-4).mean()
    assert found["coverage_best"] == pytest.approx(covered, abs=0.02)
    assert found["robots"] == 12
    assert len(list((tmp_path / "cache" / "layouts").iterdir())) == 1
    again = json.loads(muster_shape("best", "R", "--robots", "12", "--cells", "150", "--json").stdout)
    assert again == found


def test_help_teaches_by_examples(muster_shape):
    text = muster_shape("--help").stdout
    assert "muster-shape show R" in text
    assert "avoid distance" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show"], "the following arguments are required: shape"),
        (["draw", "R"], "invalid choice: 'draw'"),
        (["show", "日"], "Unknown glyph '日'"),
        (["show", " "], "' ' has nothing to draw"),
        (["show", "R", "--cells", "1"], "1 cells cannot be drawn; ask for 4 to 10000"),
        (["show", "R", "--height", "-1"], "height is -1.0; it must be above 0"),
        (["show", "R", "-o", "R.jpg"], "'R.jpg': the picture is a PNG"),
        (["show", "R", "-o", "nowhere/R.png"], "Cannot write 'nowhere/R.png': No such file"),
        (["best", "R", "--robots", "0"], "team_size is 0; it must be a whole number of at least 1"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(muster_shape, arguments, message, tmp_path):
    result = muster_shape(*arguments, code=2)
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
    assert not list(tmp_path.glob("*.jp*g"))
