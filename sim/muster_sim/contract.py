"""What trainers talk to: batches of multi-agent environments in the manner of PettingZoo's ParallelEnv, as arrays.

Every agent of every environment acts at every step. Trainers see only this contract, never a world, so another task
(routing on a road network, say, with discrete actions) fits beside shape assembly.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import gymnasium
import numpy as np
from numpy.typing import NDArray

from muster_core.types import Array, Integers, Mask

PERIOD = 0.1
"""Time between two decisions [s]."""


@dataclass(frozen=True)
class Batch:
    """What the agents get after a reset or a step. The arrays are reused by the next step: copy what must stay."""

    observations: NDArray[np.float32]
    """(E, N, size), dimensionless."""
    rewards: Array
    """(E, N) for the step just made; zero after a reset."""
    terminated: Mask
    """(E,) the episode is over and nothing comes after it."""
    truncated: Mask
    """(E,) the episode was cut by its time limit; bootstrap."""
    active: Mask
    """(E, N) agents that are there; rows of the others mean nothing."""
    prior: Array
    """(E, N, ...) what the prior policy would do now."""


class BatchedEnvironment(Protocol):
    """E environments of N agents each."""

    environments: int
    """E."""
    agents: int
    """N."""
    episode_steps: int
    """Steps after which an episode is truncated; all environments end together."""

    @property
    def observation_space(self) -> gymnasium.Space[Any]:
        """Of one agent."""

    @property
    def action_space(self) -> gymnasium.Space[Any]:
        """Of one agent: a Box for continuous, Discrete for discrete actions."""

    def reset(self, seeds: Integers) -> Batch:
        """Begin a new episode everywhere. ``seeds``: (E,); the same seed gives the same episode, bit for bit."""

    def step(self, actions: Array) -> Batch:
        """Let every agent act. ``actions``: (E, N, ...) of the action space."""

    def close(self) -> None:
        """Give back what the environments hold; may be called twice."""
