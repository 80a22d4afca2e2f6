"""Polygons and drawn points as drawings of shapes: WKT and GeoJSON by shapely, points from CSV or JSON."""

import csv
import io
import json
import math
from typing import Any

import numpy as np
import shapely
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from muster_core.errors import MusterError, unknown
from muster_sim.drawing import Drawing, fit_box

MAX_VERTICES = 100_000
"""Most corners of all polygons together."""
MAX_DEPTH = 50
"""Deepest nesting of collections that is followed."""
WKT_STARTS = (
    "POLYGON",
    "MULTIPOLYGON",
    "GEOMETRYCOLLECTION",
    "LINESTRING",
    "MULTILINESTRING",
    "LINEARRING",
    "POINT",
    "MULTIPOINT",
)
"""First words of a WKT geometry."""
GEOJSON_GEOMETRIES = ("Polygon", "MultiPolygon", "LineString", "MultiLineString", "GeometryCollection")
"""Geometries that have an area, or get one by a stroke."""


def read_wkt(text: str, name: str, stroke: float | None = None) -> Drawing:
    """Drawing of a WKT geometry, in its own unit.

    Args:
        text: one geometry.
        name: of the file, for messages.
        stroke: width of lines, in the geometry's unit; polygons need none.

    Raises:
        MusterError: unparsable, without area, not finite, too many corners.
    """
    try:
        with np.errstate(all="ignore"):  # what is not finite is refused just below
            geometry = shapely.from_wkt(text.strip())
    except (ShapelyError, ValueError, UnicodeEncodeError) as error:
        raise MusterError(f"{name} is not a WKT geometry: {_first_line(error)}") from None
    if geometry is None:
        raise MusterError(f"{name} is not a WKT geometry: it is empty")
    return draw_geometry(geometry, name, stroke)


def read_json(text: str, name: str, stroke: float | None = None) -> Drawing:
    """Drawing of GeoJSON (a geometry, a feature or a collection), or of a JSON list of points [[x, y], …].

    Coordinates are taken as a plane's, whatever their reference system.

    Raises:
        MusterError: as for `read_wkt` and `draw_points`.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MusterError(f"{name} is not JSON: {_first_line(error)}") from None
    if isinstance(content, list):
        return draw_points(content, name, stroke)
    if not isinstance(content, dict):
        raise MusterError(
            f"{name} holds {type(content).__name__}; it must hold GeoJSON or a list of points [[x, y], …]"
        )
    parts: list[BaseGeometry] = []
    _collect(content, name, parts, 0)
    if not parts:
        raise MusterError(f"{name} holds no geometry")
    return draw_geometry(parts[0] if len(parts) == 1 else shapely.GeometryCollection(parts), name, stroke)


def read_csv(text: str, name: str, stroke: float | None = None) -> Drawing:
    """Drawing of points, one `x,y` a line; commas, semicolons, tabs or spaces part them, a heading may stand first.

    Raises:
        MusterError: as for `draw_points`, or a line that is no point (the message has its number).
    """
    points: list[tuple[float, float]] = []
    separator = next((sign for sign in (";", "\t", ",") if sign in text), " ")
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True))
    except csv.Error as error:
        raise MusterError(f"{name} is not CSV: {error}") from None
    for number, row in enumerate(rows, 1):
        fields = [field.strip() for field in row if field.strip()]
        if not fields or fields[0].startswith("#"):
            continue
        try:
            x, y = (float(field) for field in fields)
        except ValueError:
            if not points and number == 1 and not any(character.isdigit() for character in fields[0][:1]):
                continue  # a heading
            raise MusterError(f"{name}, line {number}: {','.join(fields)[:60]!r} is no point; give x,y") from None
        points.append((x, y))
    return draw_points(points, name, stroke)


def draw_points(points: list[Any], name: str, stroke: float | None = None) -> Drawing:
    """Drawing of points in the order they were drawn: an outline, or with a stroke the line through them.

    Args:
        points: pairs of x and y, in any unit, y up.
        name: for messages.
        stroke: width of the line, in the points' unit; without it the points are the corners of a polygon.

    Raises:
        MusterError: fewer than three (for a line two) different points, too many, or a value that is no finite number.
    """
    if len(points) > MAX_VERTICES:
        raise MusterError(f"{name} has {len(points)} points; at most {MAX_VERTICES}")
    for number, point in enumerate(points, 1):
        if not isinstance(point, list | tuple) or len(point) != 2 or not all(_is_number(value) for value in point):
            raise MusterError(f"{name}, point {number}: {repr(point)[:60]} is no point; give two finite numbers x, y")
    array = np.array(points, dtype=float).reshape(-1, 2)
    least = 3 if stroke is None else 2
    if len(np.unique(array, axis=0)) < least:
        kind = "an outline" if stroke is None else "a line"
        raise MusterError(f"{name} has {len(points)} points; {kind} needs at least {least} different ones")
    return draw_geometry(shapely.Polygon(array) if stroke is None else shapely.LineString(array), name, stroke)


def draw_geometry(geometry: BaseGeometry, name: str, stroke: float | None = None) -> Drawing:
    """Drawing of polygons with their holes, and of lines with a stroke; invalid polygons are repaired with a note.

    Raises:
        MusterError: no area, a coordinate that is not finite, too many corners, or a stroke that is not above 0.
    """
    if stroke is not None and not (math.isfinite(stroke) and stroke > 0):
        raise MusterError(f"The stroke is {stroke:g}; it must be above 0, in the unit of the points")
    if shapely.get_num_coordinates(geometry) > MAX_VERTICES:
        raise MusterError(f"{name} has {shapely.get_num_coordinates(geometry)} corners; at most {MAX_VERTICES}")
    if geometry.is_empty:
        raise MusterError(f"{name} is an empty {geometry.geom_type}; there is nothing to form")
    if not np.isfinite(shapely.get_coordinates(geometry)).all():
        raise MusterError(f"{name} has a coordinate that is not a finite number")
    try:
        with np.errstate(all="ignore"):  # of coordinates near the largest float
            region, notes = _region(geometry, name, stroke)
    except ShapelyError as error:
        raise MusterError(f"Cannot read {name}: {_first_line(error)}") from None
    left, bottom, right, top = region.bounds
    side = fit_box(left, bottom, right, top)
    columns, rows = max(2, math.ceil((right - left) / side)), max(2, math.ceil((top - bottom) / side))
    # Numbers near the edges of what floats hold are brought to pixels before anything is multiplied.
    placed = shapely.transform(region, lambda points: (points - (left, bottom)) / side)
    shapely.prepare(placed)
    x, y = np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)
    return Drawing(np.asarray(shapely.contains_xy(placed, x, y)), notes)


def _region(geometry: BaseGeometry, name: str, stroke: float | None) -> tuple[BaseGeometry, tuple[str, ...]]:
    """Everything with an area, joined, and notes of what was repaired or left out."""
    notes = []
    parts = shapely.get_parts(geometry).tolist()
    while any(part.geom_type.startswith(("Multi", "Geometry")) for part in parts):
        parts = [piece for part in parts for piece in shapely.get_parts(part).tolist()]
    areas = [part for part in parts if part.geom_type == "Polygon"]
    lines = [part for part in parts if part.geom_type in ("LineString", "LinearRing")]
    if any(not polygon.is_valid for polygon in areas):
        reason = next(shapely.is_valid_reason(polygon) for polygon in areas if not polygon.is_valid)
        areas = [shapely.make_valid(polygon) for polygon in areas]
        notes.append(
            f"a polygon was invalid ({reason.split('[')[0].strip().lower()}) and has been repaired; look at the result"
        )
    if lines and stroke is not None:
        areas += shapely.buffer(lines, stroke / 2).tolist()
    elif lines and not areas:
        raise MusterError(f"{name} holds lines without area; give them a width with --stroke")
    elif lines:
        notes.append("lines were left out: they have no area without --stroke")
    if len(areas) < len(parts) - len(lines):
        notes.append("points were left out: they have no area")
    region = shapely.union_all(areas) if areas else shapely.Polygon()
    if not region.area > 0:
        raise MusterError(f"{name} has no area; there is nothing to form")
    return region, tuple(notes)


def _collect(content: Any, name: str, parts: list[BaseGeometry], depth: int) -> None:  # noqa: ANN401 - JSON
    """Append the geometries of a GeoJSON object."""
    kind = content.get("type") if isinstance(content, dict) else None
    if depth > MAX_DEPTH or not isinstance(kind, str):
        raise MusterError(
            f"{name} is not GeoJSON: an object in it has no type"
            if depth <= MAX_DEPTH
            else f"{name} is nested too deeply"
        )
    if kind == "Feature":
        if content.get("geometry") is not None:
            _collect(content["geometry"], name, parts, depth + 1)
        return
    members = {"FeatureCollection": "features", "GeometryCollection": "geometries"}.get(kind)
    if members is not None:
        inside = content.get(members)
        if not isinstance(inside, list):
            raise MusterError(f"{name} is not GeoJSON: its {kind} has no list of {members}")
        for member in inside:
            _collect(member, name, parts, depth + 1)
        return
    if kind not in (*GEOJSON_GEOMETRIES, "Point", "MultiPoint"):
        raise unknown("GeoJSON type", kind[:40], ("FeatureCollection", "Feature", *GEOJSON_GEOMETRIES))
    parts.append(_geometry(kind, content.get("coordinates"), name))


def _geometry(kind: str, coordinates: Any, name: str) -> BaseGeometry:  # noqa: ANN401 - JSON
    try:
        if kind.startswith("Multi"):
            single = kind.removeprefix("Multi")
            return shapely.GeometryCollection([_geometry(single, part, name) for part in coordinates])
        if kind == "Polygon":
            shell, *holes = ([_pair(point) for point in ring] for ring in coordinates)
            return shapely.Polygon(shell, holes)
        return (
            shapely.Point(_pair(coordinates))
            if kind == "Point"
            else shapely.LineString([_pair(p) for p in coordinates])
        )
    except (TypeError, ValueError, IndexError, OverflowError, ShapelyError) as error:
        raise MusterError(f"{name} is not GeoJSON: bad coordinates of its {kind} ({_first_line(error)})") from None


def _pair(point: Any) -> tuple[float, float]:  # noqa: ANN401 - JSON
    """The first two numbers of a position; a height is allowed and ignored."""
    if not isinstance(point, list) or not 2 <= len(point) <= 4 or not all(_is_number(value) for value in point):
        raise ValueError(f"{repr(point)[:60]} is no position of finite numbers")
    return float(point[0]), float(point[1])


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
