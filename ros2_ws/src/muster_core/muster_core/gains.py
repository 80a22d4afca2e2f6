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
    # python -m muster_training.tuning --law coverage --budget 300 --seed 0: 0.8811 before, 0.9117 after.
    "coverage": np.array([2.44, 0.06074, 6.071, 5.262, 0.9147, 0.01957, 0.7555]),
    # The same with --law expert: 0.8408 before, 0.8448 after.
    "expert": np.array([0.9666, 0.7038, 2.912, 2.329, 2.833]),
    # The same with --law search, upon the coverage above: 0.9298 before, 0.9536 after.
    "search": np.array([0.1223, 0.5767, 0.5222, 0.8474, 5.216, 4.963, 2.61]),
    # The same with --law mean-shift: 0.8689 before, 0.8865 after.
    "mean-shift": np.array([4.322, 0.4596, 5.329, 1.896, 1.341, 0.4414]),
    # The same with --law orca: 0.6612 before, 0.8512 after.
    "orca": np.array([0.5467, 0.5814, 1.005, 3.286]),
    # The same with --law prior: 0.7259 before, 0.7415 after.
    "prior": np.array([14.38, 0.202, 0.6844]),
}
"""What tuning found, with its command and its score (coverage less the share outside) on fresh procedural shapes."""

FINISH: Array = np.array([0.08, *TUNED["search"][1:]])
"""Of the search upon a learned policy: as tuned upon coverage, but who searches must really have come to rest."""
