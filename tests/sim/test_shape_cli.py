"""`muster-shape` as a user runs it: a real process, its output, its files and its exit codes."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageColor

from muster_core.figures import FIGURES
from muster_core.shape import load_shape
from muster_sim import style
from muster_sim.shape_cli import draw_blocks

from .drawings import picture


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """One for the whole file: compiling the kernels takes longer than everything else."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def muster_shape(tmp_path, cache):
    def run(*arguments, code=0):
        environment = {**os.environ, "MUSTER_CACHE": str(cache), "PYTHONIOENCODING": "utf-8"}
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


def test_show_writes_a_picture_in_the_house_style(muster_shape, tmp_path):
    muster_shape("show", "arrow", "-o", "arrow.png", "--robots", "12")
    image = np.asarray(Image.open(tmp_path / "arrow.png").convert("RGB"))
    colours = {tuple(c) for c in image.reshape(-1, 3)}
    for name in (style.COVERED_CELL, style.INK):
        assert ImageColor.getrgb(name) in colours
    assert [path.name for path in tmp_path.glob("*.*")] == ["arrow.png"]


def test_show_opens_a_picture_and_tells_what_a_team_will_find(muster_shape, tmp_path):
    mask = np.zeros((60, 60), dtype=bool)
    mask[5:55, 5:20] = mask[5:55, 40:55] = True
    picture(mask).save(tmp_path / "two.png")
    text = muster_shape("show", "two.png", "--robots", "10", "--cells", "100").stdout
    assert "warning: 2 separate parts, up to" in text
    found = json.loads(muster_shape("show", "two.png", "--robots", "10", "--cells", "100", "--json").stdout)
    assert found["shape"] == "two"
    assert found["parts"] == 2
    assert found["thinnest_m"] == pytest.approx(15 / 50 * found["height_m"], rel=0.1)
    assert found["avoid_distance_m"] == pytest.approx(2 * np.sqrt(found["area_m2"] / (np.pi * 10)))


def test_size_and_place_are_options(muster_shape):
    arguments = ("--robots", "8", "--spacing", "3", "--radius", "0.05", "--at", "0.5", "-0.25", "--turn", "90")
    found = json.loads(muster_shape("show", "square", *arguments, "--json").stdout)
    assert found["avoid_distance_m"] == pytest.approx(0.3)
    assert found["centre_m"] == [0.5, -0.25]
    assert found["yaw_rad"] == pytest.approx(np.pi / 2)


def test_best_measures_and_remembers(muster_shape, cache):
    before = set(cache.glob("layouts/*"))
    found = json.loads(muster_shape("best", "R", "--robots", "12", "--cells", "150", "--json").stdout)
    shape = load_shape("R", cells=150)
    distance = np.linalg.norm(shape.cells[:, None] - np.array(found["points_m"])[None], axis=2).min(axis=1)
    # Points are printed to 0.1 mm, which may move a cell over the rim.
    covered = (distance <= shape.avoid_distance(12) / 2 + 1e-4).mean()
    assert found["coverage_best"] == pytest.approx(covered, abs=0.02)
    assert found["robots"] == 12
    assert len(set(cache.glob("layouts/*")) - before) == 1
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
        (["show", "R", "--height", "-1"], "height is -1; it must be above 0"),
        (["show", "R", "-o", "R.jpg"], "Cannot write 'R.jpg': its name must end in .png or .svg or .pdf"),
        (["show", "R", "-o", "nowhere/R.png"], "Cannot write 'nowhere/R.png': there is no folder 'nowhere'"),
        (["show", "R", "--height", "2", "--area", "2"], "not allowed with argument"),
        (["show", "R", "--at", "2", "0"], "The shape reaches out of the arena"),
        (["show", "missing.png"], "There is no shape file 'missing.png'"),
        (["show", "R", "--arena", "0", "1"], "half_width is 0.0"),
        (["best", "R", "--robots", "0"], "robots is 0; give 1 to 1000"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(muster_shape, arguments, message, tmp_path):
    result = muster_shape(*arguments, code=2)
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
    assert not list(tmp_path.iterdir())
