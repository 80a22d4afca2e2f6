"""`muster-demo`: one process per robot form a shape, hold it, get another while running and form that.

All are real nodes over DDS; the bases are simulated. Every process that is started here is stopped here.
"""

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rclpy
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from muster_core.cli import CommandParser, is_quiet, run_command
from muster_core.errors import MusterError, WorkFailed
from muster_core.layout import best_layout
from muster_core.pilot import Pilot
from muster_core.shape import Shape
from muster_ros.domain import FreeDomain
from muster_ros.fleet import Fleet, numbered, processes
from muster_ros.operator_client import OperatorClient
from muster_ros.operator_node import ShapeRequest
from muster_ros.run import prepare
from muster_ros.spinning import StopRequest, open_context
from muster_ros.supervisor import Supervisor
from muster_sim.recording import Recording
from muster_simulator.demo_report import draw, finish_recording, shape_figures, summarise, table, write_summary
from muster_simulator.team_watch import TeamWatch

START_PATIENCE = 90.0
"""Time for all robots to report [s]; a slow machine starts one in about two seconds."""
LOOK_EVERY = 0.25
"""Time between two looks at the team [s]."""


@dataclass(frozen=True)
class DemoSettings:
    """One demo."""

    robots: int = 12
    """How many."""
    shapes: tuple[str, ...] = ("R", "star")
    """What to form, one after the other."""
    out: Path = Path("out/demo")
    """Folder for what the demo leaves."""
    policy: str = "shipped"
    """A controller's name or an ONNX file."""
    seconds_per_shape: float = 30.0
    """How long each shape is formed and held [s]."""
    seed: int = 0
    """Seed of the starts."""

    def __post_init__(self) -> None:
        """Refuse a demo that would show nothing.

        Raises:
            MusterError: names the value and what it may be.
        """
        if not 2 <= self.robots <= 27:
            raise MusterError(f"robots is {self.robots}; one process each, take 2 to 27")
        if not 5.0 <= self.seconds_per_shape <= 600.0:
            raise MusterError(f"seconds-per-shape is {self.seconds_per_shape:g}; take 5 to 600")


@dataclass(frozen=True)
class Goal:
    """A shape to form, with what it is measured by."""

    name: str
    shape: Shape
    best: float
    """Coverage of the best layout known."""


def main() -> int:
    """Parse the command line and run the demo."""
    return run_command(_main)


def run_demo(settings: DemoSettings, console: Console) -> dict[str, Any]:
    """Run the demo; the summary that is also in ``summary.json``.

    Raises:
        MusterError: a setting is wrong.
        WorkFailed: a process ended by itself or robots did not get ready.
        KeyboardInterrupt: SIGINT or SIGTERM came; everything is stopped.
    """
    began = time.monotonic()
    stop = StopRequest(last_words=None)
    fleet = Fleet(robots=numbered(settings.robots), name="demo", policy=settings.policy, seed=settings.seed)
    pilot = prepare(fleet)
    goals = [_goal(name, pilot, settings.robots) for name in settings.shapes]
    record, bag = _make_room(settings.out)
    domain = FreeDomain()
    # For this process too: it watches and commands the team.
    os.environ.update(ROS_DOMAIN_ID=str(domain.number), ROS_AUTOMATIC_DISCOVERY_RANGE="LOCALHOST")
    try:
        with Supervisor(settings.out / "log.txt") as supervisor:
            # Children first: a process is best forked while it has one thread, and DDS brings many.
            supervisor.start(processes(fleet, "sim", domain=domain.number, record=record, bag=bag))
            count = len(supervisor.pids)
            watch = _perform(settings, fleet, goals, supervisor, stop, console)
    finally:
        rclpy.try_shutdown()
        domain.close()
    contacts, clearance = watch.truth()
    recording = finish_recording(Recording.load(record), settings.shapes)
    recording.save(record)
    console.print("drawing pictures and video")
    draw(recording, settings.out)
    facts = {
        "robots": settings.robots,
        "processes": count,
        "policy": settings.policy,
        "seed": settings.seed,
        "duration_s": round(time.monotonic() - began, 1),
        "contacts": contacts,
        "minimum_clearance_m": clearance,
    }
    summary = summarise(shape_figures(recording), watch.pose_ages_ms, facts)
    write_summary(summary, settings.out)
    return summary


def _perform(
    settings: DemoSettings, fleet: Fleet, goals: list[Goal], supervisor: Supervisor, stop: StopRequest, console: Console
) -> TeamWatch:
    """Everything that happens while the robots run; what was seen of it."""
    open_context([])
    watch, operator = TeamWatch(fleet), OperatorClient()
    figures = TextColumn("{task.fields[figures]}")
    columns = (TextColumn("{task.description}"), BarColumn(24), figures, TimeElapsedColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console, disable=console.quiet or not console.is_terminal) as progress:
            _await_robots(fleet, watch, operator, supervisor, stop, progress)
            for number, goal in enumerate(goals):
                operator.shape(ShapeRequest(goal.name))
                if number == 0:
                    operator.verb("start")
                _form(settings, goal, watch, supervisor, stop, progress)
            operator.verb("stop")
            # The last reports: what is true at the end.
            watch.spin(0.5)
    finally:
        operator.close()
        watch.close()
    return watch


def _await_robots(
    fleet: Fleet,
    watch: TeamWatch,
    operator: OperatorClient,
    supervisor: Supervisor,
    stop: StopRequest,
    progress: Progress,
) -> None:
    count, deadline = len(fleet.robots), time.monotonic() + START_PATIENCE
    task = progress.add_task("starting", total=count, figures="")
    while True:
        # A robot waits for its shape once it has a policy, odometry and fresh poses.
        waiting = sum(state == "idle" for state in watch.states().values())
        ready = waiting if "no own odometry" not in watch.reasons() else 0
        progress.update(task, completed=ready, figures=f"{ready}/{count} robots ready")
        # The operator node hears of them in its own time.
        if ready == count and operator.status()["reachable"] == count:
            return
        _look(watch, supervisor, stop)
        if watch.refused():
            raise WorkFailed(f"A robot refuses: {watch.refused()[0]}")
        if time.monotonic() > deadline:
            raise WorkFailed(f"{ready} of {count} robots were ready after {START_PATIENCE:g} s: {watch.reasons()}")


def _form(
    settings: DemoSettings, goal: Goal, watch: TeamWatch, supervisor: Supervisor, stop: StopRequest, progress: Progress
) -> None:
    task = progress.add_task(f"shape {goal.name}", total=settings.seconds_per_shape, figures="")
    began = time.monotonic()
    while (spent := time.monotonic() - began) < settings.seconds_per_shape:
        figures = watch.figures(goal.shape, goal.best)
        running = sum(state == "running" for state in watch.states().values())
        progress.update(
            task,
            completed=spent,
            figures=(
                f"{running} running, in shape {figures['entering']:.0%}, coverage/best {figures['coverage']:.2f}, "
                f"pose age {figures['pose_age_ms']:.1f} ms"
            ),
        )
        _look(watch, supervisor, stop)
    progress.update(task, completed=settings.seconds_per_shape)


def _look(watch: TeamWatch, supervisor: Supervisor, stop: StopRequest) -> None:
    watch.spin(LOOK_EVERY)
    if stop.made:
        raise KeyboardInterrupt
    supervisor.check()


def _goal(name: str, pilot: Pilot, robots: int) -> Goal:
    """A shape, refused here with the words that the robots would use after everything had started."""
    shape = ShapeRequest(name).build()
    pilot.check(shape, robots)
    return Goal(name, shape, best_layout(shape, robots).coverage)


def _make_room(folder: Path) -> tuple[Path, Path]:
    """Where recording and bag go; those of an earlier demo are gone."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MusterError(f"out: {folder} cannot be made: {error.strerror}") from None
    places = folder / "recording.npz", folder / "bag.mcap"
    for place in places:
        place.unlink(missing_ok=True)
    return places


def _main() -> None:
    options = vars(_parser().parse_args())
    as_json = options.pop("json")
    settings = DemoSettings(**(options | {"shapes": tuple(options["shapes"])}))
    summary = run_demo(settings, Console(stderr=True, quiet=is_quiet()))
    if as_json:
        print(json.dumps(summary, indent=2))
        return
    Console().print(table(summary))
    print(f"{settings.out}: summary.json, video.mp4, paths.png, curves.png, recording.npz, bag.mcap, log.txt")
    print(f"Decide every command again and compare: muster-replay {settings.out / 'bag.mcap'}")


def _parser() -> CommandParser:
    default = DemoSettings()
    parser = CommandParser(prog="muster-demo", description="The whole road in under three minutes.")
    parser.add_argument("--robots", type=int, default=default.robots, help="how many; one process each")
    parser.add_argument("--shapes", nargs="+", default=default.shapes, help="figures or texts, one after the other")
    parser.add_argument("--out", type=Path, default=default.out, help="folder for what the demo leaves")
    parser.add_argument("--policy", default=default.policy, help="controller's name or ONNX file")
    parser.add_argument("--seconds-per-shape", type=float, default=default.seconds_per_shape)
    parser.add_argument("--seed", type=int, default=default.seed, help="of the starts")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
