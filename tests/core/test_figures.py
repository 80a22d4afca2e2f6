"""Figures and glyphs: areas against formulas, symmetries, resolution, and what cannot be drawn."""

import builtins
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster_core import glyphs
from muster_core.errors import MusterError
from muster_core.figures import FIGURES, figure_lattice
from muster_core.shape import Shape

PENTAGRAM_AREA = 5 * math.sin(math.radians(36)) * (3 - math.sqrt(5)) / 2
"""Ten triangles between centre, an outer corner (radius 1) and an inner one (radius (3 - √5)/2)."""

SHARES_OF_BOX = {
    "disc": math.pi / 4,
    "ring": math.pi * (1 - 0.55**2) / 4,
    "star": PENTAGRAM_AREA / (2 * math.sin(math.radians(72)) * (1 + math.cos(math.radians(36)))),
    "square": 1.0,
    "triangle": 0.5,
    "cross": 20 / 36,
    "arrow": (3.4 * 1.6 + 0.5 * 2.6 * 4) / 24,
}
"""Exact share of the box that each figure fills, worked out by hand."""


@pytest.mark.parametrize("name", sorted(SHARES_OF_BOX))
def test_area_agrees_with_the_formula(name):
    occupancy = figure_lattice(name, 8000)
    # The thin tips of the star end in less than half a cell, which shortens its box by one in a hundred.
    assert occupancy.mean() == pytest.approx(SHARES_OF_BOX[name], rel=0.04)


def test_area_of_the_heart_by_counting_random_points():
    generator = np.random.default_rng(0)
    x, y = generator.uniform(-1.5, 1.5, (2, 400_000))
    inside = (x**2 + y**2 - 1) ** 3 <= x**2 * y**3
    box = np.ptp(x[inside]) * np.ptp(y[inside])
    assert figure_lattice("heart", 8000).mean() == pytest.approx(inside.mean() * 9 / box, rel=0.03)


@pytest.mark.parametrize("name", FIGURES)
@given(cells=st.integers(60, 3000))
@settings(max_examples=15, deadline=None)
def test_every_figure_has_about_the_cells_asked_for_and_no_empty_border(name, cells):
    occupancy = figure_lattice(name, cells)
    assert occupancy.sum() == pytest.approx(cells, rel=0.15)
    assert occupancy[0].any()
    assert occupancy[-1].any()
    assert occupancy[:, 0].any()
    assert occupancy[:, -1].any()


@pytest.mark.parametrize("name", [name for name in FIGURES if name != "arrow"])
def test_figures_are_the_same_in_a_mirror(name):
    occupancy = figure_lattice(name, 500)
    np.testing.assert_array_equal(occupancy, occupancy[:, ::-1])


def test_the_arrow_points_along_x_and_is_symmetric_about_it():
    occupancy = figure_lattice("arrow", 500)
    np.testing.assert_array_equal(occupancy, occupancy[::-1])
    tip = np.flatnonzero(occupancy[:, -1])
    tail = np.flatnonzero(occupancy[:, 0])
    assert tip.size < tail.size


@pytest.mark.parametrize("name", ["triangle", "star"])
def test_pointed_figures_point_up(name):
    occupancy = figure_lattice(name, 500)
    assert occupancy[-1].sum() <= 3
    assert occupancy[-1, occupancy.shape[1] // 2]


def test_the_heart_has_its_tip_below_and_two_lobes_above():
    occupancy = figure_lattice("heart", 500)
    middle = occupancy.shape[1] // 2
    assert occupancy[0, middle]
    assert not occupancy[-1, middle]


def test_the_ring_has_a_hole():
    occupancy = figure_lattice("ring", 500)
    rows, columns = occupancy.shape
    assert not occupancy[rows // 2, columns // 2]


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_can_be_sent_to_a_team(name):
    shape = Shape.from_figure(name)
    shape.check_team(30, 0.035)
    assert np.ptp(shape.cells[:, 1]) == pytest.approx(2.2)


def test_an_unknown_figure_lists_the_names():
    with pytest.raises(MusterError, match=f"Unknown figure 'hexagon'. Available: {', '.join(FIGURES)}"):
        Shape.from_figure("hexagon")


@pytest.mark.parametrize("letter", list("ABEORT"))
def test_letters_fill_as_much_of_their_box_as_the_font_s_ink(letter):
    # Independently: pillow draws the letter itself, and its dark pixels are counted.
    from importlib.resources import files

    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(str(files("muster_core") / "fonts" / "DejaVuSans-Bold.ttf"), 200)
    picture = Image.new("L", (400, 400))
    ImageDraw.Draw(picture).text((80, 80), letter, fill=255, font=font)
    ink = np.asarray(picture) >= 128
    box = ink[np.ix_(ink.any(axis=1), ink.any(axis=0))]
    assert Shape.from_text(letter, cells=4000).occupancy.mean() == pytest.approx(box.mean(), rel=0.05)


def test_accents_composed_or_not_draw_the_same():
    np.testing.assert_array_equal(Shape.from_text("é").occupancy, Shape.from_text("e\u0301").occupancy)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' has nothing to draw"),
        ("  ", "'  ' has nothing to draw"),
        (None, "None has nothing to draw"),
        ("日", r"Unknown glyph '日' \(U\+65E5\) in '日': the shipped font lacks it"),
        ("R\n", None),
        ("A\tB", r"Unknown glyph '\\t' \(U\+0009\)"),
        ("\u200b", r"Unknown glyph .* \(U\+200B\)"),
        ("\u0301", r"Unknown glyph .* \(U\+0301\)"),
        ("ABCDEFGHIJKLM", "'ABCDEFGHIJKLM' has 13 characters; at most 12"),
    ],
)
def test_text_that_cannot_be_drawn_is_named(text, message):
    if message is None:
        assert Shape.from_text(text).digest == Shape.from_text(text.strip()).digest
        return
    with pytest.raises(MusterError, match=message):
        Shape.from_text(text)


def test_without_pillow_the_error_names_the_remedy_and_figures_still_work(monkeypatch):
    real_import = builtins.__import__

    def without_pillow(name, *arguments, **named):
        if name.split(".")[0] == "PIL":
            raise ImportError(name)
        return real_import(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without_pillow)
    glyphs._font.cache_clear()
    glyphs._pixels.cache_clear()
    with pytest.raises(MusterError, match=r"needs pillow: pip install \"muster_core\[text\]\""):
        Shape.from_text("R")
    assert Shape.from_figure("disc").area > 0
