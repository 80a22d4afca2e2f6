"""Does a program's reward grow with what it is for? Rank correlation with true coverage over rollouts of all qualities.

A reward that falls while the shape fills would be maximised by not doing the task: it is refused before anybody trains.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import stats

from muster_core.controllers import Controller, load_controller
from muster_core.errors import MusterError, WorkFailed
from muster_core.metrics import coverage
from muster_core.robot import RobotModel
from muster_core.scene import Perceptions, Sensing
from muster_core.shape import Shape
from muster_core.types import AnyArray, Array
from muster_prompts.program import Program
from muster_sim.assembly import AssemblyConfig, ShapeAssembly
from muster_sim.starts import draw_episode

CONTROLLERS = ("random", "prior", "expert", "coverage")
"""Who flies: from one that does nothing useful to the best hand-written one."""
EPISODES = 2
"""Of each."""
STEPS = 200
EVERY = 10
"""Steps between the moments that are kept."""


@dataclass(frozen=True)
class StoredRollouts:
    """Moments of rollouts: what every robot saw, and how much of the shape the team covered."""

    perceptions: Perceptions
    """(moments · robots, …), moment by moment."""
    coverage: Array
    """(moments,) share of the cells that somebody covers."""
    robots: int
    """Team size."""


def reward_correlation(program: Program, shape: Shape, robots: int) -> float:
    """Spearman's rank correlation of the team's mean reward with coverage; 0 where the reward is always the same.

    Raises:
        WorkFailed: the reward fails on something that a rollout met.
    """
    stored = stored_rollouts(shape, robots)
    rewards = np.zeros(len(stored.perceptions.inside))
    program.reward(RobotModel())(stored.perceptions, rewards)
    means = rewards.reshape(-1, robots).mean(axis=1)
    if np.ptp(means) == 0.0:
        return 0.0
    return float(stats.spearmanr(means, stored.coverage).statistic)


def require_useful_reward(program: Program, shape: Shape, robots: int) -> float:
    """The rank correlation, if one may train with it.

    Raises:
        WorkFailed: it is negative: the reward would be exploited.
    """
    correlation = reward_correlation(program, shape, robots)
    if correlation < 0.0:
        raise WorkFailed(
            f"The reward of {program.name} falls where coverage grows (rank correlation {correlation:.2f} over "
            f"rollouts of {', '.join(CONTROLLERS)}); have it rewritten, or train with --reward builtin"
        )
    return correlation


def stored_rollouts(shape: Shape, robots: int) -> StoredRollouts:
    """Rollouts over ``shape``, flown once per process and kept for the programs that come after.

    Raises:
        MusterError: the team does not fit the shape.
    """
    return _fly_all(_Key(shape), robots)


class _Key:
    """A shape by its digest, which is what makes it one to keep rollouts for."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def __hash__(self) -> int:
        return hash(self.shape.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.shape.digest == self.shape.digest


@lru_cache(maxsize=8)
def _fly_all(key: _Key, robots: int) -> StoredRollouts:
    config = AssemblyConfig(robots=robots, shapes=("disc",), world="kinematic", episode_steps=STEPS)
    environment = ShapeAssembly(config, EPISODES)
    seen: list[Perceptions] = []
    covered: list[float] = []
    try:
        starts = [draw_episode(seed, {"drawn": key.shape}, config) for seed in range(EPISODES)]
        for name in CONTROLLERS:
            controller = load_controller(name, config.robot)
            _require_same_sight(controller)
            environment.place(
                [start.shape for start in starts],
                np.stack([start.positions for start in starts]),
                np.stack([start.velocities for start in starts]),
                np.arange(EPISODES),
            )
            for step in range(STEPS):
                environment.advance(controller.act(environment.perceptions, environment.scene, environment.rows))
                if (step + 1) % EVERY == 0:
                    copies: list[AnyArray] = [field.copy() for field in environment.perceptions]
                    seen.append(Perceptions(*copies))
                    positions: AnyArray = environment.world.positions
                    covered += [coverage(positions[e], starts[e].shape, robots) for e in range(EPISODES)]
    finally:
        environment.close()
    fields: list[AnyArray] = [np.concatenate(parts) for parts in zip(*seen, strict=True)]
    joined = Perceptions(*fields)
    return StoredRollouts(joined, np.array(covered), robots)


def _require_same_sight(controller: Controller) -> None:
    if controller.sensing != Sensing():
        raise MusterError(f"{controller.name} senses otherwise than programs do")
