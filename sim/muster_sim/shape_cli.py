"""`muster-shape`: see which shapes there are, look at one, and learn how well a team can cover it.

A shape is a figure's name, a letter or short word, or a file: a picture (.png, .jpg, .svg), polygons (.wkt, .geojson)
or drawn points (.csv, .json).
"""

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np

from muster_core.cli import CommandParser, run_command
from muster_core.errors import MusterError, WorkFailed
from muster_core.figures import DEFAULT_CELLS, DEFAULT_HEIGHT, FIGURES
from muster_core.layout import best_layout
from muster_core.robot import Arena, RobotModel
from muster_core.shape import load_shape
from muster_core.shape_text import SUFFIX, write_shape_text
from muster_core.types import Mask
from muster_sim.catalogue import SETS
from muster_sim.procedural import HELD_OUT
from muster_sim.shape_files import SUFFIXES, OpenedShape, ShapeOptions, open_shape
from muster_sim.shape_review import Review, review

MAX_ROBOTS = 1000
"""Largest team that a best layout is searched for here: the search takes seconds, its picture stays readable."""

EXAMPLES = """examples:
  muster-shape list                          the named figures; any letter or short word is a shape too
  muster-shape show R                        draw the letter R in the terminal, with its figures and warnings
  muster-shape show held-out-17              one of the shapes that no policy is trained on
  muster-shape show logo.png -o look.png     a picture with cells, best layout and avoid discs
  muster-shape show plan.geojson --spacing 3 --robots 12
                                             as large as twelve robots need to stand three diameters apart
  muster-shape show sketch.csv --stroke 0.1  a line through points, 0.1 of their unit wide
  muster-shape best R --robots 30            how much of R thirty robots can cover at most

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


def _parser() -> CommandParser:
    parser = CommandParser(
        prog="muster-shape", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="{list,show,best}")
    lists = verbs.add_parser("list", help="the named figures with their size")
    shows = verbs.add_parser("show", help="draw one in the terminal, with -o also into a picture with its best layout")
    bests = verbs.add_parser("best", help="the best coverage known for a team (annealed once, then remembered)")
    lists.add_argument("--height", type=float, default=DEFAULT_HEIGHT, help="height [m] (%(default)s)")
    for verb in (lists, shows, bests):
        verb.add_argument("--cells", type=int, default=DEFAULT_CELLS, help="about how many cells (%(default)s)")
        verb.add_argument("--robots", type=int, default=30, help="size of the team (%(default)s)")
        verb.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    for verb in (shows, bests):
        _add_shape_options(verb)
    shows.add_argument("-o", "--output", type=Path, metavar="FILE.png", help="write a picture too (.png, .svg or .pdf)")
    shows.add_argument("--save", type=Path, metavar=f"FILE{SUFFIX}", help="write its cells for muster-operator to send")
    return parser


def _add_shape_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "shape",
        help=f"a figure ({', '.join(FIGURES)}), text, held-out-17, procedural-4711, or a file ({' '.join(SUFFIXES)}); "
        "also WKT or JSON itself",
    )
    sizes = verb.add_argument_group("size, by one of").add_mutually_exclusive_group()
    sizes.add_argument("--height", type=float, help=f"height [m] ({DEFAULT_HEIGHT}, or less for a wide shape)")
    sizes.add_argument("--area", type=float, help="area of all cells [m2]")
    sizes.add_argument("--spacing", type=float, help="avoid distance of the team [robot diameters]")
    place = verb.add_argument_group("place")
    place.add_argument("--at", type=float, nargs=2, metavar=("X", "Y"), default=(0.0, 0.0), help="centre [m] (0 0)")
    place.add_argument("--turn", type=float, default=0.0, help="turn, counter-clockwise [degrees] (0)")
    size = 2 * Arena().half_width
    place.add_argument(
        "--arena", type=float, nargs=2, metavar=("W", "H"), default=(size, size), help=f"arena [m] ({size} {size})"
    )
    place.add_argument("--radius", type=float, default=RobotModel().radius, help="of a robot [m] (%(default)s)")
    reading = verb.add_argument_group("reading of files")
    reading.add_argument("--threshold", type=int, help="of pictures: brightness 1-255 below which a pixel is shape")
    reading.add_argument("--invert", action="store_true", help="of pictures: the bright part is the shape")
    reading.add_argument("--stroke", type=float, help="of lines and points: width of the line, in their unit")


def _run() -> int:
    options = _parser().parse_args()
    if not 1 <= options.robots <= MAX_ROBOTS:
        raise MusterError(f"robots is {options.robots}; give 1 to {MAX_ROBOTS}")
    if options.verb == "list":
        return _list(options)
    settings = _settings(options)
    if options.verb == "show" and options.output is not None:
        _check_output(options.output, (".png", ".svg", ".pdf"))
    if options.verb == "show" and options.save is not None:
        _check_output(options.save, (SUFFIX,))
    opened = open_shape(options.shape, settings)
    facts = _facts(opened, review(opened.shape, options.robots, settings.robot), options.robots)
    return (_show if options.verb == "show" else _best)(opened, facts, settings, options)


def _settings(options: argparse.Namespace) -> ShapeOptions:
    return ShapeOptions(
        height=options.height,
        area=options.area,
        spacing=options.spacing,
        robots=options.robots,
        robot=RobotModel(radius=options.radius),
        cells=options.cells,
        x=options.at[0],
        y=options.at[1],
        yaw=math.radians(options.turn),
        arena=Arena(options.arena[0] / 2, options.arena[1] / 2),
        threshold=options.threshold,
        invert=options.invert,
        stroke=options.stroke,
    )


def _list(options: argparse.Namespace) -> int:
    shapes = {name: load_shape(name, options.height, options.cells) for name in FIGURES}
    facts = {name: _sizes(OpenedShape(name, shape, ()), options.robots) for name, shape in shapes.items()}
    if options.json:
        print(json.dumps(facts, indent=2))
        return 0
    print(f"{'figure':10}{'cells':>6}{'pitch m':>9}{'width m':>9}{'area m2':>9}  avoid m ({options.robots} robots)")
    for name, fact in facts.items():
        sizes = f"{fact['cells']:6}{fact['pitch_m']:9.3f}{fact['width_m']:9.2f}{fact['area_m2']:9.2f}"
        print(f"{name:10}{sizes}{fact['avoid_distance_m']:9.3f}")
    print("Any letter or short word is a shape too (muster-shape show R), and so are pictures and polygons (--help),")
    print(f"the {HELD_OUT} shapes kept out of training (held-out-0 … held-out-{HELD_OUT - 1}) and random ones by seed")
    print("(procedural-0, procedural-1, …). Lists of shapes also take the sets " + ", ".join(SETS) + ".")
    return 0


def _show(opened: OpenedShape, facts: dict[str, Any], settings: ShapeOptions, options: argparse.Namespace) -> int:
    best = ""
    if options.output is not None:
        from muster_sim.shape_picture import shape_picture  # matplotlib: only for those who want a picture

        layout = best_layout(opened.shape, options.robots)
        facts["coverage_best"] = layout.coverage
        best = f", best coverage {layout.coverage:.3f}"
        figures, remarks = _figures(facts, settings), (facts["notes"], facts["warnings"])
        radius = settings.robot.radius
        shape_picture(options.output, opened.name, opened.shape, layout, settings.arena, radius, figures, *remarks)
    if options.save is not None:
        _save(options.save, opened)
    if options.json:
        print(json.dumps(facts, indent=2))
        return 0
    print(draw_blocks(opened.shape.occupancy, unicode="utf" in (sys.stdout.encoding or "").lower()))
    print(
        f"{opened.name}: {facts['cells']} cells of {facts['pitch_m']:.3f} m, {facts['width_m']:.2f} x "
        f"{facts['height_m']:.2f} m, {facts['area_m2']:.2f} m2, thinnest part {facts['thinnest_m']:.2f} m; avoid "
        f"distance of {options.robots} robots {facts['avoid_distance_m']:.3f} m{best}"
    )
    for kind in ("notes", "warnings"):
        for remark in facts[kind]:
            print(f"{kind[:-1]}: {remark}")
    if options.output is not None:
        print(f"written: {options.output}")
    if options.save is not None:
        print(f"written: {options.save}; send it: muster-operator shape {options.save}")
    return 0


def _best(opened: OpenedShape, facts: dict[str, Any], settings: ShapeOptions, options: argparse.Namespace) -> int:
    layout = best_layout(opened.shape, options.robots)
    if options.json:
        points = np.round(opened.shape.to_world(layout.points), 4).tolist()
        print(json.dumps({**facts, "coverage_best": layout.coverage, "points_m": points}, indent=2))
        return 0
    print(f"{opened.name}: {options.robots} robots cover at most {layout.coverage:.3f} of {facts['cells']} cells")
    return 0


def _sizes(opened: OpenedShape, robots: int) -> dict[str, Any]:
    shape = opened.shape
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


def _facts(opened: OpenedShape, found: Review, robots: int) -> dict[str, Any]:
    x, y = opened.shape.centre.tolist()
    return {
        "shape": opened.name,
        **_sizes(opened, robots),
        "centre_m": [round(x, 6), round(y, 6)],
        "yaw_rad": opened.shape.yaw,
        "parts": found.parts,
        "gap_m": found.gap,
        "thinnest_m": found.thinnest,
        "digest": opened.shape.digest,
        "notes": list(opened.notes),
        "warnings": list(found.warnings),
    }


def _figures(facts: dict[str, Any], settings: ShapeOptions) -> list[tuple[str, str]]:
    arena = settings.arena
    return [
        ("arena", f"{2 * arena.half_width:g} x {2 * arena.half_height:g} m"),
        ("size", f"{facts['width_m']:.2f} x {facts['height_m']:.2f} m"),
        ("area", f"{facts['area_m2']:.2f} m²"),
        ("cells", f"{facts['cells']} of {facts['pitch_m'] * 1000:.0f} mm"),
        ("robots", f"{facts['robots']}, diameter {2000 * settings.robot.radius:.0f} mm"),
        ("avoid distance", f"{facts['avoid_distance_m']:.3f} m"),
        ("best coverage (M1*)", f"{facts['coverage_best']:.3f}"),
        ("parts", str(facts["parts"])),
        ("thinnest part", f"{facts['thinnest_m']:.2f} m"),
    ]


def _save(path: Path, opened: OpenedShape) -> None:
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(write_shape_text(opened.name, opened.shape), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise WorkFailed(f"Cannot write {str(path)!r}: {error.strerror}") from None


def _check_output(path: Path, endings: tuple[str, ...]) -> None:
    """Refuse a file that could not be written before seconds go into the search."""
    if path.suffix.lower() not in endings:
        raise MusterError(f"Cannot write {str(path)!r}: its name must end in {' or '.join(endings)}")
    if not path.parent.is_dir():
        raise MusterError(f"Cannot write {str(path)!r}: there is no folder {str(path.parent)!r}")


if __name__ == "__main__":
    raise SystemExit(main())
