"""Both rewards: the published one by its three conditions, the marginal one against counts of cells."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster_core.kernels.reward import marginal_rows, published_rows
from muster_core.kernels.sensing import FREE, MINE, OTHERS
from muster_core.scene import Perceptions, Scene, SceneArrays, Sensing, perceive
from muster_core.shape import Shape, load_shape

RING = [(0.15, 0.0), (-0.15, 0.0), (0.0, 0.15), (0.0, -0.15)]


def perception(cells=RING, states=None, neighbours=(), inside=True, avoid=0.26):
    p = Perceptions.empty(1, Sensing(cells=64))
    p.inside[0], p.avoid[0], p.radius[0], p.pitch[0] = inside, avoid, 0.4, 0.05
    p.neighbour_count[0], p.cell_count[0] = len(neighbours), len(cells)
    for k, neighbour in enumerate(neighbours):
        p.neighbours[0, k, :2] = neighbour
    for k, cell in enumerate(cells):
        p.cells[0, k], p.states[0, k] = cell, FREE if states is None else states[k]
    return p


def reward(kernel, p):
    out = np.full(len(p.inside), np.nan)
    kernel(p, out)
    return out


def published(**scene):
    return reward(published_rows, perception(**scene))[0]


def test_published_needs_all_three():
    assert published() == 1.0
    assert published(inside=False) == 0.0
    assert published(neighbours=[(0.25, 0.0)]) == 0.0, "nearer than the avoid distance of 0.26 m"
    assert published(neighbours=[(0.27, 0.0), (0.0, -0.26)]) == 1.0
    assert published(cells=[]) == 0.0, "no free cell in sight"
    assert published(states=[MINE] * 4) == 0.0
    assert published(states=[OTHERS] * 4) == 0.0


def test_published_balance_by_hand():
    """Cells at +0.15 and −x along one line: the ψ-weighted mean offset, compared with the published 0.05 m."""

    def mean(other):
        psi = [0.5 * (1 + math.cos(math.pi * d / 0.4)) for d in (0.15, other)]
        return (psi[0] * 0.15 - psi[1] * other) / sum(psi)

    near, far = 0.10, 0.01
    assert abs(mean(near)) < 0.05 < abs(mean(far))
    assert published(cells=[(0.15, 0), (-near, 0)]) == 1.0
    assert published(cells=[(0.15, 0), (-far, 0)]) == 0.0
    # A covered cell does not count in the balance.
    assert published(cells=[(0.15, 0), (-near, 0)], states=[FREE, MINE]) == 0.0


def test_marginal_by_hand():
    # Three of four cells are mine; a disc of 0.13 m radius holds π·0.0169/0.0025 cells.
    p = perception(states=[MINE, MINE, MINE, OTHERS])
    per_disc = math.pi * 0.13**2 / 0.05**2
    assert reward(marginal_rows, p)[0] == pytest.approx(3 / per_disc)
    p.cell_weight[0] = 2.0
    assert reward(marginal_rows, p)[0] == pytest.approx(6 / per_disc)
    p.cell_weight[0] = 50.0
    assert reward(marginal_rows, p)[0] == 1.0
    p.inside[0] = 0
    assert reward(marginal_rows, p)[0] == 0.0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 14))
def test_marginal_pays_for_the_cells_that_exactly_one_covers(seed, robots):
    """Counted in the world by distances, without perceptions."""
    generator = np.random.default_rng(seed)
    shape = load_shape("disc")
    chosen = shape.cells[generator.choice(len(shape.cells), robots, replace=False)]
    positions = chosen + generator.uniform(-0.4, 0.4, (robots, 2)) * shape.pitch  # everybody in the shape
    arrays = SceneArrays(
        positions[None], np.zeros((1, robots, 2)), np.zeros((1, robots, 2)), np.zeros((1, robots)),
        np.ones((1, robots), np.uint8),
    )  # fmt: skip
    scene = Scene(arrays, [shape], np.array([robots]))
    seen = perceive(scene, scene.all_rows(), Sensing(1.6, 64, 4096))
    cover = shape.avoid_distance(robots) / 2
    covers = np.linalg.norm(shape.cells[:, None] - positions[None], axis=2) <= cover
    once = covers[covers.sum(axis=1) == 1].sum(axis=0)  # cells that each robot alone covers
    per_disc = math.pi * cover**2 / shape.pitch**2
    np.testing.assert_allclose(reward(marginal_rows, seen), np.minimum(once / per_disc, 1.0), atol=1e-12)


def test_both_rewards_stay_in_their_range_for_a_crowd():
    generator = np.random.default_rng(1)
    shape = Shape.from_array(np.ones((12, 12)), 0.1)
    positions = generator.normal(0, 0.4, (3, 20, 2))
    arrays = SceneArrays(
        positions, np.zeros_like(positions), np.zeros_like(positions), np.zeros((3, 20)), np.ones((3, 20), np.uint8)
    )
    scene = Scene(arrays, [shape] * 3, np.full(3, 20))
    seen = perceive(scene, scene.all_rows(), Sensing())
    assert set(np.unique(reward(published_rows, seen))) <= {0.0, 1.0}
    marginal = reward(marginal_rows, seen)
    assert marginal.min() >= 0.0
    assert marginal.max() <= 1.0
    assert marginal.max() > 0.0
