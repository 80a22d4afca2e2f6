"""``muster-write``: a sentence in, a verified program out."""

import argparse
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from muster_core.cli import CommandParser, run_command
from muster_core.errors import MusterError
from muster_prompts.conversation import FirstOf, Model, Recorder, Recordings
from muster_prompts.gate import Gate
from muster_prompts.generations import Generations
from muster_prompts.generations_cli import VERBS
from muster_prompts.openai_client import ClientConfig, OpenAIModel
from muster_prompts.program import FORMAT, Program, replace_text, write_shape
from muster_prompts.prompting import Conditions, Task, write_prompt
from muster_prompts.ranking import Score, trial_flight
from muster_prompts.writing import Draft, Writer, require_draft


def main() -> None:
    """Entry point."""
    sys.exit(run_command(_run))


def _run() -> int:
    if sys.argv[1:2] and sys.argv[1] in VERBS:
        return VERBS[sys.argv[1]](sys.argv[2:])
    options = _parser().parse_args()
    task, conditions = Task(options.sentence), _conditions(options)
    if not options.sentence.strip() or len(options.sentence) > 2000:
        raise MusterError(
            "The sentence is empty or longer than 2000 characters; say in one or two sentences what the robots shall do"
        )
    if options.show_prompt:
        print(write_prompt(task, conditions), end="")
        return 0
    if options.output is None:
        raise MusterError("Name the folder to write with -o, for example -o programs/letter_r")
    if options.output.exists() and any(options.output.iterdir()):
        raise MusterError(f"{options.output} is not empty; choose another folder with -o")
    if options.samples < 1 or options.repairs < 0:
        raise MusterError(f"samples is {options.samples} and repairs {options.repairs}; at least 1 and 0")
    model, live = _model(options)
    with Gate() as gate:
        _say("the gate's layers hold: " + ", ".join(gate.layers))
        writer = Writer(model, gate, conditions, options.repairs, not options.no_review, _say)
        drafts = [writer.write(task, sample) for sample in range(options.samples)]
    require_draft(drafts)
    scores = {draft.sample: _fly(draft, task) for draft in drafts if draft.answer is not None}
    best = max((draft for draft in drafts if draft.sample in scores), key=lambda draft: scores[draft.sample].value)
    save(options.output, task, conditions, best, drafts, scores)
    _report(options.output, best, scores[best.sample], live, model)
    return 0


def save(
    folder: Path, task: Task, conditions: Conditions, best: Draft, drafts: list[Draft], scores: dict[int, Score]
) -> None:
    """Write the program folder; ``provenance.json`` last, so that a folder that has one is whole."""
    answer, shape, verdict = best.answer, best.shape, best.verdict
    assert answer is not None
    assert shape is not None
    assert verdict is not None
    replace_text(folder / "program.py", answer.program)
    write_shape(folder / "shape.json", shape)
    if answer.distance:
        replace_text(folder / "sdf.py", answer.distance)
    replace_text(folder / "transcript.md", transcript(best))
    last = best.exchanges[-1].reply
    provenance: dict[str, Any] = {
        "format": FORMAT,
        "sentence": task.sentence,
        "robots": answer.plan.robots or task.robots,
        "shape": {"kind": answer.plan.shape_kind, "value": answer.plan.shape_value, "digest": shape.digest},
        "program": Program(answer.program, folder.name, verdict).hash,
        "model": last.model,
        "source": last.source,
        "conditions": conditions.name,
        "repairs": best.repairs,
        "gate": {k: v for k, v in verdict.figures.items() if isinstance(v, float)},
        "samples": [_sample(draft, scores) for draft in drafts],
        "plan": answer.plan.goals,
        "written": time.strftime("%Y-%m-%d"),
    }
    replace_text(folder / "provenance.json", json.dumps(provenance, indent=1, ensure_ascii=False) + "\n")


def transcript(draft: Draft) -> str:
    """All that was said, for people."""
    parts = [f"# How this program was written (sample {draft.sample})\n"]
    for number, exchange in enumerate(draft.exchanges, 1):
        complaints = "".join(f"- {complaint}\n" for complaint in exchange.complaints) or "- nothing\n"
        parts.append(
            f"\n## {number}. {exchange.stage} (prompt {exchange.request.key[:12]}, "
            f"{exchange.reply.model}, {exchange.reply.source})\n\n### Asked\n\n{exchange.request.prompt}\n"
            f"### Answered\n\n{exchange.reply.text}\n\n### To be corrected\n\n{complaints}"
        )
    return "".join(parts)


def _sample(draft: Draft, scores: dict[int, Score]) -> dict[str, Any]:
    score = scores.get(draft.sample)
    return {
        "sample": draft.sample,
        "passed": draft.answer is not None,
        "repairs": draft.repairs,
        "flight": asdict(score) if score else None,
        "complaints": [list(exchange.complaints) for exchange in draft.exchanges],
        "prompts": [exchange.request.key for exchange in draft.exchanges],
    }


def _fly(draft: Draft, task: Task) -> Score:
    assert draft.answer is not None
    assert draft.shape is not None
    assert draft.verdict is not None
    _say(f"sample {draft.sample}: trial flight")
    program = Program(draft.answer.program, f"sample {draft.sample}", draft.verdict)
    return trial_flight(program, draft.shape, draft.answer.plan.robots or task.robots)


def _model(options: argparse.Namespace) -> tuple[Model, bool]:
    """Who answers, and whether it is a live model."""
    key = os.environ.get("OPENAI_API_KEY")
    if options.replay or (not key and not options.base_url):
        _say(
            "No model is asked: answers come from recordings made earlier (set OPENAI_API_KEY or --base-url to ask one)"
        )
        return FirstOf(Recordings(*([options.record] if options.record else [])), Generations()), False
    config = ClientConfig(
        model=options.model, base_url=options.base_url, api_key=key, temperature=options.temperature,
        timeout=options.timeout,
        attempts=options.attempts, price_in=options.price_in, price_out=options.price_out, max_cost=options.max_cost,
        max_tokens=options.max_tokens,
    )  # fmt: skip
    live = OpenAIModel(config, progress=_dots)
    return (Recorder(live, options.record) if options.record else live), True


def _conditions(options: argparse.Namespace) -> Conditions:
    return Conditions(questions=not options.no_cot, helpers=not options.no_api, structured=options.structured)


def _report(folder: Path, best: Draft, score: Score, live: bool, model: Model) -> None:
    print(f"{folder}: program.py, shape.json, provenance.json, transcript.md")
    origin = "written by the model just now" if live else "replayed from recorded answers; no model was asked"
    print(f"  {origin}; {best.repairs} repairs; checked by the gate")
    print(f"  its prior alone, {score.coverage:.1%} of the cells covered after 15 s, {score.contacts} contacts")
    if isinstance(model, OpenAIModel):
        account = model.account
        print(
            f"  {account.requests} requests, {account.prompt_tokens} + {account.completion_tokens} tokens, "
            f"cost {account.cost:.2f}"
        )
    print(f"Train with it: muster-train lamarl --program {folder}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _dots(piece: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write("." if piece else "")
        sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="muster-write", description="Let a language model write prior and reward for a task said in a sentence."
    )
    add = parser.add_argument
    add(
        "sentence",
        help="what the robots shall do, for example 'thirty robots gather into the letter R, keep apart'",
    )
    add("-o", "--output", type=Path, metavar="FOLDER", help="program folder to write; new or empty")
    add(
        "--samples",
        type=int,
        default=1,
        help="programs to have written; the best one in a trial flight is kept (%(default)s)",
    )
    add("--repairs", type=int, default=4, help="corrections that each may ask for (%(default)s)")
    add("--no-review", action="store_true", help="do not have the program reviewed")
    add("--no-cot", action="store_true", help="leave out the questions to think about first")
    add("--no-api", action="store_true", help="leave out the basic functions of robot")
    add("--show-prompt", action="store_true", help="print the first prompt and end")
    add("--model", default=ClientConfig.model, help="model, as the server names it (%(default)s)")
    add(
        "--base-url",
        help="an OpenAI-compatible server, for example http://localhost:11434/v1; the key is OPENAI_API_KEY",
    )
    add(
        "--structured",
        action="store_true",
        help="ask for one JSON object by schema, where the server has structured outputs",
    )
    add("--temperature", type=float, help="sampling temperature; the server's own without it")
    add("--timeout", type=float, default=ClientConfig.timeout, help="longest silence of the server [s] (%(default)s)")
    add(
        "--attempts",
        type=int,
        default=ClientConfig.attempts,
        help="how often a question is asked before giving up (%(default)s)",
    )
    add("--price-in", type=float, default=0.0, help="price of a million prompt tokens (%(default)s)")
    add("--price-out", type=float, default=0.0, help="price of a million answered tokens (%(default)s)")
    add("--max-cost", type=float, default=ClientConfig.max_cost, help="spend no more than this (%(default)s)")
    add(
        "--max-tokens",
        type=int,
        default=ClientConfig.max_tokens,
        help="use no more tokens than this in all (%(default)s)",
    )
    add("--record", type=Path, metavar="FOLDER", help="keep answers there, and take those kept before")
    add("--replay", action="store_true", help="take recorded answers only, even with a key")
    return parser


if __name__ == "__main__":
    main()
