"""SVG drawings, drawn by resvg in a child process with limits on memory and time.

resvg is safe Rust, but a document nested some thousand levels deep, or a filter of absurd size, still ends the process
that draws it: so that is a child, and what it dies of becomes one line.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from muster_core.errors import MusterError
from muster_sim.drawing import FINE_SIDE, Drawing
from muster_sim.images import decode, find_ink

SECONDS = 20
"""Longest that drawing may take, in time of the processor and of the clock [s]."""
MEMORY = 1 << 30
"""Most address space of the child [bytes]; an ordinary drawing takes 30 MB."""
MAX_MESSAGE = 300
"""Most characters of a message that is passed on."""
CHILD = Path(__file__).with_name("svg_child.py")


def read_svg(data: bytes, name: str, threshold: int | None = None, invert: bool = False) -> Drawing:
    """Drawing of an SVG document, as :func:`muster_sim.images.read_image` reads its picture.

    Nothing outside the document is read: neither linked pictures nor fonts.

    Raises:
        MusterError: no SVG, nothing to see in it, or it takes too much memory or time.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MusterError(f"{name} is not an SVG drawing: it is not UTF-8 text") from None
    if "\0" in text or "<" not in text:
        raise MusterError(f"{name} is not an SVG drawing")
    grey, opaque = decode(_render(text, name), name)
    # An empty margin, so that a shape which fills its canvas is told from the paper as well.
    margin = 2 + max(grey.shape) // 50
    grey, opaque = np.pad(grey, margin, constant_values=255), np.pad(opaque, margin, constant_values=False)
    drawing = find_ink(grey, opaque, name, threshold, invert)
    if "<text" not in text:
        return drawing
    return Drawing(drawing.ink, (*drawing.notes, "text in the SVG was left out: convert it to paths in your editor"))


def _render(text: str, name: str) -> bytes:
    """The document as a PNG that fits a square of `FINE_SIDE` pixels."""
    command = [
        sys.executable,
        "-I",
        "-S",
        str(CHILD),
        str(FINE_SIDE),
        str(MEMORY),
        str(SECONDS),
        os.pathsep.join(sys.path),
    ]
    try:
        child = subprocess.run(command, input=text.encode(), capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise MusterError(f"The SVG drawing {name} takes longer than {SECONDS} s to draw; simplify it") from None
    if child.returncode == 0:
        return child.stdout
    if child.returncode == 2:
        message = child.stderr.decode(errors="replace").strip()[-MAX_MESSAGE:]
        raise MusterError(f"Cannot read the SVG drawing {name}: {message}")
    raise MusterError(
        f"The SVG drawing {name} is too large or too deeply nested: drawing it broke a limit of {MEMORY >> 20} MB, "
        f"{SECONDS} s or the stack; simplify it"
    )
