"""All observation layouts against their definitions, written down with numpy in another way."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster_core.errors import MusterError
from muster_core.kernels.observation import LAMARL_SIZE, POLAR_SIZE, RINGS, SECTORS, SET_SIZE
from muster_core.kernels.sensing import FREE, MINE, OTHERS
from muster_core.observation import LAYOUTS, find_layout, observe
from muster_core.scene import Perceptions, Sensing

SPEED = 0.8
seeds = st.integers(0, 2**32 - 1)


def random_perceptions(generator, rows=6, sensing=None):
    """Perceptions as no world would give them, so that nothing is right by luck; rows beyond the counts are rubbish."""
    p = Perceptions.empty(rows, sensing or Sensing(cells=200))
    for array in (p.neighbours, p.cells):
        array[:] = generator.normal(0, 7, array.shape)
    avoid = generator.uniform(0.1, 0.6, rows)
    p.avoid[:], p.radius[:], p.pitch[:] = avoid, 1.6 * avoid, avoid * generator.uniform(0.05, 0.4, rows)
    p.inside[:] = generator.integers(0, 2, rows)
    p.target[:] = generator.normal(0, 1, (rows, 2)) * generator.choice([0.05, 0.3, 3.0], (rows, 1))
    p.velocity[:] = generator.uniform(-SPEED, SPEED, (rows, 2))
    p.cell_weight[:] = generator.uniform(1, 3, rows)
    for b in range(rows):
        p.neighbour_count[b] = generator.integers(0, p.neighbours.shape[1] + 1)
        p.cell_count[b] = generator.integers(0, p.cells.shape[1] + 1)
        distance, angle = avoid[b] * 1.6 * np.sqrt(generator.random(p.cells.shape[1])), generator.uniform(-4, 4)
        turns = generator.uniform(-math.pi, math.pi, p.cells.shape[1]) + angle
        p.cells[b] = np.stack([distance * np.cos(turns), distance * np.sin(turns)], axis=1)
        p.states[b] = generator.choice([FREE, MINE, OTHERS], p.cells.shape[1])
    return p


def polar_by_definition(p, b):
    """The histogram as a sum of tent functions: linear between ring radii, linear between sector directions."""
    angles = 2 * math.pi * np.arange(SECTORS) / SECTORS
    middles = (np.array(RINGS)[1:] + np.array(RINGS)[:-1]) / 2
    edges = np.concatenate([[0.0], middles, [RINGS[-1] + (RINGS[-1] - RINGS[-2]) / 2]])
    areas = math.pi * np.diff(edges**2) / SECTORS
    bins = np.zeros((2, len(RINGS), SECTORS))
    for channel, state in enumerate((FREE, MINE)):
        for cell in (p.cells[b, : p.cell_count[b]] / p.avoid[b])[p.states[b, : p.cell_count[b]] == state]:
            rings = [np.interp(np.hypot(*cell), RINGS, np.eye(len(RINGS))[r]) for r in range(len(RINGS))]
            away = np.abs((math.atan2(cell[1], cell[0]) - angles + math.pi) % (2 * math.pi) - math.pi)
            sectors = np.maximum(0.0, 1.0 - away * SECTORS / (2 * math.pi))
            bins[channel] += np.outer(rings, sectors)
    return (bins * p.cell_weight[b] * (p.pitch[b] / p.avoid[b]) ** 2 / areas[:, None]).ravel()


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_polar_by_definition(seed):
    p = random_perceptions(np.random.default_rng(seed))
    rows = observe(p, find_layout("polar-1"), SPEED)
    assert rows.shape == (6, POLAR_SIZE)
    for b, row in enumerate(rows):
        np.testing.assert_allclose(row[:2], p.velocity[b] / SPEED)
        way = p.target[b] / p.avoid[b]
        length = np.linalg.norm(way)
        expected = [0, 0, 1, 0] if p.inside[b] else [*(way / max(length, 1)), 0, min(length, 4) / 4]
        np.testing.assert_allclose(row[2:6], expected, atol=1e-12)
        count = p.neighbour_count[b]
        slots = row[6:46].reshape(8, 5)
        np.testing.assert_allclose(slots[:count, :2] * p.avoid[b], p.neighbours[b, :count, :2])
        np.testing.assert_allclose(slots[:count, 2:4] * SPEED, p.neighbours[b, :count, 2:])
        assert (slots[:count, 4] == 1).all()
        assert (slots[count:] == 0).all(), "whoever is not there is masked"
        np.testing.assert_allclose(row[46:], polar_by_definition(p, b), atol=1e-10)


def test_polar_bins_hold_all_cells_and_no_more():
    """Spreading loses nothing: bins times their areas add up to the area of the cells of each channel."""
    p = random_perceptions(np.random.default_rng(5))
    edges = np.concatenate([[0.0], (np.array(RINGS)[1:] + np.array(RINGS)[:-1]) / 2, [1.5 * RINGS[-1] - RINGS[-2] / 2]])
    areas = math.pi * np.diff(edges**2) / SECTORS
    for b, row in enumerate(observe(p, find_layout("polar-1"), SPEED)):
        held = (row[46:].reshape(2, len(RINGS), SECTORS) * areas[:, None]).sum(axis=(1, 2))
        for channel, state in enumerate((FREE, MINE)):
            count = (p.states[b, : p.cell_count[b]] == state).sum()
            assert held[channel] == pytest.approx(count * p.cell_weight[b] * (p.pitch[b] / p.avoid[b]) ** 2)


def test_a_turn_by_one_sector_moves_every_bin_by_one():
    p = random_perceptions(np.random.default_rng(6))
    turn = 2 * math.pi / SECTORS
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    before = observe(p, find_layout("polar-1"), SPEED)[:, 46:].reshape(-1, 2, len(RINGS), SECTORS)
    turned = p._replace(cells=p.cells @ rotation.T)
    after = observe(turned, find_layout("polar-1"), SPEED)[:, 46:].reshape(before.shape)
    np.testing.assert_allclose(after, np.roll(before, 1, axis=3), atol=1e-9)


def test_one_cell_by_hand():
    # A free cell straight ahead on the third ring (its radius 0.5), 0.2 avoid wide: all of it in one bin.
    p = Perceptions.empty(1, Sensing())
    p.avoid[0], p.pitch[0], p.cell_count[0], p.cell_weight[0] = 0.3, 0.06, 1, 1.0
    p.cells[0, 0] = [0.15, 0.0]
    row = observe(p, find_layout("polar-1"), SPEED)[0]
    area = math.pi * (0.575**2 - 0.425**2) / 12
    assert np.flatnonzero(row[46:]).tolist() == [2 * 12]
    assert row[46 + 24] == pytest.approx(0.04 / area)
    # Below the positive x axis by half a sector: shared with the last sector, not with a thirteenth.
    p.cells[0, 0] = 0.15 * np.array([math.cos(-math.pi / 12), math.sin(-math.pi / 12)])
    row = observe(p, find_layout("polar-1"), SPEED)[0]
    assert {k: pytest.approx(v) for k, v in enumerate(row[46:]) if v > 1e-12} == {24: 0.02 / area, 35: 0.02 / area}


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_lamarl_by_definition(seed):
    p = random_perceptions(np.random.default_rng(seed))
    rows = observe(p, find_layout("lamarl-1"), SPEED)
    assert rows.shape == (6, LAMARL_SIZE)
    assert LAMARL_SIZE == 190, "LAMARL's 192 without the absolute position"
    for b, row in enumerate(rows):
        neighbours = np.zeros((6, 4))
        count = min(p.neighbour_count[b], 6)
        neighbours[:count] = p.neighbours[b, :count] / [p.avoid[b], p.avoid[b], SPEED, SPEED]
        head = np.concatenate(
            [p.velocity[b] / SPEED, neighbours.ravel(), p.target[b] / p.avoid[b], -p.velocity[b] / SPEED]
        )
        np.testing.assert_allclose(row[:30], head)
        listed = p.cells[b, : p.cell_count[b]]
        if p.inside[b]:
            listed = listed[p.states[b, : p.cell_count[b]] == FREE]
        shown = row[30:].reshape(80, 2) * p.avoid[b]
        if len(listed) <= 80:
            np.testing.assert_allclose(shown[: len(listed)], listed)
            assert (shown[len(listed) :] == 0).all()
        else:
            where = np.linalg.norm(listed[:, None] - shown[None], axis=2)
            assert where.min(axis=0).max() < 1e-12
            steps = np.diff(where.argmin(axis=0))
            assert steps.min() >= 1
            assert set(steps) <= {math.floor(len(listed) / 80), math.ceil(len(listed) / 80)}


def test_polar_free_lacks_the_cells_of_its_own_and_nothing_else():
    p = random_perceptions(np.random.default_rng(8))
    whole, free = (observe(p, find_layout(name), SPEED) for name in ("polar-1", "polar-free-1"))
    assert (whole[:, 118:] > 0).any()
    np.testing.assert_array_equal(free[:, :118], whole[:, :118])
    assert (free[:, 118:] == 0).all()


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_set_by_definition(seed):
    p = random_perceptions(np.random.default_rng(seed))
    rows = observe(p, find_layout("set-1"), SPEED)
    assert rows.shape == (6, SET_SIZE) == (6, 6 + 5 * 8 + 5 * 64)
    np.testing.assert_array_equal(rows[:, :46], observe(p, find_layout("polar-1"), SPEED)[:, :46])
    for b, row in enumerate(rows):
        count = p.cell_count[b]
        places, states = p.cells[b, :count] / p.avoid[b], p.states[b, :count]
        near = np.hypot(*places.T) <= 1.3
        listed = np.column_stack([places, states == FREE, states == MINE, np.ones(count)])[near]
        if len(listed) > 64:  # the last of each of 64 runs, as equal as can be
            ends = np.ceil(np.arange(1, 65) * len(listed) / 64).astype(int) - 1
            listed = listed[ends]
        expected = np.zeros((64, 5))
        expected[: len(listed)] = listed
        np.testing.assert_allclose(row[46:].reshape(64, 5), expected, atol=1e-12)


@pytest.mark.parametrize("name", LAYOUTS)
@settings(max_examples=20, deadline=None)
@given(seed=seeds, lengths=st.floats(0.05, 20), speeds=st.floats(0.05, 20))
def test_dimensionless(name, seed, lengths, speeds):
    """A swarm twice as large and three times as fast looks the same."""
    p = random_perceptions(np.random.default_rng(seed), rows=3)
    scale = np.array([lengths, lengths, speeds, speeds])
    larger = p._replace(
        neighbours=p.neighbours * scale, velocity=p.velocity * speeds, cells=p.cells * lengths,
        target=p.target * lengths, avoid=p.avoid * lengths, radius=p.radius * lengths, pitch=p.pitch * lengths,
    )  # fmt: skip
    layout = find_layout(name)
    np.testing.assert_allclose(observe(larger, layout, SPEED * speeds), observe(p, layout, SPEED), atol=1e-9, rtol=1e-9)


def test_written_into_the_buffer_that_is_given():
    p = random_perceptions(np.random.default_rng(0))
    layout = find_layout("polar-1")
    out = np.full((6, POLAR_SIZE), 7.0)
    assert observe(p, layout, SPEED, out) is out
    np.testing.assert_array_equal(out, observe(p, layout, SPEED))


def test_unknown_layout_lists_the_choices():
    with pytest.raises(MusterError, match=r"^Unknown observation layout 'polar-9'\. Available: polar-1, "):
        find_layout("polar-9")
