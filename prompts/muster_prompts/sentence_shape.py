"""The shape that a sentence means, from what a model said of it: text, a figure, a polygon, or a signed distance."""

import base64

import numpy as np
import shapely

from muster_core.errors import MusterError
from muster_core.figures import DEFAULT_CELLS, DEFAULT_HEIGHT, FIGURES, Outline, rasterise
from muster_core.shape import Shape, load_shape
from muster_core.types import AnyArray, Array, Mask
from muster_prompts.answers import Answer
from muster_prompts.examination import GRID
from muster_prompts.gate import Gate
from muster_prompts.refusal import Refused, refuse

MAX_VERTICES = 2000
MAX_ASPECT = 1.5
"""Widest that a shape may be, in heights: beyond it leaves the arena when it is turned."""


def shape_of(answer: Answer, gate: Gate) -> Shape:
    """The shape, its centre at the world's origin, 2.2 m high, of about 500 cells.

    Raises:
        Refused: it cannot be drawn; says what to change.
    """
    kind, value = answer.plan.shape_kind, answer.plan.shape_value.strip()
    try:
        if kind == "figure" and value not in FIGURES:
            raise refuse(
                "shape", f"there is no figure {value!r}", f"Take one of {', '.join(FIGURES)}, a polygon or a distance"
            )
        if kind in {"figure", "text"}:
            return load_shape(value)
        outline = polygon_outline(value) if kind == "polygon" else distance_outline(answer.distance, gate)
        occupancy = rasterise(outline, DEFAULT_CELLS)
    except MusterError as error:
        raise refuse("shape", f"the shape cannot be drawn: {str(error).rstrip('.')}", "Give another shape") from None
    if occupancy.shape[1] > MAX_ASPECT * occupancy.shape[0]:
        wide = occupancy.shape[1] / occupancy.shape[0]
        raise refuse(
            "shape",
            f"the shape is {wide:.1f} times as wide as high",
            f"Make it at most {MAX_ASPECT} times as wide as high",
        )
    return Shape.from_array(occupancy, DEFAULT_HEIGHT / (occupancy.shape[0] - 1))


def polygon_outline(text: str) -> Outline:
    """The outline of a polygon in well-known text.

    Raises:
        Refused: it is none, or crosses itself.
    """
    if len(text) > 100_000:
        raise refuse("shape", f"the polygon's text has {len(text)} characters", "Use fewer corners")
    try:
        polygon = shapely.from_wkt(text)
    except shapely.errors.ShapelyError as error:
        raise refuse(
            "shape", f"the polygon's text cannot be read ({str(error)[:80]})", "Write POLYGON ((x y, x y, ...))"
        ) from None
    if polygon is None or polygon.geom_type not in {"Polygon", "MultiPolygon"} or polygon.is_empty:
        raise refuse("shape", "the polygon is none", "Write POLYGON ((x y, x y, ...)) or MULTIPOLYGON")
    if shapely.get_num_coordinates(polygon) > MAX_VERTICES or not np.isfinite(shapely.get_coordinates(polygon)).all():
        raise refuse(
            "shape", "the polygon has too many corners or one that is not finite", f"Use at most {MAX_VERTICES} corners"
        )
    if not polygon.is_valid:
        reason = shapely.is_valid_reason(polygon)
        raise refuse(
            "shape", f"the polygon is not simple ({reason})", "Give its corners in order, without crossing edges"
        )
    left, bottom, right, top = polygon.bounds
    shapely.prepare(polygon)

    def inside(x: Array, y: Array) -> Mask:
        return np.asarray(shapely.contains_xy(polygon, x, y))

    return Outline(inside, left, right, bottom, top)


def distance_outline(text: str, gate: Gate) -> Outline:
    """The outline of a signed distance, sampled inside the gate's child; this process never runs it.

    Raises:
        Refused: it did not pass.
    """
    if not text.strip():
        raise refuse(
            "shape", "the shape is a distance, but there is no Python text that defines sdf(x, y)", "Define sdf(x, y)"
        )
    verdict = gate.check(text, "distance")
    if not verdict.accepted:
        raise Refused(verdict.refusals)
    packed = np.frombuffer(base64.b64decode(verdict.figures["inside"]), np.uint8)
    grid: AnyArray = np.unpackbits(packed)[: GRID * GRID].reshape(GRID, GRID).astype(bool)
    rows, columns = np.flatnonzero(grid.any(axis=1)), np.flatnonzero(grid.any(axis=0))

    def inside(x: Array, y: Array) -> Mask:
        column, row = np.floor(x).astype(int), np.floor(y).astype(int)
        known = (column >= 0) & (column < GRID) & (row >= 0) & (row < GRID)
        return np.asarray(known & grid[np.clip(row, 0, GRID - 1), np.clip(column, 0, GRID - 1)])

    return Outline(inside, float(columns[0]), float(columns[-1] + 1), float(rows[0]), float(rows[-1] + 1))
