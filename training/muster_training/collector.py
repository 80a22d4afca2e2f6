"""Episodes for the replay, flown in a thread of their own while the learner works on the last ones.

The delay is one round, always: round k is flown by the actor as it was when round k - 1 began to be learned from. Noise
and starts follow from the run's seed and the round's number. So what is learned does not depend on which of the two is
faster, and a run that was killed continues bit for bit.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from muster_core.types import Array
from muster_sim.contract import BatchedEnvironment
from muster_training.lamarl import LamarlConfig, Learner, act
from muster_training.replay import Trajectories


class Collector:
    """One thread that flies one round ahead; kernels and torch let the learner work meanwhile."""

    def __init__(self, learner: Learner, pick: Callable[[int], BatchedEnvironment], prior_rounds: int) -> None:
        """``pick(round)`` gives the environments of a round; the prior flies those below ``prior_rounds``."""
        self.prior_rounds = prior_rounds
        self._learner, self._pick = learner, pick
        self._thread = ThreadPoolExecutor(1, "collector")
        self._flying: Future[Trajectories] | None = None

    def begin(self, number: int) -> None:
        """Let round ``number`` take off, unless the run ends before it."""
        if number < self._learner.config.rounds:
            self._flying = self._thread.submit(self._fly, number)

    def take(self) -> Trajectories:
        """The round that was begun, when all its episodes are over."""
        if self._flying is None:
            self.begin(self._learner.done_rounds)
        assert self._flying is not None
        flown, self._flying = self._flying.result(), None
        return flown

    def close(self) -> None:
        """End the thread; waits for the episodes in the air."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _fly(self, number: int) -> Trajectories:
        learner, environment = self._learner, self._pick(number)
        generator = np.random.default_rng([learner.config.seed, number])
        # The actor that learns from the prior's last round flies a round later; until then the prior goes on.
        by_prior = number <= self.prior_rounds
        return collect(environment, learner, generator, by_prior)


def collect(
    environment: BatchedEnvironment, learner: Learner, generator: np.random.Generator, by_prior: bool
) -> Trajectories:
    """Fly one episode in every environment with exploration, by the prior or by the learner's ``behaviour``."""
    steps, count = environment.episode_steps, environment.environments * environment.agents
    batch = environment.reset(generator.integers(0, 2**31, environment.environments))
    noise = draw_noise((environment.environments, environment.agents), learner.config, generator)
    observations = np.empty((count, steps + 1, batch.observations.shape[-1]), np.float16)
    actions, priors = np.empty((count, steps, 2), np.float32), np.empty((count, steps, 2), np.float32)
    rewards = np.empty((count, steps), np.float32)
    for t in range(steps):
        observations[:, t] = batch.observations.reshape(count, -1)
        priors[:, t] = batch.prior.reshape(count, 2)
        wanted = batch.prior if by_prior else act(learner.behaviour, batch.observations, learner.device)
        action = explore(wanted, noise, learner.config, generator)
        actions[:, t] = action.reshape(count, 2)
        batch = environment.step(action)
        rewards[:, t] = batch.rewards.reshape(count)
    observations[:, steps] = batch.observations.reshape(count, -1)
    return Trajectories(observations, actions, priors, rewards)


def draw_noise(shape: tuple[int, ...], config: LamarlConfig, generator: np.random.Generator) -> Array:
    """Standard deviations (..., 1) of the exploration noise of each robot for one episode."""
    low, high = np.log(config.noise)
    return np.exp(generator.uniform(low, high, (*shape, 1)))


def explore(actions: Array, noise: Array, config: LamarlConfig, generator: np.random.Generator) -> Array:
    """``actions`` (..., 2) with Gaussian ``noise`` (..., 1), some replaced by random ones, robot by robot."""
    noisy = actions + noise * generator.normal(size=actions.shape)
    random = generator.uniform(-1.0, 1.0, actions.shape)
    coin = generator.random(actions.shape[:-1])[..., None] < config.random_share
    return np.clip(np.where(coin, random, noisy), -1.0, 1.0)
