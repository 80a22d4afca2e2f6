"""How a base follows a velocity command: a motor with first-order lag and limited acceleration, and a heading."""

import math

from muster_core.kernel import leaf_kernel
from muster_core.types import Array


@leaf_kernel
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


@leaf_kernel
def to_base(vx: float, vy: float, yaw: float) -> tuple[float, float]:
    """A velocity (vx, vy) [m/s; world] of the steered point as forward and left of a base heading ``yaw`` [rad]."""
    cosine, sine = math.cos(yaw), math.sin(yaw)
    return cosine * vx + sine * vy, cosine * vy - sine * vx


@leaf_kernel
def aim(commands: Array, max_speeds: Array, yaw: Array, turning: float, targets: Array) -> None:
    """What the motors are to reach, ``targets`` (E, N, 2) [m/s], for ``commands`` (E, N, 2) [m/s; world].

    Commands above ``max_speeds`` (E,) [m/s] are shortened. yaw: (E, N) [rad]. turning: as in ``follow``; if it is not 0
    the motors' velocities are in the body frame.
    """
    for e in range(commands.shape[0]):
        max_speed = max_speeds[e]
        for i in range(commands.shape[1]):
            x, y = commands[e, i, 0], commands[e, i, 1]
            square = x * x + y * y
            if square > max_speed * max_speed:
                scale = max_speed / math.sqrt(square)
                x, y = scale * x, scale * y
            if turning > 0.0:
                x, y = to_base(x, y, yaw[e, i])
            targets[e, i, 0], targets[e, i, 1] = x, y
