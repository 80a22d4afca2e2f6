"""Does it form shapes that it never saw, and better than controllers that people wrote?"""

from collections.abc import Sequence
from pathlib import Path

from muster_core.controllers import CONTROLLERS
from muster_sim.catalogue import expand
from muster_training.experiments.charts import ratio_chart
from muster_training.experiments.experiment import Cell, Experiment, ExperimentSettings, TableRow
from muster_training.experiments.flights import (
    CEILING,
    FLIGHT_COLUMNS,
    figure_column,
    flight_cells,
    flight_rows,
    label_column,
    team_task,
)
from muster_training.flying import ShapeFlight

SETS = {"seven": ("seven", 5), "letters and digits": ("letters,digits", 2), "held-out": ("held-out", 1)}
"""What the sets are called, the shapes in them and the episodes on each."""


def cells(settings: ExperimentSettings) -> Sequence[Cell]:
    """Every controller over every set, from the same starts."""
    sets = SETS if settings.shapes is None else {settings.shapes: (settings.shapes, 5)}
    controllers = dict.fromkeys((settings.policy, *CONTROLLERS))
    return [
        cell
        for title, (names, episodes) in sets.items()
        for controller in controllers
        for cell in flight_cells(
            {"shapes": title, "controller": controller},
            ShapeFlight(team_task(30), controller, settings.episodes or episodes),
            expand(names),
            settings.seed,
        )
    ]


def draw(rows: Sequence[TableRow], path: Path) -> None:
    """Controllers side by side, a series per set."""
    ratio_chart(rows, "controller", "shapes", path, "")


EXPERIMENT = Experiment(
    name="shapes",
    question="How well does each controller form the seven shapes, letters and digits, and shapes it never saw?",
    cost="about 15 CPU-minutes, 4 of them for best layouts",
    cells=cells,
    summarise=flight_rows,
    columns=(
        label_column("shapes"),
        label_column("controller"),
        *FLIGHT_COLUMNS,
        figure_column("worst_shape_coverage_normalised", "worst shape"),
    ),
    draw=draw,
    note=CEILING,
)
