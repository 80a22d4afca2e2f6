"""Every world: actuation against closed forms, contacts, walls, repeatability, refusals. Real PyBullet among them."""

import math

import numpy as np
import pytest

from muster_core.errors import MusterError
from muster_core.robot import Arena, RobotModel
from muster_sim.world import WORLDS, World, make_world

RADIUS = 0.035
ARENA = Arena()


@pytest.fixture(params=sorted(WORLDS))
def name(request):
    """Each world in turn."""
    return request.param


@pytest.fixture
def build(name):
    """Build a world with robots at given places, at rest unless said otherwise; all are closed in the end."""
    worlds = []

    def make(positions, velocities=None, model=None, arena=ARENA, seed=0, **settings):
        positions = np.atleast_2d(np.asarray(positions, dtype=float))
        world = make_world(name, 1, len(positions), model or RobotModel(), arena, **settings)
        worlds.append(world)
        start = np.zeros_like(positions) if velocities is None else np.atleast_2d(np.asarray(velocities, dtype=float))
        world.reset(np.array([seed]), positions[None], start[None])
        return world

    yield make
    for world in worlds:
        world.close()


def distance(world, i=0, j=1):
    return float(np.hypot(*(world.positions[0, i] - world.positions[0, j])))


def test_it_is_a_world(build):
    world = build([[0.0, 0.0]])
    assert isinstance(world, World)
    assert world.positions.shape == (1, 1, 2)
    assert world.minimum_clearance[0] == math.inf


def test_unknown_world_lists_the_choices():
    with pytest.raises(MusterError, match=r"^Unknown world 'gazebo'\. Available: bullet, kinematic$"):
        make_world("gazebo", 1, 1, RobotModel(), ARENA)


# -- actuation -------------------------------------------------------------------------------------------------------


def test_first_order_lag_by_hand(build):
    """v(t) = c·(1 − exp(−t/lag)) where the acceleration limit is out of reach; positions by the sum over substeps."""
    world = build([[0.0, 0.0]], model=RobotModel(lag=0.1, braking=100.0))
    world.step(np.array([[[0.4, 0.0]]]))
    assert world.velocities[0, 0] == pytest.approx([0.4 * (1 - math.exp(-1.0)), 0.0], abs=1e-12)
    expected = sum(0.4 * (1 - math.exp(-0.025 * k / 0.1)) * 0.025 for k in (1, 2, 3, 4))
    assert world.positions[0, 0] == pytest.approx([expected, 0.0], abs=1e-12)
    world.step(np.array([[[0.4, 0.0]]]))
    assert world.velocities[0, 0, 0] == pytest.approx(0.4 * (1 - math.exp(-2.0)), abs=1e-12)


def test_without_lag_the_command_holds_at_once(build):
    world = build([[0.0, 0.0]], model=RobotModel(lag=0.0, braking=1000.0))
    world.step(np.array([[[0.3, -0.4]]]))
    assert world.positions[0, 0] == pytest.approx([0.03, -0.04], abs=1e-12)


def test_acceleration_is_limited(build):
    """Without lag and with 2 m/s², 0.1 s bring 0.2 m/s whatever is commanded, in the command's direction."""
    world = build([[0.0, 0.0]], model=RobotModel(lag=0.0, braking=2.0))
    world.step(np.array([[[0.6, 0.8]]]))
    assert world.velocities[0, 0] == pytest.approx([0.12, 0.16], abs=1e-12)
    world.step(np.array([[[0.0, 0.0]]]))
    assert world.velocities[0, 0] == pytest.approx([0.0, 0.0], abs=1e-12)


def test_speed_is_limited_in_norm(build):
    world = build([[0.0, 0.0]], model=RobotModel(max_speed=0.5, lag=0.0, braking=1000.0))
    world.step(np.array([[[30.0, 40.0]]]))
    assert world.velocities[0, 0] == pytest.approx([0.3, 0.4], abs=1e-12)


def test_random_commands_keep_both_limits(build):
    model = RobotModel(max_speed=0.6, braking=1.5, lag=0.03)
    world = build([[0.0, 0.0]], model=model, substeps=1, dt=0.02)
    rng, before = np.random.default_rng(1), np.zeros(2)
    for _ in range(200):
        world.step(rng.uniform(-2, 2, (1, 1, 2)))
        now = world.velocities[0, 0].copy()
        assert np.hypot(*now) <= 0.6 + 1e-12
        assert np.hypot(*(now - before)) <= 1.5 * 0.02 + 1e-12
        before = now


def test_delay_shifts_the_command_by_whole_substeps(build):
    """A delay of 50 ms is two substeps of 25 ms: half of the first step passes at the speed it started with."""
    world = build([[0.0, 0.0]], [[0.2, 0.0]], model=RobotModel(lag=0.0, delay=0.05, braking=1000.0))
    world.step(np.array([[[0.0, 0.4]]]))
    assert world.positions[0, 0] == pytest.approx([0.01, 0.02], abs=1e-12)
    world.step(np.array([[[0.0, 0.0]]]))
    assert world.positions[0, 0] == pytest.approx([0.01, 0.04], abs=1e-12)


def test_a_holonomic_base_keeps_its_heading(build):
    world = build([[0.0, 0.0], [1.0, 0.0]], seed=5)
    yaw = world.yaw.copy()
    world.step(np.full((1, 2, 2), 0.3))
    assert (world.yaw == yaw).all()
    assert (np.abs(yaw) <= math.pi).all()


def test_a_differential_base_turns_to_where_it_is_sent(build):
    """Sent along +x for long, it heads along +x and moves so: yaw' = −(v/L)·sin(yaw) has no other stable point."""
    model = RobotModel(kinematics="differential", look_ahead=0.05, max_speed=0.2, lag=0.0, braking=1000.0)
    world = build([[-1.0, 0.0]], model=model, seed=3)
    for _ in range(60):
        world.step(np.array([[[0.2, 0.0]]]))
    assert world.yaw[0, 0] == pytest.approx(0.0, abs=1e-3)
    assert world.velocities[0, 0] == pytest.approx([0.2, 0.0], abs=1e-3)


def test_a_differential_base_turns_at_the_rate_of_its_twist(build):
    """Sent to its left at 0.02 m/s with the steered point 0.1 m ahead, it turns by 0.2 rad/s · 0.1 s in a step."""
    model = RobotModel(kinematics="differential", look_ahead=0.1, max_speed=0.2, lag=0.0, braking=1000.0)
    world = build([[0.0, 0.0]], model=model, seed=3)
    yaw = float(world.yaw[0, 0])
    left = 0.02 * np.array([-math.sin(yaw), math.cos(yaw)])
    assert model.twist(left, yaw) == pytest.approx((0.0, 0.0, 0.2), abs=1e-12)
    world.step(left[None, None])
    assert world.yaw[0, 0] - yaw == pytest.approx(0.02, abs=1e-12)
    # The steered point runs along an arc of radius look_ahead about the axle's centre.
    axle = -0.1 * np.array([math.cos(yaw), math.sin(yaw)])
    turned = axle + 0.1 * np.array([math.cos(yaw + 0.02), math.sin(yaw + 0.02)])
    assert world.positions[0, 0] == pytest.approx(turned, abs=1e-7)


# -- contacts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", [0.300, 0.305, 0.3137, 0.321, 0.332, 0.339])
def test_head_on_at_full_speed(build, gap):
    """Wherever in a substep they meet: hardly any overlap, one contact, and they part when told to."""
    world = build([[-gap, 0.0], [gap, 0.0]], [[0.8, 0.0], [-0.8, 0.0]])
    towards = np.array([[[0.8, 0.0], [-0.8, 0.0]]])
    for _ in range(15):
        world.step(towards)
    assert distance(world) == pytest.approx(2 * RADIUS, abs=1e-4)
    assert np.abs(world.velocities).max() < 1e-3
    assert world.contacts[0] == 1
    assert -0.002 < world.minimum_clearance[0] < 0.0
    for _ in range(10):
        world.step(-towards)
    assert distance(world) > 0.5
    assert world.contacts[0] == 1
    for _ in range(25):
        world.step(towards)
    assert world.contacts[0] == 2


def test_oblique_contact_pushes_apart_and_lets_pass(build):
    world = build([[-0.3, 0.02], [0.3, -0.02]], [[0.6, 0.0], [-0.6, 0.0]])
    for _ in range(30):
        world.step(np.array([[[0.6, 0.0], [-0.6, 0.0]]]))
    assert world.contacts[0] == 1
    assert -0.002 < world.minimum_clearance[0] <= 0.0
    assert world.positions[0, 0, 0] > 0.3  # past each other
    assert world.positions[0, 0, 1] == pytest.approx(-world.positions[0, 1, 1], abs=1e-3)
    assert world.positions[0, 0, 1] >= RADIUS - 1e-4


def test_passing_beside_each_other_is_no_contact_and_its_clearance_is_exact(build):
    world = build([[-0.5, 0.06], [0.5, -0.04]], [[0.8, 0.0], [-0.8, 0.0]])
    for _ in range(15):
        world.step(np.array([[[0.8, 0.0], [-0.8, 0.0]]]))
    assert world.contacts[0] == 0
    assert world.minimum_clearance[0] == pytest.approx(0.1 - 2 * RADIUS, abs=1e-12)


def test_a_standing_robot_gives_way_no_faster_than_it_is_pushed(build):
    """Momentum along the line of centres is shared at once; the pushed robot brakes by itself, the pusher keeps on."""
    world = build([[-0.2, 0.0], [0.0, 0.0]], [[0.5, 0.0], [0.0, 0.0]])
    for _ in range(10):
        world.step(np.array([[[0.5, 0.0], [0.0, 0.0]]]))
        assert world.velocities[0, 1, 0] <= 0.25 + 1e-6
    assert world.positions[0, 1, 0] > 0.0
    assert world.minimum_clearance[0] > -0.002


def test_a_pile_stays_nearly_free_of_overlap(build):
    angles = np.arange(30) * 2.4
    spiral = 0.05 + 0.3 * np.sqrt(np.arange(30))[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    world = build(spiral)
    for _ in range(80):
        norms = np.linalg.norm(world.positions, axis=-1, keepdims=True)
        world.step(-0.8 * world.positions / np.maximum(norms, 1e-9))
    assert world.minimum_clearance[0] > -0.002
    assert world.contacts[0] > 30


@pytest.mark.parametrize(("axis", "sign"), [(0, 1), (0, -1), (1, 1), (1, -1)])
def test_walls_stop_a_robot_at_the_arenas_edge(build, axis, sign):
    arena = Arena(half_width=1.5, half_height=1.0)
    start, speed = np.zeros((1, 2)), np.zeros((1, 1, 2))
    speed[0, 0, axis] = 0.8 * sign
    world = build(start, arena=arena)
    for _ in range(40):
        world.step(speed)
    edge = (arena.half_width, arena.half_height)[axis] - RADIUS
    assert sign * world.positions[0, 0, axis] == pytest.approx(edge, abs=1e-4)
    assert world.contacts[0] == 0  # contacts are between robots


def test_corners_hold(build):
    world = build([[0.0, 0.0], [0.3, 0.1]])
    for _ in range(60):
        world.step(np.full((1, 2, 2), 5.0))
    assert (world.positions < 2.4 - RADIUS + 1e-4).all()


# -- repeatability and independence ----------------------------------------------------------------------------------


def busy_run(world, environment=0, steps=40):
    rng, trace = np.random.default_rng(7), []
    commands = np.zeros((world.environments, world.robots, 2))
    for _ in range(steps):
        aim = -world.positions[environment] + rng.normal(0, 0.3, (world.robots, 2))
        commands[environment] = aim
        world.step(commands)
        trace.append(np.concatenate([world.positions[environment], world.velocities[environment]]).copy())
    return np.array(trace)


def spread(count, seed=0, spacing=0.3):
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2) * spacing - 0.75
    return rng.permutation(grid)[:count] + rng.uniform(-0.05, 0.05, (count, 2))


def test_a_reset_repeats_a_run_bit_for_bit(build):
    world = build(spread(12))
    first, contacts, gap = busy_run(world), world.contacts.copy(), world.minimum_clearance.copy()
    assert contacts[0] > 0
    busy_run(world, steps=7)
    world.reset(np.array([0]), spread(12)[None], np.zeros((1, 12, 2)))
    assert (busy_run(world) == first).all()
    assert world.contacts == contacts
    assert world.minimum_clearance == gap


def test_a_new_process_state_repeats_too(build):
    assert (busy_run(build(spread(12))) == busy_run(build(spread(12)))).all()


def test_environments_do_not_touch_each_other(build, name):
    alone = busy_run(build(spread(12)))
    world = make_world(name, 2, 12, RobotModel(), ARENA)
    starts = np.stack([spread(12, seed=4), spread(12)])
    world.reset(np.array([9, 0]), starts, np.zeros((2, 12, 2)))
    together = busy_run(world, environment=1, steps=40)
    assert (together == alone).all()
    other = world.positions[0].copy()
    assert other == pytest.approx(starts[0], abs=1e-9)
    world.reset_environment(1, 3, spread(12, seed=8), np.zeros((12, 2)))
    assert (world.positions[0] == other).all()
    assert world.contacts[1] == 0
    world.close()
    world.close()


# -- guards ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("commands", "message"),
    [
        (np.zeros((2, 2)), r"commands have shape \(2, 2\); this world takes \(1, 2, 2\)"),
        (np.zeros((1, 3, 2)), r"commands have shape \(1, 3, 2\)"),
        (np.array([[[0.0, 0.0], [math.nan, 0.0]]]), r"commands\[0, 1, 0\] is nan; it must be a finite number \[m/s\]"),
        (np.array([[[0.0, math.inf], [0.0, 0.0]]]), r"commands\[0, 0, 1\] is inf"),
        ([[["fast", 0.0], [0.0, 0.0]]], "commands are not numbers"),
    ],
)
def test_bad_commands_are_refused_and_nothing_moves(build, commands, message):
    world = build([[0.0, 0.0], [1.0, 0.0]], [[0.3, 0.0], [0.0, 0.0]])
    with pytest.raises(MusterError, match=message):
        world.step(commands)
    assert (world.positions[0] == [[0.0, 0.0], [1.0, 0.0]]).all()


@pytest.mark.parametrize(
    ("positions", "velocities", "message"),
    [
        ([[0.0, 0.0], [0.05, 0.0]], [[0, 0], [0, 0]], r"Robots 0 and 1 start 0\.0500 m apart, less than a diameter"),
        ([[0.0, 0.0], [2.39, 0.0]], [[0, 0], [0, 0]], r"Robot 1 starts at \[2\.39, 0\.0\] m, not inside the walls"),
        ([[0.0, 0.0], [1.0, 0.0]], [[0.8, 0.8], [0, 0]], r"Robot 0 starts with 1\.131 m/s; its max_speed is 0\.8 m/s"),
        ([[0.0, math.nan], [1.0, 0.0]], [[0, 0], [0, 0]], r"positions\[0, 0, 1\] is nan"),
    ],
)
def test_bad_starts_are_refused(build, positions, velocities, message):
    with pytest.raises(MusterError, match=message):
        build(positions, velocities)


def test_bad_settings_are_refused(name):
    for settings, message in (
        ({"environments": 0}, "environments is 0"),
        ({"robots": 0}, "robots is 0"),
        ({"substeps": 2.5}, "substeps is 2.5"),
        ({"dt": -1.0}, "dt is -1.0"),
        ({"robot_model": RobotModel(max_speed=3.5)}, "raise substeps"),
    ):
        arguments = {"environments": 1, "robots": 2, "robot_model": RobotModel(), "arena": ARENA, **settings}
        with pytest.raises(MusterError, match=message):
            make_world(name, **arguments)


def test_stepping_before_a_reset_is_refused(name):
    world = make_world(name, 1, 2, RobotModel(), ARENA)
    with pytest.raises(MusterError, match="never reset"):
        world.step(np.zeros((1, 2, 2)))
    world.close()
