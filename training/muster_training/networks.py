"""Networks of an actor-critic for one robot, shared by the whole team. Normalisation is part of the actor's graph."""

import torch
from torch import Tensor, nn


class Normaliser(nn.Module):
    """(x − mean)/scale, with numbers fixed before learning so that old experience keeps its meaning."""

    mean: Tensor
    scale: Tensor

    def __init__(self, size: int) -> None:
        """``size``: length of the observation."""
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))

    def fit(self, observations: Tensor, smallest: float = 0.05) -> None:
        """Take mean and deviation from ``observations`` (rows, size); those that hardly vary get scale ``smallest``."""
        self.mean.copy_(observations.mean(0))
        self.scale.copy_(observations.std(0).clamp_min(smallest))

    def forward(self, observation: Tensor) -> Tensor:
        """Normalised, limited to ±5 standard deviations."""
        return ((observation - self.mean) / self.scale).clamp(-5.0, 5.0)


class Actor(nn.Module):
    """Observation (B, size) → acceleration (B, 2) in (-1, 1)."""

    def __init__(self, size: int, hidden: int, layers: int) -> None:
        """``layers`` hidden layers of ``hidden`` units."""
        super().__init__()
        self.normaliser = Normaliser(size)
        self.body = _perceptron(size, hidden, layers, 2)

    def forward(self, observation: Tensor) -> Tensor:
        """The deterministic action."""
        return torch.tanh(self.body(self.normaliser(observation)))


class TwinCritic(nn.Module):
    """Two estimates of Q(o_i, a_i); the smaller one is the target (TD3, arXiv 1802.09477)."""

    def __init__(self, size: int, hidden: int, layers: int, normaliser: Normaliser) -> None:
        """The actor's ``normaliser`` is used, not copied."""
        super().__init__()
        self.normaliser = normaliser
        self.first = _perceptron(size + 2, hidden, layers, 1)
        self.second = _perceptron(size + 2, hidden, layers, 1)

    def forward(self, observation: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """Both estimates, shape (B,) each."""
        both = torch.cat([self.normaliser(observation), action], dim=1)
        return self.first(both).squeeze(1), self.second(both).squeeze(1)

    def one(self, observation: Tensor, action: Tensor) -> Tensor:
        """The first estimate alone, which the actor climbs."""
        return self.first(torch.cat([self.normaliser(observation), action], dim=1)).squeeze(1)


def _perceptron(size: int, hidden: int, layers: int, out: int) -> nn.Sequential:
    modules: list[nn.Module] = []
    width = size
    for _ in range(layers):
        modules += [nn.Linear(width, hidden), nn.LeakyReLU()]
        width = hidden
    return nn.Sequential(*modules, nn.Linear(width, out))
