"""Named figures, and how any outline becomes a lattice of about a wanted number of square cells.

A figure is a function that tells for points of the plane which of them lie inside, together with its box; what is
drawn from it is a lattice whose first and last rows hold a cell, row 0 at the bottom.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from muster_core.errors import MusterError, unknown
from muster_core.types import Array, Mask

DEFAULT_HEIGHT = 2.2
"""Extent of the cell centres along y [m], as in LAMARL."""
DEFAULT_CELLS = 500
"""About how many cells a shape has, as in LAMARL."""
MAX_CELLS = 100_000
"""Most cells that may be asked for."""
SAMPLES = 4
"""Each cell is tested at SAMPLES x SAMPLES points and belongs to the shape when at least half of them are inside."""

Inside = Callable[[Array, Array], Mask]
"""Takes x and y of points, any shape, and tells which are inside."""


@dataclass(frozen=True)
class Outline:
    """A flat region to be drawn, in any unit of length."""

    inside: Inside
    """Which points belong to it."""
    left: float
    """Smallest x of its box."""
    right: float
    """Largest x of its box."""
    bottom: float
    """Smallest y of its box."""
    top: float
    """Largest y of its box."""


def figure_lattice(name: str, cells: int) -> Mask:
    """Lattice of the named figure with about `cells` cells, shape (rows, columns), row 0 at the bottom.

    Raises:
        MusterError: no figure has that name (the message lists them), or the number of cells is out of reach.
    """
    if name not in FIGURES:
        raise unknown("figure", name, FIGURES)
    return rasterise(_OUTLINES[name], cells)


def rasterise(outline: Outline, cells: int) -> Mask:
    """Lattice of `outline`, with the number of rows that brings its number of cells nearest to `cells`.

    Returns:
        Occupancy, shape (rows, columns), row 0 at the bottom, without empty border rows or columns, at least two rows.

    Raises:
        MusterError: `cells` is out of reach: fewer than 4, more than `MAX_CELLS`, or too fine for the outline.
    """
    if not 4 <= cells <= MAX_CELLS:
        raise MusterError(f"A shape of {cells} cells cannot be drawn; ask for 4 to {MAX_CELLS}")
    share = float(_draw(outline, 64).sum()) / 64**2
    guess = math.sqrt(cells / max(share, 1e-3))  # cells grow with the square of the rows
    best: Mask | None = None
    for rows in range(max(2, math.floor(0.9 * guess) - 2), math.ceil(1.1 * guess) + 3):
        drawn = _trim(_draw(outline, rows))
        if drawn.shape[0] >= 2 and (best is None or abs(drawn.sum() - cells) < abs(best.sum() - cells)):
            best = drawn
    if best is None:
        raise MusterError(f"A shape of {cells} cells is too coarse for this outline; ask for more cells")
    return best


def _draw(outline: Outline, rows: int) -> Mask:
    side = (outline.top - outline.bottom) / rows
    columns = max(1, round((outline.right - outline.left) / side))
    # Whole cells rarely fit the width: the lattice is centred on the outline, so that symmetric ones stay symmetric.
    left = 0.5 * (outline.left + outline.right - columns * side)
    x = left + (np.arange(columns * SAMPLES) + 0.5) * side / SAMPLES
    y = outline.bottom + (np.arange(rows * SAMPLES) + 0.5) * side / SAMPLES
    inside = outline.inside(*np.meshgrid(x, y))
    return np.asarray(inside.reshape(rows, SAMPLES, columns, SAMPLES).sum(axis=(1, 3)) * 2 >= SAMPLES**2)


def _trim(occupancy: Mask) -> Mask:
    rows = np.flatnonzero(occupancy.any(axis=1))
    columns = np.flatnonzero(occupancy.any(axis=0))
    if rows.size == 0:
        return np.zeros((0, 0), dtype=bool)
    return np.asarray(occupancy[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _polygon(*corners: tuple[float, float]) -> Outline:
    points = np.array(corners)

    def inside(x: Array, y: Array) -> Mask:
        result = np.zeros(x.shape, dtype=bool)
        for (ax, ay), (bx, by) in zip(points, np.roll(points, -1, axis=0), strict=True):
            if ay != by:
                crosses = (ay > y) != (by > y)
                result ^= crosses & (x < ax + (y - ay) * (bx - ax) / (by - ay))
        return result

    (left, bottom), (right, top) = points.min(axis=0), points.max(axis=0)
    return Outline(inside, float(left), float(right), float(bottom), float(top))


def _star(points: int, inner: float) -> Outline:
    angles = math.pi / 2 + math.pi * np.arange(2 * points) / points
    radii = np.where(np.arange(2 * points) % 2 == 0, 1.0, inner)
    return _polygon(*zip((radii * np.cos(angles)).tolist(), (radii * np.sin(angles)).tolist(), strict=True))


def _disc(hole: float = 0.0) -> Outline:
    def inside(x: Array, y: Array) -> Mask:
        distance = np.hypot(x, y)
        return np.asarray((distance <= 1.0) & (distance >= hole))

    return Outline(inside, -1.0, 1.0, -1.0, 1.0)


def _heart() -> Outline:
    def inside(x: Array, y: Array) -> Mask:
        return np.asarray((x**2 + y**2 - 1.0) ** 3 <= x**2 * y**3)

    # Extremes of (x² + y² − 1)³ = x²·y³, found numerically.
    return Outline(inside, -1.1390, 1.1390, -1.0, 1.2361)


_OUTLINES: dict[str, Outline] = {
    "disc": _disc(),
    "ring": _disc(hole=0.55),
    # The regular pentagram's inner corners lie at (3 − √5)/2 of its outer ones.
    "star": _star(points=5, inner=(3.0 - math.sqrt(5.0)) / 2.0),
    "square": _polygon((-1, -1), (1, -1), (1, 1), (-1, 1)),
    "triangle": _polygon((-1, 0), (1, 0), (0, math.sqrt(3.0))),
    "cross": _polygon(
        (-1, -3), (1, -3), (1, -1), (3, -1), (3, 1), (1, 1), (1, 3), (-1, 3), (-1, 1), (-3, 1), (-3, -1), (-1, -1)
    ),
    "arrow": _polygon((-3, -0.8), (0.4, -0.8), (0.4, -2), (3, 0), (0.4, 2), (0.4, 0.8), (-3, 0.8)),
    "heart": _heart(),
}

FIGURES: tuple[str, ...] = tuple(_OUTLINES)
"""Names of the figures."""
