"""The best layout: judged by brute force, the same for every pose, and safe against what lies in its cache."""

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster_core import layout as layouts
from muster_core.errors import MusterError
from muster_core.kernel import COMPILED
from muster_core.layout import anneal_layout, best_layout, layout_coverage, raise_best
from muster_core.shape import Shape, load_shape

FEW = 20_000 if COMPILED else 1_500


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MUSTER_CACHE", str(tmp_path))
    monkeypatch.setattr(layouts, "_known", {})
    return tmp_path / "layouts"


def covered_share(shape, points, team_size):
    """Coverage by its definition: distances in the world of every cell to every point."""
    distance = np.linalg.norm(shape.cells[:, None] - points[None], axis=2).min(axis=1)
    return (distance <= shape.avoid_distance(team_size) / 2 + 1e-12).mean()


def all_in_shape(shape, points):
    distance = np.linalg.norm(shape.cells[:, None] - points[None], axis=2).min(axis=0)
    return bool((distance < math.sqrt(2) * shape.pitch / 2).all())


def test_one_robot_covers_a_plus_from_its_middle():
    # Five cells as a plus: the disc of area 5 reaches sqrt(5/π) = 1.26 cells, all five from the middle one.
    plus = Shape(np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]]), 0.2)
    found = best_layout(plus, 1, moves=FEW)
    assert found.coverage == 1.0
    # The shape's own frame starts at the lattice's corner: the middle is at 1.5 cells, 0.3 m.
    np.testing.assert_allclose(found.points, [[0.3, 0.3]], atol=0.26 * 0.2)


def test_two_separate_bars_get_one_robot_each():
    # Each bar of 1 x 3 cells is covered from its middle: the disc of 3 cells' area reaches 0.98 < 1, so two of three
    # cells at best from between two of them (distance 0.5): 4 of 6.
    bars = Shape(np.array([[1, 1, 1, 0, 0, 0, 0, 1, 1, 1]]), 0.1)
    found = best_layout(bars, 2, moves=FEW)
    assert found.coverage == pytest.approx(4 / 6)
    assert sorted(point[0] > 0.5 for point in found.points) == [False, True]


@pytest.mark.parametrize("name", ["R", "ring"])
def test_coverage_and_place_agree_with_brute_force(name):
    shape = load_shape(name).moved(0.4, -0.3, 1.1)
    found = best_layout(shape, 30, moves=FEW)
    points = shape.to_world(found.points)
    assert found.points.shape == (30, 2)
    assert found.coverage == pytest.approx(covered_share(shape, points, 30), abs=1e-12)
    assert all_in_shape(shape, points)


@given(st.integers(0, 2**32), st.integers(1, 6))
@settings(max_examples=15, deadline=None)
def test_annealing_reports_what_it_covers_on_any_lattice(seed, team_size):
    generator = np.random.default_rng(seed)
    occupancy = generator.random((8, 9)) < 0.5
    occupancy[3, 4] = True
    shape = Shape(occupancy, 0.1)
    local, coverage = anneal_layout(shape, team_size, moves=300, seed=seed)
    points = shape.to_world(local)
    assert coverage == pytest.approx(covered_share(shape, points, team_size), abs=1e-12)
    assert coverage == pytest.approx(layout_coverage(shape, local, team_size), abs=1e-12)
    assert all_in_shape(shape, points)


def test_the_same_seed_gives_the_same_layout_and_another_another():
    shape = load_shape("R", cells=150)
    first, again, other = (anneal_layout(shape, 8, 1000, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first[0], again[0])
    assert not np.array_equal(first[0], other[0])


def test_more_moves_do_not_find_less_and_beat_random_points():
    shape = load_shape("R", cells=200)
    generator = np.random.default_rng(0)
    cells = shape.to_local(shape.cells)
    random_best = max(layout_coverage(shape, cells[generator.choice(len(cells), 12)], 12) for _ in range(100))
    few, many = anneal_layout(shape, 12, 200)[1], anneal_layout(shape, 12, FEW)[1]
    assert many >= few
    assert many > random_best


@pytest.mark.skipif(not COMPILED, reason="the interpreted form is the one that runs already")
def test_compiled_and_interpreted_find_the_same_layout():
    program = (
        "from muster_core.layout import anneal_layout; from muster_core.shape import load_shape;"
        "import muster_core.kernel as k; assert not k.COMPILED;"
        "print(anneal_layout(load_shape('ring', cells=100), 6, 2000)[0].tolist())"
    )
    environment = {**os.environ, "MUSTER_INTERPRET": "1"}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    compiled, _ = anneal_layout(load_shape("ring", cells=100), 6, 2000)
    np.testing.assert_allclose(json.loads(result.stdout), compiled, atol=1e-12)


@pytest.mark.skipif(not COMPILED, reason="six million moves are for compiled kernels")
def test_the_yardstick_is_reached_from_another_seed_too():
    # An independent search must neither beat the yardstick by much nor stay far below: both are near the optimum.
    shape = load_shape("R")
    yardstick = best_layout(shape, 30).coverage
    assert anneal_layout(shape, 30, 6_000_000, seed=5)[1] == pytest.approx(yardstick, abs=0.012)


def test_a_layout_is_found_once_and_serves_every_pose(own_cache, monkeypatch):
    shape = load_shape("star", cells=150)
    first = best_layout(shape, 10, moves=FEW)
    assert len(list(own_cache.iterdir())) == 1
    monkeypatch.setattr(layouts, "_known", {})  # as in another process
    monkeypatch.setattr(layouts, "anneal", lambda *_: pytest.fail("annealed again"))
    again = best_layout(shape.moved(1.0, 0.5, -2.0), 10, moves=FEW)
    np.testing.assert_array_equal(again.points, first.points)
    assert again.coverage == first.coverage


def test_fewer_moves_in_the_cache_are_searched_again_and_the_better_is_kept(own_cache):
    shape = load_shape("star", cells=150)
    rough = best_layout(shape, 10, moves=10)
    fine = best_layout(shape, 10, moves=FEW)
    assert fine.coverage > rough.coverage
    (file,) = own_cache.iterdir()
    assert json.loads(file.read_text())["moves"] == FEW
    assert best_layout(shape, 10, moves=10).coverage == fine.coverage


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[1, 2]",
        lambda text: "{}",
        lambda text: text.replace('"points": [[', '"points": [[NaN, 0], ['),
        lambda text: json.dumps({**json.loads(text), "points": [[0.0, 0.0]]}),
        lambda text: json.dumps({**json.loads(text), "points": [[50.0, 50.0]] * 10}),
        lambda text: json.dumps({**json.loads(text), "points": [["a", "b"]] * 10}),
        lambda text: json.dumps({**json.loads(text), "moves": None}),
    ],
)
def test_a_corrupt_cache_file_is_ignored_and_rewritten(own_cache, monkeypatch, damage):
    shape = load_shape("star", cells=150)
    good = best_layout(shape, 10, moves=500)
    (file,) = own_cache.iterdir()
    text = file.read_text()
    file.write_text(damage(text))
    monkeypatch.setattr(layouts, "_known", {})
    np.testing.assert_array_equal(best_layout(shape, 10, moves=500).points, good.points)
    assert file.read_text() == text
    assert [path.name for path in own_cache.iterdir()] == [file.name]


def test_a_coverage_that_the_file_claims_is_not_believed(own_cache, monkeypatch):
    shape = load_shape("star", cells=150)
    good = best_layout(shape, 10, moves=500)
    (file,) = own_cache.iterdir()
    file.write_text(json.dumps({**json.loads(file.read_text()), "coverage": 7.0}))
    monkeypatch.setattr(layouts, "_known", {})
    assert best_layout(shape, 10, moves=500).coverage == good.coverage


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("MUSTER_CACHE", str(tmp_path / "file"))
    shape = load_shape("star", cells=150)
    assert best_layout(shape, 10, moves=500).coverage > 0
    # Found once, it is remembered by the process: a controller asks at every tick.
    monkeypatch.setattr(layouts, "anneal", lambda *_: pytest.fail("annealed again"))
    best_layout(shape, 10, moves=500)


def test_a_rollout_that_covers_more_raises_the_best(monkeypatch):
    monkeypatch.setattr(layouts, "MOVES", 10)
    monkeypatch.setattr(layouts, "INTERPRETED_MOVES", 10)
    shape = load_shape("star", cells=150).moved(0.5, 0.2, 0.3)
    better, coverage = anneal_layout(shape, 10, FEW)
    poor = best_layout(shape, 10)
    assert poor.coverage < coverage
    raised = raise_best(shape, 10, shape.to_world(better))
    assert raised.coverage == coverage
    monkeypatch.setattr(layouts, "_known", {})
    kept = best_layout(shape.moved(0, 0, 0), 10)
    assert kept.coverage == coverage
    np.testing.assert_allclose(kept.points, better, atol=1e-9)


def test_a_worse_rollout_or_one_outside_changes_nothing(monkeypatch):
    monkeypatch.setattr(layouts, "MOVES", FEW)
    monkeypatch.setattr(layouts, "INTERPRETED_MOVES", FEW)
    bars = Shape(np.array([[1, 1, 0, 0, 1, 1]]), 0.1)
    best = best_layout(bars, 1)
    assert raise_best(bars, 1, bars.cells[:1]).coverage <= best.coverage
    # From 2.5 cells above nothing is covered, and a centre outside is no layout at all.
    assert raise_best(bars, 1, np.array([[0.3, 0.3]])).coverage == best.coverage


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda shape: best_layout(shape, 0), "team_size is 0; it must be a whole number"),
        (lambda shape: best_layout(shape, 3, moves=0), "moves is 0; it must be a whole number"),
        (
            lambda shape: raise_best(shape, 3, np.zeros((2, 2))),
            r"3 robots needs finite points of shape \(3, 2\), got \(2, 2",
        ),
        (lambda shape: raise_best(shape, 1, np.array([[np.nan, 0]])), "finite points"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(MusterError, match=message):
        call(Shape(np.ones((3, 3)), 0.1))
