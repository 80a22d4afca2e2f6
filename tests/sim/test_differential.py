"""Differential bases, steered by a look-ahead point, under the shipped policy: both worlds, nobody touched."""

import math
from dataclasses import replace

import numpy as np
import pytest

from muster_core.control_step import ControlStep
from muster_core.controllers import load_controller
from muster_core.metrics import coverage, entering_rate
from muster_core.robot import Arena, RobotModel
from muster_core.scene import Sensing
from muster_sim.assembly import AssemblyConfig, ShapeAssembly
from muster_sim.rollouts import fly
from muster_sim.starts import draw_episode

ROBOT = RobotModel(kinematics="differential", look_ahead=0.06, radius=0.05, max_speed=0.4)


@pytest.mark.parametrize("world", ["bullet", "kinematic"])
def test_they_form_the_shape_as_holonomic_ones_do(world):
    figures = {}
    for robot in (ROBOT, replace(ROBOT, kinematics="holonomic", look_ahead=0.0)):
        controller = load_controller("shipped", robot)
        task = AssemblyConfig(
            robots=15, shapes=("R",), world=world, episode_steps=300, robot=robot, sensing=controller.sensing
        )
        environment = ShapeAssembly(task, 2)
        seeds = np.arange(2)
        starts = [draw_episode(int(seed), environment.shapes, task) for seed in seeds]
        rollouts = fly(environment, controller, starts, seeds)
        environment.close()
        assert [rollout.contacts for rollout in rollouts] == [0, 0]
        inside = [entering_rate(rollout.positions[-1], rollout.shape) * 15 for rollout in rollouts]
        assert min(inside) > 13.5, "at most one of fifteen on the rim"
        figures[robot.kinematics] = np.mean([coverage(r.positions[-1], r.shape, 15) for r in rollouts])
    assert figures["differential"] > figures["holonomic"] - 0.03


@pytest.mark.parametrize(
    ("look_ahead", "lag", "speed"),
    [
        (0.03, 0.05, 0.2),  # one radian while a twist is held, 0.03/(0.1 + 0.05)
        (0.1, 0.05, math.sqrt(0.2)),  # the motors' acceleration, 2 m/s², is all needed to turn: v²/0.1 = 2
        (0.5, 0.05, 0.8),  # as fast as the base can go
        (0.1, 0.15, 0.4),
    ],
)
def test_a_base_is_driven_no_faster_than_it_can_be_steered(look_ahead, lag, speed):
    robot = RobotModel(kinematics="differential", look_ahead=look_ahead, lag=lag, braking=2.0, max_speed=0.8)
    assert robot.steerable_speed(0.1) == pytest.approx(speed)
    assert ControlStep(robot, Arena(), Sensing(), 0.1).limits.max_speed == pytest.approx(speed)
    assert RobotModel(lag=lag).steerable_speed(0.1) == 0.8


@pytest.mark.parametrize(
    ("world", "look_ahead", "episodes"), [("kinematic", 0.03, 30), ("kinematic", 0.1, 30), ("bullet", 0.1, 2)]
)
def test_nobody_touches_however_fast_the_base_claims_to_be(world, look_ahead, episodes):
    """Before speeds were held to what can be steered, 30 such episodes had 5 (0.03 m) and 8 contacts (0.1 m)."""
    robot = RobotModel(kinematics="differential", look_ahead=look_ahead, radius=0.06, max_speed=0.8)
    task = AssemblyConfig(robots=20, world=world, shapes=("R",), episode_steps=200, robot=robot)
    environment, seeds = ShapeAssembly(task, episodes), np.arange(episodes)
    starts = [draw_episode(int(seed), environment.shapes, task) for seed in seeds]
    rollouts = fly(environment, load_controller("coverage", robot), starts, seeds)
    environment.close()
    assert sum(rollout.contacts for rollout in rollouts) == 0
    moved = [np.linalg.norm(rollout.positions[-1] - rollout.positions[0], axis=1).mean() for rollout in rollouts]
    assert min(moved) > 0.2, "and they do drive"
