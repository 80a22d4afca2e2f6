"""Means, interquartile means, censored medians and bootstrap intervals against values known otherwise."""

import math

import numpy as np
import pytest
from scipy import stats

from muster_core.errors import MusterError
from muster_training.statistics import Estimate, estimate, factor_of_medians, interquartile_mean, median


def test_every_stratum_weighs_the_same():
    # means 1 and 4; of all five values it would be (3·1 + 2·4)/5 = 2.2
    assert estimate([[1.0, 1.0, 1.0], [3.0, 5.0]]).value == 2.5


def test_interquartile_mean_is_that_of_the_middle_half():
    assert interquartile_mean([np.arange(1.0, 9.0)]) == 4.5  # of 3, 4, 5, 6
    assert interquartile_mean([np.array([0.9, 0.92, 0.94, -50.0])]) == pytest.approx(0.91)


def test_interval_of_a_mean_is_the_normal_one():
    values = np.random.default_rng(5).normal(3.0, 2.0, 400)
    found = estimate([values])
    half = stats.norm.ppf(0.975) * values.std() / math.sqrt(len(values))
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_differences_between_strata_do_not_widen_the_interval():
    near = np.array([0.0, 0.1, 0.2, 0.3])
    stratified = estimate([near, near + 100.0])
    assert stratified.high - stratified.low < 0.3
    assert estimate([np.concatenate([near, near + 100.0])]).high > stratified.high + 10.0


def test_single_values_are_resampled_together():
    ones = np.linspace(0.0, 1.0, 50)
    assert estimate([[value] for value in ones]) == pytest.approx(estimate([ones]), abs=1e-12)


def test_the_same_values_give_the_same_interval():
    assert estimate([[1.0, 2.0, 4.0]]) == estimate([[1.0, 2.0, 4.0]])


@pytest.mark.parametrize(
    ("times", "expected"), [([3.0, math.inf, 5.0], 5.0), ([3.0, math.inf], math.inf), ([2.0, 4.0, 4.0, math.inf], 4.0)]
)
def test_what_was_never_reached_counts_as_infinite(times, expected):
    assert median(times) == expected


def test_factor_of_medians():
    assert factor_of_medians([6.0, 6.0, 6.0], [2.0, 2.0]) == Estimate(3.0, 3.0, 3.0)
    found = factor_of_medians([10.0, 11.0, 12.0, 13.0, 14.0], [4.0, 5.0, 6.0])
    assert found.value == 12.0 / 5.0
    assert 10.0 / 6.0 <= found.low < found.value < found.high <= 14.0 / 4.0


def test_factor_where_some_never_got_there():
    assert factor_of_medians([9.0, 9.0, math.inf], [3.0, 3.0]) == Estimate(3.0, 3.0, math.inf)
    nobody = factor_of_medians([math.inf, math.inf], [math.inf, math.inf])
    assert math.isnan(nobody.value)
    assert (nobody.low, nobody.high) == (0.0, math.inf)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: estimate([]), "no values"),
        (lambda: estimate([[1.0], []]), "at least one number"),
        (lambda: estimate([[1.0, math.inf]]), "that are finite"),
        (lambda: median([1.0, math.nan]), "need numbers"),
        (lambda: factor_of_medians([1.0], [0.0]), "above 0"),
    ],
)
def test_what_gives_no_figure_is_refused(wrong, message):
    with pytest.raises(MusterError, match=message):
        wrong()
