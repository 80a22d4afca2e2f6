"""Obstacles: polygons at the door, the same bodies in both worlds, and a filter that never lets anybody touch them."""

import math
from dataclasses import replace

import numpy as np
import pytest
import shapely

from muster_core.controllers import load_controller
from muster_core.errors import MusterError
from muster_core.layout import best_layout
from muster_core.pilot import Pilot
from muster_core.robot import Arena, RobotModel
from muster_core.scene import Sensing, Snapshot
from muster_core.shape import load_shape
from muster_sim.assembly import AssemblyConfig, ShapeAssembly
from muster_sim.contract import PERIOD
from muster_sim.events import Kill
from muster_sim.flights import Flights
from muster_sim.obstacles import obstacle_distance, open_obstacles
from muster_sim.pictures import paths_picture
from muster_sim.randomisation import Randomisation
from muster_sim.recording import Recording
from muster_sim.rollouts import describe, fly
from muster_sim.starts import draw_episode
from muster_sim.video import draw_frame
from muster_sim.world import make_world

WORLDS = ("bullet", "kinematic")
HOOK = "POLYGON ((-0.5 -0.3, 0.7 -0.3, 0.7 0.5, 0.5 0.5, 0.5 -0.1, -0.5 -0.1, -0.5 -0.3))"
"""An L: a corner to be caught in, and corners to bump into."""
BLOCK = "POLYGON ((-0.2 -0.2, 0.2 -0.2, 0.2 0.2, -0.2 0.2, -0.2 -0.2))"
ARENA = Arena(obstacles=open_obstacles(HOOK))
TASK = AssemblyConfig(robots=8, shapes=("disc",), height=1.2, episode_steps=100, world="kinematic", arena=ARENA)


class Rendezvous:
    """Everybody straight into the inner corner of the L and beyond."""

    name, sensing, period = "rendezvous", Sensing(), PERIOD

    def act(self, perceptions, scene, rows):
        way = np.array([0.6, -0.2]) - scene.arrays.positions[rows[:, 0], rows[:, 1]]
        return np.clip(2.0 * way / np.linalg.norm(way, axis=1, keepdims=True), -1, 1)


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


def flown(environment, controller):
    seeds = np.arange(environment.environments)
    starts = [draw_episode(int(seed), environment.shapes, environment.config) for seed in seeds]
    return fly(environment, controller, starts, seeds)


# -- worlds ------------------------------------------------------------------------------------------------------------


def driven_at_block(name):
    """Three robots that nobody filters drive at a face and a corner of a block: where they end, shape (4, 2) [m]."""
    world = make_world(name, 1, 4, RobotModel(), Arena(obstacles=open_obstacles(BLOCK)))
    places = np.array([[[-0.6, 0.0], [0.6, 0.1], [0.6, 0.6], [-1.0, 1.0]]])
    world.reset(np.array([0]), places, np.zeros((1, 4, 2)))
    for _ in range(25):
        world.step(np.array([[[0.8, 0.0], [-0.6, 0.0], [-0.5, -0.5], [0.0, 0.0]]]))
    world.close()
    return world.positions[0].copy()


@pytest.mark.parametrize("name", WORLDS)
def test_obstacles_are_solid_and_exact(name):
    """Flush with a face; at a corner the disc's centre is one radius away, on the diagonal."""
    found = driven_at_block(name)
    assert found[0] == pytest.approx([-0.235, 0.0], abs=1e-3)
    assert found[1] == pytest.approx([0.235, 0.1], abs=1e-3)
    assert found[2] == pytest.approx([0.2 + 0.035 / math.sqrt(2)] * 2, abs=1e-3)
    assert found[3].tolist() == [-1.0, 1.0]


@pytest.mark.parametrize("name", WORLDS)
def test_nobody_starts_in_an_obstacle(name):
    world = make_world(name, 1, 1, RobotModel(), Arena(obstacles=open_obstacles(BLOCK)))
    for place, distance in (([0.0, 0.1], "-0.100"), ([0.22, 0.0], "0.020")):
        with pytest.raises(MusterError, match=rf"^Robot 0 starts {distance} m from an obstacle; its radius is 0.035 m"):
            world.reset(np.array([0]), np.array([[place]]), np.zeros((1, 1, 2)))
    world.close()


# -- filter ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("controller", [Rendezvous(), "coverage", "shipped"])
def test_nobody_touches_an_obstacle(build, world, controller):
    task = replace(TASK, world=world)
    if isinstance(controller, str):
        controller = load_controller(controller, task.robot)
    for rollout in flown(build(replace(task, sensing=controller.sensing)), controller):
        assert rollout.contacts == 0
        assert rollout.obstacle_clearance > 0.005


def test_nor_with_noisy_poses_and_other_robots(build):
    rollouts = flown(build(replace(TASK, randomisation=Randomisation.standard()), 12), Rendezvous())
    assert min(rollout.obstacle_clearance for rollout in rollouts) > 0.0
    assert sum(rollout.contacts for rollout in rollouts) == 0


def test_differential_robots_neither(build):
    robot = RobotModel(kinematics="differential", look_ahead=0.05, radius=0.05)
    rollouts = flown(build(replace(TASK, robot=robot, height=1.8)), Rendezvous())
    assert min(rollout.obstacle_clearance for rollout in rollouts) > 0.0


def test_a_pilot_that_knows_the_obstacles_decides_the_same(build):
    environment, controller = build(environments=1), Rendezvous()
    pilot = Pilot(controller, TASK.robot, ARENA)
    environment.reset(np.array([3]))
    held = 0
    for _ in range(40):
        world, issued = environment.world, environment.scene.arrays.issued[0].copy()
        shape = environment.scene.shapes[0]
        expected = [
            pilot.command(
                Snapshot(world.positions[0], world.velocities[0], np.zeros(8), i, issued[i], shape, 8)
            )
            for i in range(8)
        ]  # fmt: skip
        environment.advance(controller.act(environment.perceptions, environment.scene, environment.rows))
        np.testing.assert_allclose(environment.scene.arrays.issued[0], [c.velocity for c in expected], atol=1e-9)
        held += sum(c.filter_active for c in expected)
    assert held > 20


def test_the_first_stop_before_a_face_by_hand():
    """Full throttle at a face: standstill one radius and the filter's centimetre before it."""
    environment = ShapeAssembly(
        replace(TASK, robots=2, shapes=("disc",), arena=Arena(obstacles=open_obstacles(BLOCK))), 1
    )
    places = np.array([[[-1.2, 0.05], [2.0, 2.0]]])
    environment.place([load_shape("disc")], places, np.zeros((1, 2, 2)), np.array([0]))
    for _ in range(80):
        environment.advance(np.array([[1.0, 0.0], [0.0, 0.0]]))
    assert environment.world.positions[0, 0] == pytest.approx([-0.245, 0.05], abs=2e-3)
    environment.close()


# -- starts ------------------------------------------------------------------------------------------------------------


def test_starts_and_shapes_keep_clear_of_obstacles():
    shapes = {"disc": load_shape("disc", height=1.2)}
    for seed in range(30):
        start = draw_episode(seed, shapes, TASK)
        assert obstacle_distance(start.positions, ARENA).min() >= 2 * TASK.robot.radius
        assert obstacle_distance(start.shape.cells, ARENA).min() >= TASK.robot.radius + 0.02
        speed = np.linalg.norm(start.velocities, axis=1)
        way = speed * 0.15 + speed**2 / 3.0  # period and lag, then trusted braking of 1.5 m/s²
        assert (way <= obstacle_distance(start.positions, ARENA) - 0.045 + 1e-9).all()


def test_a_shape_without_room_is_refused():
    full = Arena(obstacles=open_obstacles("POLYGON ((-1.5 -1.5, 1.5 -1.5, 1.5 1.5, -1.5 1.5, -1.5 -1.5))"))
    with pytest.raises(MusterError, match=r"^The obstacles leave no room for a shape of"):
        draw_episode(0, {"disc": load_shape("disc")}, replace(TASK, arena=full))


# -- the door ----------------------------------------------------------------------------------------------------------


def test_polygons_become_rings(tmp_path):
    overlapping = "MULTIPOLYGON (((0 0, 2 0, 2 2, 0 2, 0 0), (0.5 0.5, 1 0.5, 1 1, 0.5 1, 0.5 0.5)))"
    rings = open_obstacles(overlapping)
    assert len(rings) == 1
    assert shapely.Polygon(rings[0]).area == pytest.approx(4.0), "holes are filled"
    file = tmp_path / "room.wkt"
    file.write_text(overlapping)
    assert open_obstacles(file) == rings
    two = shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(3, 3, 4, 4)])
    assert [shapely.Polygon(ring).area for ring in open_obstacles(two)] == pytest.approx([1.0, 1.0])
    arena = Arena(4.0, 4.0, open_obstacles(two))
    assert arena.edges.shape == (8, 4)
    np.testing.assert_allclose(obstacle_distance([[0.5, 0.5], [2.0, 0.5], [3.4, 3.1]], arena), [-0.5, 1.0, -0.1])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("POLYGON ((0 0, 1 1", r"^Obstacles 'POLYGON \(\(0 0, 1 1' are no WKT geometry"),
        ("LINESTRING (0 0, 1 1)", r"^Obstacles must be valid polygons; these are not: LineString$"),
        ("POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))", r"these are not: Self-intersection"),
        ("POLYGON EMPTY", r"^Obstacles must be valid polygons"),
        ("nowhere.wkt", r"^Cannot read the obstacles 'nowhere\.wkt'"),
        (shapely.Point(0, 0).buffer(1.0, quad_segs=200), r"^The obstacles have 800 corners, at most 500 are taken"),
    ],
)
def test_what_is_no_obstacle_is_refused(source, message):
    with pytest.raises(MusterError, match=message):
        open_obstacles(source)


@pytest.mark.parametrize("obstacle", [((0.0, 0.0), (1.0, 0.0)), ((0.0, 0.0), (1.0, 0.0), (math.nan, 1.0)), ((0.0,),)])
def test_an_arena_takes_polygons_only(obstacle):
    with pytest.raises(MusterError, match="is no polygon: give at least 3 corners"):
        Arena(obstacles=(obstacle,))


# -- pictures ----------------------------------------------------------------------------------------------------------


def test_obstacles_and_the_dead_are_drawn_and_recorded(build, tmp_path):
    rollouts = flown(build(replace(TASK, events=(Kill(30, share=0.3),)), 1), load_controller("coverage"))
    assert describe(rollouts[0], 0.8, 1.0)["obstacle_clearance_m"] == rollouts[0].obstacle_clearance
    recording = Flights("coverage", {"disc": rollouts}, TASK.robot, ARENA).recording("disc")
    recording.save(tmp_path / "run.npz")
    again = Recording.load(tmp_path / "run.npz")
    assert again.arena == ARENA
    np.testing.assert_array_equal(again.members, recording.members)
    assert recording.members[-1].sum() == 6
    np.testing.assert_allclose(again.coverage(), recording.coverage())
    best = best_layout(rollouts[0].shape, 6).coverage
    assert recording.coverage_normalised()[-1] * best == pytest.approx(recording.coverage()[-1])
    paths_picture(again, tmp_path / "paths.png")
    assert (tmp_path / "paths.png").stat().st_size > 10_000
    last = rollouts[0].positions[-1]
    seen = [
        draw_frame(last, rollouts[0].shape, arena, 0.035, 0.3, 1.0, best, members=members)
        for arena, members in ((ARENA, None), (Arena(), None), (ARENA, recording.members[-1]))
    ]
    grey = [int((frame == np.array([0x8B, 0x95, 0xA1])).all(axis=2).sum()) for frame in seen]
    scale = (720 - 2 * 20) / 4.8
    assert grey[0] == pytest.approx((1.2 * 0.2 + 0.2 * 0.6) * scale**2, rel=0.05)
    assert grey[1] < 50
    assert not np.array_equal(seen[0], seen[2])
