"""What motion capture makes of the truth: poses with noise, and poses lost, the same for everybody who looks.

Errors are drawn from generators of their own, one per environment, begun anew with each episode's seed: an episode is a
function of its seed, whoever flies beside it.
"""

from collections.abc import Sequence

import numpy as np

from muster_core.types import Array, Integers, Mask
from muster_sim.contract import PERIOD
from muster_sim.randomisation import Conditions

NOISE_STREAM = 0x6E6F6973
"""Keeps these draws apart from others of the same seed."""
AHEAD = 32
"""Steps whose errors are drawn in one call: a call costs more than a robot's errors."""


class Measurement:
    """The last poses of E environments of N robots. The arrays are updated in place."""

    def __init__(self, environments: int, robots: int) -> None:
        """Make room; nothing is measured before ``begin``."""
        shape = (environments, robots)
        self.positions: Array = np.zeros((*shape, 2))
        """(E, N, 2) [m; world]."""
        self.velocities: Array = np.zeros((*shape, 2))
        """(E, N, 2) [m/s; world]."""
        self.shown: Array = np.zeros((*shape, 2))
        """(E, N, 2) the same as policies are shown it: at a speed limit of half the nominal one, twice as fast."""
        self.ages: Array = np.zeros(shape)
        """(E, N) age of each pose [s]."""
        self._errors = np.zeros((AHEAD, *shape, 2))
        self._lost: Mask = np.zeros((AHEAD, *shape), np.bool_)
        self._error = np.zeros((*shape, 2))
        self._generators: list[np.random.Generator] = []
        self._scale = np.ones((environments, 1, 1))
        self._conditions: Sequence[Conditions] = ()
        self._taken = 0

    def begin(
        self, seeds: Sequence[int] | Integers, conditions: Sequence[Conditions], max_speed: float, positions: Array,
        velocities: Array,
    ) -> None:  # fmt: skip
        """Begin episodes with a pose of everybody.

        Args:
            seeds: One per environment.
            conditions: Likewise.
            max_speed: The nominal speed limit [m/s], in whose measure ``shown`` is.
            positions: True positions, (E, N, 2) [m; world].
            velocities: True velocities, (E, N, 2) [m/s; world].
        """
        self._generators = [np.random.default_rng([int(seed), NOISE_STREAM]) for seed in seeds]
        self._conditions, self._taken = conditions, 0
        self._scale[:, 0, 0] = [max_speed / drawn.robot.max_speed for drawn in conditions]
        self._draw()
        self._lost[0] = False
        self._error[:] = self._errors[0]
        self.take(positions, velocities)

    def take(self, positions: Array, velocities: Array) -> None:
        """Measure everybody once, a period after the last time; arguments as for ``begin``."""
        at = self._taken % AHEAD
        if at == 0 and self._taken:
            self._draw()
        self._taken += 1
        error, fresh = self._errors[at], ~self._lost[at]
        np.copyto(self.positions, positions + error, where=fresh[..., None])
        np.copyto(self.velocities, velocities + (error - self._error) / PERIOD, where=fresh[..., None])
        np.multiply(self.velocities, self._scale, out=self.shown)
        self._error[:] = error
        self.ages += PERIOD
        self.ages[fresh] = 0.0

    def _draw(self) -> None:
        robots = self.ages.shape[1]
        for e, (generator, drawn) in enumerate(zip(self._generators, self._conditions, strict=True)):
            self._errors[:, e] = drawn.pose_noise * generator.standard_normal((AHEAD, robots, 2))
            self._lost[:, e] = generator.random((AHEAD, robots)) < drawn.dropout
