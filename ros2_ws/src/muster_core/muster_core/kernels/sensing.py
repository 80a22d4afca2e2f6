"""What one robot sees: its neighbours, the cells of the shape around it and who covers them, the way into the shape.

Arrays follow :class:`muster_core.scene.Perceptions`, the lattice tables :class:`muster_core.shape.LatticeTables`.
Positions are in metres in the world frame, results are relative to the robot, still aligned with the world's axes.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

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
from muster_core.kernels.lattice import is_inside, nearest_cell, reach_rows, to_lattice
from muster_core.types import AnyArray, Array, Integers

if TYPE_CHECKING:
    from muster_core.scene import Lattices, Perceptions, SceneArrays

FREE = 0  # nobody the robot can see covers this cell
MINE = 1  # the robot covers it, and nobody else it can see does
OTHERS = 2  # somebody else covers it
MEMBER = 1  # in ``SceneArrays.present``: a robot of the team, which is sensed; others are at most avoided


LANES = 8
"""Cells worked on at a time: loops over whole batches end where the processor expects it."""
BLOCK = 64
"""Rows worked on at a time: what they write stays in the processor's cache until the next stage reads it."""


class Sight(NamedTuple):
    """Room that sensing works in."""

    crowd: Crowd
    """Members of the team of the environment at hand."""
    members: AnyArray
    """(N,) uint8: 1 for those."""
    ids: Integers
    """(K,) the nearest robots."""
    distances: Array
    """(K,) their squared distances [m²]."""
    squares: Array
    """(N,) squared distances of robots that may be in reach [m²]."""
    candidates: Integers
    """(N + 1,) those that are."""
    reached: Integers
    """(2, rows of a window + 1) in each row of the lattice: first cell in reach, and its place among all in reach."""
    xs: Array
    """(M,) offset of each cell in reach of one robot, x [m]."""
    ys: Array
    """(M,) y [m]."""
    marks: Array
    """(M,) its state."""


@leaf_kernel
def find_neighbours(
    rows: Integers,
    begin: int,
    end: int,
    positions: Array,
    velocities: Array,
    radius: float,
    sight: Sight,
    neighbours: Array,
    counts: Integers,
) -> None:
    """Rows ``begin`` … ``end``: nearest robots within ``radius`` [m] into ``neighbours`` (B, K, 4), ``counts`` (B,).

    Relative position and velocity, sorted by distance; ties keep the order of the team.
    """
    ids, xs, ys, start = sight.crowd.ids, sight.crowd.x, sight.crowd.y, sight.crowd.start
    frame, grid_columns, grid_rows = sight.crowd.frame, sight.crowd.size[0], sight.crowd.size[1]
    near, distances, squares, candidates = sight.ids, sight.distances, sight.squares, sight.candidates
    limit = neighbours.shape[1]
    for b in range(begin, end):
        me = rows[b, 1]
        x, y = positions[me, 0], positions[me, 1]
        count = 0
        first_column, end_column, first_row, end_row = squares_within(x, y, radius, frame, grid_columns, grid_rows)
        for row in range(first_row, end_row):
            first, end_place = start[row * grid_columns + first_column], start[row * grid_columns + end_column]
            found = find_within(x, y, radius, xs[first:end_place], ys[first:end_place], squares, candidates)
            for c in range(found):
                k = candidates[c]
                if ids[first + k] != me:
                    count = insert_nearest(ids[first + k], squares[k], near, distances, count, limit)
        counts[b] = count
        for k in range(count):
            j = near[k]
            neighbours[b, k, 0] = positions[j, 0] - x
            neighbours[b, k, 1] = positions[j, 1] - y
            neighbours[b, k, 2] = velocities[j, 0] - velocities[me, 0]
            neighbours[b, k, 3] = velocities[j, 1] - velocities[me, 1]


@leaf_kernel
def insert_nearest(j: int, distance: float, ids: Integers, distances: Array, count: int, limit: int) -> int:
    """Put ``j`` among the first ``count`` of ``ids``, sorted by ``distances``, ties by id; at most ``limit``.

    Returns how many there are then.
    """
    place = count
    while place > 0 and (distance < distances[place - 1] or (distance == distances[place - 1] and j < ids[place - 1])):
        place -= 1
    if place >= limit:
        return count
    count = min(count + 1, limit)
    for k in range(count - 1, place, -1):
        distances[k], ids[k] = distances[k - 1], ids[k - 1]
    distances[place], ids[place] = distance, j
    return count


@leaf_kernel
def mark_states(
    b: int, count: int, total: int, cover: float, neighbours: Array, xs: Array, ys: Array, marks: Array
) -> None:
    """State of the cells at ``xs``, ``ys`` [m] as row ``b`` sees them with ``count`` neighbours, into ``marks``.

    Flat loops over plain arrays of one kind of number, so that they compile to a few instructions for eight cells.
    """
    square, free, mine, others = cover * cover, float(FREE), float(MINE), float(OTHERS)
    for k in range(total):
        marks[k] = mine if xs[k] * xs[k] + ys[k] * ys[k] <= square else free
    for n in range(count):
        x, y = neighbours[b, n, 0], neighbours[b, n, 1]
        for k in range(total):
            dx, dy = xs[k] - x, ys[k] - y
            marks[k] = others if dx * dx + dy * dy <= square else marks[k]


@leaf_kernel
def list_cells(
    rows: Integers,
    begin: int,
    end: int,
    positions: Array,
    places: Array,
    ranks: AnyArray,
    extent: tuple[int, int],
    frame: Array,
    radius: float,
    cover: float,
    sight: Sight,
    neighbours: Array,
    neighbour_counts: Integers,
    cells: Array,
    states: AnyArray,
    counts: Integers,
    weights: Array,
) -> None:
    """Rows ``begin`` … ``end``: the shape's cells within ``radius`` [m] and who covers them.

    Fills ``cells`` (B, C, 2) with offsets [m], ``states`` (B, C), ``counts`` (B,) and ``weights`` (B,). When more than
    C cells are in reach every (count/C)-th is kept. Cells are numbered row by row, so that what is near is one span of
    numbers in each of a few rows.
    """
    reached, xs, ys, marks = sight.reached, sight.xs, sight.ys, sight.marks
    all_x, all_y = places[0], places[1]
    reach, limit = radius / frame[4], cells.shape[1]
    for b in range(begin, end):
        x, y = positions[rows[b, 1], 0], positions[rows[b, 1], 1]
        u, v = to_lattice(x, y, frame)
        first_row = min(max(math.ceil(v - reach), 0), extent[0])
        end_row = min(max(math.floor(v + reach) + 1, 0), extent[0])
        total = reach_rows(u, v, reach, first_row, end_row, ranks, reached)
        counts[b], weights[b] = min(total, limit), max(total / limit, 1.0)
        if total == 0:
            continue
        for row in range(end_row - first_row):
            cell, to, end_to = reached[0, row], reached[1, row], reached[1, row + 1]
            # Indices of views that begin at 0 are never negative: numba leaves out a test, and the loop half its time.
            row_x, row_y, to_x, to_y = all_x[cell:], all_y[cell:], xs[to:], ys[to:]
            for k in range(end_to - to):
                to_x[k] = row_x[k] - x
                to_y[k] = row_y[k] - y
        padded = (total + LANES - 1) // LANES * LANES
        mark_states(b, neighbour_counts[b], padded, cover, neighbours, xs, ys, marks)
        if total <= limit:
            own_cells, own_states = cells[b], states[b]
            for k in range(total):
                own_cells[k, 0], own_cells[k, 1] = xs[k], ys[k]
            for k in range(total):
                own_states[k] = int(marks[k])
            continue
        kept = 0
        for k in range(total):
            if ((k + 1) * limit) // total > (k * limit) // total:
                cells[b, kept, 0], cells[b, kept, 1] = xs[k], ys[k]
                states[b, kept] = int(marks[k])
                kept += 1


@leaf_kernel
def find_targets(
    rows: Integers,
    begin: int,
    end: int,
    positions: Array,
    below: AnyArray,
    above: AnyArray,
    extent: tuple[int, int],
    frame: Array,
    target: Array,
    inside: AnyArray,
) -> None:
    """Rows ``begin`` … ``end``: the way to the nearest cell into ``target`` (B, 2) [m], and whether ``inside``."""
    for b in range(begin, end):
        i = rows[b, 1]
        dx, dy = nearest_cell(positions[i, 0], positions[i, 1], below, above, extent[0], extent[1], frame)
        target[b, 0], target[b, 1] = dx, dy
        inside[b] = is_inside(dx, dy, frame[4])


@kernel
def new_sight(robots: int, neighbours: int, lattices: "Lattices", avoid: Array, radius: Array) -> Sight:
    """Room for environments of ``robots`` robots, of which each sees at most ``neighbours``."""
    high, most = 1, 1
    for e in range(avoid.shape[0]):
        side = int(min(2.0 * radius[e] / lattices.frames[e, 4], 1e6)) + 2
        rows, columns = min(lattices.extents[e, 0], side), min(lattices.extents[e, 1], side)
        high, most = max(high, rows), max(most, rows * columns)
    # Arrays whose addresses differ by about a multiple of 4096 bytes slow each other down (the processor takes a load
    # for one of what was just stored), so the three that are read and written together lie a third of that apart.
    most += LANES
    apart = (most + 511) // 512 * 512 + 168
    room = np.zeros(3 * apart)
    return Sight(
        new_crowd(robots),
        np.zeros(robots, np.uint8),
        np.zeros(neighbours, np.int64),
        np.zeros(neighbours),
        np.zeros(robots),
        np.zeros(robots + 1, np.int64),
        np.zeros((2, high + 1), np.int64),
        room[:most],
        room[apart : apart + most],
        room[2 * apart : 2 * apart + most],
    )


@leaf_kernel
def look_around(e: int, few: bool, scene: "SceneArrays", radius: float, sight: Sight) -> None:
    """Make ``sight`` ready for the robots of environment ``e``; ``few``: only for some of them."""
    present, members = scene.present[e], sight.members
    for j in range(members.shape[0]):
        members[j] = present[j] == MEMBER
    gather_crowd(scene.positions[e], members, radius, few, sight.crowd)


@leaf_kernel
def sense_block(
    rows: Integers,
    begin: int,
    end: int,
    scene: "SceneArrays",
    lattices: "Lattices",
    avoid: Array,
    radius: Array,
    sight: Sight,
    out: "Perceptions",
) -> None:
    """Perceive for rows ``begin`` … ``end``, at most BLOCK and of one environment, for which ``sight`` is ready."""
    e = rows[begin, 0]
    positions, velocities, frame = scene.positions[e], scene.velocities[e], lattices.frames[e]
    extent = (lattices.extents[e, 0], lattices.extents[e, 1])
    find_neighbours(
        rows, begin, end, positions, velocities, radius[e], sight, out.neighbours, out.neighbour_count
    )  # fmt: skip
    list_cells(
        rows, begin, end, positions, lattices.places[e], lattices.ranks[e], extent, frame, radius[e], 0.5 * avoid[e],
        sight, out.neighbours, out.neighbour_count, out.cells, out.states, out.cell_count, out.cell_weight,
    )  # fmt: skip
    find_targets(
        rows, begin, end, positions, lattices.below[e], lattices.above[e], extent, frame, out.target, out.inside
    )
    out.avoid[begin:end], out.radius[begin:end], out.pitch[begin:end] = avoid[e], radius[e], frame[4]
    velocity = out.velocity
    for b in range(begin, end):
        velocity[b, 0], velocity[b, 1] = velocities[rows[b, 1], 0], velocities[rows[b, 1], 1]


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
    sight = new_sight(scene.positions.shape[1], out.neighbours.shape[1], lattices, avoid, radius)
    begin, at_hand = 0, -1
    while begin < rows.shape[0]:
        e = rows[begin, 0]
        end = block_end(rows, begin, BLOCK)
        if e != at_hand:
            at_hand = e
            look_around(e, end - begin < FEW_ROWS, scene, radius[e], sight)
        sense_block(rows, begin, end, scene, lattices, avoid, radius, sight, out)
        begin = end
