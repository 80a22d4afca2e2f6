"""From a model's answer to a program, a shape and a list of intentions; what does not fit is a complaint, never code.

Two forms are read: fenced blocks (Python, then JSON) and one JSON object that follows ``SCHEMA``. JSON goes through the
json module, Python text only to the gate.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from muster_prompts.refusal import Refused, refuse

MAX_ANSWER = 200_000
"""Longest answer that is looked at [characters]."""
SHAPE_KINDS = ("text", "figure", "polygon", "distance")
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([\w+-]*)[^\n]*\n(.*?)^[ \t]*\1[ \t]*$", re.MULTILINE | re.DOTALL)
_GOAL = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("name", "function", "how")},
    "required": ["name", "function", "how"],
    "additionalProperties": False,
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "analysis": {"type": "string"},
        "program": {"type": "string"},
        "distance": {"type": "string"},
        "robots": {"type": ["integer", "null"]},
        "shape": {
            "type": "object",
            "properties": {"kind": {"type": "string", "enum": list(SHAPE_KINDS)}, "value": {"type": "string"}},
            "required": ["kind", "value"],
            "additionalProperties": False,
        },
        "sub_goals": {"type": "array", "items": _GOAL},
        "capabilities": {"type": "array", "items": _GOAL},
    },
    "required": ["analysis", "program", "distance", "robots", "shape", "sub_goals", "capabilities"],
    "additionalProperties": False,
}
"""What a server with structured outputs holds the first answer to."""
REVIEW_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "approved": {"type": "boolean"},
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("function", "problem", "remedy")},
                "required": ["function", "problem", "remedy"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["approved", "problems"],
    "additionalProperties": False,
}
"""The same for a review."""


@dataclass(frozen=True)
class Plan:
    """What a model says of its program."""

    shape_kind: str
    """One of ``SHAPE_KINDS``."""
    shape_value: str
    """Text, figure, well-known text, or the name of the distance function."""
    robots: int | None
    """Team size that the task names."""
    goals: dict[str, Any]
    """``sub_goals`` and ``capabilities``, as given."""


@dataclass(frozen=True)
class Answer:
    """One answer, taken apart but not judged."""

    program: str
    """Text of the program."""
    distance: str
    """Text of ``sdf``; empty where there is none."""
    plan: Plan
    """The JSON."""


def read_answer(text: str, structured: bool) -> Answer:
    """The parts of an answer.

    Raises:
        Refused: a part is missing or is not what it should be.
    """
    if len(text) > MAX_ANSWER:
        raise refuse(
            "answer",
            f"the answer has {len(text)} characters; at most {MAX_ANSWER} are read",
            "Answer with the blocks only",
        )
    if structured:
        content = _object(text)
        program, distance = _string(content, "program"), str(content.get("distance") or "")
        return Answer(program, distance, read_plan(content))
    blocks = fenced_blocks(text)
    python = [block for language, block in blocks if language in {"python", "py", "python3"}]
    programs = [block for block in python if re.search(r"^def (prior|reward)\(", block, re.MULTILINE)]
    distances = [block for block in python if block not in programs and re.search(r"^def sdf\(", block, re.MULTILINE)]
    if not programs:
        raise refuse(
            "answer",
            "the answer has no Python block with prior and reward",
            "Give one block that begins with ```python",
        )
    if len(programs) > 1:
        raise refuse(
            "answer",
            f"the answer has {len(programs)} Python blocks with prior or reward",
            "Give one block with both functions",
        )
    plans = [block for language, block in blocks if language in {"json", ""} and block.lstrip().startswith("{")]
    if not plans:
        raise refuse("answer", "the answer has no JSON block", "Give one block that begins with ```json")
    return Answer(programs[0], distances[-1] if distances else "", read_plan(_object(plans[-1])))


def read_review(text: str, structured: bool) -> list[str]:
    """Problems that a review found, as sentences; empty when it approves.

    Raises:
        Refused: the answer is no review.
    """
    if len(text) > MAX_ANSWER:
        raise refuse("answer", f"the review has {len(text)} characters", "Answer with the JSON only")
    blocks = [block for language, block in fenced_blocks(text) if language in {"json", ""}]
    content = _object(text if structured or not blocks else blocks[-1])
    problems = content.get("problems")
    if not isinstance(content.get("approved"), bool) or not isinstance(problems, list):
        raise refuse(
            "answer", "the review lacks 'approved' (true or false) or 'problems' (a list)", "Follow the example"
        )
    if content["approved"]:
        return []
    found = [problem for problem in problems if isinstance(problem, dict)][:10]
    return [
        " ".join(f"in {p.get('function', '?')}: {p.get('problem', '?')}. Remedy: {p.get('remedy', '?')}"[:600].split())
        for p in found
    ]


def fenced_blocks(text: str) -> list[tuple[str, str]]:
    """Language and content of every fenced block."""
    return [(language.lower(), block) for _, language, block in _FENCE.findall(text.replace("\r\n", "\n") + "\n")]


def read_plan(content: dict[str, Any]) -> Plan:
    """Check the JSON part.

    Raises:
        Refused: says which entry is missing or wrong.
    """
    shape = content.get("shape")
    if not isinstance(shape, dict) or shape.get("kind") not in SHAPE_KINDS:
        raise refuse(
            "answer", "the JSON lacks 'shape' with a 'kind'", f"Give one of the kinds {', '.join(SHAPE_KINDS)}"
        )
    robots = content.get("robots")
    if robots is not None and (isinstance(robots, bool) or not isinstance(robots, int) or not 2 <= robots <= 500):
        raise refuse("answer", f"'robots' is {robots!r}", "Give a whole number from 2 to 500, or null")
    goals = {name: content.get(name) for name in ("sub_goals", "capabilities")}
    for name, entries in goals.items():
        if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
            raise refuse(
                "answer", f"the JSON lacks the list '{name}'", "Say what each part of the program is meant to do"
            )
    return Plan(str(shape["kind"]), _string(shape, "value"), robots, goals)


def _object(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise refuse("answer", f"the JSON cannot be read ({str(error)[:100]})", "Give one JSON object") from None
    if not isinstance(content, dict):
        raise refuse("answer", "the JSON is not an object", "Give one JSON object in braces")
    return content


def _string(content: dict[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value.strip():
        raise refuse("answer", f"'{name}' is missing or is not text", f"Give '{name}' as text")
    return value


__all__ = [
    "REVIEW_SCHEMA",
    "SCHEMA",
    "Answer",
    "Plan",
    "Refused",
    "fenced_blocks",
    "read_answer",
    "read_plan",
    "read_review",
]
