"""The input vectors that policies may be trained on, by name. A policy's card names its layout and version."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from muster_core.errors import MusterError
from muster_core.kernels import observation as kernels
from muster_core.scene import Perceptions
from muster_core.types import Array


@dataclass(frozen=True)
class Layout:
    """One way to lay a perception out as numbers."""

    name: str
    """Name with version, as the card says it."""
    size: int
    """Length of the vector."""
    fill: Callable[[Perceptions, float, Array], None]
    """``fill(perceptions, max_speed, out)`` writes (B, size)."""


LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout("polar-1", kernels.POLAR_SIZE, kernels.observe_polar_rows),
        Layout("polar-free-1", kernels.POLAR_SIZE, kernels.observe_polar_free_rows),
        Layout("set-1", kernels.SET_SIZE, kernels.observe_set_rows),
        Layout("lamarl-1", kernels.LAMARL_SIZE, kernels.observe_lamarl_rows),
    )
}


def find_layout(name: str) -> Layout:
    """The layout called ``name``.

    Raises:
        MusterError: no such layout; the choices are listed.
    """
    if name not in LAYOUTS:
        raise MusterError(f"Unknown observation layout {name!r}. Available: {', '.join(LAYOUTS)}")
    return LAYOUTS[name]


def observe(perceptions: Perceptions, layout: Layout, max_speed: float, out: Array | None = None) -> Array:
    """Observations (B, size), dimensionless: lengths in avoid distances, speeds in ``max_speed`` [m/s]."""
    if out is None:
        out = np.empty((len(perceptions.inside), layout.size))
    layout.fill(perceptions, max_speed, out)
    return out
