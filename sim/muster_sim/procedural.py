"""Shapes without end: a random shape for every seed, to train on, and a hundred others that training never sees.

A seed decides everything, through numpy's SeedSequence and PCG64, which are the same everywhere and in every version;
what is drawn from it passes through sines and quotients, so that on a processor that rounds those differently a shape
might, seldom, differ in a cell. The held-out shapes come of another domain of seeds and of other glyphs.
"""

import math
import re
from collections.abc import Callable

import numpy as np
from scipy import ndimage

from muster_core.errors import MusterError
from muster_core.figures import DEFAULT_CELLS, DEFAULT_HEIGHT
from muster_core.robot import RobotModel
from muster_core.shape import MAX_WIDTH, Shape
from muster_core.types import Mask
from muster_core.validation import count
from muster_sim.drawing import Drawing, to_lattice
from muster_sim.glyph_shapes import glyph
from muster_sim.shape_families import assembled, blob, cloud, pierced, polygon, strokes

HELD_OUT = 100
"""How many shapes are kept out of training."""
LARGEST_TEAM = 60
"""Every shape has room for so many robots of the default kind."""
LEAST_WIDTH = 0.11
"""Narrowest limb [m]: a robot of 7 cm and 2 cm of air on either side."""
MOST_LOST = 0.06
"""Largest share that a shape may lose when loose pieces and thin limbs are cut off; beyond it another is drawn."""
SPREAD = 0.1
"""Largest share by which the number of cells may miss the wanted one."""
TRIALS = 200
"""Most drawings for one seed. One in three is refused, so this many never are."""
SEEDED = re.compile("(held-out|procedural)-(.*)")
"""Names of shapes that come of a number."""

Family = Callable[[np.random.Generator], Mask]
FAMILIES: tuple[tuple[Family | None, float], ...] = (
    (polygon, 0.2), (blob, 0.12), (cloud, 0.12), (assembled, 0.2), (strokes, 0.2), (None, 0.16),
)  # fmt: skip
"""Families and how often each is drawn; None stands for glyphs, of which held-out shapes have their own."""
PIERCED = 0.2
"""Share of the shapes (glyphs excepted) that get round holes."""
_TRAINING, _HELD_OUT = 0x7472_6169, 0x6865_6C64  # first words of the two domains of seeds


def procedural_shape(seed: int, height: float = DEFAULT_HEIGHT, cells: int = DEFAULT_CELLS) -> Shape:
    """The training shape of ``seed``, its centre at the world's origin; connected, without limbs too thin for a robot.

    Args:
        seed: 0 ≤ seed < 2^63.
        height: extent of the cell centres along y [m]; a shape wider than `MAX_WIDTH` is drawn smaller, as by
            `load_shape`, so that the usual arena holds it at any turn.
        cells: about how many cells to have.

    Raises:
        MusterError: a seed, height or number of cells out of range.
    """
    if not 0 <= seed < 2**63:
        raise MusterError(f"The seed of a procedural shape is {seed}; it must lie in 0 … 2^63 - 1")
    return _draw(np.random.SeedSequence([_TRAINING, int(seed)]), False, height, cells)


def held_out_shape(index: int, height: float = DEFAULT_HEIGHT, cells: int = DEFAULT_CELLS) -> Shape:
    """Shape ``index`` (0 … 99) of those that are never trained on; otherwise as `procedural_shape`.

    Raises:
        MusterError: there is no such shape, or a height or number of cells is out of range.
    """
    if not 0 <= index < HELD_OUT:
        raise MusterError(f"There is no held-out shape {index}; they are held-out-0 … held-out-{HELD_OUT - 1}")
    return _draw(np.random.SeedSequence([_HELD_OUT, int(index)]), True, height, cells)


def seeded_shape(name: str, height: float = DEFAULT_HEIGHT, cells: int = DEFAULT_CELLS) -> Shape | None:
    """The shape that ``held-out-17`` or ``procedural-4711`` names, or None for a name of another kind.

    Raises:
        MusterError: such a name with a number that has no shape, or a height or number of cells out of range.
    """
    found = SEEDED.fullmatch(name)
    if found is None:
        return None
    kind, number = found.groups()
    if not (number.isascii() and number.isdigit() and len(number) <= 19):
        raise MusterError(
            f"Unknown shape {name!r}. Available: held-out-0 … held-out-{HELD_OUT - 1} and procedural-<seed> with a "
            f"seed in 0 … 2^63 - 1"
        )
    return (held_out_shape if kind == "held-out" else procedural_shape)(int(number), height, cells)


def _draw(seed: np.random.SeedSequence, held_out: bool, height: float, cells: int) -> Shape:
    if not (math.isfinite(height) and height > 0):
        raise MusterError(f"The shape's height is {height}; it must be above 0 metres")
    cells = count("cells", cells)
    generator = np.random.Generator(np.random.PCG64(seed))
    for _ in range(TRIALS):
        lattice = _lattice(_ink(generator, held_out), cells)
        if lattice is None:
            continue
        rows, columns = lattice.shape
        pitch = min(DEFAULT_HEIGHT / (rows - 1), MAX_WIDTH / columns)
        shape = Shape.from_array(lattice, pitch)
        try:
            shape.check_team(LARGEST_TEAM, RobotModel().radius)
        except MusterError:
            continue
        return shape if height == DEFAULT_HEIGHT else shape.scaled(pitch * height / DEFAULT_HEIGHT)
    raise MusterError(f"No shape of {cells} cells came of {TRIALS} drawings; ask for more cells")


def _ink(generator: np.random.Generator, held_out: bool) -> Mask:
    shares = np.cumsum([share for _, share in FAMILIES])
    family = FAMILIES[int(np.searchsorted(shares[:-1], generator.random() * shares[-1], side="right"))][0]
    if family is None:
        return glyph(generator, held_out)
    ink = family(generator)
    return pierced(ink, generator) if generator.random() < PIERCED else ink


def _lattice(ink: Mask, cells: int) -> Mask | None:
    """The one piece that ``ink`` is, as a lattice without thin limbs; None where too much would be lost."""
    main = _largest(ink)
    if main is None or main.sum() < (1.0 - MOST_LOST) * ink.sum():
        return None
    try:
        drawn, _ = to_lattice(Drawing(main), cells)
    except MusterError:
        return None
    rows, columns = drawn.shape
    side = max(2, math.ceil(LEAST_WIDTH / min(DEFAULT_HEIGHT / (rows - 1), MAX_WIDTH / columns)))
    opened = ndimage.binary_opening(np.pad(drawn, side), np.ones((side, side), dtype=bool))
    lattice = _largest(opened)
    if lattice is None or lattice.sum() < (1.0 - MOST_LOST) * drawn.sum():
        return None
    if abs(int(lattice.sum()) - cells) > SPREAD * cells:
        return None
    (bottom, top), (left, right) = (np.flatnonzero(lattice.any(axis=axis))[[0, -1]] for axis in (1, 0))
    return np.asarray(lattice[bottom : top + 1, left : right + 1])


def _largest(mask: Mask) -> Mask | None:
    """The largest piece whose cells share sides, or None where there is no cell."""
    pieces, found = ndimage.label(mask)
    if found == 0:
        return None
    return np.asarray(pieces == 1 + int(np.bincount(pieces.ravel())[1:].argmax()))
