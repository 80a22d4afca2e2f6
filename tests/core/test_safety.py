"""The safety filter: its projection against scipy, its promise by flying pairs and crowds that try to collide."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from muster_core.control_step import MARGIN, ControlStep
from muster_core.kernels.crowd import gather_crowd, new_crowd
from muster_core.kernels.safety import (
    FILTERED,
    FREE_MOTION,
    INFEASIBLE,
    MAX_LINES,
    approach_limit,
    barrier_lines,
    brake,
    project,
)
from muster_core.robot import Arena, RobotModel
from muster_core.scene import Scene, SceneArrays, Sensing
from muster_core.shape import Shape

ROBOT = RobotModel()
PERIOD = 0.1
BRAKING, REACTION = 0.75 * ROBOT.braking, PERIOD + ROBOT.lag
seeds = st.integers(0, 2**32 - 1)


def make_scene(positions, issued=None, ages=None, team_size=None, avoid=0.26, velocities=None):
    """One environment whose shape gives the avoid distance asked for; all at rest unless said otherwise."""
    positions = np.asarray(positions, float)
    count = len(positions)
    issued = np.zeros((count, 2)) if issued is None else np.asarray(issued, float)
    ages = np.zeros(count) if ages is None else np.asarray(ages, float)
    team_size = team_size or count
    # avoid = 2·sqrt(area/(π·n)) and a lattice of 20 x 20 cells
    pitch = avoid / 2 * math.sqrt(math.pi * team_size) / 20
    velocities = np.zeros((count, 2)) if velocities is None else np.asarray(velocities, float)
    arrays = SceneArrays(positions[None], velocities[None], issued[None], ages[None], np.ones((1, count), np.uint8))
    return Scene(arrays, [Shape.from_array(np.ones((20, 20)), pitch)], np.array([team_size]))


def control(robot=ROBOT, arena=None, ratio=1.6):
    return ControlStep(robot, arena or Arena(), Sensing(ratio), PERIOD)


def largest_approach(clearance, braking=BRAKING, reaction=REACTION):
    """The speed w ≥ 0 with w²/braking + 2·reaction·w = clearance, by the roots of the polynomial."""
    if clearance <= 0:
        return 0.0
    return max(np.roots([1 / braking, 2 * reaction, -clearance]).real)


# -- the projection ----------------------------------------------------------------------------------------------------


@st.composite
def problems(draw):
    generator = np.random.default_rng(draw(seeds))
    count = draw(st.integers(0, 7))
    angles = generator.uniform(-math.pi, math.pi, count)
    # bounds of a barrier are at most 0; a few above 0 make problems without a solution
    bounds = generator.uniform(-0.6, draw(st.sampled_from([0.0, 0.0, 0.4])), count)
    lines = np.stack([np.cos(angles), np.sin(angles), bounds], axis=1)
    issued = generator.uniform(-0.7, 0.7, 2)
    discs = np.array([[0, 0, generator.uniform(0.1, 0.8)], [*issued, generator.uniform(0.02, 0.3)]])
    return generator.uniform(-1.2, 1.2, 2), lines, discs


def constraints(lines, discs):
    """Everything that must be ≥ 0, as one function of the velocity."""
    return lambda v: np.concatenate(
        [lines[:, :2] @ v - lines[:, 2], [d[2] ** 2 - (v[0] - d[0]) ** 2 - (v[1] - d[1]) ** 2 for d in discs]]
    )


@settings(max_examples=120, deadline=None)
@given(problems())
def test_projection_against_a_general_solver(problem):
    wish, lines, discs = problem
    rest = constraints(lines, discs)
    buffer = np.zeros((MAX_LINES, 3))
    buffer[: len(lines)] = lines
    x, y, feasible = project(*wish, buffer, len(lines), discs)
    # How far must everything be loosened? Below 0 there is room, above 0 there is none.
    loosened = min(
        minimize(lambda z: z[2], [*start, 1.0], method="SLSQP", options={"ftol": 1e-12, "maxiter": 200},
                 constraints={"type": "ineq", "fun": lambda z: rest(z[:2]) + z[2]}).x[2]
        for start in ([0.0, 0.0], discs[1, :2])
    )  # fmt: skip
    if abs(loosened) < 1e-6:
        return  # a single point or none: both answers are right within rounding
    assert feasible == (loosened < 0)
    if not feasible:
        return
    assert rest(np.array([x, y])).min() > -1e-8
    best = math.inf
    for start in ([0.0, 0.0], discs[1, :2], wish, [x, y]):
        found = minimize(
            lambda v: ((v - wish) ** 2).sum(), start, jac=lambda v: 2 * (v - wish), method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 300}, constraints={"type": "ineq", "fun": rest},
        )  # fmt: skip
        if rest(found.x).min() > -1e-9:
            best = min(best, float(np.linalg.norm(found.x - wish)))
    assert math.hypot(x - wish[0], y - wish[1]) <= best + 1e-6


@settings(max_examples=60, deadline=None)
@given(problems())
def test_projection_against_a_dense_grid(problem):
    """No point of a grid over the acceleration disc is allowed and nearer to the wish than the answer."""
    wish, lines, discs = problem
    rest = constraints(lines, discs)
    buffer = np.zeros((MAX_LINES, 3))
    buffer[: len(lines)] = lines
    x, y, feasible = project(*wish, buffer, len(lines), discs)
    lengths, angles = np.meshgrid(np.linspace(0, discs[1, 2], 60), np.linspace(-math.pi, math.pi, 180))
    grid = discs[1, :2, None] + np.stack([lengths * np.cos(angles), lengths * np.sin(angles)]).reshape(2, -1)
    ok = np.ones(grid.shape[1], bool)
    for nx, ny, bound in lines:
        ok &= nx * grid[0] + ny * grid[1] >= bound
    ok &= (grid**2).sum(axis=0) <= discs[0, 2] ** 2
    if not feasible:
        assert not ok.any()
        return
    assert rest(np.array([x, y])).min() > -1e-8
    if ok.any():
        nearest = np.sqrt(((grid[:, ok] - wish[:, None]) ** 2).sum(axis=0)).min()
        assert math.hypot(x - wish[0], y - wish[1]) <= nearest + 1e-9


def test_projection_by_hand():
    lines = np.zeros((MAX_LINES, 3))
    lines[0] = [-1.0, 0.0, -0.3]  # v_x ≤ 0.3
    discs = np.array([[0.0, 0.0, 0.5], [0.0, 0.0, 9.0]])
    assert project(0.2, 0.1, lines, 1, discs) == (0.2, 0.1, True)
    assert project(0.9, 0.1, lines, 1, discs) == pytest.approx((0.3, 0.1, True))
    # Beyond the corner of line and circle at (0.3, 0.4), and beside it on the circle alone.
    assert project(0.9, 0.9, lines, 1, discs) == pytest.approx((0.3, 0.4, True))
    assert project(0.0, 2.0, lines, 1, discs) == pytest.approx((0.0, 0.5, True))
    lines[1] = [1.0, 0.0, 0.6]
    assert not project(0.0, 0.0, lines, 2, discs)[2]


def test_a_robot_that_may_not_move_at_all_gets_exactly_zero():
    discs = np.array([[0.0, 0.0, 0.0], [0.1, 0.0, 0.2]])
    assert project(0.5, -0.2, np.zeros((MAX_LINES, 3)), 0, discs) == (0.0, 0.0, True)


# -- its parts -----------------------------------------------------------------------------------------------------


@given(st.floats(1e-6, 5.0), st.floats(0.1, 5.0), st.floats(0.0, 1.0))
def test_approach_limit_solves_its_equation(clearance, braking, reaction):
    speed = approach_limit(clearance, braking, reaction)
    assert speed > 0
    assert speed**2 / braking + 2 * reaction * speed == pytest.approx(clearance, rel=1e-9)


def test_approach_limit_by_hand():
    # 0.3 m at 1.5 m/s² and 0.15 s: w² + 0.45·w − 0.45 = 0, w = (−0.45 + sqrt(0.2025 + 1.8)) / 2
    assert approach_limit(0.3, 1.5, 0.15) == pytest.approx((-0.45 + math.sqrt(2.0025)) / 2)
    assert approach_limit(0.0, 1.5, 0.15) == 0.0
    assert approach_limit(-1.0, 1.5, 0.15) == 0.0


def test_braking_ramp_by_hand():
    assert brake(0.6, -0.8, 0.25) == pytest.approx((0.45, -0.6))
    assert brake(0.6, -0.8, 1.0) == (0.0, 0.0)
    assert brake(0.0, 0.0, 0.1) == (0.0, 0.0)
    velocity, steps = (0.6, 0.8), 0
    while velocity != (0.0, 0.0):
        velocity, steps = brake(*velocity, 0.3), steps + 1
    assert steps == 4  # 1, 0.7, 0.4, 0.1 and then 0 m/s


def test_the_nearest_sixteen_are_kept():
    """Forty robots in a spiral: the lines left are the four walls and the sixteen with the least clearance."""
    angles = np.arange(40) * 2.4
    distances = np.random.default_rng(0).permutation(np.linspace(0.1, 0.4, 40))
    positions = np.vstack([[0, 0], distances[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)])
    step = control()
    lines, clearances = np.zeros((MAX_LINES, 3)), np.zeros(MAX_LINES)
    scene = make_scene(positions).arrays
    crowd = new_crowd(41)
    gather_crowd(positions, scene.present[0], 0.416, True, crowd)
    count = barrier_lines(
        0,
        positions,
        scene.ages[0],
        0.416,
        0.0,
        Arena().bounds,
        step.limits,
        crowd.ids,
        crowd.x,
        crowd.y,
        crowd.start,
        crowd.frame,
        1,
        1,
        np.zeros(41),
        np.zeros(42, np.int64),
        lines,
        clearances,
    )
    assert count == MAX_LINES
    order = np.concatenate([np.arange(4), 4 + np.argsort(clearances[4:])])
    lines, clearances = lines[order], clearances[order]
    kept = np.sort(distances)[:16]
    np.testing.assert_allclose(clearances[4:], kept - 2 * ROBOT.radius - MARGIN)
    np.testing.assert_allclose(lines[4:, 2], [-largest_approach(d - 0.07 - MARGIN) for d in kept], atol=1e-12)
    for line, distance in zip(lines[4:], kept, strict=True):
        j = 1 + int(np.flatnonzero(distances == distance)[0])
        np.testing.assert_allclose(line[:2], -positions[j] / distance, err_msg="the normal points away from it")


# -- the filter ------------------------------------------------------------------------------------------------------


def violations(scene, i, velocity, ratio=1.6, arena=None, period=PERIOD):
    """By how much a command breaks each rule, worked out from the rules alone [m/s]."""
    arena = arena or Arena()
    a, radius = scene.arrays, ratio * scene.avoid[0]
    # what a base with lag does after a command ends at p + lag·v
    ends = a.positions[0] + ROBOT.lag * a.velocities[0]
    broken = [np.linalg.norm(velocity) - ROBOT.max_speed]
    broken.append(np.linalg.norm(velocity - a.issued[0, i]) - ROBOT.braking * period)
    broken.append(np.linalg.norm(velocity) - largest_approach(radius - 2 * ROBOT.radius - MARGIN))
    for j in range(a.positions.shape[1]):
        way = ends[j] - ends[i]
        distance = np.linalg.norm(way)
        moved = ROBOT.max_speed * (a.ages[0, i] + a.ages[0, j])
        if j != i and distance - moved <= radius:
            limit = largest_approach(distance - moved - 2 * ROBOT.radius - MARGIN)
            broken.append(velocity @ way / distance - limit)
    for axis, half in enumerate((arena.half_width, arena.half_height)):
        for sign in (1, -1):
            moved = ROBOT.max_speed * a.ages[0, i]
            room = half - sign * ends[i, axis] - moved - ROBOT.radius - MARGIN
            broken.append(sign * velocity[axis] - largest_approach(2 * room))
    return np.array(broken)


@settings(max_examples=150, deadline=None)
@given(seeds, st.integers(1, 12), st.sampled_from([0.15, 0.4, 1.5]), st.booleans())
def test_no_command_that_breaks_a_rule_leaves_the_filter(seed, robots, spread, stale):
    generator = np.random.default_rng(seed)
    centre = generator.uniform(-2.4, 2.4, 2)
    issued = generator.normal(0, 0.25, (robots, 2))
    ages = generator.choice([0.0, 0.02, 0.1, 0.5], robots) * stale
    places, velocities = centre + generator.normal(0, spread, (robots, 2)), generator.uniform(-0.5, 0.5, (robots, 2))
    scene = make_scene(places, issued, ages, team_size=8, velocities=velocities)
    wishes = generator.uniform(-0.8, 0.8, (robots, 2))
    commands, activity = control().filter(scene, scene.all_rows(), wishes)
    for i in range(robots):
        if activity[i] == INFEASIBLE:
            expected = max(0.0, 1 - ROBOT.braking * PERIOD / np.linalg.norm(issued[i])) * issued[i]
            np.testing.assert_allclose(commands[i], expected, atol=1e-12, err_msg="brake as hard as it goes")
            continue
        assert violations(scene, i, commands[i]).max() < 1e-8
        if activity[i] == FREE_MOTION:
            np.testing.assert_array_equal(commands[i], wishes[i])
        else:
            assert activity[i] == FILTERED
            assert violations(scene, i, wishes[i]).max() > 0, "a wish that breaks nothing is not touched"


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 30), st.sampled_from([0.0, 0.1, 1.0]))
def test_standing_still_is_always_allowed(seed, robots, spread):
    """However close the others are: who stands may stand, and asking for zero is not called an intervention."""
    generator = np.random.default_rng(seed)
    scene = make_scene(generator.normal(0, spread, (robots, 2)), ages=generator.uniform(0, 1, robots))
    commands, activity = control().filter(scene, scene.all_rows(), np.zeros((robots, 2)))
    assert (commands == 0).all()
    assert (activity == FREE_MOTION).all()
    _, activity = control().filter(scene, scene.all_rows(), generator.uniform(-1, 1, (robots, 2)))
    assert (activity != INFEASIBLE).all()


def test_filter_by_hand():
    # 0.38 m apart: clearance 0.3, the limit of test_approach_limit_by_hand; the way across is free.
    limit = (-0.45 + math.sqrt(2.0025)) / 2
    scene = make_scene([[0.0, 0.0], [0.38, 0.0]], issued=[[0.4, 0.0], [0.0, 0.0]])
    command, activity = control().filter(scene, np.array([[0, 0]]), np.array([[0.5, 0.0]]))
    assert limit < 0.5
    np.testing.assert_allclose(command[0], [limit, 0.0], atol=1e-9)
    assert activity[0] == FILTERED
    command, activity = control().filter(scene, np.array([[0, 0]]), np.array([[0.3, -0.1]]))
    assert activity[0] == FREE_MOTION


def test_a_base_that_trails_its_command_is_taken_for_where_it_will_be():
    """At 0.4 m/s and 0.05 s of lag the robot stands 2 cm further on, and the one that comes towards it 1 cm nearer."""
    scene = make_scene([[0.0, 0.0], [0.38, 0.0]], issued=[[0.4, 0.0], [0, 0]], velocities=[[0.4, 0.0], [-0.2, 0.0]])
    command, _ = control().filter(scene, np.array([[0, 0]]), np.array([[0.6, 0.0]]))
    assert command[0, 0] == pytest.approx(largest_approach(0.3 - 0.02 - 0.01), abs=1e-9)
    # A measured speed that no robot has is not believed beyond the limit of 0.8 m/s: 4 cm.
    scene = make_scene([[0.0, 0.0], [0.38, 0.0]], issued=[[0.4, 0.0], [0, 0]], velocities=[[0, 0], [-50.0, 0.0]])
    command, _ = control().filter(scene, np.array([[0, 0]]), np.array([[0.6, 0.0]]))
    assert command[0, 0] == pytest.approx(largest_approach(0.3 - 0.04), abs=1e-9)


def test_what_cannot_be_stopped_brakes_and_says_so():
    # 0.5 m/s towards somebody 2 cm away: the barrier allows about 0.06 m/s, one step of braking takes only 0.2 away.
    scene = make_scene([[0.0, 0.0], [0.1, 0.0]], issued=[[0.5, 0.0], [0.0, 0.0]])
    command, activity = control().filter(scene, np.array([[0, 0]]), np.array([[0.8, 0.0]]))
    assert activity[0] == INFEASIBLE
    np.testing.assert_allclose(command[0], [0.3, 0.0])


def test_an_old_pose_shrinks_the_limit():
    """0.1 s old: the neighbour may be 0.08 m nearer."""
    limits = []
    for age in (0.0, 0.05, 0.1, 0.5):
        scene = make_scene([[0.0, 0.0], [0.38, 0.0]], issued=[[0.4, 0], [0, 0]], ages=[0.0, age])
        limits.append(control().filter(scene, np.array([[0, 0]]), np.array([[0.6, 0.0]]))[0][0, 0])
    # By then the neighbour may touch: no approach at all, but from 0.4 m/s one step comes down to 0.2.
    np.testing.assert_allclose(limits[:3], [largest_approach(0.3 - 0.8 * age) for age in (0.0, 0.05, 0.1)], atol=1e-9)
    assert limits[3] == pytest.approx(0.2)


def test_an_old_pose_of_ones_own_shrinks_it_too():
    scene = make_scene([[0.0, 0.0], [0.38, 0.0]], issued=[[0.4, 0], [0, 0]], ages=[0.1, 0.0])
    command, _ = control().filter(scene, np.array([[0, 0]]), np.array([[0.6, 0.0]]))
    assert command[0, 0] == pytest.approx(largest_approach(0.3 - 0.08), abs=1e-9)
    wall = make_scene([[2.2, 0.0]], issued=[[0.4, 0]], ages=[0.1], team_size=2)
    command, _ = control().filter(wall, np.array([[0, 0]]), np.array([[0.6, 0.0]]))
    assert command[0, 0] == pytest.approx(largest_approach(2 * (0.2 - 0.045 - 0.08)), abs=1e-9)


def test_a_neighbour_last_seen_beyond_the_sensing_radius_may_be_near_by_now():
    """0.45 m away 0.4 s ago, with sight of 0.416 m: by now it may be 0.13 m away."""
    scene = make_scene([[0.0, 0.0], [0.45, 0.0]], issued=[[0.3, 0], [0, 0]], ages=[0.0, 0.4])
    command, _ = control().filter(scene, np.array([[0, 0]]), np.array([[0.4, 0.0]]))
    assert command[0, 0] == pytest.approx(largest_approach(0.45 - 0.32 - 0.08), abs=1e-9)


def test_outside_the_arena_only_the_way_back_is_open():
    scene = make_scene([[2.6, 0.0]], issued=[[0.0, 0.0]], team_size=2)
    out, _ = control().filter(scene, np.array([[0, 0]]), np.array([[0.1, 0.1]]))
    np.testing.assert_allclose(out[0], [0.0, 0.1], atol=1e-9)
    back, activity = control().filter(scene, np.array([[0, 0]]), np.array([[-0.1, 0.1]]))
    np.testing.assert_array_equal(back[0], [-0.1, 0.1])
    assert activity[0] == FREE_MOTION


def test_two_on_the_same_spot_give_finite_commands():
    scene = make_scene([[0.3, 0.3], [0.3, 0.3]])
    commands, _ = control().filter(scene, scene.all_rows(), np.array([[0.1, 0.0], [-0.1, 0.0]]))
    assert np.isfinite(commands).all()


def test_not_fooled_by_robots_that_are_absent():
    scene = make_scene([[0.0, 0.0], [0.09, 0.0]])
    scene.arrays.present[0, 1] = 0
    command, activity = control().filter(scene, np.array([[0, 0]]), np.array([[0.1, 0.0]]))
    assert activity[0] == FREE_MOTION
    assert command[0, 0] == 0.1


# -- the promise: flying -----------------------------------------------------------------------------------------------


def closest(before, after):
    """Smallest distance of any pair while everybody moves straight from ``before`` to ``after``."""
    i, j = np.triu_indices(len(before), 1)
    start, change = before[j] - before[i], (after - before)[j] - (after - before)[i]
    squared = np.maximum((change**2).sum(axis=1), 1e-18)
    s = np.clip(-(start * change).sum(axis=1) / squared, 0, 1)[:, None]
    return float(np.linalg.norm(start + s * change, axis=1).min())


def fly(positions, wish, steps=60, ratio=1.6, avoid=0.26, arena=None, dead=(), lag=0.0):
    """Everybody through the filter towards ``wish(positions, velocities, t)``; bases follow at once, or with ``lag``.

    Returns the smallest distance between two robots, the smallest room to a wall, and how often braking was all.
    """
    positions, arena = np.array(positions, float), arena or Arena()
    velocities, issued = np.zeros_like(positions), np.zeros_like(positions)
    step = control(replace(ROBOT, lag=lag), arena, ratio)
    nearest = room = math.inf
    infeasible = 0
    for t in range(steps):
        scene = make_scene(positions, issued, avoid=avoid, team_size=max(len(positions), 2), velocities=velocities)
        wished = wish(positions, issued, t)
        commands, activity = step.filter(scene, scene.all_rows(), wished)
        infeasible += int((activity == INFEASIBLE).sum())
        commands[list(dead)] = 0.0
        issued = commands.copy()
        parts = 20 if lag else 1
        for _ in range(parts):
            if lag:  # first order, and no more than the base's braking
                change = (issued - velocities) * (1 - math.exp(-PERIOD / parts / lag))
                length = np.linalg.norm(change, axis=1, keepdims=True)
                velocities = velocities + change * np.minimum(
                    1, ROBOT.braking * PERIOD / parts / np.maximum(length, 1e-12)
                )
            else:
                velocities = issued.copy()
            after = positions + velocities * PERIOD / parts
            if len(positions) > 1:
                nearest = min(nearest, closest(positions, after))
            positions = after
            half = np.array([arena.half_width, arena.half_height])
            room = min(room, float((half - np.abs(positions)).min()))
    return nearest, room, infeasible


@settings(max_examples=25, deadline=None)
@given(st.floats(0.1, 1.5), st.floats(-math.pi, math.pi), st.sampled_from([0.0, 0.05]), st.floats(0.1, 0.8))
def test_head_on_pairs_never_touch(distance, angle, lag, speed):
    """Both want to be where the other is, as fast as they may."""

    def wish(positions, _issued, _t):
        way = positions[::-1] - positions
        return speed * way / np.linalg.norm(way, axis=1, keepdims=True)

    away = distance * np.array([math.cos(angle), math.sin(angle)])
    nearest, _, infeasible = fly([[0, 0], away], wish, lag=lag)
    assert nearest >= 2 * ROBOT.radius + MARGIN - 1e-9
    assert infeasible == 0


@settings(max_examples=15, deadline=None)
@given(seeds, st.sampled_from([0.0, 0.05]))
def test_pairs_with_adversarial_accelerations_never_touch(seed, lag):
    """Full acceleration in changing directions, mostly at each other."""
    generator = np.random.default_rng(seed)

    def wish(positions, issued, _t):
        way = positions[::-1] - positions
        push = np.where(generator.random((2, 1)) < 0.7, np.sign(way), generator.choice([-1, 1], (2, 2)))
        wished = issued + PERIOD * ROBOT.max_acceleration * push
        return wished * np.minimum(1, ROBOT.max_speed / np.maximum(np.linalg.norm(wished, axis=1, keepdims=True), 1e-9))

    other = np.array([0.5, 0.0]) + generator.uniform(-0.3, 0.3, 2)
    nearest, room, _ = fly([[0, 0], other], wish, steps=80, lag=lag)
    assert nearest >= 2 * ROBOT.radius + MARGIN - 0.002
    assert room >= ROBOT.radius + MARGIN - 1e-9


@settings(max_examples=12, deadline=None)
@given(seeds, st.integers(3, 10), st.sampled_from([0.0, 0.05]))
def test_crowds_that_rush_one_point_never_touch(seed, robots, lag):
    generator = np.random.default_rng(seed)
    angles = np.arange(robots) * 2 * math.pi / robots + generator.uniform(-0.2, 0.2, robots)
    starts = generator.uniform(0.7, 1.2, (robots, 1)) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    targets = generator.uniform(-0.1, 0.1, (robots, 2))

    def wish(positions, _issued, t):
        way = targets[:: (-1) ** (t // 10)] - positions
        return 0.8 * way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 0.05)

    nearest, _, _ = fly(starts, wish, lag=lag)
    # Where nobody finds a velocity that suits all neighbours, braking takes up to 8 of the 10 mm (800 seeds): no touch.
    assert nearest >= 2 * ROBOT.radius


def test_a_dead_robot_is_not_run_over():
    nearest, _, _ = fly([[0, 0], [1.0, 0.01]], lambda p, i, t: np.array([[0.8, 0.0], [0.0, 0.0]]), dead=[1])
    assert 2 * ROBOT.radius + MARGIN - 1e-9 <= nearest < 2 * ROBOT.radius + MARGIN + 0.05


def test_short_sight_is_paid_with_speed():
    """Sight of 0.224 m: head-on at 0.8 m/s they would meet before they could stop, so nobody may go that fast."""
    fastest = []

    def wish(positions, issued, _t):
        fastest.append(np.linalg.norm(issued, axis=1).max())
        return np.array([[0.8, 0.0], [-0.8, 0.0]])

    nearest, _, infeasible = fly([[-0.6, 0], [0.6, 0.0]], wish, avoid=0.14)
    assert nearest >= 2 * ROBOT.radius + MARGIN - 1e-9
    assert max(fastest) == pytest.approx(largest_approach(0.224 - 0.08, reaction=PERIOD), abs=1e-6)
    assert infeasible == 0


@pytest.mark.parametrize("direction", [(0.8, 0.0), (-0.57, 0.57), (0.0, -0.8)])
@pytest.mark.parametrize("lag", [0.0, 0.05])
def test_walls_hold(direction, lag):
    arena = Arena(1.0, 0.7)
    _, room, _ = fly([[0.1, 0.0]], lambda p, i, t: np.array([direction]), arena=arena, lag=lag)
    assert ROBOT.radius + MARGIN - 1e-9 <= room < ROBOT.radius + MARGIN + 0.05
