"""Video of episodes one after the other, and of two controllers side by side from the same starts."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from muster_core.errors import MusterError
from muster_sim import style
from muster_sim.canvas import Frame
from muster_sim.contract import PERIOD
from muster_sim.flights import MAX_PANELS, Flights
from muster_sim.video import frames, write_video

FPS = 20.0
"""Frames per second of video."""
LONGEST = 60.0
"""Of a video [s]; longer flights are shown faster."""
HOLD = 0.8
"""How long the end of an episode stands [s]."""


def write_flights(flights: Sequence[Flights], path: Path) -> int:
    """Write the first episode of each shape as one video, controllers side by side.

    Args:
        flights: of one controller, or of several over the same shapes.
        path: the .mp4 file; replaced if it exists, whole or not at all.

    Returns:
        The number of frames.

    Raises:
        MusterError: the controllers flew different shapes, or the file cannot be written.
        WorkFailed: ffmpeg failed.
    """
    names = list(flights[0].rollouts)[:MAX_PANELS]
    if any(list(flown.rollouts)[: len(names)] != names for flown in flights):
        raise MusterError("Controllers side by side must have flown the same shapes")
    return write_video(_frames(flights, names), path, FPS)


def _frames(flights: Sequence[Flights], names: list[str]) -> Iterator[Frame]:
    length = sum(len(flights[0].rollouts[name][0].positions) - 1 for name in names) * PERIOD
    speed = max(1.0, length / (LONGEST - HOLD * len(names)))
    width = style.FRAME_WIDTH if len(flights) == 1 else round(0.8 * style.FRAME_WIDTH)
    for name in names:
        views = []
        for flown in flights:
            label = name if len(flights) == 1 else f"{name}, {Path(flown.controller).name}"
            views.append(frames(replace(flown.recording(name), names=(label,)), FPS, speed, width))
        frame = None
        for pictures in zip(*views, strict=True):
            frame = np.concatenate(pictures, axis=1)
            yield frame
        for _ in range(round(HOLD * FPS)):
            assert frame is not None
            yield frame
