"""The figures against hand-worked scenes, brute force and scipy."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from muster_core.errors import MusterError
from muster_core.metrics import (
    area_coverage,
    contact_bound,
    convergence_time,
    coverage,
    entering_rate,
    refined_cells,
    spacing_variation,
    time_bound,
    travel_time,
    voronoi_variance,
)
from muster_core.shape import Shape, load_shape

ROW = Shape.from_array(np.ones((1, 5)), 1.0)
"""Five cells at x = −2 … 2, y = 0; with two robots the avoid distance is 2·sqrt(5/2π) = 1.784."""
seeds = st.integers(0, 2**32 - 1)


def test_coverage_by_hand():
    assert coverage([[0.0, 0.0]], ROW, 2) == pytest.approx(1 / 5)  # reaches 0.892
    assert coverage([[0.5, 0.0]], ROW, 2) == pytest.approx(2 / 5)
    assert coverage([[0.5, 0.0], [0.6, 0.0]], ROW, 2) == pytest.approx(2 / 5), "covered twice counts once"
    assert coverage([[-1.5, 0.0], [1.5, 0.0]], ROW, 2) == pytest.approx(4 / 5)
    assert coverage([[9.0, 0.0]], ROW, 2) == 0.0


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(1, 12))
def test_moment_figures_against_brute_force(seed, robots):
    generator = np.random.default_rng(seed)
    shape = load_shape("star").moved(0.3, -0.2, float(generator.uniform(-3, 3)))
    positions = generator.normal(0, 0.7, (robots, 2))
    ways = np.linalg.norm(shape.cells[:, None] - positions[None], axis=2)
    reach = math.sqrt(shape.area / (math.pi * robots))
    assert coverage(positions, shape, robots) == (ways <= reach).any(axis=1).mean()
    assert entering_rate(positions, shape) == (ways.min(axis=0) < math.sqrt(2) * shape.pitch / 2).mean()
    counts = np.bincount(ways.argmin(axis=1), minlength=robots)
    assert voronoi_variance(positions, shape) == pytest.approx(counts.var())


def test_refined_cells_fill_their_cells():
    shape = Shape.from_array(np.array([[1, 1], [1, 0]]), 0.4, 0.7, -0.3, 0.6)
    fine = refined_cells(shape, 4)
    assert fine.shape == (3 * 16, 2)
    local = shape.to_local(fine) / 0.1  # in quarters of a cell, from the lattice's corner
    np.testing.assert_allclose(local - np.floor(local), 0.5, atol=1e-9)
    places = {tuple(p) for p in np.floor(local).astype(int)}
    assert places == {(u, v) for u in range(8) for v in range(8) if u < 4 or v < 4}


def test_area_coverage_nears_the_area_of_the_disc():
    # One robot of two in the middle of a large square covers half of its area, whatever the lattice.
    square = Shape.from_array(np.ones((20, 20)), 0.1)
    assert area_coverage([[0.013, 0.027]], square, 2) == pytest.approx(0.5, abs=0.01)
    assert area_coverage([[0.013, 0.027]], square, 2, refine=16) == pytest.approx(0.5, abs=0.001)


def test_entering_rate_by_hand():
    # √2/2 of a pitch of 1 m beside the last cell's centre, and a hair less
    edge = math.sqrt(0.5)
    assert entering_rate([[2 + edge + 1e-9, 0.0], [2 + edge - 1e-9, 0.0], [0.0, 0.7], [0.5, 0.51]], ROW) == 2 / 4


def test_voronoi_variance_by_hand():
    # Cells −2, −1, 0 belong to the first robot, 1 and 2 to the second: variance of (3, 2).
    assert voronoi_variance([[-1.0, 0.0], [1.2, 0.0]], ROW) == pytest.approx(0.25)
    assert voronoi_variance([[0.0, 0.0]], ROW) == 0.0


def test_spacing_variation_by_hand():
    # nearest distances 1, 1, 2: mean 4/3, standard deviation sqrt(2)/3
    assert spacing_variation([[0, 0], [1, 0], [3, 0]]) == pytest.approx(math.sqrt(2) / 4)
    assert spacing_variation([[0, 0], [0, 1], [1, 0], [1, 1]]) == 0.0
    assert math.isnan(spacing_variation([[0.0, 0.0]]))
    assert math.isnan(spacing_variation([[1.0, 0.0], [1.0, 0.0]]))


# -- times -----------------------------------------------------------------------------------------------------------


def test_convergence_time_by_hand():
    """Samples stand after each step of 0.1 s; held for 0.3 s means three of them in a row."""
    inside = np.ones(10)
    good = np.array([0, 0, 1, 1, 0, 1, 1, 1, 1, 1]) * 0.95
    assert convergence_time(inside, good, 0.1, hold=0.3) == pytest.approx(0.6)
    assert convergence_time(inside, good, 0.1, hold=0.2) == pytest.approx(0.3)
    assert convergence_time(inside, good, 0.1, hold=0.5) == pytest.approx(0.6)
    assert convergence_time(inside, good, 0.1, hold=0.6) == math.inf, "the run ended before it was shown"
    assert convergence_time(inside, np.ones(10), 0.1, hold=0.3) == pytest.approx(0.1)
    inside[7] = 29 / 30
    assert convergence_time(inside, good, 0.1, hold=0.3) == math.inf, "everybody must be inside"


def test_convergence_time_edges():
    assert convergence_time(np.array([]), np.array([]), 0.1) == math.inf
    assert convergence_time(np.ones(3), np.full(3, 0.9), 0.1, hold=0.0) == pytest.approx(0.1)
    assert convergence_time(np.ones(30), np.full(30, 0.9), 0.1) == pytest.approx(0.1), "the level itself counts"
    assert convergence_time(np.ones(30), np.full(30, 0.8999), 0.1) == math.inf
    assert convergence_time(np.ones(30), np.full(30, math.nan), 0.1) == math.inf


@given(st.floats(0, 10), st.floats(0.1, 2), st.floats(0.1, 5))
def test_travel_time_by_driving_it(distance, speed, acceleration):
    """Backwards from the time: the way that a trapezoid (or triangle) of that duration covers is the distance."""
    time = travel_time(distance, speed, acceleration)
    peak = min(speed, acceleration * time / 2)
    ramp = peak / acceleration
    assert peak * (time - 2 * ramp) + peak * ramp == pytest.approx(distance, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_time_bound_is_the_bottleneck_over_all_permutations(seed):
    generator = np.random.default_rng(seed)
    starts, points = generator.uniform(-1, 1, (2, 5, 2))
    points[0] = starts[0]  # a way of length zero must not be lost
    longest = min(
        max(np.linalg.norm(starts[i] - points[j]) for i, j in enumerate(order))
        for order in itertools.permutations(range(5))
    )
    assert time_bound(starts, points, 0.8, 1.0) == pytest.approx(travel_time(longest, 0.8, 1.0))


def test_time_bound_of_robots_that_are_there():
    here = np.array([[0.0, 0.0], [1.0, 0.0]])
    assert time_bound(here, here[::-1], 0.8, 1.0) == 0.0


# -- contacts --------------------------------------------------------------------------------------------------------


def test_rule_of_three():
    assert contact_bound(0, 300_000) == pytest.approx(10.0)


@pytest.mark.parametrize("contacts", [0, 1, 2, 5, 20, 300])
def test_contact_bound_lies_between_the_exact_poisson_bounds(contacts):
    """Not below the exact one-sided 95 % bound, not above the two-sided one (Garwood)."""
    one_sided, two_sided = (chi2.ppf(q, 2 * contacts + 2) / 2 for q in (0.95, 0.975))
    assert one_sided - 1e-2 < contact_bound(contacts, 1_000_000) < two_sided + 0.15


@pytest.mark.parametrize("positions", [np.zeros((0, 2)), np.zeros(2), np.zeros((3, 3))])
def test_positions_of_another_shape_are_refused(positions):
    with pytest.raises(MusterError, match="positions have shape"):
        coverage(positions, ROW, 2)
