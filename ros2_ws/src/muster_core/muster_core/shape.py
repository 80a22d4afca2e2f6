"""The shape that a team is asked to form: an occupancy lattice with a pitch and a pose.

Cells live on their own lattice, so "which cells do I see" is a window lookup and never a scan. Robots get a shape as a
`nav_msgs/OccupancyGrid`; everything here converts from and to that, from arrays, from text and from named figures.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muster_core.errors import MusterError
from muster_core.figures import DEFAULT_CELLS, DEFAULT_HEIGHT, FIGURES, figure_lattice
from muster_core.glyphs import text_lattice
from muster_core.types import Array, Mask
from muster_core.validation import count, finite

MAX_SIDE = 1024
"""Most rows or columns of a lattice [cells]: a larger one is a mistake, or would swamp a robot's memory."""
MAX_WIDTH = 3.2
"""Widest that `load_shape` draws a word [m], so that it lies within the default arena of 4.8 m with room to turn."""
CLEARANCE = 0.02
"""Free gap that two neighbouring robots of a filled shape must have left [m]."""


@dataclass(frozen=True)
class LatticeTables:
    """A shape as kernels read it; H rows, W columns."""

    occupancy: NDArray[np.uint8]
    """1 where a cell belongs to the shape, shape (H, W)."""
    places: Array
    """Centres of the cells, x and y, numbered row by row, shape (2, cells) [m; world]."""
    ranks: NDArray[np.int32]
    """How many cells come before this place, row by row, shape (H, W + 1)."""
    below: NDArray[np.int32]
    """Largest occupied row <= r in the same column, or -1, shape (H, W)."""
    above: NDArray[np.int32]
    """Smallest occupied row >= r in the same column, or -1, shape (H, W)."""
    frame: Array
    """origin x, origin y [m; world], cos(yaw), sin(yaw), pitch [m], shape (5,)."""


@dataclass(frozen=True, eq=False)
class Shape:
    """Cells to be covered. Cell (row, column) has its centre at origin + R(yaw) · ((column+½)·pitch, (row+½)·pitch)."""

    occupancy: Mask
    """True where a cell belongs to the shape, shape (rows, columns); rows along +y, columns along +x of its frame."""
    pitch: float
    """Side of a cell [m]."""
    origin_x: float = 0.0
    """Corner of cell (0, 0) that is lowest in both lattice directions, x [m; world]."""
    origin_y: float = 0.0
    """The same corner, y [m; world]."""
    yaw: float = 0.0
    """Turn of the lattice [rad; world]."""

    def __post_init__(self) -> None:
        """Check and freeze the lattice.

        Raises:
            MusterError: the lattice is not two-dimensional, too large or without a cell, or a number is not finite.
        """
        occupancy = np.array(self.occupancy, dtype=bool)
        if occupancy.ndim != 2:
            raise MusterError(f"A shape's occupancy has {occupancy.ndim} dimensions; it must have 2: rows and columns")
        rows, columns = occupancy.shape
        if max(rows, columns) > MAX_SIDE:
            raise MusterError(f"A shape of {rows} x {columns} cells is too large; at most {MAX_SIDE} x {MAX_SIDE}")
        if not occupancy.any():
            raise MusterError(f"The shape has no cell: none of its {rows} x {columns} places is occupied")
        for name in ("pitch", "origin_x", "origin_y", "yaw"):
            object.__setattr__(self, name, finite(f"The shape's {name}", getattr(self, name)))
        if self.pitch <= 0:
            raise MusterError(f"The shape's pitch is {self.pitch}; it must be above 0 metres")
        occupancy.setflags(write=False)
        object.__setattr__(self, "occupancy", occupancy)

    @classmethod
    def from_array(
        cls, occupancy: NDArray[Any], pitch: float, x: float = 0.0, y: float = 0.0, yaw: float = 0.0
    ) -> "Shape":
        """Shape from an array, shape (rows, columns), with its centre at (x, y) [m; world] and turned to `yaw` [rad].

        Raises:
            MusterError: as for the shape itself.
        """
        values = np.asarray(occupancy)
        if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
            raise MusterError(
                "A shape's occupancy holds values that are not finite numbers; 0 is free, others are cells"
            )
        return cls(values != 0, pitch).moved(x, y, yaw)

    @classmethod
    def from_occupancy_grid(
        cls,
        data: Sequence[int] | NDArray[Any],
        width: int,
        height: int,
        resolution: float,
        origin_x: float = 0.0,
        origin_y: float = 0.0,
        yaw: float = 0.0,
    ) -> "Shape":
        """Shape from the fields of a `nav_msgs/OccupancyGrid`.

        Args:
            data: row-major, `width * height` values in -1…100; 50 and more is a cell, unknown (-1) is none.
            width: columns.
            height: rows.
            resolution: side of a cell [m].
            origin_x: `info.origin.position.x` [m; world].
            origin_y: `info.origin.position.y` [m; world].
            yaw: turn of `info.origin` [rad; world].

        Raises:
            MusterError: sizes do not agree or are out of range, or a value is none of an occupancy grid.
        """
        if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
            raise MusterError(
                f"An occupancy grid of {width} x {height} cells is no shape; each side must be 1…{MAX_SIDE}"
            )
        values = np.asarray(data)
        if values.ndim != 1 or values.size != width * height:
            raise MusterError(
                f"The occupancy grid holds {values.size} values; {width} x {height} cells need {width * height}"
            )
        if not np.issubdtype(values.dtype, np.integer) or values.min() < -1 or values.max() > 100:
            raise MusterError("The occupancy grid holds values that are not whole numbers from -1 to 100")
        return cls(values.reshape(height, width) >= 50, resolution, origin_x, origin_y, yaw)

    @classmethod
    def from_text(cls, text: str, height: float = DEFAULT_HEIGHT, cells: int = DEFAULT_CELLS) -> "Shape":
        """Shape of a glyph or a short word in the shipped font, its centre at the world's origin.

        Args:
            text: what to write.
            height: extent of the cell centres along y [m].
            cells: about how many cells to have; the lattice's pitch follows from it.

        Raises:
            MusterError: empty text, a glyph that the font lacks, or a size that cannot be drawn.
        """
        occupancy = text_lattice(text, count("cells", cells))
        return cls.from_array(occupancy, _pitch(occupancy, height))

    @classmethod
    def from_figure(cls, name: str, height: float = DEFAULT_HEIGHT, cells: int = DEFAULT_CELLS) -> "Shape":
        """Shape of a named figure (see `FIGURES`), its centre at the world's origin; arguments as for `from_text`.

        Raises:
            MusterError: an unknown name (the message lists the names), or a size that cannot be drawn.
        """
        occupancy = figure_lattice(name, count("cells", cells))
        return cls.from_array(occupancy, _pitch(occupancy, height))

    def moved(self, x: float, y: float, yaw: float) -> "Shape":
        """The same lattice with its centre at (x, y) [m; world], turned to `yaw` [rad; world], whatever its pose was.

        Raises:
            MusterError: a number is not finite.
        """
        x, y, yaw = finite("The shape's x", x), finite("The shape's y", y), finite("The shape's yaw", yaw)
        u, v = self._local_centre
        cosine, sine = math.cos(yaw), math.sin(yaw)
        result = replace(self, origin_x=x - (u * cosine - v * sine), origin_y=y - (u * sine + v * cosine), yaw=yaw)
        result.__dict__["_columns"] = self._columns  # depends on the lattice alone: computed once for all poses
        return result

    def scaled(self, pitch: float) -> "Shape":
        """The same cells in the same place with another `pitch` [m]: smaller or larger around its centre.

        Raises:
            MusterError: the pitch is not a finite number above 0.
        """
        x, y = self.centre
        return replace(self, pitch=pitch).moved(float(x), float(y), self.yaw)

    def to_world(self, points: Array) -> Array:
        """Points of the shape's own frame (lattice corner, lattice axes), shape (k, 2) [m], in the world [m; world]."""
        cosine, sine = math.cos(self.yaw), math.sin(self.yaw)
        placed: Array = points @ np.array([[cosine, sine], [-sine, cosine]]) + np.array([self.origin_x, self.origin_y])
        return placed

    def to_local(self, points: Array) -> Array:
        """Points of the world, shape (k, 2) [m; world], in the shape's own frame (lattice corner, lattice axes) [m]."""
        cosine, sine = math.cos(self.yaw), math.sin(self.yaw)
        turned: Array = (points - np.array([self.origin_x, self.origin_y])) @ np.array(
            [[cosine, -sine], [sine, cosine]]
        )
        return turned

    def avoid_distance(self, team_size: int) -> float:
        """Distance that neighbours keep when `team_size` discs of that diameter have the shape's area [m].

        LAMARL's r_avoid, 2·sqrt(area/(π·n)), unrounded.

        Raises:
            MusterError: the team size is not a whole number of at least 1.
        """
        return 2.0 * math.sqrt(self.area / (math.pi * count("team_size", team_size)))

    def check_team(self, team_size: int, robot_radius: float) -> None:
        """Refuse a team that the shape has no room for.

        Args:
            team_size: number of robots.
            robot_radius: radius of one [m].

        Raises:
            MusterError: the avoid distance is not above two radii and 2 cm; the message names how many robots fit.
        """
        needed = 2.0 * robot_radius + CLEARANCE
        if self.avoid_distance(team_size) > needed:
            return
        most = math.ceil(4.0 * self.area / (math.pi * needed**2)) - 1
        raise MusterError(
            f"{team_size} robots of radius {robot_radius:g} m do not fit into a shape of {self.area:.2f} m²: "
            f"it holds {most}. Send fewer robots or make the shape larger"
        )

    def occupancy_grid_data(self) -> NDArray[np.int8]:
        """The `data` field of a `nav_msgs/OccupancyGrid`: row-major, 0 or 100, shape (rows * columns,)."""
        return np.where(self.occupancy, 100, 0).astype(np.int8).ravel()

    @cached_property
    def cells(self) -> Array:
        """Cell centres in row-major order, shape (cells, 2) [m; world]."""
        rows, columns = np.nonzero(self.occupancy)
        return self.to_world((np.column_stack((columns, rows)).astype(np.float64) + 0.5) * self.pitch)

    @property
    def area(self) -> float:
        """Area of all cells [m²]."""
        return int(np.count_nonzero(self.occupancy)) * self.pitch**2

    @property
    def centre(self) -> Array:
        """Centre of the box around the cells, in lattice directions, shape (2,) [m; world]."""
        return self.to_world(self._local_centre[None]).reshape(2)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the box around the cells, in lattice directions [m]."""
        first_row, last_row, first_column, last_column = self._box
        return (last_column - first_column + 1) * self.pitch, (last_row - first_row + 1) * self.pitch

    @cached_property
    def digest(self) -> str:
        """Sha256 over lattice and pitch, not the pose. The pitch counts in float32, as an OccupancyGrid carries it."""
        header = f"{self.occupancy.shape} {float(np.float32(self.pitch))!r} ".encode()
        return hashlib.sha256(header + np.packbits(self.occupancy).tobytes()).hexdigest()

    @cached_property
    def tables(self) -> LatticeTables:
        """The lookup tables that kernels take."""
        frame = np.array([self.origin_x, self.origin_y, math.cos(self.yaw), math.sin(self.yaw), self.pitch])
        return LatticeTables(self.occupancy.astype(np.uint8), np.ascontiguousarray(self.cells.T), *self._columns, frame)

    @cached_property
    def _columns(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        height = self.occupancy.shape[0]
        rows = np.arange(height, dtype=np.int32)[:, None]
        below = np.maximum.accumulate(np.where(self.occupancy, rows, np.int32(-1)), axis=0)
        above = np.minimum.accumulate(np.where(self.occupancy, rows, np.int32(height))[::-1], axis=0)[::-1]
        above = np.ascontiguousarray(np.where(above == height, np.int32(-1), above))
        ranks = np.zeros((height, self.occupancy.shape[1] + 1), np.int32)
        np.cumsum(self.occupancy, axis=1, out=ranks[:, 1:])
        ranks[1:] += np.cumsum(ranks[:-1, -1], dtype=np.int32)[:, None]
        return ranks, below, above

    @cached_property
    def _box(self) -> tuple[int, int, int, int]:
        rows = np.flatnonzero(self.occupancy.any(axis=1))
        columns = np.flatnonzero(self.occupancy.any(axis=0))
        return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])

    @property
    def _local_centre(self) -> Array:
        first_row, last_row, first_column, last_column = self._box
        return np.array([first_column + last_column + 1, first_row + last_row + 1]) * (0.5 * self.pitch)


def load_shape(name: str, height: float = DEFAULT_HEIGHT, cells: int = DEFAULT_CELLS) -> Shape:
    """Shape by the name that commands take: a figure of `FIGURES`, else the text itself ("R", "GO").

    A word that would be wider than `MAX_WIDTH` is drawn smaller, that wide; a larger height allows more in proportion.

    Raises:
        MusterError: see `Shape.from_figure` and `Shape.from_text`.
    """
    shape = Shape.from_figure(name, height, cells) if name in FIGURES else Shape.from_text(name, height, cells)
    width, widest = shape.size[0], MAX_WIDTH * max(1.0, height / DEFAULT_HEIGHT)
    return shape if width <= widest else shape.scaled(shape.pitch * widest / width)


def _pitch(occupancy: Mask, height: float) -> float:
    height = finite("The shape's height", height)
    if height <= 0:
        raise MusterError(f"The shape's height is {height}; it must be above 0 metres")
    # LAMARL scales the extent of the cell centres, which is one cell less than that of the cells.
    rows: int = occupancy.shape[0]
    return height / (rows - 1)
