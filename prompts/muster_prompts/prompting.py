"""Prompts, rendered from the text files in ``templates/``. What they say of API and robots comes from the code."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import jinja2

from muster_core.errors import unknown
from muster_core.figures import DEFAULT_CELLS, DEFAULT_HEIGHT
from muster_core.robot import Arena, RobotModel
from muster_core.scene import Sensing
from muster_prompts.api_text import describe_fields, describe_helpers, describe_numpy
from muster_prompts.contract import MAX_MICROSECONDS
from muster_sim.contract import PERIOD

OFFERED_FIGURES = ("disc", "ring", "star", "square", "triangle", "cross", "arrow", "heart")
"""Figures that prompts name. Not all there are: one more would make recorded answers those to another prompt."""


@dataclass(frozen=True)
class Conditions:
    """What a prompt contains; the defaults are the full prompt, the others the paper's ablation."""

    questions: bool = True
    """Ask the chain-of-thought questions first."""
    helpers: bool = True
    """Offer the basic functions of ``robot``, not only its data."""
    structured: bool = False
    """Ask for one JSON object, for servers that hold a model to a schema; otherwise fenced blocks."""

    @property
    def name(self) -> str:
        """``full``, ``no-cot``, ``no-api`` or ``bare``."""
        return {(True, True): "full", (False, True): "no-cot", (True, False): "no-api"}.get(
            (self.questions, self.helpers), "bare"
        )

    @classmethod
    def named(cls, name: str) -> "Conditions":
        """The conditions of that name.

        Raises:
            MusterError: unknown name.
        """
        found = {
            conditions.name: conditions
            for conditions in map(cls, (True, False, True, False), (True, True, False, False))
        }
        if name not in found:
            raise unknown("condition", name, list(found))
        return found[name]


@dataclass(frozen=True)
class Task:
    """What the user asked for."""

    sentence: str
    """In the user's own words."""
    robots: int = 30
    """Team size that the prompt speaks of."""
    robot: RobotModel = field(default_factory=RobotModel)
    """The robots."""
    arena: Arena = field(default_factory=Arena)
    """Where they drive."""


def write_prompt(task: Task, conditions: Conditions) -> str:
    """The first request: think, then write the program."""
    return _render("write.md", task, conditions)


def review_prompt(task: Task, conditions: Conditions, program: str, goals: str) -> str:
    """The request to judge ``program`` (without comments) against ``goals`` (JSON text)."""
    return _render("review.md", task, conditions, program=program, goals=goals)


def repair_prompt(task: Task, conditions: Conditions, answer: str, complaints: Sequence[str]) -> str:
    """The request to correct ``answer``, which has these ``complaints``."""
    return _render("repair.md", task, conditions, answer=answer, complaints=complaints)


def honest_prompt(assignments: Sequence[str]) -> str:
    """World, API and rules, and which programs are asked for: for those who write programs to try the gate with."""
    return _render("honest.md", Task(""), Conditions(questions=False), assignments=assignments)


def honest_repair_prompt(program: str, complaints: Sequence[str]) -> str:
    """The request to correct one of them."""
    return _render("honest_repair.md", Task(""), Conditions(questions=False), program=program, complaints=complaints)


def _render(template: str, task: Task, conditions: Conditions, **content: Any) -> str:  # noqa: ANN401
    text = (
        _templates()
        .get_template(template)
        .render(
            sentence=task.sentence.strip(),
            robots=task.robots,
            robot=task.robot,
            arena_width=2 * task.arena.half_width,
            arena_height=2 * task.arena.half_height,
            rate=round(1 / PERIOD),
            cells=DEFAULT_CELLS,
            height=DEFAULT_HEIGHT,
            sensing_ratio=Sensing().radius_ratio,
            fields=describe_fields(),
            helpers=describe_helpers() if conditions.helpers else "",
            numpy=describe_numpy(),
            figures=", ".join(OFFERED_FIGURES),
            microseconds=round(MAX_MICROSECONDS),
            questions=conditions.questions,
            structured=conditions.structured,
            **content,
        )
    )
    return text.strip() + "\n"


def _templates() -> jinja2.Environment:
    folder = files("muster_prompts") / "templates"
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
