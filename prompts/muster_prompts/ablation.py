"""What the parts of the prompt are worth: success of recorded generations by condition, as in LAMARL's ablation."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from muster_prompts.generations import CONDITIONS, Generation

PAPER_POINTS = (28.5, 67.5)
"""Points by which chain of thought and basic APIs raise success (LAMARL, arXiv 2506.01538)."""
ENTERED = 0.95
COVERED = 0.6
"""A program works if its prior alone brings this share of the team inside and covers this part of the best layout."""


def works(generation: Generation) -> bool:
    """Whether the first answer passed, its prior alone does the task tolerably, and its reward grows with coverage."""
    return generation.accepted_at_once and _does_the_task(generation)


def works_after_repairs(generation: Generation) -> bool:
    """The same of the version that passed in the end."""
    return generation.accepted and _does_the_task(generation)


MEASURES: dict[str, Callable[[Generation], bool]] = {
    "accepted_at_once": lambda generation: generation.accepted_at_once,
    "accepted": lambda generation: generation.accepted,
    "works_at_once": works,
    "works": works_after_repairs,
}
"""What counts as success."""


def prompt_ablation(generations: Sequence[Generation]) -> dict[str, Any]:
    """Success by measure and condition with 95 % intervals, and the points that the full prompt is ahead.

    Returns:
        ``success[measure][condition]`` with ``generations``, ``successes``, ``share`` and ``interval_95``;
        ``points[measure][condition]``: full minus that condition, in points, with its interval;
        ``paper_points``.
    """
    success: dict[str, Any] = {}
    points: dict[str, Any] = {}
    for measure, succeeded in MEASURES.items():
        rows = {
            name: _row([succeeded(generation) for generation in generations if generation.place.condition == name])
            for name in CONDITIONS
            if any(generation.place.condition == name for generation in generations)
        }
        success[measure] = rows
        points[measure] = {
            name: _difference(rows["full"], row) for name, row in rows.items() if name != "full" and "full" in rows
        }
    return {
        "generations": len(generations),
        "answered_by": sorted({generation.answered_by for generation in generations}),
        "success": success,
        "points": points,
        "paper_points": list(PAPER_POINTS),
    }


def wilson(successes: int, trials: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927); it stays in [0, 1] and holds for few trials.

    Raises:
        ValueError: no trials, or more successes than trials.
    """
    if not 0 <= successes <= trials or trials == 0:
        raise ValueError(f"{successes} of {trials} is no share")
    share = successes / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, centre - half), min(1.0, centre + half)


def _row(outcomes: list[bool]) -> dict[str, Any]:
    low, high = wilson(sum(outcomes), len(outcomes))
    share = sum(outcomes) / len(outcomes)
    return {"generations": len(outcomes), "successes": sum(outcomes), "share": share, "interval_95": [low, high]}


def _difference(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Difference of two shares in points, with Newcombe's interval from the two Wilson intervals (1998, method 10)."""
    (a_low, a_high), (b_low, b_high) = first["interval_95"], second["interval_95"]
    a, b = first["share"], second["share"]
    low = a - b - math.hypot(a - a_low, b_high - b)
    high = a - b + math.hypot(a_high - a, b - b_low)
    return {"points": 100.0 * (a - b), "interval_95": [100.0 * low, 100.0 * high]}


def _does_the_task(generation: Generation) -> bool:
    flight, correlation = generation.figures["flight"], generation.figures["reward_correlation"]
    best = flight["coverage_best"]
    return bool(
        not flight["failure"]
        and flight["entering"] >= ENTERED
        and flight["coverage"] >= COVERED * best
        and correlation is not None
        and correlation > 0.0
    )
