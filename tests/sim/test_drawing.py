"""Ink to cells: areas and places by hand, bounds on what is too thin, too small or noise."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from muster_core.errors import MusterError
from muster_sim.drawing import FINE_SIDE, Drawing, fit_box, to_lattice

from .drawings import letter_l, one_line


def test_a_square_becomes_a_square_of_the_nearest_square_number():
    occupancy, notes = to_lattice(Drawing(np.ones((90, 90), dtype=bool)), 100)
    assert occupancy.shape == (10, 10)
    assert occupancy.all()
    assert notes == ()


def test_an_l_keeps_its_free_quarter_and_rows_count_from_below():
    occupancy, _ = to_lattice(Drawing(letter_l()[::-1]), 300)  # sides of 20 cells: 3/4 of 400
    assert occupancy.shape == (20, 20)
    assert occupancy[:10].all()
    assert occupancy[10:, :10].all()
    assert not occupancy[10:, 10:].any()


@pytest.mark.parametrize("cells", [4, 60, 500, 10_000])
def test_the_number_of_cells_is_met(cells):
    y, x = np.mgrid[-1:1:800j, -1:1:800j]
    occupancy, _ = to_lattice(Drawing((x**2 + y**2 < 1) & (x**2 + y**2 > 0.1)), cells)
    assert occupancy.sum() == pytest.approx(cells, rel=0.06, abs=4)


def test_lines_that_cells_cannot_show_are_noted():
    ink = np.zeros((400, 400), dtype=bool)
    ink[100:300, 100:300] = True
    ink[195:205] = ink[:, 195:205] = True  # 10 px, where the cells of the square are some 40 px
    _, notes = to_lattice(Drawing(ink, ("before",)), 25)
    assert notes[0] == "before"
    assert "of the shape is finer than its cells and left out; ask for more cells" in notes[1]
    assert to_lattice(Drawing(ink), 2000)[1] == ()


@pytest.mark.parametrize(
    ("ink", "message"),
    [
        (np.zeros((5, 5), dtype=bool), "nothing to draw"),
        (np.ones((3, 90), dtype=bool), r"90 wide and 3 high; one side may be at most 20 times"),
        (np.eye(1000, dtype=bool) & (np.arange(1000) % 500 == 0), "fills only"),
        (np.random.default_rng(0).random((300, 300)) < 0.5, r"falls into \d+ pieces, like noise"),
    ],
)
def test_what_is_no_shape_is_refused(ink, message):
    with pytest.raises(MusterError, match=message):
        to_lattice(Drawing(ink), 500)


@pytest.mark.parametrize("cells", [3, 100_001, 0, -5])
def test_numbers_of_cells_out_of_reach_are_refused(cells):
    with pytest.raises(MusterError, match=rf"A shape of {cells} cells cannot be drawn; ask for 4 to 100000"):
        to_lattice(Drawing(np.ones((9, 9), dtype=bool)), cells)


def test_dust_beside_a_clear_shape_is_left_out():
    ink = np.zeros((500, 500), dtype=bool)
    ink[100:400, 100:400] = True
    spots = np.random.default_rng(1).integers(0, 500, (200, 2))
    ink[spots[:, 0], spots[:, 1]] = True
    occupancy, _ = to_lattice(Drawing(ink), 400)
    assert occupancy.all()
    assert occupancy.shape == (20, 20)


def test_a_thin_frame_of_the_largest_size_takes_no_long_time():
    ink = np.zeros((FINE_SIDE, FINE_SIDE), dtype=bool)
    ink[:2], ink[-2:], ink[:, :2], ink[:, -2:] = True, True, True, True
    start = time.process_time()
    to_lattice(Drawing(ink), 10_000)
    assert time.process_time() - start < 10.0


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((0, 0, 0, 1), "must have an area"),
        ((0, 0, np.inf, 1), "must have an area"),
        ((0, 0, 21, 1), "21 wide and 1 high"),
        ((1e15, 0, 1e15 + 1, 1), "too fine"),
    ],
)
def test_boxes_without_room_are_refused(box, message):
    with pytest.raises(MusterError, match=message):
        fit_box(*box)


@settings(max_examples=60, deadline=None)
@given(
    ink=arrays.arrays(bool, st.tuples(st.integers(1, 24), st.integers(1, 24))),
    cells=st.integers(4, 200),
)
def test_any_ink_gives_a_tight_lattice_or_one_line(ink, cells):
    try:
        occupancy, _ = to_lattice(Drawing(ink), cells)
    except MusterError as error:
        one_line(error)
        return
    for edge in (occupancy[0], occupancy[-1], occupancy[:, 0], occupancy[:, -1]):
        assert edge.any()
    assert 2 <= occupancy.shape[0] <= 1024
