"""What is left of a formation when robots die and stay where they stop."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from muster_sim.catalogue import expand
from muster_sim.contract import PERIOD
from muster_sim.events import Kill
from muster_training.experiments.charts import ratio_chart
from muster_training.experiments.experiment import Cell, Experiment, ExperimentSettings, TableRow
from muster_training.experiments.flights import (
    CEILING,
    RECOVERY_COLUMNS,
    flight_cells,
    flight_rows,
    label_column,
    team_task,
)
from muster_training.flying import ShapeFlight

SHARES = (0.1, 0.3, 0.5)
"""Of the team that dies at once."""
MOMENTS = (5.0, 15.0)
"""When [s]: on the way, and once the shape is formed."""
AFTER = 20.0
"""The episode ends so long after it [s]."""


def cells(settings: ExperimentSettings) -> Sequence[Cell]:
    """Every share and moment over the shapes."""
    shapes = expand(settings.shapes or "seven")
    return [
        cell
        for moment in MOMENTS
        for share in SHARES
        for controller in dict.fromkeys((settings.policy, "expert", "coverage"))
        for cell in flight_cells(
            {"killed": f"{share:.0%} at {moment:g} s", "controller": controller},
            ShapeFlight(
                replace(
                    team_task(30),
                    events=(Kill(round(moment / PERIOD), share=share),),
                    episode_steps=round((moment + AFTER) / PERIOD),
                ),
                controller,
                settings.episodes or 3,
            ),
            shapes,
            settings.seed,
        )
    ]


def draw(rows: Sequence[TableRow], path: Path) -> None:
    """Shares and moments side by side, a series per controller."""
    ratio_chart(rows, "killed", "controller", path, "")


EXPERIMENT = Experiment(
    name="killed",
    question="How well do the survivors form the shape when robots die and stay as obstacles?",
    cost="about 5 CPU-minutes",
    cells=cells,
    summarise=flight_rows,
    columns=(label_column("killed"), label_column("controller"), *RECOVERY_COLUMNS),
    draw=draw,
    note=(
        f"Figures are the survivors', against the best layout for so many, over the last 2 s of the {AFTER:g} s after "
        "it. " + CEILING
    ),
)
