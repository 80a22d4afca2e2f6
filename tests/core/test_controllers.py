"""Controllers by name, and the omniscient reference against an assignment by brute force."""

import itertools
import math

import numpy as np
import pytest

from muster_core import layout as layouts
from muster_core.controllers import CONTROLLERS, AssignmentController, assign_goals, load_controller
from muster_core.errors import MusterError
from muster_core.layout import best_layout
from muster_core.robot import RobotModel
from muster_core.scene import Scene, SceneArrays, perceive
from muster_core.shape import Shape


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Layouts of few moves are enough here, and must not reach the user's cache."""
    monkeypatch.setenv("MUSTER_CACHE", str(tmp_path))
    monkeypatch.setattr(layouts, "_known", {})
    monkeypatch.setattr(layouts, "MOVES", 2000)
    monkeypatch.setattr(layouts, "INTERPRETED_MOVES", 2000)


def scene_of(positions, shapes, team_sizes, velocities=None):
    positions = np.asarray(positions, float)
    velocities = np.zeros_like(positions) if velocities is None else np.asarray(velocities, float)
    arrays = SceneArrays(
        positions,
        velocities,
        np.zeros_like(positions),
        np.zeros(positions.shape[:2]),
        np.ones(positions.shape[:2], np.uint8),
    )
    return Scene(arrays, shapes, np.asarray(team_sizes))


def act(controller, scene):
    return controller.act(perceive(scene, scene.all_rows(), controller.sensing), scene, scene.all_rows())


SQUARE = Shape.from_array(np.ones((8, 8)), 0.2, 0.3, -0.2, 0.4)


@pytest.mark.parametrize("name", CONTROLLERS)
def test_every_controller_flies(name):
    """The same interface for all: finite accelerations in [-1, 1], one row per robot asked for."""
    controller = load_controller(name)
    assert controller.name == name
    assert controller.period == 0.1
    controller.check_task(RobotModel(), 0.26)
    generator = np.random.default_rng(0)
    scene = scene_of(generator.normal(0, 0.6, (2, 5, 2)), [SQUARE, SQUARE.moved(0, 0, 1.0)], [5, 5])
    rows = scene.all_rows()[[1, 7, 8]]
    accelerations = controller.act(perceive(scene, rows, controller.sensing), scene, rows)
    assert accelerations.shape == (3, 2)
    assert np.abs(accelerations).max() <= 1.0
    assert np.abs(accelerations).max() > 0.0


def test_unknown_controller_lists_the_choices():
    with pytest.raises(
        MusterError, match=r"^Unknown controller 'experts'\. Available: shipped, a path ending in \.onnx, prior, "
    ):
        load_controller("experts")


def test_a_policy_file_that_is_not_there():
    with pytest.raises(MusterError, match=r"^No policy file 'nowhere\.onnx'\."):
        load_controller("nowhere.onnx")


def test_random_is_repeatable_and_uniform():
    scene = scene_of(np.zeros((1, 400, 2)), [SQUARE], [400])
    first, second = act(load_controller("random"), scene), act(load_controller("random"), scene)
    np.testing.assert_array_equal(first, second)
    assert np.abs(first.mean(axis=0)).max() < 0.1
    assert first.std() == pytest.approx(1 / math.sqrt(3), abs=0.05)


def test_goals_are_the_assignment_with_the_least_summed_square():
    positions = np.random.default_rng(2).uniform(-1, 1, (2, 5, 2))
    shapes = [SQUARE, SQUARE.moved(-0.4, 0.1, -1.0)]
    goals = assign_goals(scene_of(positions, shapes, [5, 5]))
    for e, shape in enumerate(shapes):
        points = shape.to_world(best_layout(shape, 5).points)
        costs = {o: ((positions[e] - points[list(o)]) ** 2).sum() for o in itertools.permutations(range(5))}
        assert ((positions[e] - goals[e]) ** 2).sum() == pytest.approx(min(costs.values()))
        np.testing.assert_allclose(goals[e], points[list(min(costs, key=costs.get))])


def test_more_robots_than_points_stay_and_fewer_take_some():
    positions = np.random.default_rng(3).uniform(-1, 1, (1, 5, 2))
    few = assign_goals(scene_of(positions, [SQUARE], [3]))[0]
    assert (np.abs(few - positions[0]).max(axis=1) == 0).sum() == 2
    many = assign_goals(scene_of(positions[:, :2], [SQUARE], [4]))[0]
    points = SQUARE.to_world(best_layout(SQUARE, 4).points)
    assert all(np.linalg.norm(points - goal, axis=1).min() < 1e-12 for goal in many)


def test_the_best_assignment_stays_the_best_on_the_way():
    positions = np.random.default_rng(4).uniform(-1, 1, (1, 4, 2))
    goals = assign_goals(scene_of(positions, [SQUARE], [4]))
    for share in (0.2, 0.5, 0.9):
        under_way = (1 - share) * positions + share * goals
        np.testing.assert_array_equal(assign_goals(scene_of(under_way, [SQUARE], [4])), goals)


def test_robots_that_solve_it_for_themselves_agree_however_they_list_the_team():
    positions = np.random.default_rng(5).uniform(-1, 1, (4, 2))
    goals = assign_goals(scene_of(positions[None], [SQUARE], [4]))[0]
    order = np.array([2, 0, 3, 1])
    np.testing.assert_array_equal(assign_goals(scene_of(positions[None, order], [SQUARE], [4]))[0], goals[order])


def test_straight_to_the_goal_and_braking_before_it():
    robot = RobotModel(max_speed=0.8, max_acceleration=1.0)
    controller = AssignmentController(robot)
    one = Shape.from_array(np.ones((1, 1)), 1.0)  # one cell, one robot: the goal is near its centre
    goal = assign_goals(scene_of([[[1.5, 0.0]]], [one], [1]))[0, 0]
    far = scene_of([[goal + np.array([1.5, 0.0])]], [one], [1])
    np.testing.assert_allclose(act(controller, far)[0], [-1.0, 0.0], atol=1e-9)
    # 4 cm before it: sqrt(1·0.04) = 0.2 m/s is the speed wanted; 0.25 is too fast by 0.05, half of what a step changes
    near = scene_of([[goal + np.array([0.04, 0.0])]], [one], [1], velocities=[[[-0.25, 0.0]]])
    np.testing.assert_allclose(act(controller, near)[0], [0.5, 0.0], atol=1e-9)
