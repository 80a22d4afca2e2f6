"""Experience of single robots, kept as trajectories so that no observation is stored twice."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Trajectories:
    """T trajectories of ``steps`` transitions each, one per robot and episode."""

    observations: NDArray[np.float16]
    """(T, steps+1, size); half precision, which their scale allows."""
    actions: NDArray[np.float32]
    """(T, steps, 2)."""
    priors: NDArray[np.float32]
    """(T, steps, 2)."""
    rewards: NDArray[np.float32]
    """(T, steps)."""


class Replay:
    """A ring of trajectories of equal length; rows that were never filled are never sampled."""

    def __init__(self, capacity: int, steps: int, size: int) -> None:
        """``capacity`` trajectories of ``steps`` transitions with observations of ``size`` numbers."""
        self.capacity, self.steps = capacity, steps
        self.filled = 0
        self.next = 0
        self._kept = Trajectories(
            np.zeros((capacity, steps + 1, size), np.float16),
            np.zeros((capacity, steps, 2), np.float32),
            np.zeros((capacity, steps, 2), np.float32),
            np.zeros((capacity, steps), np.float32),
        )

    def add(self, new: Trajectories) -> None:
        """Append trajectories; the oldest make room."""
        at = (self.next + np.arange(len(new.actions))) % self.capacity
        for name, kept in vars(self._kept).items():
            kept[at] = getattr(new, name)
        self.next = int((at[-1] + 1) % self.capacity)
        self.filled = min(self.filled + len(at), self.capacity)

    def sample(self, batch: int, generator: np.random.Generator, device: torch.device) -> tuple[Tensor, ...]:
        """``batch`` transitions, uniform over all kept: observation, action, prior, reward, next observation."""
        i = generator.integers(0, self.filled, batch)
        t = generator.integers(0, self.steps, batch)
        kept = self._kept
        rows: tuple[NDArray[Any], ...] = (
            kept.observations[i, t], kept.actions[i, t], kept.priors[i, t], kept.rewards[i, t],
            kept.observations[i, t + 1],
        )  # fmt: skip
        return tuple(torch.from_numpy(row).to(device).float() for row in rows)
