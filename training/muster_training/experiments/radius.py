"""How far a robot must see."""

from collections.abc import Sequence
from pathlib import Path

from muster_sim.catalogue import expand
from muster_training.experiments.charts import ratio_chart
from muster_training.experiments.experiment import Cell, Experiment, ExperimentSettings, TableRow
from muster_training.experiments.flights import (
    CEILING,
    FLIGHT_COLUMNS,
    flight_cells,
    flight_rows,
    label_column,
    team_task,
)
from muster_training.flying import ShapeFlight

RATIOS = (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0)
"""Sensing radii in avoid distances."""


def cells(settings: ExperimentSettings) -> Sequence[Cell]:
    """Every radius over the shapes."""
    shapes = expand(settings.shapes or "seven")
    return [
        cell
        for ratio in RATIOS
        for controller in dict.fromkeys((settings.policy, "expert", "coverage"))
        for cell in flight_cells(
            {"radius": ratio, "controller": controller},
            ShapeFlight(team_task(30), controller, settings.episodes or 3, radius_ratio=ratio),
            shapes,
            settings.seed,
        )
    ]


def draw(rows: Sequence[TableRow], path: Path) -> None:
    """Ratio over the radius, a line per controller."""
    ratio_chart(rows, "radius", "controller", path, "sensing radius / avoid distance")


EXPERIMENT = Experiment(
    name="radius",
    question="How far must a robot see?",
    cost="about 5 CPU-minutes",
    cells=cells,
    summarise=flight_rows,
    columns=(label_column("radius"), label_column("controller"), *FLIGHT_COLUMNS),
    draw=draw,
    note=(
        "The radius is in avoid distances, the same for all robots; a policy flies with radii that it was not trained "
        "for, a hand-written controller is not tuned anew for each. " + CEILING
    ),
)
