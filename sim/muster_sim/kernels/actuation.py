"""How a base follows a velocity command: a motor with first-order lag and limited acceleration, and a heading."""

import math

from muster_core.kernel import kernel
from muster_core.types import Array


@kernel
def follow(
    motor: Array,
    target: Array,
    yaw: Array,
    turning: float,
    gain: float,
    largest_change: float,
    period: float,
    velocity: Array,
) -> None:
    """Advance the motors by ``period`` [s] and write the velocities they give to ``velocity`` (N, 3) [m/s; world].

    motor, target: velocity that is and that is commanded, shape (N, 2) [m/s]: in the world frame for a holonomic base,
    in the body frame (forward, left) of the steered point for a differential one. yaw: headings, (N,) [rad]; updated.
    turning: turn rate per leftward velocity of the steered point, 1/look_ahead [rad/m]; 0 for a holonomic base. gain:
    share of the difference that the lag lets pass, 1 - exp(-period/lag). largest_change: limit of the change [m/s].
    """
    for i in range(motor.shape[0]):
        change_x = gain * (target[i, 0] - motor[i, 0])
        change_y = gain * (target[i, 1] - motor[i, 1])
        norm = math.sqrt(change_x * change_x + change_y * change_y)
        if norm > largest_change:
            change_x *= largest_change / norm
            change_y *= largest_change / norm
        motor[i, 0] += change_x
        motor[i, 1] += change_y
        velocity[i, 0] = motor[i, 0]
        velocity[i, 1] = motor[i, 1]
        if turning > 0.0:
            rate = motor[i, 1] * turning
            # The heading half-way gives the chord's direction, exact to second order.
            cosine, sine = math.cos(yaw[i] + 0.5 * rate * period), math.sin(yaw[i] + 0.5 * rate * period)
            velocity[i, 0] = cosine * motor[i, 0] - sine * motor[i, 1]
            velocity[i, 1] = sine * motor[i, 0] + cosine * motor[i, 1]
            turned = yaw[i] + rate * period
            yaw[i] = turned - 2.0 * math.pi * math.floor((turned + math.pi) / (2.0 * math.pi))
