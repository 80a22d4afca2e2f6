"""Keeps a robot's ticks a moment behind its poses, so that every command rests on a pose that has just come in.

Poses and ticks have periods of their own. Left alone, a tick comes anywhere between two poses, for minutes in the same
place, and one robot decides on poses that are always 10 ms older than another's.
"""

from collections import deque

import numpy as np

FOLLOW = 0.0025
"""Wanted time from a pose's arrival to the tick [s]: enough for a pose that is late, little against its period."""
TOLERATED = (0.001, 0.005)
"""Median times with which ticks are left alone [s]."""
SAMPLES = 40
"""Ticks that a median is taken over: 2 s."""


class PoseFollower:
    """Watches how old poses are when ticks come, and says when to shift the ticks."""

    def __init__(self) -> None:
        self._lags: deque[float] = deque(maxlen=SAMPLES)

    def shift(self, lag: float, interval: float) -> float | None:
        """How long to put the ticks off [s], or None to leave them.

        Args:
            lag: time since the newest own pose arrived, at a tick [s].
            interval: time between two poses [s]; 0 if unknown.
        """
        self._lags.append(lag)
        # Poses that come faster are fresh at any tick; slower ones do not keep step with commands.
        if len(self._lags) < SAMPLES or not 2.0 * FOLLOW < interval < 0.05:
            return None
        median = float(np.median(self._lags))
        self._lags.clear()
        if TOLERATED[0] <= median <= TOLERATED[1]:
            return None
        return (FOLLOW - median) % interval
