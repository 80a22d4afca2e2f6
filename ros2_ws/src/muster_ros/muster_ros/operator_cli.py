"""`muster-operator`: the operator's verbs on the command line."""

import argparse
import json
import sys

import rclpy

from muster_core.cli import CommandParser, run_command
from muster_ros.operator_client import VERBS, OperatorClient
from muster_ros.operator_node import ShapeRequest
from muster_ros.spinning import open_context


def main() -> int:
    """Parse the command line, call one verb, print its answer."""
    return run_command(lambda: _run(_parser().parse_args()))


def _run(options: argparse.Namespace) -> None:
    open_context([])
    client = OperatorClient(options.timeout)
    try:
        if options.verb == "shape":
            answer = client.shape(
                ShapeRequest(options.name, options.x, options.y, options.yaw, options.height, options.cells)
            )
        else:
            answer = client.verb(options.verb)
    finally:
        client.close()
        rclpy.try_shutdown()
    if options.verb == "status":
        print(answer if options.json else _table(json.loads(answer)))
    else:
        print(json.dumps({"success": True, "message": answer}) if options.json else answer)


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
    shape = verbs.add_parser("shape", help="send a shape: a figure's name or a text")
    shape.add_argument("name")
    shape.add_argument("--x", type=float, default=default.shape_x, help="centre [m]")
    shape.add_argument("--y", type=float, default=default.shape_y, help="centre [m]")
    shape.add_argument("--yaw", type=float, default=default.shape_yaw, help="turn [rad]")
    shape.add_argument("--height", type=float, default=default.shape_height, help="extent along y [m]")
    shape.add_argument("--cells", type=int, default=default.shape_cells, help="about how many cells")
    for verb in VERBS:
        verbs.add_parser(verb)
    for each in verbs.choices.values():
        each.add_argument("--json", action="store_true", help="answer as JSON")
        each.add_argument("--timeout", type=float, default=10.0, help="time to wait for the operator node [s]")
    return parser


if __name__ == "__main__":
    sys.exit(main())
