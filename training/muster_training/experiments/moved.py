"""What happens when the shape moves, drifts or becomes another one in flight."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from muster_sim.catalogue import expand
from muster_sim.contract import PERIOD
from muster_sim.events import ChangeShape, DriftShape, Event, MoveShape
from muster_training.experiments.charts import ratio_chart
from muster_training.experiments.experiment import Cell, Experiment, ExperimentSettings, TableRow
from muster_training.experiments.flights import (
    CEILING,
    RECOVERY_COLUMNS,
    FlightCell,
    flight_rows,
    label_column,
    team_task,
)
from muster_training.flying import ShapeFlight

MOMENT = 15.0
"""When it happens [s]."""
DRIFT = 10.0
"""How long the shape drifts [s]."""
AFTER = 20.0
"""The episode ends so long after it began to happen [s]; a drift leaves half of that."""


def cells(settings: ExperimentSettings) -> Sequence[Cell]:
    """Every change over the shapes."""
    shapes = expand(settings.shapes or "seven")
    following = dict(zip(shapes, (*shapes[1:], shapes[0]), strict=True))
    task = replace(team_task(30), episode_steps=round((MOMENT + AFTER) / PERIOD))
    return [
        FlightCell(
            (("change", title), ("controller", controller)),
            ShapeFlight(
                replace(task, shapes=(name,), events=(event,)),
                controller,
                settings.episodes or 3,
                (settings.seed, place),
            ),
        )
        for title in changes("")
        for controller in dict.fromkeys((settings.policy, "expert", "coverage"))
        for place, name in enumerate(shapes)
        for event in [changes(following[name])[title]]
    ]


def changes(other: str) -> dict[str, Event]:
    """What may happen, by name; ``other`` is the shape that comes next."""
    step = round(MOMENT / PERIOD)
    drift = DriftShape(step, round(DRIFT / PERIOD), vx=0.05, vy=0.03, rate=0.1)
    return {
        "moved and turned": MoveShape(step, x=0.5, y=-0.4, yaw=1.0),
        "drifts 0.06 m/s, turns 0.1 rad/s, 10 s": drift,
        "becomes the next shape": ChangeShape(step, other or "R"),
    }


def draw(rows: Sequence[TableRow], path: Path) -> None:
    """Changes side by side, a series per controller."""
    ratio_chart(rows, "change", "controller", path, "")


EXPERIMENT = Experiment(
    name="moved",
    question="Does the team follow a shape that moves, drifts or becomes another one?",
    cost="about 3 CPU-minutes",
    cells=cells,
    summarise=flight_rows,
    columns=(label_column("change"), label_column("controller"), *RECOVERY_COLUMNS),
    draw=draw,
    note=(
        f"The shape changes {MOMENT:g} s after the start; figures are over the last 2 s of the {AFTER:g} s after it. "
        "*Becomes the next shape*: of the list, at the same place. " + CEILING
    ),
)
