"""Figures of shapes from those of episodes, worked out by hand: nothing that was never reached is dropped."""

import math

import pytest

from muster_training.summaries import AVERAGED, summarise_shape, summarise_shapes


def row(ratio=0.9, time=5.0, gap=2.0, contacts=0.0, clearance=0.05):
    return {
        **dict.fromkeys(AVERAGED, 0.5),
        "coverage_normalised": ratio,
        "convergence_time_s": time,
        "optimality_gap": gap,
        "contacts": contacts,
        "robot_steps": 1000.0,
        "minimum_clearance_m": clearance,
    }


NEVER = {"time": math.inf, "gap": math.inf}


def test_median_over_all_episodes_with_censored_ones():
    shapes = {"R": [row(time=4.0, gap=2.0), row(**NEVER)], "disc": [row(time=6.0, gap=math.nan), row(**NEVER)]}
    mean = summarise_shapes(shapes)
    # times 4, 6, ∞, ∞ and gaps 2, ∞, ∞: half of them or more were never reached
    assert mean["convergence_time_s"] is None
    assert mean["censored"] == 2
    assert mean["optimality_gap"] is None
    assert (mean["optimality_gap_episodes"], mean["optimality_gap_censored"], mean["short_bounds_left_out"]) == (
        3,
        2,
        1,
    )
    shapes["disc"] = [row(time=6.0, gap=3.0), row(time=9.0, gap=4.0)]
    mean = summarise_shapes(shapes)
    assert mean["convergence_time_s"] == 7.5  # of 4, 6, 9, ∞
    assert mean["optimality_gap"] == 3.5
    assert summarise_shape(shapes["R"])["convergence_time_s"] is None


def test_shapes_weigh_the_same_and_the_worst_is_named():
    mean = summarise_shapes({"R": [row(ratio=0.8)], "disc": [row(ratio=0.9), row(ratio=0.9), row(ratio=0.96)]})
    assert mean["coverage_normalised"] == pytest.approx((0.8 + 0.92) / 2)
    assert (mean["worst_shape"], mean["worst_shape_coverage_normalised"]) == ("R", 0.8)
    low, high = mean["coverage_normalised_interval_95"]
    assert low < mean["coverage_normalised"] < high
    assert mean["coverage_normalised_iqm"] == pytest.approx(0.9)  # the middle two of .8, .9, .9, .96


def test_contacts_are_counted_and_the_smallest_clearance_is_kept():
    found = summarise_shapes({"R": [row(contacts=1.0), row(clearance=-0.01)], "disc": [row(contacts=2.0)]})
    assert (found["contacts"], found["robot_steps"], found["minimum_clearance_m"]) == (3, 3000, -0.01)
    assert found["contacts_per_million"] == 1000.0
    none = summarise_shape([row(), row()])
    assert none["contacts_per_million_95"] == pytest.approx(3.0 / 2000 * 1e6)  # the rule of three


def test_no_bound_that_counts_leaves_no_gap():
    found = summarise_shape([row(gap=math.nan), row(gap=math.nan)])
    assert (found["optimality_gap"], found["optimality_gap_episodes"], found["short_bounds_left_out"]) == (None, 0, 2)
