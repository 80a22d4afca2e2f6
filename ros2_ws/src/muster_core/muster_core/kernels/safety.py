"""The last word on every command: an exact planar CBF-QP with speed, acceleration and arena limits.

The filter picks the velocity nearest to the desired one that satisfies, for every neighbour in reach, the robot's own
half of a braking-distance barrier. With clearance h, braking deceleration a and reaction time T, two robots that each
approach at no more than w, where w²/a + 2·T·w = h, can both still stop: they travel T at w and then brake. The bound
holds whatever the neighbour wants, as long as it keeps its own half or stands, as a dead one does.
"""

import math
from typing import TYPE_CHECKING

from muster_core.kernel import kernel
from muster_core.types import AnyArray, Array, Integers

if TYPE_CHECKING:
    from muster_core.control_step import Limits
    from muster_core.scene import SceneArrays

MAX_LINES = 20  # the nearest 16 neighbours and 4 walls; 16 discs at touching distance already surround a robot twice
TOLERANCE = 1e-9  # [m/s]

FREE_MOTION = 0  # the desired velocity was allowed
FILTERED = 1  # changed to satisfy the constraints
INFEASIBLE = 2  # no velocity satisfies them: braking


@kernel
def approach_limit(clearance: float, braking: float, reaction: float) -> float:
    """Largest speed w with w²/braking + 2·reaction·w = clearance: both robots can still stop [m/s]."""
    if clearance <= 0.0:
        return 0.0
    return braking * (math.sqrt(reaction * reaction + clearance / braking) - reaction)


@kernel
def brake(vx: float, vy: float, step: float) -> tuple[float, float]:
    """One step of the ramp to zero: the velocity (vx, vy) shortened by ``step`` [m/s]."""
    speed = math.sqrt(vx * vx + vy * vy)
    if speed <= step:
        return 0.0, 0.0
    return vx * (1.0 - step / speed), vy * (1.0 - step / speed)


@kernel
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


@kernel
def closer(
    vx: float, vy: float, wx: float, wy: float, best: tuple[float, float, float], lines: Array, count: int, discs: Array
) -> tuple[float, float, float]:
    """``best`` (vx, vy, squared distance) or the candidate (vx, vy), if it is allowed and nearer to (wx, wy)."""
    distance = (vx - wx) ** 2 + (vy - wy) ** 2
    if distance < best[2] and allowed(vx, vy, lines, count, discs):
        return vx, vy, distance
    return best


@kernel
def line_disc_points(nx: float, ny: float, bound: float, disc: Array) -> tuple[float, float, float, float, bool]:
    """Both points where the line n·v = bound meets the disc's edge, and whether they exist."""
    offset = bound - nx * disc[0] - ny * disc[1]
    square = disc[2] * disc[2] - offset * offset
    if square < 0.0:
        return 0.0, 0.0, 0.0, 0.0, False
    half = math.sqrt(square)
    x, y = disc[0] + offset * nx, disc[1] + offset * ny
    return x - half * ny, y + half * nx, x + half * ny, y - half * nx, True


@kernel
def project(wx: float, wy: float, lines: Array, count: int, discs: Array) -> tuple[float, float, bool]:
    """Exact projection of (wx, wy) onto the intersection of half planes and two discs.

    In the plane the nearest point is the point itself, or lies on one boundary, or on a crossing of two: all are tried.

    Args:
        wx: Desired velocity, x [m/s].
        wy: Desired velocity, y [m/s].
        lines: (M, 3) unit normal and bound.
        count: Number of valid lines.
        discs: (2, 3) centre and radius.

    Returns:
        vx, vy and whether the intersection is not empty.
    """
    best = (0.0, 0.0, math.inf)
    best = closer(wx, wy, wx, wy, best, lines, count, discs)
    if best[2] == 0.0:
        return wx, wy, True
    for d in range(discs.shape[0]):
        dx, dy = wx - discs[d, 0], wy - discs[d, 1]
        length = math.sqrt(dx * dx + dy * dy)
        if length > 0.0:
            scale = discs[d, 2] / length
            best = closer(discs[d, 0] + scale * dx, discs[d, 1] + scale * dy, wx, wy, best, lines, count, discs)
    for k in range(count):
        nx, ny, bound = lines[k, 0], lines[k, 1], lines[k, 2]
        gap = bound - nx * wx - ny * wy
        if gap > 0.0:
            best = closer(wx + gap * nx, wy + gap * ny, wx, wy, best, lines, count, discs)
        for m in range(k):
            det = nx * lines[m, 1] - ny * lines[m, 0]
            if abs(det) > 1e-12:
                x = (bound * lines[m, 1] - ny * lines[m, 2]) / det
                y = (nx * lines[m, 2] - bound * lines[m, 0]) / det
                best = closer(x, y, wx, wy, best, lines, count, discs)
        for d in range(discs.shape[0]):
            ax, ay, bx, by, meets = line_disc_points(nx, ny, bound, discs[d])
            if meets:
                best = closer(ax, ay, wx, wy, best, lines, count, discs)
                best = closer(bx, by, wx, wy, best, lines, count, discs)
    # The two discs' crossings lie on their radical line.
    ex, ey = discs[1, 0] - discs[0, 0], discs[1, 1] - discs[0, 1]
    gap = math.sqrt(ex * ex + ey * ey)
    if gap > 1e-12:
        nx, ny = ex / gap, ey / gap
        along = (gap * gap + discs[0, 2] ** 2 - discs[1, 2] ** 2) / (2.0 * gap)
        bound = nx * discs[0, 0] + ny * discs[0, 1] + along
        ax, ay, bx, by, meets = line_disc_points(nx, ny, bound, discs[0])
        if meets:
            best = closer(ax, ay, wx, wy, best, lines, count, discs)
            best = closer(bx, by, wx, wy, best, lines, count, discs)
    return best[0], best[1], best[2] < math.inf


@kernel
def steered_point(e: int, i: int, scene: "SceneArrays", limits: "Limits") -> tuple[float, float]:
    """The point of robot (e, i) that moves exactly as commanded, x, y [m; world].

    A base that follows a command c with first-order lag τ has v' = (c − v)/τ, so p + τ·v moves at c, while p itself
    trails it. A delay is no different for as long as the velocity stays. A measured speed above the limit is cut.
    """
    vx, vy = scene.velocities[e, i, 0], scene.velocities[e, i, 1]
    speed = math.sqrt(vx * vx + vy * vy)
    ahead = limits.trailing * min(1.0, limits.max_speed / max(speed, 1e-9))
    return scene.positions[e, i, 0] + ahead * vx, scene.positions[e, i, 1] + ahead * vy


@kernel
def barrier_lines(
    e: int,
    me: int,
    scene: "SceneArrays",
    sensing_radius: float,
    bounds: Array,
    limits: "Limits",
    lines: Array,
    distances: Array,
) -> int:
    """Write the constraints of robot (e, me) into ``lines`` (MAX_LINES, 3): arena first, then neighbours by distance.

    A clearance shrinks by what both robots may have moved since their poses were measured. Returns how many lines.
    """
    x, y = steered_point(e, me, scene, limits)
    own_moved = max(scene.ages[e, me], 0.0) * limits.max_speed
    # A wall does not come towards us: all of the closing speed is ours, so its clearance counts double.
    room = (x - bounds[0], bounds[1] - x, y - bounds[2], bounds[3] - y)
    for side in range(4):
        clearance = room[side] - own_moved - limits.radius - limits.margin
        lines[side, 0] = (1.0, -1.0, 0.0, 0.0)[side]
        lines[side, 1] = (0.0, 0.0, 1.0, -1.0)[side]
        lines[side, 2] = -approach_limit(2.0 * clearance, limits.braking, limits.reaction)
    count = 4
    for j in range(scene.positions.shape[1]):
        if j == me or not scene.present[e, j]:
            continue
        other_x, other_y = steered_point(e, j, scene, limits)
        dx, dy = x - other_x, y - other_y
        distance = math.sqrt(dx * dx + dy * dy)
        nearest = distance - own_moved - max(scene.ages[e, j], 0.0) * limits.max_speed
        if nearest > sensing_radius:
            continue
        clearance = nearest - 2.0 * limits.radius - limits.margin
        bound = -approach_limit(clearance, limits.braking, limits.reaction)
        if bound <= -limits.max_speed:
            continue
        place = count
        while place > 4 and clearance < distances[place - 1]:
            place -= 1
        if place >= MAX_LINES:
            continue
        count = min(count + 1, MAX_LINES)
        for k in range(count - 1, place, -1):
            distances[k] = distances[k - 1]
            for axis in range(3):
                lines[k, axis] = lines[k - 1, axis]
        distances[place] = clearance
        lines[place, 0] = dx / distance if distance > 0.0 else 1.0
        lines[place, 1] = dy / distance if distance > 0.0 else 0.0
        lines[place, 2] = bound
    return count


@kernel
def filter_rows(
    rows: Integers,
    scene: "SceneArrays",
    radius: Array,
    bounds: Array,
    limits: "Limits",
    desired: Array,
    work: Array,
    out: Array,
    activity: AnyArray,
) -> None:
    """Filter ``desired`` (B, 2) for each (environment, robot) in ``rows`` into ``out`` (B, 2) and ``activity`` (B,).

    Args:
        rows: (B, 2) environment and robot.
        scene: ``SceneArrays``.
        radius: (E,) sensing radius [m]; it caps the speed so that a robot that comes into view can still be avoided.
        bounds: (4,) smallest x, largest x, smallest y, largest y of the arena [m].
        limits: ``Limits``.
        desired: (B, 2) [m/s].
        work: (MAX_LINES, 4) scratch.
        out: (B, 2) velocity commands [m/s].
        activity: (B,) FREE_MOTION, FILTERED or INFEASIBLE.
    """
    lines, distances = work[:, :3], work[:, 3]
    discs = work[:2, :3].copy()
    for b in range(rows.shape[0]):
        e, i = rows[b, 0], rows[b, 1]
        count = barrier_lines(e, i, scene, radius[e], bounds, limits, lines, distances)
        cap = approach_limit(radius[e] - 2.0 * limits.radius - limits.margin, limits.braking, limits.reaction)
        issued_x, issued_y = scene.issued[e, i, 0], scene.issued[e, i, 1]
        discs[0, 0], discs[0, 1], discs[0, 2] = 0.0, 0.0, min(limits.max_speed, cap)
        discs[1, 0], discs[1, 1], discs[1, 2] = issued_x, issued_y, limits.hard_braking * limits.period
        vx, vy, feasible = project(desired[b, 0], desired[b, 1], lines, count, discs)
        if feasible:
            out[b, 0], out[b, 1] = vx, vy
            moved = abs(vx - desired[b, 0]) + abs(vy - desired[b, 1])
            activity[b] = FILTERED if moved > TOLERANCE else FREE_MOTION
        else:
            out[b, 0], out[b, 1] = brake(issued_x, issued_y, limits.hard_braking * limits.period)
            activity[b] = INFEASIBLE
