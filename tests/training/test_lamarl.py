"""The parts of LAMARL against numbers worked out by hand."""

import numpy as np
import pytest
import torch

from muster_core.errors import MusterError
from muster_training.collector import explore
from muster_training.lamarl import LamarlConfig, Learner, blend, prior_gap
from muster_training.networks import Actor, Normaliser
from muster_training.replay import Replay, Trajectories


def trajectories(count, steps=3, size=4, value=1.0):
    return Trajectories(
        np.full((count, steps + 1, size), value, np.float16),
        np.full((count, steps, 2), value, np.float32),
        np.full((count, steps, 2), value, np.float32),
        np.full((count, steps), value, np.float32),
    )


def test_prior_gap_counts_only_rows_where_the_prior_has_an_opinion():
    action = torch.tensor([[1.0, 0.0], [5.0, 5.0], [0.0, 0.0]])
    prior = torch.tensor([[0.0, 0.0], [0.005, 0.0], [0.6, 0.8]])
    # Rows 0 and 1 have a prior shorter than 0.01: only row 2 counts, (0.36 + 0.64)/2.
    assert float(prior_gap(action, prior)) == pytest.approx(0.5)
    assert float(prior_gap(action, torch.zeros(3, 2))) == 0.0


def test_rows_that_were_never_filled_are_never_replayed():
    replay = Replay(capacity=100, steps=3, size=4)
    replay.add(trajectories(2, value=7.0))
    for part in replay.sample(500, np.random.default_rng(0), torch.device("cpu")):
        assert (part == 7.0).all()


def test_the_ring_forgets_the_oldest_first():
    replay = Replay(capacity=3, steps=3, size=4)
    for value in (1.0, 2.0, 3.0, 4.0):
        replay.add(trajectories(1, value=value))
    rewards = replay.sample(500, np.random.default_rng(0), torch.device("cpu"))[3]
    assert set(rewards.tolist()) == {2.0, 3.0, 4.0}


def test_following_observation_is_the_one_after():
    replay = Replay(capacity=1, steps=3, size=1)
    observations = np.arange(4, dtype=np.float16).reshape(1, 4, 1)
    replay.add(
        Trajectories(
            observations, np.zeros((1, 3, 2), np.float32), np.zeros((1, 3, 2), np.float32), np.zeros((1, 3), np.float32)
        )
    )
    observation, _, _, _, following = replay.sample(50, np.random.default_rng(1), torch.device("cpu"))
    assert (following == observation + 1).all()


def test_normaliser_gives_mean_zero_and_unit_scale_and_limits_outliers():
    data = torch.tensor([[0.0, 5.0], [2.0, 5.0]])
    normaliser = Normaliser(2)
    normaliser.fit(data)
    normal = normaliser(data)
    assert normal[:, 0].tolist() == pytest.approx([-0.7071068, 0.7071068])
    assert normal[:, 1].tolist() == [0.0, 0.0]  # a constant is not blown up
    assert normaliser(torch.tensor([[1e6, -1e6]])).tolist() == [[5.0, -5.0]]


def test_blend_moves_the_target_by_its_share():
    target, source = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    for layer, value in ((target, 0.0), (source, 10.0)):
        torch.nn.init.constant_(layer.weight, value)
        torch.nn.init.constant_(layer.bias, value)
    blend(target, source, 0.01)
    assert target.weight.item() == pytest.approx(0.1)
    assert target.bias.item() == pytest.approx(0.1)


def learner(**changes):
    return Learner(
        LamarlConfig(hidden=16, batch=128, capacity=64, **changes), size=4, steps=3, device=torch.device("cpu")
    )


def test_with_a_strong_prior_the_actor_becomes_the_prior():
    student = learner(actor_rate=1e-2)
    generator = np.random.default_rng(0)
    observations = generator.normal(size=(64, 4, 4)).astype(np.float16)
    priors = np.clip(observations[:, :3, :2], -0.8, 0.8).astype(np.float32)
    student.replay.add(
        Trajectories(observations, np.zeros((64, 3, 2), np.float32), priors, np.zeros((64, 3), np.float32))
    )
    student.fit_normaliser()
    before = student.update(0, prior_weight=100.0)["prior_gap"]
    for step in range(300):
        figures = student.update(2 * step, prior_weight=100.0)
    assert figures["prior_gap"] < 0.1 * before


def test_without_a_prior_the_actor_climbs_the_reward():
    student = learner(actor_rate=3e-4, gamma=0.0)
    generator = np.random.default_rng(0)
    observations = generator.normal(size=(64, 4, 4)).astype(np.float16)
    actions = generator.uniform(-1, 1, (64, 3, 2)).astype(np.float32)
    rewards = 1.0 - ((actions - np.array([0.5, -0.5], np.float32)) ** 2).sum(-1)
    student.replay.add(Trajectories(observations, actions, np.zeros_like(actions), rewards))
    student.fit_normaliser()
    for step in range(1500):
        student.update(step, prior_weight=0.0)
    assert student.act(observations[:, 0].astype(np.float32)).mean(axis=0) == pytest.approx([0.5, -0.5], abs=0.15)


def test_exploration_draws_a_coin_for_each_robot():
    config = LamarlConfig(random_share=0.5)
    explored = explore(np.zeros((1, 4000, 2)), np.zeros((1, 4000, 1)), config, np.random.default_rng(0))
    changed = (explored != 0).any(axis=-1).mean()
    assert 0.45 < changed < 0.55
    assert np.abs(explored).max() <= 1.0


def test_the_actor_keeps_its_actions_within_bounds():
    with torch.no_grad():
        assert Actor(4, 16, 2)(torch.full((3, 4), 1e9)).abs().max() <= 1.0


@pytest.mark.parametrize(("field", "value"), [("rounds", 0), ("batch", -1), ("gamma", 1.5), ("random_share", -0.1)])
def test_settings_that_cannot_learn_are_refused(field, value):
    with pytest.raises(MusterError, match=f"{field} is {value}"):
        LamarlConfig(**{field: value})
