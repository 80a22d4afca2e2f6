"""Reading neighbours and cells as sets: the order of a list says nothing, and a place where nobody is weighs nothing.

Every element goes through the same small network; what comes out is pooled (Deep Sets, arXiv 1703.06114), or weighed by
attention with one learned query (as in Set Transformer's pooling, arXiv 1810.00825).
"""

import torch
from torch import Tensor, nn

from muster_core.kernels.observation import ELEMENT, MOTION, NEIGHBOURS, SET_CELLS, SET_SIZE

NOWHERE = 1e4
"""Taken off the score of a place without an element: its weight in a softmax is 0 then."""


class SetEncoder(nn.Module):
    """Observations of ``set-1`` with ``joined`` numbers behind them → motion, both summaries, the joined numbers."""

    def __init__(self, width: int, joined: int, attention: bool) -> None:
        """``width`` units for every element; ``attention`` instead of pooling."""
        super().__init__()
        kind = Attention if attention else Pooling
        self.neighbours, self.cells, self.joined = kind(width), kind(width), joined
        self.size = MOTION + self.neighbours.size + self.cells.size + joined
        """Length of what comes out."""

    def forward(self, numbers: Tensor) -> Tensor:
        """(B, SET_SIZE + joined) → (B, size)."""
        cut = MOTION + ELEMENT * NEIGHBOURS
        neighbours = numbers[:, MOTION:cut].reshape(-1, NEIGHBOURS, ELEMENT)
        cells = numbers[:, cut:SET_SIZE].reshape(-1, SET_CELLS, ELEMENT)
        parts = [numbers[:, :MOTION], self.neighbours(neighbours), self.cells(cells)]
        return torch.cat([*parts, numbers[:, SET_SIZE:]] if self.joined else parts, dim=1)


class Pooling(nn.Module):
    """Mean and largest value over the elements that are there, and the share of places that they fill."""

    def __init__(self, width: int) -> None:
        """``width`` units for every element."""
        super().__init__()
        self.element = _element(width)
        self.size = 2 * width + 1
        """Length of what comes out."""

    def forward(self, elements: Tensor) -> Tensor:
        """(B, places, ELEMENT) → (B, size)."""
        there = elements[..., ELEMENT - 1 :]
        count = there.sum(dim=1)
        read = self.element(elements) * there  # never below 0, so that what is not there is never the largest
        mean = read.sum(dim=1) / count.clamp_min(1.0)
        return torch.cat([mean, read.amax(dim=1), count / elements.shape[1]], dim=1)


class Attention(nn.Module):
    """Mean over the elements that are there, weighed by one head, and the share of places that they fill."""

    def __init__(self, width: int) -> None:
        """``width`` units for every element."""
        super().__init__()
        self.element = _element(width)
        self.query = nn.Linear(width, 1, bias=False)
        self.size = width + 1
        """Length of what comes out."""

    def forward(self, elements: Tensor) -> Tensor:
        """(B, places, ELEMENT) → (B, size)."""
        there = elements[..., ELEMENT - 1 :]
        read = self.element(elements)
        weights = torch.softmax(self.query(read) - NOWHERE * (1.0 - there), dim=1) * there
        share = there.sum(dim=1) / elements.shape[1]
        return torch.cat([(weights * read).sum(dim=1), share], dim=1)


def _element(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(ELEMENT, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
