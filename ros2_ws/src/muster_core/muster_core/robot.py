"""Facts about the robots and the room they drive in, as far as a decision needs them."""

import math
from dataclasses import dataclass

import numpy as np

from muster_core.errors import MusterError
from muster_core.types import Array

KINEMATICS = ("holonomic", "differential")
STEADY_TURN = 1.0
"""Largest turn of a differential base between a pose and the end of the twist that follows from it [rad]."""


@dataclass(frozen=True)
class RobotModel:
    """One kind of robot: size, limits and how its base follows a velocity command."""

    radius: float = 0.035
    """Radius of the collision disc around the steered point [m]: for a differential base its own plus ``look_ahead``."""
    max_speed: float = 0.8
    """Largest speed that may be commanded [m/s]."""
    max_acceleration: float = 1.0
    """Acceleration that an action of length 1 asks for [m/s²]."""
    braking: float = 2.0
    """Deceleration that the base can always reach [m/s²]."""
    lag: float = 0.05
    """Time constant with which the base follows a command [s]."""
    delay: float = 0.0
    """Time before a command begins to act [s]."""
    kinematics: str = "holonomic"
    """``holonomic``, or ``differential`` (steered by a look-ahead point)."""
    look_ahead: float = 0.0
    """Distance of the steered point ahead of the axle [m]; > 0 for a differential base."""

    def __post_init__(self) -> None:
        """Refuse values that no robot has.

        Raises:
            MusterError: names the field, its value and what is allowed.
        """
        for name in ("radius", "max_speed", "max_acceleration", "braking"):
            _require_number(name, getattr(self, name), positive=True)
        for name in ("lag", "delay", "look_ahead"):
            _require_number(name, getattr(self, name), positive=False)
        if self.kinematics not in KINEMATICS:
            raise MusterError(f"Unknown kinematics {self.kinematics!r}. Available: {', '.join(KINEMATICS)}")
        if self.kinematics == "differential" and self.look_ahead <= 0:
            raise MusterError("A differential base needs look_ahead > 0: the point ahead of the axle that is steered")

    def steerable_speed(self, hold: float) -> float:
        """Largest speed of the steered point with which the base keeps to a command, a twist being held ``hold`` [s].

        A differential base turns its point's velocity by speed/look_ahead [rad/s] while it carries out a twist. Its
        motors must undo that, which takes an acceleration of speed²/look_ahead, no more than the braking that the base
        has; and until they hear of it, hold + delay + lag later, the point is off its course by as much as the base has
        turned, no more than STEADY_TURN. Faster, the filter's promise means nothing: robots were seen to touch.
        """
        if self.kinematics != "differential":
            return self.max_speed
        turning = STEADY_TURN * self.look_ahead / (hold + self.delay + self.lag)
        return min(self.max_speed, turning, math.sqrt(self.braking * self.look_ahead))

    def twist(self, velocity: Array, yaw: float) -> tuple[float, float, float]:
        """Velocity of the steered point, world frame (2,) [m/s], as the base's body twist (vx, vy [m/s], wz [rad/s]).

        A differential base turns so that its look-ahead point moves with ``velocity``.
        """
        cosine, sine = math.cos(yaw), math.sin(yaw)
        forward = float(velocity[0] * cosine + velocity[1] * sine)
        left = float(-velocity[0] * sine + velocity[1] * cosine)
        if self.kinematics == "differential":
            return forward, 0.0, left / self.look_ahead
        return forward, left, 0.0


@dataclass(frozen=True)
class Arena:
    """The rectangle around the world's origin that robots must not leave."""

    half_width: float = 2.4
    """Half extent along x [m]."""
    half_height: float = 2.4
    """Half extent along y [m]."""
    obstacles: tuple[tuple[tuple[float, float], ...], ...] = ()
    """Simple polygons that robots must not touch, each by its corners in order [m; world]."""

    def __post_init__(self) -> None:
        """Refuse an arena without area, or an obstacle that is no polygon.

        Raises:
            MusterError: names the field and its value.
        """
        _require_number("half_width", self.half_width, positive=True)
        _require_number("half_height", self.half_height, positive=True)
        for obstacle in self.obstacles:
            corners = np.array(obstacle, np.float64) if len({len(corner) for corner in obstacle}) == 1 else np.zeros(0)
            if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3 or not np.isfinite(corners).all():
                raise MusterError(f"obstacle {obstacle!r} is no polygon: give at least 3 corners (x, y) in metres")
        as_tuples = tuple(tuple((float(x), float(y)) for x, y in obstacle) for obstacle in self.obstacles)
        object.__setattr__(self, "obstacles", as_tuples)  # a file's lists, say

    @property
    def bounds(self) -> Array:
        """Smallest x, largest x, smallest y, largest y, shape (4,) [m]."""
        return np.array([-self.half_width, self.half_width, -self.half_height, self.half_height])

    @property
    def edges(self) -> Array:
        """Edges of the obstacles: x, y of one end and of the other, shape (K, 4) [m]."""
        ends = [
            (*a, *b) for corners in self.obstacles for a, b in zip(corners, (*corners[1:], corners[0]), strict=True)
        ]
        return np.array(ends, np.float64).reshape(-1, 4)

    @property
    def barriers(self) -> Array:
        """What the safety filter keeps robots from: ``bounds``, then the ``edges`` one by one, shape (4 + 4·K,) [m]."""
        return np.concatenate([self.bounds, self.edges.ravel()])


def _require_number(name: str, value: object, positive: bool) -> None:
    allowed = "a finite number above 0" if positive else "a finite number, 0 or above"
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or value < 0
        or (positive and value == 0)
    ):
        raise MusterError(f"{name} is {value!r}; it must be {allowed}")
