"""The hand-written controllers and the integration of accelerations on scenes that can be worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster_core.control_step import ControlStep
from muster_core.controllers import COVERAGE_GAINS
from muster_core.kernels.control import clip, coverage_rows, expert_rows, prior_rows
from muster_core.kernels.sensing import FREE, MINE, OTHERS
from muster_core.robot import Arena, RobotModel
from muster_core.scene import Perceptions, Scene, SceneArrays, Sensing
from muster_core.shape import Shape

AVOID, SPEED = 0.26, 0.8  # LAMARL's own: its published gains apply as they are


def perception(inside, target=(0.0, 0.0), neighbours=(), cells=(), states=(), velocity=(0.0, 0.0), avoid=AVOID):
    p = Perceptions.empty(1, Sensing(cells=64))
    p.inside[0], p.target[0], p.velocity[0] = inside, target, velocity
    p.avoid[0], p.radius[0], p.pitch[0] = avoid, 0.4, 0.05
    p.neighbour_count[0], p.cell_count[0] = len(neighbours), len(cells)
    for k, neighbour in enumerate(neighbours):
        p.neighbours[0, k] = neighbour
    for k, cell in enumerate(cells):
        p.cells[0, k], p.states[0, k] = cell, states[k] if states else FREE
    # whatever stands beyond the counts must not matter
    p.neighbours[0, len(neighbours) :] = 0.01
    p.cells[0, len(cells) :] = [0.3, 0.1]
    return p


def prior(p, speed=SPEED):
    out = np.full((1, 2), np.nan)
    prior_rows(p, speed, out)
    return out[0]


def expert(p, speed=SPEED):
    out = np.full((1, 2), np.nan)
    expert_rows(p, speed, out)
    return out[0]


def coverage(p, speed=SPEED, **gains):
    values = dict(
        zip(("rim", "width", "entering", "repulsion", "alignment", "damping", "reach"), COVERAGE_GAINS, strict=True)
    )
    out = np.full((1, 2), np.nan)
    coverage_rows(p, speed, np.array(list({**values, **gains}.values())), out)
    return out[0]


def test_clip():
    assert [clip(v) for v in (-3.0, -1.0, 0.25, 1.0, 7.0)] == [-1.0, -1.0, 0.25, 1.0, 1.0]


# -- prior -----------------------------------------------------------------------------------------------------------


def test_prior_does_nothing_alone_inside():
    np.testing.assert_array_equal(prior(perception(True, velocity=(0.5, 0.2))), [0, 0])


def test_prior_enters_along_the_unit_way_and_clips_each_component():
    # 2·unit(0.3, 0.4) = (1.2, 1.6), clipped to (1, 1); 2·unit(−0.1, 2.0) = (−0.0999, 1.9975)
    np.testing.assert_allclose(prior(perception(False, (0.3, 0.4))), [1.0, 1.0])
    np.testing.assert_allclose(prior(perception(False, (-0.1, 2.0))), [-0.2 / math.hypot(0.1, 2.0), 1.0])


def test_prior_pushes_away_in_proportion_to_the_missing_distance():
    # 3·(0.26/0.2 − 1) = 0.9 away from a neighbour at 0.2 m; one beyond the avoid distance does not push
    np.testing.assert_allclose(
        prior(perception(True, neighbours=[(0.2, 0, 0, 0), (0, 0.27, 0, 0)])), [-0.9, 0], atol=1e-12
    )
    # two at right angles, at 0.25 m along the diagonals: 3·(1.04 − 1) = 0.12 each, their sum 0.12·√2 straight back
    half = 0.25 / math.sqrt(2)
    both = prior(perception(True, neighbours=[(half, half, 0, 0), (half, -half, 0, 0)]))
    np.testing.assert_allclose(both, [-0.12 * math.sqrt(2), 0], atol=1e-12)


def test_prior_aligns_with_the_mean_velocity():
    # mean relative velocity (0.1, −0.05) m/s, gain 2, at LAMARL's 0.8 m/s
    two = [(0.3, 0, 0.3, -0.1), (0, 0.3, -0.1, 0.0)]
    np.testing.assert_allclose(prior(perception(True, neighbours=two)), [0.2, -0.1])
    # half the speed limit: the same velocities count twice as much
    np.testing.assert_allclose(prior(perception(True, neighbours=two), speed=0.4), [0.4, -0.2])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_prior_is_the_published_formula(seed):
    generator = np.random.default_rng(seed)
    inside, target = bool(generator.integers(2)), generator.normal(0, 0.5, 2)
    around = np.hstack([generator.normal(0, 0.2, (5, 2)), generator.normal(0, 0.3, (5, 2))])
    wanted = np.zeros(2) if inside else 2 * target / np.linalg.norm(target)
    for x, y, *_ in around:
        distance = math.hypot(x, y)
        if distance < AVOID:
            wanted += 3 * (AVOID / distance - 1) * -np.array([x, y]) / distance
    wanted += 2 * around[:, 2:].mean(axis=0)
    found = prior(perception(inside, target, around))
    np.testing.assert_allclose(found, np.clip(wanted, -1, 1), atol=1e-12)


# -- expert ----------------------------------------------------------------------------------------------------------


def test_expert_does_nothing_where_free_cells_balance():
    ring = [(0.2, 0), (-0.2, 0), (0, 0.2), (0, -0.2)]
    np.testing.assert_allclose(expert(perception(True, cells=ring)), [0, 0], atol=1e-12)
    np.testing.assert_array_equal(expert(perception(True)), [0, 0])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_expert_is_the_published_formula(seed):
    generator = np.random.default_rng(seed)
    inside, target, velocity = bool(generator.integers(2)), generator.normal(0, 0.5, 2), generator.normal(0, 0.3, 2)
    around = np.hstack([generator.normal(0, 0.2, (4, 2)), generator.normal(0, 0.1, (4, 2))])
    cells = generator.uniform(-0.28, 0.28, (20, 2)) * 0.3
    states = generator.choice([FREE, MINE, OTHERS], 20).tolist()
    free = cells[np.array(states) == FREE] if inside else cells
    psi = 0.5 * (1 + np.cos(math.pi * np.linalg.norm(free, axis=1) / 0.4))
    wanted = 15 * (psi[:, None] * free).sum(axis=0) / psi.sum() if len(free) else np.zeros(2)
    if not inside:
        wanted = wanted + target / np.linalg.norm(target) - velocity
    for x, y, *_ in around:
        distance = math.hypot(x, y)
        if distance < AVOID:
            wanted = wanted - 17 * (AVOID / distance - 1) * np.array([x, y])
    wanted = wanted + 5 * around[:, 2:].mean(axis=0)
    found = expert(perception(inside, target, around, cells, states, velocity))
    np.testing.assert_allclose(found, np.clip(wanted, -1, 1), atol=1e-9)


# -- marginal coverage -----------------------------------------------------------------------------------------------


def test_coverage_does_nothing_alone_inside_and_at_rest():
    np.testing.assert_array_equal(coverage(perception(True)), [0, 0])
    ring = [(0.13, 0), (-0.13, 0), (0, 0.13), (0, -0.13)]
    np.testing.assert_allclose(coverage(perception(True, cells=ring)), [0, 0], atol=1e-12)


def test_coverage_is_pulled_by_the_rim_cell_that_nobody_else_covers():
    # One cell exactly on the rim, 0.13 m away: weight 1, so gain/(cells per disc), the disc holding π·0.13²/0.05².
    per_disc = math.pi * 0.13**2 / 0.05**2
    for state in (FREE, MINE):
        found = coverage(perception(True, cells=[(0.13, 0)], states=[state]), rim=2.0)
        np.testing.assert_allclose(found, [2.0 / per_disc, 0], atol=1e-12)
    np.testing.assert_array_equal(coverage(perception(True, cells=[(0.13, 0)], states=[OTHERS])), [0, 0])
    # One rim width further out (0.12 avoid distances) the weight is exp(−1).
    found = coverage(perception(True, cells=[(0, -(0.5 + 0.12) * 0.26)]), rim=2.0, width=0.12)
    np.testing.assert_allclose(found, [0, -2.0 * math.exp(-1) / per_disc], atol=1e-12)


def test_coverage_counts_a_subsample_as_what_it_stands_for():
    p = perception(True, cells=[(0.13, 0)])
    once = coverage(p)
    p.cell_weight[0] = 2.5
    np.testing.assert_allclose(coverage(p), 2.5 * once)


def test_coverage_other_terms_by_hand():
    # entering 2·unit clipped; damping 2·v/0.8; repulsion 3·(0.85·0.26/0.2 − 1) at 0.2 m
    np.testing.assert_allclose(coverage(perception(False, (0, -1.0)), entering=0.7), [0, -0.7])
    np.testing.assert_allclose(coverage(perception(True, velocity=(0.2, 0.0)), damping=2.0), [-0.5, 0])
    found = coverage(perception(True, neighbours=[(0.2, 0, 0, 0)]), repulsion=3.0, reach=0.85)
    np.testing.assert_allclose(found, [-3 * (0.85 * 0.26 / 0.2 - 1), 0])
    found = coverage(perception(True, neighbours=[(0.3, 0, 0.16, 0.08)]), alignment=0.5)
    np.testing.assert_allclose(found, [0.5 * 0.2, 0.5 * 0.1])


# -- all of them -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("controller", [prior, expert, coverage])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), lengths=st.floats(0.1, 10), speeds=st.floats(0.1, 10))
def test_dimensionless_bounded_and_blind_to_direction(controller, seed, lengths, speeds):
    generator = np.random.default_rng(seed)
    inside = bool(generator.integers(2))
    around = np.hstack([generator.normal(0, 0.2, (3, 2)), generator.normal(0, 0.05, (3, 2))])
    p = perception(
        inside, generator.normal(0, 0.3, 2), around, generator.normal(0, 0.1, (12, 2)),
        generator.choice([FREE, MINE, OTHERS], 12).tolist(), generator.normal(0, 0.2, 2),
    )  # fmt: skip
    found = controller(p)
    assert np.abs(found).max() <= 1.0
    scale = np.array([lengths, lengths, speeds, speeds])
    larger = p._replace(
        neighbours=p.neighbours * scale, velocity=p.velocity * speeds, cells=p.cells * lengths,
        target=p.target * lengths, avoid=p.avoid * lengths, radius=p.radius * lengths, pitch=p.pitch * lengths,
    )  # fmt: skip
    np.testing.assert_allclose(controller(larger, SPEED * speeds), found, atol=1e-9)
    # A quarter turn of the scene turns the answer with it, clipping and all.
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    turned = p._replace(
        neighbours=np.concatenate([p.neighbours[..., :2] @ turn.T, p.neighbours[..., 2:] @ turn.T], axis=-1),
        cells=p.cells @ turn.T, target=p.target @ turn.T, velocity=p.velocity @ turn.T,
    )  # fmt: skip
    np.testing.assert_allclose(controller(turned), turn @ found, atol=1e-9)


def test_a_robot_exactly_upon_another_gets_a_finite_answer():
    p = perception(False, (0.0, 0.0), neighbours=[(0, 0, 0, 0)], cells=[(0, 0)])
    for controller in (prior, expert, coverage):
        assert np.isfinite(controller(p)).all()


# -- accelerations to velocities -----------------------------------------------------------------------------------


def desired(acceleration, velocity=(0.0, 0.0), issued=(0.0, 0.0)):
    arrays = SceneArrays(
        np.zeros((1, 1, 2)), np.array([[velocity]], float), np.array([[issued]], float), np.zeros((1, 1)),
        np.ones((1, 1), np.uint8),
    )  # fmt: skip
    scene = Scene(arrays, [Shape.from_array(np.ones((5, 5)), 0.2)], np.array([2]))
    step = ControlStep(RobotModel(), Arena(), Sensing(), 0.1)  # 0.8 m/s, 1 m/s², band 0.4·0.8 = 0.32 m/s
    return step.desired(scene, np.array([[0, 0]]), np.array([acceleration], float))[0]


def test_the_last_command_is_carried_on():
    np.testing.assert_allclose(desired((1.0, -0.5), velocity=(0.1, 0.0), issued=(0.2, 0.1)), [0.3, 0.05])


def test_accelerations_beyond_one_are_clipped():
    np.testing.assert_allclose(desired((7.0, -9.0)), [0.1, -0.1])


def test_speed_is_limited_without_changing_direction():
    found = desired((1.0, 1.0), velocity=(0.48, 0.64), issued=(0.48, 0.64))
    # (0.58, 0.74) has length 0.9402
    np.testing.assert_allclose(found, np.array([0.58, 0.74]) * 0.8 / math.hypot(0.58, 0.74))


def test_the_last_command_is_drawn_to_a_band_around_the_measured_velocity():
    # Held in place: from 0.8 m/s only 0.32 remain; pushed sideways likewise, along the difference.
    np.testing.assert_allclose(desired((0, 0), velocity=(0, 0), issued=(0.8, 0)), [0.32, 0])
    np.testing.assert_allclose(desired((0, 0), velocity=(0.3, 0.3), issued=(0.3, -0.3)), [0.3, 0.3 - 0.32])
