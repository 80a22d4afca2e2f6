"""Procedural shapes: usable ones for every seed, and held-out ones that training never meets and that never change."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from muster_core.errors import MusterError
from muster_core.figures import FIGURES, figure_lattice
from muster_core.robot import Arena, RobotModel
from muster_sim.glyph_shapes import FACES, GLYPHS, KEPT_BACK, glyph_rings
from muster_sim.procedural import FAMILIES, HELD_OUT, held_out_shape, procedural_shape
from muster_sim.rings import fill
from muster_sim.shape_families import thick
from muster_sim.shape_review import review
from muster_sim.starts import place_shape

DIGESTS = Path(__file__).with_name("held_out_digests.txt")
"""First 16 signs of the digest of each held-out shape. A change here makes published figures incomparable."""


@pytest.fixture(scope="module")
def training():
    return [procedural_shape(seed) for seed in range(2000)]


@pytest.fixture(scope="module")
def held_out():
    return [held_out_shape(index) for index in range(HELD_OUT)]


def test_held_out_shapes_are_the_ones_recorded(held_out):
    assert [shape.digest[:16] for shape in held_out] == DIGESTS.read_text().split()


def test_training_meets_no_held_out_shape_and_hardly_the_same_twice(training, held_out):
    kept = {shape.occupancy.tobytes() + bytes(shape.occupancy.shape) for shape in held_out}
    drawn = [shape.occupancy.tobytes() + bytes(shape.occupancy.shape) for shape in training]
    assert len(kept) == HELD_OUT
    assert not kept & set(drawn)
    assert len(set(drawn)) > 1990


def test_every_shape_suits_a_team(training, held_out):
    generator = np.random.default_rng(0)
    for shape in training + held_out:
        pieces, found = ndimage.label(shape.occupancy)
        assert found == 1
        assert 450 <= pieces.sum() <= 550
        shape.check_team(60, 0.035)
        width, height = shape.size
        assert width <= 3.2 + 1e-9
        assert height - shape.pitch == pytest.approx(2.2) or width == pytest.approx(3.2)
        place_shape(shape, Arena(), generator)


def test_no_part_is_too_thin_for_a_robot(training, held_out):
    for shape in training[:12] + held_out[:12]:
        assert review(shape, 30, RobotModel()).warnings == ()


def test_the_mixture_is_varied(training):
    """Holes, thin and fat, tall and wide: the middle four fifths spread by so much."""
    areas = np.quantile([shape.area for shape in training], [0.1, 0.9])
    widths = np.quantile([shape.size[0] for shape in training], [0.1, 0.9])
    holes = [ndimage.label(np.pad(~shape.occupancy, 1, constant_values=True))[1] - 1 for shape in training]
    assert areas[1] > 2.2 * areas[0]
    assert widths[1] > 1.8 * widths[0]
    assert 0.2 < np.mean(np.array(holes) > 0) < 0.6
    assert len({family for family, _ in FAMILIES}) == 6


def test_the_same_seed_gives_the_same_shape_at_any_height():
    small, large = procedural_shape(2**63 - 1, height=1.1), procedural_shape(2**63 - 1, height=4.4)
    np.testing.assert_array_equal(small.occupancy, large.occupancy)
    assert large.pitch == pytest.approx(4 * small.pitch)


@pytest.mark.parametrize("cells", [120, 2000])
def test_other_numbers_of_cells(cells):
    counts = [len(procedural_shape(seed, cells=cells).cells) for seed in range(20)]
    assert all(abs(found - cells) <= 0.1 * cells for found in counts)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((-1,), "The seed of a procedural shape is -1; it must lie in 0"),
        ((1, float("nan")), "The shape's height is nan; it must be above 0 metres"),
        ((1, 2.2, 0), "cells is 0"),
        ((1, 2.2, 3), "No shape of 3 cells came of 200 drawings; ask for more cells"),
    ],
)
def test_what_cannot_be_drawn(arguments, complaint):
    with pytest.raises(MusterError, match=complaint):
        procedural_shape(*arguments)


def test_no_glyph_resembles_what_is_kept_for_evaluation():
    """Boxed to 24 x 24, in any quarter turn and mirrored: the ink shared with each letter, digit and figure."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    kept = [boxed(fill(glyph_rings(sign, face))) for face in FACES for sign in letters]
    kept += [boxed(figure_lattice(name, 3000)) for name in FIGURES]
    poses = [np.rot90(side, k).ravel() for ink in kept for side in (ink, ink[::-1]) for k in range(4)]
    templates = np.array(poses, np.float32)
    drawn = [(sign, glyph_rings(sign, face)) for sign in GLYPHS for face in FACES]
    glyphs = np.array([boxed(fill(rings)).ravel() for _, rings in drawn if rings], np.float32)
    shared = glyphs @ templates.T
    likeness = shared / (glyphs.sum(axis=1)[:, None] + templates.sum(axis=1) - shared)
    assert likeness.max() < 0.76  # figures were drawn a little differently when the glyphs were chosen
    assert len(set(GLYPHS)) == len(GLYPHS) > 500
    assert 50 < sum(ord(sign) % KEPT_BACK == 0 for sign in GLYPHS) < 90


def test_rings_are_filled_by_the_non_zero_rule():
    outer, inner = np.array([[0, 0], [8, 0], [8, 8], [0, 8]]), np.array([[2, 2], [6, 2], [6, 6], [2, 6]])
    assert fill([outer, inner], side=8).sum() == 64
    assert fill([outer, inner[::-1]], side=8).sum() == 48
    assert fill([outer], [inner], side=8).sum() == 48
    triangle = fill([np.array([[0, 0], [1, 0], [0, 1]])], side=100)
    assert triangle.sum() == pytest.approx(5000, rel=0.02)
    assert triangle[0].sum() > triangle[-1].sum()  # row 0 at the bottom


def test_a_thick_line_is_as_wide_as_it_says():
    ink = fill(thick(np.array([[0.0, 0.0], [3.0, 0.0]]), 1.0, blunt=False), side=400)
    assert ink[:, 200].sum() == pytest.approx(100, abs=2)
    assert ink.sum() == pytest.approx(3 * 100**2 + np.pi / 4 * 100**2, rel=0.02)


def boxed(ink):
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    row, column = (((np.arange(24) + 0.5) * side / 24).astype(int) for side in ink.shape)
    return ink[np.ix_(row, column)]
