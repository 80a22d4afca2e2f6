"""Mean-shift, ORCA and local search: their formulas by hand or by trial, and what local search remembers."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster_core.controllers import load_controller, with_gains
from muster_core.errors import MusterError
from muster_core.gains import NAMES, TUNED, UNTUNED
from muster_core.kernels.mean_shift import mean_shift_rows
from muster_core.kernels.orca import least_relaxed, nearest_free, orca_rows, reciprocal_plane
from muster_core.kernels.search import CALM_STEPS, best_displacement, marginal_cells
from muster_core.kernels.sensing import FREE, MINE, OTHERS
from muster_core.pilot import Pilot
from muster_core.robot import RobotModel
from muster_core.scene import Perceptions, Scene, SceneArrays, Sensing, Snapshot, perceive
from muster_core.shape import Shape, load_shape

SPEED = 0.5


def perception(inside=True, target=(0.0, 0.0), neighbours=(), cells=(), states=(), velocity=(0.0, 0.0)):
    p = Perceptions.empty(1, Sensing(cells=400))
    p.inside[0], p.target[0], p.velocity[0] = inside, target, velocity
    p.avoid[0], p.radius[0], p.pitch[0] = 0.2, 0.4, 0.05
    p.neighbour_count[0], p.cell_count[0] = len(neighbours), len(cells)
    for k, neighbour in enumerate(neighbours):
        p.neighbours[0, k] = neighbour
    for k, cell in enumerate(cells):
        p.cells[0, k], p.states[0, k] = cell, states[k]
    p.cells[0, len(cells) :] = [0.3, 0.1]  # whatever stands beyond the counts must not matter
    return p


def run(kernel, p, *arguments):
    out = np.full((1, 2), np.nan)
    kernel(p, SPEED, *arguments, out)
    return out[0]


# -- gains -----------------------------------------------------------------------------------------------------------


def test_every_law_names_its_gains():
    assert NAMES.keys() == UNTUNED.keys() == TUNED.keys()
    for law, names in NAMES.items():
        assert len(names) == len(UNTUNED[law]) == len(TUNED[law])


@pytest.mark.parametrize(
    ("law", "gains", "message"),
    [
        ("lloyd", [1.0], r"^Unknown law 'lloyd'\. Available: prior, expert, coverage, search, mean-shift, orca$"),
        ("prior", [1.0, 2.0], r"^prior takes 3 finite gains, got \[1\.0, 2\.0\]$"),
        ("orca", [1.0, 2.0, float("nan"), 1.0], r"^orca takes 4 finite gains, got "),
    ],
)
def test_gains_that_do_not_fit(law, gains, message):
    with pytest.raises(MusterError, match=message):
        with_gains(law, RobotModel(), np.array(gains))


@pytest.mark.parametrize("law", ["prior", "expert"])
def test_the_published_laws_fly_with_the_published_gains(law):
    scene = random_scene(3)
    seen, rows = perceive(scene, scene.all_rows(), Sensing()), scene.all_rows()
    published = load_controller(law).act(seen, scene, rows)
    np.testing.assert_array_equal(published, with_gains(law, RobotModel(), UNTUNED[law]).act(seen, scene, rows))
    other = with_gains(law, RobotModel(), 0.5 * UNTUNED[law]).act(seen, scene, rows)
    assert np.abs(published - other).max() > 0.01


# -- mean-shift ------------------------------------------------------------------------------------------------------


def test_mean_shift_by_hand():
    # ψ(0) = 1, ψ(0.2) = ½, ψ(0.4) = 0 at a radius of 0.4 m; the avoid distance is 0.2 m
    cells, states = [(0, 0), (0.2, 0), (0, 0.2), (-0.4, 0)], [MINE, FREE, OTHERS, FREE]
    p = perception(cells=cells, states=states, velocity=(0.1, 0.0))
    # all: ½·(1, 1)/(1 + ½ + ½) avoid distances; unoccupied: ½·(1, 0)/(1 + ½)
    fill, explore = np.array([0.25, 0.25]), np.array([1 / 3, 0])
    wanted = 0.4 * fill + 0.9 * explore
    gains = np.array([1.0, 0.4, 0.9, 2.0, 1.0, 1.5])
    np.testing.assert_allclose(run(mean_shift_rows, p, gains), 1.5 * (wanted - [0.2, 0.0]))


def test_mean_shift_enters_keeps_away_and_goes_along():
    gains = np.array([0.5, 0.4, 0.9, 2.0, 0.7, 1.0])
    p = perception(False, (0.3, 0.4), neighbours=[(0.16, 0, 0.0, 0.1)])
    # ½·unit(0.3, 0.4), 2·(0.2/0.16 − 1) away, 0.7 of the relative velocity of 0.2 speed limits
    np.testing.assert_allclose(run(mean_shift_rows, p, gains), [0.3 - 0.5, 0.4 + 0.14], atol=1e-12)
    # and never a velocity beyond the limit: 10 to one side asks for one speed limit
    np.testing.assert_allclose(run(mean_shift_rows, p, np.array([10.0, 0, 0, 0, 0, 1.0])), [0.6, 0.8])


# -- ORCA ------------------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_half_plane_is_the_least_change_that_avoids_the_collision(seed):
    """By definition: v + u lies on the edge of the velocities that collide within the horizon, and none nearer does."""
    generator = np.random.default_rng(seed)
    place, velocity = generator.uniform(-1, 1, 2), generator.uniform(-1, 1, 2)
    distance, horizon = 0.9 * np.linalg.norm(place) * generator.random(), generator.uniform(0.3, 3.0)

    def nearest(v):
        """Smallest distance within the horizon when the other stands still relative to v."""
        time = np.clip(place @ v / max(v @ v, 1e-12), 0, horizon)
        return np.linalg.norm(place - time * v)

    nx, ny, ux, uy = reciprocal_plane(*place, *velocity, distance, horizon, 0.1)
    change, normal = np.array([ux, uy]), np.array([nx, ny])
    assert np.linalg.norm(normal) == pytest.approx(1)
    assert abs(nx * uy - ny * ux) < 1e-9  # along the normal
    assert nearest(velocity + change) == pytest.approx(distance, abs=1e-6)
    collides = nearest(velocity) < distance
    assert (change @ normal > 0) == collides or np.linalg.norm(change) < 1e-6
    for angle in np.linspace(0, 2 * math.pi, 24, endpoint=False):
        nearer = velocity + 0.98 * np.linalg.norm(change) * np.array([math.cos(angle), math.sin(angle)])
        assert (nearest(nearer) < distance) == collides


def test_robots_that_overlap_part_within_one_period():
    nx, ny, ux, uy = reciprocal_plane(0.1, 0.0, 0.0, 0.0, 0.2, 2.0, 0.1)
    assert (nx, ny, uy) == (-1.0, 0.0, 0.0)
    assert ux == pytest.approx(-1.0)  # 0.1 m too near, in 0.1 s


def test_orca_goes_to_the_nearest_free_cell():
    cells, states = [(0.05, 0), (0.1, 0.0), (0.0, 0.2)], [OTHERS, MINE, FREE]
    p = perception(cells=cells, states=states)
    assert nearest_free(p, 0) == pytest.approx((0, 0.2, 0.2))
    # one avoid distance away: ½ of the limit by the first gain; the limit itself when far
    np.testing.assert_allclose(run(orca_rows, p, np.array([0.5, 0.8, 2.0, 1.0]), 0.1), [0, 0.5], atol=1e-12)
    assert nearest_free(perception(False, (0.3, 0.4)), 0) == pytest.approx((0.3, 0.4, 0.5))
    np.testing.assert_array_equal(run(orca_rows, perception(), np.array([0.5, 0.8, 2.0, 1.0]), 0.1), [0, 0])


def test_two_head_on_pass_each_other():
    """Simulated by hand: points that move as told, each seeing the other and its own way."""
    places, velocities = np.array([[-0.6, 0.01], [0.6, 0.0]]), np.zeros((2, 2))
    goals, nearest = -places.copy(), math.inf
    for _ in range(200):
        accelerations = []
        for me, other in ((0, 1), (1, 0)):
            relative = [*(places[other] - places[me]), *(velocities[other] - velocities[me])]
            p = perception(False, goals[me] - places[me], [relative], velocity=velocities[me])
            accelerations.append(run(orca_rows, p, np.array([2.0, 0.8, 3.0, 5.0]), 0.1))
        velocities = velocities + 0.1 * np.array(accelerations)
        places = places + 0.1 * velocities
        nearest = min(nearest, np.linalg.norm(places[0] - places[1]))
    assert nearest > 0.75 * 0.16
    assert np.linalg.norm(places - goals, axis=1).max() < 0.05


def test_where_no_velocity_is_allowed_the_least_relaxed_is_taken():
    # n·v ≥ 0.3 to the right and to the left: best is to stand still, both relaxed by 0.3
    lines = np.array([[1.0, 0.0, 0.3], [-1.0, 0.0, 0.3]])
    discs = np.array([[0.0, 0.0, SPEED], [0.0, 0.0, SPEED]])
    vx, vy = least_relaxed(0.2, 0.1, lines, 2, discs, 4.0)
    assert (vx, vy) == pytest.approx((0.0, 0.1), abs=2e-3)


# -- local search ----------------------------------------------------------------------------------------------------


def square_of_cells(half, pitch=0.05):
    side = np.arange(-half, half + 1) * pitch
    return [(x, y) for x in side for y in side]


def test_marginal_cells_by_counting():
    cells = square_of_cells(5)
    states = [OTHERS if x < 0 else FREE for x, _ in cells]
    p = perception(cells=cells, states=states)
    for x, y in ((0.003, 0.001), (0.06, 0.002), (-0.031, 0.113)):
        away = np.array([math.hypot(cx - x, cy - y) for cx, cy in cells])
        counted = (away < 0.1) & (np.array(states) != OTHERS)
        wanted = (1 + 0.1 * (1 - away[counted] / 0.1)).sum()
        assert marginal_cells(p, 0, x, y) == pytest.approx(wanted)
    assert marginal_cells(p, 0, 0.5, 0.0) == -1.0  # out of the shape


def test_the_best_displacement_leads_away_from_what_others_cover():
    cells = square_of_cells(5)
    p = perception(cells=cells, states=[OTHERS if x < -0.01 else FREE for x, _ in cells])
    x, y, gain = best_displacement(p, 0, 0.1, 0.0)
    assert x > 0.05
    assert abs(y) < x
    assert gain == pytest.approx(marginal_cells(p, 0, x, y) - marginal_cells(p, 0, 0.0, 0.0))
    nothing = perception(cells=cells, states=[OTHERS] * len(cells))
    assert best_displacement(nothing, 0, 0.1, 0.0) == (0.0, 0.0, 0.0)


def resting_scene():
    """Nine robots at rest in a square that is theirs, none where it would cover most."""
    shape = Shape.from_array(np.ones((15, 15)), 0.05)
    places = np.array([(x, y) for x in (-0.2, 0.05, 0.2) for y in (-0.2, 0.0, 0.2)])
    zeros = np.zeros((1, 9, 2))
    arrays = SceneArrays(places[None].copy(), zeros, zeros.copy(), np.zeros((1, 9)), np.ones((1, 9), np.uint8))
    return Scene(arrays, [shape], np.array([9]))


def act(controller, scene):
    rows = scene.all_rows()
    return controller.act(perceive(scene, rows, controller.sensing), scene, rows)


def test_search_begins_after_ten_calm_decisions_and_forgets_with_the_scene():
    controller, flow = load_controller("search"), load_controller("coverage")
    scene = resting_scene()
    wanted = act(flow, scene)
    runs = []
    for _ in range(2):
        scene = resting_scene()
        runs.append([act(controller, scene) for _ in range(2 * CALM_STEPS)])
        for decision in runs[-1][: CALM_STEPS - 1]:
            np.testing.assert_array_equal(decision, wanted)
        assert np.abs(runs[-1][-1] - wanted).max() > 0.05
    np.testing.assert_array_equal(runs[0], runs[1])


def test_search_gives_way_to_the_flow_when_somebody_comes_fast():
    controller, flow = load_controller("search"), load_controller("coverage")
    scene = resting_scene()
    for _ in range(2 * CALM_STEPS):
        act(controller, scene)
    scene.arrays.velocities[0, 4] = [0.8, 0.0]
    np.testing.assert_array_equal(act(controller, scene), act(flow, scene))


def test_a_pilot_searches_as_the_batch_does():
    """The same snapshots one by one and as a batch: the same accelerations, and a new shape begins anew."""
    batch, scene = load_controller("search"), resting_scene()
    shape, arrays = scene.shapes[0], scene.arrays
    pilot = Pilot(load_controller("search"))
    snapshot = Snapshot(
        arrays.positions[0], arrays.velocities[0], arrays.ages[0], 3, np.zeros(2), shape, len(arrays.positions[0])
    )
    for _ in range(3 * CALM_STEPS):
        wanted = act(batch, scene)[3]
        np.testing.assert_allclose(pilot.command(snapshot).acceleration, wanted, atol=1e-12)
    moved = replace(snapshot, shape=shape.moved(0.01, 0.0, 0.0))
    first = load_controller("coverage")
    np.testing.assert_array_equal(pilot.command(moved).acceleration, Pilot(first).command(moved).acceleration)


def random_scene(seed, robots=9):
    generator = np.random.default_rng(seed)
    shape = load_shape("star")
    places = shape.cells[generator.choice(len(shape.cells), robots)] + generator.normal(0, 0.1, (robots, 2))
    velocities = generator.uniform(-0.3, 0.3, (1, robots, 2))
    ages, present = np.zeros((1, robots)), np.ones((1, robots), np.uint8)
    return Scene(SceneArrays(places[None], velocities, velocities.copy(), ages, present), [shape], np.array([robots]))
