"""What kernels need to know of a robot: one set of numbers for sensing, integration and filter."""

from typing import NamedTuple


class Limits(NamedTuple):
    """What the kernels of the control step need to know of the robot."""

    radius: float
    """Radius of the collision disc [m]."""
    margin: float
    """Extra clearance kept [m]."""
    max_speed: float
    """[m/s]."""
    max_acceleration: float
    """[m/s²]."""
    braking: float
    """Deceleration that the barrier counts on [m/s²]."""
    hard_braking: float
    """Largest change of the command per second [m/s²]."""
    reaction: float
    """Time in which a robot carries on unchanged: period, delay and lag [s]."""
    trailing: float
    """Time by which the base trails its command: delay and lag [s]."""
    period: float
    """Time between decisions [s]."""
    band: float
    """Largest distance of the last command from the measured velocity [m/s]."""
