"""One shape and its team as a picture: cells, the best layout with its avoid discs, the arena, figures and warnings."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from muster_core.layout import Layout
from muster_core.robot import Arena
from muster_core.shape import Shape
from muster_sim import style
from muster_sim.canvas import covered_cells
from muster_sim.pictures import draw_cells, draw_discs, save_figure

SIDE = 5.0
"""Longest side of the arena in the picture [inch]."""
TEXT_WIDTH = 2.9
"""Of the column of figures [inch]."""
LINE = 0.19
"""Height of a line in it [inch]."""
LINE_LETTERS = 44
"""Letters in a line of that column."""


def shape_picture(
    path: Path,
    name: str,
    shape: Shape,
    layout: Layout,
    arena: Arena,
    robot_radius: float,
    figures: Sequence[tuple[str, str]],
    notes: Sequence[str] = (),
    warnings: Sequence[str] = (),
) -> None:
    """Write the picture as a .png (or .svg, .pdf) file, whole or not at all.

    Args:
        path: the file; replaced if it exists.
        name: of the shape, the picture's title.
        shape: at its pose.
        layout: the best one that is known.
        arena: the walls.
        robot_radius: of the discs [m].
        figures: names and values, listed beside the shape.
        notes: what was done on the way to the shape, below the figures.
        warnings: what a team will find hard, below them.

    Raises:
        MusterError: the file cannot be written.
    """
    stretch = SIDE / max(arena.half_width, arena.half_height)
    width, height = stretch * arena.half_width, max(stretch * arena.half_height, 0.6 * SIDE)
    with matplotlib.rc_context(style.PLOT):
        figure = Figure(figsize=(width + TEXT_WIDTH, height), facecolor=style.PAGE)
        axes = figure.add_axes((0.0, 0.0, width / (width + TEXT_WIDTH), 1.0))
        _draw_shape(axes, shape, layout, arena, robot_radius)
        remarks = [(f"Note: {note}", style.INK) for note in notes]
        remarks += [(f"Warning: {warning}", style.START) for warning in warnings]
        left = width / (width + TEXT_WIDTH)
        _write_column(figure, left, name, figures, remarks)
        _write_key(figure, left)
        save_figure(figure, path)


def _draw_shape(axes: Axes, shape: Shape, layout: Layout, arena: Arena, robot_radius: float) -> None:
    axes.set_aspect("equal")
    axes.axis("off")
    axes.set(xlim=(-arena.half_width * 1.04, arena.half_width * 1.04))
    axes.set(ylim=(-arena.half_height * 1.04, arena.half_height * 1.04))
    corner = (-arena.half_width, -arena.half_height)
    walls = Rectangle(
        corner, 2 * arena.half_width, 2 * arena.half_height, fill=False, edgecolor=style.INK, linewidth=1.2
    )
    axes.add_patch(walls)
    points = shape.to_world(layout.points)
    half = 0.5 * shape.avoid_distance(len(points))
    draw_cells(axes, shape, covered_cells(points, shape, half))
    draw_discs(axes, points, half, facecolors="none", edgecolors=style.RING, linewidths=0.8)
    draw_discs(axes, points, robot_radius, facecolors=style.INK, edgecolors="none")


def _write_column(
    figure: Figure, left: float, name: str, figures: Sequence[tuple[str, str]], remarks: Sequence[tuple[str, str]]
) -> None:
    """Title, figures and remarks (with their colours) from the top down."""
    line = LINE / figure.get_figheight()
    y = 1.0 - 1.6 * line
    right = 1.0 - 0.15 / figure.get_figwidth()
    figure.text(left, y, textwrap.shorten(name, 28, placeholder="…"), fontsize=13, weight="bold", va="top")
    y -= 2.2 * line
    for label, value in figures:
        figure.text(left, y, label, va="top")
        figure.text(right, y, value, va="top", ha="right")
        y -= line
    y -= 0.8 * line
    for remark, colour in remarks:
        lines = textwrap.wrap(remark, LINE_LETTERS)
        figure.text(left, y, "\n".join(lines), va="top", fontsize=8, color=colour, linespacing=1.25)
        y -= line * (0.85 * len(lines) + 0.5)


def _write_key(figure: Figure, left: float) -> None:
    """What squares and circles mean, from the bottom up."""
    inch = np.array([1.0 / figure.get_figwidth(), 1.0 / figure.get_figheight()])
    entries = (
        ("cell that the best layout leaves", "s", style.FREE_CELL, style.FREE_CELL),
        ("cell that it covers", "s", style.COVERED_CELL, style.COVERED_CELL),
        ("half the avoid distance around a robot", "o", "none", style.RING),
        ("robot", "o", style.INK, style.INK),
    )
    for place, (label, marker, face, edge) in enumerate(entries):
        x, y = left + 0.06 * inch[0], (0.25 + 0.19 * place) * inch[1]
        size = 4.0 if face == style.INK else 7.0
        figure.add_artist(
            Line2D(
                [x], [y], marker=marker, markersize=size, markerfacecolor=face, markeredgecolor=edge, linestyle="none"
            )
        )
        figure.text(x + 0.14 * inch[0], y, label, fontsize=8, va="center")
