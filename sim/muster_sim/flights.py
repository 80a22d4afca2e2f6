"""Whole episodes of a controller over several shapes, as pictures: where it went, how fast, what it left, what it cost.

Every picture is one file of bounded size: the first `MAX_PANELS` shapes, the first `KEPT` episodes of each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from muster_core.layout import best_layout
from muster_core.robot import Arena, RobotModel
from muster_core.types import Array
from muster_sim import style
from muster_sim.canvas import covered_cells
from muster_sim.contract import PERIOD
from muster_sim.pictures import Curve, curves_picture, paths_picture, save_figure
from muster_sim.recording import Recording
from muster_sim.rollouts import SETTLED, Rollout

KEPT = 20
"""Episodes of a shape that pictures are drawn from."""
MAX_PANELS = 12
"""Shapes that a picture shows."""
BAND = (10.0, 90.0)
"""Percentiles over the episodes that the bands around curves reach from and to."""
BIN = 5
"""Steps that are taken together in the picture of the filter's activity: half a second."""
COLUMNS = 4
"""Panels in a row, at most."""


@dataclass(frozen=True)
class Flights:
    """What one controller did."""

    controller: str
    """Its name."""
    rollouts: dict[str, list[Rollout]]
    """Episodes of each shape, at least one, by the shape's name."""
    robot: RobotModel
    """What flew."""
    arena: Arena
    """Where."""

    def recording(self, name: str, episode: int = 0) -> Recording:
        """One episode as pictures and videos take it."""
        rollout = self.rollouts[name][episode]
        steps, robots = rollout.positions.shape[:2]
        return Recording(
            times=np.arange(steps, dtype=np.float64) * PERIOD,
            positions=rollout.positions,
            shapes=(rollout.shape,),
            shape_times=np.zeros(1),
            best_coverage=np.array([best_layout(rollout.shape, robots).coverage]),
            avoid_distances=np.array([rollout.shape.avoid_distance(robots)]),
            robot_radius=self.robot.radius,
            arena=self.arena,
            names=(name,),
        )


def write_plots(flights: Sequence[Flights], folder: Path) -> list[Path]:
    """Write every picture of one or more controllers; they share the curves.

    Args:
        flights: of each controller.
        folder: exists; pictures of the same name are replaced.

    Returns:
        The files: `curves.png`, and of each controller `paths-…png`, `uncovered-…png` and `filter-…png`.

    Raises:
        MusterError: a file cannot be written.
    """
    written = [folder / "curves.png"]
    curves_picture([mean_curve(flown) for flown in flights], written[0])
    for flown in flights:
        name = "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in Path(flown.controller).name)
        paths, uncovered, activity = (folder / f"{kind}-{name}.png" for kind in ("paths", "uncovered", "filter"))
        paths_picture([flown.recording(shape) for shape in _shown(flown)], paths, COLUMNS)
        uncovered_picture(flown, uncovered)
        filter_picture(flown, activity)
        written += [paths, uncovered, activity]
    return written


def mean_curve(flown: Flights) -> Curve:
    """Coverage/best and entering rate over time: mean over all episodes, band of their 10th to 90th percentile."""
    runs = [flown.recording(name, e) for name, episodes in flown.rollouts.items() for e in range(len(episodes))]
    coverage = np.stack([run.coverage_normalised() for run in runs])
    entering = np.stack([run.entering_rate() for run in runs])
    return Curve(
        flown.controller,
        runs[0].times,
        coverage.mean(axis=0),
        entering.mean(axis=0),
        _band(coverage) if len(runs) > 1 else None,
        _band(entering) if len(runs) > 1 else None,
    )


def uncovered_share(rollouts: Sequence[Rollout]) -> Array:
    """How often each cell was left uncovered, 0…1, over the last 2 s of all episodes of one shape. Shape: (cells,)."""
    shares = []
    for rollout in rollouts:
        half = 0.5 * rollout.shape.avoid_distance(rollout.positions.shape[1])
        settled = rollout.positions[1:][-SETTLED:]
        shares.append(np.mean([~covered_cells(points, rollout.shape, half) for points in settled], axis=0))
    return np.asarray(np.mean(shares, axis=0))


def uncovered_picture(flown: Flights, path: Path) -> None:
    """Heat map over each shape, in its own frame: which cells stayed uncovered, and how often.

    Raises:
        MusterError: the file cannot be written.
    """
    with matplotlib.rc_context(style.PLOT):
        figure, panels = _grid(len(_shown(flown)), 0.8 * style.PANEL)
        for axes, name in zip(panels, _shown(flown), strict=True):
            shape, share = flown.rollouts[name][0].shape.moved(0.0, 0.0, 0.0), uncovered_share(flown.rollouts[name])
            square = 0.47 * shape.pitch * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
            cells = PolyCollection(list(shape.cells[:, None] + square[None]), cmap=LEFT, edgecolors="none")
            cells.set_array(share)
            cells.set_clim(0.0, 1.0)
            axes.add_collection(cells)
            reach = 1.05 * np.abs(shape.cells).max() + shape.pitch
            axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
            axes.axis("off")
            axes.set_title(f"{name}: {share.mean():.1%} uncovered")
        figure.colorbar(ScalarMappable(cmap=LEFT), ax=panels, label="share of the last 2 s, all episodes", shrink=0.7)
        save_figure(figure, path)


def filter_picture(flown: Flights, path: Path) -> None:
    """Which robot's commands the safety filter changed, and when, in the first episode of each shape.

    Raises:
        MusterError: the file cannot be written.
    """
    with matplotlib.rc_context(style.PLOT):
        figure, panels = _grid(len(_shown(flown)), 0.8 * style.PANEL)
        for place, (axes, name) in enumerate(zip(panels, _shown(flown), strict=True)):
            active = flown.rollouts[name][0].filter_active
            active = np.zeros((BIN, 1), dtype=bool) if active is None else active
            steps = len(active) // BIN * BIN or len(active)
            share = active[:steps].reshape(-1, min(BIN, steps), active.shape[1]).mean(axis=1)
            order = np.argsort(share.mean(axis=0), kind="stable")[::-1]
            extent = (0.0, steps * PERIOD, 0.5, active.shape[1] + 0.5)
            axes.imshow(
                share[:, order].T[::-1], cmap=CHANGED, vmin=0.0, vmax=1.0, aspect="auto", extent=extent,
                interpolation="nearest",
            )  # fmt: skip
            axes.grid(False)
            axes.set_title(f"{name}: {active.mean():.1%} of commands")
            axes.set_xlabel("time [s]")
            if place % COLUMNS == 0:
                axes.set_ylabel("robots, most active first")
        figure.colorbar(ScalarMappable(cmap=CHANGED), ax=panels, label="share of half a second", shrink=0.7)
        save_figure(figure, path)


LEFT = LinearSegmentedColormap.from_list("left", ["#eef1f5", "#f0a35e", style.START, "#521f00"])
"""From light to dark, so that greyscale reads it too: cells that stay uncovered."""
CHANGED = LinearSegmentedColormap.from_list("changed", ["#f4f6f8", style.COVERED_CELL, style.RING, "#0d2c44"])
"""The same for the filter's activity."""


def _shown(flown: Flights) -> list[str]:
    return list(flown.rollouts)[:MAX_PANELS]


def _band(values: Array) -> tuple[Array, Array]:
    low, high = np.percentile(values, BAND, axis=0)
    return low, high


def _grid(count: int, side: float) -> tuple[Figure, list[Axes]]:
    across = min(count, COLUMNS)
    down = -(-count // across)
    figure = Figure(figsize=(side * across + 0.9, side * down), layout="constrained", facecolor=style.PAGE)
    return figure, [figure.add_subplot(down, across, place + 1) for place in range(count)]
