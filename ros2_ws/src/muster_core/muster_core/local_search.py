"""Local search upon any controller: whoever has come to rest looks for a better place nearby, cell by cell.

A controller that flows brings everybody about where they belong and leaves a few per cent of the coverage in how discs
lie on the cells. The search takes those up, see :mod:`muster_core.kernels.search`.
"""

import numpy as np

from muster_core.kernels.search import MEMORY, search_rows
from muster_core.scene import Perceptions, Scene
from muster_core.types import Array, Integers


class LocalSearch:
    """What it remembers of each robot lies in the scene, so an episode that begins anew begins with nothing."""

    def __init__(self, gains: Array, max_speed: float) -> None:
        """``gains`` (7,) as :func:`muster_core.kernels.search.search_rows` takes them; ``max_speed`` [m/s]."""
        self._gains, self._speed = gains, max_speed

    def refine(self, perceptions: Perceptions, scene: Scene, rows: Integers, out: Array) -> None:
        """Replace the accelerations ``out`` (B, 2) of those who search."""
        team = (*scene.arrays.positions.shape[:2], MEMORY)
        memory = scene.memory.get("search")
        if memory is None or memory.shape != team:
            memory = scene.memory["search"] = np.zeros(team)
        search_rows(perceptions, rows, scene.arrays.positions, self._speed, self._gains, memory, out)
