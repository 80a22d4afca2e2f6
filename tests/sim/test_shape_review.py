"""Parts and widths of shapes, worked out by hand."""

import numpy as np
import pytest

from muster_core.robot import RobotModel
from muster_core.shape import Shape, load_shape
from muster_sim.shape_review import narrowest, review


def shape(*rows, pitch=0.1):
    return Shape.from_array(np.array([[c == "#" for c in row] for row in rows[::-1]]), pitch)


def test_a_square_has_one_part_as_wide_as_itself():
    found = review(Shape.from_array(np.ones((20, 20)), 0.1), 30, RobotModel())
    assert (found.parts, found.gap, found.warnings) == (1, None, ())
    assert found.thinnest == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_the_narrowest_limb_is_found(width):
    """A block of 12 x 12 cells with a bar of so many cells, three times as long as wide."""
    cells = np.zeros((12, 12 + 3 * width + 4), dtype=bool)
    cells[:, :12] = True
    cells[3 : 3 + width, 12:] = True
    assert narrowest(Shape.from_array(cells, 0.1)) == pytest.approx(0.1 * width, abs=0.03)


def test_the_measure_follows_the_scale():
    letter = load_shape("R")
    assert narrowest(letter.scaled(2 * letter.pitch)) == pytest.approx(2 * narrowest(letter))


def test_a_line_thinner_than_a_robot_is_warned_of():
    line = shape("#" * 20, pitch=0.05)
    found = review(line, 2, RobotModel(radius=0.04))
    assert found.thinnest == pytest.approx(0.05)
    assert found.warnings[0].startswith("parts are only 0.050 m wide, a robot 0.080 m: it will overhang there")


def test_separate_parts_are_counted_with_their_largest_gap():
    found = review(shape("##...##.#", "##...##.#"), 4, RobotModel())
    assert found.parts == 3
    assert found.gap == pytest.approx(0.4)  # centres of cells, the left part from the middle one
    assert found.warnings[0].startswith("3 separate parts, up to 0.40 m apart")


def test_cells_that_share_a_corner_belong_together():
    assert review(shape("##..", "##..", "..##", "..##"), 2, RobotModel()).parts == 1


def test_far_parts_are_out_of_sight():
    near, far = (shape(*["####" + "." * gap + "####"] * 4) for gap in (1, 30))
    assert "each robot sees little of the others" in review(near, 8, RobotModel()).warnings[0]
    assert "robots cannot see from one to the other" in review(far, 8, RobotModel()).warnings[0]


def test_a_team_that_does_not_fit_is_warned_of():
    assert "do not fit into a shape of" in review(load_shape("star"), 900, RobotModel()).warnings[-1]


def test_the_largest_lattice_is_measured():
    big = np.zeros((1024, 1024), dtype=bool)
    big[:, 400:600] = True
    assert narrowest(Shape.from_array(big, 0.01)) == pytest.approx(2.0, abs=0.03)
