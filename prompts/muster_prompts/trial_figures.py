"""What a trial says of a program that passed: a short flight of its prior, and whether its reward follows coverage."""

from dataclasses import asdict
from typing import Any

from muster_core.errors import WorkFailed
from muster_core.layout import best_layout
from muster_prompts.program import Program
from muster_prompts.ranking import trial_flight
from muster_prompts.reward_check import reward_correlation
from muster_prompts.writing import Draft


def trial_figures(draft: Draft, robots: int = 30) -> dict[str, Any]:
    """Figures of the version of ``draft`` that passed, for ``generation.json``."""
    assert draft.answer is not None
    assert draft.verdict is not None
    assert draft.shape is not None
    program = Program(draft.answer.program, f"sample {draft.sample}", draft.verdict)
    team = draft.answer.plan.robots or robots
    flight = trial_flight(program, draft.shape, team)
    try:
        correlation: float | None = reward_correlation(program, draft.shape, team)
    except WorkFailed:
        correlation = None
    best = best_layout(draft.shape, team).coverage
    return {"robots": team, "flight": {**asdict(flight), "coverage_best": best}, "reward_correlation": correlation}
