"""What an experiment is: cells that are worked off one by one, a table and a picture made of their figures.

To add one, write a file with an ``EXPERIMENT`` and name it in ``EXPERIMENTS``.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from muster_core.errors import MusterError, unknown

EXPERIMENTS = ("shapes", "teams", "noise", "killed", "moved", "radius", "prior", "train", "layouts")
"""In the order that they are listed and reported; each is the module of that name in this package."""

Label = str | int | float
Figures = Mapping[str, float]
"""Figures of one episode, or of one point of a curve; infinite for what was never reached."""
TableRow = dict[str, Any]
"""Labels and figures of one row of a result; JSON can hold it."""


@dataclass(frozen=True)
class ExperimentSettings:
    """What a person chooses of an experiment."""

    policy: str = "shipped"
    """Policy that is examined."""
    seed: int = 0
    """Starts, poses, training and everything else drawn follow from it."""
    episodes: int | None = None
    """Episodes per shape; by default what the experiment takes."""
    shapes: str | None = None
    """Shapes and sets, separated by commas, instead of the experiment's own."""
    runs: int | None = None
    """Training runs of each kind, for experiments that train."""
    rounds: int | None = None
    """Rounds of each training run, for experiments that train."""

    def __post_init__(self) -> None:
        """Refuse settings that cannot be.

        Raises:
            MusterError: names the setting, its value and what is allowed.
        """
        if not 0 <= self.seed < 2**31:
            raise MusterError(f"seed is {self.seed}; it must lie in 0 … 2^31 - 1")
        for name in ("episodes", "runs", "rounds"):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= 10_000:
                raise MusterError(f"{name} is {value}; it must lie in 1 … 10000")


class Cell(Protocol):
    """One piece of work of an experiment: a frozen description that decides its figures."""

    @property
    def name(self) -> str:
        """Unique in its experiment, for example ``seven/expert/R``."""

    @property
    def labels(self) -> Mapping[str, Label]:
        """What tells the row of the table that this cell belongs to."""

    def run(self, folder: Path) -> Sequence[Figures]:
        """Do the work; what must outlive a kill goes into ``folder``.

        Raises:
            MusterError: the work is refused or has failed; the report names it.
        """


@dataclass(frozen=True)
class Outcome:
    """A cell and what came of it."""

    cell: Cell
    figures: Sequence[Figures]
    """Empty where the cell was refused."""
    refusal: str | None = None
    """Why there are no figures."""


@dataclass(frozen=True)
class Column:
    """A column of the table."""

    heading: str
    text: Callable[[TableRow], str]
    """What stands in it."""


@dataclass(frozen=True)
class Experiment:
    """A question and how it is answered."""

    name: str
    question: str
    """One sentence."""
    cost: str
    """Time it takes, for the list."""
    cells: Callable[[ExperimentSettings], Sequence[Cell]]
    """The work; its order is that of the table."""
    summarise: Callable[[Sequence[Outcome]], list[TableRow]]
    """The table's rows; JSON can hold them."""
    columns: Sequence[Column]
    draw: Callable[[Sequence[TableRow], Path], None]
    """Writes the picture."""
    note: str = ""
    """What a reader of the table must know: the metric's ceiling, what an interval holds."""
    flies_policy: bool = True
    """Whether ``--policy`` has a say."""


def find_experiment(name: str) -> Experiment:
    """The experiment called ``name``.

    Raises:
        MusterError: there is none; the choices are listed.
    """
    if name not in EXPERIMENTS:
        raise unknown("experiment", name, EXPERIMENTS)
    module = importlib.import_module(f"{__package__}.{name}")
    experiment: Experiment = module.EXPERIMENT
    return experiment
