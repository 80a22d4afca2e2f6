"""Recording answers by hand: prompts go out as numbered files, answers come back beside them, in several turns.

``muster-write prompts FOLDER`` writes ``NN.prompt.md``. Somebody puts the raw answer of a language model at
``NN.answer.md``; ``muster-write ingest FOLDER`` gives it to the gate as ``muster-write`` itself would, and where a
correction or a review is asked for, writes ``NN.2.prompt.md`` and so on. What was answered so far is kept as
recorded generations (:mod:`muster_prompts.generations`).
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from muster_core.errors import MusterError, unknown
from muster_prompts.conversation import NoRecording, Reply, Request
from muster_prompts.gate import Gate
from muster_prompts.generations import PLACES, TASKS, Place, write_generation
from muster_prompts.program import replace_text
from muster_prompts.prompting import Task, write_prompt
from muster_prompts.trial_figures import trial_figures
from muster_prompts.writing import Draft, Writer

INDEX = "index.json"
"""Which number is which generation."""


def write_prompts(folder: Path) -> list[Path]:
    """The first prompt of every generation, as ``NN.prompt.md``, exactly as ``muster-write`` asks.

    Raises:
        MusterError: the folder has an index of something else, or cannot be written.
    """
    index = {f"{number:02d}": asdict(place) for number, place in enumerate(PLACES, 1)}
    if (folder / INDEX).exists() and read_index(folder) != {n: Place(**place) for n, place in index.items()}:
        raise MusterError(f"{folder / INDEX} numbers other generations; choose another folder")
    paths = []
    for number, place in zip(index, PLACES, strict=True):
        replace_text(folder / f"{number}.prompt.md", write_prompt(Task(TASKS[place.task]), place.conditions))
        paths.append(folder / f"{number}.prompt.md")
    replace_text(folder / INDEX, json.dumps(index, indent=1) + "\n")
    return paths


def read_index(folder: Path) -> dict[str, Place]:
    """Number to generation.

    Raises:
        MusterError: ``folder`` was not written by :func:`write_prompts`.
    """
    path = folder / INDEX
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = {str(number): Place(**place) for number, place in content.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise MusterError(
            f"{path} cannot be read ({type(error).__name__}); write prompts first: muster-write prompts {folder}"
        ) from None
    for place in found.values():
        if place not in PLACES:
            raise unknown("generation", place.name, [known.name for known in PLACES])
    return found


class Desk:
    """Answers to one numbered generation, as files in a folder; see :class:`muster_prompts.conversation.Model`."""

    def __init__(self, folder: Path, number: str, answered_by: str) -> None:
        """``number``: as in the index; ``answered_by``: who wrote the answers."""
        self._folder, self._number, self._answered_by = folder, number, answered_by

    def ask(self, request: Request) -> Reply:
        """The answer beside the prompt that says the same; where there is no such prompt, one is written.

        Raises:
            NoRecording: it is not answered yet.
            MusterError: an answer is no text.
        """
        turn = 1
        while (path := self._file(turn, "prompt")).exists():
            if path.read_text(encoding="utf-8") == request.prompt:
                return self._answer(turn, request)
            turn += 1
        if turn == 1:
            raise MusterError(f"There is no {path}; write prompts first: muster-write prompts {self._folder}")
        replace_text(path, request.prompt)
        raise NoRecording(request)

    def has_first_answer(self) -> bool:
        """Whether anything was answered."""
        return self._file(1, "answer").exists()

    def _answer(self, turn: int, request: Request) -> Reply:
        path = self._file(turn, "answer")
        if not path.exists():
            raise NoRecording(request)
        try:
            text = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            raise MusterError(f"{path} is no answer: it is not UTF-8 text") from None
        if not text.strip():
            raise MusterError(f"{path} is empty; delete it, or put the model's answer there")
        return Reply(text, self._answered_by)

    def _file(self, turn: int, kind: str) -> Path:
        return self._folder / f"{self._number}{f'.{turn}' if turn > 1 else ''}.{kind}.md"


def ingest(
    folder: Path,
    to: Path,
    answered_by: str,
    gate: Gate,
    repairs: int,
    review: bool,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Draft]:
    """Every answered generation of ``folder``, judged and kept below ``to``; by name.

    Raises:
        MusterError: a folder or answer that is none; prompts that are not those shipped now.
    """
    found = {}
    for number, place in read_index(folder).items():
        desk = Desk(folder, number, answered_by)
        if not desk.has_first_answer():
            progress(f"{number} {place.name}: not answered")
            continue
        _check_prompt(folder / f"{number}.prompt.md", place)
        writer = Writer(desk, gate, place.conditions, repairs, review, partial=True)
        draft = writer.write(Task(TASKS[place.task]), place.sample)
        figures = trial_figures(draft) if draft.answer is not None else {}
        write_generation(to, place, TASKS[place.task], answered_by, draft, figures)
        found[place.name] = draft
        state = "accepted" if draft.answer is not None else "not accepted"
        waits = ", a prompt waits for its answer" * bool(draft.cut_short)
        progress(f"{number} {place.name}: {state}, {draft.repairs} repairs{waits}")
    return found


def _check_prompt(path: Path, place: Place) -> None:
    if path.read_text(encoding="utf-8") != write_prompt(Task(TASKS[place.task]), place.conditions):
        raise MusterError(f"{path} is not the prompt that is shipped now; its answer would be to another question")
