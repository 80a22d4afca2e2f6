"""Counting kernels behind :mod:`muster_core.metrics`."""

import math

from muster_core.kernel import kernel
from muster_core.types import Array, Integers


@kernel
def covered_share(cells: Array, positions: Array, reach: float) -> float:
    """Share of ``cells`` (m, 2) within ``reach`` of one of ``positions`` (n, 2)."""
    covered = 0
    for c in range(cells.shape[0]):
        for i in range(positions.shape[0]):
            dx, dy = cells[c, 0] - positions[i, 0], cells[c, 1] - positions[i, 1]
            if dx * dx + dy * dy <= reach * reach:
                covered += 1
                break
    share: float = covered / cells.shape[0]
    return share


@kernel
def inside_count(cells: Array, positions: Array, reach: float) -> int:
    """How many of ``positions`` (n, 2) are nearer than ``reach`` to a cell centre of ``cells`` (m, 2)."""
    count = 0
    for i in range(positions.shape[0]):
        for c in range(cells.shape[0]):
            dx, dy = cells[c, 0] - positions[i, 0], cells[c, 1] - positions[i, 1]
            if dx * dx + dy * dy < reach * reach:
                count += 1
                break
    return count


@kernel
def voronoi_counts(cells: Array, positions: Array, counts: Integers) -> None:
    """Add to ``counts`` (n,) the number of ``cells`` (m, 2) nearest to each of ``positions`` (n, 2)."""
    for c in range(cells.shape[0]):
        best, owner = math.inf, 0
        for i in range(positions.shape[0]):
            dx, dy = cells[c, 0] - positions[i, 0], cells[c, 1] - positions[i, 1]
            distance = dx * dx + dy * dy
            if distance < best:
                best, owner = distance, i
        counts[owner] += 1
