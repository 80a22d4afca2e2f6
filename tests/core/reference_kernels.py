"""The kernels of sensing, polar observation and safety filter as they were first written: straightforward, and slow.

Frozen. The fast ones must agree with them to 1e-12; where a definition changes, it changes in both.
"""

import math

from muster_core.kernels.observation import CHANNELS, NEIGHBOURS, RINGS, SECTORS
from muster_core.kernels.safety import FILTERED, FREE_MOTION, INFEASIBLE, MAX_LINES, TOLERANCE, approach_limit, brake
from muster_core.kernels.sensing import FREE, MINE, OTHERS, is_inside


def nearest_cell(x, y, below, above, rows, columns, frame):
    """Exact nearest cell centre to (x, y): its offset in the world frame, dx, dy [m].

    Columns are visited outwards from the point; in each only the first occupied row below and above can be nearest.
    The visit ends when the next column alone is farther than the best cell, so inside the shape it costs one or two.
    """
    pitch = frame[4]
    cosine, sine = (frame[2], frame[3])
    u = ((x - frame[0]) * cosine + (y - frame[1]) * sine) / pitch - 0.5
    v = (-(x - frame[0]) * sine + (y - frame[1]) * cosine) / pitch - 0.5
    row = min(max(math.floor(v), -1), rows - 1)
    column = min(max(math.floor(u + 0.5), 0), columns - 1)
    best, best_u, best_v = (math.inf, 0.0, 0.0)
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
                    best, best_u, best_v = (distance, du, dv)
    return ((best_u * cosine - best_v * sine) * pitch, (best_u * sine + best_v * cosine) * pitch)


def nearest_neighbours(me, positions, velocities, present, radius, neighbours):
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


def covered_by_neighbour(dx, dy, neighbours, found, cover_squared):
    """Whether the cell at relative (dx, dy) lies within the covering disc of one of the ``found`` neighbours."""
    for k in range(found):
        ex = dx - neighbours[k, 0]
        ey = dy - neighbours[k, 1]
        if ex * ex + ey * ey <= cover_squared:
            return True
    return False


def window(x, y, radius, rows, columns, frame):
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
    return (first_row, end_row, first_column, end_column, u, v)


def sensed_cells(x, y, occupancy, rows, columns, frame, radius, cover, neighbours, found, cells, states):
    """Fill ``cells`` (C, 2) and ``states`` (C,) with the cells in reach; return how many, and how many there are.

    When more than C cells are in reach every (count/C)-th is kept, evenly over the window. Offsets are in metres.
    """
    first_row, end_row, first_column, end_column, u, v = window(x, y, radius, rows, columns, frame)
    pitch = frame[4]
    cosine, sine = (frame[2] * pitch, frame[3] * pitch)
    reach = (radius / pitch) ** 2
    total = 0
    for r in range(first_row, end_row):
        for c in range(first_column, end_column):
            if occupancy[r, c] and (c - u) ** 2 + (r - v) ** 2 <= reach:
                total += 1
    limit = cells.shape[0]
    kept, seen = (0, 0)
    for r in range(first_row, end_row):
        for c in range(first_column, end_column):
            du, dv = (c - u, r - v)
            distance = du * du + dv * dv
            if not occupancy[r, c] or distance > reach:
                continue
            seen += 1
            if total > limit and seen * limit // total == (seen - 1) * limit // total:
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
    return (kept, total)


def sense_rows(rows, scene, lattices, occupancy, avoid, radius, out):
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
        e, i = (rows[b, 0], rows[b, 1])
        x, y = (scene.positions[e, i, 0], scene.positions[e, i, 1])
        high, wide = (lattices.extents[e, 0], lattices.extents[e, 1])
        frame = lattices.frames[e]
        neighbours = out.neighbours[b]
        found = nearest_neighbours(i, scene.positions[e], scene.velocities[e], scene.present[e], radius[e], neighbours)
        out.neighbour_count[b] = found
        kept, total = sensed_cells(
            x,
            y,
            occupancy[e],
            high,
            wide,
            frame,
            radius[e],
            0.5 * avoid[e],
            neighbours,
            found,
            out.cells[b],
            out.states[b],
        )
        out.cell_count[b] = kept
        out.cell_weight[b] = total / kept if kept > 0 else 1.0
        dx, dy = nearest_cell(x, y, lattices.below[e], lattices.above[e], high, wide, frame)
        out.target[b, 0], out.target[b, 1] = (dx, dy)
        out.inside[b] = is_inside(dx, dy, frame[4])
        out.velocity[b, 0], out.velocity[b, 1] = (scene.velocities[e, i, 0], scene.velocities[e, i, 1])
        out.avoid[b], out.radius[b], out.pitch[b] = (avoid[e], radius[e], frame[4])


def polar_bin(dx, dy, weight, out, start):
    """Spread ``weight`` of the cell at (dx, dy) [avoid distances] over the 2 x 2 nearest bins, linearly."""
    distance = math.sqrt(dx * dx + dy * dy)
    sector = math.atan2(dy, dx) / (2.0 * math.pi) * SECTORS % SECTORS
    low_sector = math.floor(sector)
    sector_share = sector - low_sector
    first, second = (low_sector % SECTORS, (low_sector + 1) % SECTORS)
    high_ring = 0
    while high_ring < len(RINGS) and RINGS[high_ring] < distance:
        high_ring += 1
    low_ring = max(high_ring - 1, 0)
    high_ring = min(high_ring, len(RINGS) - 1)
    ring_share = 0.0
    if high_ring > low_ring:
        ring_share = (distance - RINGS[low_ring]) / (RINGS[high_ring] - RINGS[low_ring])
    for r in range(2):
        at = start + (high_ring if r == 1 else low_ring) * SECTORS
        part = weight * (ring_share if r == 1 else 1.0 - ring_share)
        out[at + first] += part * (1.0 - sector_share)
        out[at + second] += part * sector_share


def bin_area(ring):
    """Area that a bin of this ring stands for, between the middles to the next rings [avoid distances²]."""
    inner = 0.0 if ring == 0 else 0.5 * (RINGS[ring - 1] + RINGS[ring])
    last = ring == len(RINGS) - 1
    outer = RINGS[ring] + 0.5 * (RINGS[ring] - RINGS[ring - 1]) if last else 0.5 * (RINGS[ring] + RINGS[ring + 1])
    return math.pi * (outer * outer - inner * inner) / SECTORS


def observe_motion(p, b, speed, row):
    """First part of our layouts: own velocity, way to the shape, inside, distance, then the neighbours, masked.

    The way to the shape is a unit vector beyond one avoid distance, so that a robot far away sees nothing it has not
    seen in training.
    """
    avoid = p.avoid[b]
    row[0], row[1] = (p.velocity[b, 0] / speed, p.velocity[b, 1] / speed)
    dx, dy = (p.target[b, 0] / avoid, p.target[b, 1] / avoid)
    distance = math.sqrt(dx * dx + dy * dy)
    scale = 1.0 / max(distance, 1.0)
    if not p.inside[b]:
        row[2], row[3] = (dx * scale, dy * scale)
        row[5] = min(distance, 4.0) * 0.25
    row[4] = 1.0 if p.inside[b] else 0.0
    for k in range(min(p.neighbour_count[b], NEIGHBOURS)):
        at = 6 + 5 * k
        row[at] = p.neighbours[b, k, 0] / avoid
        row[at + 1] = p.neighbours[b, k, 1] / avoid
        row[at + 2] = p.neighbours[b, k, 2] / speed
        row[at + 3] = p.neighbours[b, k, 3] / speed
        row[at + 4] = 1.0


def observe_polar_rows(p, speed, out):
    """Fill ``out`` (B, POLAR_SIZE): own velocity, way to the shape, inside, distance; neighbours; polar cells.

    Speeds are in units of ``speed``, lengths in avoid distances. A bin holds the share of its own area that is filled
    with cells of its channel.
    """
    for b in range(out.shape[0]):
        row = out[b]
        row[:] = 0.0
        avoid = p.avoid[b]
        observe_motion(p, b, speed, row)
        start = 6 + 5 * NEIGHBOURS
        cell_area = p.cell_weight[b] * (p.pitch[b] / avoid) ** 2
        for k in range(p.cell_count[b]):
            state = p.states[b, k]
            if state == OTHERS:
                continue
            channel = 0 if state == FREE else 1
            at = start + channel * len(RINGS) * SECTORS
            polar_bin(p.cells[b, k, 0] / avoid, p.cells[b, k, 1] / avoid, cell_area, row, at)
        for r in range(len(RINGS)):
            share = 1.0 / bin_area(r)
            for channel in range(CHANNELS):
                at = start + (channel * len(RINGS) + r) * SECTORS
                for s in range(SECTORS):
                    row[at + s] *= share


def allowed(vx, vy, lines, count, discs):
    """Whether (vx, vy) obeys ``lines`` (nx, ny, bound: n·v ≥ bound) and ``discs`` (x, y, radius: |v − c| ≤ radius)."""
    for k in range(count):
        if lines[k, 0] * vx + lines[k, 1] * vy < lines[k, 2] - TOLERANCE:
            return False
    for k in range(discs.shape[0]):
        dx, dy = (vx - discs[k, 0], vy - discs[k, 1])
        if dx * dx + dy * dy > (discs[k, 2] + TOLERANCE) ** 2:
            return False
    return True


def closer(vx, vy, wx, wy, best, lines, count, discs):
    """``best`` (vx, vy, squared distance) or the candidate (vx, vy), if it is allowed and nearer to (wx, wy)."""
    distance = (vx - wx) ** 2 + (vy - wy) ** 2
    if distance < best[2] and allowed(vx, vy, lines, count, discs):
        return (vx, vy, distance)
    return best


def line_disc_points(nx, ny, bound, disc):
    """Both points where the line n·v = bound meets the disc's edge, and whether they exist."""
    offset = bound - nx * disc[0] - ny * disc[1]
    square = disc[2] * disc[2] - offset * offset
    if square < 0.0:
        return (0.0, 0.0, 0.0, 0.0, False)
    half = math.sqrt(square)
    x, y = (disc[0] + offset * nx, disc[1] + offset * ny)
    return (x - half * ny, y + half * nx, x + half * ny, y - half * nx, True)


def project(wx, wy, lines, count, discs):
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
        return (wx, wy, True)
    for d in range(discs.shape[0]):
        dx, dy = (wx - discs[d, 0], wy - discs[d, 1])
        length = math.sqrt(dx * dx + dy * dy)
        if length > 0.0:
            scale = discs[d, 2] / length
            best = closer(discs[d, 0] + scale * dx, discs[d, 1] + scale * dy, wx, wy, best, lines, count, discs)
    for k in range(count):
        nx, ny, bound = (lines[k, 0], lines[k, 1], lines[k, 2])
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
    ex, ey = (discs[1, 0] - discs[0, 0], discs[1, 1] - discs[0, 1])
    gap = math.sqrt(ex * ex + ey * ey)
    if gap > 1e-12:
        nx, ny = (ex / gap, ey / gap)
        along = (gap * gap + discs[0, 2] ** 2 - discs[1, 2] ** 2) / (2.0 * gap)
        bound = nx * discs[0, 0] + ny * discs[0, 1] + along
        ax, ay, bx, by, meets = line_disc_points(nx, ny, bound, discs[0])
        if meets:
            best = closer(ax, ay, wx, wy, best, lines, count, discs)
            best = closer(bx, by, wx, wy, best, lines, count, discs)
    return (best[0], best[1], best[2] < math.inf)


def steered_point(e, i, scene, limits):
    """The point of robot (e, i) that moves exactly as commanded, x, y [m; world].

    A base that follows a command c with first-order lag τ has v' = (c − v)/τ, so p + τ·v moves at c, while p itself
    trails it. A delay is no different for as long as the velocity stays. A measured speed above the limit is cut.
    """
    vx, vy = (scene.velocities[e, i, 0], scene.velocities[e, i, 1])
    speed = math.sqrt(vx * vx + vy * vy)
    ahead = limits.trailing * min(1.0, limits.max_speed / max(speed, 1e-09))
    return (scene.positions[e, i, 0] + ahead * vx, scene.positions[e, i, 1] + ahead * vy)


def barrier_lines(e, me, scene, sensing_radius, bounds, limits, lines, distances):
    """Write the constraints of robot (e, me) into ``lines`` (MAX_LINES, 3): arena first, then neighbours by distance.

    A clearance shrinks by what both robots may have moved since their poses were measured. Returns how many lines.
    """
    x, y = steered_point(e, me, scene, limits)
    own_moved = max(scene.ages[e, me], 0.0) * limits.max_speed
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
        dx, dy = (x - other_x, y - other_y)
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


def filter_rows(rows, scene, radius, bounds, limits, desired, work, out, activity):
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
    lines, distances = (work[:, :3], work[:, 3])
    discs = work[:2, :3].copy()
    for b in range(rows.shape[0]):
        e, i = (rows[b, 0], rows[b, 1])
        count = barrier_lines(e, i, scene, radius[e], bounds, limits, lines, distances)
        cap = approach_limit(radius[e] - 2.0 * limits.radius - limits.margin, limits.braking, limits.reaction)
        issued_x, issued_y = (scene.issued[e, i, 0], scene.issued[e, i, 1])
        discs[0, 0], discs[0, 1], discs[0, 2] = (0.0, 0.0, min(limits.max_speed, cap))
        discs[1, 0], discs[1, 1], discs[1, 2] = (issued_x, issued_y, limits.hard_braking * limits.period)
        vx, vy, feasible = project(desired[b, 0], desired[b, 1], lines, count, discs)
        if feasible:
            out[b, 0], out[b, 1] = (vx, vy)
            moved = abs(vx - desired[b, 0]) + abs(vy - desired[b, 1])
            activity[b] = FILTERED if moved > TOLERANCE else FREE_MOTION
        else:
            out[b, 0], out[b, 1] = brake(issued_x, issued_y, limits.hard_braking * limits.period)
            activity[b] = INFEASIBLE
