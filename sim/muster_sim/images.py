"""PNG and JPEG pictures as drawings of shapes: what is dark, or what is not transparent, is the shape.

Nothing is decoded before its size is known: a file may announce far more than a machine holds.
"""

import io
import struct
import warnings
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from muster_core.errors import MusterError
from muster_core.types import Mask
from muster_sim.drawing import FINE_SIDE, Drawing

MAX_PIXELS = 24_000_000
"""Most pixels of a picture, 6000 x 4000: its colours take 100 MB while it is read."""
FORMATS = ("PNG", "JPEG")
"""What is read, whatever the file is called."""
CLEAR_SHARE = 0.005
"""Share of transparent pixels from which on transparency, and not a stray pixel, says where the shape is."""
EVEN_TONE = 64
"""Largest range of brightness, of 256 and from the 2nd to the 98th percentile, that counts as one tone."""
FAINTEST = 24
"""Smallest difference between the mean of the dark and the bright pixels that makes a picture, of 256."""
BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
)
"""What pillow raises over files that are cut off or malformed."""

Grey = NDArray[np.uint8]
"""Brightness 0 (black) to 255 (white), shape (height, width), row 0 at the top."""


def read_image(data: bytes, name: str, threshold: int | None = None, invert: bool = False) -> Drawing:
    """Drawing of a picture.

    Where a picture has a transparent background and one tone before it, what is opaque is the shape. Otherwise the
    picture is laid on white, and what is darker than the threshold is the shape.

    Args:
        data: the file's content.
        name: of the file, for messages.
        threshold: brightness 1…255 below which a pixel belongs to the shape; by default Otsu's, which parts the
            brightness into the two classes that differ most (Otsu 1979).
        invert: take what is bright (or transparent) instead.

    Raises:
        MusterError: no readable PNG or JPEG, too large, of one tone only, or a threshold out of range.
    """
    return find_ink(*decode(data, name), name, threshold, invert)


def find_ink(grey: Grey, opaque: Mask, name: str, threshold: int | None, invert: bool) -> Drawing:
    """Which pixels belong to the shape; arguments and errors as for `read_image`.

    Args:
        grey: brightness of the picture laid on white.
        opaque: where it hides the paper, of the same shape.
        name: for messages.
        threshold: see `read_image`.
        invert: see `read_image`.
    """
    if threshold is not None and (isinstance(threshold, bool) or not 1 <= threshold <= 255):
        raise MusterError(f"The threshold is {threshold!r}; it must be a brightness from 1 to 255")
    notes: tuple[str, ...] = ()
    clear = 1.0 - float(opaque.mean())
    if clear == 1.0:
        raise MusterError(f"The picture {name} is fully transparent; there is nothing to form")
    if threshold is None and clear >= CLEAR_SHARE and _even(grey[opaque]):
        ink = opaque
    else:
        ink = grey < (otsu(grey, name) if threshold is None else threshold)
    if invert:
        ink = ~ink
    if not ink.any() or ink.all():
        level = "its threshold" if threshold is None else f"the threshold {threshold}"
        raise MusterError(f"The picture {name} is all on one side of {level}; there is nothing to form")
    if not invert and _frame(ink).mean() > 0.75:
        notes = ("most of the picture's edge counts as shape; if its background was meant to be empty, invert it",)
    return Drawing(ink[::-1], notes)


def otsu(grey: Grey, name: str = "") -> int:
    """The brightness, 1…255, below which pixels count as dark: the cut with the largest variance between its classes.

    Raises:
        MusterError: the picture has one tone only.
    """
    counts = np.bincount(grey.ravel(), minlength=256).astype(float)
    below, total = np.cumsum(counts)[:-1], counts.sum()
    moment = np.cumsum(counts * np.arange(256))
    with np.errstate(divide="ignore", invalid="ignore"):
        dark, bright = moment[:-1] / below, (moment[-1] - moment[:-1]) / (total - below)
        between = np.nan_to_num(below * (total - below) * (bright - dark) ** 2)
    # Between two tones that are alone in a picture every cut is as good: take the middle of the best ones.
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    cut = int(best[len(best) // 2])
    if between[cut] <= 0 or bright[cut] - dark[cut] < FAINTEST:
        raise MusterError(f"The picture {name} has one tone only; there is no shape to tell from its background")
    return cut + 1


def decode(data: bytes, name: str) -> tuple[Grey, Mask]:
    """Brightness on white and which pixels are opaque, at most `FINE_SIDE` a side.

    Raises:
        MusterError: no readable PNG or JPEG, or too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pillow warns over sizes that are refused just below
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise MusterError(
                        f"The picture {name} has {width} x {height} pixels; at most {MAX_PIXELS // 10**6} million"
                    )
                if min(width, height) < 2:
                    raise MusterError(f"The picture {name} has {width} x {height} pixels; a shape needs at least 2 x 2")
                image.draft("RGB", (FINE_SIDE, FINE_SIDE))  # a JPEG is decoded no larger than needed
                image.load()
                return _levels(_upright(image))
    except Image.DecompressionBombError:
        raise MusterError(
            f"The picture {name} is too large; at most {MAX_PIXELS // 10**6} million pixels are read"
        ) from None
    except Image.UnidentifiedImageError:
        raise MusterError(f"{name} is neither a PNG nor a JPEG picture") from None
    except MemoryError:
        raise MusterError(f"The picture {name} does not fit into memory") from None
    except BROKEN as error:
        raise MusterError(f"Cannot read the picture {name}: {_first_line(error)}") from None


def _upright(image: Image.Image) -> Image.Image:
    """Turned as the camera says; a picture whose note of that is broken stays as it is."""
    try:
        return ImageOps.exif_transpose(image) or image
    except BROKEN:
        return image


def _levels(image: Image.Image) -> tuple[Grey, Mask]:
    if image.mode.startswith(("I", "F")):
        # Pillow would clip 16 and 32 bits to 8: scale what is there instead.
        values = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
        low, high = float(values.min()), float(values.max())
        scaled = np.zeros(values.shape) if high <= low else (values - low) * (255.0 / (high - low))
        image = Image.fromarray(scaled.round().astype(np.uint8))
    size = tuple(max(2, round(side * min(1.0, FINE_SIDE / max(image.size)))) for side in image.size)
    coloured = image.convert("RGBA")
    if size != coloured.size:
        coloured = coloured.resize((size[0], size[1]), Image.Resampling.BOX)
    paper = Image.new("RGBA", coloured.size, "white")
    grey = np.asarray(Image.alpha_composite(paper, coloured).convert("L"), dtype=np.uint8)
    return grey, np.asarray(np.asarray(coloured)[..., 3] >= 128)


def _even(tones: Grey) -> bool:
    low, high = np.percentile(tones, (2, 98))
    return bool(high - low <= EVEN_TONE)


def _frame(ink: Mask) -> Mask:
    return np.concatenate((ink[0], ink[-1], ink[:, 0], ink[:, -1]))


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
