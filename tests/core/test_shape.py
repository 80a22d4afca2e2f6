"""The lattice: its geometry by hand-worked numbers, its tables and conversions against brute force."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from muster_core.errors import MusterError
from muster_core.shape import MAX_WIDTH, Shape, load_shape

coordinates = st.floats(-5, 5)
angles = st.floats(-math.pi, math.pi)
pitches = st.floats(0.01, 1.0)


@st.composite
def lattices(draw):
    rows, columns = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    occupancy = draw(arrays(bool, (rows, columns)))
    occupancy[draw(st.integers(0, rows - 1)), draw(st.integers(0, columns - 1))] = True
    return occupancy


L_SHAPE = np.array([[1, 1, 1], [1, 0, 0]])
"""Row 0 lies at the bottom: a long foot and a short stem."""


def test_cells_of_an_l_by_hand():
    shape = Shape(L_SHAPE, pitch=0.5, origin_x=10.0, origin_y=20.0)
    np.testing.assert_allclose(shape.cells, [[10.25, 20.25], [10.75, 20.25], [11.25, 20.25], [10.25, 20.75]])
    assert shape.area == pytest.approx(4 * 0.25)
    assert shape.size == pytest.approx((1.5, 1.0))
    np.testing.assert_allclose(shape.centre, [10.75, 20.5])


def test_cells_of_a_quarter_turn_by_hand():
    # +x of the lattice points along +y of the world, +y along -x.
    shape = Shape(L_SHAPE, pitch=0.5, origin_x=10.0, origin_y=20.0, yaw=math.pi / 2)
    np.testing.assert_allclose(shape.cells, [[9.75, 20.25], [9.75, 20.75], [9.75, 21.25], [9.25, 20.25]])


def test_from_array_puts_the_centre_of_the_cells_where_asked():
    # One occupied place in a wide lattice: the centre is that of the cell, not of the empty lattice.
    occupancy = np.zeros((5, 9))
    occupancy[1, 7] = 1
    shape = Shape.from_array(occupancy, 0.2, x=1.0, y=-2.0, yaw=0.7)
    np.testing.assert_allclose(shape.cells, [[1.0, -2.0]], atol=1e-12)
    np.testing.assert_allclose(shape.centre, [1.0, -2.0], atol=1e-12)


def test_tables_of_an_arch_by_hand():
    arch = np.array([[1, 0], [0, 0], [1, 1]])
    tables = Shape(arch, pitch=0.1, origin_x=3.0, origin_y=4.0, yaw=math.pi / 6).tables
    np.testing.assert_array_equal(tables.occupancy, arch)
    np.testing.assert_array_equal(tables.below, [[0, -1], [0, -1], [2, 2]])
    np.testing.assert_array_equal(tables.above, [[0, 2], [2, 2], [2, 2]])
    np.testing.assert_allclose(tables.frame, [3.0, 4.0, math.sqrt(3) / 2, 0.5, 0.1])
    assert (tables.occupancy.dtype, tables.below.dtype, tables.above.dtype) == (np.uint8, np.int32, np.int32)
    assert all(a.flags.c_contiguous for a in (tables.occupancy, tables.below, tables.above))


@given(lattices())
def test_tables_agree_with_a_scan_of_every_column(occupancy):
    tables = Shape(occupancy, 0.1).tables
    for (row, column), _ in np.ndenumerate(occupancy):
        occupied = [r for r in range(occupancy.shape[0]) if occupancy[r, column]]
        assert tables.below[row, column] == max((r for r in occupied if r <= row), default=-1)
        assert tables.above[row, column] == min((r for r in occupied if r >= row), default=-1)


@given(lattices(), pitches, coordinates, coordinates, angles)
def test_an_occupancy_grid_carries_the_whole_shape(occupancy, pitch, x, y, yaw):
    shape = Shape(occupancy, pitch, x, y, yaw)
    rows, columns = occupancy.shape
    data = shape.occupancy_grid_data()
    assert data.dtype == np.int8
    assert set(data.tolist()) <= {0, 100}
    # A message's resolution is a float32: the shape must still be known as the same one.
    back = Shape.from_occupancy_grid(data.tolist(), columns, rows, float(np.float32(pitch)), x, y, yaw)
    np.testing.assert_array_equal(back.occupancy, shape.occupancy)
    np.testing.assert_allclose(back.cells, shape.cells, atol=1e-5)
    assert back.digest == shape.digest


def test_grid_values_from_fifty_on_are_cells_and_unknown_ones_are_not():
    shape = Shape.from_occupancy_grid([-1, 0, 49, 50, 51, 100], width=3, height=2, resolution=1.0)
    np.testing.assert_array_equal(shape.occupancy, [[False, False, False], [True, True, True]])


@given(lattices(), pitches, coordinates, coordinates, angles, coordinates, coordinates, angles)
def test_moving_keeps_distances_and_puts_the_centre_there(occupancy, pitch, x0, y0, yaw0, x, y, yaw):
    shape = Shape.from_array(occupancy, pitch, x0, y0, yaw0)
    moved = shape.moved(x, y, yaw)
    np.testing.assert_allclose(moved.centre, [x, y], atol=1e-9)
    before = np.linalg.norm(shape.cells[:, None] - shape.cells[None], axis=2)
    after = np.linalg.norm(moved.cells[:, None] - moved.cells[None], axis=2)
    np.testing.assert_allclose(after, before, atol=1e-9)
    assert moved.digest == shape.digest
    assert moved.yaw == yaw
    # The pose is absolute: where it came from leaves no trace.
    np.testing.assert_allclose(moved.cells, Shape.from_array(occupancy, pitch, x, y, yaw).cells, atol=1e-9)
    np.testing.assert_array_equal(moved.tables.above, shape.tables.above)


@given(lattices(), pitches, coordinates, coordinates, angles)
def test_local_and_world_are_inverse(occupancy, pitch, x, y, yaw):
    shape = Shape(occupancy, pitch, x, y, yaw)
    local = np.array([[0.0, 0.0], [0.3, -0.2]])
    np.testing.assert_allclose(shape.to_local(shape.to_world(local)), local, atol=1e-9)
    np.testing.assert_allclose(shape.to_world(local)[0], [x, y], atol=1e-12)


@given(lattices(), pitches, st.floats(0.1, 3.0))
def test_scaling_scales_the_area_by_the_square_and_keeps_the_centre(occupancy, pitch, factor):
    shape = Shape.from_array(occupancy, pitch, 1.0, -0.5, 0.4)
    scaled = shape.scaled(pitch * factor)
    assert scaled.area == pytest.approx(shape.area * factor**2)
    np.testing.assert_allclose(scaled.centre, [1.0, -0.5], atol=1e-9)
    assert scaled.yaw == 0.4


@given(lattices(), pitches, st.integers(1, 200))
def test_discs_of_the_avoid_distance_have_the_shape_s_area(occupancy, pitch, team_size):
    shape = Shape(occupancy, pitch)
    assert team_size * math.pi * (shape.avoid_distance(team_size) / 2) ** 2 == pytest.approx(shape.area)


def test_avoid_distance_of_lamarl_s_thirty_robots():
    # 400 cells of 0.063 m: 2·sqrt(400·0.063²/(30·π)) = 0.2596, which the paper rounds to 0.26.
    assert Shape(np.ones((20, 20)), 0.063).avoid_distance(30) == pytest.approx(0.25957, abs=1e-5)


def test_digest_tells_lattices_and_pitches_apart_but_not_poses():
    shape = Shape(L_SHAPE, 0.5)
    assert shape.digest == shape.moved(3, 2, 1).digest
    assert shape.digest != shape.scaled(0.4).digest
    assert shape.digest != Shape(L_SHAPE[::-1], 0.5).digest
    # The same eight bits in two layouts.
    assert Shape(np.ones((2, 4)), 0.5).digest != Shape(np.ones((4, 2)), 0.5).digest


def test_the_lattice_is_a_frozen_copy():
    mine = L_SHAPE.astype(bool)
    shape = Shape(mine, 0.5)
    mine[:] = False
    assert shape.occupancy.sum() == 4
    with pytest.raises(ValueError, match="read-only"):
        shape.occupancy[0, 0] = False


@pytest.mark.parametrize("text", ["R", "star", "GO"])
def test_load_shape_draws_about_as_many_cells_as_asked(text):
    shape = load_shape(text, cells=500)
    assert len(shape.cells) == pytest.approx(500, rel=0.05)
    np.testing.assert_allclose(shape.centre, [0, 0], atol=1e-9)


def test_the_cell_centres_of_a_letter_span_the_height():
    assert np.ptp(Shape.from_text("R", height=2.2).cells[:, 1]) == pytest.approx(2.2)
    assert np.ptp(Shape.from_figure("star", height=1.5).cells[:, 1]) == pytest.approx(1.5)


def test_a_long_word_is_drawn_smaller_instead_of_leaving_the_arena():
    shape = load_shape("MUSTER")
    assert shape.size[0] == pytest.approx(MAX_WIDTH)
    assert np.ptp(Shape.from_text("MUSTER").cells[:, 1]) == pytest.approx(2.2)


def test_glyphs_are_upright():
    # T has its bar on top, L its foot at the bottom; row 0 is the bottom row.
    bar, foot = Shape.from_text("T").occupancy, Shape.from_text("L").occupancy
    assert bar[-1].all()
    assert not bar[0].all()
    assert foot[0].all()
    assert foot[-1, 0]
    assert not foot[-1, -1]


def test_a_team_fits_when_its_avoid_distance_leaves_a_gap():
    # 1 m² and r = 0.035 m: n < 4/(π·0.09²) = 157.19, so 157 robots fit and 158 do not.
    shape = Shape(np.ones((10, 10)), 0.1)
    shape.check_team(157, 0.035)
    with pytest.raises(MusterError, match=r"158 robots of radius 0.035 m do not fit .* 1.00 m²: it holds 157\. Send"):
        shape.check_team(158, 0.035)


@given(lattices(), pitches, st.integers(1, 400), st.floats(0.01, 0.3))
@settings(max_examples=200)
def test_the_number_that_fits_is_the_largest_accepted(occupancy, pitch, team_size, radius):
    shape = Shape(occupancy, pitch)
    try:
        shape.check_team(team_size, radius)
    except MusterError as error:
        most = int(str(error).split("it holds ")[1].split(".")[0])
        assert most < team_size
        if most > 0:
            shape.check_team(most, radius)
        with pytest.raises(MusterError, match="do not fit"):
            shape.check_team(most + 1, radius)


@pytest.mark.parametrize("team_size", [0, -3, 2.5, True, None])
def test_team_sizes_that_are_none(team_size):
    with pytest.raises(MusterError, match=r"team_size is .*whole number of at least 1"):
        Shape(np.ones((3, 3)), 0.1).avoid_distance(team_size)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Shape(np.zeros((4, 5)), 0.1), "no cell: none of its 4 x 5 places"),
        (lambda: Shape(np.zeros((0, 5)), 0.1), "no cell"),
        (lambda: Shape(np.ones(5), 0.1), "1 dimensions; it must have 2"),
        (lambda: Shape(np.ones((1025, 2)), 0.1), "1025 x 2 cells is too large; at most 1024 x 1024"),
        (lambda: Shape(np.ones((2, 2)), 0.0), "pitch is 0.0; it must be above 0"),
        (lambda: Shape(np.ones((2, 2)), -0.1), "pitch is -0.1; it must be above 0"),
        (lambda: Shape(np.ones((2, 2)), math.nan), "pitch is nan; it must be finite"),
        (lambda: Shape(np.ones((2, 2)), "wide"), "pitch is 'wide'; it must be a number"),
        (lambda: Shape(np.ones((2, 2)), 0.1, origin_x=math.inf), "origin_x is inf; it must be finite"),
        (lambda: Shape(np.ones((2, 2)), 0.1).moved(0, math.nan, 0), "y is nan; it must be finite"),
        (lambda: Shape.from_array([[1.0, math.nan]], 0.1), "not finite numbers"),
        (lambda: Shape.from_array([["a"]], 0.1), "not finite numbers"),
        (lambda: Shape.from_occupancy_grid([0] * 6, 3, 2, 0.1), "no cell"),
        (lambda: Shape.from_occupancy_grid([100] * 5, 3, 2, 0.1), "holds 5 values; 3 x 2 cells need 6"),
        (lambda: Shape.from_occupancy_grid([], 0, 0, 0.1), "0 x 0 cells is no shape; each side must be 1…1024"),
        (lambda: Shape.from_occupancy_grid([100], 1, 100_000, 0.1), "1 x 100000 cells is no shape"),
        (lambda: Shape.from_occupancy_grid([101], 1, 1, 0.1), "not whole numbers from -1 to 100"),
        (lambda: Shape.from_occupancy_grid([0.5], 1, 1, 0.1), "not whole numbers from -1 to 100"),
        (lambda: Shape.from_occupancy_grid([100], 1, 1, 0.0), "pitch is 0.0"),
        (lambda: Shape.from_text("R", height=0.0), "height is 0.0; it must be above 0"),
        (lambda: Shape.from_text("R", height=math.inf), "height is inf; it must be finite"),
        (lambda: Shape.from_text("R", cells=3), "3 cells cannot be drawn; ask for 4 to 100000"),
        (lambda: Shape.from_text("R", cells=0), "cells is 0; it must be a whole number"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(MusterError, match=message):
        make()
