"""Whole episodes and their figures, against direct computation. Real PyBullet."""

import math

import numpy as np
import pytest

from muster_core import layout as layouts
from muster_core.controllers import load_controller
from muster_core.layout import Layout, best_layout
from muster_core.robot import RobotModel
from muster_core.shape import Shape
from muster_sim import rollouts
from muster_sim.assembly import AssemblyConfig, ShapeAssembly
from muster_sim.rollouts import Rollout, describe, fly
from muster_sim.starts import draw_episode

TASK = AssemblyConfig(robots=14, shapes=("disc", "R"), episode_steps=25)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Layouts of few moves are enough here, and must not reach the user's cache."""
    monkeypatch.setenv("MUSTER_CACHE", str(tmp_path))
    monkeypatch.setattr(layouts, "_known", {})
    monkeypatch.setattr(layouts, "MOVES", 20_000)
    monkeypatch.setattr(layouts, "INTERPRETED_MOVES", 2_000)


@pytest.fixture
def environment():
    made = ShapeAssembly(TASK, 2)
    yield made
    made.close()


def starts_of(environment, seeds=(1, 2)):
    return [draw_episode(seed, environment.shapes, environment.config) for seed in seeds]


def test_fly_records_what_the_world_did(environment):
    starts = starts_of(environment)
    flown = fly(environment, load_controller("prior", TASK.robot), starts, np.array([1, 2]))
    assert [r.positions.shape for r in flown] == [(26, 14, 2)] * 2
    for e, (rollout, start) in enumerate(zip(flown, starts, strict=True)):
        assert rollout.shape is start.shape
        np.testing.assert_array_equal(rollout.positions[0], start.positions)
        np.testing.assert_array_equal(rollout.positions[-1], environment.world.positions[e])
        steps = np.linalg.norm(np.diff(rollout.positions, axis=0), axis=2)
        assert 0.0 < steps.max() <= TASK.robot.max_speed * 0.1 + 1e-6
        pairs = [np.linalg.norm(p[:, None] - p[None], axis=2)[np.triu_indices(14, 1)].min() for p in rollout.positions]
        assert rollout.minimum_clearance <= min(pairs) - 2 * TASK.robot.radius + 1e-9, (
            "between the samples it is smaller"
        )
        assert rollout.minimum_clearance > 0.0
        assert rollout.contacts == 0
        assert 0.0 < rollout.filter_share < 1.0
        assert 0.0 < rollout.intrusiveness < 1.0


def test_fly_again_is_the_same_bit_for_bit(environment):
    controller, starts = load_controller("coverage", TASK.robot), starts_of(environment)
    first = fly(environment, controller, starts, np.array([1, 2]))
    second = fly(environment, controller, starts, np.array([1, 2]))
    for ours, theirs in zip(first, second, strict=True):
        np.testing.assert_array_equal(ours.positions, theirs.positions)
        assert ours.intrusiveness == theirs.intrusiveness


def test_better_controllers_cover_more(environment):
    """The order that the literature gives: random, prior, marginal coverage; and the omniscient reference above all."""
    task = AssemblyConfig(robots=10, shapes=("disc",), episode_steps=120)
    room = ShapeAssembly(task, 3)
    starts = [draw_episode(seed, room.shapes, task) for seed in range(3)]
    found = {}
    for name in ("random", "prior", "coverage", "assignment"):
        flown = fly(room, load_controller(name, task.robot), starts, np.arange(3))
        found[name] = np.mean([describe(r, 0.8, 1.0)["coverage_normalised"] for r in flown])
    room.close()
    assert found["random"] < found["prior"] < found["coverage"]
    assert found["assignment"] > 0.95
    assert found["coverage"] > 0.8


# -- describe --------------------------------------------------------------------------------------------------------

SQUARE = Shape.from_array(np.ones((10, 10)), 0.2, 0.2, -0.1, 0.3)


def fabricated(steps=60, arrive=25):
    """Four robots go straight to the best layout of a square, arrive with step ``arrive``, and stay."""
    goals = SQUARE.to_world(best_layout(SQUARE, 4).points)
    starts = goals + np.array([2.5, 0.0])
    share = np.minimum(np.arange(steps + 1) / arrive, 1.0)[:, None, None]
    positions = starts + (goals - starts) * share
    return Rollout(SQUARE, positions, contacts=3, minimum_clearance=0.02, intrusiveness=0.1, filter_share=0.25), goals


def test_figures_against_direct_computation():
    rollout, goals = fabricated()
    found = describe(rollout, 0.8, 1.0)
    cover = math.sqrt(SQUARE.area / (math.pi * 4))

    def covered(points):
        return (np.linalg.norm(SQUARE.cells[:, None] - points[None], axis=2).min(axis=1) <= cover).mean()

    everywhere = np.array([covered(p) for p in rollout.positions[1:]])
    assert found["coverage"] == pytest.approx(everywhere[-20:].mean())
    assert found["coverage_best"] == pytest.approx(covered(goals))
    assert found["coverage_normalised"] == pytest.approx(1.0)
    assert found["area_coverage"] == pytest.approx(found["coverage"], abs=0.1)
    assert found["entering_rate"] == 1.0
    counts = np.bincount(np.linalg.norm(SQUARE.cells[:, None] - goals[None], axis=2).argmin(axis=1), minlength=4)
    assert found["voronoi_variance"] == pytest.approx(counts.var())
    inside = np.array([
        (np.linalg.norm(SQUARE.cells[:, None] - p[None], axis=2).min(axis=0) < math.sqrt(0.5) * 0.2).all()
        for p in rollout.positions[1:]
    ])  # fmt: skip
    good = inside & (everywhere >= 0.9 * covered(goals))
    first = int(np.flatnonzero(good)[0])
    assert good[first:].all()
    assert found["convergence_time_s"] == pytest.approx((first + 1) * 0.1)
    assert 2.0 < found["convergence_time_s"] <= 2.5
    # Everybody has 2.5 m to go, and no other assignment is shorter for all: 2.5/0.8 + 0.8 s
    assert found["time_bound_s"] <= 2.5 / 0.8 + 0.8 + 1e-9
    assert found["optimality_gap"] == pytest.approx(found["convergence_time_s"] / found["time_bound_s"])
    assert (found["contacts"], found["robot_steps"]) == (3.0, 240.0)
    assert (found["minimum_clearance_m"], found["intrusiveness"], found["filter_share"]) == (0.02, 0.1, 0.25)


def test_a_run_that_never_gets_there_is_censored():
    rollout, _ = fabricated(steps=40, arrive=400)
    found = describe(rollout, 0.8, 1.0)
    assert found["convergence_time_s"] == math.inf
    assert found["optimality_gap"] == math.inf
    assert found["entering_rate"] < 1.0


def test_a_run_that_starts_where_it_ends_does_not_count_for_the_gap():
    _, goals = fabricated()
    standing = Rollout(SQUARE, np.repeat(goals[None], 41, axis=0), 0, 0.1, 0.0, 0.0)
    found = describe(standing, 0.8, 1.0)
    assert found["time_bound_s"] == pytest.approx(0.0, abs=1e-6)
    assert math.isnan(found["optimality_gap"])
    assert found["convergence_time_s"] == pytest.approx(0.1)


def test_a_rollout_that_beats_the_best_layout_raises_it(monkeypatch):
    rollout, _ = fabricated()
    truth = best_layout(SQUARE, 4)
    poor = Layout(np.tile(truth.points[:1], (4, 1)), 0.2)
    monkeypatch.setattr(layouts, "_known", {})
    layouts._keep(SQUARE, 4, layouts._Record(poor.points, poor.coverage, layouts.MOVES))
    assert rollouts.best_layout(SQUARE, 4).coverage == 0.2
    found = describe(rollout, 0.8, 1.0)
    assert found["coverage_best"] == pytest.approx(truth.coverage)
    assert found["coverage_normalised"] <= 1.0 + 1e-12
    assert best_layout(SQUARE, 4).coverage == pytest.approx(truth.coverage), "and it stays raised"


def test_default_robot_is_the_published_one():
    robot = RobotModel()
    assert (robot.radius, robot.max_speed, robot.max_acceleration) == (0.035, 0.8, 1.0)
