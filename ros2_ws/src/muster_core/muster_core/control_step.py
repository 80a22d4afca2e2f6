"""The one control step in its parts: sense, then (somebody decides), then desired velocity, then the safety filter.

The simulator calls it for whole batches, the pilot on a robot for one row. Nobody else reassembles it.
"""

import numpy as np

from muster_core.errors import MusterError
from muster_core.kernels.control import desired_rows
from muster_core.kernels.limits import Limits
from muster_core.kernels.safety import MAX_LINES, filter_rows
from muster_core.robot import Arena, RobotModel
from muster_core.scene import Perceptions, Scene, Sensing, perceive
from muster_core.shape import Shape
from muster_core.types import AnyArray, Array, Integers

MARGIN = 0.01
"""Clearance that the filter keeps beyond touching, for pose noise and what the model leaves out [m]."""
TRUSTED_BRAKING = 0.75
"""Share of the base's braking that the barrier counts on; the rest is for turning and several neighbours at once."""
VELOCITY_BAND = 0.4
"""How far the last command may lie from the measured velocity, in units of the speed limit."""


class ControlStep:
    """Sensing, integration and filter for one kind of robot in one arena."""

    def __init__(self, robot: RobotModel, arena: Arena, sensing: Sensing, period: float) -> None:
        """``period`` [s] between two decisions; ``sensing`` also bounds what the filter may see."""
        self.sensing = sensing
        self.limits = Limits(
            radius=robot.radius,
            margin=MARGIN,
            max_speed=robot.steerable_speed(period),
            max_acceleration=robot.max_acceleration,
            braking=TRUSTED_BRAKING * robot.braking,
            hard_braking=robot.braking,
            reaction=period + robot.delay + robot.lag,
            trailing=robot.delay + robot.lag,
            period=period,
            band=VELOCITY_BAND * robot.max_speed,
        )
        self._bounds = arena.barriers
        self._work = np.zeros((MAX_LINES, 4))

    @property
    def filter_settings(self) -> tuple[Array, Limits, Array]:
        """What the filter's kernel takes besides the scene: barriers of the arena [m], limits and scratch."""
        return self._bounds, self.limits, self._work

    def perceive(self, scene: Scene, rows: Integers, out: Perceptions | None = None) -> Perceptions:
        """What the robots ``rows`` (B, 2) see."""
        return perceive(scene, rows, self.sensing, out)

    def desired(self, scene: Scene, rows: Integers, accelerations: Array) -> Array:
        """Desired velocities (B, 2) [m/s; world] for accelerations (B, 2) in [-1, 1]."""
        out = np.empty((len(rows), 2))
        desired_rows(rows, scene.arrays, self.limits, accelerations, out)
        return out

    def sight(self, avoid: float) -> float:
        """How far a robot sees [m] where the avoid distance is ``avoid`` [m]."""
        return self.sensing.radius_ratio * avoid

    def filter(self, scene: Scene, rows: Integers, desired: Array, dt: float | None = None) -> tuple[Array, AnyArray]:
        """Safe velocities (B, 2) [m/s; world] and what the filter did (B,), see :mod:`muster_core.kernels.safety`.

        ``dt`` [s] since the last command bounds the change; one period where it is None.
        """
        out = np.empty((len(rows), 2))
        activity = np.zeros(len(rows), np.int8)
        radius = self.sensing.radius_ratio * scene.avoid
        limits = self.limits if dt is None else self.limits._replace(period=dt)
        filter_rows(rows, scene.arrays, radius, self._bounds, limits, desired, self._work, out, activity)
        return out, activity


def check_fit(shape: Shape, team_size: int, robot: RobotModel, arena: Arena) -> None:
    """Refuse a shape that ``team_size`` robots cannot stand in, or that reaches where the filter would not let them go.

    Raises:
        MusterError: says how many fit, or how far the shape reaches and how far robots may go.
    """
    shape.check_team(team_size, robot.radius)
    reach = np.abs(shape.cells).max(axis=0)
    room = np.array([arena.half_width, arena.half_height]) - robot.radius - MARGIN
    if (reach > room).any():
        raise MusterError(
            f"The shape reaches to x ±{reach[0]:.2f} m, y ±{reach[1]:.2f} m; robots may go to ±{room[0]:.2f} m, "
            f"±{room[1]:.2f} m. Move it to the middle or make it smaller"
        )
