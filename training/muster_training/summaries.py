"""From the figures of single episodes to those of a shape and of many shapes, with intervals; nothing is dropped.

A time that was never reached counts as infinite in a median, which is None where half of them were not reached.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from muster_core.metrics import contact_bound
from muster_training.statistics import estimate, finite_or_none, interquartile_mean, median

AVERAGED = (
    "coverage", "coverage_best", "coverage_normalised", "area_coverage", "entering_rate", "voronoi_variance",
    "spacing_variation", "intrusiveness", "filter_share",
)  # fmt: skip
"""Figures whose mean over episodes, and then over shapes, is reported."""

Row = Mapping[str, float]
"""Figures of one episode, as :func:`muster_sim.rollouts.describe` gives them."""


def summarise_shape(rows: Sequence[Row]) -> dict[str, Any]:
    """Figures of one shape: means of its episodes, medians of times, contacts counted, the smallest clearance."""
    return {
        **{key: finite_or_none(_mean(rows, key)) for key in AVERAGED},
        "coverage_normalised_episodes": [round(row["coverage_normalised"], 4) for row in rows],
        **_over_episodes(rows),
    }


def summarise_shapes(shapes: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """Figures of several shapes: means over shapes of their means; times, contacts and clearance over all episodes.

    The 95 % intervals resample the episodes within each shape.
    """
    everyone = [row for rows in shapes.values() for row in rows]
    ratios = {name: np.array([row["coverage_normalised"] for row in rows]) for name, rows in shapes.items()}
    means = {name: float(values.mean()) for name, values in ratios.items()}
    mean, middle = (estimate(list(ratios.values()), *kind) for kind in ((), (interquartile_mean,)))
    worst = min(means, key=means.__getitem__)
    return {
        **{key: finite_or_none(float(np.mean([_mean(rows, key) for rows in shapes.values()]))) for key in AVERAGED},
        "coverage_normalised_interval_95": [mean.low, mean.high],
        "coverage_normalised_iqm": middle.value,
        "coverage_normalised_iqm_interval_95": [middle.low, middle.high],
        "coverage_normalised_percentile_5": float(np.quantile(np.concatenate(list(ratios.values())), 0.05)),
        "worst_shape": worst,
        "worst_shape_coverage_normalised": means[worst],
        **_over_episodes(everyone),
        "shape_count": len(shapes),
    }


def _over_episodes(rows: Sequence[Row]) -> dict[str, Any]:
    """Figures that are counted or ordered over all episodes, whichever shape they are of."""
    contacts, steps = int(sum(row["contacts"] for row in rows)), int(sum(row["robot_steps"] for row in rows))
    times = [row["convergence_time_s"] for row in rows]
    gaps = [row["optimality_gap"] for row in rows if not np.isnan(row["optimality_gap"])]
    return {
        "convergence_time_s": finite_or_none(median(times)),
        "censored": int(np.isinf(times).sum()),
        "optimality_gap": finite_or_none(median(gaps)) if gaps else None,
        "optimality_gap_episodes": len(gaps),
        "optimality_gap_censored": int(np.isinf(gaps).sum()),
        "short_bounds_left_out": len(rows) - len(gaps),
        "contacts": contacts,
        "robot_steps": steps,
        "contacts_per_million": contacts / steps * 1e6,
        "contacts_per_million_95": contact_bound(contacts, steps),
        "minimum_clearance_m": min(row["minimum_clearance_m"] for row in rows),
        "episodes": len(rows),
    }


def _mean(rows: Sequence[Row], key: str) -> float:
    return float(np.mean([row[key] for row in rows]))
