"""The best layout that is known for a team in a shape: the yardstick M1* that coverage is measured by.

Found by simulated annealing with the centres inside the shape, kept on disk because it costs seconds, and raised when
a rollout beats it.
"""

import json
import math
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from muster_core.errors import MusterError
from muster_core.kernel import COMPILED, user_cache
from muster_core.kernels.layout import anneal, in_shape
from muster_core.shape import Shape
from muster_core.types import Array
from muster_core.validation import count

ALGORITHM_VERSION = 1
"""Part of the cache key: raise it with every change of the annealing, so that old layouts are found again."""
MOVES = 6_000_000
"""Annealing moves behind a figure that is reported as coverage/best."""
INTERPRETED_MOVES = 50_000
"""Default without numba, where a move takes tens of microseconds: enough to send robots to, not to report by."""


@dataclass(frozen=True)
class Layout:
    """Where a team covers most of a shape, as far as is known."""

    points: Array
    """One point per robot, shape (team_size, 2) [m; the shape's own frame: `shape.to_world` takes them out of it]."""
    coverage: float
    """Share of the cells within half the avoid distance of a point, 0…1."""


def best_layout(shape: Shape, team_size: int, moves: int | None = None) -> Layout:
    """The best known layout of `team_size` robots in `shape`, from the user's cache or by annealing.

    A layout in the cache that came of fewer moves is searched again; whatever is better is kept. A cache that cannot
    be read or written is done without.

    Args:
        shape: in any pose; the layout does not depend on it.
        team_size: number of robots.
        moves: annealing moves; by default `MOVES`, or `INTERPRETED_MOVES` where kernels are not compiled.

    Raises:
        MusterError: the team size or the number of moves is not a whole number of at least 1.
    """
    wanted = count("moves", (MOVES if COMPILED else INTERPRETED_MOVES) if moves is None else moves)
    team_size = count("team_size", team_size)
    known = _recall(shape, team_size)
    if known is None or known.moves < wanted:
        local, coverage = anneal_layout(shape, team_size, wanted)
        if known is not None and known.coverage > coverage:
            local, coverage = known.local, known.coverage
        known = _Record(local, coverage, wanted)
        _keep(shape, team_size, known)
    return Layout(known.local, known.coverage)


def raise_best(shape: Shape, team_size: int, points: Array) -> Layout:
    """Offer a layout that a rollout reached; it is kept when it beats the best known one.

    Args:
        shape: in the pose of the rollout.
        team_size: number of robots.
        points: the robots' centres, shape (team_size, 2) [m; world].

    Returns:
        The best layout known now. One with a centre outside the shape, where M1* allows none, changes nothing.

    Raises:
        MusterError: `points` has another shape or is not finite.
    """
    points = np.asarray(points, dtype=float)
    if points.shape != (team_size, 2) or not np.isfinite(points).all():
        raise MusterError(
            f"A layout of {team_size} robots needs finite points of shape ({team_size}, 2), got {points.shape}"
        )
    best = best_layout(shape, team_size)
    local = shape.to_local(points)
    coverage = layout_coverage(shape, local, team_size)
    if coverage <= best.coverage or not _all_inside(shape, local):
        return best
    known = _recall(shape, team_size)
    _keep(shape, team_size, _Record(local, coverage, known.moves if known else 0))
    return Layout(local, coverage)


def anneal_layout(shape: Shape, team_size: int, moves: int, seed: int = 0) -> tuple[Array, float]:
    """Search a layout, without the cache; the same arguments give the same layout, compiled or not.

    Args:
        shape: what to cover.
        team_size: number of robots.
        moves: annealing moves, about 0.25 microseconds each when compiled.
        seed: of the search.

    Returns:
        Points, shape (team_size, 2) [m; the shape's own frame, from its lattice corner], and their coverage, 0…1.
    """
    occupancy = shape.tables.occupancy
    rows, columns = np.nonzero(occupancy)
    cells = np.column_stack((columns, rows)).astype(float)
    points, best = np.zeros((team_size, 2)), np.zeros((team_size, 2))
    state = np.random.default_rng(seed).integers(1, 2147483398, size=2)
    squared = len(cells) / (math.pi * team_size)  # (half the avoid distance / pitch)²
    covered = anneal(occupancy, cells, squared, moves, state, np.zeros(occupancy.shape, np.int32), points, best)
    return (best + 0.5) * shape.pitch, int(covered) / len(cells)


def layout_coverage(shape: Shape, local: Array, team_size: int) -> float:
    """Share of the cells within half the avoid distance of a point.

    Args:
        shape: what is covered.
        local: points, shape (k, 2) [m; the shape's own frame, from its lattice corner].
        team_size: number of robots that the avoid distance is meant for.
    """
    rows, columns = np.nonzero(shape.occupancy)
    squared = len(rows) / (math.pi * team_size)
    covered = np.zeros(len(rows), dtype=bool)
    for u, v in local / shape.pitch - 0.5:
        covered |= (columns - u) ** 2 + (rows - v) ** 2 <= squared
    return float(covered.mean())


@dataclass(frozen=True)
class _Record:
    """What the cache holds for one shape and team size."""

    local: Array
    coverage: float
    moves: int


_known: dict[Path, _Record] = {}
"""What this process has read or found: a controller asks at every tick, and the disk may not be writable."""


def _recall(shape: Shape, team_size: int) -> _Record | None:
    path = _path(shape, team_size)
    known = _known.get(path) or _read(path, shape, team_size)
    if known is not None:
        _known[path] = known
    return known


def _keep(shape: Shape, team_size: int, record: _Record) -> None:
    path = _path(shape, team_size)
    _known[path] = record
    _write(path, record)


def _path(shape: Shape, team_size: int) -> Path:
    radius = 0.5 * shape.avoid_distance(team_size)
    name = f"{shape.digest[:24]}-n{team_size}-r{radius:.6f}-p{shape.pitch:.6f}-v{ALGORITHM_VERSION}.json"
    return user_cache() / "layouts" / name


def _read(path: Path, shape: Shape, team_size: int) -> _Record | None:
    """The cached layout, or None where there is none or what is there does not describe one of this shape."""
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        local = np.array(content["points"], dtype=float)
        moves = int(content["moves"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if local.shape != (team_size, 2) or not np.isfinite(local).all() or not _all_inside(shape, local):
        return None
    # The coverage is computed, never believed: a file from elsewhere cannot move the yardstick.
    return _Record(local, layout_coverage(shape, local, team_size), moves)


def _write(path: Path, record: _Record) -> None:
    """Store a layout in one step, so that a reader or a crash never meets half a file; do without where that fails."""
    content = {"points": record.local.tolist(), "coverage": record.coverage, "moves": record.moves}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
    except OSError:
        return
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file)
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)


def _all_inside(shape: Shape, local: Array) -> bool:
    return all(in_shape(u, v, shape.tables.occupancy) for u, v in local / shape.pitch - 0.5)
