"""Networks of an actor-critic for one robot, shared by the whole team. Normalisation is part of the actor's graph.

Three architectures: ``mlp`` reads any layout as one row of numbers; ``pooling`` and ``attention`` read the neighbours
and cells of ``set-1`` as sets, each element by the same small network (:mod:`muster_training.sets`).
"""

import torch
from torch import Tensor, nn

from muster_core.errors import MusterError
from muster_core.kernels.observation import MOTION, SET_SIZE
from muster_training.sets import SetEncoder

ARCHITECTURES = ("mlp", "pooling", "attention")
SET_LAYOUT = "set-1"
"""The layout that the last two can read."""


def check_architecture(architecture: str, layout: str) -> None:
    """Pass an architecture that can read the layout.

    Raises:
        MusterError: it reads sets, and the layout has none.
    """
    if architecture != "mlp" and layout != SET_LAYOUT:
        raise MusterError(
            f"Architecture {architecture!r} reads sets, which layout {layout!r} has not; "
            f"use --layout {SET_LAYOUT}, or --architecture mlp"
        )


class Normaliser(nn.Module):
    """(x − mean)/scale, with numbers fixed before learning so that old experience keeps its meaning."""

    mean: Tensor
    scale: Tensor

    def __init__(self, size: int, fitted: int | None = None) -> None:
        """``size``: length of the observation; beyond the first ``fitted`` numbers all stay as they are."""
        super().__init__()
        self._fitted = size if fitted is None else fitted
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))

    def fit(self, observations: Tensor, smallest: float = 0.05) -> None:
        """Take mean and deviation from ``observations`` (rows, size); those that hardly vary get scale ``smallest``."""
        known = observations[:, : self._fitted]
        self.mean[: self._fitted] = known.mean(0)
        self.scale[: self._fitted] = known.std(0).clamp_min(smallest)

    def forward(self, observation: Tensor) -> Tensor:
        """Normalised, limited to ±5 standard deviations."""
        return ((observation - self.mean) / self.scale).clamp(-5.0, 5.0)


class Actor(nn.Module):
    """Observation (B, size) → acceleration (B, 2) in (-1, 1)."""

    def __init__(self, size: int, hidden: int, layers: int, architecture: str = "mlp") -> None:
        """``layers`` hidden layers of ``hidden`` units."""
        super().__init__()
        # Elements of a set are dimensionless already, and a place of a list means nothing that could be normalised.
        self.normaliser = Normaliser(size, None if architecture == "mlp" else MOTION)
        self.body = _body(architecture, size, 0, hidden, layers, 2)

    def forward(self, observation: Tensor) -> Tensor:
        """The deterministic action."""
        return torch.tanh(self.body(self.normaliser(observation)))


class TwinCritic(nn.Module):
    """Two estimates of Q(o_i, a_i); the smaller one is the target (TD3, arXiv 1802.09477)."""

    def __init__(self, size: int, hidden: int, layers: int, normaliser: Normaliser, architecture: str = "mlp") -> None:
        """The actor's ``normaliser`` is used, not copied."""
        super().__init__()
        self.normaliser = normaliser
        self.first = _body(architecture, size, 2, hidden, layers, 1)
        self.second = _body(architecture, size, 2, hidden, layers, 1)

    def forward(self, observation: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """Both estimates, shape (B,) each."""
        both = torch.cat([self.normaliser(observation), action], dim=1)
        return self.first(both).squeeze(1), self.second(both).squeeze(1)

    def one(self, observation: Tensor, action: Tensor) -> Tensor:
        """The first estimate alone, which the actor climbs."""
        return self.first(torch.cat([self.normaliser(observation), action], dim=1)).squeeze(1)


def _body(architecture: str, size: int, joined: int, hidden: int, layers: int, out: int) -> nn.Sequential:
    """From an observation and ``joined`` numbers behind it (an action) to ``out`` numbers."""
    if architecture == "mlp":
        return _perceptron(size + joined, hidden, layers, out)
    if size != SET_SIZE:
        raise ValueError(f"{architecture} reads the {SET_SIZE} numbers of {SET_LAYOUT}, not {size}")
    encoder = SetEncoder(max(1, hidden // 4), joined, architecture == "attention")
    return nn.Sequential(encoder, *_perceptron(encoder.size, hidden, layers, out))


def _perceptron(size: int, hidden: int, layers: int, out: int) -> nn.Sequential:
    modules: list[nn.Module] = []
    width = size
    for _ in range(layers):
        modules += [nn.Linear(width, hidden), nn.LeakyReLU()]
        width = hidden
    return nn.Sequential(*modules, nn.Linear(width, out))
