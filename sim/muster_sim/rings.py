"""Closed rings of corners as ink: the regions they wind around, drawn on a grid of square pixels."""

from collections.abc import Sequence

import numpy as np

from muster_core.types import Array, Mask


def fill(rings: Sequence[Array], holes: Sequence[Array] = (), side: int = 160) -> Mask:
    """Ink of everything that ``rings`` wind around, without what ``holes`` wind around.

    Rings that overlap and turn the same way unite; a ring within another that turns the other way is a hole in it
    (the non-zero rule of fonts).

    Args:
        rings: each (corners, 2), x and y in any unit, the last corner joined to the first.
        holes: the same; they do not widen the picture.
        side: length of the picture's longer side [px].

    Returns:
        Shape (height, width), row 0 at the bottom.
    """
    corners = np.concatenate(rings)
    low = corners.min(axis=0)
    extent = np.maximum(corners.max(axis=0) - low, 1e-9)
    scale = side / extent.max()
    width, height = (max(1, round(float(length * scale))) for length in extent)
    ink = _wound([(ring - low) * scale for ring in rings], height, width)
    if holes:
        ink &= ~_wound([(hole - low) * scale for hole in holes], height, width)
    return ink


def _wound(rings: Sequence[Array], height: int, width: int) -> Mask:
    """Pixels whose centre is wound around, by the crossings of the rows of centres with all edges."""
    start = np.concatenate(rings)
    end = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
    lower, upper = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    first = np.clip(np.ceil(lower - 0.5), 0, height).astype(np.int64)
    crossings = np.clip(np.ceil(upper - 0.5), 0, height).astype(np.int64) - first
    edge = np.repeat(np.arange(len(start)), crossings)
    row = np.arange(len(edge)) + np.repeat(first - np.cumsum(crossings) + crossings, crossings)
    a, b = start[edge], end[edge]
    x = a[:, 0] + (row + 0.5 - a[:, 1]) * (b[:, 0] - a[:, 0]) / (b[:, 1] - a[:, 1])
    column = np.clip(np.ceil(x - 0.5), 0, width).astype(np.int64)
    turns = np.where(b[:, 1] > a[:, 1], 1.0, -1.0)
    changes = np.bincount(row * (width + 1) + column, weights=turns, minlength=height * (width + 1))
    return np.asarray(np.cumsum(changes.reshape(height, width + 1), axis=1)[:, :width] != 0)
