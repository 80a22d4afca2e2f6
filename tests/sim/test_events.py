"""Robots die, stick or join, shapes move or change: in both worlds, by seed, and judged by what then holds."""

import math
from dataclasses import replace

import numpy as np
import pytest

from muster_core.controllers import assign_goals, load_controller
from muster_core.errors import MusterError
from muster_core.layout import best_layout
from muster_core.metrics import coverage
from muster_core.pilot import Pilot
from muster_core.robot import RobotModel
from muster_core.scene import Snapshot
from muster_core.shape import load_shape
from muster_sim.assembly import AssemblyConfig, ShapeAssembly
from muster_sim.events import ChangeShape, DriftShape, Join, Kill, MoveShape, Stick, Timeline
from muster_sim.randomisation import Randomisation
from muster_sim.rollouts import Rollout, describe, fly, follow_course, recovery
from muster_sim.starts import draw_episode
from muster_sim.workers import AssemblyWorkers

WORLDS = ("bullet", "kinematic")
TASK = AssemblyConfig(robots=10, shapes=("R", "disc"), episode_steps=40, world="kinematic")
SEEDS = np.array([3, 4])


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


def flown(environment, controller="coverage", seeds=SEEDS):
    """Episodes from the seeds' own starts."""
    starts = [draw_episode(int(seed), environment.shapes, environment.config) for seed in seeds]
    return fly(environment, load_controller(controller, environment.config.robot), starts, seeds)


# -- robots ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", WORLDS)
def test_the_killed_brake_to_a_standstill_and_are_never_touched(build, world):
    """The way until standstill is at most v²/2a + v·lag, and then nothing moves, though the others fly on."""
    task = replace(TASK, world=world, episode_steps=60, robots=14, events=(Kill(12, share=0.3),))
    rollouts = flown(build(task), "prior")
    for rollout in rollouts:
        dead = ~rollout.stages[1].members
        assert dead.sum() == 4
        speed = np.linalg.norm(np.diff(rollout.positions[:, dead], axis=0), axis=2) / 0.1
        assert speed[11].max() > 0.1, "somebody was under way"
        way = np.linalg.norm(rollout.positions[-1, dead] - rollout.positions[12, dead], axis=1)
        assert (way <= 1.1 * speed[11] ** 2 / 4.0 + 0.06 * speed[11] + 0.005).all()
        assert speed[25:].max() < 1e-3
        assert rollout.contacts == 0
        assert rollout.minimum_clearance > 0.0


def test_survivors_spread_over_the_whole_shape_and_ignore_the_dead(build):
    environment = build(replace(TASK, events=(Kill(5, robots=(0, 2)),)), 1)
    environment.reset(SEEDS[:1])
    for step in range(8):
        before = environment.scene.avoid[0]
        batch = environment.step(np.zeros((1, 10, 2)))
        members = batch.active[0]
        assert members.sum() == (10 if step < 4 else 8)
        if step == 4:
            assert environment.scene.avoid[0] == pytest.approx(before * math.sqrt(10 / 8))
    assert (batch.rewards[0, [0, 2]] == 0.0).all()
    # Place the dead next to a survivor: it does not sense them.
    environment.world.positions[0] = np.stack([np.linspace(-1.8, 1.8, 10), np.zeros(10)], axis=1)
    environment.world.positions[0, 2] = environment.world.positions[0, 3] + [0.0, 0.1]
    environment._perceived = False
    seen = environment.perceptions
    offsets = seen.neighbours[3, : seen.neighbour_count[3], :2]
    assert not np.any(np.all(np.isclose(offsets, [0.0, 0.1]), axis=1))
    goals = assign_goals(environment.scene)[0]
    np.testing.assert_array_equal(goals[[0, 2]], environment.world.positions[0, [0, 2]])


def test_a_survivor_decides_as_its_pilot_does_that_knows_who_died(build):
    environment = build(replace(TASK, events=(Kill(3, share=0.4),)), 1)
    environment.reset(SEEDS[:1])
    controller, pilot = load_controller("expert", TASK.robot), Pilot(load_controller("expert", TASK.robot))
    for _ in range(12):
        world, arrays, alive = environment.world, environment.scene.arrays, environment.timeline.members[0].copy()
        shape, issued, told = environment.scene.shapes[0], arrays.issued[0].copy(), arrays.present[0].copy()
        team = int(alive.sum())
        expected = [
            pilot.command(
                Snapshot(world.positions[0], world.velocities[0], np.zeros(10), i, issued[i], shape, team, told)
            ).velocity
            for i in np.flatnonzero(alive)
        ]
        environment.advance(controller.act(environment.perceptions, environment.scene, environment.rows))
        np.testing.assert_allclose(environment.scene.arrays.issued[0, alive], expected, atol=1e-9)
    assert team == 6


def test_a_survivor_steers_clear_of_a_dead_robot(build):
    """Head-on towards a dead robot at full throttle: it stops before, at the filter's margin of 1 cm."""
    environment = build(replace(TASK, robots=3, shapes=("disc",), events=(Kill(0, robots=(1,)),)), 1)
    places = np.array([[[-0.6, 0.0], [0.0, 0.0], [2.0, 2.0]]])
    environment.place([load_shape("disc")], places, np.zeros((1, 3, 2)), np.array([0]))
    for _ in range(60):
        environment.advance(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]))
    assert environment.world.positions[0, 1].tolist() == [0.0, 0.0]
    assert environment.world.positions[0, 0] == pytest.approx([-0.08, 0.0], abs=0.003)
    assert environment.world.contacts[0] == 0


@pytest.mark.parametrize("world", WORLDS)
def test_a_stuck_base_stands_and_its_robot_stays_a_member(build, world):
    environment = build(replace(TASK, world=world, events=(Stick(10, robots=(1, 5)),)))
    for rollout in flown(environment):
        assert rollout.stages[-1].members.all()
        moved = np.linalg.norm(np.diff(rollout.positions, axis=0), axis=2)
        assert moved[25:, [1, 5]].max() < 1e-4
        assert moved[11:, [0, 2, 3, 4]].max() > 0.01
        assert rollout.contacts == 0


def test_who_joins_stands_about_until_then(build):
    environment = build(replace(TASK, events=(Join(15, share=0.3),)))
    for rollout in flown(environment):
        late = ~rollout.stages[0].members
        assert late.sum() == 3
        assert rollout.stages[1].members.all()
        moved = np.linalg.norm(np.diff(rollout.positions, axis=0), axis=2)
        assert moved[10:15, late].max() < 1e-3
        assert moved[16:, late].max() > 0.01


def test_seeds_choose_whom_it_hits(build):
    environment = build(replace(TASK, events=(Kill(2, share=0.3),)), 6)
    first, again = flown(environment, seeds=np.arange(6)), flown(environment, seeds=np.arange(6))
    dead = [tuple(np.flatnonzero(~rollout.stages[1].members)) for rollout in first]
    assert len(set(dead)) > 3
    for ours, theirs in zip(first, again, strict=True):
        np.testing.assert_array_equal(ours.positions, theirs.positions)
    alone = flown(build(replace(TASK, events=(Kill(2, share=0.3),)), 1), seeds=np.array([4]))
    np.testing.assert_array_equal(alone[0].positions, first[4].positions)


def test_workers_give_what_one_process_gives(build):
    task = replace(TASK, randomisation=Randomisation.standard(), events=(Kill(2, share=0.3), DriftShape(3, 2, vx=0.2)))
    pool, alone = AssemblyWorkers(task, 2, 2), build(task)
    try:
        ours, theirs = pool.reset(SEEDS), alone.reset(SEEDS)
        for _ in range(6):
            for name in ("observations", "rewards", "prior", "active"):
                np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
            actions = np.random.default_rng(0).uniform(-1, 1, (2, 10, 2))
            ours, theirs = pool.step(actions), alone.step(actions)
        assert ours.active.sum() == 14
    finally:
        pool.close()


# -- shapes ------------------------------------------------------------------------------------------------------------


def test_a_moved_shape_is_sensed_where_it_now_lies(build):
    environment = build(replace(TASK, shapes=("R",), events=(MoveShape(3, 0.4, -0.2, 1.0),)), 1)
    environment.reset(np.array([1]))
    for step in range(4):
        environment.advance(np.zeros((10, 2)))
        assert environment.changed == (step == 2)
    shape = environment.scene.shapes[0]
    assert shape.centre == pytest.approx([0.4, -0.2])
    assert shape.yaw == 1.0
    nearest = [
        shape.cells[np.linalg.norm(shape.cells - p, axis=1).argmin()] - p for p in environment.world.positions[0]
    ]
    outside = ~environment.perceptions.inside.astype(bool)
    np.testing.assert_allclose(environment.perceptions.target[outside], np.array(nearest)[outside], atol=1e-9)


def test_shapes_stay_in_the_arena(build):
    environment = build(replace(TASK, shapes=("R",), events=(MoveShape(1, 2.4, -2.4, 0.3),)), 1)
    environment.reset(np.array([1]))
    environment.advance(np.zeros((10, 2)))
    assert np.abs(environment.scene.shapes[0].cells).max() < 2.4


def test_another_shape_takes_the_place_of_the_first(build):
    environment = build(replace(TASK, shapes=("disc",), events=(ChangeShape(2, "star"),)), 1)
    environment.reset(np.array([1]))
    place = environment.scene.shapes[0].centre
    for _ in range(2):
        environment.advance(np.zeros((10, 2)))
    assert environment.scene.shapes[0].digest == load_shape("star").digest
    assert environment.scene.shapes[0].centre == pytest.approx(place, abs=0.3)


def test_a_drifting_shape_moves_and_turns_steadily(build):
    environment = build(replace(TASK, shapes=("disc",), events=(DriftShape(2, 10, vx=-0.1, vy=0.05, rate=0.5),)), 1)
    places = np.stack([np.linspace(-2, 2, 10), np.full(10, 2.0)], axis=1)[None]
    environment.place([load_shape("disc")], places, np.zeros((1, 10, 2)), np.array([0]))
    for _ in range(30):
        environment.advance(np.zeros((10, 2)))
    shape = environment.scene.shapes[0]
    assert shape.centre == pytest.approx([-0.1, 0.05])
    assert shape.yaw == pytest.approx(0.5)


# -- figures -----------------------------------------------------------------------------------------------------------


def test_figures_are_those_of_the_survivors_and_of_the_shape_at_the_time(build):
    environment = build(replace(TASK, shapes=("R",), events=(Kill(10, share=0.3), MoveShape(20, 0.0, 0.0, 0.5))), 1)
    rollout = flown(environment, seeds=SEEDS[:1])[0]
    assert [stage.step for stage in rollout.stages] == [0, 10, 20]
    assert rollout.events == (10, 20)
    course, alive = follow_course(rollout), rollout.stages[1].members
    assert course.coverage[8] == coverage(rollout.positions[9], rollout.shape, 10)
    assert course.coverage[9] == coverage(rollout.positions[10, alive], rollout.shape, 7)
    assert course.coverage[-1] == coverage(rollout.positions[-1, alive], rollout.shape.moved(0.0, 0.0, 0.5), 7)
    figures = describe(rollout, 0.8, 1.0)
    assert figures["coverage_best"] == best_layout(rollout.shape, 7).coverage
    assert figures["robot_steps"] == 9 * 10 + 31 * 7
    assert math.isnan(figures["time_bound_s"])
    assert math.isnan(figures["coverage_normalised_20_s"]), "the episode ends 2 s after the last event"
    plain = Rollout(rollout.shape, rollout.positions, 0, 0.1, 0.0, 0.0)
    assert "recovery_time_s" not in describe(plain, 0.8, 1.0)


def test_recovery_by_hand():
    ratio = np.full(260, 0.5)
    ratio[:30] = 0.99  # before the event
    ratio[50:] = 0.91
    ratio[100:] = 0.93
    found = recovery(ratio, 30)
    assert found["recovery_time_90_s"] == pytest.approx(2.1)
    assert found["recovery_time_s"] == pytest.approx(7.1)
    assert found["coverage_normalised_20_s"] == pytest.approx(0.93)
    assert recovery(np.full(230, 0.5), 30)["recovery_time_s"] == math.inf


def test_survivors_recover(build):
    task = replace(TASK, robots=30, shapes=("disc",), episode_steps=300, events=(Kill(80, share=0.3),))
    figures = [describe(rollout, 0.8, 1.0) for rollout in flown(build(task), "coverage")]
    assert min(f["coverage_normalised_20_s"] for f in figures) > 0.85
    assert sum(f["contacts"] for f in figures) == 0


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Kill(5), r"^Kill has share 0\.0 and robots \(\); give a share in \(0, 1\), or the robots' numbers$"),
        (lambda: Kill(5, share=0.3, robots=(1,)), r"^Kill has share 0\.3 and robots \(1,\)"),
        (lambda: Kill(5, share=1.0), r"^Kill has share 1\.0"),
        (lambda: Stick(-1, share=0.3), r"^Stick's step is -1; it must be a whole number, 0 or above$"),
        (lambda: Join(5, robots=(-1,)), r"^Join's robots are \(-1,\)"),
        (lambda: MoveShape(5, math.nan, 0.0, 0.0), r"^MoveShape's x is nan"),
        (lambda: DriftShape(5, 0), r"^DriftShape's steps is 0; it must be a whole number of at least 1$"),
        (lambda: ChangeShape(5, ""), r"^ChangeShape's name is ''; name a shape"),
        (lambda: AssemblyConfig(events=("Kill",)), r"^'Kill' is no event"),
    ],
)
def test_events_that_cannot_happen_are_refused(make, message):
    with pytest.raises(MusterError, match=message):
        make()


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (Kill(5, robots=(3, 10)), r"names robot 10; there are 10, from 0$"),
        (Kill(5, share=0.9), r"leaves fewer than 2 robots$"),
        (MoveShape(5, 9.0, 0.0, 0.0), r"lies outside the arena of ±2\.4 m, ±2\.4 m$"),
        (ChangeShape(5, "\u4e00"), r"."),
    ],
)
def test_a_task_whose_events_do_not_fit_is_refused_before_it_flies(event, message):
    with pytest.raises(MusterError, match=message):
        Timeline([event], 1, 10, TASK.arena, load_shape)


def test_a_differential_base_brakes_too(build):
    robot = RobotModel(kinematics="differential", look_ahead=0.05)
    environment = build(replace(TASK, robot=robot, events=(Kill(10, share=0.3),)))
    for rollout in flown(environment, "prior"):
        dead = ~rollout.stages[1].members
        assert np.abs(np.diff(rollout.positions[25:, dead], axis=0)).max() < 1e-4
        assert rollout.contacts == 0
