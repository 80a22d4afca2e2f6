"""From who is where to what each robot sees: snapshots and scenes in, perceptions out.

A ``Snapshot`` is what one robot knows at one moment; a ``Scene`` is the same for whole batches of environments. Both go
through :func:`perceive`, so that a robot on the floor and ten thousand in training run the same kernels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from muster_core.errors import MusterError
from muster_core.kernels.sensing import MEMBER, sense_rows
from muster_core.shape import Shape
from muster_core.types import AnyArray, Array, Integers

BODY = 2
"""In ``SceneArrays.present``: a robot that has died, say, and is only in the way."""


@dataclass(frozen=True)
class Sensing:
    """How far and how much a robot sees. It is part of a policy's card."""

    radius_ratio: float = 1.6
    """Sensing radius in avoid distances (LAMARL: 0.4 m / 0.26 m = 1.54)."""
    neighbours: int = 8
    """Most neighbours perceived, nearest first."""
    cells: int = 200
    """Most cells perceived; beyond that an even subsample."""

    def __post_init__(self) -> None:
        """Refuse a robot that sees nothing.

        Raises:
            MusterError: names the field and its value.
        """
        if not 0.5 < self.radius_ratio <= 100.0:
            raise MusterError(
                f"sensing radius_ratio is {self.radius_ratio!r}; it must lie above 0.5 and at most at 100"
            )
        for name in ("neighbours", "cells"):
            if not 1 <= getattr(self, name) <= 4096:
                raise MusterError(f"sensing {name} is {getattr(self, name)!r}; it must lie in 1 … 4096")


class SceneArrays(NamedTuple):
    """Who is where, as kernels take it."""

    positions: Array
    """(E, N, 2) [m; world]."""
    velocities: Array
    """(E, N, 2) [m/s; world]."""
    issued: Array
    """(E, N, 2) last command after the filter [m/s; world]."""
    ages: Array
    """(E, N) age of each pose [s]."""
    present: AnyArray
    """(E, N) uint8: 0 for a robot that nobody can see, MEMBER of the team, or a BODY that is only in the way: sensing
    ignores it, the safety filter does not."""


class Lattices(NamedTuple):
    """The shapes of E environments, padded to one size H x W."""

    places: Array
    """(E, 2, M) centres of the cells, x and y, numbered row by row [m; world]."""
    ranks: AnyArray
    """(E, H, W + 1) int32: how many cells come before this one, row by row."""
    below: AnyArray
    """(E, H, W) int32: largest occupied row at or below this one in the column, or -1."""
    above: AnyArray
    """(E, H, W) int32: smallest occupied row at or above this one, or -1."""
    extents: Integers
    """(E, 2) rows and columns in use."""
    frames: Array
    """(E, 5) origin x, y [m; world], cos(yaw), sin(yaw), pitch [m]."""


class Perceptions(NamedTuple):
    """What B robots see, relative to each, aligned with the world's axes. Rows beyond the counts are not defined."""

    neighbours: Array
    """(B, K, 4) relative position [m] and relative velocity [m/s], nearest first."""
    neighbour_count: Integers
    """(B,) valid rows of ``neighbours``."""
    cells: Array
    """(B, C, 2) offset of each sensed cell's centre [m]."""
    states: AnyArray
    """(B, C) int8: 0 free, 1 covered by me alone, 2 covered by others."""
    cell_count: Integers
    """(B,) valid rows of ``cells``."""
    cell_weight: Array
    """(B,) how many cells in reach each listed one stands for."""
    target: Array
    """(B, 2) offset of the nearest cell of the shape [m]."""
    inside: AnyArray
    """(B,) uint8: 1 in the shape."""
    velocity: Array
    """(B, 2) own velocity [m/s; world]."""
    avoid: Array
    """(B,) avoid distance [m]."""
    radius: Array
    """(B,) sensing radius [m]."""
    pitch: Array
    """(B,) lattice pitch [m]."""

    @classmethod
    def empty(cls, rows: int, sensing: Sensing) -> "Perceptions":
        """Buffers for ``rows`` robots, zeroed."""
        return cls(
            neighbours=np.zeros((rows, sensing.neighbours, 4)),
            neighbour_count=np.zeros(rows, np.int64),
            cells=np.zeros((rows, sensing.cells, 2)),
            states=np.zeros((rows, sensing.cells), np.int8),
            cell_count=np.zeros(rows, np.int64),
            cell_weight=np.ones(rows),
            target=np.zeros((rows, 2)),
            inside=np.zeros(rows, np.uint8),
            velocity=np.zeros((rows, 2)),
            avoid=np.ones(rows),
            radius=np.ones(rows),
            pitch=np.ones(rows),
        )


@dataclass(frozen=True)
class Snapshot:
    """What one robot knows at one moment. Robots it has never heard of are absent."""

    positions: Array
    """(n, 2) of everybody it knows, itself included [m; world]."""
    velocities: Array
    """(n, 2) [m/s; world]."""
    ages: Array
    """(n,) age of each pose [s]."""
    me: int
    """Own row."""
    issued: Array
    """(2,) own last command after the filter [m/s; world]."""
    shape: Shape
    """The shape to form."""
    team_size: int
    """Robots that share the shape, as told by the operator; not the number of rows."""
    present: AnyArray | None = None
    """(n,) uint8: MEMBER of the team, or a BODY that is only in the way; None: all are members."""

    def scene(self) -> "Scene":
        """The same as a scene of one environment."""
        count = len(self.positions)
        issued = np.zeros((1, count, 2))
        issued[0, self.me] = self.issued
        arrays = SceneArrays(
            positions=np.ascontiguousarray(self.positions, np.float64)[None],
            velocities=np.ascontiguousarray(self.velocities, np.float64)[None],
            issued=issued,
            ages=np.ascontiguousarray(self.ages, np.float64)[None],
            present=np.full((1, count), MEMBER, np.uint8),
        )
        if self.present is not None:
            arrays.present[0] = self.present
        return Scene(arrays, (self.shape,), np.array([self.team_size]))


class Scene:
    """E environments of N robots each, ready for the kernels."""

    def __init__(self, arrays: SceneArrays, shapes: Sequence[Shape], team_sizes: Integers) -> None:
        """Gather the shapes' tables.

        Args:
            arrays: Who is where; kept, not copied.
            shapes: One per environment.
            team_sizes: (E,) robots that share each shape.
        """
        self.arrays = arrays
        self.shapes = tuple(shapes)
        self.team_sizes = np.asarray(team_sizes, np.int64)
        self.lattices = stack_lattices(self.shapes)
        self.avoid: Array = np.array(
            [shape.avoid_distance(int(size)) for shape, size in zip(self.shapes, self.team_sizes, strict=True)]
        )
        self.memory: dict[str, Array] = {}
        """What controllers with memory keep of the episode, by their name; forgotten with the scene."""

    def all_rows(self) -> Integers:
        """(E·N, 2): every robot of every environment, in order."""
        environments, robots = self.arrays.positions.shape[:2]
        return np.stack(
            [np.repeat(np.arange(environments), robots), np.tile(np.arange(robots), environments)], axis=1
        ).astype(np.int64)


def stack_lattices(shapes: Sequence[Shape]) -> Lattices:
    """The tables of several shapes as one set of arrays; a single shape is not copied."""
    tables = [shape.tables for shape in shapes]
    frames = np.stack([t.frame for t in tables])
    extents = np.array([t.below.shape for t in tables], np.int64)
    if len(tables) == 1:
        only = tables[0]
        return Lattices(only.places[None], only.ranks[None], only.below[None], only.above[None], extents, frames)
    high, wide = extents.max(axis=0)
    places = np.zeros((len(tables), 2, max(t.places.shape[1] for t in tables)))
    ranks = np.zeros((len(tables), high, wide + 1), np.int32)
    below, above = (np.full((len(tables), high, wide), -1, np.int32) for _ in range(2))
    for e, t in enumerate(tables):
        rows, columns = t.below.shape
        places[e, :, : t.places.shape[1]] = t.places
        ranks[e, :rows, : columns + 1] = t.ranks
        ranks[e, :rows, columns + 1 :] = t.ranks[:, -1:]
        below[e, :rows, :columns] = t.below
        above[e, :rows, :columns] = t.above
    return Lattices(places, ranks, below, above, extents, frames)


def perceive(scene: Scene, rows: Integers, sensing: Sensing, out: Perceptions | None = None) -> Perceptions:
    """What the robots ``rows`` (B, 2: environment, robot) see in ``scene``; written to ``out`` where given."""
    if out is None:
        out = Perceptions.empty(len(rows), sensing)
    sense_rows(rows, scene.arrays, scene.lattices, scene.avoid, sensing.radius_ratio * scene.avoid, out)
    return out
