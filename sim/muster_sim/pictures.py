"""Still pictures of runs: start, paths and end over the shape, and coverage and entering rate over time.

Drawn by matplotlib's objects without pyplot, so that nothing is left behind in the process and no display is needed.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import EllipseCollection, LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from muster_core.errors import MusterError
from muster_core.shape import Shape
from muster_core.types import Array, Mask
from muster_sim import style
from muster_sim.canvas import covered_cells
from muster_sim.recording import Recording

MOST_PANELS = 48
"""Panels of one picture: more could not be told apart."""


@dataclass(frozen=True)
class Curve:
    """One line of ``curves_picture``."""

    label: str
    """Shown in the legend; empty for none."""
    times: Array
    """Shape: (T,) [s]."""
    coverage: Array
    """Coverage divided by the best layout's. Shape: (T,)."""
    entering: Array
    """Share of robots in the shape. Shape: (T,)."""
    coverage_band: tuple[Array, Array] | None = None
    """Lower and upper edge of a band around the coverage, each of shape (T,)."""
    entering_band: tuple[Array, Array] | None = None
    """The same around the entering rate."""

    @classmethod
    def of(cls, recording: Recording, label: str = "") -> "Curve":
        """The curve of one run."""
        return cls(label, recording.times, recording.coverage_normalised(), recording.entering_rate())


def paths_picture(recordings: Recording | Sequence[Recording], path: str | Path, columns: int = 4) -> None:
    """Start, paths and end over every shape that was asked for, side by side, as a .png (or .svg, .pdf) file.

    Args:
        recordings: One run or several; each shape of each run is a panel.
        path: The file; replaced if it exists, whole or not at all.
        columns: Panels in a row, at most.

    Raises:
        MusterError: No recording, or the file cannot be written.
    """
    runs = [recordings] if isinstance(recordings, Recording) else list(recordings)
    panels = [(run, index) for run in runs for index in range(len(run.shapes)) if (run.active == index).any()]
    if len(panels) > MOST_PANELS:  # of a shape that moves all the time
        panels = [panels[place] for place in np.linspace(0, len(panels) - 1, MOST_PANELS).round().astype(int)]
    if not panels:
        raise MusterError("No recording to draw")
    across = min(len(panels), columns)
    down = -(-len(panels) // across)
    with matplotlib.rc_context(style.PLOT):
        arena = panels[0][0].arena
        tall = style.PANEL * arena.half_height / arena.half_width + 0.24
        figure = Figure(figsize=(style.PANEL * across, tall * down), layout="constrained", facecolor=style.PAGE)
        for place, (run, index) in enumerate(panels):
            _panel(figure.add_subplot(down, across, place + 1), run, index)
        save_figure(figure, Path(path))


def curves_picture(curves: Sequence[Curve], path: str | Path, changes: Sequence[float] = ()) -> None:
    """Coverage/best and entering rate over time, one above the other, as a .png (or .svg, .pdf) file.

    Args:
        curves: Lines, with optional bands.
        path: The file; replaced if it exists, whole or not at all.
        changes: Times at which the shape changed, marked by vertical lines [s].

    Raises:
        MusterError: No curve, or the file cannot be written.
    """
    if not curves:
        raise MusterError("No curve to draw")
    with matplotlib.rc_context(style.PLOT):
        figure = Figure(figsize=(2.0 * style.PANEL, 1.2 * style.PANEL), layout="constrained", facecolor=style.PAGE)
        upper, lower = figure.subplots(2, 1, sharex=True)
        for place, curve in enumerate(curves):
            _line(upper, place, curve.label, curve.times, curve.coverage, curve.coverage_band)
            _line(lower, place, curve.label, curve.times, curve.entering, curve.entering_band)
        for axes, label in ((upper, "coverage / best"), (lower, "robots in the shape")):
            axes.set(ylabel=label, ylim=(0.0, 1.05), xlim=(_earliest(curves), _latest(curves)))
            axes.set_yticks(np.linspace(0.0, 1.0, 6))
            for time in changes:
                axes.axvline(time, color=style.INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=2.5)
        for time in changes:
            upper.annotate(
                "new shape",
                (time, 0.02),
                xycoords=("data", "axes fraction"),
                xytext=(4, 0),
                textcoords="offset points",
                fontsize=8,
            )
        lower.set_xlabel("time [s]")
        if any(curve.label for curve in curves):
            lower.legend(loc="lower right")
        save_figure(figure, Path(path))


def draw_cells(axes: Axes, shape: Shape, covered: Mask) -> None:
    """A shape's cells as squares at their pose, free or `covered`, shape (cells,)."""
    half = 0.47 * shape.pitch
    square = half * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    cosine, sine = np.cos(shape.yaw), np.sin(shape.yaw)
    corners = square @ np.array([[cosine, sine], [-sine, cosine]])
    colours = np.where(covered, style.COVERED_CELL, style.FREE_CELL)
    outlines = shape.cells[:, None] + corners[None]
    axes.add_collection(PolyCollection(list(outlines), facecolors=list(colours), edgecolors="none"))


def draw_discs(axes: Axes, centres: Array, radius: float, **look: object) -> None:
    """Circles of one `radius` [m] around `centres`, shape (k, 2) [m; world]."""
    size = np.full(len(centres), 2.0 * radius)
    discs = EllipseCollection(
        size, size, np.zeros(len(centres)), units="xy", offsets=centres, offset_transform=axes.transData, **look
    )
    axes.add_collection(discs)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure whole or not at all; what stood there is replaced.

    Raises:
        MusterError: the file cannot be written, or its ending names no kind of picture.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    FigureCanvasAgg(figure)
    try:
        figure.savefig(temporary, dpi=style.DPI)
        temporary.replace(path)
    except (OSError, ValueError) as error:
        raise MusterError(f"Cannot write the picture {path}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _panel(axes: Axes, run: Recording, index: int) -> None:
    moments = np.flatnonzero(run.active == index)
    way = run.positions[moments]
    shape, avoid, arena = run.shapes[index], float(run.avoid_distances[index]), run.arena
    axes.set_aspect("equal")
    axes.axis("off")
    axes.set(xlim=(-arena.half_width * 1.02, arena.half_width * 1.02))
    axes.set(ylim=(-arena.half_height * 1.02, arena.half_height * 1.02))
    walls = (-arena.half_width, -arena.half_height)
    axes.add_patch(
        Rectangle(walls, 2 * arena.half_width, 2 * arena.half_height, fill=False, edgecolor=style.INK, linewidth=1.2)
    )
    for corners in arena.obstacles:
        axes.add_patch(Polygon(corners, facecolor=style.OBSTACLE, edgecolor=style.INK, linewidth=0.8))
    members = np.ones(run.robots, np.bool_) if run.members is None else run.members[moments[-1]]
    team, gone = way[-1][members], way[-1][~members]
    draw_cells(axes, shape, covered_cells(team, shape, 0.5 * avoid))
    axes.add_collection(LineCollection(list(way.transpose(1, 0, 2)), colors=style.RING, linewidths=0.8, alpha=0.65))
    draw_discs(axes, way[0], run.robot_radius, facecolors=style.PAGE, edgecolors=style.START, linewidths=1.0)
    draw_discs(axes, team, 0.5 * avoid, facecolors="none", edgecolors=style.RING, linewidths=0.6)
    draw_discs(axes, team, run.robot_radius, facecolors=style.INK, edgecolors="none")
    draw_discs(axes, gone, run.robot_radius, facecolors=style.PAGE, edgecolors=style.INK, linewidths=1.4)
    name = f"{run.names[index]}: " if run.names else ""
    coverage, entering = run.coverage_normalised()[moments[-1]], run.entering_rate()[moments[-1]]
    inside = round(float(entering) * len(team))
    axes.set_title(f"{name}coverage / best {coverage:.2f}, in shape {inside} / {len(team)}")


def _line(axes: Axes, place: int, label: str, times: Array, values: Array, band: tuple[Array, Array] | None) -> None:
    colour, dash = style.LINES[place % len(style.LINES)], style.DASHES[place % len(style.DASHES)]
    if band is not None:
        axes.fill_between(times, band[0], band[1], color=colour, alpha=0.18, linewidth=0)
    axes.plot(times, values, color=colour, linestyle=dash, label=label or None)


def _earliest(curves: Sequence[Curve]) -> float:
    return min(float(curve.times[0]) for curve in curves)


def _latest(curves: Sequence[Curve]) -> float:
    return max(float(curve.times[-1]) for curve in curves)
