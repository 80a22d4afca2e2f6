"""From a run folder to a file that flies: parity, card, refusals, nothing half-written."""

import shutil

import numpy as np
import pytest
import torch

from muster_core.errors import MusterError
from muster_core.observation import find_layout
from muster_core.policy import Policy
from muster_core.robot import RobotModel
from muster_training.export import export
from muster_training.networks import Actor
from muster_training.runs import load_checkpoint

from .conftest import TINY


def test_the_file_decides_as_the_trained_network(tiny_run, tmp_path):
    done = export(tiny_run, tmp_path / "policy.onnx")
    assert done["largest_difference"] < 1e-5
    actor = Actor(find_layout("polar-1").size, TINY.hidden, TINY.layers)
    actor.load_state_dict(load_checkpoint(tiny_run)["best_actor"])
    inputs = np.random.default_rng(5).normal(size=(40, find_layout("polar-1").size))
    with torch.no_grad():
        expected = actor(torch.from_numpy(inputs.astype(np.float32))).numpy()
    policy = Policy.load(str(tmp_path / "policy.onnx"))
    np.testing.assert_allclose(policy.decide(inputs), expected, atol=1e-5)
    np.testing.assert_allclose(policy.decide(inputs[:1]), expected[:1], atol=1e-5)


def test_the_card_says_where_the_policy_comes_from(tiny_run, tmp_path):
    export(tiny_run, tmp_path / "policy.onnx")
    card = Policy.load(str(tmp_path / "policy.onnx")).card
    assert (card.layout, card.prior, card.period, card.shared) == ("polar-1", "prior", 0.1, True)
    assert card.program.startswith("builtin-")
    assert set(card.scores) == {"coverage_normalised", "entering_rate", "contacts"}


def test_a_robot_outside_the_trained_ratios_is_refused(tiny_run, tmp_path):
    export(tiny_run, tmp_path / "policy.onnx")
    policy = Policy.load(str(tmp_path / "policy.onnx"))
    policy.check_task(RobotModel(), 0.7)
    with pytest.raises(MusterError, match=r"max_speed·period/avoid is 8\.000, the policy was trained for"):
        policy.check_task(RobotModel(), 0.01)


def test_an_unfinished_run_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(MusterError, match="is no run folder"):
        export(tmp_path, tmp_path / "policy.onnx")
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_of_something_else_is_refused_and_nothing_is_written(tiny_run, tmp_path):
    shutil.copytree(tiny_run, tmp_path / "foreign")
    torch.save({"weights": 1}, tmp_path / "foreign" / "checkpoint.pt")
    with pytest.raises(MusterError, match="is damaged or of another Muster"):
        export(tmp_path / "foreign", tmp_path / "policy.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["foreign"]


def test_a_place_that_cannot_be_written_is_refused(tiny_run, tmp_path):
    with pytest.raises(MusterError, match="Cannot write"):
        export(tiny_run, tmp_path / "missing" / "policy.onnx")
