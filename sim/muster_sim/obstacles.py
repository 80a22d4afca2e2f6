"""Obstacles in the arena: polygons at the door, simple rings of corners inside, and how far from them something is."""

import math
from pathlib import Path

import numpy as np
import shapely
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from muster_core.errors import MusterError
from muster_core.robot import Arena
from muster_core.types import Array

MAX_CORNERS = 500
"""Most corners of all obstacles together: every robot looks at each of their edges at every step."""

Rings = tuple[tuple[tuple[float, float], ...], ...]
"""As in ``Arena.obstacles``."""


def open_obstacles(source: str | Path | BaseGeometry) -> Rings:
    """Obstacles from polygons: ``AssemblyConfig(arena=Arena(obstacles=open_obstacles("POLYGON ((…))")))``.

    What overlaps becomes one; holes are filled, since nobody can get in.

    Args:
        source: A WKT polygon or multi-polygon [m; world], the path of a .wkt file, or a shapely geometry.

    Raises:
        MusterError: No such file, no polygon, a self-intersecting one, or too many corners.
    """
    geometry = source if isinstance(source, BaseGeometry) else _read(source)
    if geometry.geom_type not in ("Polygon", "MultiPolygon") or geometry.is_empty or not geometry.is_valid:
        why = shapely.is_valid_reason(geometry) if not geometry.is_valid else geometry.geom_type
        raise MusterError(f"Obstacles must be valid polygons; these are not: {why}")
    united = shapely.union_all([shapely.Polygon(part.exterior) for part in shapely.get_parts(geometry)])
    rings = tuple(
        tuple((float(x), float(y)) for x, y in shapely.orient_polygons(part).exterior.coords[:-1])
        for part in shapely.get_parts(united)
    )
    corners = sum(len(ring) for ring in rings)
    if corners > MAX_CORNERS:
        raise MusterError(f"The obstacles have {corners} corners, at most {MAX_CORNERS} are taken; simplify them")
    return rings


def obstacle_distance(points: Array, arena: Arena) -> Array:
    """How far ``points`` (..., 2) [m; world] are from the nearest obstacle, (...) [m]; below 0 inside, ∞ without."""
    places = np.asarray(points, np.float64)
    if not arena.obstacles:
        return np.full(places.shape[:-1], math.inf)
    solid = shapely.union_all([shapely.Polygon(ring) for ring in arena.obstacles])
    made = shapely.points(places)
    inside = shapely.contains(solid, made)
    distance: Array = np.where(inside, -shapely.distance(made, solid.boundary), shapely.distance(made, solid))
    return distance


def _read(source: str | Path) -> BaseGeometry:
    text = str(source)
    if text.lower().endswith(".wkt"):
        try:
            text = Path(source).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise MusterError(f"Cannot read the obstacles {str(source)!r}: {error}") from None
    try:
        geometry = shapely.from_wkt(text)
    except (ShapelyError, ValueError) as error:
        raise MusterError(f"Obstacles {text[:60]!r} are no WKT geometry: {str(error).splitlines()[0]}") from None
    if geometry is None:
        raise MusterError("Obstacles are empty; give a WKT polygon, for example POLYGON ((0 0, 1 0, 1 1, 0 0))")
    return geometry
