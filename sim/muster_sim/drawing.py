"""A shape as ink on a fine grid, before it has cells or metres, and how that ink becomes a lattice of square cells.

Whatever a person brings (a picture, polygons, points) is drawn into one `Drawing` of bounded size first, so that all
doors share one way to cells, and no input costs more memory than a picture of `FINE_SIDE` pixels a side.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from muster_core.errors import MusterError
from muster_core.figures import MAX_CELLS
from muster_core.shape import MAX_SIDE
from muster_core.types import Array, Mask

FINE_SIDE = 1024
"""Longest side of a drawing [px]: some 40 px a cell for the usual 500 cells, 10 px for the 10,000 that are allowed."""
MAX_ASPECT = 20.0
"""Longest to shortest side of a drawing's ink: beyond it a team could only queue."""
LEAST_INK = 1e-4
"""Smallest share of the box around the ink that the ink must fill; cells of less would be far below a robot."""
MAX_PARTS = 64
"""Most pieces that a drawing may fall into. A word of twelve letters has 36 at most, noise hundreds."""
VISIBLE_PART = 0.25
"""A piece of ink counts as a part when it has at least this share of a cell's area."""
CANDIDATES = 48
"""Numbers of rows that are tried for the one that brings the number of cells nearest to the wanted one."""


@dataclass(frozen=True)
class Drawing:
    """Ink and what has to be said about it."""

    ink: Mask
    """True where the shape is, shape (height, width) of square pixels, row 0 at the bottom."""
    notes: tuple[str, ...] = ()
    """What was done to the input that its owner may not expect, one sentence each."""


def to_lattice(drawing: Drawing, cells: int) -> tuple[Mask, tuple[str, ...]]:
    """Lattice of about `cells` square cells, each at least half ink.

    Args:
        drawing: what to draw.
        cells: how many cells to have, 4 to `MAX_CELLS`.

    Returns:
        Occupancy, shape (rows, columns), row 0 at the bottom, no empty border, at least two rows; and the drawing's
        notes, with one more when the cells are too coarse for some of the ink.

    Raises:
        MusterError: no ink, too little or too many pieces of it, too long and thin, or `cells` out of reach.
    """
    if not 4 <= cells <= MAX_CELLS:
        raise MusterError(f"A shape of {cells} cells cannot be drawn; ask for 4 to {MAX_CELLS}")
    ink = _trimmed(drawing.ink)
    _check_ink(ink, cells)
    sums = np.zeros((ink.shape[0] + 1, ink.shape[1] + 1))
    np.cumsum(np.cumsum(ink, axis=0), axis=1, out=sums[1:, 1:])
    best, side = _nearest(sums, ink, cells)
    lost = _lost(best, side, ink)
    occupancy = _trimmed(best)
    if occupancy.shape[0] < 2:
        raise MusterError(f"A shape of {cells} cells is too coarse for this outline; ask for more cells")
    if lost < 0.02:
        return occupancy, drawing.notes
    note = f"{lost:.0%} of the shape is finer than its cells and left out; ask for more cells, or draw bolder lines"
    return occupancy, (*drawing.notes, note)


def fit_box(left: float, bottom: float, right: float, top: float) -> float:
    """Side of a pixel at which a box, in any unit, is `FINE_SIDE` pixels long.

    Raises:
        MusterError: the box has no extent, or is too long and thin.
    """
    width, height = right - left, top - bottom
    if not (math.isfinite(width) and math.isfinite(height)) or min(width, height) <= 0:
        raise MusterError(f"The outline is {width:g} wide and {height:g} high; it must have an area")
    _check_aspect(width, height)
    side = max(width, height) / FINE_SIDE
    if not side > 1e-9 * max(abs(left), abs(right), abs(bottom), abs(top)):
        raise MusterError(
            f"The outline is only {max(width, height):g} large but lies near ({left:g}, {bottom:g}): too fine"
        )
    return side


def _check_ink(ink: Mask, cells: int) -> None:
    if not ink.size:
        raise MusterError("There is nothing to draw: no part of it counts as shape")
    _check_aspect(ink.shape[1], ink.shape[0])
    share = float(ink.mean())
    if share < LEAST_INK:
        raise MusterError(f"The shape fills only {share:.3%} of its box; draw bolder lines")
    pieces, count = ndimage.label(ink)
    if count > MAX_PARTS:
        large = np.bincount(pieces.ravel())[1:] >= VISIBLE_PART * ink.sum() / cells
        # Specks of dust beside one clear shape are left out by the lattice; a shape that is all specks is noise.
        if large.sum() > MAX_PARTS or np.bincount(pieces.ravel())[1:][large].sum() < 0.5 * ink.sum():
            raise MusterError(
                f"The shape falls into {count} pieces, like noise; give a clear picture of at most {MAX_PARTS} parts, "
                f"or another threshold"
            )


def _check_aspect(width: float, height: float) -> None:
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise MusterError(
            f"The shape is {width:g} wide and {height:g} high; one side may be at most {MAX_ASPECT:g} times the other"
        )


def _nearest(sums: Array, ink: Mask, cells: int) -> tuple[Mask, float]:
    """The lattice whose number of cells is nearest to the wanted one, and the side of its cells [px]."""
    guess = math.sqrt(float(ink.sum()) / cells)
    best: tuple[Mask, float] | None = None
    height, width = ink.shape
    largest = min(height, math.floor(MAX_SIDE * height / max(height, width)))
    low, high = height / (1.2 * guess) - 2, height / (0.85 * guess) + 2
    for rows in np.unique(np.clip(np.linspace(low, high, CANDIDATES).round(), 1, largest).astype(int)):
        side = height / int(rows)
        drawn = _sampled(sums, int(rows), side)
        if best is None or abs(int(drawn.sum()) - cells) < abs(int(best[0].sum()) - cells):
            best = drawn, side
    if best is None or not best[0].any():
        raise MusterError(f"A shape of {cells} cells is too coarse for this outline; ask for more cells")
    return best


def _sampled(sums: Array, rows: int, side: float) -> Mask:
    """Cells of `side` px that are at least half ink; whole cells rarely fit the width, so they are centred on it."""
    height, width = sums.shape[0] - 1, sums.shape[1] - 1
    columns = max(1, round(width / side))
    x = np.clip(0.5 * (width - columns * side) + side * np.arange(columns + 1), 0, width)
    y = np.clip(side * np.arange(rows + 1), 0, height)
    corners = _between(_between(sums, y, 0), x, 1)
    area = corners[1:, 1:] - corners[1:, :-1] - corners[:-1, 1:] + corners[:-1, :-1]
    # A hair below a half, so that rounding of the sums does not decide over cells that are exactly half ink.
    return np.asarray(area >= (0.5 - 1e-6) * side * side)


def _between(sums: Array, at: Array, axis: int) -> Array:
    """`sums` at fractional places `at` along an axis, by linear interpolation: exact for pixels of even ink."""
    below = np.minimum(at.astype(int), sums.shape[axis] - 2)
    share = (at - below).reshape((-1, 1) if axis == 0 else (1, -1))
    return np.asarray(np.take(sums, below, axis) * (1 - share) + np.take(sums, below + 1, axis) * share)


def _lost(occupancy: Mask, side: float, ink: Mask) -> float:
    """Share of the ink that lies farther than a cell from every cell of the lattice."""
    height, width = ink.shape
    rows, columns = occupancy.shape
    row = np.minimum((np.arange(height) + 0.5) / side, rows - 1).astype(int)
    column = np.clip((np.arange(width) + 0.5 - 0.5 * (width - columns * side)) / side, 0, columns - 1).astype(int)
    away = ndimage.distance_transform_cdt(~occupancy, metric="chessboard")
    return float((ink & (away[row[:, None], column[None]] > 1)).sum() / ink.sum())


def _trimmed(mask: Mask) -> Mask:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return np.zeros((0, 0), dtype=bool)
    return np.asarray(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
