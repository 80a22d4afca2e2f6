"""Cells that fly a controller over a shape, and the rows and columns that such experiments share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from muster_core.robot import Arena
from muster_sim.assembly import AssemblyConfig
from muster_training.experiments.experiment import Column, Figures, Label, Outcome, TableRow
from muster_training.flying import ShapeFlight, fly_shape
from muster_training.statistics import finite_or_none, median
from muster_training.summaries import summarise_shapes

STEPS = 300
"""Steps of an episode of 30 robots."""
REFERENCE_TEAM = 30
"""Team size whose shape is 2.2 m high; larger teams get larger shapes, so that the avoid distance stays."""

CEILING = (
    "*Ratio* is coverage divided by the best layout known (M1\\*), the ceiling, which is 1.0 by definition; *ceiling* "
    "is that layout's own coverage. Intervals hold 95 % and resample the episodes within each shape (the shapes, where "
    "each has one episode). *T.90* is the median over all episodes, with those that never reached it counted infinite "
    "(`–` once they are half); *never* is their number."
)


@dataclass(frozen=True)
class FlightCell:
    """Episodes of one controller over one shape."""

    marks: tuple[tuple[str, Label], ...]
    """The labels, in the order of the table's columns."""
    flight: ShapeFlight

    @property
    def name(self) -> str:
        """See :class:`Cell`."""
        return "/".join([*(str(value) for _, value in self.marks), self.flight.shape])

    @property
    def labels(self) -> Mapping[str, Label]:
        """See :class:`Cell`."""
        return dict(self.marks)

    def run(self, folder: Path) -> Sequence[Figures]:
        """See :class:`Cell`."""
        return fly_shape(self.flight)[0]


def flight_cells(
    labels: Mapping[str, Label], flight: ShapeFlight, shapes: Sequence[str], seed: int
) -> list[FlightCell]:
    """One cell per shape; place in ``shapes`` and ``seed`` decide the starts, so that all controllers have the same."""
    return [
        FlightCell(
            tuple(labels.items()),
            replace(flight, task=replace(flight.task, shapes=(name,)), seed=(seed, place)),
        )
        for place, name in enumerate(shapes)
    ]


def team_task(robots: int, world: str = "bullet") -> AssemblyConfig:
    """The evaluation task; beyond 30 robots shape, arena, cells and time grow so that everybody has as much of each."""
    scale = max(1.0, robots / REFERENCE_TEAM) ** 0.5
    return AssemblyConfig(
        robots=robots,
        height=2.2 * scale,
        cells=round(500 * scale**2),
        arena=Arena(2.4 * scale, 2.4 * scale),
        episode_steps=round(STEPS * scale),
        world=world,
    )


def flight_rows(outcomes: Sequence[Outcome]) -> list[TableRow]:
    """One row for each set of labels, over its shapes; ratios by the best layout that any cell knew.

    A rollout that beats the best layout raises it for those after it: dividing by the highest makes all rows comparable
    and independent of the order of the work.
    """
    best: dict[tuple[str, int], float] = {}
    for outcome in outcomes:
        for figures in outcome.figures:
            place = _yardstick(outcome, figures)
            best[place] = max(best.get(place, 0.0), figures["coverage_best"])
    groups: dict[tuple[tuple[str, Label], ...], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(tuple(outcome.cell.labels.items()), []).append(outcome)
    return [{**dict(labels), **_row(group, best)} for labels, group in groups.items()]


def ratio_text(row: TableRow) -> str:
    """The ratio with its interval."""
    if row.get("coverage_normalised") is None:
        return "refused"
    low, high = row["coverage_normalised_interval_95"]
    return f"{row['coverage_normalised']:.3f} ({low:.3f}–{high:.3f})"


def label_column(key: str, heading: str | None = None) -> Column:
    """A column that shows a label."""
    return Column(heading or key, lambda row: str(row[key]))


def figure_column(key: str, heading: str, digits: int = 3) -> Column:
    """A column that shows a number, or a dash."""
    return Column(heading, lambda row: _number(row.get(key), digits))


FLIGHT_COLUMNS = (
    Column("ratio (95 %)", ratio_text),
    figure_column("coverage_normalised_iqm", "IQM"),
    figure_column("coverage_normalised_percentile_5", "5th percentile"),
    figure_column("coverage_best", "ceiling"),
    figure_column("entering_rate", "inside", 4),
    figure_column("convergence_time_s", "T.90 [s]", 1),
    Column("never", lambda row: f"{row['censored']} of {row['episodes']}" if "censored" in row else "–"),
    figure_column("optimality_gap", "T.90 / bound", 2),
    Column("contacts (95 % bound per million)", lambda row: _contacts(row)),
)
"""Figures of every experiment that flies."""
RECOVERY_COLUMNS = (
    *FLIGHT_COLUMNS[:5],
    figure_column("recovery_time_s", "back at 0.92 after [s]", 1),
    Column("never back", lambda row: f"{row['recovery_censored']} of {row['episodes']}" if "episodes" in row else "–"),
    FLIGHT_COLUMNS[-1],
)
"""Figures of experiments in which something happens on the way: instead of the time to the first formation, the median
time until coverage/best is back at 0.92."""


def _row(group: Sequence[Outcome], best: Mapping[tuple[str, int], float]) -> TableRow:
    shapes = {_shape(outcome): _normalised(outcome, best) for outcome in group if outcome.figures}
    refused = sorted({outcome.refusal for outcome in group if outcome.refusal is not None})
    row: TableRow = {**summarise_shapes(shapes), **_recovery(shapes)} if shapes else {}
    return {**row, "refused": refused} if refused else row


def _recovery(shapes: Mapping[str, Sequence[Figures]]) -> TableRow:
    """Median time until the team was back after what happened, censored where it never was; nothing if nothing did."""
    times = [row["recovery_time_s"] for rows in shapes.values() for row in rows if "recovery_time_s" in row]
    if not times:
        return {}
    return {"recovery_time_s": finite_or_none(median(times)), "recovery_censored": int(np.isinf(times).sum())}


def _normalised(outcome: Outcome, best: Mapping[tuple[str, int], float]) -> list[Figures]:
    return [
        {
            **figures,
            "coverage_best": best[_yardstick(outcome, figures)],
            "coverage_normalised": figures["coverage"] / best[_yardstick(outcome, figures)],
        }
        for figures in outcome.figures
    ]


def _yardstick(outcome: Outcome, figures: Figures) -> tuple[str, int]:
    """What a best layout belongs to: a shape's form and a number of robots, which events may change in flight."""
    assert isinstance(outcome.cell, FlightCell)
    task = outcome.cell.flight.task
    return f"{outcome.cell.flight.shape} {task.height} {task.cells} {task.events!r}", task.robots


def _shape(outcome: Outcome) -> str:
    assert isinstance(outcome.cell, FlightCell)
    return outcome.cell.flight.shape


def _contacts(row: TableRow) -> str:
    return f"{row['contacts']} ({row['contacts_per_million_95']:.1f})" if "contacts" in row else "–"


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
