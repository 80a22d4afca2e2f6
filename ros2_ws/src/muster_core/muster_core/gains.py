"""The gains of the hand-written controllers: as published, as guessed, and as tuned, all with the same effort."""

import numpy as np

from muster_core.kernels.control import EXPERT_GAINS, PRIOR_GAINS
from muster_core.types import Array

NAMES: dict[str, tuple[str, ...]] = {
    "prior": ("entering", "repulsion", "alignment"),
    "expert": ("entering", "damping outside", "exploration", "repulsion", "alignment"),
    "coverage": (
        "rim push", "rim width [avoid]", "entering", "repulsion", "alignment", "damping", "repulsion range [avoid]",
    ),
    "search": (
        "calm speed", "flow speed", "first step [avoid]", "shrinking", "stiffness", "damping", "decisions between",
    ),
    "mean-shift": ("entering", "filling", "exploring", "repulsion", "consensus", "following"),
    "orca": ("approach", "distance [avoid]", "horizon [avoid/speed]", "following"),
}  # fmt: skip
"""What the gains of each law mean, in order."""

UNTUNED: dict[str, Array] = {
    "prior": np.array(PRIOR_GAINS),
    "expert": np.array(EXPERT_GAINS),
    "coverage": np.array([6.0, 0.12, 2.0, 3.0, 0.5, 2.0, 0.85]),
    "search": np.array([0.06, 0.35, 0.3, 0.7, 12.0, 5.0, 6.0]),
    # The public code's 5, 15, 25 and 1 (entering 10) over ten, for lengths in avoid distances and speeds in limits.
    "mean-shift": np.array([1.0, 0.5, 1.5, 2.5, 1.0, 4.0]),
    "orca": np.array([2.0, 0.5, 1.0, 6.0]),
}
"""Where tuning starts: published gains where there are such, else what looks sensible."""

TUNED: dict[str, Array] = {
    **UNTUNED,
    "coverage": np.array([2.44, 0.06074, 6.071, 5.262, 0.9147, 0.01957, 0.7555]),
}
