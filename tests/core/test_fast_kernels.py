"""The fast kernels against the straightforward ones that they replaced: equal to 1e-12, at any size."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster_core.control_step import ControlStep
from muster_core.kernels.observation import POLAR_SIZE, observe_polar_rows, turn_of
from muster_core.robot import Arena, RobotModel
from muster_core.scene import Perceptions, Scene, SceneArrays, Sensing, perceive
from muster_core.shape import Shape

_spec = importlib.util.spec_from_file_location("reference_kernels", Path(__file__).with_name("reference_kernels.py"))
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)

seeds = st.integers(0, 2**32 - 1)
ROBOT = RobotModel(delay=0.02)


def crowded_scene(seed, environments, robots, side=24):
    """Robots in and around shapes with holes, some absent, some with old poses, lattices of different sizes."""
    generator = np.random.default_rng(seed)
    shapes = []
    for _ in range(environments):
        occupancy = generator.random(generator.integers(2, side, 2)) < generator.choice([0.3, 0.8, 1.0])
        occupancy[0, 0] = True
        pitch = generator.uniform(0.03, 0.1)
        shapes.append(Shape.from_array(occupancy, pitch, *generator.uniform(-1, 1, 2), generator.uniform(-3, 3)))
    reach = np.array([max(s.size) for s in shapes])[:, None, None] * generator.choice([0.3, 0.6, 2.0])
    shape = (environments, robots, 2)
    arrays = SceneArrays(
        positions=np.array([s.centre for s in shapes])[:, None] + reach * generator.uniform(-1, 1, shape),
        velocities=generator.uniform(-1, 1, shape),
        issued=generator.uniform(-0.6, 0.6, shape),
        ages=generator.choice([0.0, 0.0, 0.05, 0.4], shape[:2]),
        present=(generator.random(shape[:2]) < 0.9).astype(np.uint8),
    )
    return Scene(arrays, shapes, generator.integers(1, 40, environments)), generator


def padded_occupancy(scene):
    high, wide = scene.lattices.extents.max(axis=0)
    padded = np.zeros((len(scene.shapes), high, wide), np.uint8)
    for e, shape in enumerate(scene.shapes):
        padded[e, : shape.occupancy.shape[0], : shape.occupancy.shape[1]] = shape.occupancy
    return padded


def perceived_both_ways(scene, rows, sensing):
    expected = Perceptions.empty(len(rows), sensing)
    radius = sensing.radius_ratio * scene.avoid
    reference.sense_rows(rows, scene.arrays, scene.lattices, padded_occupancy(scene), scene.avoid, radius, expected)
    return perceive(scene, rows, sensing), expected


def assert_same_sight(seen, expected):
    for name in ("neighbour_count", "cell_count", "inside", "velocity", "avoid", "radius", "pitch"):
        np.testing.assert_array_equal(getattr(seen, name), getattr(expected, name), err_msg=name)
    np.testing.assert_allclose(seen.cell_weight, expected.cell_weight, rtol=1e-15)
    np.testing.assert_allclose(seen.target, expected.target, atol=1e-12)
    for b in range(len(seen.inside)):
        robots, cells = seen.neighbour_count[b], seen.cell_count[b]
        np.testing.assert_array_equal(seen.neighbours[b, :robots], expected.neighbours[b, :robots])
        np.testing.assert_allclose(seen.cells[b, :cells], expected.cells[b, :cells], atol=1e-12)
        np.testing.assert_array_equal(seen.states[b, :cells], expected.states[b, :cells])


@settings(max_examples=40, deadline=None)
@given(seeds, st.sampled_from([1, 7, 30]), st.sampled_from([(1.6, 8, 200), (1.6, 3, 40), (0.7, 8, 200), (5, 8, 400)]))
def test_sight(seed, robots, sensing):
    scene, generator = crowded_scene(seed, 2, robots)
    rows = scene.all_rows()
    chosen = rows[np.sort(generator.choice(len(rows), min(len(rows), 12), replace=False))]
    assert_same_sight(*perceived_both_ways(scene, chosen, Sensing(*sensing)))


@pytest.mark.parametrize("ratio", [1.6, 4.0])
def test_sight_of_a_large_team_by_cell_list(ratio):
    """More robots than are looped over plainly, more rows than a block, and a lattice of many columns."""
    scene, _ = crowded_scene(3, 2, 150, side=120)
    assert_same_sight(*perceived_both_ways(scene, scene.all_rows(), Sensing(ratio, 8, 200)))


def test_sight_of_robots_all_on_one_line_or_spot():
    scene, _ = crowded_scene(4, 1, 80)
    for spread in (np.array([0.0, 0.0]), np.array([1.0, 0.0]), np.array([0.0, 3.0])):
        scene.arrays.positions[:] = scene.shapes[0].centre + np.linspace(-1, 1, 80)[:, None] * spread
        assert_same_sight(*perceived_both_ways(scene, scene.all_rows(), Sensing()))


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_polar_observation(seed):
    scene, _ = crowded_scene(seed, 2, 12)
    seen = perceive(scene, scene.all_rows(), Sensing())
    expected, out = np.zeros((24, POLAR_SIZE)), np.full((24, POLAR_SIZE), np.nan)
    reference.observe_polar_rows(seen, 0.8, expected)
    observe_polar_rows(seen, 0.8, out)
    np.testing.assert_allclose(out, expected, atol=1e-12, rtol=1e-12)
    single = np.zeros((24, POLAR_SIZE), np.float32)
    observe_polar_rows(seen, 0.8, single)
    np.testing.assert_array_equal(single, out.astype(np.float32))


def test_turns_are_those_of_atan2():
    angles = np.concatenate([np.linspace(-math.pi, math.pi, 4001), [0.0, 1e-300, 1e-9]])
    for length in (1e-8, 0.3, 1e6):
        for angle in angles:
            x, y = length * math.cos(angle), length * math.sin(angle)
            away = abs(turn_of(x, y) - math.atan2(y, x) / (2 * math.pi)) % 1.0
            assert min(away, 1.0 - away) < 1e-14
    assert turn_of(0.0, 0.0) == 0.0


@settings(max_examples=40, deadline=None)
@given(seeds, st.sampled_from([1, 3, 12, 80]))
def test_filter(seed, robots):
    scene, generator = crowded_scene(seed, 1, robots)
    arena = Arena(1.8, 1.5)
    step = ControlStep(ROBOT, arena, Sensing(), 0.1)
    rows = scene.all_rows()
    desired = scene.arrays.issued[0] + generator.uniform(-0.3, 0.3, (robots, 2))
    out, activity = step.filter(scene, rows, desired)
    expected, known = np.zeros((robots, 2)), np.zeros(robots, np.int8)
    radius = 1.6 * scene.avoid
    work = np.zeros((20, 4))
    reference.filter_rows(rows, scene.arrays, radius, arena.bounds, step.limits, desired, work, expected, known)
    np.testing.assert_array_equal(activity, known)
    # Where two answers are equally near within the filter's tolerance of 1e-9, either will do.
    np.testing.assert_allclose(out, expected, atol=2e-9)
    assert np.quantile(np.abs(out - expected), 0.9) < 1e-12
