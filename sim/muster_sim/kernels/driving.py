"""One environment of KinematicWorld through one step: motors, contacts and their count, substep by substep."""

import math
from typing import NamedTuple

import numpy as np

from muster_core.kernel import kernel, leaf_kernel
from muster_core.kernels.crowd import Crowd, gather_crowd, new_crowd, squares_within
from muster_core.types import AnyArray, Array, Integers
from muster_sim.kernels.actuation import follow, to_base
from muster_sim.kernels.collisions import collect_rows, new_rows, solve
from muster_sim.kernels.contacts import approach_pair

MOVED = 1e-11
"""A robot that contacts displaced by less was not held [m]; the same as in BulletWorld."""
TOUCHES = 8
"""Room for touching pairs per robot; discs that do not overlap touch at most 3 per robot on average."""


NEAR = 8
"""Pairs per robot that there is room for at first; more is made when needed."""


class Drive(NamedTuple):
    """State of E environments of N robots."""

    positions: Array
    """(E, N, 2) [m; world]."""
    velocities: Array
    """(E, N, 2) [m/s; world]."""
    yaw: Array
    """(E, N) [rad]."""
    motors: Array
    """(E, N, 2) what the motors do now [m/s], in the base's frame for a differential base."""
    targets: Array
    """(E, N, 2) what they are to do [m/s]."""
    queue: Array
    """(E, slots, N, 2) targets on their way, as a ring."""
    slots: Integers
    """(E,) how many slots of the ring are in use: one more than the delay's substeps."""
    gain: Array
    """(E,) share of a difference that the lag lets pass in a substep."""
    lightness: Array
    """(E, N) one over the mass [1/kg]."""
    clock: Integers
    """(E,) substeps since the reset."""
    contacts: Integers
    """(E,) contacts that began since the reset."""
    clearance: Array
    """(E,) smallest gap since the reset [m]."""
    touching: Integers
    """(E, TOUCHES·N) the pairs that touch, i·N + j with i < j, rising."""
    touch_counts: Integers
    """(E,) how many."""


class Physics(NamedTuple):
    """Numbers that are the same everywhere."""

    substeps: int
    """Substeps in a step."""
    period: float
    """Of a substep [s]."""
    radius: float
    """Of a disc [m]."""
    max_speed: float
    """Of the fastest robot [m/s]."""
    change: float
    """Largest change of a motor's velocity in a substep [m/s]."""
    turning: float
    """Turn per leftward motion, 1/look_ahead [rad/m]; 0 for a holonomic base."""
    reach: float
    """Gap within which a contact may act in a substep [m]."""
    half_width: float
    """Of the arena [m]."""
    half_height: float
    """Of the arena [m]."""


class Bench(NamedTuple):
    """Room to work in for one environment at a time; what was left there does not matter."""

    crowd: Crowd
    """Robots by square."""
    present: AnyArray
    """(N,) all 1."""
    listed: Array
    """(N, 2) where everybody was when the pairs were listed [m]."""
    velocity: Array
    """(N, 3) [m/s], the third being 0."""
    free: Array
    """(N, 2) where they would be had nothing held them [m]."""
    after: Array
    """(N, 2) where they are [m]."""
    pairs: Integers
    """(3, P) two robots i < j that may come near each other within a step, and whether they touch."""
    bodies: Integers
    """(2, P + 2·N) see :func:`muster_sim.kernels.collisions.put_row`."""
    numbers: Array
    """(6, P + 2·N) likewise."""


@kernel
def new_bench(robots: int, pairs: int) -> Bench:
    """Room for environments of ``robots`` robots of which so many ``pairs`` may be near each other."""
    bodies, numbers = new_rows(pairs + 2 * robots)
    return Bench(
        new_crowd(robots),
        np.ones(robots, np.uint8),
        np.zeros((robots, 2)),
        np.zeros((robots, 3)),
        np.zeros((robots, 2)),
        np.zeros((robots, 2)),
        np.zeros((3, pairs), np.int64),
        bodies,
        numbers,
    )


@leaf_kernel
def list_pairs(positions: Array, reach: float, bench: Bench) -> int:
    """Write the pairs i < j nearer than ``reach`` [m] to ``bench.pairs``, rising; return how many there are.

    If that is more than there is room for, the rest is missing.
    """
    crowd, pairs, room = bench.crowd, bench.pairs, bench.pairs.shape[1]
    gather_crowd(positions, bench.present, reach, False, crowd)
    ids, xs, ys, start, frame = crowd.ids, crowd.x, crowd.y, crowd.start, crowd.frame
    columns, rows, total = crowd.size[0], crowd.size[1], 0
    for i in range(positions.shape[0]):
        x, y, first = positions[i, 0], positions[i, 1], total
        low_column, end_column, low_row, end_row = squares_within(x, y, reach, frame, columns, rows)
        for row in range(low_row, end_row):
            begin, end = start[row * columns + low_column], start[row * columns + end_column]
            if columns * rows == 1:
                begin = i + 1  # the order of the team: those before have been paired
            for q in range(begin, end):
                dx, dy = xs[q] - x, ys[q] - y
                if dx * dx + dy * dy >= reach * reach or ids[q] <= i:
                    continue
                if total < room:
                    place = total
                    while place > first and pairs[1, place - 1] > ids[q]:
                        pairs[1, place] = pairs[1, place - 1]
                        place -= 1
                    pairs[0, total], pairs[1, place] = i, ids[q]
                total += 1
    return total


@leaf_kernel
def recall_touching(e: int, robots: int, drive: Drive, pairs: Integers, count: int) -> None:
    """Set ``pairs[2]`` to 1 for the pairs that touched last; both lists rise, so one walk along them does."""
    touching, known, at = drive.touching, drive.touch_counts[e], 0
    for k in range(count):
        code = pairs[0, k] * robots + pairs[1, k]
        while at < known and touching[e, at] < code:
            at += 1
        pairs[2, k] = 1 if at < known and touching[e, at] == code else 0


@leaf_kernel
def keep_touching(e: int, robots: int, drive: Drive, pairs: Integers, count: int) -> None:
    """Remember the pairs that touch now."""
    touching, kept = drive.touching, 0
    for k in range(count):
        if pairs[2, k] and kept < touching.shape[1]:
            touching[e, kept] = pairs[0, k] * robots + pairs[1, k]
            kept += 1
    drive.touch_counts[e] = kept


@leaf_kernel
def copy_points(source: Array, target: Array) -> None:
    """Copy (N, 2); an assignment of slices would make room for a copy in between."""
    for i in range(source.shape[0]):
        target[i, 0], target[i, 1] = source[i, 0], source[i, 1]


@leaf_kernel
def fastest_of(motors: Array) -> float:
    """Largest speed in ``motors`` (N, 2) [m/s]."""
    most = 0.0
    for i in range(motors.shape[0]):
        most = max(most, motors[i, 0] * motors[i, 0] + motors[i, 1] * motors[i, 1])
    return math.sqrt(most)


@leaf_kernel
def furthest_move(places: Array, listed: Array) -> float:
    """Largest distance between two sets of places (N, 2) [m]."""
    most = 0.0
    for i in range(places.shape[0]):
        dx, dy = places[i, 0] - listed[i, 0], places[i, 1] - listed[i, 1]
        most = max(most, dx * dx + dy * dy)
    return math.sqrt(most)


@leaf_kernel
def resolve(
    e: int,
    drive: Drive,
    physics: Physics,
    bench: Bench,
    count: int,
) -> None:
    """From ``bench.free`` to ``bench.after``: what contacts leave of the motion, and of the motors."""
    positions, velocity, free, after = drive.positions[e], bench.velocity, bench.free, bench.after
    period, bodies, numbers, lightness = physics.period, bench.bodies, bench.numbers, drive.lightness[e]
    rows = collect_rows(
        positions, velocity, bench.pairs, count, physics.radius, physics.reach, physics.half_width, physics.half_height,
        period, lightness, bodies, numbers,
    )  # fmt: skip
    copy_points(free, after)
    if rows == 0:
        return
    solve(rows, bodies, numbers, lightness, velocity)
    for i in range(positions.shape[0]):
        after[i, 0] = positions[i, 0] + velocity[i, 0] * period
        after[i, 1] = positions[i, 1] + velocity[i, 1] * period
        if max(abs(after[i, 0] - free[i, 0]), abs(after[i, 1] - free[i, 1])) > MOVED:
            x, y = velocity[i, 0], velocity[i, 1]
            if physics.turning > 0.0:
                x, y = to_base(x, y, drive.yaw[e, i])
            drive.motors[e, i, 0], drive.motors[e, i, 1] = x, y


@leaf_kernel
def count_contacts(e: int, drive: Drive, bench: Bench, diameter: float, count: int) -> None:
    """Contacts that began in this substep, and the smallest gap, as in :func:`muster_sim.kernels.contacts.sweep`."""
    before, free, after, pairs = drive.positions[e], bench.free, bench.after, bench.pairs
    lowest = drive.clearance[e]
    onsets, nearest = 0, math.inf
    for k in range(count):
        i, j = pairs[0, k], pairs[1, k]
        x, y = before[j, 0] - before[i, 0], before[j, 1] - before[i, 1]
        free_dx, free_dy = free[j, 0] - free[i, 0] - x, free[j, 1] - free[i, 1] - y
        dx, dy = after[j, 0] - after[i, 0] - x, after[j, 1] - after[i, 1] - y
        limit = max(min(nearest, lowest + diameter), diameter)
        met, distance = approach_pair(x, y, free_dx, free_dy, dx, dy, diameter, limit)
        if met and not pairs[2, k]:
            onsets += 1
        pairs[2, k] = 1 if met else 0
        nearest = min(nearest, distance)
    drive.contacts[e] += onsets
    drive.clearance[e] = min(lowest, nearest - diameter)


@kernel
def advance_rows(begin: int, end: int, drive: Drive, physics: Physics, bench: Bench) -> int:
    """Advance environments ``begin`` … ``end`` by one step; returns how many pairs to have room for next time."""
    robots = drive.positions.shape[1]
    diameter = 2.0 * physics.radius
    most = bench.pairs.shape[1]
    velocity, listed, free, after = bench.velocity, bench.listed, bench.free, bench.after
    for e in range(begin, end):
        positions, queue, slots, gain = drive.positions[e], drive.queue[e], drive.slots[e], drive.gain[e]
        motors, targets, yaw = drive.motors[e], drive.targets[e], drive.yaw[e]
        # Between two listings nobody moves farther than this, unless pushed: then the pairs are listed anew.
        fastest = min(fastest_of(motors) + physics.change * physics.substeps, physics.max_speed)
        stride = 1.1 * fastest * physics.period * physics.substeps + 1e-3
        count = -1
        for _ in range(physics.substeps):
            slot = drive.clock[e] % slots
            drive.clock[e] += 1
            copy_points(targets, queue[slot])
            follow(
                motors, queue[(slot + 1) % slots], yaw, physics.turning, gain, physics.change, physics.period, velocity,
            )  # fmt: skip
            for i in range(robots):
                free[i, 0] = positions[i, 0] + velocity[i, 0] * physics.period
                free[i, 1] = positions[i, 1] + velocity[i, 1] * physics.period
            if count < 0 or furthest_move(free, listed) > stride:
                if count >= 0:
                    keep_touching(e, robots, drive, bench.pairs, count)
                within = max(drive.clearance[e], physics.reach) + diameter + 2.0 * stride
                within = min(within, 2.0 * (physics.half_width + physics.half_height))
                count = list_pairs(positions, within, bench)
                if count > bench.pairs.shape[1]:
                    most = max(most, 2 * count)
                    bench = new_bench(robots, 2 * count)
                    velocity, listed, free, after = moved_bench(bench, velocity, free)
                    count = list_pairs(positions, within, bench)
                copy_points(positions, listed)
                recall_touching(e, robots, drive, bench.pairs, count)
            resolve(e, drive, physics, bench, count)
            count_contacts(e, drive, bench, diameter, count)
            copy_points(after, positions)
        keep_touching(e, robots, drive, bench.pairs, count)
        for i in range(robots):
            drive.velocities[e, i, 0], drive.velocities[e, i, 1] = velocity[i, 0], velocity[i, 1]
    return most


@kernel
def moved_bench(bench: Bench, velocity: Array, free: Array) -> tuple[Array, Array, Array, Array]:
    """Carry over to a larger ``bench`` what a substep has in hand; returns its velocity, listed, free and after."""
    bench.velocity[:] = velocity
    bench.free[:] = free
    return bench.velocity, bench.listed, bench.free, bench.after
