"""Perceptions that a program is tried on before anybody trusts it: sampled from scenes, and made to be difficult."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from muster_core.robot import RobotModel
from muster_core.scene import Perceptions, Scene, SceneArrays, Sensing, perceive
from muster_core.shape import Shape, load_shape
from muster_core.types import Array

SAMPLED_SHAPES = (("disc", 12), ("ring", 30), ("cross", 30))
"""Figures and team sizes of the sampled scenes."""
SCENES = 6
"""Scenes for each of them: teams drawn wide, and teams drawn close to the shape."""


@dataclass(frozen=True)
class Trial:
    """Rows of perceptions, each with a name for messages."""

    perceptions: Perceptions
    """Read-only buffers of B rows."""
    names: tuple[str, ...]
    """What each row is."""


def trial(sensing: Sensing | None = None, seed: int = 0) -> Trial:
    """All perceptions that the output contract is checked on; the same every time."""
    sensing = sensing or Sensing()
    sampled = _sampled(sensing, np.random.default_rng(seed))
    difficult, names = _difficult(sensing, sampled)
    joined = [np.concatenate(pair) for pair in zip(difficult, sampled, strict=True)]
    for buffer in joined:
        buffer.flags.writeable = False
    rows = len(sampled.inside)
    return Trial(Perceptions(*joined), (*names, *(f"sampled perception {row}" for row in range(rows))))


def _sampled(sensing: Sensing, generator: np.random.Generator) -> Perceptions:
    parts = []
    for name, robots in SAMPLED_SHAPES:
        shape = load_shape(name)
        for scene in range(SCENES):
            parts.append(_scene(shape, robots, 2.0 if scene % 2 else 1.1, sensing, generator))
    return Perceptions(*(np.concatenate(fields) for fields in zip(*parts, strict=True)))


def _scene(shape: Shape, robots: int, spread: float, sensing: Sensing, generator: np.random.Generator) -> Perceptions:
    x, y, yaw = generator.uniform(-1.0, 1.0, 3)
    shape = shape.moved(x, y, np.pi * yaw)
    positions: Array = shape.centre + generator.uniform(-spread, spread, (1, robots, 2))
    arrays = SceneArrays(
        positions=positions,
        velocities=generator.uniform(-0.6, 0.6, (1, robots, 2)),
        issued=np.zeros((1, robots, 2)),
        ages=np.zeros((1, robots)),
        present=np.ones((1, robots), np.uint8),
    )
    scene = Scene(arrays, (shape,), np.array([robots]))
    return perceive(scene, scene.all_rows(), sensing)


def _difficult(sensing: Sensing, sampled: Perceptions) -> tuple[Perceptions, list[str]]:
    """Rows changed by hand from a full, ordinary one."""
    busiest = int(np.argmax(sampled.cell_count * (sampled.neighbour_count > 2)))
    changes: dict[str, dict[str, Any]] = {
        "a robot that sees no neighbour": {"neighbour_count": 0},
        "a robot that sees exactly one neighbour": {"neighbour_count": 1},
        "a robot that sees no cell": {"cell_count": 0, "inside": 0, "target": (3.0, -2.0)},
        "a robot that sees exactly one cell": {"cell_count": 1},
        "a robot that sees nothing at all": {"cell_count": 0, "neighbour_count": 0, "inside": 0, "target": (-1.5, 0.0)},
        "a robot that stands on another one": {"neighbours": 0.0},
        "a robot that stands on a cell's centre": {"cells": 0.0, "target": 0.0, "inside": 1},
        "a robot that stands still on the nearest cell": {"velocity": 0.0, "target": 0.0, "inside": 1},
        "a robot among neighbours at exactly the avoid distance": {"neighbours": (1.0, 0.0, 0.0, 0.0)},
        "a robot whose cells are all free": {"states": 0},
        "a robot whose cells are all its own": {"states": 1, "inside": 1},
        "a robot whose cells are all covered by others": {"states": 2},
        "a robot in the shape that sees no free cell and no neighbour": {
            "states": 1,
            "inside": 1,
            "neighbour_count": 0,
        },
        "a robot at great speed": {"velocity": (25.0, -40.0)},
        "a robot far away": {"cell_count": 0, "inside": 0, "target": (400.0, 300.0)},
        "a robot with as many neighbours as there can be": {"neighbour_count": sensing.neighbours},
        "a robot with as many cells as there can be": {"cell_count": sensing.cells, "cell_weight": 7.5},
        "a robot of a very small team": {"avoid": 3.0, "radius": 4.8},
        "a robot of a very large team": {"avoid": 0.004, "radius": 0.0064, "pitch": 0.001},
    }
    rows = len(changes)
    made = Perceptions(*(np.repeat(field[busiest : busiest + 1], rows, axis=0) for field in sampled))
    generator = np.random.default_rng(5)
    made.neighbours[:, :, :] = np.where(
        made.neighbours == 0.0, generator.uniform(-0.2, 0.2, made.neighbours.shape), made.neighbours
    )
    made.cells[:, :, :] = np.where(made.cells == 0.0, generator.uniform(-0.3, 0.3, made.cells.shape), made.cells)
    for row, change in enumerate(changes.values()):
        for name, value in change.items():
            getattr(made, name)[row] = value
    made.neighbours[list(changes).index("a robot among neighbours at exactly the avoid distance"), :, 0] = made.avoid[0]
    return made, list(changes)


DEFAULT_ROBOT = RobotModel()
"""The robot whose limits programs are tried with."""
