"""The task through PettingZoo's and Gymnasium's eyes: their own tests, and what those do not ask."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from pettingzoo.test import parallel_api_test, parallel_seed_test

import muster_sim
from muster_core.controllers import load_controller
from muster_core.errors import MusterError
from muster_sim.assembly import AssemblyConfig, ShapeAssembly
from muster_sim.events import Join, Kill

SMALL = {"robots": 5, "shapes": ("R", "disc"), "episode_steps": 12}


def actions(env, generator):
    return {agent: generator.uniform(-1, 1, 2).astype(np.float32) for agent in env.agents}


def test_pettingzoos_own_tests_pass():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        parallel_api_test(muster_sim.parallel_env(**SMALL), num_cycles=40)
    parallel_seed_test(lambda: muster_sim.parallel_env(**SMALL), num_cycles=15)


def test_it_is_the_batched_task_with_one_environment():
    env, generator = muster_sim.parallel_env(**SMALL), np.random.default_rng(0)
    observations, _ = env.reset(seed=7)
    task = ShapeAssembly(AssemblyConfig(**SMALL), 1)
    batch = task.reset(np.array([np.random.default_rng(7).integers(2**31)]))
    for _ in range(12):
        for agent, row in zip(env.agents, batch.observations[0], strict=True):
            np.testing.assert_array_equal(observations[agent], row)
        chosen = actions(env, generator)
        batch = task.step(np.stack([chosen[agent] for agent in env.agents])[None].astype(float))
        rewarded = [*env.agents]
        observations, rewards, terminated, truncated, infos = env.step(chosen)
        assert [rewards[agent] for agent in rewarded] == batch.rewards[0].tolist()
        np.testing.assert_allclose([infos[agent]["prior"] for agent in rewarded], batch.prior[0], atol=1e-6)
    assert all(truncated.values())
    assert not any(terminated.values())
    assert env.agents == []
    assert env.step({}) == ({}, {}, {}, {}, {})


def test_arrays_of_an_earlier_step_stay_as_they_were():
    env, generator = muster_sim.parallel_env(**SMALL), np.random.default_rng(0)
    first, _ = env.reset(seed=1)
    kept = {agent: row.copy() for agent, row in first.items()}
    env.step(actions(env, generator))
    for agent, row in first.items():
        np.testing.assert_array_equal(row, kept[agent])


def test_a_seed_fixes_the_episodes_after_it_too():
    env = muster_sim.parallel_env(**SMALL)
    runs = []
    for _ in range(2):
        episodes = [env.reset(seed=3)[0]["robot_0"]] + [env.reset()[0]["robot_0"] for _ in range(2)]
        runs.append(np.stack(episodes))
    np.testing.assert_array_equal(*runs)
    assert not np.array_equal(runs[0][0], runs[0][1])


def test_state_and_pictures():
    env = muster_sim.parallel_env(**SMALL, render_mode="rgb_array")
    observations, _ = env.reset(seed=0, options={"shape": "disc"})
    np.testing.assert_array_equal(env.state(), np.concatenate([observations[agent] for agent in env.agents]))
    picture = env.render()
    assert picture.dtype == np.uint8
    assert picture.shape[1:] == (720, 3)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 3
    assert muster_sim.parallel_env(**SMALL).render() is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"robot_count": 3}, "Unknown setting 'robot_count'. Available: robots, shapes"),
        ({"render_mode": "human"}, "Unknown render mode 'human'. Available: rgb_array"),
        ({"robots": 1}, "robots is 1"),
        ({"shapes": ("R", "\ue000")}, "Unknown glyph"),
        ({"config": AssemblyConfig(), "robots": 4}, "Give a config or settings, not both"),
    ],
)
def test_tasks_that_cannot_be_set_are_refused(settings, message):
    with pytest.raises(MusterError, match=message):
        muster_sim.parallel_env(**settings)


def test_wrong_calls_are_refused():
    env = muster_sim.parallel_env(**SMALL)
    with pytest.raises(MusterError, match="Call reset first"):
        env.state()
    with pytest.raises(MusterError, match=r"Unknown shape of this environment 'Q'\. Available: R, disc"):
        env.reset(options={"shape": "Q"})
    env.reset(seed=0)
    good = {agent: np.zeros(2) for agent in env.agents}
    for bad, message in (
        ({}, "must come from every agent"),
        ({**good, "robot_9": np.zeros(2)}, "see 'robot_9'"),
        ({**good, "robot_1": np.zeros(3)}, "The action of robot_1 is"),
        ({**good, "robot_1": [np.nan, 0]}, "two finite numbers"),
        ({**good, "robot_1": "left"}, "two finite numbers"),
    ):
        with pytest.raises(MusterError, match=message):
            env.step(bad)


def test_gymnasiums_own_test_passes():
    with warnings.catch_warnings():
        # Observations have no bounds, and Gymnasium says so.
        warnings.simplefilter("ignore", UserWarning)
        env = gymnasium.make("Muster/ShapeAssembly-v0", **SMALL)
        check_env(env.unwrapped, skip_render_check=False)
        check_env(gymnasium.make("Muster/ShapeAssembly-v0", **SMALL, render_mode="rgb_array").unwrapped)


def test_the_controlled_robot_flies_among_teammates_that_the_prior_flies():
    """Flown by the prior as well, it does what the whole team does under the prior."""
    env = gymnasium.make("Muster/ShapeAssembly-v0", **SMALL).unwrapped
    team = muster_sim.parallel_env(**SMALL)
    observation, info = env.reset(seed=5)
    everybody, infos = team.reset(seed=5)
    for _ in range(12):
        # The priors in infos are float32, so that trainers can take them as targets as they are.
        np.testing.assert_allclose(observation, everybody["robot_0"], atol=1e-5)
        observation, _, _, truncated, info = env.step(info["prior"])
        everybody, *_, infos = team.step({agent: infos[agent]["prior"] for agent in team.agents})
    assert truncated
    with pytest.raises(MusterError, match="Call reset first: the episode has not begun, or is over"):
        env.step(info["prior"])


def test_teammates_may_be_another_controller():
    env = gymnasium.make("Muster/ShapeAssembly-v0", **SMALL, teammates="coverage").unwrapped
    assert env._single.config.sensing == load_controller("coverage").sensing
    with pytest.raises(MusterError, match="Unknown controller 'magic'"):
        gymnasium.make("Muster/ShapeAssembly-v0", **SMALL, teammates="magic")
    with pytest.raises(MusterError, match="not as prior"):
        gymnasium.make("Muster/ShapeAssembly-v0", **SMALL, prior="expert")


def test_agents_die_and_join_as_the_api_says():
    env = muster_sim.parallel_env(
        robots=5, shapes=("disc",), height=1.0, episode_steps=8, world="kinematic",
        events=(Kill(2, robots=(1,)), Join(4, robots=(3,))),
    )  # fmt: skip
    observations, _ = env.reset(seed=0)
    assert env.agents == list(observations) == ["robot_0", "robot_1", "robot_2", "robot_4"]
    seen = []
    while env.agents:
        before = list(env.agents)
        observations, rewards, terminations, truncations, infos = env.step({agent: np.zeros(2) for agent in env.agents})
        assert list(observations) == list(rewards) == list(terminations) == list(truncations) == list(infos)
        assert set(before) <= set(observations)
        seen.append((before, [agent for agent in terminations if terminations[agent]]))
    env.close()
    assert seen[1] == (["robot_0", "robot_1", "robot_2", "robot_4"], ["robot_1"]), "told once that it is over"
    assert seen[2] == (["robot_0", "robot_2", "robot_4"], [])
    assert seen[4] == (["robot_0", "robot_2", "robot_3", "robot_4"], [])
    assert len(seen) == 8
    with pytest.raises(MusterError, match="robot_1"):
        env.reset(seed=0)
        env.step({"robot_1": np.zeros(2)})
