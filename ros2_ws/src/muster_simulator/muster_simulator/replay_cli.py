"""`muster-replay`: is a recorded run what it says it is? Decides every command again, compares, and draws the run."""

import argparse
import json
import math
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from muster_core.cli import WORK_FAILED, CommandParser, run_command
from muster_core.errors import MusterError, WorkFailed
from muster_ros.replay import TOLERANCE, replay
from muster_ros.replay_report import ReplayReport
from muster_sim.pictures import paths_picture
from muster_sim.video import frames, write_video
from muster_simulator.bag_trail import BagTrail
from muster_simulator.demo_report import VIDEO_SPEED


def main() -> int:
    """Parse the command line and replay; 1 when a command differs."""
    return run_command(lambda: _run(_parser().parse_args()))


def table(report: ReplayReport, path: Path) -> Table:
    """The report for a terminal."""
    result = Table(title=f"{path}: {report.robots} robots, {report.duration_s:.1f} s", show_header=False)
    result.add_column()
    result.add_column(justify="right")
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(report.decisions.items()))
    rows = (
        ("decisions recomputed", kinds),
        ("commands compared", str(report.compared)),
        ("  equal to the last bit", str(report.identical)),
        ("  largest difference", f"{report.largest_difference:.3g}"),
        ("poses traced to odometry", str(report.poses)),
        ("faults", str(report.faults)),
    )
    for label, value in rows:
        result.add_row(label, value)
    unheard = (
        ("decisions the recorder missed", report.decisions_lost),
        ("commands it missed", report.commands_unheard),
        ("commands before the first and after the last decision", report.commands_before),
        ("poses whose odometry it missed", report.poses_unheard),
    )
    result.add_section()
    for label, count in unheard:
        if count:
            result.add_row(label, str(count))
    return result


def _run(options: argparse.Namespace) -> int:
    trail = BagTrail() if options.picture or options.video else None
    for path in (options.picture, options.video):
        if path is not None and not path.resolve().parent.is_dir():
            raise MusterError(f"there is no folder {path.resolve().parent} for {path.name}; make it first")
    console = Console(stderr=True)
    with console.status("deciding again", spinner="line"):
        report = (
            replay(options.bag, options.tolerance, trail.listen) if trail else replay(options.bag, options.tolerance)
        )
    if options.json:
        # JSON knows no infinity.
        largest = report.largest_difference if math.isfinite(report.largest_difference) else None
        print(json.dumps(asdict(report) | {"largest_difference": largest}, indent=2))
    else:
        _tell(report, options.bag)
    if trail is not None:
        _draw(trail, options)
    return WORK_FAILED if report.faults or not report.compared else 0


def _tell(report: ReplayReport, path: Path) -> None:
    Console().print(table(report, path))
    for line in report.notes:
        print(f"note: {line}")
    for line in report.fault_lines:
        print(f"fault: {line}")
    if report.faults > len(report.fault_lines):
        print(f"and {report.faults - len(report.fault_lines)} more")
    if not report.compared:
        print("no command could be compared: the recorder heard none of those that were decided")
    elif not report.faults:
        print(f"all {report.compared} commands follow from what was recorded")


def _draw(trail: BagTrail, options: argparse.Namespace) -> None:
    recording = trail.recording()
    if recording is None:
        raise WorkFailed(f"{options.bag} holds no run to draw: no shape, or a robot without odometry")
    if options.picture is not None:
        paths_picture(recording, options.picture)
        print(f"picture: {options.picture}", file=sys.stderr)
    if options.video is not None:
        write_video(frames(recording, speed=VIDEO_SPEED), options.video)
        print(f"video: {options.video}", file=sys.stderr)


def _parser() -> CommandParser:
    parser = CommandParser(
        prog="muster-replay", description="Decide every command of a recorded run again, compare, and draw the run."
    )
    parser.add_argument("bag", type=Path, help="a bag that muster-run --bag or the demo recorded (.mcap)")
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help="largest difference of equal commands")
    parser.add_argument("--picture", type=Path, help="draw start, paths and end to this .png")
    parser.add_argument("--video", type=Path, help="draw the run to this .mp4, at twice its speed")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
