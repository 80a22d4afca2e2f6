"""What a shape asks of a team, before anyone drives: separate parts, and parts thinner than a robot."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from muster_core.errors import MusterError
from muster_core.robot import RobotModel
from muster_core.scene import Sensing
from muster_core.shape import Shape
from muster_core.types import Mask

REFINEMENT = 5
"""Samples along a cell when widths are measured; odd, so that a line of one cell is measured exactly."""
LARGEST_GRID = 1000
"""Longest side of the grid that widths are measured on; larger lattices are refined less."""
WIDTHS = 60
"""Widths that are tried, at most; each costs a distance transform of the grid."""
LIMB_SHARE = 0.5
"""Least area of a limb, in squares of its width, and at least one cell."""
TOUCHING = np.ones((3, 3), dtype=bool)
"""Cells belong to one part when they share a side or a corner: a robot on one sees the other."""


@dataclass(frozen=True)
class Review:
    """Facts of a shape and a team that one wants to know beforehand."""

    parts: int
    """Pieces that do not touch."""
    gap: float | None
    """Largest distance from a part to the nearest other one, between cell centres [m]; None for one part."""
    thinnest: float
    """Width of the narrowest limb that is longer than wide [m]."""
    warnings: tuple[str, ...]
    """One sentence each: what will go less well, and why."""


def review(shape: Shape, robots: int, robot: RobotModel, sensing: Sensing | None = None) -> Review:
    """Look a shape over for a team of `robots` of the kind `robot` that see as far as `sensing` says."""
    parts, gap = _parts(shape)
    thinnest = narrowest(shape)
    avoid = shape.avoid_distance(robots)
    radius = (sensing or Sensing()).radius_ratio * avoid
    warnings = []
    if parts > 1 and gap is not None:
        blind = "robots cannot see from one to the other" if gap > radius else "each robot sees little of the others"
        warnings.append(
            f"{parts} separate parts, up to {gap:.2f} m apart: {blind}, so nobody notices that a part is under-filled "
            f"(two discs reached .85 of the best layout, connected shapes .96)"
        )
    if thinnest < 2 * robot.radius:
        warnings.append(
            f"parts are only {thinnest:.3f} m wide, a robot {2 * robot.radius:.3f} m: it will overhang there; "
            f"make the shape larger or its lines bolder"
        )
    try:
        shape.check_team(robots, robot.radius)
    except MusterError as error:
        warnings.append(str(error))
    return Review(parts, gap, thinnest, tuple(warnings))


def narrowest(shape: Shape) -> float:
    """Width of the narrowest limb [m].

    A place belongs to a limb narrower than w when it lies farther than w from every centre of a disc of diameter w
    that fits into the shape; steps of slanting edges and corners of 60 degrees and more are too small to count.
    """
    fine = max(1, min(REFINEMENT, LARGEST_GRID // max(shape.occupancy.shape)))
    inside = np.pad(np.kron(shape.occupancy, np.ones((fine, fine), dtype=bool)), 1)
    # To the edge of the nearest free sample, not to its centre.
    depth = ndimage.distance_transform_edt(inside) - 0.5
    # Nothing on a lattice is narrower than a cell.
    low, high = float(fine), max(float(fine), 2.0 * float(depth.max()))
    for width in np.unique(np.linspace(fine, np.ceil(high), WIDTHS).round()):
        if _has_limb(inside, depth, width, fine):
            between = np.arange(low, width)
            narrow = [w for w in between if not _has_limb(inside, depth, w, fine)]
            return float(max([float(fine), *narrow])) / fine * shape.pitch
        low = float(width)
    return high / fine * shape.pitch


def _has_limb(inside: Mask, depth: np.ndarray, width: float, cell: int) -> bool:
    centres = depth >= width / 2
    if not centres.any():
        return True
    away = ndimage.distance_transform_edt(~centres)
    return int((away[inside] > width).sum()) > max(cell * cell, LIMB_SHARE * width * width)


def _parts(shape: Shape) -> tuple[int, float | None]:
    labels, count = ndimage.label(shape.occupancy, structure=TOUCHING)
    if count == 1:
        return 1, None
    gaps = []
    for part in range(1, count + 1):
        away = ndimage.distance_transform_edt(~((labels != part) & shape.occupancy))
        gaps.append(float(away[labels == part].min()))
    return int(count), max(gaps) * shape.pitch
