"""What one robot sees: its neighbours, the cells of the shape around it and who covers them, the way into the shape.

Arrays follow :class:`muster_core.scene.Perceptions`, the lattice tables :class:`muster_core.shape.LatticeTables`.
Positions are in metres in the world frame, results are relative to the robot, still aligned with the world's axes.
"""

import math
from typing import TYPE_CHECKING

from muster_core.kernel import kernel
from muster_core.types import AnyArray, Array, Integers

if TYPE_CHECKING:
    from muster_core.scene import Lattices, Perceptions, SceneArrays

FREE = 0  # nobody the robot can see covers this cell
MINE = 1  # the robot covers it, and nobody else it can see does
OTHERS = 2  # somebody else covers it


@kernel
def nearest_cell(
    x: float, y: float, below: AnyArray, above: AnyArray, rows: int, columns: int, frame: Array
) -> tuple[float, float]:
    """Exact nearest cell centre to (x, y): its offset in the world frame, dx, dy [m].

    Columns are visited outwards from the point; in each only the first occupied row below and above can be nearest.
    The visit ends when the next column alone is farther than the best cell, so inside the shape it costs one or two.
    """
    pitch = frame[4]
    cosine, sine = frame[2], frame[3]
    u = ((x - frame[0]) * cosine + (y - frame[1]) * sine) / pitch - 0.5
    v = (-(x - frame[0]) * sine + (y - frame[1]) * cosine) / pitch - 0.5
    row = min(max(math.floor(v), -1), rows - 1)
    column = min(max(math.floor(u + 0.5), 0), columns - 1)
    best, best_u, best_v = math.inf, 0.0, 0.0
    for k in range(columns):
        if k > 0 and (k - 0.5) ** 2 >= best:
            break
        for j in (column - k, column + k):
            if j < 0 or j >= columns:
                continue
            du = j - u
            low = below[row, j] if row >= 0 else -1
            high = above[row + 1, j] if row + 1 < rows else -1
            for candidate in (low, high):
                if candidate < 0:
                    continue
                dv = candidate - v
                distance = du * du + dv * dv
                if distance < best:
                    best, best_u, best_v = distance, du, dv
    return (best_u * cosine - best_v * sine) * pitch, (best_u * sine + best_v * cosine) * pitch


@kernel
def is_inside(dx: float, dy: float, pitch: float) -> bool:
    """Whether a robot with its nearest cell centre at (dx, dy) from it is in the shape: nearer than √2·pitch/2."""
    return dx * dx + dy * dy < 0.5 * pitch * pitch


@kernel
def nearest_neighbours(
    me: int, positions: Array, velocities: Array, present: AnyArray, radius: float, neighbours: Array
) -> int:
    """Fill ``neighbours`` (K, 4) with relative position and velocity of the nearest within ``radius``; return how many.

    Sorted by distance; ties keep the order of the team. Robots that are not ``present`` are not seen.
    """
    limit = neighbours.shape[0]
    found = 0
    for j in range(positions.shape[0]):
        if j == me or not present[j]:
            continue
        dx = positions[j, 0] - positions[me, 0]
        dy = positions[j, 1] - positions[me, 1]
        distance = dx * dx + dy * dy
        if distance > radius * radius:
            continue
        place = found
        while place > 0 and distance < neighbours[place - 1, 0] ** 2 + neighbours[place - 1, 1] ** 2:
            place -= 1
        if place >= limit:
            continue
        found = min(found + 1, limit)
        for k in range(found - 1, place, -1):
            for axis in range(4):
                neighbours[k, axis] = neighbours[k - 1, axis]
        neighbours[place, 0] = dx
        neighbours[place, 1] = dy
        neighbours[place, 2] = velocities[j, 0] - velocities[me, 0]
        neighbours[place, 3] = velocities[j, 1] - velocities[me, 1]
    return found


@kernel
def covered_by_neighbour(dx: float, dy: float, neighbours: Array, found: int, cover_squared: float) -> bool:
    """Whether the cell at relative (dx, dy) lies within the covering disc of one of the ``found`` neighbours."""
    for k in range(found):
        ex = dx - neighbours[k, 0]
        ey = dy - neighbours[k, 1]
        if ex * ex + ey * ey <= cover_squared:
            return True
    return False


@kernel
def window(
    x: float, y: float, radius: float, rows: int, columns: int, frame: Array
) -> tuple[int, int, int, int, float, float]:
    """Part of the lattice that can hold cells within ``radius`` of (x, y).

    Returns first row, end row, first column, end column, and the point in lattice units (u along columns, v along
    rows, cell centres at whole numbers).
    """
    pitch = frame[4]
    u = ((x - frame[0]) * frame[2] + (y - frame[1]) * frame[3]) / pitch - 0.5
    v = (-(x - frame[0]) * frame[3] + (y - frame[1]) * frame[2]) / pitch - 0.5
    reach = radius / pitch
    first_row = min(max(math.ceil(v - reach), 0), rows)
    end_row = min(max(math.floor(v + reach) + 1, 0), rows)
    first_column = min(max(math.ceil(u - reach), 0), columns)
    end_column = min(max(math.floor(u + reach) + 1, 0), columns)
    return first_row, end_row, first_column, end_column, u, v


@kernel
def sensed_cells(
    x: float,
    y: float,
    occupancy: AnyArray,
    rows: int,
    columns: int,
    frame: Array,
    radius: float,
    cover: float,
    neighbours: Array,
    found: int,
    cells: Array,
    states: AnyArray,
) -> tuple[int, int]:
    """Fill ``cells`` (C, 2) and ``states`` (C,) with the cells in reach; return how many, and how many there are.

    When more than C cells are in reach every (count/C)-th is kept, evenly over the window. Offsets are in metres.
    """
    first_row, end_row, first_column, end_column, u, v = window(x, y, radius, rows, columns, frame)
    pitch = frame[4]
    cosine, sine = frame[2] * pitch, frame[3] * pitch
    reach = (radius / pitch) ** 2
    total = 0
    for r in range(first_row, end_row):
        for c in range(first_column, end_column):
            if occupancy[r, c] and (c - u) ** 2 + (r - v) ** 2 <= reach:
                total += 1
    limit = cells.shape[0]
    kept, seen = 0, 0
    for r in range(first_row, end_row):
        for c in range(first_column, end_column):
            du, dv = c - u, r - v
            distance = du * du + dv * dv
            if not occupancy[r, c] or distance > reach:
                continue
            seen += 1
            if total > limit and (seen * limit) // total == ((seen - 1) * limit) // total:
                continue
            dx = du * cosine - dv * sine
            dy = du * sine + dv * cosine
            if covered_by_neighbour(dx, dy, neighbours, found, cover * cover):
                states[kept] = OTHERS
            elif distance * pitch * pitch <= cover * cover:
                states[kept] = MINE
            else:
                states[kept] = FREE
            cells[kept, 0] = dx
            cells[kept, 1] = dy
            kept += 1
    return kept, total


@kernel
def sense_rows(
    rows: Integers, scene: "SceneArrays", lattices: "Lattices", avoid: Array, radius: Array, out: "Perceptions"
) -> None:
    """Perceive for each (environment, robot) in ``rows`` (B, 2) and write row b of ``out``.

    Args:
        rows: (B, 2) environment and robot.
        scene: ``SceneArrays``.
        lattices: ``Lattices`` of the environments.
        avoid: (E,) avoid distance [m].
        radius: (E,) sensing radius [m].
        out: ``Perceptions``.
    """
    for b in range(rows.shape[0]):
        e, i = rows[b, 0], rows[b, 1]
        x, y = scene.positions[e, i, 0], scene.positions[e, i, 1]
        high, wide = lattices.extents[e, 0], lattices.extents[e, 1]
        frame = lattices.frames[e]
        neighbours = out.neighbours[b]
        found = nearest_neighbours(i, scene.positions[e], scene.velocities[e], scene.present[e], radius[e], neighbours)
        out.neighbour_count[b] = found
        kept, total = sensed_cells(
            x, y, lattices.occupancy[e], high, wide, frame, radius[e], 0.5 * avoid[e],
            neighbours, found, out.cells[b], out.states[b],
        )  # fmt: skip
        out.cell_count[b] = kept
        out.cell_weight[b] = total / kept if kept > 0 else 1.0
        dx, dy = nearest_cell(x, y, lattices.below[e], lattices.above[e], high, wide, frame)
        out.target[b, 0], out.target[b, 1] = dx, dy
        out.inside[b] = is_inside(dx, dy, frame[4])
        out.velocity[b, 0], out.velocity[b, 1] = scene.velocities[e, i, 0], scene.velocities[e, i, 1]
        out.avoid[b], out.radius[b], out.pitch[b] = avoid[e], radius[e], frame[4]
