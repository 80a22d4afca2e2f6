"""`muster-operator`: the operator's verbs on the command line."""

import argparse
import json
import sys
from pathlib import Path

import rclpy

from muster_core.cli import CommandParser, run_command
from muster_core.errors import MusterError
from muster_core.shape_text import SUFFIX, read_shape_file, write_shape_text
from muster_ros.operator_client import VERBS, OperatorClient
from muster_ros.operator_node import ShapeRequest
from muster_ros.spinning import open_context


def main() -> int:
    """Parse the command line, call one verb, print its answer."""
    return run_command(lambda: _run(_parser().parse_args()))


def _run(options: argparse.Namespace) -> None:
    request = _request(options) if options.verb == "shape" else None
    open_context([])
    client = OperatorClient(options.timeout)
    try:
        answer = client.verb(options.verb) if request is None else client.shape(request)
    finally:
        client.close()
        rclpy.try_shutdown()
    if options.verb == "status":
        print(answer if options.json else _table(json.loads(answer)))
    else:
        print(json.dumps({"success": True, "message": answer}) if options.json else answer)


def _request(options: argparse.Namespace) -> ShapeRequest:
    """What to send: a name, or the cells of a file, which then keep their place where none is given."""
    given = {key: getattr(options, key) for key in ("x", "y", "yaw", "height", "cells")}
    path = Path(options.name)
    if path.suffix.lower() != SUFFIX:
        if _is_file(path):
            raise MusterError(
                f"Robots take cells, not files like {options.name!r}; turn it into cells first: "
                f"muster-shape show {options.name} --save {path.stem}{SUFFIX}"
            )
        return ShapeRequest(options.name, **{f"shape_{k}": v for k, v in given.items() if v is not None})
    for key in ("height", "cells"):
        if given[key] is not None:
            raise MusterError(f"{options.name} has its own {key}; leave --{key} out, or make it anew with muster-shape")
    name, shape = read_shape_file(path)
    x, y = shape.centre.tolist()
    place = {"x": x, "y": y, "yaw": shape.yaw} | {k: v for k, v in given.items() if v is not None}
    return ShapeRequest(write_shape_text(name, shape), **{f"shape_{key}": value for key, value in place.items()})


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _table(status: dict) -> str:
    head = (
        f"shape {status['shape'] or '-'}, {status['reachable']}/{status['team_size']} robots reachable, "
        f"{'running' if status['running'] else 'not running'}{', E-STOP' if status['estop'] else ''}"
    )
    lines = [head]
    for name, robot in status["robots"].items():
        if not robot["reachable"]:
            lines.append(f"{name:<16} not reachable")
            continue
        age = f"pose {float(robot['pose_age_ms']):.1f} ms" if robot.get("pose_age_ms") else ""
        where = "in shape" if robot.get("in_shape") == "1" else ""
        lines.append(f"{name:<16} {robot['state']:<8} {where:<8} {age} {robot['reason']}".rstrip())
    return "\n".join(lines)


def _parser() -> CommandParser:
    default = ShapeRequest()
    parser = CommandParser(prog="muster-operator", description="Tell a running team what to do.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    shape = verbs.add_parser("shape", help="send a shape: a figure's name, a text, or a file made by muster-shape")
    shape.add_argument(
        "name", help=f"a figure, a text, or FILE{SUFFIX} (muster-shape show logo.png --save logo{SUFFIX})"
    )
    shape.add_argument("--x", type=float, help=f"centre [m] ({default.shape_x:g}, or the file's)")
    shape.add_argument("--y", type=float, help=f"centre [m] ({default.shape_y:g}, or the file's)")
    shape.add_argument("--yaw", type=float, help=f"turn [rad] ({default.shape_yaw:g}, or the file's)")
    shape.add_argument("--height", type=float, help=f"extent along y [m] ({default.shape_height:g})")
    shape.add_argument("--cells", type=int, help=f"about how many cells ({default.shape_cells})")
    for verb in VERBS:
        verbs.add_parser(verb)
    for each in verbs.choices.values():
        each.add_argument("--json", action="store_true", help="answer as JSON")
        each.add_argument("--timeout", type=float, default=10.0, help="time to wait for the operator node [s]")
    return parser


if __name__ == "__main__":
    sys.exit(main())
