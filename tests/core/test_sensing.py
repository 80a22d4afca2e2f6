"""Perception against brute force: nearest cell, neighbours, cells with their states, subsampling, symmetry."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from muster_core.errors import MusterError
from muster_core.kernels.sensing import FREE, MINE, OTHERS, nearest_cell
from muster_core.scene import Scene, SceneArrays, Sensing, Snapshot, perceive
from muster_core.shape import Shape

seeds = st.integers(0, 2**32 - 1)


@st.composite
def shapes(draw):
    rows, columns = draw(st.integers(1, 14)), draw(st.integers(1, 14))
    density = draw(st.sampled_from([0.02, 0.1, 0.5]))  # few cells: the nearest lies many columns away
    occupancy = np.random.default_rng(draw(seeds)).random((rows, columns)) < density
    occupancy[draw(st.integers(0, rows - 1)), draw(st.integers(0, columns - 1))] = True
    pitch, turn = draw(st.floats(0.02, 0.5)), draw(st.floats(-math.pi, math.pi))
    return Shape(occupancy, pitch, draw(st.floats(-3, 3)), draw(st.floats(-3, 3)), turn)


def random_scene(generator, environments=2, robots=7):
    """Robots strewn over shapes of different lattice sizes, some of them absent."""
    made = []
    for _ in range(environments):
        size = generator.integers(2, 16, 2)
        occupancy = generator.random(size) < 0.7
        occupancy[0, 0] = True
        made.append(Shape.from_array(occupancy, 0.1, *generator.uniform(-1, 1, 2), generator.uniform(-3, 3)))
    spread = generator.choice([0.2, 0.6, 1.5])
    centres = np.array([shape.centre for shape in made])
    arrays_ = SceneArrays(
        positions=centres[:, None] + generator.normal(0, spread, (environments, robots, 2)),
        velocities=generator.uniform(-1, 1, (environments, robots, 2)),
        issued=np.zeros((environments, robots, 2)),
        ages=np.zeros((environments, robots)),
        present=(generator.random((environments, robots)) < 0.8).astype(np.uint8),
    )
    return Scene(arrays_, made, generator.integers(1, 12, environments))


@settings(max_examples=300, deadline=None)
@given(shapes(), st.floats(-1, 2), st.floats(-1, 2), st.sampled_from([1.0, 3.0, 1000.0]))
def test_nearest_cell_against_all_cells(shape, across, along, far):
    """Points in and around the shape, and up to a thousand sizes away."""
    width, height = shape.size
    point = shape.to_world(np.array([[across * width * far, along * height * far]]))[0]
    tables = shape.tables
    rows, columns = shape.occupancy.shape
    offset = np.array(nearest_cell(*point, tables.below, tables.above, rows, columns, tables.frame))
    distances = np.linalg.norm(shape.cells - point, axis=1)
    tolerance = 1e-11 * (1 + np.abs(point).max())
    assert np.linalg.norm(offset) == pytest.approx(distances.min(), abs=tolerance)
    landed = np.linalg.norm(shape.cells - (point + offset), axis=1).min()
    assert landed < tolerance, "the way ends on a cell"


def brute_neighbours(scene, e, i, radius, limit):
    """(found, 4) relative positions and velocities, nearest first."""
    a = scene.arrays
    others = [j for j in range(a.positions.shape[1]) if j != i and a.present[e, j]]
    way = a.positions[e, others] - a.positions[e, i]
    distance = np.linalg.norm(way, axis=1)
    order = [k for k in np.argsort(distance, kind="stable") if distance[k] <= radius][:limit]
    return np.hstack([way[order], a.velocities[e, others][order] - a.velocities[e, i]])


def brute_states(cells, neighbours, cover):
    """State of each cell (m, 2), relative, by its definition."""
    mine = np.linalg.norm(cells, axis=1) <= cover
    others = np.zeros(len(cells), bool)
    for neighbour in neighbours:
        others |= np.linalg.norm(cells - neighbour[:2], axis=1) <= cover
    return np.where(others, OTHERS, np.where(mine, MINE, FREE))


@settings(max_examples=80, deadline=None)
@given(seeds, st.sampled_from([(1.6, 8, 400), (1.6, 2, 400), (0.7, 8, 400), (4.0, 3, 400)]))
def test_perception_against_brute_force(seed, sensing):
    scene = random_scene(np.random.default_rng(seed))
    sensing = Sensing(*sensing)
    rows = scene.all_rows()
    seen = perceive(scene, rows, sensing)
    for b, (e, i) in enumerate(rows):
        shape, me = scene.shapes[e], scene.arrays.positions[e, i]
        avoid = 2 * math.sqrt(len(shape.cells) * shape.pitch**2 / (math.pi * scene.team_sizes[e]))
        radius = sensing.radius_ratio * avoid
        assert seen.avoid[b] == pytest.approx(avoid)
        assert seen.radius[b] == pytest.approx(radius)
        assert seen.pitch[b] == shape.pitch
        np.testing.assert_array_equal(seen.velocity[b], scene.arrays.velocities[e, i])

        expected = brute_neighbours(scene, e, i, radius, sensing.neighbours)
        assert seen.neighbour_count[b] == len(expected)
        np.testing.assert_allclose(seen.neighbours[b, : len(expected)], expected, atol=1e-12)

        offsets = shape.cells - me
        distance = np.linalg.norm(offsets, axis=1)
        assume(np.abs(distance - radius).min() > 1e-9)
        near = offsets[distance <= radius]
        assert seen.cell_count[b] == len(near)
        assert seen.cell_weight[b] == 1.0
        np.testing.assert_allclose(seen.cells[b, : len(near)], near, atol=1e-9)
        np.testing.assert_array_equal(seen.states[b, : len(near)], brute_states(near, expected, avoid / 2))

        assert np.linalg.norm(seen.target[b]) == pytest.approx(distance.min(), abs=1e-9)
        assert seen.inside[b] == (distance.min() < math.sqrt(2) * shape.pitch / 2)


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 40))
def test_subsample_is_even_and_weighted(seed, limit):
    """The kept cells are every (total/limit)-th of those in reach, and each stands for total/limit of them."""
    scene = random_scene(np.random.default_rng(seed))
    rows = scene.all_rows()
    everything, some = perceive(scene, rows, Sensing(2.0, 8, 400)), perceive(scene, rows, Sensing(2.0, 8, limit))
    for b in range(len(rows)):
        total, kept = everything.cell_count[b], some.cell_count[b]
        assert kept == min(total, limit)
        if kept == 0:
            assert some.cell_weight[b] == 1.0
            continue
        assert some.cell_weight[b] * kept == pytest.approx(total, rel=1e-12)
        distances = np.linalg.norm(everything.cells[b, :total][:, None] - some.cells[b, :kept][None], axis=2)
        chosen = distances.argmin(axis=0)
        assert distances.min(axis=0).max() == 0.0
        np.testing.assert_array_equal(some.states[b, :kept], everything.states[b, chosen])
        steps = np.diff(np.concatenate([[-1], chosen]))
        assert steps.min() >= 1
        assert set(steps) <= {math.floor(total / kept), math.ceil(total / kept)}
        assert chosen[-1] == total - 1


@settings(max_examples=60, deadline=None)
@given(seeds, st.floats(-50, 50), st.floats(-50, 50), st.floats(-math.pi, math.pi))
def test_moving_and_turning_the_world_changes_nothing_but_directions(seed, x, y, turn):
    scene = random_scene(np.random.default_rng(seed))
    cosine, sine = math.cos(turn), math.sin(turn)
    rotation = np.array([[cosine, -sine], [sine, cosine]])
    a = scene.arrays
    moved_shapes = []
    for shape in scene.shapes:
        origin = rotation @ [shape.origin_x, shape.origin_y] + [x, y]
        moved_shapes.append(Shape(shape.occupancy, shape.pitch, *origin, shape.yaw + turn))
    moved = Scene(
        a._replace(positions=a.positions @ rotation.T + [x, y], velocities=a.velocities @ rotation.T),
        moved_shapes,
        scene.team_sizes,
    )
    sensing = Sensing(1.6, 8, 60)
    before, after = perceive(scene, scene.all_rows(), sensing), perceive(moved, scene.all_rows(), sensing)
    # Rounding may move a cell or a robot over the edge of sight; those draws say nothing.
    assume((before.cell_count == after.cell_count).all() and (before.neighbour_count == after.neighbour_count).all())
    np.testing.assert_array_equal(after.inside, before.inside)
    np.testing.assert_allclose(
        np.linalg.norm(after.target, axis=1), np.linalg.norm(before.target, axis=1), atol=1e-10, rtol=0
    )
    for b in range(len(before.inside)):
        cells, robots = before.cell_count[b], before.neighbour_count[b]
        np.testing.assert_allclose(after.cells[b, :cells], before.cells[b, :cells] @ rotation.T, atol=1e-10)
        np.testing.assert_array_equal(after.states[b, :cells], before.states[b, :cells])
        turned = np.hstack([before.neighbours[b, :robots, k : k + 2] @ rotation.T for k in (0, 2)])
        np.testing.assert_allclose(after.neighbours[b, :robots], turned, atol=1e-10)


def snapshot(positions, shape, team_size, me=0):
    positions = np.asarray(positions, float)
    return Snapshot(positions, np.zeros_like(positions), np.zeros(len(positions)), me, np.zeros(2), shape, team_size)


def test_three_states_by_hand():
    # Row of five cells 1 m apart at x = -2 … 2; two robots share it: area 5, avoid 2·sqrt(5/2π) = 1.784, cover 0.892.
    shape = Shape.from_array(np.ones((1, 5)), 1.0)
    scene = snapshot([[0.0, 0.0], [0.8, 0.0]], shape, 2).scene()
    seen = perceive(scene, np.array([[0, 0]]), Sensing(1.6, 8, 200))  # sees 2.855 m
    np.testing.assert_allclose(seen.cells[0, :5, 0], [-2, -1, 0, 1, 2], atol=1e-12)
    # The cell under me is mine, though 0.8 m from the other robot it is covered by it too: others'.
    assert list(seen.states[0, :5]) == [FREE, FREE, OTHERS, OTHERS, FREE]
    alone = perceive(snapshot([[0.0, 0.0]], shape, 2).scene(), np.array([[0, 0]]), Sensing(1.6, 8, 200))
    assert list(alone.states[0, :5]) == [FREE, FREE, MINE, FREE, FREE]


def test_neighbours_at_equal_distance_keep_the_team_order():
    shape = Shape.from_array(np.ones((4, 4)), 0.5)
    scene = snapshot([[0, 0], [0.3, 0], [-0.3, 0], [0, 0.3], [0, -0.3]], shape, 2).scene()
    seen = perceive(scene, np.array([[0, 0]]), Sensing(1.6, 3, 200))
    np.testing.assert_array_equal(seen.neighbours[0, :3, :2], [[0.3, 0], [-0.3, 0], [0, 0.3]])


def test_far_from_the_shape_nothing_is_seen_but_the_way():
    shape = Shape.from_array(np.ones((4, 4)), 0.1)
    scene = snapshot([[3.15, 0.05], [-3, 0]], shape, 2).scene()
    seen = perceive(scene, np.array([[0, 0]]), Sensing())
    assert (seen.cell_count[0], seen.neighbour_count[0], seen.inside[0], seen.cell_weight[0]) == (0, 0, 0, 1.0)
    np.testing.assert_allclose(seen.target[0], [-3.0, 0.0], atol=1e-12)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"radius_ratio": 0.5}, "radius_ratio is 0.5"),
        ({"radius_ratio": math.nan}, "radius_ratio is nan"),
        ({"neighbours": 0}, "neighbours is 0"),
        ({"cells": 5000}, "cells is 5000; it must lie in 1 … 4096"),
    ],
)
def test_robots_that_see_nothing_are_refused(values, message):
    with pytest.raises(MusterError, match=message):
        Sensing(**values)
