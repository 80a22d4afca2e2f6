"""Pictures of experiments in the house style: points with intervals, and learning curves with bands."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from muster_core.types import Array
from muster_sim import style
from muster_sim.pictures import save_figure
from muster_training.experiments.experiment import TableRow

MARKERS = "osD^vPX*<>"
"""Taken together with colours and dashes, so that greyscale tells them apart."""


def ratio_chart(
    rows: Sequence[TableRow], across: str, by: str, path: Path, label: str, logarithmic: bool = False
) -> None:
    """Coverage/best with 95 % intervals: ``across`` the labels of one kind, a series ``by`` each of another.

    Args:
        rows: of :func:`muster_training.experiments.flights.flight_rows`; those without figures are left out.
        across: label along the abscissa; numbers become lines over an axis, names become points side by side.
        by: label that tells the series.
        path: the file; replaced whole or not at all.
        label: of the abscissa.
        logarithmic: for numbers that multiply.

    Raises:
        MusterError: the file cannot be written.
    """
    shown = [row for row in rows if row.get("coverage_normalised") is not None]
    places = list(dict.fromkeys(row[across] for row in shown))
    numeric = all(isinstance(place, int | float) for place in places)
    groups: dict[object, list[TableRow]] = {}
    for row in shown:
        groups.setdefault(row[by], []).append(row)
    with matplotlib.rc_context(style.PLOT):
        figure = Figure(figsize=(2.2 * style.PANEL, 1.1 * style.PANEL), layout="constrained", facecolor=style.PAGE)
        axes = figure.add_subplot()
        for number, (name, own) in enumerate(groups.items()):
            # Points of one name stand side by side, within half the way to the next.
            shift = 0.0 if numeric else 0.5 * ((number + 0.5) / len(groups) - 0.5)
            x = [float(row[across]) if numeric else places.index(row[across]) + shift for row in own]
            _points(axes, number, str(name), x, own, joined=numeric)
        axes.axhline(1.0, color=style.FAINT, linewidth=0.9)
        axes.annotate(
            "best layout known", (0.0, 1.0), xycoords=("axes fraction", "data"), xytext=(3, 3),
            textcoords="offset points", fontsize=8, color=style.FAINT,
        )  # fmt: skip
        axes.set(xlabel=label, ylabel="coverage / best", ylim=(None, 1.05))
        if logarithmic:
            axes.set_xscale("log")
            axes.set_xticks(places, [str(place) for place in places])
            axes.minorticks_off()
        elif not numeric:
            axes.set_xticks(range(len(places)), [str(place) for place in places], rotation=20, ha="right")
        figure.legend(loc="outside right upper")
        save_figure(figure, path)


@dataclass(frozen=True)
class LearningCurve:
    """The scores of several training runs of one kind."""

    label: str
    robot_steps: Array
    """(T,) experience."""
    scores: Array
    """(runs, T)."""


def learning_chart(curves: Sequence[LearningCurve], threshold: float | None, path: Path) -> None:
    """Mean and range of the scores over experience; a line where they count as learnt.

    Raises:
        MusterError: the file cannot be written.
    """
    with matplotlib.rc_context(style.PLOT):
        figure = Figure(figsize=(2.2 * style.PANEL, 1.1 * style.PANEL), layout="constrained", facecolor=style.PAGE)
        axes = figure.add_subplot()
        for number, curve in enumerate(curves):
            colour = style.LINES[number % len(style.LINES)]
            low, high = curve.scores.min(axis=0), curve.scores.max(axis=0)
            axes.fill_between(curve.robot_steps, low, high, color=colour, alpha=0.18, linewidth=0)
            axes.plot(
                curve.robot_steps, curve.scores.mean(axis=0), color=colour, label=curve.label, markersize=4,
                linestyle=style.DASHES[number % len(style.DASHES)], marker=MARKERS[number % len(MARKERS)],
            )  # fmt: skip
        if threshold is not None:
            axes.axhline(threshold, color=style.INK, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.set(xlabel="robot-steps of experience", ylabel="coverage / best", ylim=(0.0, 1.05))
        axes.legend(loc="lower right")
        save_figure(figure, path)


def _points(axes: Axes, number: int, name: str, x: Sequence[float], rows: Sequence[TableRow], joined: bool) -> None:
    y = np.array([row["coverage_normalised"] for row in rows])
    low, high = np.array([row["coverage_normalised_interval_95"] for row in rows]).T
    axes.errorbar(
        x, y, yerr=np.maximum(0.0, [y - low, high - y]), marker=MARKERS[number % len(MARKERS)], markersize=4.5,
        capsize=2.5, elinewidth=1.0, color=style.LINES[number % len(style.LINES)],
        linestyle=style.DASHES[number % len(style.DASHES)] if joined else "none", label=name,
    )  # fmt: skip
