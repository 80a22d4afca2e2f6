"""One controller over one shape for some episodes: the unit that evaluation and experiments are made of."""

from dataclasses import dataclass, replace

import numpy as np

from muster_core.controllers import Controller
from muster_core.errors import MusterError
from muster_core.layout import MOVES, best_layout
from muster_sim.assembly import AssemblyConfig, ShapeAssembly
from muster_sim.contract import PERIOD
from muster_sim.flights import KEPT
from muster_sim.rollouts import Rollout, describe, fly
from muster_sim.starts import draw_episode
from muster_training.programs import load_named

TOGETHER = 20
"""Most episodes that are simulated side by side: they do not change each other, but all of them take memory."""


@dataclass(frozen=True)
class ShapeFlight:
    """Everything that decides the figures of a controller over one shape."""

    task: AssemblyConfig
    """The task; its only shape is the one that is flown, and what is sensed is the controller's own."""
    controller: str
    """A controller's name, ``shipped``, or the path of an .onnx file or a program folder."""
    episodes: int = 5
    """Episodes, each from its own start."""
    seed: tuple[int, ...] = (0,)
    """Starts, poses and everything else drawn follow from it, the same for every controller."""
    radius_ratio: float | None = None
    """Sensing radius in avoid distances, instead of the controller's own."""
    moves: int = MOVES
    """Annealing moves behind the best layout; large teams need more."""
    kept: int = 0
    """Episodes that are returned whole, for pictures."""

    @property
    def shape(self) -> str:
        """Name of the shape."""
        return self.task.shapes[0]


def load_flown(name: str, task: AssemblyConfig) -> Controller:
    """The controller called ``name`` for the task's robots.

    Raises:
        MusterError: no such controller, or one that decides at another rate than evaluation does.
    """
    controller = load_named(name, task.robot)
    if controller.period != PERIOD:
        raise MusterError(
            f"{controller.name} decides every {controller.period:g} s, but this evaluation every {PERIOD:g} s; "
            f"train it with a period of {PERIOD:g} s"
        )
    return controller


def fly_shape(flight: ShapeFlight) -> tuple[list[dict[str, float]], list[Rollout]]:
    """Fly the episodes.

    Returns:
        The figures of each episode (see :func:`muster_sim.rollouts.describe`), and the first ``kept`` episodes.

    Raises:
        MusterError: unknown name, or a task that does not fit; see the parts.
    """
    task = flight.task
    controller = load_flown(flight.controller, task)
    sensing = controller.sensing
    if flight.radius_ratio is not None:
        sensing = replace(sensing, radius_ratio=flight.radius_ratio)
    seeds = np.random.SeedSequence(flight.seed).generate_state(flight.episodes).astype(np.int64)
    rows: list[dict[str, float]] = []
    kept: list[Rollout] = []
    for first in range(0, flight.episodes, TOGETHER):
        share = seeds[first : first + TOGETHER]
        environment = ShapeAssembly(replace(task, sensing=sensing), len(share))
        try:
            shape = environment.shapes[flight.shape]
            controller.check_task(task.robot, shape.avoid_distance(task.robots))
            best_layout(shape, task.robots, flight.moves)
            starts = [draw_episode(int(seed), environment.shapes, environment.config, flight.shape) for seed in share]
            rollouts = fly(environment, controller, starts, share)
        finally:
            environment.close()
        rows += [describe(rollout, task.robot.max_speed, task.robot.max_acceleration) for rollout in rollouts]
        kept += rollouts[: max(0, min(flight.kept, KEPT) - len(kept))]
    return rows, kept
