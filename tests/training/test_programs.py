"""Programs of a language model as the prior and reward of a task."""

import numpy as np
import pytest

from muster_core.errors import MusterError, WorkFailed
from muster_core.robot import RobotModel
from muster_core.shape import load_shape
from muster_prompts.gate import Verdict
from muster_prompts.program import Program, ProgramTerms, write_shape
from muster_prompts.reward_check import require_useful_reward, reward_correlation
from muster_sim.assembly import AssemblyConfig, ShapeAssembly
from muster_training.programs import load_checked, load_terms

PRIOR = "def prior(robot):\n    return np.array([0.25, -0.5])\n\n\n"
GOOD = PRIOR + "def reward(robot):\n    return robot.own_share()\n"
BAD = PRIOR + "def reward(robot):\n    return 1.0 - robot.own_share()\n"


def accepted(text):
    """As if the gate had said so; the gate has its own tests."""
    return Program(text, "test", Verdict(True), load_shape("R"))


def batches(share, steps=3):
    terms = None if share is None else ProgramTerms(accepted(GOOD), RobotModel(), share)
    task = AssemblyConfig(robots=8, shapes=("R",), world="kinematic", program=terms)
    environment = ShapeAssembly(task, 2)
    environment.reset(np.array([1, 2]))
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, (steps, 2, 8, 2))
    found = [environment.step(action) for action in actions][-1]
    copied = (found.observations.copy(), found.rewards.copy(), found.prior.copy())
    environment.close()
    return copied


def test_a_task_takes_prior_and_reward_from_its_program_and_nothing_else_changes():
    builtin, program, mixed = batches(None), batches(1.0), batches(0.5)
    assert program[2].reshape(-1, 2).tolist() == [[0.25, -0.5]] * 16
    np.testing.assert_allclose(builtin[0], program[0], atol=1e-6)
    np.testing.assert_allclose(mixed[1], 0.5 * (builtin[1] + program[1]), atol=1e-12)
    np.testing.assert_array_equal(batches(0.0)[1], builtin[1])


def test_a_task_may_take_the_programs_own_shape():
    terms = ProgramTerms(accepted(GOOD), RobotModel())
    environment = ShapeAssembly(AssemblyConfig(robots=8, shapes=("program",), world="kinematic", program=terms), 1)
    assert environment.shapes["program"].digest == load_shape("R").digest
    environment.close()


def test_a_reward_that_falls_with_coverage_is_refused():
    shape = load_shape("R")
    assert reward_correlation(accepted(GOOD), shape, 12) > 0.9
    assert require_useful_reward(accepted(GOOD), shape, 12) > 0.9
    with pytest.raises(WorkFailed, match=r"falls where coverage grows \(rank correlation -0\.9"):
        require_useful_reward(accepted(BAD), shape, 12)
    constant = accepted(PRIOR + "def reward(robot):\n    return 0.5\n")
    assert reward_correlation(constant, shape, 12) == 0.0


def test_bad_folders_and_rewards_are_refused_in_one_line(tmp_path):
    with pytest.raises(MusterError, match=r"no program\.py"):
        load_checked(tmp_path / "nowhere")
    with pytest.raises(MusterError, match=r"Unknown reward of a program 'much'\. Available: program, mixed, builtin"):
        load_terms(tmp_path, "much", RobotModel(), 12)
    (tmp_path / "program.py").write_text("import os\n")
    write_shape(tmp_path / "shape.json", load_shape("R"))
    with pytest.raises(MusterError, match="imports are not offered") as error:
        load_checked(tmp_path)
    assert "\n" not in str(error.value)
