"""The house style of every picture and video: colours, sizes and fonts, named once.

The colours keep their order of lightness in greyscale (page, free cell, covered cell, ring and path, robot) and are
told apart with any kind of colour vision (Okabe and Ito's blue, sky blue and vermilion).
"""

from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
from PIL import ImageFont

PAGE = "#ffffff"
"""Background."""
INK = "#1d2733"
"""Text, arena border, robots."""
FAINT = "#8b95a1"
"""Grid lines, secondary text."""
FREE_CELL = "#dde2e8"
"""A cell of the shape that nobody covers."""
COVERED_CELL = "#8cc4e8"
"""A cell within half the avoid distance of a robot."""
RING = "#2b7bb0"
"""The circle of half the avoid distance around a robot; paths."""
START = "#d55e00"
"""Where a robot started."""
OBSTACLE = "#8b95a1"
"""What robots must not touch."""
LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Colours of curves, in the order they are taken."""
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))
"""Line styles of curves, taken together with the colours, so that greyscale tells them apart as well."""

FRAME_WIDTH = 720
"""Of a video frame [pixels]."""
FRAME_MARGIN = 0.028
"""Around the arena, as a share of the frame's width."""
CAPTION_HEIGHT = 0.06
"""Of the strip below the arena, as a share of the frame's width."""
CAPTION_SIZE = 0.028
"""Of the caption's letters, as a share of the frame's width."""
SUPERSAMPLING = 2
"""Discs and text are drawn so many times larger and reduced: PIL draws without antialiasing."""
PANEL = 3.6
"""Side of a panel of a picture [inch]."""
DPI = 150
"""Of pictures [pixels per inch]."""

PLOT: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e9ed",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
}
"""What matplotlib is told, inside ``matplotlib.rc_context``."""


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """The sans-serif face that matplotlib ships and uses, at ``size`` [pixels], for PIL."""
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)
