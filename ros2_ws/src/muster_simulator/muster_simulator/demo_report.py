"""What a demo shows at its end: figures from the true trajectories, a table, pictures and a video."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from muster_core.layout import best_layout, raise_best
from muster_core.metrics import convergence_time
from muster_sim.pictures import Curve, curves_picture, paths_picture
from muster_sim.recording import Recording
from muster_sim.video import frames, write_video

LAST = 2.0
"""Figures are means over this time at the end of a shape [s]."""
VIDEO_SPEED = 2.0
"""Seconds of the run in a second of video."""


def finish_recording(recording: Recording, names: tuple[str, ...]) -> Recording:
    """The recording with its shapes' names, and with the best layouts raised by what the robots reached."""
    best = []
    for index, shape in enumerate(recording.shapes):
        end = recording.positions[recording.active == index][-1]
        raise_best(shape, recording.robots, end)
        best.append(best_layout(shape, recording.robots).coverage)
    return replace(recording, names=names, best_coverage=np.array(best))


def shape_figures(recording: Recording) -> list[dict[str, Any]]:
    """Figures of each shape: means over its last 2 s, and when it was formed."""
    coverage, entering = recording.coverage_normalised(), recording.entering_rate()
    dt = float(np.median(np.diff(recording.times)))
    result = []
    for index, name in enumerate(recording.names):
        moments = np.flatnonzero(recording.active == index)
        last = moments[recording.times[moments] > recording.times[moments[-1]] - LAST]
        formed = convergence_time(entering[moments], coverage[moments], dt)
        result.append(
            {
                "shape": name,
                "seconds": round(float(recording.times[moments[-1]] - recording.times[moments[0]]), 2),
                "entering_rate": round(float(entering[last].mean()), 4),
                "coverage": round(float(coverage[last].mean() * recording.best_coverage[index]), 4),
                "coverage_best": round(float(recording.best_coverage[index]), 4),
                "coverage_normalised": round(float(coverage[last].mean()), 4),
                "convergence_time_s": round(formed, 2) if math.isfinite(formed) else None,
            }
        )
    return result


def summarise(shapes: list[dict[str, Any]], pose_ages_ms: list[float], facts: dict[str, Any]) -> dict[str, Any]:
    """The summary: facts about the run, the worse of the shapes' figures, and pose ages over all commands to move."""
    ages = {
        f"pose_age_{label}_ms": round(float(np.percentile(pose_ages_ms, percent)), 3) if pose_ages_ms else None
        for label, percent in (("median", 50), ("p99", 99))
    }
    return {
        **facts,
        "entering_rate": min(shape["entering_rate"] for shape in shapes),
        "coverage_normalised": min(shape["coverage_normalised"] for shape in shapes),
        **ages,
        "commands": len(pose_ages_ms),
        "shapes": shapes,
    }


def draw(recording: Recording, folder: Path) -> None:
    """Write ``paths.png``, ``curves.png`` and ``video.mp4``.

    Raises:
        MusterError: a file cannot be written.
    """
    paths_picture(recording, folder / "paths.png")
    curves_picture([Curve.of(recording)], folder / "curves.png", changes=[float(t) for t in recording.shape_times[1:]])
    write_video(frames(recording, speed=VIDEO_SPEED), folder / "video.mp4")


def write_summary(summary: dict[str, Any], folder: Path) -> None:
    """Write ``summary.json``, whole or not at all."""
    temporary = folder / ".summary.json.part"
    temporary.write_text(json.dumps(summary, indent=2) + "\n")
    temporary.replace(folder / "summary.json")


def table(summary: dict[str, Any]) -> Table:
    """The summary for a terminal."""
    result = Table(title=f"{summary['robots']} robots, {summary['processes']} processes, policy {summary['policy']}")
    result.add_column("")
    for shape in summary["shapes"]:
        result.add_column(shape["shape"], justify="right")
    rows = (
        ("in shape (last 2 s)", "entering_rate", "{:.3f}"),
        ("coverage / best (last 2 s)", "coverage_normalised", "{:.3f}"),
        ("coverage", "coverage", "{:.3f}"),
        ("formed after (s)", "convergence_time_s", "{:.1f}"),
    )
    for label, key, spelling in rows:
        values = [shape[key] for shape in summary["shapes"]]
        result.add_row(label, *("-" if value is None else spelling.format(value) for value in values))
    result.add_section()
    spread = ["" for _ in summary["shapes"][1:]]
    result.add_row("contacts", str(summary["contacts"]), *spread)
    result.add_row("smallest clearance (m)", f"{summary['minimum_clearance_m']:.3f}", *spread)
    result.add_row(
        "pose age, median / p99 (ms)", f"{summary['pose_age_median_ms']} / {summary['pose_age_p99_ms']}", *spread
    )
    return result
