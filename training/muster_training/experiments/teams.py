"""One policy for teams of five to three hundred."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from muster_core.layout import MOVES
from muster_sim.catalogue import expand
from muster_training.experiments.charts import ratio_chart
from muster_training.experiments.experiment import Cell, Experiment, ExperimentSettings, TableRow
from muster_training.experiments.flights import (
    CEILING,
    FLIGHT_COLUMNS,
    REFERENCE_TEAM,
    flight_cells,
    flight_rows,
    label_column,
    team_task,
)
from muster_training.flying import ShapeFlight

TEAMS = {5: "bullet", 10: "bullet", 30: "bullet", 50: "bullet", 100: "bullet", 300: "kinematic"}
"""Team sizes and the world they fly in."""
BESIDE = ("expert", "coverage")
"""Controllers that fly from the same starts."""


def cells(settings: ExperimentSettings) -> Sequence[Cell]:
    """Every team size over the shapes; a larger team's best layout is searched longer, for it has more places."""
    shapes = expand(settings.shapes or "seven")
    return [
        cell
        for robots, world in TEAMS.items()
        for controller in dict.fromkeys((settings.policy, *BESIDE))
        for cell in flight_cells(
            {"robots": robots, "controller": controller, "world": world},
            replace(
                ShapeFlight(team_task(robots, world), controller, settings.episodes or 2),
                moves=MOVES * max(1, robots // REFERENCE_TEAM),
            ),
            shapes,
            settings.seed,
        )
    ]


def draw(rows: Sequence[TableRow], path: Path) -> None:
    """Ratio over team size, a line per controller."""
    ratio_chart(rows, "robots", "controller", path, "robots", logarithmic=True)


EXPERIMENT = Experiment(
    name="teams",
    question="How well does one policy serve teams of other sizes?",
    cost="about 10 CPU-minutes, half of them for best layouts",
    cells=cells,
    summarise=flight_rows,
    columns=(label_column("robots"), label_column("world"), label_column("controller"), *FLIGHT_COLUMNS),
    draw=draw,
    note=(
        "Up to 30 robots the shape is 2.2 m high and the episode 30 s long; beyond that height, arena and time grow "
        "with the square root of the team, so that the avoid distance stays. " + CEILING
    ),
)
