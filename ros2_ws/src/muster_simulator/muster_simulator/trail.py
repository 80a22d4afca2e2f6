"""Keeps the true trajectories of a run while it goes on, and writes them as a recording at its end."""

from pathlib import Path

import numpy as np

from muster_core.layout import best_layout
from muster_core.robot import Arena, RobotModel
from muster_core.shape import Shape
from muster_core.types import Array
from muster_sim.recording import Recording


class Trail:
    """Positions since the first shape was sent, and the shapes."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._positions: list[Array] = []
        self._shapes: list[Shape] = []
        self._shape_times: list[float] = []

    def shape(self, time: float, shape: Shape) -> None:
        """Note a shape that was sent at ``time`` [s]."""
        self._shapes.append(shape)
        self._shape_times.append(time)

    def positions(self, time: float, positions: Array) -> None:
        """Note where the robots are, shape (N, 2) [m; world]; what is before the first shape is left out."""
        if self._shapes:
            self._times.append(time)
            self._positions.append(positions)

    def save(self, path: Path, robot: RobotModel, arena: Arena) -> bool:
        """Write the recording; whether there was anything to write.

        Raises:
            MusterError: the file cannot be written.
        """
        recording = self.recording(robot, arena)
        if recording is None:
            return False
        recording.save(path)
        return True

    def recording(self, robot: RobotModel, arena: Arena) -> Recording | None:
        """What was noted as a recording; None where there is nothing."""
        if not self._times:
            return None
        count, start = len(self._positions[0]), self._shape_times[0]
        return Recording(
            times=np.array(self._times) - start,
            positions=np.array(self._positions),
            shapes=tuple(self._shapes),
            shape_times=np.array(self._shape_times) - start,
            best_coverage=np.array([best_layout(shape, count).coverage for shape in self._shapes]),
            avoid_distances=np.array([shape.avoid_distance(count) for shape in self._shapes]),
            robot_radius=robot.radius,
            arena=arena,
        )
