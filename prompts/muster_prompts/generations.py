"""Recorded generations: real answers of a language model to the shipped prompts, unedited, failures kept.

Each has a folder ``<task>-<condition>-<sample>`` with every prompt and raw answer and ``generation.json``: the hashes
of both, and what the gate said. ``muster-write`` replays them where there is no model to ask, and
``muster-write report`` counts them.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from muster_core.errors import MusterError
from muster_prompts.answers import read_answer
from muster_prompts.conversation import NoRecording, Reply, Request
from muster_prompts.program import replace_text
from muster_prompts.prompting import Conditions
from muster_prompts.writing import Draft

SHIPPED = Path(str(files("muster_prompts") / "generations"))
"""Generations that come with the package."""
FORMAT = 1
"""Version of ``generation.json``."""
TASKS: dict[str, str] = {
    "letter-r": "thirty robots gather into the letter R, keep apart, spread evenly",
    "ring": "twenty robots guard a ring: they spread along it evenly and never bunch up",
    "crescent": "thirty robots draw a crescent moon that opens to the right, and come to rest there",
    "l-building": "fill the floor of an L-shaped building evenly with thirty robots, without crowding the corner",
}
"""Sentences that answers were recorded for."""
CONDITIONS = ("full", "no-cot", "no-api")
"""The paper's ablation: the whole prompt, without the questions, without the basic functions."""
SAMPLES = 2
"""Answers for each task and condition."""


@dataclass(frozen=True)
class Place:
    """Which generation."""

    task: str
    """In TASKS."""
    condition: str
    """In CONDITIONS."""
    sample: int
    """From 0."""

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.task}-{self.condition}-{self.sample}"

    @property
    def conditions(self) -> Conditions:
        """What its prompts contain."""
        return Conditions.named(self.condition)


PLACES: tuple[Place, ...] = tuple(
    Place(task, condition, sample) for task in TASKS for condition in CONDITIONS for sample in range(SAMPLES)
)
"""All of them, in the order of the numbers that ``muster-write prompts`` gives them."""


@dataclass(frozen=True)
class Step:
    """One prompt and its answer."""

    stage: str
    """``write``, ``review`` or ``repair``."""
    prompt: str
    """Name of the file."""
    answer: str
    """Name of the file."""
    key: str
    """Of the request, see :class:`muster_prompts.conversation.Request`."""
    answer_hash: str
    """SHA-256 of the answer's bytes."""
    complaints: list[str]
    """What the gate said (of a review: what it found); empty when nothing was wrong."""


@dataclass(frozen=True)
class Generation:
    """One recorded generation."""

    place: Place
    """Which one."""
    folder: Path
    """Where it is kept."""
    answered_by: str
    """Who answered, as the one who recorded it says."""
    accepted: bool
    """Whether some version passed the gate, its shape included."""
    steps: tuple[Step, ...]
    """In the order in which they happened."""
    figures: dict[str, Any]
    """Of the version that passed: its trial flight, and the rank correlation of its reward with coverage."""

    @property
    def accepted_at_once(self) -> bool:
        """Whether the first answer passed as it was."""
        return not self.steps[0].complaints

    @property
    def repairs(self) -> int:
        """Corrections that it took or failed with."""
        return sum(step.stage == "repair" for step in self.steps)


class Generations:
    """Recorded generations as a source of answers, see :class:`muster_prompts.conversation.Model`."""

    def __init__(self, folder: Path = SHIPPED) -> None:
        """``folder``: of generations; it is read when something is asked."""
        self._folder = folder

    def ask(self, request: Request) -> Reply:
        """The recorded answer to exactly this prompt.

        Raises:
            NoRecording: there is none.
            MusterError: it was changed since.
        """
        for generation in read_generations(self._folder) if self._folder.is_dir() else []:
            for step in generation.steps:
                if step.key == request.key:
                    return Reply(read_answer_file(generation.folder, step), generation.answered_by, "recorded")
        raise NoRecording(request)


def write_generation(
    folder: Path, place: Place, sentence: str, answered_by: str, draft: Draft, figures: dict[str, Any]
) -> Path:
    """Keep ``draft`` in a folder of its own below ``folder``; ``generation.json`` comes last."""
    own = folder / place.name
    steps = []
    for number, exchange in enumerate(draft.exchanges, 1):
        prompt, answer = (f"{number}-{exchange.stage}.{kind}.md" for kind in ("prompt", "answer"))
        replace_text(own / prompt, exchange.request.prompt)
        replace_text(own / answer, exchange.reply.text)
        steps.append(
            Step(
                exchange.stage,
                prompt,
                answer,
                exchange.request.key,
                _hash(exchange.reply.text),
                list(exchange.complaints),
            )
        )
    content = {
        "format": FORMAT, **asdict(place), "sentence": sentence, "answered_by": answered_by,
        "accepted": draft.answer is not None, "figures": figures, "steps": [asdict(step) for step in steps],
    }  # fmt: skip
    replace_text(own / "generation.json", json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return own


def read_generations(folder: Path) -> Iterator[Generation]:
    """All generations below ``folder``, by name.

    Raises:
        MusterError: no folder, nothing in it, or a damaged file.
    """
    paths = sorted(folder.glob("*/generation.json")) if folder.is_dir() else []
    if not paths:
        raise MusterError(
            f"There are no recorded generations in {folder}; name their folder, or make some: muster-write ingest"
        )
    for path in paths:
        yield _read_generation(path)


def read_answer_file(folder: Path, step: Step) -> str:
    """The raw answer of ``step``.

    Raises:
        MusterError: it is gone, or was edited since it was recorded.
    """
    try:
        text = (folder / step.answer).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MusterError(f"{folder / step.answer} cannot be read ({type(error).__name__})") from None
    if _hash(text) != step.answer_hash:
        raise MusterError(f"{folder / step.answer} was edited after it was recorded; restore it")
    return text


def program_text(generation: Generation) -> str | None:
    """The program of the last version that passed; None where none did."""
    for step in reversed(generation.steps):
        if step.stage != "review" and not step.complaints:
            return read_answer(read_answer_file(generation.folder, step), structured=False).program
    return None


def _read_generation(path: Path) -> Generation:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']}, not {FORMAT}")
        place = Place(content["task"], content["condition"], int(content["sample"]))
        steps = tuple(Step(**step) for step in content["steps"])
        if not steps or path.parent.name != place.name:
            raise ValueError("no steps, or another folder's")
        return Generation(
            place, path.parent, str(content["answered_by"]), bool(content["accepted"]), steps, dict(content["figures"])
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MusterError(f"{path} is no recorded generation ({type(error).__name__}: {error})") from None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
