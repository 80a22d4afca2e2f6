"""Differential bases, steered by a look-ahead point, under the shipped policy: both worlds, nobody touched."""

from dataclasses import replace

import numpy as np
import pytest

from muster_core.controllers import load_controller
from muster_core.metrics import coverage, entering_rate
from muster_core.robot import RobotModel
from muster_sim.assembly import AssemblyConfig, ShapeAssembly
from muster_sim.rollouts import fly
from muster_sim.starts import draw_episode

ROBOT = RobotModel(kinematics="differential", look_ahead=0.06, radius=0.05, max_speed=0.4)
"""At 0.8 m/s a twist that is held for 0.1 s turns the base too far for the filter to vouch for it."""


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
