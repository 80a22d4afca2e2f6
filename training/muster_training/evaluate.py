"""``muster-evaluate``: fly a policy or a controller over shapes and report the figures that the field compares."""

import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.table import Table

from muster_core.cli import run_command
from muster_core.controllers import Controller
from muster_core.errors import MusterError
from muster_core.log import log_event
from muster_core.profile import load_profile
from muster_core.robot import Arena, RobotModel
from muster_sim.assembly import AssemblyConfig, ShapeAssembly
from muster_sim.catalogue import SEVEN_SHAPES, expand
from muster_sim.contract import PERIOD
from muster_sim.events import DriftShape, Event, Kill
from muster_sim.flight_video import write_flights
from muster_sim.flights import KEPT, Flights, write_plots
from muster_sim.obstacles import open_obstacles
from muster_training.flying import ShapeFlight, fly_shape, load_flown
from muster_training.interface import parse, progress_bar
from muster_training.parallel import check_processes, in_processes
from muster_training.programs import is_program
from muster_training.summaries import summarise_shape, summarise_shapes

TABLE = {
    "coverage": "cover",
    "coverage_best": "best",
    "coverage_normalised": "ratio",
    "entering_rate": "inside",
    "convergence_time_s": "T.90 s",
    "censored": "never",
    "contacts": "touch",
    "minimum_clearance_m": "gap m",
}
"""Figures that the table shows, with their headings; ``--json`` has them all."""
NO_SETTINGS = {"json", "policy", "controller", "program", "against", "plots", "video", "camera", "processes"}
"""Options that say nothing of how a figure came about."""
CAMERA = (".png", ".mp4")
"""What a camera's view may be."""
SECONDS = 30.0
"""Length of an evaluation episode (LAMARL: 300 steps of 0.1 s)."""


@dataclass(frozen=True)
class EvaluateCommand:
    """Fly a policy or a controller in simulation and report coverage, entering rate, times and contacts.

    Figures are means over the episodes of a shape, over the last 2 s of each; times are medians in which what was
    never reached counts as infinite; contacts are counted, the clearance is the smallest. `mean` is the mean over
    shapes, with 95 % intervals over the episodes.
    coverage_best is the best layout known (M1*), the ceiling of coverage; coverage_normalised is their ratio.

    Example: muster-evaluate --policy shipped --shapes R,star --robots 30 --episodes 5 --json
    Unseen shapes: muster-evaluate --shapes held-out --episodes 1 --processes 2
    With pictures: muster-evaluate --controller coverage --against expert --shapes R --video both.mp4 --plots pictures
    """

    policy: str = "shipped"
    """Policy to fly: shipped, or the path of an .onnx file made by muster-export."""
    controller: str | None = None
    """Fly this instead of a policy: prior, expert, coverage, assignment, random, … or your own as file.py:Class."""
    program: Path | None = None
    """Fly the prior alone of the program in this folder, as muster-write made it."""
    world: str = "bullet"
    """World to fly in."""
    shapes: str = ",".join(SEVEN_SHAPES)
    """Shapes, separated by commas: seven, letters, digits, figures, held-out, or single ones by name."""
    robots: int = 30
    """Team size."""
    robot: str | None = None
    """Kind of the robots: the name or path (.yaml) of a profile; by default the simulated disc."""
    episodes: int = 5
    """Episodes per shape."""
    seed: int = 0
    """Starts, shapes' poses and everything else drawn follow from it."""
    seconds: float = SECONDS
    """Length of an episode [s]."""
    against: str | None = None
    """Fly this from the same starts too, and show both: a controller's name, shipped, or the path of an .onnx file."""
    kill: str | None = None
    """Let a share of the robots die after so many seconds, for example 0.3@15; figures are the survivors' then."""
    obstacles: str | None = None
    """Polygons that stand in the arena: WKT, or a file (.wkt, .geojson), in metres."""
    drift: str | None = None
    """Let the shape move and turn all the time: VX,VY in m/s and RATE in rad/s, for example 0.03,0,0.05."""
    processes: int = 1
    """Processes that fly shapes side by side; the figures are the same."""
    plots: Path | None = None
    """Folder for pictures: paths, coverage and entering over time, cells left uncovered, the filter's activity."""
    video: Path | None = None
    """Video of the first episode of each shape (.mp4), side by side with --against."""
    camera: Path | None = None
    """A camera's view of the first episode of the first shape: its end (.png), or all of it (.mp4)."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print one JSON object instead of a table."""


def main() -> None:
    """Entry point."""
    sys.exit(run_command(_main))


def evaluate(command: EvaluateCommand) -> dict[str, Any]:
    """The report: settings, one entry per shape and their mean; under `against` that of the other controller.

    Raises:
        MusterError: unknown name, or a task that does not fit; see the parts.
    """
    _check_outputs(command)
    flights = []
    report, flown = evaluate_controller(command, _chosen(command))
    flights.append(flown)
    if command.against is not None:
        report["against"], flown = evaluate_controller(command, command.against)
        flights.append(flown)
    files = []
    if command.plots is not None:
        files += write_plots(flights, command.plots)
    if command.video is not None:
        write_flights(flights, command.video)
        files.append(command.video)
    if command.camera is not None:
        from muster_sim.camera import write_camera  # PyBullet: only for those who want its picture

        write_camera(flights[0].recording(next(iter(flights[0].rollouts))), command.camera)
        files.append(command.camera)
    return {**report, "files": [str(file) for file in files]} if files else report


def evaluate_controller(command: EvaluateCommand, chosen: str) -> tuple[dict[str, Any], Flights]:
    """The report of one controller, and the episodes that pictures are made of.

    Raises:
        MusterError: as for `evaluate`.
    """
    names = _shape_names(command)
    steps = round(command.seconds / PERIOD)
    events: tuple[Event, ...] = () if command.kill is None else (_kill(command.kill),)
    events += () if command.drift is None else (_drift(command.drift, steps),)
    model = RobotModel() if command.robot is None else load_profile(command.robot).model
    task = AssemblyConfig(
        robots=command.robots,
        shapes=names,
        world=command.world,
        episode_steps=steps,
        events=events,
        arena=Arena(obstacles=() if command.obstacles is None else open_obstacles(command.obstacles)),
        robot=model,
    )
    controller = load_flown(chosen, task)
    _check_shapes(controller, task)
    kept = KEPT if command.plots or command.video or command.camera else 0
    flights = [
        ShapeFlight(replace(task, shapes=(name,)), chosen, command.episodes, (command.seed, place), kept=kept)
        for place, name in enumerate(names)
    ]
    found = {}
    with progress_bar(quiet=command.json) as progress:
        results = in_processes(fly_shape, flights, command.processes)
        for place, result in progress.track(results, total=len(names), description=f"evaluating {controller.name}"):
            found[place] = result
            log_event("shape flown", controller=controller.name, shape=names[place], episodes=command.episodes)
    rows = {name: found[place][0] for place, name in enumerate(names)}
    rollouts = {name: found[place][1] for place, name in enumerate(names)}
    report = {
        "controller": controller.name,
        "settings": {k: v for k, v in vars(command).items() if k not in NO_SETTINGS and (k, v) != ("robot", None)},
        "shapes": {name: summarise_shape(episodes) for name, episodes in rows.items()},
        "mean": summarise_shapes(rows),
    }
    return report, Flights(controller.name, rollouts, task.robot, task.arena)


def _chosen(command: EvaluateCommand) -> str:
    """What is flown; refuses several at once."""
    given = [str(name) for name in (command.controller, command.program) if name is not None]
    given += [command.policy] if command.policy != "shipped" else []
    if len(given) > 1:
        raise MusterError(f"Give one of --policy, --controller and --program, not {' and '.join(map(repr, given))}")
    if command.program is not None and not is_program(str(command.program)):
        raise MusterError(f"{command.program} is no program folder: it has no program.py")
    return given[0] if given else command.policy


def _shape_names(command: EvaluateCommand) -> tuple[str, ...]:
    """The shapes to fly, once each; refuses numbers that leave nothing to evaluate."""
    names = expand(command.shapes)
    if command.episodes < 1 or not 3.0 <= command.seconds <= 3600.0:
        raise MusterError(
            f"Nothing to evaluate: shapes {command.shapes!r}, episodes {command.episodes}, "
            f"seconds {command.seconds:g} (3 … 3600)"
        )
    if not 0 <= command.seed < 2**63:
        raise MusterError(f"seed is {command.seed}; it must lie in 0 … 2^63 - 1")
    check_processes(command.processes)
    return names


def _kill(text: str) -> Kill:
    """What SHARE@SECONDS says."""
    try:
        share, seconds = (float(word) for word in text.split("@"))
        return Kill(round(seconds / PERIOD), share=share)
    except (ValueError, OverflowError):
        raise MusterError(f"kill is {text!r}; it must be SHARE@SECONDS, for example 0.3@15") from None


def _drift(text: str, steps: int) -> DriftShape:
    """What VX,VY,RATE says."""
    try:
        vx, vy, rate = (float(word) for word in text.split(","))
    except ValueError:
        raise MusterError(f"drift is {text!r}; it must be VX,VY,RATE, for example 0.03,0,0.05") from None
    return DriftShape(0, steps, vx, vy, rate)


def _check_shapes(controller: Controller, task: AssemblyConfig) -> None:
    """Refuse what a later shape would be refused for before minutes go into flying."""
    environment = ShapeAssembly(replace(task, sensing=controller.sensing), 1)
    try:
        for shape in environment.shapes.values():
            controller.check_task(task.robot, shape.avoid_distance(task.robots))
    finally:
        environment.close()


def _main() -> None:
    command = parse(EvaluateCommand, "muster-evaluate")
    report = evaluate(command)
    if command.json:
        print(json.dumps(report))
        return
    for part in (report, report.get("against")):
        if part is not None:
            Console().print(_table(part, command))
    for file in report.get("files", []):
        print(f"written: {file}")


def _table(report: dict[str, Any], command: EvaluateCommand) -> Table:
    title = (
        f"{report['controller']}: {command.robots} robots, {command.episodes} episodes of {command.seconds:g} s each"
    )
    table = Table(title=title)
    for heading in ("shape", *TABLE.values()):
        table.add_column(heading, justify="left" if heading == "shape" else "right", no_wrap=True)
    for name, row in {**report["shapes"], "mean": report["mean"]}.items():
        cells = [row[key] for key in TABLE]
        table.add_row(name, *("–" if c is None else f"{c:.3f}" if isinstance(c, float) else str(c) for c in cells))
    return table


def _check_outputs(command: EvaluateCommand) -> None:
    """Refuse files that could not be written before minutes go into flying."""
    plots = command.plots
    for kind, path, endings in (("video", command.video, (".mp4",)), ("camera's view", command.camera, CAMERA)):
        if path is not None and path.suffix.lower() not in endings:
            raise MusterError(f"Cannot write {str(path)!r}: a {kind}'s name must end in {' or '.join(endings)}")
        if path is not None and not os.access(path.parent, os.W_OK | os.X_OK):
            raise MusterError(
                f"Cannot write {str(path)!r}: there is no folder {str(path.parent)!r} that can be written to"
            )
    if plots is not None:
        try:
            plots.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MusterError(f"Cannot write pictures to {str(plots)!r}: {error.strerror}") from None
        if not os.access(plots, os.W_OK | os.X_OK):
            raise MusterError(f"Cannot write pictures to {str(plots)!r}: permission denied")


if __name__ == "__main__":
    main()
