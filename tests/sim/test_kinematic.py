"""KinematicWorld held to BulletWorld: its parameters identified, pairs to 5 mm, swarms to 0.02; and its cost."""

import time

import numpy as np
import pytest

from muster_core.controllers import load_controller
from muster_core.metrics import coverage, entering_rate
from muster_core.robot import Arena, RobotModel
from muster_sim.assembly import AssemblyConfig, ShapeAssembly
from muster_sim.kernels.collisions import FRICTION, RECOVERY, SLOP
from muster_sim.rollouts import fly
from muster_sim.starts import draw_episode
from muster_sim.world import make_world

RADIUS = 0.035
PROMPT = RobotModel(lag=0.0, braking=1000.0)
"""Does at once what it is told, so that what is left over is the contact's doing."""


def flown(name, positions, commands, velocities=None, model=None, arena=None, seed=0, **settings):
    """Positions (T+1, N, 2) and velocities (T+1, N, 2) under ``commands`` (T, N, 2) or a function of the positions."""
    positions = np.asarray(positions, float)
    world = make_world(name, 1, len(positions), model or RobotModel(), arena or Arena(), **settings)
    speeds = np.zeros_like(positions) if velocities is None else np.asarray(velocities, float)
    world.reset(np.array([seed]), positions[None], speeds[None])
    places, speeds = [world.positions[0].copy()], [world.velocities[0].copy()]
    for command in commands:
        world.step(np.asarray(command(world.positions[0]) if callable(command) else command, float)[None])
        places.append(world.positions[0].copy())
        speeds.append(world.velocities[0].copy())
    contacts, clearance = int(world.contacts[0]), float(world.minimum_clearance[0])
    world.close()
    return np.array(places), np.array(speeds), contacts, clearance


def both(*arguments, **settings):
    return flown("bullet", *arguments, **settings), flown("kinematic", *arguments, **settings)


# -- identification: each parameter measured in BulletWorld by an experiment that shows it alone ---------------------


def test_overlap_at_rest_is_the_slop():
    """Pressed together head-on for two seconds, what overlap is left is what the solver takes for none."""
    places, *_ = flown("bullet", [[-0.1, 0], [0.1, 0]], [[[0.5, 0], [-0.5, 0]]] * 20)
    assert 2 * RADIUS - (places[-1, 1, 0] - places[-1, 0, 0]) == pytest.approx(SLOP, rel=1e-3)


def test_share_of_an_overlap_that_one_substep_takes_back():
    """Two at rest that start 0.09 mm into each other, for one substep: how much of it (beyond the slop) is gone."""
    overlap = 9e-5
    places, *_ = flown("bullet", [[0, 0], [2 * RADIUS - overlap, 0]], np.zeros((1, 2, 2)), dt=0.025, substeps=1)
    left = 2 * RADIUS - (places[1, 1, 0] - places[1, 0, 0])
    assert (overlap - left) / (overlap - SLOP) == pytest.approx(RECOVERY, rel=1e-6)


@pytest.mark.parametrize("along", [0.2, 0.4, 0.6])
def test_friction_along_a_wall(along):
    """Driven at 0.3 m/s into a wall it rests at: speed along it falls by friction times what the wall took away."""
    edge = 2.4 - RADIUS + SLOP
    _, speeds, *_ = flown("bullet", [[edge, 0]], [[[0.3, along]]], [[0.3, along]], PROMPT, dt=0.025, substeps=1)
    assert speeds[1, 0, 0] == pytest.approx(0.0, abs=1e-9)
    assert (along - speeds[1, 0, 1]) / 0.3 == pytest.approx(FRICTION, rel=1e-6)


# -- trajectories ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [RobotModel(), RobotModel(delay=0.07), RobotModel(kinematics="differential", look_ahead=0.05, max_speed=0.3)],
    ids=["holonomic", "delayed", "differential"],
)
def test_free_motion_is_the_same_after_ten_seconds(model):
    """At most 1 mm; rounding is all there is."""
    commands = np.random.default_rng(0).uniform(-0.4, 0.4, (100, 3, 2))
    ours, theirs = both([[0, 0], [1.4, 1], [-1.4, -1]], commands, model=model, seed=4)
    assert np.abs(ours[0] - theirs[0]).max() < 1e-9
    assert ours[2:] == pytest.approx(theirs[2:], abs=1e-9)
    assert np.abs(ours[0][-1] - ours[0][0]).max() > 0.1


@pytest.mark.parametrize("model", [RobotModel(), RobotModel(kinematics="differential", look_ahead=0.05)])
@pytest.mark.parametrize("aside", [0.0, 0.005, 0.015, 0.03, 0.034])
@pytest.mark.parametrize("gap", [0.3, 0.3137, 0.332])
def test_two_collide_alike(gap, aside, model):
    """Head-on and oblique, wherever in a substep they meet: within 5 mm one second after, and in fact all the time."""
    drive = [[[0.8, 0.0], [-0.8, 0.0]]] * 18
    ours, theirs = both([[-gap, aside], [gap, -aside]], drive, [[0.5, 0.0], [-0.5, 0.0]], model=model)
    assert np.abs(ours[0] - theirs[0]).max() < 1e-4
    assert ours[2] == theirs[2]
    assert ours[3] == pytest.approx(theirs[3], abs=1e-4)
    if model.kinematics == "holonomic" and aside <= 0.03:
        assert ours[2] == 1, "they do meet"


def test_one_pushes_another_that_stands_and_walls_hold_alike():
    ours, theirs = both([[-0.2, 0.01], [0, 0]], [[[0.6, 0], [0, 0]]] * 30)
    assert np.abs(ours[0] - theirs[0]).max() < 1e-4
    into_a_corner = [lambda places: np.full((3, 2), 0.6)] * 50
    ours, theirs = both([[2, 0], [0, 2], [2.2, 2.2]], into_a_corner)
    assert np.abs(ours[0] - theirs[0]).max() < 5e-3


def test_a_pile_packs_alike():
    """Thirty pressed to one point: many contacts at once, whose order differs; size and overlap of the pile do not."""
    angles = np.arange(30) * 2.4
    spiral = 0.05 + 0.3 * np.sqrt(np.arange(30))[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    inwards = [lambda places: -0.8 * places / np.maximum(np.linalg.norm(places, axis=1, keepdims=True), 1e-9)] * 80
    ours, theirs = both(spiral, inwards)
    extent = [np.sort(np.linalg.norm(run[0][-1] - run[0][-1].mean(axis=0), axis=1)) for run in (ours, theirs)]
    assert np.abs(extent[0] - extent[1]).max() < 0.02
    assert np.abs(extent[0].mean() - extent[1].mean()) < 0.003
    assert ours[3] == pytest.approx(theirs[3], abs=0.001)
    assert ours[2] == pytest.approx(theirs[2], rel=0.1)


@pytest.mark.parametrize("controller", ["prior", "coverage"])
def test_a_swarm_does_as_well_in_both(controller):
    """Thirty robots, the same controller and seeds: coverage, entering and clearance within 0.02, here of the mean."""
    figures = {}
    for name in ("bullet", "kinematic"):
        task = AssemblyConfig(robots=30, shapes=("R", "star"), world=name, episode_steps=150)
        environment = ShapeAssembly(task, 4)
        seeds = np.arange(4)
        starts = [draw_episode(int(seed), environment.shapes, task) for seed in seeds]
        rows = []
        for rollout in fly(environment, load_controller(controller), starts, seeds):
            settled = rollout.positions[-20:]
            covered = np.mean([coverage(p, rollout.shape, 30) for p in settled])
            inside = np.mean([entering_rate(p, rollout.shape) for p in settled])
            rows.append([covered, inside, rollout.minimum_clearance, rollout.contacts])
        figures[name] = np.mean(rows, axis=0)
        environment.close()
    assert np.abs(figures["bullet"][:3] - figures["kinematic"][:3]).max() < 0.02
    assert figures["bullet"][3] == figures["kinematic"][3]


# -- size ------------------------------------------------------------------------------------------------------------


def crowd(seed, count=30):
    generator = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.arange(6), np.arange(5)), axis=-1).reshape(-1, 2) * 0.16 - 0.35
    return grid[:count] + generator.uniform(-0.03, 0.03, (count, 2))


def test_a_large_team_is_no_other_physics():
    """Five crowds far apart in one world, whose neighbours come from a cell list, and each in a world of its own."""
    centres = np.array([[0, 0], [6, 0], [0, 6], [-6, 0], [0, -6]], float)
    arena = Arena(8.0, 8.0)
    starts = [crowd(k) + centre for k, centre in enumerate(centres)]
    generator = np.random.default_rng(1)
    commands = generator.uniform(-0.8, 0.8, (40, 5, 30, 2)) * generator.choice([0.3, 1.0], (40, 1, 1, 1))
    together = flown("kinematic", np.concatenate(starts), commands.reshape(40, 150, 2), arena=arena)
    alone = [flown("kinematic", starts[k], commands[:, k], arena=arena) for k in range(5)]
    assert together[2] == sum(run[2] for run in alone) > 50
    assert together[3] == min(run[3] for run in alone)
    apart = np.concatenate([run[0] for run in alone], axis=1)
    np.testing.assert_array_equal(together[0], apart)


def test_pushed_faster_than_it_can_drive_nobody_is_missed():
    """Pairs are listed once for a step; a robot that moves farther than it could by itself must not slip past them."""
    places, _, contacts, clearance = flown(
        "kinematic", [[-0.5, 0.0], [0.5, 0.0]], [[[0.8, 0.0], [-0.8, 0.0]]] * 15, dt=0.5, substeps=25
    )
    assert contacts == 1
    assert clearance == pytest.approx(0.0, abs=2 * SLOP)
    assert places[-1, 1, 0] - places[-1, 0, 0] == pytest.approx(2 * RADIUS, abs=2 * SLOP)


def test_cost_per_robot_does_not_grow_with_the_team():
    """Ten times as many robots on a shape ten times as large; the bound is loose, muster-bench has the figure."""
    costs = []
    for robots, environments, scale in ((200, 10, 1.0), (2000, 1, 10**0.5)):
        task = AssemblyConfig(
            robots=robots, shapes=("R",), world="kinematic", height=3.2 * scale, cells=5 * robots,
            arena=Arena(3.4 * scale, 3.4 * scale),
        )  # fmt: skip
        environment = ShapeAssembly(task, environments)
        batch = environment.reset(np.arange(environments))
        best = np.inf
        for _ in range(12):
            begin = time.process_time()
            for _ in range(5):
                batch = environment.step(batch.prior)
            best = min(best, time.process_time() - begin)
        costs.append(best)
        environment.close()
    assert costs[1] < 2.5 * costs[0], "as many robot-steps in both"
