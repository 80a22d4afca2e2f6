"""The shape-assembly task: repeatable episodes, fair starts, the robots' own control step, refusals. Real PyBullet."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster_core.control_step import MARGIN, TRUSTED_BRAKING
from muster_core.controllers import load_controller
from muster_core.errors import MusterError
from muster_core.kernels.safety import INFEASIBLE
from muster_core.observation import LAYOUTS
from muster_core.pilot import Pilot
from muster_core.robot import Arena, RobotModel
from muster_core.scene import Scene, SceneArrays, Sensing, Snapshot
from muster_core.shape import load_shape
from muster_sim.assembly import SEVEN_SHAPES, AssemblyConfig, ShapeAssembly
from muster_sim.starts import draw_episode, spaced_points

TASK = AssemblyConfig(robots=8, shapes=("R", "disc"), episode_steps=6)
SHAPES = {name: load_shape(name) for name in SEVEN_SHAPES}


@pytest.fixture
def build():
    """Builds assemblies and closes them in the end."""
    made = []

    def make(task=TASK, environments=2):
        made.append(ShapeAssembly(task, environments))
        return made[-1]

    yield make
    for assembly in made:
        assembly.close()


def episode(assembly, seeds, steps=6):
    """Everything that comes out of an episode under given actions, as one list of arrays."""
    generator = np.random.default_rng(0)
    found = []
    batch = assembly.reset(np.array(seeds))
    for _ in range(steps):
        found += [batch.observations.copy(), batch.rewards.copy(), batch.prior.copy(), assembly.world.positions.copy()]
        batch = assembly.step(np.tile(generator.uniform(-1, 1, (1, assembly.agents, 2)), (len(seeds), 1, 1)))
    return found


# -- repeatability -----------------------------------------------------------------------------------------------------


def test_the_same_seeds_give_the_same_episodes_bit_for_bit(build):
    one = build()
    first = episode(one, [3, 4])
    episode(one, [77, 78])
    for other in (episode(one, [3, 4]), episode(build(), [3, 4])):
        for ours, theirs in zip(first, other, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert not np.array_equal(first[0], episode(one, [5, 4])[0])


def test_an_episode_does_not_depend_on_its_neighbours_in_the_batch(build):
    pair, alone = episode(build(), [3, 4]), episode(build(environments=1), [4])
    for both, single in zip(pair, alone, strict=True):
        np.testing.assert_array_equal(both[1:], single)


# -- starts ------------------------------------------------------------------------------------------------------------


def stopping_way(speed, robot, braking):
    """Way until standstill when nothing happens for period, delay and lag, and then braking [m]."""
    return speed * (0.1 + robot.delay + robot.lag) + speed**2 / (2 * braking)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**31 - 1), st.sampled_from([2, 10, 30, 50]))
def test_starts_are_fair(seed, robots):
    task = AssemblyConfig(robots=robots)
    start = draw_episode(seed, SHAPES, task)
    robot, arena = task.robot, task.arena
    corners = np.abs(start.shape.cells).max() + math.sqrt(0.5) * start.shape.pitch
    assert corners <= arena.half_width + start.shape.pitch, "the whole shape lies in the arena"
    assert np.abs(start.shape.cells).max() + start.shape.pitch / 2 <= arena.half_width
    apart = np.linalg.norm(start.positions[:, None] - start.positions[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert apart.min() >= 4 * robot.radius, "two diameters from centre to centre"
    room = np.array([arena.half_width, arena.half_height]) - np.abs(start.positions) - robot.radius
    assert room.min() >= MARGIN
    speed = np.linalg.norm(start.velocities, axis=1)
    assert speed.max() <= robot.max_speed
    way = stopping_way(speed, robot, TRUSTED_BRAKING * robot.braking)
    assert (way[:, None] + way[None] <= apart - 2 * robot.radius - MARGIN + 1e-9).all(), "every pair can stop"
    assert (way <= room.min(axis=1) - MARGIN + 1e-9).all(), "and nobody must hit a wall"


@pytest.mark.parametrize("robots", [10, 30, 50])
def test_no_start_asks_for_more_than_the_brakes_can_give(robots):
    """Whatever is wanted first, the filter finds a way: its constraints are satisfiable from the start."""
    task = AssemblyConfig(robots=robots)
    generator = np.random.default_rng(0)
    from muster_core.control_step import ControlStep

    control = ControlStep(task.robot, task.arena, task.sensing, 0.1)
    for seed in range(40):
        start = draw_episode(seed, SHAPES, task)
        arrays = SceneArrays(
            start.positions[None], start.velocities[None], start.velocities[None], np.zeros((1, robots)),
            np.ones((1, robots), np.uint8),
        )  # fmt: skip
        scene = Scene(arrays, [start.shape], np.array([robots]))
        _, activity = control.filter(scene, scene.all_rows(), generator.uniform(-0.8, 0.8, (robots, 2)))
        assert (activity != INFEASIBLE).all(), f"seed {seed}"


def test_large_teams_start_too():
    task = AssemblyConfig(robots=200)
    for seed in range(6):
        positions = draw_episode(seed, SHAPES, task).positions
        apart = np.linalg.norm(positions[:, None] - positions[None], axis=2)
        assert apart[np.triu_indices(200, 1)].min() >= 4 * task.robot.radius


def test_seeds_draw_all_shapes_poses_and_both_kinds_of_start():
    starts = [draw_episode(seed, SHAPES, AssemblyConfig(robots=10)) for seed in range(60)]
    assert {s.shape.digest for s in starts} == {shape.digest for shape in SHAPES.values()}
    assert np.ptp([s.shape.yaw for s in starts]) > 5.0
    spread = np.array([np.ptp(s.positions, axis=0).max() for s in starts])
    assert 15 <= (spread <= 2.0).sum() <= 45, "half of them in a box of 2 m"
    assert spread.max() > 3.0


def test_a_shape_by_name_starts_from_the_same_places():
    drawn, named = (draw_episode(5, SHAPES, TASK, name) for name in (None, "star"))
    assert named.shape.digest == SHAPES["star"].digest
    again = draw_episode(5, SHAPES, TASK, "star")
    np.testing.assert_array_equal(named.positions, again.positions)
    assert drawn.shape.digest != named.shape.digest or drawn.positions is not named.positions


def test_spaced_points_by_brute_force_and_when_they_do_not_fit():
    low, high = np.array([0.0, 1.0]), np.array([1.0, 2.0])
    points = spaced_points(12, low, high, 0.2, np.random.default_rng(0))
    assert (points >= low).all()
    assert (points <= high).all()
    assert min(math.dist(p, q) for i, p in enumerate(points) for q in points[:i]) >= 0.2
    with pytest.raises(MusterError, match=r"^50 robots at least 0\.50 m apart do not fit a box of \[1\.0, 1\.0\] m"):
        spaced_points(50, low, high, 0.5, np.random.default_rng(0))


# -- the step ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
def test_training_is_shown_what_a_robot_is_shown(layout, build):
    """The fused pass knows every layout, by its own number."""
    assembly = build(replace(TASK, layout=layout))
    shown = assembly.reset(np.array([1, 2])).observations
    np.testing.assert_array_equal(shown.reshape(16, -1), assembly.observe().astype(np.float32))
    assert np.abs(shown).max() > 0


def test_shapes_of_what_comes_out(build):
    assembly = build()
    batch = assembly.reset(np.array([1, 2]))
    size = assembly.layout.size
    assert batch.observations.shape == (2, 8, size)
    assert batch.observations.dtype == np.float32
    assert assembly.observation_space.shape == (size,)
    assert assembly.action_space.contains(np.float32([1.0, -1.0]))
    assert batch.prior.shape == (2, 8, 2)
    assert np.abs(batch.prior).max() <= 1.0
    assert batch.active.all()
    assert not batch.rewards.any(), "nothing is earned by a reset"
    for _ in range(6):
        assert not batch.truncated.any()
        assert not batch.terminated.any()
        batch = assembly.step(np.zeros((2, 8, 2)))
        assert batch.rewards.shape == (2, 8)
        assert batch.rewards.min() >= 0
        assert batch.rewards.max() <= 1
    assert batch.truncated.all()
    assert not batch.terminated.any(), "a time limit is no end: bootstrap"
    assert not assembly.reset(np.array([1, 2])).truncated.any()


@pytest.mark.parametrize("controller", ["prior", "expert", "coverage"])
def test_every_row_is_what_the_pilot_on_that_robot_commands(build, controller):
    """The batch path of training and the pilot on a robot are one control step."""
    task = replace(TASK, robots=14)
    assembly, flying = build(task), load_controller(controller, task.robot)
    pilot = Pilot(load_controller(controller, task.robot), task.robot, task.arena)
    assembly.reset(np.array([11, 12]))
    filtered = 0
    for _ in range(12):
        world, issued = assembly.world, assembly.scene.arrays.issued.copy()
        snapshots = [
            [
                Snapshot(world.positions[e].copy(), world.velocities[e].copy(), np.zeros(14), i, issued[e, i],
                         assembly.scene.shapes[e], 14)
                for i in range(14)
            ]
            for e in range(2)
        ]  # fmt: skip
        assembly.advance(flying.act(assembly.perceptions, assembly.scene, assembly.rows))
        for e in range(2):
            for i in range(14):
                command = pilot.command(snapshots[e][i])
                np.testing.assert_allclose(command.velocity, assembly.scene.arrays.issued[e, i], atol=1e-9)
                assert command.filter_active == assembly.filter_active[e * 14 + i]
                filtered += command.filter_active
    assert filtered > 0, "the filter had something to do"


def test_rewards_count_the_cells_that_one_robot_alone_covers(build):
    assembly = build(replace(TASK, sensing=Sensing(1.6, 13, 4096)))
    assembly.reset(np.array([1, 2]))
    assert assembly.config.reward == "marginal"
    earned = 0.0
    for _ in range(40):
        batch = assembly.step(assembly.prior.act(assembly.perceptions, assembly.scene, assembly.rows).reshape(2, 8, 2))
    for e, shape in enumerate(assembly.scene.shapes):
        ways = np.linalg.norm(shape.cells[:, None] - assembly.world.positions[e][None], axis=2)
        cover = shape.avoid_distance(8) / 2
        covers = ways <= cover
        alone = covers[covers.sum(axis=1) == 1].sum(axis=0)
        inside = ways.min(axis=0) < math.sqrt(0.5) * shape.pitch
        expected = np.where(inside, np.minimum(alone / (math.pi * cover**2 / shape.pitch**2), 1.0), 0.0)
        np.testing.assert_allclose(batch.rewards[e], expected, atol=1e-9)
        earned += expected.sum()
    assert earned > 2.0


def test_intrusiveness_and_share_of_filtered_commands(build):
    assembly = build()
    assembly.reset(np.array([1, 2]))
    actions = np.random.default_rng(1).uniform(-1, 1, (16, 2))
    issued = assembly.scene.arrays.issued.reshape(16, 2).copy()
    velocities = assembly.world.velocities.reshape(16, 2).copy()
    assembly.advance(actions)
    # At the start the last command is the velocity itself, so the wish is v + 0.1·u, at most 0.8 m/s.
    np.testing.assert_array_equal(issued, velocities)
    wish = velocities + 0.1 * actions
    wish *= np.minimum(1, 0.8 / np.linalg.norm(wish, axis=1))[:, None]
    difference = np.linalg.norm(assembly.scene.arrays.issued.reshape(16, 2) - wish, axis=1)
    np.testing.assert_allclose(assembly.intrusiveness, difference / 0.8, atol=1e-12)
    np.testing.assert_array_equal(assembly.filter_active, difference > 1e-8)


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"robots": 1}, "robots is 1; a swarm needs at least 2"),
        ({"robots": 0}, "robots is 0"),
        ({"reward": "money"}, r"Unknown reward 'money'\. Available: published, marginal"),
        ({"layout": "cubist"}, r"Unknown observation layout 'cubist'\. Available: polar-1"),
        ({"episode_steps": 0}, "episode_steps is 0"),
        ({"shapes": ()}, "shapes is empty"),
    ],
)
def test_tasks_that_cannot_be_set(values, message):
    with pytest.raises(MusterError, match=message):
        AssemblyConfig(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"world": "gazebo"}, r"Unknown world 'gazebo'\. Available: bullet"),
        ({"prior": "oracle"}, r"Unknown controller 'oracle'\. Available: "),
        ({"shapes": ("R", "")}, "text"),
        ({"robots": 4000}, "4000 robots of radius"),
    ],
)
def test_tasks_that_cannot_be_built(values, message):
    with pytest.raises(MusterError, match=message):
        ShapeAssembly(replace(TASK, **values), 1)


def test_a_shape_larger_than_the_arena():
    with pytest.raises(MusterError, match=r"The shape is \d\.\d\d m too large for the arena"):
        draw_episode(0, SHAPES, replace(TASK, arena=Arena(1.0, 1.0)))


def test_actions_of_another_shape_or_not_finite(build):
    assembly = build()
    assembly.reset(np.array([1, 2]))
    with pytest.raises(MusterError, match="actions have shape"):
        assembly.step(np.zeros((2, 8)))
    actions = np.zeros((2, 8, 2))
    actions[1, 2, 0] = np.nan
    with pytest.raises(MusterError, match=r"actions\[1, 2, 0\] is nan"):
        assembly.step(actions)


def test_a_slow_robot_starts_slowly():
    """Starting speeds follow the robot's limit: U(±0.5 m/s) is meant for LAMARL's 0.8 m/s."""
    slow = AssemblyConfig(robots=5, robot=RobotModel(max_speed=0.2))
    speeds = [np.abs(draw_episode(seed, SHAPES, slow).velocities).max() for seed in range(20)]
    assert max(speeds) <= 0.5 * 0.25
    assert max(speeds) > 0.1
