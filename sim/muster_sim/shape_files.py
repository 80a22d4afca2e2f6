"""The one door for shapes: whatever a person names, draws or has on disk becomes a `Shape` at its place.

A figure's name, a text, a file (picture, SVG, polygons, points) or the polygons themselves as WKT or JSON; scaled by
height, by area or by the room that a team needs; placed and turned, and checked to lie within the arena.
"""

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from muster_core.errors import MusterError
from muster_core.figures import DEFAULT_CELLS, DEFAULT_HEIGHT, FIGURES
from muster_core.robot import Arena, RobotModel
from muster_core.shape import CLEARANCE, MAX_WIDTH, Shape, load_shape
from muster_core.types import Array
from muster_core.validation import count, finite
from muster_sim.drawing import Drawing, to_lattice
from muster_sim.images import read_image
from muster_sim.polygons import WKT_STARTS, read_csv, read_json, read_wkt
from muster_sim.procedural import seeded_shape
from muster_sim.svg import read_svg

MAX_BYTES = 32 << 20
"""Largest file that is read [bytes]."""
PICTURES = (".png", ".jpg", ".jpeg")
TEXTS: dict[str, Callable[[str, str, float | None], Drawing]] = {
    ".wkt": read_wkt, ".geojson": read_json, ".json": read_json, ".csv": read_csv,
}  # fmt: skip
SUFFIXES = (*PICTURES, ".svg", *TEXTS)
"""Ends of the names of files that can be read, in any case of letters."""
FILE_NAME = re.compile(r".+\.[A-Za-z][A-Za-z0-9]{1,4}")
"""A text that is more likely meant as the name of a file."""
MAX_METRES = 1000.0
"""Largest height, width or coordinate of a shape [m]: beyond it a unit has been mistaken."""


@dataclass(frozen=True)
class ShapeOptions:
    """How a shape is read, scaled and placed."""

    height: float | None = None
    """Extent of the cell centres along the shape's own y [m]; 2.2 where nothing else is given."""
    area: float | None = None
    """Area of all cells [m²], instead of a height."""
    spacing: float | None = None
    """Avoid distance of the team in robot diameters, instead of a height."""
    robots: int = 30
    """Size of the team, for `spacing`."""
    robot: RobotModel = field(default_factory=RobotModel)
    """Kind of robot, for `spacing`."""
    cells: int = DEFAULT_CELLS
    """About how many cells to have."""
    x: float = 0.0
    """Place of the shape's centre [m; world]."""
    y: float = 0.0
    """The same along y."""
    yaw: float = 0.0
    """Turn, counter-clockwise [rad; world]."""
    arena: Arena = field(default_factory=Arena)
    """Where every cell must lie: within the walls, which are the geofence."""
    threshold: int | None = None
    """Of pictures: brightness 1…255 below which a pixel is shape; by default found by Otsu's method."""
    invert: bool = False
    """Of pictures: take the bright part."""
    stroke: float | None = None
    """Of lines and points: width of the line, in their unit."""

    def __post_init__(self) -> None:
        """Refuse numbers that no shape has.

        Raises:
            MusterError: names the option, its value and what is allowed.
        """
        if sum(value is not None for value in (self.height, self.area, self.spacing)) > 1:
            raise MusterError("Give one of height, area and spacing: each of them scales the shape")
        for name, most in (("height", MAX_METRES), ("area", MAX_METRES**2), ("spacing", MAX_METRES)):
            value = getattr(self, name)
            if value is not None and not 0 < finite(f"The shape's {name}", value) <= most:
                raise MusterError(f"The shape's {name} is {value:g}; it must be above 0 and at most {most:g}")
        for name in ("x", "y"):
            if abs(finite(f"The shape's {name}", getattr(self, name))) > MAX_METRES:
                raise MusterError(f"The shape's {name} is {getattr(self, name):g}; at most {MAX_METRES:g} m")
        finite("The shape's yaw", self.yaw)
        count("robots", self.robots)
        count("cells", self.cells)


@dataclass(frozen=True)
class OpenedShape:
    """A shape at its place, and what happened on the way."""

    name: str
    """What to call it in pictures and tables."""
    shape: Shape
    """With its scale and pose."""
    notes: tuple[str, ...]
    """What was repaired, left out or made smaller, one sentence each."""


def open_shape(spec: str, options: ShapeOptions | None = None) -> OpenedShape:
    """The shape that `spec` names.

    Args:
        spec: a figure ("star"), a text ("R"), a shape by number ("held-out-17", "procedural-4711"), a file (its name
            ends in one of `SUFFIXES`), or WKT, GeoJSON or a list of points ("POLYGON ((…", "{…", "[[0, 0], …").
        options: scale, place and reading; by default 2.2 m high in the middle of the default arena.

    Raises:
        MusterError: nothing readable, nothing to form, or a shape that reaches out of the arena.
    """
    options = options or ShapeOptions()
    drawing, name = _read(spec, options)
    notes: tuple[str, ...] = ()
    if drawing is None:
        shape = seeded_shape(spec, cells=options.cells) or load_shape(spec, DEFAULT_HEIGHT, options.cells)
    else:
        occupancy, notes = to_lattice(drawing, options.cells)
        shape = Shape.from_array(occupancy, 1.0)
    shape, notes = _scaled(shape, options, notes)
    shape = shape.moved(options.x, options.y, math.remainder(options.yaw, math.tau))
    _check_fit(shape, options.arena)
    return OpenedShape(name, shape, notes)


def is_file(spec: str) -> bool:
    """Whether `spec` is the name of a shape file, there or not."""
    return Path(spec).suffix.lower() in SUFFIXES


def is_outline(spec: str) -> bool:
    """Whether `spec` is meant as a file, WKT or JSON, rather than as a figure's name or a text to draw."""
    if _notation(spec) or is_file(spec):
        return True
    return spec not in FIGURES and bool(os.sep in spec or FILE_NAME.fullmatch(spec) or _exists(Path(spec)))


def _notation(spec: str) -> str:
    """``JSON`` or ``WKT`` where `spec` is the outline itself, else empty."""
    start = spec.lstrip()[:40].upper()
    if start.startswith(("{", "[")):
        return "JSON"
    words = start.split("(")[0].split()
    return "WKT" if "(" in start and words and words[0] in WKT_STARTS else ""


def _read(spec: str, options: ShapeOptions) -> tuple[Drawing | None, str]:
    """The drawing (None for figures and texts, which the core draws) and a short name."""
    if not isinstance(spec, str):
        raise MusterError(f"A shape is named by text, not by {type(spec).__name__}")
    notation = _notation(spec)
    if notation:
        read = read_json if notation == "JSON" else read_wkt
        return read(spec, f"the {notation} text", options.stroke), notation
    path = Path(spec)
    if not is_file(spec):
        if is_outline(spec):
            raise MusterError(f"Cannot read {_shown(spec)}: a shape's file ends in {', '.join(SUFFIXES)}")
        return None, spec
    data, suffix = _content(path), path.suffix.lower()
    # A name that is no UTF-8 could not be printed.
    path = Path(str(path).encode(errors="replace").decode())
    if suffix in PICTURES:
        return read_image(data, path.name, options.threshold, options.invert), path.stem
    if suffix == ".svg":
        return read_svg(data, path.name, options.threshold, options.invert), path.stem
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MusterError(f"{path.name} is not UTF-8 text") from None
    return TEXTS[suffix](text, path.name, options.stroke), path.stem


def _shown(name: object) -> str:
    """A file's name for messages: all of it, or the end of one that would flood a terminal."""
    text = repr(str(name))
    return text if len(text) <= 200 else f"'…{text[-200:]}"


def _exists(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _content(path: Path) -> bytes:
    try:
        if not path.exists():
            raise MusterError(f"There is no shape file {_shown(path)}")
        if not path.is_file():
            raise MusterError(f"{_shown(path)} is not a file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise MusterError(f"Cannot read {_shown(path)}: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > MAX_BYTES:
        raise MusterError(f"{path.name} is larger than {MAX_BYTES >> 20} MB, which is more than any shape needs")
    if not data:
        raise MusterError(f"{path.name} is empty")
    return data


def _scaled(shape: Shape, options: ShapeOptions, notes: tuple[str, ...]) -> tuple[Shape, tuple[str, ...]]:
    """The shape with the pitch that its scale asks for; where none is asked for, no wider than `MAX_WIDTH`."""
    cells = len(shape.cells)
    if options.area is not None:
        return shape.scaled(math.sqrt(options.area / cells)), notes
    if options.spacing is not None:
        avoid = options.spacing * 2 * options.robot.radius
        least = 2 * options.robot.radius + CLEARANCE
        if avoid <= least:
            raise MusterError(
                f"The spacing is {options.spacing:g} robot diameters; above {least / (2 * options.robot.radius):.2f} "
                f"robots have room to pass each other"
            )
        return shape.scaled(math.sqrt(math.pi * options.robots * avoid**2 / 4 / cells)), notes
    # As in LAMARL, the extent of the cell centres: one cell less than that of the cells.
    rows = shape.occupancy.shape[0]
    shape = shape.scaled((options.height or DEFAULT_HEIGHT) / (rows - 1))
    width = shape.size[0]
    if options.height is None and width > MAX_WIDTH:
        smaller = shape.scaled(shape.pitch * MAX_WIDTH / width)
        return smaller, (
            *notes,
            f"made smaller, {smaller.size[1]:.2f} m high, so that its width of {MAX_WIDTH:g} m fits",
        )
    return shape, notes


def _check_fit(shape: Shape, arena: Arena) -> None:
    reach = _corners(shape)
    low, high = reach.min(axis=0), reach.max(axis=0)
    edge = np.array([arena.half_width, arena.half_height])
    excess = np.maximum(-edge - low, high - edge)
    if (excess <= 1e-9).all():
        return
    axis = int(excess.argmax())
    ends = f"from {-edge[axis]:.2f} to {edge[axis]:.2f} m"
    sides = f"from {low[axis]:.2f} to {high[axis]:.2f} m in {'xy'[axis]}, the arena {ends}"
    if (high - low <= 2 * edge).all():
        middle = np.clip((low + high) / 2, -edge + (high - low) / 2, edge - (high - low) / 2)
        place = shape.centre + middle - (low + high) / 2
        remedy = f"move its centre to ({place[0]:.2f}, {place[1]:.2f})"
    else:
        share = float((2 * edge / (high - low)).min())
        remedy = f"make it at most {share:.0%} of its size, or give a larger arena"
    raise MusterError(f"The shape reaches out of the arena: {sides}; {remedy}")


def _corners(shape: Shape) -> Array:
    """Corners of all cells, shape (4·cells, 2) [m; world]."""
    half = 0.5 * shape.pitch * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    cosine, sine = math.cos(shape.yaw), math.sin(shape.yaw)
    turned = half @ np.array([[cosine, sine], [-sine, cosine]])
    return np.asarray((shape.cells[:, None] + turned[None]).reshape(-1, 2))
