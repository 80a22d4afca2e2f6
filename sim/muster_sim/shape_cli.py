"""`muster-shape`: see which shapes there are, look at one, and learn how well a team can cover it."""

import argparse
import io
import json
import os
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from muster_core.cli import CommandParser, run_command
from muster_core.errors import MusterError
from muster_core.figures import DEFAULT_CELLS, DEFAULT_HEIGHT, FIGURES
from muster_core.layout import best_layout
from muster_core.shape import Shape, load_shape
from muster_core.types import Mask

PIXELS_PER_CELL = 12
FREE_COLOUR = (250, 250, 248)
CELL_COLOUR = (70, 110, 160)

EXAMPLES = """examples:
  muster-shape list                      the named figures; any letter or short word is a shape too
  muster-shape show R                    draw the letter R in the terminal
  muster-shape show star -o star.png     the same as a picture
  muster-shape best R --robots 30        how much of R thirty robots can cover at most

robots stand a little apart: each covers the cells within half the avoid distance 2*sqrt(area/(pi*robots)) of it.
"""


def main() -> int:
    """Entry point of `muster-shape`; returns the exit code."""
    return run_command(_run)


def draw_blocks(occupancy: Mask, unicode: bool = True) -> str:
    """A lattice as lines of text, its top row first.

    Args:
        occupancy: shape (rows, columns), row 0 at the bottom.
        unicode: two rows in a line by half blocks, so that cells look square; else `##` per cell.
    """
    rows = occupancy[::-1]
    if not unicode:
        return "\n".join("".join("##" if cell else "  " for cell in row).rstrip() for row in rows)
    if len(rows) % 2:
        rows = np.vstack((rows, np.zeros((1, rows.shape[1]), dtype=bool)))
    signs = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
    pairs = zip(rows[::2].tolist(), rows[1::2].tolist(), strict=True)
    return "\n".join("".join(signs[cell] for cell in zip(*pair, strict=True)).rstrip() for pair in pairs)


def save_picture(occupancy: Mask, path: Path) -> None:
    """Write a lattice as a PNG of 12 pixels a cell, whole or not at all.

    Raises:
        MusterError: `path` does not end in .png, or cannot be written.
    """
    if path.suffix.lower() != ".png":
        raise MusterError(f"Cannot write {str(path)!r}: the picture is a PNG, so its name must end in .png")
    colours = np.where(occupancy[::-1, :, None], CELL_COLOUR, FREE_COLOUR).astype(np.uint8)
    large = colours.repeat(PIXELS_PER_CELL, axis=0).repeat(PIXELS_PER_CELL, axis=1)
    buffer = io.BytesIO()
    Image.fromarray(large).save(buffer, format="PNG")
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_bytes(buffer.getvalue())
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise MusterError(f"Cannot write {str(path)!r}: {error.strerror}") from None


def _parser() -> CommandParser:
    parser = CommandParser(
        prog="muster-shape", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="{list,show,best}")
    lists = verbs.add_parser("list", help="the named figures with their size")
    shows = verbs.add_parser("show", help="draw one in the terminal, or into a PNG")
    bests = verbs.add_parser("best", help="the best coverage known for a team (annealed once, then remembered)")
    for verb in (shows, bests):
        verb.add_argument("shape", help=f"a figure ({', '.join(FIGURES)}) or the text to write")
    for verb in (lists, shows, bests):
        verb.add_argument("--height", type=float, default=DEFAULT_HEIGHT, help="height [m] (%(default)s)")
        verb.add_argument("--cells", type=int, default=DEFAULT_CELLS, help="about how many cells (%(default)s)")
        verb.add_argument("--robots", type=int, default=30, help="size of the team (%(default)s)")
        verb.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    shows.add_argument("-o", "--output", type=Path, metavar="FILE.png", help="write a picture too")
    return parser


def _run() -> int:
    options = _parser().parse_args()
    if options.verb == "list":
        return _list(options)
    shape = load_shape(options.shape, options.height, options.cells)
    return _show(shape, options) if options.verb == "show" else _best(shape, options)


def _list(options: argparse.Namespace) -> int:
    shapes = {name: load_shape(name, options.height, options.cells) for name in FIGURES}
    facts = {name: _facts(shape, options.robots) for name, shape in shapes.items()}
    if options.json:
        print(json.dumps(facts, indent=2))
        return 0
    print(f"{'figure':10}{'cells':>6}{'pitch m':>9}{'width m':>9}{'area m2':>9}  avoid m ({options.robots} robots)")
    for name, fact in facts.items():
        sizes = f"{fact['cells']:6}{fact['pitch_m']:9.3f}{fact['width_m']:9.2f}{fact['area_m2']:9.2f}"
        print(f"{name:10}{sizes}{fact['avoid_distance_m']:9.3f}")
    print("Any letter or short word is a shape too: muster-shape show R")
    return 0


def _show(shape: Shape, options: argparse.Namespace) -> int:
    facts = _facts(shape, options.robots)
    if options.output is not None:
        save_picture(shape.occupancy, options.output)
    if options.json:
        print(json.dumps({"shape": options.shape, **facts}, indent=2))
        return 0
    print(draw_blocks(shape.occupancy, unicode="utf" in (sys.stdout.encoding or "").lower()))
    print(
        f"{options.shape}: {facts['cells']} cells of {facts['pitch_m']:.3f} m, {facts['width_m']:.2f} x "
        f"{facts['height_m']:.2f} m, {facts['area_m2']:.2f} m2; avoid distance of {options.robots} robots "
        f"{facts['avoid_distance_m']:.3f} m"
    )
    if options.output is not None:
        print(f"written: {options.output}")
    return 0


def _best(shape: Shape, options: argparse.Namespace) -> int:
    facts = _facts(shape, options.robots)
    layout = best_layout(shape, options.robots)
    if options.json:
        points = np.round(shape.to_world(layout.points), 4).tolist()
        found = {"shape": options.shape, **facts, "coverage_best": layout.coverage, "points_m": points}
        print(json.dumps(found, indent=2))
        return 0
    print(f"{options.shape}: {options.robots} robots cover at most {layout.coverage:.3f} of {facts['cells']} cells")
    return 0


def _facts(shape: Shape, robots: int) -> dict[str, float]:
    width, height = shape.size
    return {
        "robots": robots,
        "cells": len(shape.cells),
        "pitch_m": shape.pitch,
        "width_m": width,
        "height_m": height,
        "area_m2": shape.area,
        "avoid_distance_m": shape.avoid_distance(robots),
    }


if __name__ == "__main__":
    raise SystemExit(main())
