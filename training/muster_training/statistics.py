"""Figures over episodes and seeds with their uncertainty, as the field reports them.

Intervals hold 95 % and come of a stratified bootstrap; the interquartile mean stands beside the mean because a few bad
episodes move it less (Agarwal et al. 2021, arXiv 2108.13264). What was never reached is infinite, not left out.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import trim_mean

from muster_core.errors import MusterError
from muster_core.types import Array

RESAMPLES = 2000
"""Bootstrap resamples behind an interval."""
SEED = 0
"""Of the resampling, so that the same figures give the same interval."""
COVERED = 0.95
"""Share that an interval holds."""

Statistic = Callable[[Sequence[Array]], Array]
"""From strata, each of shape (..., values), to one number each, shape (...)."""


class Estimate(NamedTuple):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def mean_of_strata(strata: Sequence[Array]) -> Array:
    """The mean over strata of each one's mean, so that every shape weighs the same. Shape: (...)."""
    return np.asarray(np.mean([stratum.mean(axis=-1) for stratum in strata], axis=0))


def interquartile_mean(strata: Sequence[Array]) -> Array:
    """The mean of the middle half of all values together. Shape: (...)."""
    return np.asarray(trim_mean(np.concatenate(strata, axis=-1), 0.25, axis=-1))


def estimate(strata: Sequence[ArrayLike], statistic: Statistic = mean_of_strata) -> Estimate:
    """``statistic`` of the values with the percentile interval of a bootstrap that resamples within each stratum.

    A stratum of one value says nothing of its spread: all such are resampled together. One episode on each of a hundred
    shapes so gives the interval over shapes, two give the interval for these shapes.

    Args:
        strata: values of each stratum (of each shape: its episodes), at least one, all finite.
        statistic: what is estimated.

    Raises:
        MusterError: there is no stratum, an empty one, or a value that is not finite.
    """
    values = [_checked(stratum) for stratum in strata]
    if not values:
        raise MusterError("There are no values to estimate from")
    generator = np.random.default_rng(SEED)
    single = [stratum for stratum in values if len(stratum) == 1]
    resampled = [_resampled(stratum, generator) for stratum in values if len(stratum) > 1]
    if single:
        drawn = _resampled(np.concatenate(single), generator)
        resampled += [drawn[:, k : k + 1] for k in range(len(single))]
    low, high = np.quantile(statistic(resampled), _ends())
    return Estimate(float(statistic(values)), float(low), float(high))


def median(values: ArrayLike) -> float:
    """The median of ``values``, where what was never reached is infinite: infinite itself once half of them are.

    Raises:
        MusterError: there is none, or one is not a number.
    """
    return float(np.median(_checked(values, censored=True)))


def factor_of_medians(slow: ArrayLike, fast: ArrayLike) -> Estimate:
    """How many times the median of ``slow`` is that of ``fast``; both resampled. Values above 0, never reached: inf.

    A resample in which neither was reached could be any factor: it widens the interval to both sides.

    Raises:
        MusterError: one of them is empty, or holds what is not a number above 0.
    """
    above, below = _checked(slow, censored=True), _checked(fast, censored=True)
    if min(above.min(), below.min()) <= 0:
        raise MusterError("A factor needs values above 0")
    generator = np.random.default_rng(SEED)
    medians = [np.median(_resampled(values, generator), axis=1) for values in (above, below)]
    with np.errstate(invalid="ignore"):
        factors = medians[0] / medians[1]
        value = float(np.median(above) / np.median(below))
    first, last = (np.array(_ends()) * (RESAMPLES - 1)).round().astype(int)
    low = np.sort(np.nan_to_num(factors, nan=0.0, posinf=np.inf))[first]
    high = np.sort(np.nan_to_num(factors, nan=np.inf, posinf=np.inf))[last]
    return Estimate(value, float(low), float(high))


def finite_or_none(value: float) -> float | None:
    """``value``, or None where it is infinite or NaN, which JSON cannot hold."""
    return float(value) if np.isfinite(value) else None


def _resampled(values: Array, generator: np.random.Generator) -> Array:
    """``RESAMPLES`` draws of as many values, with replacement. Shape: (RESAMPLES, values)."""
    return np.asarray(generator.choice(values, (RESAMPLES, len(values))))


def _ends() -> tuple[float, float]:
    return 0.5 * (1.0 - COVERED), 0.5 * (1.0 + COVERED)


def _checked(values: ArrayLike, censored: bool = False) -> Array:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not len(array):
        raise MusterError(f"Statistics need a list of at least one number, got shape {array.shape}")
    if np.isnan(array).any() or not (censored or np.isfinite(array).all()):
        raise MusterError(f"Statistics need numbers{'' if censored else ' that are finite'}, got {array.tolist()[:5]}")
    return array
