"""Domain randomisation: episodes are functions of their seeds, measured poses are off as said, robots are as drawn."""

import math
from dataclasses import replace

import numpy as np
import pytest

from muster_core.controllers import load_controller
from muster_core.errors import MusterError
from muster_core.pilot import Pilot
from muster_core.robot import Arena, RobotModel
from muster_core.scene import Sensing, Snapshot
from muster_sim.assembly import AssemblyConfig, ShapeAssembly
from muster_sim.contract import PERIOD
from muster_sim.measurement import Measurement
from muster_sim.randomisation import Randomisation, draw_conditions
from muster_sim.rollouts import fly
from muster_sim.starts import draw_episode
from muster_sim.workers import AssemblyWorkers
from muster_sim.world import Bases, make_world

WORLDS = ("bullet", "kinematic")
TASK = AssemblyConfig(
    robots=8, shapes=("R", "disc"), episode_steps=6, world="kinematic", randomisation=Randomisation.standard()
)
SEEDS = np.array([3, 1, 4])


@pytest.fixture
def build():
    """Builds assemblies and closes them in the end."""
    made = []

    def make(task=TASK, environments=3):
        made.append(ShapeAssembly(task, environments))
        return made[-1]

    yield make
    for assembly in made:
        assembly.close()


def episode(environment, seeds, steps=6):
    """Everything that a trainer sees of an episode."""
    generator = np.random.default_rng(0)
    batch, found = environment.reset(np.asarray(seeds)), []
    for _ in range(steps):
        found += [batch.observations.copy(), batch.rewards.copy(), batch.prior.copy()]
        batch = environment.step(np.tile(generator.uniform(-1, 1, (1, 8, 2)), (len(seeds), 1, 1)))
    return found


# -- repeatability -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", WORLDS)
def test_an_episode_is_a_function_of_its_seed_alone(build, world):
    task = replace(TASK, world=world)
    first = episode(build(task), SEEDS)
    other = build(task, 1)
    episode(other, [77])
    for ours, alone in zip(first, episode(other, [1]), strict=True):
        np.testing.assert_array_equal(ours[1:2], alone)
    plain = episode(build(replace(task, randomisation=None)), SEEDS)
    assert not np.array_equal(first[0], plain[0])


def test_longer_than_one_draw_of_errors_still_repeats(build):
    task = replace(TASK, robots=8, episode_steps=80)
    one = build(task, 2)
    first = episode(one, [5, 6], steps=70)
    for ours, theirs in zip(first, episode(one, [5, 6], steps=70), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_workers_give_what_one_process_gives(build):
    pool = AssemblyWorkers(TASK, 3, 2)
    try:
        for ours, theirs in zip(episode(pool, SEEDS), episode(build(), SEEDS), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    finally:
        pool.close()


# -- what is drawn -----------------------------------------------------------------------------------------------------


def conditions(seed, randomisation, robots=4):
    return draw_conditions(seed, randomisation, RobotModel(), Sensing(), robots)


def test_draws_fill_their_ranges_and_delays_are_whole_substeps():
    standard = Randomisation.standard()
    drawn = [conditions(seed, standard) for seed in range(400)]
    substep = make_world("kinematic", 1, 2, RobotModel(), Arena())._period
    for values, (low, high) in (
        ([d.robot.lag for d in drawn], standard.lag),
        ([d.pose_noise for d in drawn], standard.pose_noise),
        ([d.dropout for d in drawn], standard.dropout),
        ([d.robot.max_speed / 0.8 for d in drawn], standard.max_speed),
        ([d.radius_ratio for d in drawn], standard.sensing_radius),
        (np.concatenate([d.masses for d in drawn]), standard.mass),
    ):
        assert low <= min(values) < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < max(values) <= high
    delays = np.array([d.robot.delay for d in drawn]) / substep
    np.testing.assert_allclose(delays, delays.round(), atol=1e-9)
    assert set(delays.round()) == {0, 1, 2, 3, 4}


def test_one_range_leaves_the_other_draws_alone():
    standard = Randomisation.standard()
    ours, theirs = conditions(7, standard), conditions(7, replace(standard, lag=None, pose_noise=(0.0, 0.01)))
    assert (theirs.robot.lag, theirs.robot.max_speed) == (RobotModel().lag, ours.robot.max_speed)
    np.testing.assert_array_equal(ours.masses, theirs.masses)
    assert theirs.pose_noise == pytest.approx(ours.pose_noise / 0.3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lag": (0.2, 0.1)}, r"^randomisation lag is \(0\.2, 0\.1\); it must be two numbers, smallest and largest"),
        ({"dropout": (0.0, 0.9)}, r"^randomisation dropout is \(0\.0, 0\.9\).* in 0 … 0\.5$"),
        ({"mass": (0.0, 1.0)}, r"^randomisation mass is"),
        ({"max_speed": (0.5, 1.5)}, r"^randomisation max_speed is .* in 0\.1 … 1$"),
        ({"pose_noise": (0.0, math.nan)}, r"^randomisation pose_noise is"),
        ({"pose_noise": None}, r"^randomisation pose_noise is None"),
        ({"delay": "often"}, r"^randomisation delay is 'often'"),
    ],
)
def test_ranges_that_cannot_be_drawn_from_are_refused(settings, message):
    with pytest.raises(MusterError, match=message):
        Randomisation(**settings)


def test_a_task_takes_a_randomisation_only():
    with pytest.raises(MusterError, match=r"^randomisation is 0\.1; give a Randomisation or None"):
        AssemblyConfig(randomisation=0.1)


# -- measurement -------------------------------------------------------------------------------------------------------


def test_errors_are_as_large_as_said_and_velocities_follow_from_them():
    noisy = [replace(conditions(e, Randomisation(), 50), pose_noise=s) for e, s in enumerate((0.0, 0.002))]
    measurement = Measurement(2, 50)
    truth, speed = np.random.default_rng(0).uniform(-1, 1, (2, 50, 2)), np.full((2, 50, 2), 0.3)
    measurement.begin([1, 2], noisy, 0.8, truth, speed)
    before, errors = measurement.positions - truth, []
    for _ in range(100):
        measurement.take(truth, speed)
        error = measurement.positions - truth
        np.testing.assert_allclose(measurement.velocities - speed, (error - before) / PERIOD, atol=1e-12)
        errors.append(error)
        before = error
    assert not np.any(np.array(errors)[:, 0])
    assert np.std(np.array(errors)[:, 1]) == pytest.approx(0.002, rel=0.05)
    assert not measurement.ages.any()


def test_lost_poses_stay_and_grow_older():
    lossy = [replace(conditions(0, Randomisation(), 60), dropout=0.3)]
    measurement = Measurement(1, 60)
    measurement.begin([1], lossy, 0.8, np.zeros((1, 60, 2)), np.zeros((1, 60, 2)))
    assert not measurement.ages.any(), "an episode begins with a pose of everybody"
    lost = 0
    for step in range(1, 101):
        truth = np.full((1, 60, 2), float(step))
        measurement.take(truth, truth)
        ages = np.round(measurement.ages[0] / PERIOD)
        np.testing.assert_array_equal(measurement.positions[0, :, 0], step - ages)
        np.testing.assert_array_equal(measurement.velocities[0, :, 0], step - ages)
        lost += int((ages > 0).sum())
    assert lost / 6000 == pytest.approx(0.3, abs=0.03)


def test_policies_see_the_measured_poses_and_figures_the_true_ones(build):
    environment = build(replace(TASK, randomisation=Randomisation(pose_noise=(0.003, 0.003))))
    environment.reset(SEEDS)
    environment.step(np.zeros((3, 8, 2)))
    off = environment.scene.arrays.positions - environment.world.positions
    assert np.std(off) == pytest.approx(0.003, rel=0.3)
    start = [draw_episode(int(s), environment.shapes, environment.config) for s in SEEDS]
    rollouts = fly(environment, load_controller("prior"), start, SEEDS)
    np.testing.assert_array_equal(rollouts[0].positions[-1], environment.world.positions[0])


# -- robots ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WORLDS)
def test_each_environment_has_its_own_lag_delay_and_speed_limit(name):
    """A step response from rest, worked out by hand: 1 − exp(−t/lag) of the command once the delay is over."""
    world = make_world(name, 3, 2, RobotModel(), Arena(), longest_delay=0.1)
    world.equip(1, Bases(0.15, 0.05, 0.8, np.ones(2)))
    world.equip(2, Bases(0.0, 0.1, 0.01, np.ones(2)))
    places = np.tile([[-1.0, 0.0], [1.0, 0.0]], (3, 1, 1))
    world.reset(np.arange(3), places, np.zeros((3, 2, 2)))
    command = np.zeros((3, 2, 2))
    command[:, 0, 1] = 0.02
    world.step(command)
    assert world.velocities[0, 0, 1] == pytest.approx(0.02 * (1 - math.exp(-0.1 / 0.05)), abs=1e-9)
    assert world.velocities[1, 0, 1] == pytest.approx(0.02 * (1 - math.exp(-0.05 / 0.15)), abs=1e-9)
    assert world.velocities[2, 0, 1] == 0.0
    world.step(command)
    assert world.velocities[2, 0, 1] == pytest.approx(0.01)
    world.close()


def collision(name, masses):
    """Two robots that drive head-on at 0.4 m/s: where they are 2 s later, shape (2, 2) [m]."""
    world = make_world(name, 1, 2, RobotModel(), Arena())
    world.equip(0, Bases(0.05, 0.0, 0.8, np.array(masses)))
    world.reset(np.array([0]), np.array([[[-0.3, 0.0], [0.3, 0.0]]]), np.zeros((1, 2, 2)))
    for _ in range(20):
        world.step(np.array([[[0.4, 0.0], [-0.4, 0.0]]]))
    world.close()
    return world.positions[0].copy()


def test_the_heavier_robot_wins_and_both_worlds_agree():
    bullet, kinematic = collision("bullet", [2.0, 0.5]), collision("kinematic", [2.0, 0.5])
    np.testing.assert_allclose(bullet, kinematic, atol=0.005)
    assert kinematic[:, 0].mean() > 0.1, "pushed back by the heavier one"
    np.testing.assert_allclose(collision("kinematic", [1.0, 1.0])[:, 0].mean(), 0.0, atol=1e-6)


def test_bases_that_a_world_cannot_have_are_refused():
    world = make_world("kinematic", 1, 2, RobotModel(), Arena())
    for bases, message in (
        (Bases(0.05, 0.1, 0.8, np.ones(2)), r"delay 0 … 0 s \(raise the world's longest_delay\)"),
        (Bases(0.05, 0.0, 0.9, np.ones(2)), r"^max_speed is 0\.9 m/s; it must lie above 0, at most 0\.8"),
        (Bases(-0.1, 0.0, 0.8, np.ones(2)), r"^lag is -0\.1 s"),
        (Bases(0.05, 0.0, 0.8, np.array([1.0, 0.0])), r"^masses\[1\] is 0\.0; it must be above 0 kg"),
        (Bases(0.05, 0.0, 0.8, np.ones(3)), r"^masses have shape \(3,\)"),
        (Bases(0.05, math.nan, 0.8, np.ones(2)), r"^delay is nan"),
    ):
        with pytest.raises(MusterError, match=message):
            world.equip(0, bases)


def test_every_row_is_what_a_pilot_with_that_profile_commands(build):
    """No skew: sight, units of speed, limits and the brake on a stale pose are those of a pilot told the profile."""
    varied = replace(Randomisation.standard(), pose_noise=(0.0, 0.0), dropout=(0.3, 0.3))
    assembly = build(replace(TASK, robots=12, episode_steps=30, randomisation=varied), 2)
    assembly.reset(np.array([11, 12]))
    pilots = []
    for e in range(2):
        drawn = assembly._drawn[e]
        controller = load_controller("coverage", drawn.robot)
        controller.sensing = replace(assembly.config.sensing, radius_ratio=drawn.radius_ratio)
        pilots.append(Pilot(controller, drawn.robot, assembly.config.arena))
    flying, stale = load_controller("coverage", assembly.config.robot), 0
    for _ in range(15):
        seen, issued = assembly.measurement, assembly.scene.arrays.issued.copy()
        expected = np.array([
            [
                pilots[e].command(
                    Snapshot(seen.positions[e].copy(), seen.velocities[e].copy(), seen.ages[e].copy(), i, issued[e, i],
                             assembly.scene.shapes[e], 12)
                ).velocity
                for i in range(12)
            ]
            for e in range(2)
        ])  # fmt: skip
        stale += int((seen.ages > 0.11).sum())
        assembly.advance(flying.act(assembly.perceptions, assembly.scene, assembly.rows))
        np.testing.assert_allclose(assembly.scene.arrays.issued, expected, atol=1e-9)
    assert stale > 5, "somebody had to brake on an old pose"


class Rendezvous:
    """Everybody straight to one point, which no filter may let them."""

    name, sensing, period = "rendezvous", Sensing(), PERIOD

    def act(self, perceptions, scene, rows):
        way = 0.5 - scene.arrays.positions[rows[:, 0], rows[:, 1]]
        return np.clip(way / np.linalg.norm(way, axis=1, keepdims=True), -1, 1)


@pytest.mark.parametrize("world", WORLDS)
def test_nobody_is_touched_whatever_was_drawn(build, world):
    count = 2 if world == "bullet" else 12
    environment = build(replace(TASK, robots=20, world=world, episode_steps=150), count)
    seeds = np.arange(count)
    starts = [draw_episode(int(s), environment.shapes, environment.config) for s in seeds]
    rollouts = fly(environment, Rendezvous(), starts, seeds)
    assert [r.contacts for r in rollouts] == [0] * count
    assert min(r.minimum_clearance for r in rollouts) < 0.03, "they did press"
