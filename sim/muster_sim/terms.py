"""Where prior and reward of a task may come from besides our own kernels: the smallest door, for programs."""

from typing import Protocol

from muster_core.scene import Perceptions
from muster_core.shape import Shape
from muster_core.types import Array

OWN_SHAPE = "program"
"""Name, in a task, of the shape that its terms bring along."""


class Terms(Protocol):
    """Prior and reward for a batch of perceptions; it must be possible to send one to a worker process."""

    @property
    def shape(self) -> Shape | None:
        """The shape they were written for, which a task calls ``program``; None where they are for any."""
        ...

    @property
    def hash(self) -> str:
        """Identity, as run folders and policy cards carry it."""
        ...

    def fill(self, p: Perceptions, rewards: Array, priors: Array) -> None:
        """Fill ``priors`` (B, 2); ``rewards`` (B,) hold the built-in ones, and become those of the task.

        Raises:
            WorkFailed: they cannot be worked out for some row.
        """
        ...
