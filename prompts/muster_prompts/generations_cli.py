"""``muster-write prompts | ingest | report``: recording answers by hand, and what came of those that were recorded."""

import json
import sys
from pathlib import Path

from muster_core.cli import CommandParser
from muster_core.errors import MusterError
from muster_prompts.ablation import PAPER_POINTS, prompt_ablation
from muster_prompts.gate import Gate
from muster_prompts.generations import SHIPPED, Generation, read_generations
from muster_prompts.ingest import ingest, write_prompts


def run_prompts(arguments: list[str]) -> int:
    """``muster-write prompts FOLDER``."""
    parser = CommandParser(
        prog="muster-write prompts", description="Write the shipped prompts, to be answered by hand."
    )
    parser.add_argument("folder", type=Path, help="gets NN.prompt.md; put each raw answer at NN.answer.md")
    folder = parser.parse_args(arguments).folder
    for path in write_prompts(folder):
        print(path)
    return 0


def run_ingest(arguments: list[str]) -> int:
    """``muster-write ingest FOLDER``."""
    parser = CommandParser(
        prog="muster-write ingest",
        description="Give answers recorded by hand to the gate and keep them, failures too, as recorded generations. "
        "Where a correction or review is to be asked for, its prompt is written beside them: answer it, ingest again.",
    )
    parser.add_argument("folder", type=Path, help="as muster-write prompts wrote it, with answers")
    parser.add_argument("--to", type=Path, default=SHIPPED, help="folder of generations (the package's own)")
    parser.add_argument("--answered-by", required=True, metavar="NAME", help="the model that answered")
    parser.add_argument("--repairs", type=int, default=2, help="corrections that each may ask for (%(default)s)")
    parser.add_argument("--review", action="store_true", help="have programs that passed reviewed, too")
    options = parser.parse_args(arguments)
    if options.repairs < 0 or not options.answered_by.strip():
        raise MusterError(f"repairs is {options.repairs}, answered-by {options.answered_by!r}; at least 0, and a name")
    with Gate() as gate:
        found = ingest(
            options.folder, options.to, options.answered_by, gate, options.repairs, options.review,
            lambda text: print(text, file=sys.stderr, flush=True),
        )  # fmt: skip
    waiting = sum(bool(draft.cut_short) for draft in found.values())
    accepted = sum(draft.answer is not None for draft in found.values())
    print(f"{len(found)} generations kept in {options.to}, {accepted} accepted, {waiting} wait for another answer")
    return 0


def run_report(arguments: list[str]) -> int:
    """``muster-write report``."""
    parser = CommandParser(
        prog="muster-write report",
        description="Success of the recorded generations by condition, with 95 %% intervals.",
    )
    parser.add_argument("--generations", type=Path, default=SHIPPED, help="their folder (the package's own)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    options = parser.parse_args(arguments)
    generations = list(read_generations(options.generations))
    report = prompt_ablation(generations)
    if options.json:
        print(json.dumps({**report, "each": [_row(g) for g in generations]}))
        return 0
    for generation in generations:
        print(f"{generation.place.name:24} {_told(generation)}")
    for measure, conditions in report["success"].items():
        print(f"\n{measure}:")
        for name, row in conditions.items():
            low, high = row["interval_95"]
            share = f"{row['share']:6.1%}  ({low:.1%} … {high:.1%})"
            print(f"  {name:8} {row['successes']:3} of {row['generations']:<3} {share}")
    low, high = PAPER_POINTS
    print(f"\nLAMARL's paper: questions and basic functions together raise success by {low} … {high} points")
    return 0


VERBS = {"prompts": run_prompts, "ingest": run_ingest, "report": run_report}
"""First words of ``muster-write`` that are no sentence."""


def _row(generation: Generation) -> dict[str, object]:
    return {
        "name": generation.place.name,
        "accepted_at_once": generation.accepted_at_once,
        "accepted": generation.accepted,
        "repairs": generation.repairs,
        "figures": generation.figures,
        "complaints": [step.complaints for step in generation.steps],
    }


def _told(generation: Generation) -> str:
    if not generation.accepted:
        return f"refused: {' '.join(generation.steps[-1].complaints)[:160]}"
    flight, correlation = generation.figures["flight"], generation.figures["reward_correlation"]
    after = f" after {generation.repairs} corrections" if generation.repairs else ""
    return (
        f"accepted{after}; prior alone covers {flight['coverage']:.1%} (best {flight['coverage_best']:.1%}), "
        f"{flight['entering']:.0%} inside; "
        f"reward's rank correlation with coverage {'none' if correlation is None else f'{correlation:.2f}'}"
    )
