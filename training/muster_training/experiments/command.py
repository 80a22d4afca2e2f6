"""``muster-experiment``: answer a question with figures, intervals, a table and a picture, by one command."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table

from muster_core.cli import run_command
from muster_core.errors import WorkFailed
from muster_training.experiments.experiment import EXPERIMENTS, Experiment, ExperimentSettings, find_experiment
from muster_training.experiments.report import fill_report, report_is_current
from muster_training.experiments.running import run_experiment
from muster_training.interface import parse_verb

RESULTS = Path("docs/results")
"""Where figures and pictures go."""
REPORT = Path("docs/results.md")
"""The report that shows them."""
WIDTH = 180
"""Of a table that no terminal shows [characters]."""


@dataclass(frozen=True)
class ListExperiments:
    """Name the experiments, what each asks and how long it takes."""

    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print one JSON object instead of a table."""


@dataclass(frozen=True)
class RunExperiment:
    """Run an experiment, or what is left of it, and write its figures, table and picture.

    Every finished cell is kept at once in OUT/EXPERIMENT/cells.jsonl: the same command continues after a kill and ends
    with the same figures. RESULTS/EXPERIMENT.json and .png hold the result; muster-experiment report puts it into the
    report. A cell that is refused (a policy that was not trained for a team's size, say) is named in the result.

    Example: muster-experiment run shapes --policy shipped --processes 2
    """

    experiment: tyro.conf.Positional[str]
    """Which one: muster-experiment list names them."""
    settings: ExperimentSettings = field(default_factory=ExperimentSettings)
    out: Path = Path("runs/experiments")
    """Folder for the work."""
    results: Path = RESULTS
    """Folder for figures and pictures."""
    processes: int = 1
    """Cells worked on at a time; the figures are the same."""
    fresh: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Forget what was done before."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print the result as one JSON object instead of a table."""


@dataclass(frozen=True)
class ReportResults:
    """Put the tables of all results into the report, between the marks that name each experiment.

    Example: muster-experiment report --check
    """

    results: Path = RESULTS
    """Folder of the figures."""
    report: Path = REPORT
    """The report."""
    check: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Change nothing; fail if the report does not show what the figures say."""


VERBS = {"list": ListExperiments, "run": RunExperiment, "report": ReportResults}


def main() -> None:
    """Entry point."""
    sys.exit(run_command(_main))


def _main() -> None:
    command = parse_verb(VERBS, "muster-experiment")
    if isinstance(command, ListExperiments):
        _list(command)
    elif isinstance(command, RunExperiment):
        _run(command)
    elif isinstance(command, ReportResults):
        _report(command)


def _list(command: ListExperiments) -> None:
    known = [find_experiment(name) for name in EXPERIMENTS]
    if command.json:
        print(json.dumps({e.name: {"question": e.question, "cost": e.cost} for e in known}))
        return
    for experiment in known:
        print(f"{experiment.name:8} {experiment.question}\n{'':8} {experiment.cost}")


def _run(command: RunExperiment) -> None:
    experiment = find_experiment(command.experiment)
    result = run_experiment(
        experiment, command.settings, command.out, command.results, command.processes, command.fresh, command.json
    )
    if command.json:
        print(json.dumps(result))
        return
    wide = Console()
    wide.width = wide.width if wide.is_terminal else WIDTH
    wide.print(_table(experiment, result["rows"]))
    for cell, reason in result["refused"].items():
        print(f"refused: {cell}: {reason}")
    print(f"written: {command.results / experiment.name}.json and .png")


def _report(command: ReportResults) -> None:
    if not command.check:
        changed = fill_report(command.report, command.results)
        print(f"{command.report}: {'tables made anew' if changed else 'up to date'}")
    elif not report_is_current(command.report, command.results):
        raise WorkFailed(f"{command.report} does not show what {command.results} says: muster-experiment report")


def _table(experiment: Experiment, rows: list[dict[str, object]]) -> Table:
    table = Table(title=experiment.question)
    for column in experiment.columns:
        table.add_column(column.heading)
    for row in rows:
        table.add_row(*(column.text(row) for column in experiment.columns))
    return table


if __name__ == "__main__":
    main()
