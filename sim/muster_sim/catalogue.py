"""Shapes by name for commands and tasks: sets of names, and one door for every shape that has a name."""

import string
from collections.abc import Sequence

from muster_core.errors import MusterError
from muster_core.figures import DEFAULT_CELLS, DEFAULT_HEIGHT, FIGURES
from muster_core.robot import Arena
from muster_core.shape import Shape, load_shape
from muster_sim.procedural import HELD_OUT, seeded_shape
from muster_sim.shape_files import MAX_METRES, ShapeOptions, is_outline, open_shape

SEVEN_SHAPES = ("A", "B", "E", "O", "R", "T", "star")
"""LAMARL's six letters and its star."""
PROCEDURAL = "procedural"
"""Of a task: every episode draws a fresh random shape from its own seed, never a held-out one."""
SETS: dict[str, tuple[str, ...]] = {
    "seven": SEVEN_SHAPES,
    "letters": tuple(string.ascii_uppercase),
    "digits": tuple(string.digits),
    "figures": FIGURES,
    "held-out": tuple(f"held-out-{index}" for index in range(HELD_OUT)),
}
"""Sets that a list of shapes may name."""


def expand(names: str | Sequence[str]) -> tuple[str, ...]:
    """Names of single shapes, each once, in the order in which they are asked for.

    Args:
        names: separated by commas, or one by one; those of `SETS` stand for all their members.

    Raises:
        MusterError: no name is left.
    """
    single = names.split(",") if isinstance(names, str) else names
    asked = [name.strip() for name in single if name.strip()]
    expanded = tuple(dict.fromkeys(member for name in asked for member in SETS.get(name, (name,))))
    if not expanded:
        raise MusterError(f"No shape in {names!r}. Available: {_choices()}")
    return expanded


def open_named(name: str, height: float = DEFAULT_HEIGHT, cells: int = DEFAULT_CELLS) -> Shape:
    """The shape called ``name``, its centre at the world's origin.

    Args:
        name: a figure, a text, ``held-out-17``, ``procedural-4711``, or a file, WKT or JSON as for `open_shape`.
        height: extent of the cell centres along y [m]; a wide shape is drawn smaller, as by `load_shape`.
        cells: about how many cells to have.

    Raises:
        MusterError: nothing has that name (the message lists the choices), or it cannot be read or drawn.
    """
    if name == PROCEDURAL or name in SETS:
        raise MusterError(f"{name!r} names many shapes, not one. Available: {_choices()}")
    shape = seeded_shape(name, height, cells)
    if shape is not None:
        return shape
    if not is_outline(name):
        return load_shape(name, height, cells)
    anywhere = Arena(MAX_METRES, MAX_METRES)  # where it will lie, and whether it fits there, is not asked yet
    shape = open_shape(name, ShapeOptions(cells=cells, arena=anywhere)).shape
    return shape if height == DEFAULT_HEIGHT else shape.scaled(shape.pitch * height / DEFAULT_HEIGHT)


def _choices() -> str:
    return (
        f"{', '.join(SETS)}; {PROCEDURAL}; a figure ({', '.join(FIGURES)}), a letter or short word, "
        f"held-out-0 … held-out-{HELD_OUT - 1}, procedural-<seed>, or a file"
    )
