"""Text as an outline, in the font that ships with the package (DejaVu Sans Bold; its licence lies beside it).

Needs pillow (`pip install "muster_core[text]"`); it is imported only when text is drawn, for robots get lattices.
"""

import unicodedata
from functools import cache, lru_cache
from importlib.resources import as_file, files
from typing import Any

import numpy as np

from muster_core.errors import MusterError
from muster_core.figures import Outline, rasterise
from muster_core.types import Array, Mask

MAX_LENGTH = 12
"""Most characters of a text: a longer one would have strokes thinner than a robot."""
FONT_SIZE = 400
"""Size at which text is drawn before it is sampled [px]; a cell of the usual 36 rows spans about 8 px."""
MISSING = "\U0010ffff"
"""A code point that no font has: it is drawn as the font's sign for a missing glyph."""


def text_lattice(text: str, cells: int) -> Mask:
    """Lattice of `text` with about `cells` cells, shape (rows, columns), row 0 at the bottom.

    Raises:
        MusterError: the text is empty, too long, has a glyph that the font lacks or nothing to see, pillow is not
            installed, or the number of cells is out of reach.
    """
    if not isinstance(text, str) or not text.strip():
        raise MusterError(
            f"The text {_shown(text)} has nothing to draw; give a letter, a short word or a figure's name"
        )
    text = unicodedata.normalize("NFC", text.strip())
    if len(text) > MAX_LENGTH:
        raise MusterError(f"The text {_shown(text)} has {len(text)} characters; at most {MAX_LENGTH} can be drawn")
    for character in text:
        if not (character == " " or _has_glyph(character)):
            raise MusterError(
                f"Unknown glyph {character!r} (U+{ord(character):04X}) in {text!r}: the shipped font lacks it"
            )
    return rasterise(_outline(_pixels(text)), cells)


def _shown(text: object) -> str:
    """As it was written, unless it is long enough to flood a terminal."""
    return repr(text) if len(repr(text)) <= 40 else f"{str(text)[:20]!r}…"


def _outline(pixels: Mask) -> Outline:
    height, width = pixels.shape

    def inside(x: Array, y: Array) -> Mask:
        column, row = np.floor(x).astype(int), np.floor(y).astype(int)
        known = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        return np.asarray(known & pixels[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)])

    return Outline(inside, 0.0, float(width), 0.0, float(height))


def _has_glyph(character: str) -> bool:
    if not character.isprintable() or unicodedata.combining(character):
        return False
    drawn, missing = _pixels(character), _pixels(MISSING)
    return bool(drawn.any()) and not np.array_equal(drawn, missing)


@lru_cache(maxsize=64)
def _pixels(text: str) -> Mask:
    """Ink of `text`, cut to its box, row 0 at the bottom; a single empty pixel where there is none."""
    ink, _ = _font().getmask2(text, mode="L")
    width, height = ink.size
    if width == 0 or height == 0:
        return np.zeros((1, 1), dtype=bool)
    pixels = np.asarray(ink, dtype=np.uint8).reshape(height, width)[::-1] >= 128
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if rows.size == 0:
        return np.zeros((1, 1), dtype=bool)
    return np.asarray(pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


@cache
def _font() -> Any:  # noqa: ANN401 - pillow is optional, so its types may be unknown
    try:
        from PIL import ImageFont
    except ImportError:
        raise MusterError('Drawing text needs pillow: pip install "muster_core[text]"') from None
    with as_file(files("muster_core") / "fonts" / "DejaVuSans-Bold.ttf") as path:
        # The basic layout engine is the one that every build of pillow has, so all draw alike.
        return ImageFont.truetype(str(path), FONT_SIZE, layout_engine=ImageFont.Layout.BASIC)
