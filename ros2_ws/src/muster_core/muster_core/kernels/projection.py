"""The velocity nearest to a desired one among those that half planes and discs allow, exactly."""

import math

from muster_core.kernel import leaf_kernel
from muster_core.types import Array

TOLERANCE = 1e-9
"""By so much a constraint may be broken [m/s]: rounding."""


@leaf_kernel
def allowed(vx: float, vy: float, lines: Array, count: int, discs: Array) -> bool:
    """Whether (vx, vy) obeys ``lines`` (nx, ny, bound: n·v ≥ bound) and ``discs`` (x, y, radius: |v − c| ≤ radius)."""
    for k in range(count):
        if lines[k, 0] * vx + lines[k, 1] * vy < lines[k, 2] - TOLERANCE:
            return False
    for k in range(discs.shape[0]):
        dx, dy = vx - discs[k, 0], vy - discs[k, 1]
        if dx * dx + dy * dy > (discs[k, 2] + TOLERANCE) ** 2:
            return False
    return True


@leaf_kernel
def closer(
    vx: float, vy: float, wx: float, wy: float, best: tuple[float, float, float], lines: Array, count: int, discs: Array
) -> tuple[float, float, float]:
    """``best`` (vx, vy, squared distance) or the candidate (vx, vy), if it is allowed and nearer to (wx, wy)."""
    distance = (vx - wx) ** 2 + (vy - wy) ** 2
    if distance < best[2] and allowed(vx, vy, lines, count, discs):
        return vx, vy, distance
    return best


@leaf_kernel
def line_disc_points(
    nx: float, ny: float, bound: float, cx: float, cy: float, radius: float
) -> tuple[float, float, float, float, bool]:
    """Both points where the line n·v = bound meets the edge of the disc about (cx, cy), and whether they exist."""
    offset = bound - nx * cx - ny * cy
    square = radius * radius - offset * offset
    if square < 0.0:
        return 0.0, 0.0, 0.0, 0.0, False
    half = math.sqrt(square)
    x, y = cx + offset * nx, cy + offset * ny
    return x - half * ny, y + half * nx, x + half * ny, y - half * nx, True


@leaf_kernel
def closer_crossings(
    nx: float,
    ny: float,
    bound: float,
    d: int,
    wx: float,
    wy: float,
    best: tuple[float, float, float],
    lines: Array,
    count: int,
    discs: Array,
) -> tuple[float, float, float]:
    """``best``, or one of the crossings of the line n·v = bound with the edge of disc ``d``, as in :func:`closer`."""
    ax, ay, bx, by, meets = line_disc_points(nx, ny, bound, discs[d, 0], discs[d, 1], discs[d, 2])
    if not meets:
        return best
    best = closer(ax, ay, wx, wy, best, lines, count, discs)
    return closer(bx, by, wx, wy, best, lines, count, discs)


@leaf_kernel
def nearest_on_line(px: float, py: float, k: int, lines: Array, count: int, discs: Array) -> tuple[float, float]:
    """The point of line ``k`` nearest to its point (px, py) that the first ``count`` lines and the discs allow.

    Any point, if there is none such.
    """
    tx, ty = -lines[k, 1], lines[k, 0]
    low, high = -math.inf, math.inf
    for m in range(count):
        along = lines[m, 0] * tx + lines[m, 1] * ty
        short = lines[m, 2] - lines[m, 0] * px - lines[m, 1] * py
        if along > 1e-12:
            low = max(low, short / along)
        elif along < -1e-12:
            high = min(high, short / along)
    for d in range(discs.shape[0]):
        dx, dy, radius = discs[d, 0] - px, discs[d, 1] - py, discs[d, 2]
        middle = dx * tx + dy * ty
        half = math.sqrt(max(radius * radius - (dx * dx + dy * dy - middle * middle), 0.0))
        low, high = max(low, middle - half), min(high, middle + half)
    t = min(max(0.0, low), high)
    return px + t * tx, py + t * ty


@leaf_kernel
def project(wx: float, wy: float, lines: Array, count: int, discs: Array) -> tuple[float, float, bool]:
    """Exact projection of (wx, wy) onto the intersection of half planes and two discs.

    One half plane after the other: where the nearest point so far breaks it, the nearest of all so far lies on its
    line (as in the linear programs of ORCA). Where rounding leads this astray, every crossing is tried instead.

    Args:
        wx: Desired velocity, x [m/s].
        wy: Desired velocity, y [m/s].
        lines: (M, 3) unit normal and bound.
        count: Number of valid lines.
        discs: (2, 3) centre and radius.

    Returns:
        vx, vy and whether the intersection is not empty.
    """
    x, y = into_discs(wx, wy, discs)
    for k in range(count):
        if lines[k, 0] * x + lines[k, 1] * y < lines[k, 2] - TOLERANCE:
            gap = lines[k, 2] - lines[k, 0] * wx - lines[k, 1] * wy
            x, y = nearest_on_line(wx + gap * lines[k, 0], wy + gap * lines[k, 1], k, lines, k, discs)
    if allowed(x, y, lines, count, discs):
        return x, y, True
    return project_by_trial(wx, wy, lines, count, discs)


@leaf_kernel
def into_discs(wx: float, wy: float, discs: Array) -> tuple[float, float]:
    """The point of both discs that is nearest to (wx, wy); any point, if they do not meet."""
    inside = True
    for d in range(2):
        dx, dy, radius = wx - discs[d, 0], wy - discs[d, 1], discs[d, 2]
        square = dx * dx + dy * dy
        if square > radius * radius:
            inside = False
            scale = radius / math.sqrt(square)
            x, y = discs[d, 0] + scale * dx, discs[d, 1] + scale * dy
            if (x - discs[1 - d, 0]) ** 2 + (y - discs[1 - d, 1]) ** 2 <= discs[1 - d, 2] ** 2:
                return x, y
    if inside:
        return wx, wy
    ax, ay, bx, by, meet = disc_crossings(discs)
    if not meet or (ax - wx) ** 2 + (ay - wy) ** 2 < (bx - wx) ** 2 + (by - wy) ** 2:
        return ax, ay
    return bx, by


@leaf_kernel
def disc_crossings(discs: Array) -> tuple[float, float, float, float, bool]:
    """Both points where the edges of the discs meet, on their radical line, and whether they exist."""
    ex, ey = discs[1, 0] - discs[0, 0], discs[1, 1] - discs[0, 1]
    gap = math.sqrt(ex * ex + ey * ey)
    if gap <= 1e-12:
        return 0.0, 0.0, 0.0, 0.0, False
    nx, ny = ex / gap, ey / gap
    along = (gap * gap + discs[0, 2] ** 2 - discs[1, 2] ** 2) / (2.0 * gap)
    bound = nx * discs[0, 0] + ny * discs[0, 1] + along
    return line_disc_points(nx, ny, bound, discs[0, 0], discs[0, 1], discs[0, 2])


@leaf_kernel
def project_by_trial(wx: float, wy: float, lines: Array, count: int, discs: Array) -> tuple[float, float, bool]:
    """As :func:`project`, by trying all points that can be nearest and taking the nearest of those that are allowed.

    In the plane that is the point itself, or lies on one boundary, or on a crossing of two.
    """
    best = closer(wx, wy, wx, wy, (0.0, 0.0, math.inf), lines, count, discs)
    for d in range(discs.shape[0]):
        dx, dy = wx - discs[d, 0], wy - discs[d, 1]
        length = math.sqrt(dx * dx + dy * dy)
        if length > 0.0:
            scale = discs[d, 2] / length
            best = closer(discs[d, 0] + scale * dx, discs[d, 1] + scale * dy, wx, wy, best, lines, count, discs)
    for k in range(count):
        nx, ny, bound = lines[k, 0], lines[k, 1], lines[k, 2]
        gap = bound - nx * wx - ny * wy
        best = closer(wx + gap * nx, wy + gap * ny, wx, wy, best, lines, count, discs)
        for m in range(k):
            det = nx * lines[m, 1] - ny * lines[m, 0]
            if abs(det) > 1e-12:
                x = (bound * lines[m, 1] - ny * lines[m, 2]) / det
                y = (nx * lines[m, 2] - bound * lines[m, 0]) / det
                best = closer(x, y, wx, wy, best, lines, count, discs)
        for d in range(discs.shape[0]):
            best = closer_crossings(nx, ny, bound, d, wx, wy, best, lines, count, discs)
    ax, ay, bx, by, meet = disc_crossings(discs)
    if meet:
        best = closer(ax, ay, wx, wy, best, lines, count, discs)
        best = closer(bx, by, wx, wy, best, lines, count, discs)
    return best[0], best[1], best[2] < math.inf
