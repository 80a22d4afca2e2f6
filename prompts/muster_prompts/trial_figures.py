"""What a trial says of a program that passed: a short flight of its prior."""

from dataclasses import asdict
from typing import Any

from muster_prompts.program import Program
from muster_prompts.ranking import trial_flight
from muster_prompts.writing import Draft


def trial_figures(draft: Draft, robots: int = 30) -> dict[str, Any]:
    """Figures of the version of ``draft`` that passed, for ``generation.json``."""
    assert draft.answer is not None
    assert draft.verdict is not None
    assert draft.shape is not None
    program = Program(draft.answer.program, f"sample {draft.sample}", draft.verdict)
    team = draft.answer.plan.robots or robots
    return {"robots": team, "flight": asdict(trial_flight(program, draft.shape, team))}
