"""What imperfect robots and imperfect measurement cost: lag, command delay, pose noise, lost poses."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from muster_sim.catalogue import expand
from muster_sim.randomisation import Randomisation
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

CONDITIONS: dict[str, Randomisation | None] = {
    "none": None,
    "lag 0.1 s": Randomisation(lag=(0.1, 0.1)),
    "lag 0.2 s": Randomisation(lag=(0.2, 0.2)),
    "delay 0.1 s": Randomisation(delay=(0.1, 0.1)),
    "delay 0.2 s": Randomisation(delay=(0.2, 0.2)),
    "poses ±2 mm": Randomisation(pose_noise=(0.002, 0.002)),
    "poses ±5 mm": Randomisation(pose_noise=(0.005, 0.005)),
    "poses ±10 mm": Randomisation(pose_noise=(0.01, 0.01)),
    "10 % of poses lost": Randomisation(dropout=(0.1, 0.1)),
    "30 % of poses lost": Randomisation(dropout=(0.3, 0.3)),
    "all, moderate": Randomisation(lag=(0.1, 0.1), delay=(0.1, 0.1), pose_noise=(0.002, 0.002), dropout=(0.1, 0.1)),
}
"""What is wrong, by name; ± is the standard deviation along each axis, lag and delay are those of the bases."""


def cells(settings: ExperimentSettings) -> Sequence[Cell]:
    """Every condition over the shapes."""
    shapes = expand(settings.shapes or "seven")
    return [
        cell
        for title, randomisation in CONDITIONS.items()
        for controller in dict.fromkeys((settings.policy, "coverage"))
        for cell in flight_cells(
            {"disturbance": title, "controller": controller},
            ShapeFlight(replace(team_task(30), randomisation=randomisation), controller, settings.episodes or 3),
            shapes,
            settings.seed,
        )
    ]


def draw(rows: Sequence[TableRow], path: Path) -> None:
    """Conditions side by side, a series per controller."""
    ratio_chart(rows, "disturbance", "controller", path, "")


EXPERIMENT = Experiment(
    name="noise",
    question="What do lag, delay, noisy poses and lost poses cost?",
    cost="about 5 CPU-minutes",
    cells=cells,
    summarise=flight_rows,
    columns=(label_column("disturbance"), label_column("controller"), *FLIGHT_COLUMNS),
    draw=draw,
    note="Coverage is that of the true positions. " + CEILING,
)
