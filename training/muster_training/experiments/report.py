"""Results as text: the table of each experiment, put between its marks in a hand-written report.

The tables are made from the files of figures alone, so that text and figures cannot drift apart.
"""

import json
import re
from pathlib import Path
from typing import Any

from muster_core.errors import MusterError
from muster_training.experiments.experiment import EXPERIMENTS, Experiment, find_experiment
from muster_training.runs import replace_file

MARKS = re.compile(r"<!-- result: (\S+) -->\n(.*?)<!-- end -->", re.DOTALL)
"""What stands between them is replaced."""
NEEDED = ("command", "commits", "cpu_minutes", "rows", "refused", "versions", "policy_sha256")
"""Entries of a file of figures that a report shows."""


def fill_report(report: Path, results: Path) -> bool:
    """Put the tables of all results into the report, in one step.

    Returns:
        Whether anything changed.

    Raises:
        MusterError: the report or a file of figures cannot be read, or the report has no place for an experiment.
    """
    text = _read(report)
    filled = filled_report(text, str(report), results)
    if filled != text:
        replace_file(report, filled.encode())
    return filled != text


def report_is_current(report: Path, results: Path) -> bool:
    """Whether the report shows what the files of figures say.

    Raises:
        MusterError: as for :func:`fill_report`.
    """
    text = _read(report)
    return filled_report(text, str(report), results) == text


def filled_report(text: str, source: str, results: Path) -> str:
    """``text`` with every experiment's section made anew; ``source`` names it in errors.

    Raises:
        MusterError: see :func:`fill_report`.
    """
    found = [name for name, _ in MARKS.findall(text)]
    for name in EXPERIMENTS:
        if found.count(name) != 1:
            raise MusterError(
                f"{source} has {found.count(name) or 'no'} places for the result of {name!r}; "
                f"it needs one: <!-- result: {name} --> and <!-- end --> on lines of their own"
            )
    for name in found:
        find_experiment(name)
    return MARKS.sub(lambda match: f"<!-- result: {match[1]} -->\n{section(match[1], results)}<!-- end -->", text)


def section(name: str, results: Path) -> str:
    """An experiment's part of the report: how it was run, its table, its picture and what was refused.

    Raises:
        MusterError: the file of figures is damaged.
    """
    experiment = find_experiment(name)
    path = results / f"{name}.json"
    if not path.is_file():
        return f"Not run yet: `muster-experiment run {name}` ({experiment.cost}).\n"
    result = _load(path)
    versions = ", ".join(f"{library} {version}" for library, version in result["versions"].items())
    policy = f", policy file {result['policy_sha256']}" if result["policy_sha256"] else ""
    lines = [
        f"`{result['command']}`",
        "",
        f"Commit {', '.join(result['commits'])}{policy}; {result['cpu_minutes']:g} CPU-minutes; {versions}.",
        "",
        *markdown_table(experiment, result["rows"]),
        "",
        f"![{experiment.question}]({results.name}/{name}.png)",
        "",
    ]
    if experiment.note:
        lines += [experiment.note, ""]
    if result["refused"]:
        lines += ["Refused or failed:", "", *_refusals(result["refused"]), ""]
    return "\n".join(lines)


def markdown_table(experiment: Experiment, rows: list[dict[str, Any]]) -> list[str]:
    """The lines of the experiment's table."""
    columns = experiment.columns
    return [
        "| " + " | ".join(column.heading for column in columns) + " |",
        "|" + "---|" * len(columns),
        *("| " + " | ".join(column.text(row).replace("|", "\\|") for column in columns) + " |" for row in rows),
    ]


def _refusals(refused: dict[str, str]) -> list[str]:
    """Each reason once, with the cells that it was given for."""
    cells: dict[str, list[str]] = {}
    for name, reason in refused.items():
        cells.setdefault(reason, []).append(name)
    return [
        f"- {', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}: {reason}"
        for reason, names in cells.items()
    ]


def _load(path: Path) -> dict[str, Any]:
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MusterError(f"{path} cannot be read as a result ({error}); run the experiment again") from error
    missing = [key for key in NEEDED if key not in content] if isinstance(content, dict) else list(NEEDED)
    if missing:
        raise MusterError(f"{path} is no result: it lacks {', '.join(missing)}; run the experiment again")
    rows = content["rows"]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise MusterError(f"{path} is no result: its rows are {str(rows)[:40]}; run the experiment again")
    return dict(content)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MusterError(f"The report {path} cannot be read ({error}); choose it with --report") from error
