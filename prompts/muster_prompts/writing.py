"""From a sentence to a program: write, check, review, repair, within a budget of repairs. No hand in between.

1. The model answers the questions and writes prior, reward and the list of what each part is meant to do.
2. The gate checks the program, and the shape is drawn; what is wrong goes back with the exact reason.
3. What passes is reviewed against that list, comments stripped; problems go back likewise. A review asks once: what
   it wanted may still fail, and then the version that passed before counts.
"""

import ast
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from muster_core.errors import MusterError, WorkFailed
from muster_core.shape import Shape
from muster_prompts.answers import REVIEW_SCHEMA, SCHEMA, Answer, read_answer, read_review
from muster_prompts.conversation import Model, NoRecording, Reply, Request
from muster_prompts.gate import Gate, Verdict
from muster_prompts.prompting import Conditions, Task, repair_prompt, review_prompt, write_prompt
from muster_prompts.refusal import Refused
from muster_prompts.sentence_shape import shape_of


@dataclass(frozen=True)
class Exchange:
    """One question and answer of the transcript."""

    stage: str
    """``write``, ``review`` or ``repair``."""
    request: Request
    """What was asked."""
    reply: Reply
    """What was answered."""
    complaints: tuple[str, ...]
    """What was wrong with it; empty when nothing was."""


@dataclass
class Draft:
    """One sample: a program that passed, or the reasons why none did. It fills while it is written."""

    sample: int
    """Its number."""
    exchanges: list[Exchange] = field(default_factory=list)
    """All that was said."""
    answer: Answer | None = None
    """The answer that passed; None where none did."""
    shape: Shape | None = None
    """Its shape."""
    verdict: Verdict | None = None
    """What the gate said of it."""
    cut_short: str = ""
    """Why no more was asked although something was left to ask, if so."""

    @property
    def repairs(self) -> int:
        """Repairs that were asked for."""
        return sum(exchange.stage == "repair" for exchange in self.exchanges)


@dataclass(frozen=True)
class Passed:
    """An answer of which all parts hold."""

    answer: Answer
    shape: Shape
    verdict: Verdict


class Writer:
    """Writes drafts for one task."""

    def __init__(
        self,
        model: Model,
        gate: Gate,
        conditions: Conditions | None = None,
        repairs: int = 4,
        review: bool = True,
        progress: Callable[[str], None] = lambda text: None,
        partial: bool = False,
    ) -> None:
        """A writer.

        Args:
            model: Who answers.
            gate: Who judges.
            conditions: What the prompts contain.
            repairs: How many times an answer may be corrected.
            review: Whether a program that passed is reviewed.
            progress: Told each step.
            partial: Return a draft also where nothing passed before the answers ended.
        """
        self._model, self._gate, self._partial = model, gate, partial
        self.conditions = conditions or Conditions()
        self._repairs, self._review, self._progress = repairs, review, progress

    def write(self, task: Task, sample: int = 0) -> Draft:
        """One draft; it may have failed, see :attr:`Draft.answer`.

        A program that passed is not lost when a later question (the review, a correction of what it found) has no
        answer: the draft says so in ``cut_short``.

        Raises:
            MusterError: no answer can be had, and none passed before.
        """
        draft = Draft(sample)
        try:
            self._fill(draft, task)
        except (WorkFailed, NoRecording) as error:
            if draft.answer is None and not (self._partial and draft.exchanges):
                raise
            draft.cut_short = str(error)
        return draft

    def _fill(self, draft: Draft, task: Task) -> None:
        sample, schema = draft.sample, SCHEMA if self.conditions.structured else None
        request, stage = Request(write_prompt(task, self.conditions), sample, schema), "write"
        reviewed = not self._review
        for repair in range(self._repairs + 1):
            self._progress(f"sample {sample}: {stage}{f' {repair}' if repair else ''}")
            reply = self._model.ask(request)
            found, complaints = self._assess(reply.text)
            draft.exchanges.append(Exchange(stage, request, reply, complaints))
            if found is not None:
                draft.answer, draft.shape, draft.verdict = found.answer, found.shape, found.verdict
                if reviewed:
                    return
                reviewed, complaints = True, self._problems(task, found.answer, draft)
                if not complaints:
                    return
            request = Request(repair_prompt(task, self.conditions, _shorten(reply.text), complaints), sample, schema)
            stage = "repair"

    def _assess(self, text: str) -> tuple[Passed | None, tuple[str, ...]]:
        """Every part of an answer, judged; all complaints at once, so that one repair can mend them."""
        try:
            answer = read_answer(text, self.conditions.structured)
        except Refused as refused:
            return None, _sentences(refused)
        complaints: tuple[str, ...] = ()
        verdict = self._gate.check(answer.program)
        complaints += tuple(f"In the program, {refusal}" for refusal in verdict.refusals)
        shape: Shape | None = None
        try:
            shape = shape_of(answer, self._gate)
        except Refused as refused:
            complaints += tuple(f"In the shape, {sentence}" for sentence in _sentences(refused))
        if not verdict.accepted or shape is None:
            return None, complaints
        return Passed(answer, shape, verdict), ()

    def _problems(self, task: Task, answer: Answer, draft: Draft) -> tuple[str, ...]:
        """What a review finds in a program that passed; a review that cannot be read finds nothing."""
        self._progress(f"sample {draft.sample}: review")
        goals = json.dumps(answer.plan.goals, indent=1, ensure_ascii=False)
        prompt = review_prompt(task, self.conditions, without_comments(answer.program), goals)
        request = Request(prompt, draft.sample, REVIEW_SCHEMA if self.conditions.structured else None)
        reply = self._model.ask(request)
        try:
            problems = tuple(
                f"A reviewer says: {problem}" for problem in read_review(reply.text, self.conditions.structured)
            )
        except Refused as refused:
            draft.exchanges.append(Exchange("review", request, reply, _sentences(refused)))
            return ()
        draft.exchanges.append(Exchange("review", request, reply, problems))
        return problems


def without_comments(program: str) -> str:
    """The program as a reviewer sees it: no comments, no docstrings. It must have passed the gate."""
    tree = ast.parse(program)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.If | ast.For):
            kept = [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
            node.body[:] = kept or ([] if isinstance(node, ast.Module) else [ast.Pass()])
    return ast.unparse(tree) + "\n"


def require_draft(drafts: list[Draft]) -> None:
    """Refuse to go on without a program.

    Raises:
        WorkFailed: no draft passed; the last complaints are told.
    """
    if not drafts:
        raise MusterError("samples must be at least 1")
    if all(draft.answer is None for draft in drafts):
        last = drafts[-1].exchanges[-1].complaints if drafts[-1].exchanges else ()
        raise WorkFailed(f"No program passed in {len(drafts)} samples. The last one: {' '.join(last) or 'no answer'}")


def _sentences(refused: Refused) -> tuple[str, ...]:
    return tuple(str(refusal) for refusal in refused.refusals)


def _shorten(text: str, most: int = 40_000) -> str:
    return text if len(text) <= most else text[:most] + "\n[the rest of this answer is left out]"
