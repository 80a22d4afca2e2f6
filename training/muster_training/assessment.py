"""How far training got: the actor flown without exploration, over shapes and starts of its own that never change."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from muster_core.controllers import Controller
from muster_core.scene import Perceptions, Scene
from muster_core.types import Array, Integers
from muster_sim.assembly import AssemblyConfig, ShapeAssembly
from muster_sim.contract import PERIOD
from muster_sim.rollouts import describe, fly
from muster_sim.starts import draw_episode
from muster_training.lamarl import Learner

ASSESSED_SHAPES = tuple(f"procedural-{seed}" for seed in range(8))
"""Shapes that choose the best actor: neither those that figures are reported for nor, but by a rare chance, trained on.
"""
ASSESSMENT_SEED = 77
"""Of their starts; reported figures use other seeds."""


class Assessment:
    """The episodes that an actor is judged by: every shape once for every team size, without randomisation."""

    def __init__(self, tasks: Sequence[AssemblyConfig]) -> None:
        """One task per team size; its shapes are replaced where it draws them freshly."""
        self.environments = []
        for task in tasks:
            shapes = ASSESSED_SHAPES if task.shapes == ("procedural",) else task.shapes
            judged = replace(task, shapes=shapes, episode_steps=300, randomisation=None)
            self.environments.append(ShapeAssembly(judged, len(shapes)))

    def figures(self, learner: Learner) -> dict[str, float]:
        """Mean coverage/best and entering rate, and the contacts of all episodes together."""
        rows = [row for environment in self.environments for row in _fly(environment, learner)]
        means = {key: float(np.mean([row[key] for row in rows])) for key in ("coverage_normalised", "entering_rate")}
        return means | {"contacts": float(sum(row["contacts"] for row in rows))}

    def speed_ratios(self) -> list[float]:
        """Way at full speed in a period, in avoid distances, of every shape and team size."""
        return [
            e.config.robot.max_speed * PERIOD / shape.avoid_distance(e.agents)
            for e in self.environments
            for shape in e.shapes.values()
        ]

    def close(self) -> None:
        """Close the worlds."""
        for environment in self.environments:
            environment.close()


def score(figures: dict[str, float]) -> float:
    """What the best actor has most of; everybody inside counts more than a last percent, a contact spoils an actor."""
    return figures["coverage_normalised"] - 10.0 * (1.0 - figures["entering_rate"]) - figures["contacts"]


class ActorController(Controller):
    """The actor on average over the last updates, as a controller: evaluated as every other one, and exported."""

    name = "actor"
    period = PERIOD

    def __init__(self, learner: Learner, environment: ShapeAssembly) -> None:
        """``environment`` gives the observation layout and what is sensed."""
        self.sensing = environment.config.sensing
        self._learner, self._environment = learner, environment

    def act(self, perceptions: Perceptions, scene: Scene, rows: Integers) -> Array:
        """See :class:`muster_core.controllers.Controller`."""
        return self._learner.act(self._environment.observe().astype(np.float32))


def _fly(environment: ShapeAssembly, learner: Learner) -> list[dict[str, float]]:
    config = environment.config
    seeds = ASSESSMENT_SEED + np.arange(environment.environments)
    starts = [
        draw_episode(int(seed), environment.shapes, config, name)
        for seed, name in zip(seeds, config.shapes, strict=True)
    ]
    rollouts = fly(environment, ActorController(learner, environment), starts, seeds)
    return [describe(r, config.robot.max_speed, config.robot.max_acceleration) for r in rollouts]
