"""LAMARL (arXiv 2506.01538): a shared actor-critic for a swarm, regularised by a prior policy.

One actor and one local critic Q(o_i, a_i) serve every robot, so experience of any team size is experience of one robot.
The actor climbs the critic and is held near the prior where the prior has an opinion. Differences from the published
code, each mending a fault: only filled rows are replayed, exploration is drawn per robot, any team size trains, and the
critic is a pair with a delayed actor (TD3), which keeps the values honest. An episode never ends in a state of its own,
so every target bootstraps.
"""

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from muster_core.errors import MusterError, unknown
from muster_core.types import AnyArray, Array
from muster_training.networks import ARCHITECTURES, Actor, TwinCritic
from muster_training.replay import Replay, Trajectories

if TYPE_CHECKING:
    from muster_training.collector import Collector

LEARNED = ("actor", "critic", "target_actor", "target_critic", "behaviour", "actor_optimiser", "critic_optimiser")
"""Parts of a learner with weights or moments."""


@dataclass(frozen=True)
class LamarlConfig:
    """Everything that decides a LAMARL run."""

    rounds: int = 100
    """Rounds of collecting one episode per environment and then learning from all experience."""
    updates: int = 200
    """Gradient steps after each round."""
    batch: int = 1024
    """Transitions in a gradient step."""
    gamma: float = 0.95
    """Discount per step of 0.1 s (published)."""
    tau: float = 0.01
    """Share of the new weights that the target networks take over in each step (published)."""
    actor_rate: float = 3e-4
    """Learning rate of the actor."""
    critic_rate: float = 1e-3
    """Learning rate of the critic (published)."""
    final_rate: float = 0.1
    """Share of both learning rates that is left in the last round; they fall linearly."""
    hidden: int = 128
    """Units in a hidden layer."""
    layers: int = 2
    """Hidden layers."""
    architecture: str = "mlp"
    """mlp; or pooling or attention over neighbours and cells as sets, which need the layout set-1."""
    prior_weight: float = 0.3
    """Weight of the prior's term in the actor's loss (published)."""
    prior_after: float = 0.1
    """Factor on that weight after the first round (published)."""
    prior_rounds: int = 1
    """Rounds per team size flown by the prior itself, to fill the replay and fit the normalisation."""
    random_share: float = 0.02
    """Chance that a robot acts at random in a step (published: 0.1 and one coin for the swarm; here one per robot)."""
    noise: tuple[float, float] = (0.02, 0.5)
    """Range of the exploration noise's standard deviation; each robot draws its own for an episode, log-uniformly, so
    that calm robots among restless ones are seen too (published: 0.9 falling to 0.5 for everybody)."""
    capacity: int = 12000
    """Trajectories of single robots kept for replay."""
    seed: int = 0
    """Everything drawn follows from it."""

    def __post_init__(self) -> None:
        """Refuse settings that cannot learn.

        Raises:
            MusterError: names the field, its value and what is allowed.
        """
        if self.architecture not in ARCHITECTURES:
            raise unknown("architecture", self.architecture, ARCHITECTURES)
        for name in ("rounds", "updates", "batch", "hidden", "layers", "capacity", "prior_rounds"):
            if getattr(self, name) < 1:
                raise MusterError(f"{name} is {getattr(self, name)}; it must be at least 1")
        for name in ("gamma", "tau", "random_share", "final_rate"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise MusterError(f"{name} is {getattr(self, name)}; it must lie in 0 … 1")
        for name in ("actor_rate", "critic_rate"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise MusterError(f"{name} is {getattr(self, name)}; it must lie above 0 and at most at 1")
        for name in ("prior_weight", "prior_after"):
            if not 0.0 <= getattr(self, name) < np.inf:
                raise MusterError(f"{name} is {getattr(self, name)}; it must be a finite number, 0 or above")
        if not 0.0 < self.noise[0] <= self.noise[1] < np.inf:
            raise MusterError(f"noise is {self.noise}; it must be two rising finite numbers above 0")
        if not 0 <= self.seed < 2**63:
            raise MusterError(f"seed is {self.seed}; it must lie in 0 … 2^63 - 1")
        if self.prior_rounds > self.rounds:
            raise MusterError(f"prior_rounds is {self.prior_rounds}; with {self.rounds} rounds nothing would be learnt")


class Learner:
    """Networks, optimisers and replay of one run."""

    def __init__(self, config: LamarlConfig, size: int, steps: int, device: torch.device) -> None:
        """``size``: length of an observation; ``steps``: length of an episode."""
        torch.manual_seed(config.seed)
        self.config, self.device = config, device
        self.generator = np.random.default_rng(config.seed)
        form = (size, config.hidden, config.layers)
        self.actor = Actor(*form, config.architecture).to(device)
        self.critic = TwinCritic(*form, self.actor.normaliser, config.architecture).to(device)
        self.target_actor, self.target_critic = copy.deepcopy(self.actor), copy.deepcopy(self.critic)
        self.behaviour = copy.deepcopy(self.actor)
        """Flies the episodes that are collected now; a round older than the actor."""
        self.actor_optimiser = torch.optim.Adam(self.actor.body.parameters(), config.actor_rate)
        heads = [*self.critic.first.parameters(), *self.critic.second.parameters()]
        self.critic_optimiser = torch.optim.Adam(heads, config.critic_rate)
        self.replay = Replay(config.capacity, steps, size)
        self.done_rounds = 0
        self.robot_steps = 0

    def state(self) -> dict[str, Any]:
        """Everything but the experience: what a checkpoint holds."""
        return {
            **{name: getattr(self, name).state_dict() for name in LEARNED},
            "generator": self.generator.bit_generator.state,
            "done_rounds": self.done_rounds,
            "robot_steps": self.robot_steps,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state`; the experience is added beforehand, oldest first."""
        for name in LEARNED:
            getattr(self, name).load_state_dict(state[name])
        self.generator.bit_generator.state = state["generator"]
        self.done_rounds, self.robot_steps = state["done_rounds"], state["robot_steps"]

    def act(self, observations: AnyArray) -> Array:
        """Deterministic accelerations (..., 2) of the slow actor, which is evaluated and exported."""
        return act(self.target_actor, observations, self.device)

    def ready(self) -> None:
        """Let the next episodes be flown by the actor as it is now."""
        self.behaviour.load_state_dict(self.actor.state_dict())

    def set_rates(self) -> None:
        """Learning rates for the round to come."""
        config = self.config
        left = 1.0 - (1.0 - config.final_rate) * self.done_rounds / config.rounds
        for optimiser, rate in ((self.actor_optimiser, config.actor_rate), (self.critic_optimiser, config.critic_rate)):
            for group in optimiser.param_groups:
                group["lr"] = rate * left

    def fit_normaliser(self) -> None:
        """Fix the normalisation from the first experience, for all four networks."""
        sample = self.replay.sample(20000, self.generator, self.device)[0]
        for network in (self.actor, self.target_actor, self.target_critic):
            network.normaliser.fit(sample)

    def update(self, step: int, prior_weight: float) -> dict[str, float]:
        """One gradient step of the critic, every second time of the actor too, and of the targets."""
        config = self.config
        observation, action, prior, reward, following = self.replay.sample(config.batch, self.generator, self.device)
        with torch.no_grad():
            target = torch.min(*self.target_critic(following, self.target_actor(following)))
            target = (1.0 - config.gamma) * reward + config.gamma * target  # values stay on the reward's own scale
        first, second = self.critic(observation, action)
        critic_loss = functional.mse_loss(first, target) + functional.mse_loss(second, target)
        self.critic_optimiser.zero_grad(set_to_none=True)
        critic_loss.backward()
        self.critic_optimiser.step()
        figures = {"critic_loss": critic_loss.detach()}
        if step % 2 == 0:
            wanted = self.actor(observation)
            value = self.critic.one(observation, wanted)
            gap = prior_gap(wanted, prior)
            # Values have the reward's scale; divided by their mean size, the prior weighs the same in every task.
            loss = -value.mean() / value.detach().abs().mean().clamp_min(1e-3) + prior_weight * gap
            self.actor_optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.actor_optimiser.step()
            blend(self.target_actor.body, self.actor.body, config.tau)
            blend(self.target_critic.first, self.critic.first, config.tau)
            blend(self.target_critic.second, self.critic.second, config.tau)
            figures |= {"value": value.detach().mean(), "prior_gap": gap.detach()}
        return {name: float(figure) for name, figure in figures.items()}


def prior_gap(action: Tensor, prior: Tensor) -> Tensor:
    """Mean squared distance of ``action`` (B, 2) from ``prior`` (B, 2) where the prior has an opinion (> 0.01)."""
    says = (prior.norm(dim=1) > 0.01).float()
    return ((action - prior).square().mean(1) * says).sum() / says.sum().clamp_min(1.0)


def blend(target: torch.nn.Module, source: torch.nn.Module, share: float) -> None:
    """Move the weights of ``target`` by ``share`` towards those of ``source``."""
    with torch.no_grad():
        torch._foreach_lerp_(list(target.parameters()), list(source.parameters()), share)


def act(actor: Actor, observations: AnyArray, device: torch.device) -> Array:
    """Deterministic accelerations (..., 2) of ``actor`` for observations (..., size)."""
    with torch.no_grad():
        flat = torch.from_numpy(observations).to(device).reshape(-1, observations.shape[-1])
        actions = actor(flat).cpu().numpy()
    accelerations: Array = actions.astype(np.float64).reshape(*observations.shape[:-1], 2)
    return accelerations


def train_round(learner: Learner, collector: "Collector") -> tuple[Trajectories, dict[str, float]]:
    """One round: take the episodes that were flown meanwhile, let the next ones begin, then learn.

    Returns:
        The experience that was added to the replay, and the round's figures.
    """
    config, now, first = learner.config, learner.done_rounds, collector.prior_rounds
    fresh = collector.take()
    learner.replay.add(fresh)
    learner.robot_steps += fresh.rewards.size
    learner.ready()
    collector.begin(now + 1)
    totals: dict[str, list[float]] = {"reward": [float(fresh.rewards[:, -fresh.rewards.shape[1] // 4 :].mean())]}
    if now == first - 1:
        learner.fit_normaliser()
    if now >= first - 1:
        learner.set_rates()
        weight = config.prior_weight * (1.0 if now < first else config.prior_after)
        for step in range(config.updates):
            for name, figure in learner.update(step, weight).items():
                totals.setdefault(name, []).append(figure)
    learner.done_rounds += 1
    return fresh, {name: float(np.mean(values)) for name, values in totals.items()}
