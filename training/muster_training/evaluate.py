"""``muster-evaluate``: fly a policy or a controller over shapes and report the figures that the field compares."""

import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from muster_core.cli import run_command
from muster_core.controllers import Controller, load_controller
from muster_core.errors import MusterError
from muster_core.metrics import contact_bound
from muster_sim.assembly import SEVEN_SHAPES, AssemblyConfig, ShapeAssembly
from muster_sim.contract import PERIOD
from muster_sim.flight_video import write_flights
from muster_sim.flights import KEPT, Flights, write_plots
from muster_sim.rollouts import Rollout, describe, fly
from muster_sim.starts import draw_episode
from muster_training.interface import parse, progress_bar

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
NO_SETTINGS = {"json", "policy", "controller", "against", "plots", "video"}
"""Options that say nothing of how a figure came about."""
AVERAGED = (
    "coverage", "coverage_best", "coverage_normalised", "area_coverage", "entering_rate", "voronoi_variance",
    "spacing_variation", "intrusiveness", "filter_share",
)  # fmt: skip
"""Figures whose mean over episodes, and then over shapes, is reported."""
SECONDS = 30.0
"""Length of an evaluation episode (LAMARL: 300 steps of 0.1 s)."""


@dataclass(frozen=True)
class EvaluateCommand:
    """Fly a policy or a controller in simulation and report coverage, entering rate, times and contacts.

    Figures are means over the episodes of a shape, over the last 2 s of each; times are medians, contacts are counted,
    the clearance is the smallest. `mean` is the mean over shapes.
    coverage_best is the best layout known (M1*), the ceiling of coverage; coverage_normalised is their ratio.

    Example: muster-evaluate --policy shipped --shapes R,star --robots 30 --episodes 5 --json
    With pictures: muster-evaluate --controller coverage --against expert --shapes R --video both.mp4 --plots pictures
    """

    policy: str = "shipped"
    """Policy to fly: shipped, or the path of an .onnx file made by muster-export."""
    controller: str | None = None
    """Fly this instead of a policy: prior, expert, coverage, assignment or random."""
    world: str = "bullet"
    """World to fly in."""
    shapes: str = ",".join(SEVEN_SHAPES)
    """Shapes, separated by commas: figures by name, or text."""
    robots: int = 30
    """Team size."""
    episodes: int = 5
    """Episodes per shape."""
    seed: int = 0
    """Starts, shapes' poses and everything else drawn follow from it."""
    seconds: float = SECONDS
    """Length of an episode [s]."""
    against: str | None = None
    """Fly this from the same starts too, and show both: a controller's name, shipped, or the path of an .onnx file."""
    plots: Path | None = None
    """Folder for pictures: paths, coverage and entering over time, cells left uncovered, the filter's activity."""
    video: Path | None = None
    """Video of the first episode of each shape (.mp4), side by side with --against."""
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
    report, flown = evaluate_controller(command, command.controller or command.policy)
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
    return {**report, "files": [str(file) for file in files]} if files else report


def evaluate_controller(command: EvaluateCommand, chosen: str) -> tuple[dict[str, Any], Flights]:
    """The report of one controller, and the episodes that pictures are made of.

    Raises:
        MusterError: as for `evaluate`.
    """
    names = list(dict.fromkeys(name.strip() for name in command.shapes.split(",") if name.strip()))
    if not names or command.episodes < 1 or not 3.0 <= command.seconds <= 3600.0:
        raise MusterError(
            f"Nothing to evaluate: shapes {command.shapes!r}, episodes {command.episodes}, "
            f"seconds {command.seconds:g} (3 … 3600)"
        )
    if not 0 <= command.seed < 2**63:
        raise MusterError(f"seed is {command.seed}; it must lie in 0 … 2^63 - 1")
    task = AssemblyConfig(
        robots=command.robots, shapes=tuple(names), world=command.world, episode_steps=round(command.seconds / PERIOD)
    )
    controller = load_controller(chosen, task.robot)
    if controller.period != PERIOD:
        raise MusterError(
            f"{controller.name} decides every {controller.period:g} s, but this evaluation every {PERIOD:g} s; "
            f"train it with a period of {PERIOD:g} s"
        )
    environment = ShapeAssembly(replace(task, sensing=controller.sensing), command.episodes)
    try:
        for shape in environment.shapes.values():
            controller.check_task(task.robot, shape.avoid_distance(task.robots))
        report, rollouts = {}, {}
        with progress_bar(quiet=command.json) as progress:
            for index, name in enumerate(progress.track(names, description="evaluating")):
                report[name], rollouts[name] = _evaluate_shape(environment, controller, name, [command.seed, index])
    finally:
        environment.close()
    found = {
        "controller": controller.name,
        "settings": {k: v for k, v in vars(command).items() if k not in NO_SETTINGS},
        "shapes": report,
        "mean": _mean(list(report.values())),
    }
    return found, Flights(controller.name, rollouts, task.robot, task.arena)


def _evaluate_shape(
    environment: ShapeAssembly, controller: Controller, name: str, seed: list[int]
) -> tuple[dict[str, Any], list[Rollout]]:
    seeds = np.random.SeedSequence(seed).generate_state(environment.environments).astype(np.int64)
    starts = [draw_episode(int(s), environment.shapes, environment.config, name) for s in seeds]
    robot = environment.config.robot
    rollouts = fly(environment, controller, starts, seeds)
    rows = [describe(rollout, robot.max_speed, robot.max_acceleration) for rollout in rollouts]
    return _summary(rows), rollouts[:KEPT]


def _summary(rows: list[dict[str, float]]) -> dict[str, Any]:
    """Mean of the episodes; times as the median with the censored ones counted, clearance as the smallest."""
    steps = sum(row["robot_steps"] for row in rows)
    contacts = int(sum(row["contacts"] for row in rows))
    times = np.array([row["convergence_time_s"] for row in rows])
    gaps = np.array([row["optimality_gap"] for row in rows])
    counted = gaps[~np.isnan(gaps)]
    return {
        **{key: float(np.mean([row[key] for row in rows])) for key in AVERAGED},
        "coverage_normalised_episodes": [round(row["coverage_normalised"], 4) for row in rows],
        "convergence_time_s": finite_or_none(np.median(times)),
        "censored": int(np.isinf(times).sum()),
        "optimality_gap": finite_or_none(np.median(counted)) if len(counted) else None,
        "short_bounds_left_out": int(np.isnan(gaps).sum()),
        "contacts": contacts,
        "robot_steps": int(steps),
        "contacts_per_million": contacts / steps * 1e6,
        "contacts_per_million_95": contact_bound(contacts, int(steps)),
        "minimum_clearance_m": min(row["minimum_clearance_m"] for row in rows),
        "episodes": len(rows),
    }


def _mean(shapes: list[dict[str, Any]]) -> dict[str, Any]:
    contacts, steps = sum(s["contacts"] for s in shapes), sum(s["robot_steps"] for s in shapes)
    everyone = np.concatenate([shape["coverage_normalised_episodes"] for shape in shapes])
    resampled = np.random.default_rng(0).choice(everyone, (2000, len(everyone))).mean(axis=1)
    times = [s["convergence_time_s"] for s in shapes if s["convergence_time_s"] is not None]
    return {
        **{key: float(np.mean([shape[key] for shape in shapes])) for key in AVERAGED},
        "coverage_normalised_interval_95": [float(v) for v in np.quantile(resampled, [0.025, 0.975])],
        "coverage_normalised_percentile_5": float(np.quantile(everyone, 0.05)),
        "convergence_time_s": float(np.mean(times)) if times else None,
        "censored": sum(s["censored"] for s in shapes),
        "contacts": contacts,
        "robot_steps": steps,
        "contacts_per_million": contacts / steps * 1e6,
        "contacts_per_million_95": contact_bound(contacts, steps),
        "minimum_clearance_m": min(s["minimum_clearance_m"] for s in shapes),
        "episodes": sum(s["episodes"] for s in shapes),
    }


def finite_or_none(value: float) -> float | None:
    """``value``, or None where it is infinite or NaN, which JSON cannot hold."""
    return float(value) if np.isfinite(value) else None


def _main() -> None:
    command = parse(EvaluateCommand, "muster-evaluate")
    if command.controller and command.policy != "shipped":
        raise MusterError(f"Give --policy or --controller, not both ({command.policy!r} and {command.controller!r})")
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
    video, plots = command.video, command.plots
    if video is not None and video.suffix.lower() != ".mp4":
        raise MusterError(f"Cannot write {str(video)!r}: a video's name must end in .mp4")
    if video is not None and not os.access(video.parent, os.W_OK | os.X_OK):
        raise MusterError(
            f"Cannot write {str(video)!r}: there is no folder {str(video.parent)!r} that can be written to"
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
