"""Networks that read sets: nothing but what is there counts, in no order; they export, and fit one layout only."""

import numpy as np
import pytest
import torch

from muster_core.errors import MusterError
from muster_core.kernels.observation import SET_SIZE
from muster_core.policy import Policy
from muster_training.experiments.layouts import network_microseconds
from muster_training.export import export
from muster_training.lamarl import LamarlConfig
from muster_training.networks import Actor, TwinCritic
from muster_training.sets import Attention, Pooling
from muster_training.train import LamarlCommand, Training

from .conftest import TINY, tiny_command

KINDS = ("pooling", "attention")
PARTS = ((6, 8), (46, 64))
"""Where the neighbours and the cells begin, and how many places they have."""


def observations(count=20, seed=0):
    """Random ones of ``set-1``: some elements there, the first of each list, everything else zero."""
    generator = np.random.default_rng(seed)
    rows = np.zeros((count, SET_SIZE), np.float32)
    rows[:, :6] = generator.normal(size=(count, 6))
    for begin, places in PARTS:
        for row in rows:
            there = generator.integers(1, places)
            elements = row[begin : begin + 5 * places].reshape(places, 5)
            elements[:there] = generator.normal(0.0, 0.7, (there, 5))
            elements[:there, 4] = 1.0
    return torch.from_numpy(rows)


def changed(rows, begin, places, change):
    """A copy whose elements (B, places, 5) from ``begin`` went through ``change``."""
    other = rows.clone()
    other[:, begin : begin + 5 * places] = change(rows[:, begin : begin + 5 * places].reshape(-1, places, 5)).flatten(1)
    return other


def networks(kind):
    torch.manual_seed(1)
    actor = Actor(SET_SIZE, 32, 2, kind)
    critic = TwinCritic(SET_SIZE, 32, 2, actor.normaliser, kind)
    action = torch.linspace(-1, 1, 40).reshape(20, 2)
    return actor, lambda rows: torch.stack(critic(rows, action)), lambda rows: critic.one(rows, action)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("begin", "places"), PARTS)
def test_the_order_of_a_list_says_nothing(kind, begin, places):
    rows = observations()
    turned = changed(rows, begin, places, lambda elements: elements[:, torch.randperm(places)])
    for network in networks(kind):
        torch.testing.assert_close(network(turned), network(rows), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("begin", "places"), PARTS)
def test_a_place_where_nobody_is_weighs_nothing(kind, begin, places):
    rows = observations()

    def rubbish(elements):
        there = elements[..., 4:]
        return torch.cat([elements[..., :4] + (1.0 - there) * 3.0, there], dim=-1)

    for network in networks(kind):
        torch.testing.assert_close(network(changed(rows, begin, places, rubbish)), network(rows), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("begin", "places"), PARTS)
def test_what_is_there_counts(kind, begin, places):
    rows = observations()
    moved = changed(rows, begin, places, lambda elements: elements * torch.tensor([-1.0, 1.0, 1.0, 1.0, 1.0]))
    for network in networks(kind):
        assert (network(moved) - network(rows)).abs().max() > 1e-4


def test_pooling_by_hand():
    """With the identity for a network: mean and largest of the two that are there, and half of the places filled."""
    pooling = Pooling(5)
    for layer in (pooling.element[0], pooling.element[2]):
        torch.nn.init.eye_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    elements = torch.tensor([[[1.0, 4.0, 0, 0, 1], [3.0, 2.0, 0, 0, 1], [9.0, 9.0, 9, 9, 0], [0, 0, 0, 0, 0]]])
    assert pooling(elements).tolist() == [[2.0, 3.0, 0, 0, 1, 3.0, 4.0, 0, 0, 1, 0.5]]
    assert pooling(torch.zeros(1, 4, 5)).tolist() == [[0.0] * 11]


def test_attention_by_hand():
    """A query along x: of two elements, the one with ln 3 more of it weighs three quarters."""
    attention = Attention(5)
    for layer in (attention.element[0], attention.element[2]):
        torch.nn.init.eye_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    attention.query.weight.data = torch.tensor([[1.0, 0, 0, 0, 0]])
    more = 1.0 + float(np.log(3.0))
    elements = torch.tensor([[[1.0, 4.0, 0, 0, 1], [more, 8.0, 0, 0, 1], [9.0, 9.0, 9, 9, 0], [0, 0, 0, 0, 0]]])
    expected = [0.25 + 0.75 * more, 7.0, 0.0, 0.0, 1.0, 0.5]
    assert attention(elements)[0].tolist() == pytest.approx(expected, abs=1e-5)
    assert attention(torch.zeros(1, 4, 5)).tolist() == [[0.0] * 6]


@pytest.mark.parametrize("kind", KINDS)
def test_only_motion_is_normalised(kind):
    actor = Actor(SET_SIZE, 32, 2, kind)
    rows = observations(200)
    actor.normaliser.fit(rows)
    torch.testing.assert_close(actor.normaliser(rows)[:, 6:], rows[:, 6:].clamp(-5.0, 5.0))
    assert actor.normaliser(rows)[:, :6].std(0).tolist() == pytest.approx([1.0] * 6, abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_reads_sets_trains_exports_and_decides_in_time(kind, tmp_path):
    learner = TINY.__class__(**{**vars(TINY), "architecture": kind, "rounds": 2, "hidden": 128})
    Training(tiny_command(tmp_path / "run", layout="set-1", world="kinematic", learner=learner)).run()
    done = export(tmp_path / "run", tmp_path / "policy.onnx", finish=False)
    assert done["largest_difference"] < 1e-5
    policy = Policy.load(str(tmp_path / "policy.onnx"))
    assert policy.card.layout == "set-1"
    rows = observations().numpy().astype(float)
    alone = np.concatenate([policy.decide(row[None]) for row in rows])
    np.testing.assert_allclose(alone, policy.decide(rows), atol=1e-6)
    assert network_microseconds(str(tmp_path / "policy.onnx")) < 200.0


@pytest.mark.parametrize(
    ("layout", "architecture", "message"),
    [
        ("polar-1", "pooling", "Architecture 'pooling' reads sets, which layout 'polar-1' has not; use --layout set-1"),
        ("lamarl-1", "attention", "Architecture 'attention' reads sets, which layout 'lamarl-1' has not"),
    ],
)
def test_what_does_not_fit_is_refused(layout, architecture, message, tmp_path):
    with pytest.raises(MusterError, match=message):
        Training(LamarlCommand(layout=layout, learner=LamarlConfig(architecture=architecture), run=tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_an_unknown_architecture_lists_the_choices():
    with pytest.raises(MusterError, match=r"^Unknown architecture 'transformer'\. Available: mlp, pooling, attention$"):
        LamarlConfig(architecture="transformer")
