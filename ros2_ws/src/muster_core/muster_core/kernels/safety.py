"""The last word on every command: an exact planar CBF-QP with speed, acceleration and arena limits.

The filter picks the velocity nearest to the desired one that satisfies, for every neighbour in reach, the robot's own
half of a braking-distance barrier. With clearance h, braking deceleration a and reaction time T, two robots that each
approach at no more than w, where w²/a + 2·T·w = h, can both still stop: they travel T at w and then brake. The bound
holds whatever the neighbour wants, as long as it keeps its own half or stands, as a dead one does.
"""

import math
from typing import TYPE_CHECKING

import numpy as np

from muster_core.kernel import kernel, leaf_kernel
from muster_core.kernels.crowd import (
    FEW_ROWS,
    Crowd,
    block_end,
    find_within,
    gather_crowd,
    new_crowd,
    squares_within,
)
from muster_core.kernels.projection import TOLERANCE, project
from muster_core.types import AnyArray, Array, Integers

if TYPE_CHECKING:
    from muster_core.kernels.limits import Limits
    from muster_core.scene import SceneArrays

MAX_LINES = 20  # the nearest 16 neighbours and 4 walls; 16 discs at touching distance already surround a robot twice

FREE_MOTION = 0  # the desired velocity was allowed
FILTERED = 1  # changed to satisfy the constraints
INFEASIBLE = 2  # no velocity satisfies them: braking


@leaf_kernel
def approach_limit(clearance: float, braking: float, reaction: float) -> float:
    """Largest speed w with w²/braking + 2·reaction·w = clearance: both robots can still stop [m/s]."""
    if clearance <= 0.0:
        return 0.0
    return braking * (math.sqrt(reaction * reaction + clearance / braking) - reaction)


@leaf_kernel
def brake(vx: float, vy: float, step: float) -> tuple[float, float]:
    """One step of the ramp to zero: the velocity (vx, vy) shortened by ``step`` [m/s]."""
    speed = math.sqrt(vx * vx + vy * vy)
    if speed <= step:
        return 0.0, 0.0
    return vx * (1.0 - step / speed), vy * (1.0 - step / speed)


@leaf_kernel
def steer_points(e: int, scene: "SceneArrays", limits: "Limits", points: Array) -> float:
    """Fill ``points`` (N, 2) with the points of the robots that move exactly as commanded [m; world].

    A base that follows a command c with first-order lag τ has v' = (c − v)/τ, so p + τ·v moves at c, while p itself
    trails it. A delay is no different for as long as the velocity stays. A measured speed above the limit is cut.
    Returns how far anybody may have moved since its pose was measured, at most [m].
    """
    positions, velocities, ages, present = scene.positions[e], scene.velocities[e], scene.ages[e], scene.present[e]
    oldest = 0.0
    for i in range(points.shape[0]):
        vx, vy = velocities[i, 0], velocities[i, 1]
        square = vx * vx + vy * vy
        ahead = limits.trailing
        if square > limits.max_speed * limits.max_speed:
            ahead *= limits.max_speed / math.sqrt(square)
        points[i, 0], points[i, 1] = positions[i, 0] + ahead * vx, positions[i, 1] + ahead * vy
        if present[i]:
            oldest = max(oldest, ages[i])
    return oldest * limits.max_speed


@leaf_kernel
def barrier_lines(
    me: int,
    points: Array,
    ages: Array,
    sensing_radius: float,
    moved: float,
    bounds: Array,
    limits: "Limits",
    ids: Integers,
    xs: Array,
    ys: Array,
    start: Integers,
    frame: Array,
    columns: int,
    rows: int,
    squares: Array,
    candidates: Integers,
    lines: Array,
    distances: Array,
) -> int:
    """Write the constraints of robot ``me`` into ``lines`` (MAX_LINES, 3): arena first, then neighbours.

    A clearance shrinks by what both robots may have moved since their poses were measured. Returns how many lines.

    Args:
        me: The robot.
        points: (N, 2) steered points [m; world].
        ages: (N,) of the poses [s].
        sensing_radius: How far it sees [m].
        moved: How far anybody may have moved since its pose was measured, at most [m].
        bounds: (4,) smallest x, largest x, smallest y, largest y of the arena [m].
        limits: ``Limits``.
        ids: This and the next five are the ``Crowd`` of the points of those who are present, handed over singly (see
            :func:`muster_core.kernels.crowd.squares_within`): whose point stands where.
        xs: Their places, x [m].
        ys: And y [m].
        start: First place of each square.
        frame: Lowest x and y, side of a square [m].
        columns: Of the grid.
        rows: Of the grid.
        squares: (N,) scratch.
        candidates: (N + 1,) scratch.
        lines: Receives unit normals and bounds.
        distances: (MAX_LINES,) receives the clearances [m].
    """
    x, y = points[me, 0], points[me, 1]
    own_moved = max(ages[me], 0.0) * limits.max_speed
    # With so much clearance the bound lies beyond the speed limit, and roots and divisions are saved.
    free = limits.max_speed * (limits.max_speed / limits.braking + 2.0 * limits.reaction)
    # A wall does not come towards us: all of the closing speed is ours, so its clearance counts double.
    room = (x - bounds[0], bounds[1] - x, y - bounds[2], bounds[3] - y)
    for side in range(4):
        clearance = 2.0 * (room[side] - own_moved - limits.radius - limits.margin)
        lines[side, 0] = (1.0, -1.0, 0.0, 0.0)[side]
        lines[side, 1] = (0.0, 0.0, 1.0, -1.0)[side]
        lines[side, 2] = -2.0 * limits.max_speed
        if clearance < free:
            lines[side, 2] = -approach_limit(clearance, limits.braking, limits.reaction)
    count = 4
    furthest = sensing_radius + own_moved + moved
    first_column, end_column, first_row, end_row = squares_within(x, y, furthest, frame, columns, rows)
    for row in range(first_row, end_row):
        first, end = start[row * columns + first_column], start[row * columns + end_column]
        found = find_within(x, y, furthest, xs[first:end], ys[first:end], squares, candidates)
        for c in range(found):
            q = first + candidates[c]
            distance = math.sqrt(squares[candidates[c]])
            nearest = distance - own_moved - max(ages[ids[q]], 0.0) * limits.max_speed
            clearance = nearest - 2.0 * limits.radius - limits.margin
            if nearest > sensing_radius or clearance >= free or ids[q] == me:
                continue
            place = count
            if count >= MAX_LINES:
                place = place_among(clearance, distances)
                if place == MAX_LINES:
                    continue
            distances[place] = clearance
            lines[place, 0] = (x - xs[q]) / distance if distance > 0.0 else 1.0
            lines[place, 1] = (y - ys[q]) / distance if distance > 0.0 else 0.0
            lines[place, 2] = -approach_limit(clearance, limits.braking, limits.reaction)
            count += 1
    return min(count, MAX_LINES)


@leaf_kernel
def place_among(clearance: float, distances: Array) -> int:
    """Where one more line goes when all are taken: in place of that with the largest clearance; MAX_LINES if none."""
    last = 4
    for k in range(5, MAX_LINES):
        if distances[k] > distances[last]:
            last = k
    return last if clearance < distances[last] else MAX_LINES


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
    robots = scene.positions.shape[1]
    points, crowd = np.zeros((robots, 2)), new_crowd(robots)
    begin = 0
    while begin < rows.shape[0]:
        e = rows[begin, 0]
        end = block_end(rows, begin, rows.shape[0])
        moved = steer_points(e, scene, limits, points)
        gather_crowd(points, scene.present[e], radius[e] + moved, end - begin < FEW_ROWS, crowd)
        filter_block(
            rows, begin, end, scene, points, moved, radius[e], bounds, limits, crowd, desired, work, out, activity
        )
        begin = end


@kernel
def filter_block(
    rows: Integers,
    begin: int,
    end: int,
    scene: "SceneArrays",
    points: Array,
    moved: float,
    radius: float,
    bounds: Array,
    limits: "Limits",
    crowd: Crowd,
    desired: Array,
    work: Array,
    out: Array,
    activity: AnyArray,
) -> None:
    """Rows ``begin`` … ``end``, all of one environment, of :func:`filter_rows`; ``points`` and ``crowd`` are ready."""
    lines, distances = work[:, :3], work[:, 3]
    discs = work[:2, :3].copy()
    e = rows[begin, 0]
    ages, issued = scene.ages[e], scene.issued[e]
    ids, xs, ys, start, frame = crowd.ids, crowd.x, crowd.y, crowd.start, crowd.frame
    squares, candidates = np.zeros(len(points)), np.zeros(len(points) + 1, np.int64)
    grid_columns, grid_rows = crowd.size[0], crowd.size[1]
    cap = approach_limit(radius - 2.0 * limits.radius - limits.margin, limits.braking, limits.reaction)
    step = limits.hard_braking * limits.period
    for b in range(begin, end):
        i = rows[b, 1]
        count = barrier_lines(
            i, points, ages, radius, moved, bounds, limits, ids, xs, ys, start, frame, grid_columns, grid_rows,
            squares, candidates, lines, distances,
        )  # fmt: skip
        discs[0, 0], discs[0, 1], discs[0, 2] = 0.0, 0.0, min(limits.max_speed, cap)
        discs[1, 0], discs[1, 1], discs[1, 2] = issued[i, 0], issued[i, 1], step
        vx, vy, feasible = project(desired[b, 0], desired[b, 1], lines, count, discs)
        if feasible:
            out[b, 0], out[b, 1] = vx, vy
            difference = abs(vx - desired[b, 0]) + abs(vy - desired[b, 1])
            activity[b] = FILTERED if difference > TOLERANCE else FREE_MOTION
        else:
            out[b, 0], out[b, 1] = brake(issued[i, 0], issued[i, 1], step)
            activity[b] = INFEASIBLE
