"""What happened in one run, in memory and as an .npz file: the input of videos, pictures and curves."""

import math
import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from muster_core.errors import MusterError
from muster_core.kernels.measures import covered_share
from muster_core.metrics import entering_rate
from muster_core.robot import Arena
from muster_core.shape import Shape
from muster_core.types import Array, Integers, Mask

FORMAT = 1
"""Of the file; another number is refused."""


@dataclass(frozen=True)
class Recording:
    """Positions over time, and the shapes that were asked for one after the other."""

    times: Array
    """Ascending, from the start of the run. Shape: (T,) [s]."""
    positions: Array
    """Shape: (T, N, 2) [m; world]."""
    shapes: tuple[Shape, ...]
    """The shapes in the order they were sent, S of them."""
    shape_times: Array
    """When each became active, ascending; the first counts from the beginning. Shape: (S,) [s]."""
    best_coverage: Array
    """Coverage of the best layout known for each shape and this team. Shape: (S,), in (0, 1]."""
    avoid_distances: Array
    """Avoid distance in each shape. Shape: (S,) [m]."""
    robot_radius: float
    """Of the collision disc [m]."""
    arena: Arena
    """The walls."""
    names: tuple[str, ...] = ()
    """What the shapes are called in pictures; empty, or S of them."""
    members: Mask | None = None
    """Who is in the team at each moment: the others cover nothing. Shape: (T, N); None: everybody, always."""

    def __post_init__(self) -> None:
        """Refuse what does not fit together.

        Raises:
            MusterError: Names the field and what it must be.
        """
        count = len(self.shapes)
        expected = {
            "times": (len(self.times),),
            "positions": (len(self.times), *self.positions.shape[1:2], 2),
            "shape_times": (count,),
            "best_coverage": (count,),
            "avoid_distances": (count,),
        }
        for name, shape in expected.items():
            values = np.asarray(getattr(self, name), dtype=np.float64)
            if values.shape != shape or not np.isfinite(values).all():
                raise MusterError(f"A recording's {name} must be finite and of shape {shape}; theirs is {values.shape}")
            object.__setattr__(self, name, values)
        if count == 0 or self.positions.size == 0:
            raise MusterError("A recording needs at least one shape, one robot and one moment")
        if (np.diff(self.times) <= 0).any() or (np.diff(self.shape_times) < 0).any():
            raise MusterError("A recording's times and shape_times must ascend")
        if not ((self.best_coverage > 0).all() and (self.avoid_distances > 0).all()):
            raise MusterError("A recording's best_coverage and avoid_distances must be above 0")
        if not (math.isfinite(self.robot_radius) and self.robot_radius > 0):
            raise MusterError(f"A recording's robot_radius is {self.robot_radius!r}; it must be above 0 metres")
        if self.members is not None and (
            self.members.shape != self.positions.shape[:2] or not self.members.any(1).all()
        ):
            raise MusterError(
                f"A recording's members must be of shape {self.positions.shape[:2]}, somebody at any moment"
            )
        if self.names and len(self.names) != count:
            raise MusterError(f"A recording has {len(self.names)} names for {count} shapes")

    @property
    def robots(self) -> int:
        """Number of robots N."""
        return int(self.positions.shape[1])

    @property
    def active(self) -> Integers:
        """Index of the shape that is active at each moment. Shape: (T,)."""
        found = np.searchsorted(self.shape_times, self.times + 1e-9, side="right") - 1
        return np.maximum(found, 0).astype(np.int64)

    def coverage(self) -> Array:
        """Share of the active shape's cells within half the avoid distance of a robot. Shape: (T,)."""
        result = np.empty(len(self.times))
        for moment, index in enumerate(self.active):
            points = np.ascontiguousarray(self.team(moment))
            result[moment] = covered_share(self.shapes[index].cells, points, 0.5 * self.avoid_distances[index])
        return result

    def coverage_normalised(self) -> Array:
        """Coverage divided by the best layout's. Shape: (T,)."""
        return np.asarray(self.coverage() / self.best_coverage[self.active])

    def entering_rate(self) -> Array:
        """Share of robots in the active shape. Shape: (T,)."""
        moments = enumerate(self.active)
        return np.array([entering_rate(self.team(moment), self.shapes[index]) for moment, index in moments])

    def team(self, moment: int) -> Array:
        """Where the members of the team are. Shape: (n, 2) [m; world]."""
        points = self.positions[moment]
        return points if self.members is None else points[self.members[moment]]

    def save(self, path: str | Path) -> None:
        """Write an .npz file, whole or not at all.

        Raises:
            MusterError: The file cannot be written.
        """
        path = Path(path)
        content: dict[str, Any] = {
            "format": FORMAT,
            "times": self.times,
            "positions": self.positions,
            "shape_times": self.shape_times,
            "best_coverage": self.best_coverage,
            "avoid_distances": self.avoid_distances,
            "robot_radius": self.robot_radius,
            "arena": [self.arena.half_width, self.arena.half_height],
            "names": np.array(self.names, dtype=np.str_),
            "shapes": len(self.shapes),
            "obstacles": np.array([len(corners) for corners in self.arena.obstacles], dtype=np.int64),
            "corners": np.array([corner for ring in self.arena.obstacles for corner in ring]).reshape(-1, 2),
        }
        if self.members is not None:
            content["members"] = self.members
        for index, shape in enumerate(self.shapes):
            content[f"occupancy_{index}"] = shape.occupancy
            content[f"pose_{index}"] = [shape.pitch, shape.origin_x, shape.origin_y, shape.yaw]
        temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with temporary.open("wb") as file:
                np.savez_compressed(file, **content)
            temporary.replace(path)
        except OSError as error:
            raise MusterError(f"Cannot write the recording {path}: {error.strerror or error}") from error
        finally:
            temporary.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | Path) -> "Recording":
        """Read what ``save`` wrote.

        Raises:
            MusterError: There is no such file, it is no recording, or of another format.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                content = {name: file[name] for name in file.files}
        except FileNotFoundError as error:
            raise MusterError(f"There is no recording {path}") from error
        except (OSError, ValueError, TypeError, EOFError, zlib.error, zipfile.BadZipFile) as error:
            raise MusterError(f"{path} is not a recording (.npz written by Muster): {error}") from error
        try:
            return _from_content(content)
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise MusterError(f"{path} is not a recording: a field is missing or malformed ({error})") from error
        except MusterError as error:
            raise MusterError(f"{path}: {error}") from error


def _from_content(content: Mapping[str, Any]) -> Recording:
    if int(content["format"]) != FORMAT:
        raise MusterError(f"recording of format {int(content['format'])}; this version reads format {FORMAT}")
    shapes = []
    for index in range(int(content["shapes"])):
        pitch, x, y, yaw = content[f"pose_{index}"].tolist()
        shapes.append(Shape(content[f"occupancy_{index}"], pitch, x, y, yaw))
    width, height = content["arena"].tolist()
    ends = np.cumsum(content.get("obstacles", np.zeros(0, np.int64)))  # recordings before obstacles have none
    rings = np.split(content["corners"], ends[:-1]) if len(ends) else []
    obstacles = tuple(tuple((float(x), float(y)) for x, y in ring) for ring in rings)
    return Recording(
        times=content["times"],
        positions=content["positions"],
        shapes=tuple(shapes),
        shape_times=content["shape_times"],
        best_coverage=content["best_coverage"],
        avoid_distances=content["avoid_distances"],
        robot_radius=float(content["robot_radius"]),
        arena=Arena(width, height, obstacles),
        names=tuple(str(name) for name in content["names"]),
        members=content.get("members"),
    )
