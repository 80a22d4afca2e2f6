"""Train shape assembly with a library that knows nothing of Muster: Stable-Baselines3's PPO, one network for all.

Robots share the network, so a team is to PPO a batch of environments: SuperSuit turns the PettingZoo environment into
one. The library lives in an environment of its own, for its pins are not ours. From the repository's root:

    python3.11 -m venv .venv-sb3
    .venv-sb3/bin/pip install -r examples/stable_baselines3.txt
    .venv-sb3/bin/python examples/stable_baselines3_ppo.py --steps 300000

It prints the mean reward a step before and after: 0.03 and 0.70 with --steps 60000 --robots 10 --shapes R,disc, which
took 22 seconds of one core. A policy that compares with the shipped one takes longer, or `muster-train`.
"""

import argparse

import numpy as np
import supersuit
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.utils import set_random_seed
from stable_baselines3.common.vec_env import VecEnv, VecMonitor

import muster_sim


def main() -> None:
    """Measure, train, measure again, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300_000, help="robot-steps of training (%(default)s)")
    parser.add_argument("--robots", type=int, default=12, help="size of the team (%(default)s)")
    parser.add_argument("--shapes", default="R,star,disc", help="shapes, separated by commas (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of networks and episodes (%(default)s)")
    parser.add_argument("-o", "--output", default="out/ppo.zip", help="where to save the policy (%(default)s)")
    options = parser.parse_args()
    torch.set_num_threads(1)  # small networks: more threads only get into each other's way

    set_random_seed(options.seed)  # SuperSuit's environments cannot be seeded through PPO

    environment = vectorised(options.robots, tuple(options.shapes.split(",")), options.seed)
    model = PPO(
        "MlpPolicy",
        environment,
        n_steps=200,  # an episode
        batch_size=50 * options.robots,
        learning_rate=3e-4,
        gamma=0.95,
        policy_kwargs={"net_arch": [128, 128]},
        device="cpu",
    )
    before = mean_reward(model, environment)
    model.learn(options.steps)
    after = mean_reward(model, environment)
    model.save(options.output)
    environment.close()
    print(f"mean reward a step: {before:.4f} before, {after:.4f} after {options.steps} robot-steps")
    print(f"saved: {options.output}")


def vectorised(robots: int, shapes: tuple[str, ...], seed: int) -> VecEnv:
    """The team as Stable-Baselines3 wants it: as many environments as robots, which end together."""
    team = muster_sim.parallel_env(robots=robots, shapes=shapes)
    team.reset(seed=seed)
    markov = supersuit.pettingzoo_env_to_vec_env_v1(team)
    # One copy in this process: a physics engine does not travel by pickle.
    return VecMonitor(supersuit.concat_vec_envs_v1(markov, 1, num_cpus=0, base_class="stable_baselines3"))


def mean_reward(model: PPO, environment: VecEnv, steps: int = 400) -> float:
    """Mean over robots and steps of two episodes, without exploration."""
    observations, rewards = environment.reset(), []
    for _ in range(steps):
        actions, _ = model.predict(observations, deterministic=True)
        observations, reward, _, _ = environment.step(actions)
        rewards.append(reward.mean())
    return float(np.mean(rewards))


if __name__ == "__main__":
    main()
