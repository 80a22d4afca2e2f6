"""Drawing one video frame: a shape's cells, robots as discs, walls and a caption, placed in metres."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw

from muster_core.metrics import covering_robots
from muster_core.robot import Arena
from muster_core.shape import Shape
from muster_core.types import Array, Integers, Mask
from muster_sim import style

Frame = NDArray[np.uint8]
"""RGB picture. Shape: (height, width, 3)."""


def covered_cells(positions: Array, shape: Shape, distance: float) -> Mask:
    """Which cell centres lie within ``distance`` [m] of a robot. Shape: (cells,)."""
    return np.asarray(covering_robots(positions, shape, distance) > 0)


class Canvas:
    """A frame in the making, in metres. Cells are shaded by the pixel; the rest is drawn enlarged and then reduced."""

    def __init__(self, shape: Shape, covered: Mask, arena: Arena, width: int) -> None:
        self.field, self.arena = _Field(arena, width), arena
        self.zoom = style.SUPERSAMPLING
        cells = _shaded(shape, covered, self.field)
        size = (self.field.width * self.zoom, self.field.height * self.zoom)
        self.image = Image.fromarray(cells).resize(size, Image.Resampling.NEAREST)
        self.draw = ImageDraw.Draw(self.image)

    def ring(self, x: float, y: float, radius: float) -> None:
        """A thin circle around a point [m; world]."""
        self.draw.ellipse(self._box(x, y, radius), outline=style.RING, width=self.zoom)

    def disc(self, x: float, y: float, radius: float) -> None:
        """A filled robot [m; world]."""
        self.draw.ellipse(self._box(x, y, radius), fill=style.INK)

    def hollow(self, x: float, y: float, radius: float) -> None:
        """A robot that is no longer in the team [m; world]."""
        self.draw.ellipse(self._box(x, y, radius), fill=style.PAGE, outline=style.INK, width=2 * self.zoom)

    def walls(self) -> None:
        """The arena's edge, and the obstacles in it."""
        for corners in self.arena.obstacles:
            places = (self.zoom * self.field.pixels(np.array(corners))).tolist()
            self.draw.polygon([tuple(place) for place in places], fill=style.OBSTACLE, outline=style.INK)
        corner = np.array([self.arena.half_width, self.arena.half_height])
        (left, top), (right, bottom) = (self.zoom * self.field.pixels(corner * side) for side in ([-1, 1], [1, -1]))
        thickness = 2 * self.zoom
        self.draw.rectangle(
            (left - thickness, top - thickness, right + thickness, bottom + thickness),
            outline=style.INK,
            width=thickness,
        )

    def caption(self, left: str, right: str) -> None:
        """Text below the arena, at its left and right end."""
        width, height, margin = self.field.width, self.field.height, self.field.margin
        font = style.font(round(width * style.CAPTION_SIZE) * self.zoom)
        y = 0.5 * (self.field.bottom + margin * 0.6 + height) * self.zoom
        self.draw.text((margin * self.zoom, y), left, fill=style.INK, font=font, anchor="lm")
        self.draw.text(((width - margin) * self.zoom, y), right, fill=style.INK, font=font, anchor="rm")

    def finished(self) -> Frame:
        """The frame."""
        return np.asarray(self.image.reduce(self.zoom), dtype=np.uint8)

    def _box(self, x: float, y: float, radius: float) -> tuple[float, float, float, float]:
        (px, py), r = (self.zoom * self.field.pixels(np.array([x, y]))).tolist(), radius * self.field.scale * self.zoom
        return px - r, py - r, px + r, py + r


@dataclass(frozen=True)
class _Field:
    """Where the arena lies in a frame."""

    arena: Arena
    asked_width: int

    @property
    def margin(self) -> int:
        return round(self.asked_width * style.FRAME_MARGIN)

    @property
    def width(self) -> int:
        return self.asked_width - self.asked_width % 2

    @property
    def scale(self) -> float:
        """Pixels per metre."""
        return (self.width - 2 * self.margin) / (2.0 * self.arena.half_width)

    @property
    def bottom(self) -> int:
        """Row of the lower wall."""
        return self.margin + round(2.0 * self.arena.half_height * self.scale)

    @property
    def height(self) -> int:
        height = self.bottom + self.margin + round(self.width * style.CAPTION_HEIGHT)
        return height - height % 2

    def pixels(self, points: Array) -> Array:
        """World points (..., 2) [m] as columns and rows of the frame."""
        x = self.margin + (points[..., 0] + self.arena.half_width) * self.scale
        y = self.margin + (self.arena.half_height - points[..., 1]) * self.scale
        return np.stack([x, y], axis=-1)


def _shaded(shape: Shape, covered: Mask, field: _Field) -> Frame:
    """The page with the shape's cells in their colours. Shape: (height, width, 3)."""
    cell, share = _cell_pixels(shape, field)
    page, free, taken = (np.array(ImageColor.getrgb(c)) for c in (style.PAGE, style.FREE_CELL, style.COVERED_CELL))
    picture = np.empty((field.height, field.width, 3), dtype=np.uint8)
    picture[:] = page
    rows, columns = np.nonzero(cell >= 0)
    colours = np.where(covered[cell[rows, columns], None], taken, free)
    picture[rows, columns] = np.rint(page + share[rows, columns, None] * (colours - page))
    return picture


@lru_cache(maxsize=8)
def _cell_pixels(shape: Shape, field: _Field) -> tuple[Integers, Array]:
    """Which cell each pixel shows, or -1, and how much of it [0..1]: a hair of page shows between cells.

    Shapes: (height, width). Kept for the next frame: only the cells' colours change.
    """
    columns, rows = np.meshgrid(np.arange(field.width) + 0.5, np.arange(field.height) + 0.5)
    x = (columns - field.margin) / field.scale - field.arena.half_width
    y = field.arena.half_height - (rows - field.margin) / field.scale
    local = shape.to_local(np.stack([x.ravel(), y.ravel()], axis=1)) / shape.pitch
    place = np.floor(local).astype(np.int64)
    side = np.array(shape.occupancy.shape[::-1])
    within = ((place >= 0) & (place < side)).all(axis=1)
    numbers = np.where(shape.occupancy, np.cumsum(shape.occupancy).reshape(shape.occupancy.shape) - 1, -1)
    cell = np.full(len(local), -1)
    cell[within] = numbers[place[within, 1], place[within, 0]]
    edge = (0.5 - np.abs(local - place - 0.5).max(axis=1)) * shape.pitch * field.scale  # pixels to the cell's edge
    share = np.clip(edge + 0.25, 0.0, 1.0)
    return cell.reshape(columns.shape), share.reshape(columns.shape)
