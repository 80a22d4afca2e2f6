"""How well a swarm forms a shape. Formulas and their corrections: LAMARL (arXiv 2506.01538), M1–M3.

Positions are (n, 2) in metres in the world frame. All figures of one moment take ``positions`` and a ``Shape``.
"""

import math

import numpy as np

from muster_core.errors import MusterError
from muster_core.kernels.measures import covered_share, inside_count, voronoi_counts
from muster_core.shape import Shape
from muster_core.types import Array, Integers


def coverage(positions: Array, shape: Shape, team_size: int) -> float:
    """M1: share of the shape's cells within half the avoid distance of some robot, in [0, 1].

    It cannot reach 1 on most shapes; divide by the best layout's coverage (:func:`muster_core.layout.best_layout`).
    """
    return float(covered_share(shape.cells, _points(positions), 0.5 * shape.avoid_distance(team_size)))


def area_coverage(positions: Array, shape: Shape, team_size: int, refine: int = 4) -> float:
    """M1 over cells refined ``refine`` times, so that aligning with the lattice earns nothing, in [0, 1]."""
    return float(covered_share(refined_cells(shape, refine), _points(positions), 0.5 * shape.avoid_distance(team_size)))


def refined_cells(shape: Shape, refine: int = 4) -> Array:
    """Centres (m·refine², 2) [m; world] of the shape's cells cut into ``refine`` x ``refine`` parts."""
    steps = ((np.arange(refine) + 0.5) / refine - 0.5) * shape.pitch
    u, v = np.meshgrid(steps, steps)
    cosine, sine = math.cos(shape.yaw), math.sin(shape.yaw)
    offsets = np.stack([u * cosine - v * sine, u * sine + v * cosine], axis=-1).reshape(-1, 2)
    return np.ascontiguousarray((shape.cells[:, None] + offsets[None]).reshape(-1, 2))


def covering_robots(positions: Array, shape: Shape, distance: float) -> Integers:
    """How many robots lie within ``distance`` [m] of each cell's centre, shape (cells,)."""
    offsets = shape.cells[:, None] - _points(positions)[None]
    return np.asarray((np.square(offsets).sum(axis=-1) <= distance * distance).sum(axis=1), np.int64)


def entering_rate(positions: Array, shape: Shape) -> float:
    """M2: share of robots in the shape (nearest cell centre nearer than √2·pitch/2), in [0, 1]."""
    points = _points(positions)
    return int(inside_count(shape.cells, points, math.sqrt(0.5) * shape.pitch)) / len(points)


def voronoi_variance(positions: Array, shape: Shape) -> float:
    """M3: variance of the numbers of cells nearest to each robot [cells²]."""
    points = _points(positions)
    counts = np.zeros(len(points), np.int64)
    voronoi_counts(shape.cells, points, counts)
    return float(counts.var())


def spacing_variation(positions: Array) -> float:
    """std(d)/mean(d) of the nearest-neighbour distances d; 0 is perfectly even. NaN for fewer than two robots."""
    points = _points(positions)
    if len(points) < 2:
        return math.nan
    gaps = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(gaps, np.inf)
    nearest = gaps.min(axis=1)
    return float(nearest.std() / nearest.mean()) if nearest.mean() > 0 else math.nan


def convergence_time(entering: Array, normalised: Array, dt: float, level: float = 0.9, hold: float = 2.0) -> float:
    """T_q: first time [s] with everybody inside and coverage/best ≥ ``level``, held for ``hold`` seconds; inf if never.

    Args:
        entering: (T,) entering rate after each step.
        normalised: (T,) coverage/best after each step.
        dt: Time between samples [s].
        level: q.
        hold: How long it must last [s]; a run that ends earlier has not shown it and is censored.
    """
    good = (np.asarray(entering) >= 1.0) & (np.asarray(normalised) >= level)
    need = max(round(hold / dt), 1)
    run = 0
    for t, ok in enumerate(good):
        run = run + 1 if ok else 0
        if run == need:
            return (t + 2 - need) * dt
    return math.inf


def travel_time(distance: float, max_speed: float, max_acceleration: float) -> float:
    """Least time [s] over ``distance`` [m] from rest to rest; ``max_speed`` [m/s], ``max_acceleration`` [m/s²]."""
    if distance <= max_speed**2 / max_acceleration:
        return 2.0 * math.sqrt(distance / max_acceleration)
    return distance / max_speed + max_speed / max_acceleration


def time_bound(starts: Array, points: Array, max_speed: float, max_acceleration: float) -> float:
    """T_LB [s]: the longest way when ``starts`` (n, 2) are assigned to ``points`` (n, 2) so that it is shortest.

    Raises:
        MusterError: scipy is not installed.
    """
    try:
        from scipy.sparse import csr_matrix
        from scipy.sparse.csgraph import maximum_bipartite_matching
    except ImportError as error:
        raise MusterError("The time bound needs scipy: pip install 'muster_core[assignment]'") from error
    way = np.linalg.norm(_points(starts)[:, None] - _points(points)[None], axis=2)
    choices = np.unique(way)
    low, high = 0, len(choices) - 1
    while low < high:
        middle = (low + high) // 2
        matching = maximum_bipartite_matching(csr_matrix(way <= choices[middle]), perm_type="column")
        low, high = (low, middle) if (matching >= 0).all() else (middle + 1, high)
    return travel_time(float(choices[low]), max_speed, max_acceleration)


def contact_bound(contacts: int, robot_steps: int) -> float:
    """Upper end of the 95 % interval of contacts per million robot-steps; with no contact the rule of three, 3/N."""
    from_rule = 3.0 if contacts == 0 else contacts + 1.96 * math.sqrt(contacts) + 2.0
    return from_rule / robot_steps * 1e6


def _points(positions: Array) -> Array:
    points = np.ascontiguousarray(positions, np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise MusterError(f"positions have shape {points.shape}; expected (n, 2) with at least one robot")
    return points
