"""How a robot does: latencies told apart, and the diagnostic values that carry them to the operator."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

WINDOW = 1000
"""Samples that medians and percentiles are taken over: 50 s at 20 commands a second."""


@dataclass
class Health:
    """Measurements of one robot since it was configured."""

    tick_ms: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    """Timer due until command published [ms]."""
    transport_ms: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    """Pose stamp until taken in [ms]."""
    pose_age_ms: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    """Own pose's stamp until command published [ms], of commands to move."""
    filter_active: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))
    """Whether the safety filter changed the command."""
    _unreported: list[float] = field(default_factory=list)

    def commanded(self, pose_age: float, transport: float, filter_active: bool) -> None:
        """Note a command to move; times in seconds."""
        self.pose_age_ms.append(pose_age * 1e3)
        self.transport_ms.append(transport * 1e3)
        self.filter_active.append(filter_active)
        # Bounded, should nobody collect them for long.
        self._unreported = [*self._unreported[-99:], pose_age * 1e3]

    def values(self) -> dict[str, str]:
        """The values for one diagnostic report; pose ages are handed over once, all of them."""
        ages, self._unreported = self._unreported, []
        return {
            "pose_age_ms": _quantile(self.pose_age_ms, 50),
            "pose_age_p99_ms": _quantile(self.pose_age_ms, 99),
            "pose_ages_ms": " ".join(f"{age:.2f}" for age in ages),
            "tick_ms": _quantile(self.tick_ms, 50),
            "tick_p99_ms": _quantile(self.tick_ms, 99),
            "transport_ms": _quantile(self.transport_ms, 50),
            "filter_active": f"{np.mean(self.filter_active):.3f}" if self.filter_active else "",
        }


def _quantile(samples: deque[float], percent: float) -> str:
    return f"{np.percentile(samples, percent):.3f}" if samples else ""
