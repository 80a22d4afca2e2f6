"""The pilot of one robot: a snapshot in, a safe velocity command out."""

from dataclasses import dataclass

import numpy as np

from muster_core.control_step import MARGIN, ControlStep, check_fit
from muster_core.controllers import Controller
from muster_core.errors import MusterError
from muster_core.kernels.safety import FREE_MOTION, INFEASIBLE, brake
from muster_core.kernels.sensing import MEMBER
from muster_core.robot import Arena, RobotModel
from muster_core.scene import BODY, Perceptions, Scene, Snapshot
from muster_core.shape import Shape
from muster_core.types import Array

STALE_AFTER = 0.1
"""Age of the own pose beyond which the robot brakes [s]."""


@dataclass(frozen=True)
class Command:
    """What the pilot decided."""

    velocity: Array
    """Command for the base, shape (2,) [m/s; world]."""
    desired: Array
    """What the controller wanted before the filter, shape (2,) [m/s; world]."""
    acceleration: Array
    """The controller's action, shape (2,) in [-1, 1]."""
    state: str
    """``ok``, or ``braking`` with the velocity on a ramp to zero."""
    reason: str = ""
    """Why it brakes."""
    filter_active: bool = False
    """Whether the filter changed the desired velocity."""


class Pilot:
    """Runs the one control step for one robot: no clock, no randomness, and no memory beyond the controller's own.

    Most controllers have none, so that the command is a pure function of the snapshot. What one with memory keeps
    is forgotten when the shape, its pose or the list of the team changes.
    """

    def __init__(self, controller: Controller, robot: RobotModel | None = None, arena: Arena | None = None) -> None:
        """``controller`` decides; ``robot`` and ``arena`` bound what it may do."""
        self.controller = controller
        self.robot = robot or RobotModel()
        self.arena = arena or Arena()
        self.period = controller.period
        self._step = ControlStep(self.robot, self.arena, controller.sensing, controller.period)
        self._rows = np.zeros((1, 2), np.int64)
        self._perceptions = Perceptions.empty(1, controller.sensing)
        self._task: tuple[object, ...] = ()
        self._memory: dict[str, Array] = {}

    def command(self, snapshot: Snapshot) -> Command:
        """Decide anew: once per ``period``."""
        reason = unfit(snapshot)
        if reason:
            return self._braking(snapshot, reason, self.period)
        scene = self._scene(snapshot)
        perceptions = self._step.perceive(scene, self._rows, self._perceptions)
        acceleration = self.controller.act(perceptions, scene, self._rows)
        if not np.isfinite(acceleration).all():
            return self._braking(
                snapshot, f"controller {self.controller.name!r} gave a non-finite acceleration", self.period
            )
        desired = self._step.desired(scene, self._rows, acceleration)
        return self._filtered(scene, desired, acceleration[0], self.period)

    def hold(self, snapshot: Snapshot, desired: Array, dt: float) -> Command:
        """Between two decisions: the filter alone over the last ``desired`` velocity (2,) [m/s; world].

        ``dt`` [s] since the last command bounds how far this one may lie from it.
        """
        reason = unfit(snapshot) or ("" if np.isfinite(desired).all() else f"desired velocity is {desired}")
        if reason:
            return self._braking(snapshot, reason, dt)
        return self._filtered(self._scene(snapshot), np.array([desired], np.float64), np.zeros(2), dt)

    def brake(self, issued: Array, dt: float) -> Array:
        """The velocity (2,) one step of ``dt`` [s] further down the ramp from ``issued`` (2,) to zero."""
        if not np.isfinite(issued).all():
            return np.zeros(2)
        return np.array(brake(float(issued[0]), float(issued[1]), self.robot.braking * dt))

    def check(self, shape: Shape, team_size: int) -> None:
        """Refuse a task that this robot and controller do not fit.

        Raises:
            MusterError: more robots than fit, a shape outside the arena, or ratios that the policy was not trained for.
        """
        check_fit(shape, team_size, self.robot, self.arena)
        sight, closest = self._step.sight(shape.avoid_distance(team_size)), 2 * self.robot.radius + MARGIN
        if sight <= closest:
            raise MusterError(
                f"Robots see {sight:.2f} m far, and must keep {closest:.2f} m between their centres: nobody could "
                "move. Make the shape larger or the team smaller"
            )
        self.controller.check_task(self.robot, shape.avoid_distance(team_size))

    def warm_up(self) -> None:
        """Compile and load everything that a command needs, so that the first one is as fast as the rest."""
        shape = Shape.from_array(np.ones((6, 6), bool), 0.1)
        places = np.array([[0.0, 0.0], [0.2, 0.0], [1.0, 1.0]])
        snapshot = Snapshot(places, np.zeros((3, 2)), np.zeros(3), 0, np.zeros(2), shape, 3)
        self.hold(snapshot, self.command(snapshot).desired, 0.5 * self.period)
        self.brake(np.ones(2), 0.1)

    def _scene(self, snapshot: Snapshot) -> Scene:
        self._rows[0, 1] = snapshot.me
        scene, shape = snapshot.scene(), snapshot.shape
        task = (shape.digest, shape.origin_x, shape.origin_y, shape.yaw, snapshot.me, len(snapshot.positions))
        if task != self._task:
            self._task, self._memory = task, scene.memory
        scene.memory = self._memory
        return scene

    def _filtered(self, scene: Scene, desired: Array, acceleration: Array, dt: float) -> Command:
        velocity, activity = self._step.filter(scene, self._rows, desired, dt)
        if activity[0] == INFEASIBLE:
            reason = "no velocity satisfies the safety constraints"
            return Command(velocity[0], desired[0], acceleration, "braking", reason, True)
        return Command(velocity[0], desired[0], acceleration, "ok", "", bool(activity[0] != FREE_MOTION))

    def _braking(self, snapshot: Snapshot, reason: str, dt: float) -> Command:
        velocity = self.brake(snapshot.issued, dt)
        return Command(velocity, velocity, np.zeros(2), "braking", reason, True)


def unfit(snapshot: Snapshot) -> str:
    """Why nobody may decide on this snapshot, or an empty string."""
    me, count = snapshot.me, len(snapshot.positions)
    # Kernels do not check bounds: what is said of a robot must be there to be read.
    if len(snapshot.velocities) != count or len(snapshot.ages) != count:
        return f"{count} positions, {len(snapshot.velocities)} velocities and {len(snapshot.ages)} ages"
    if snapshot.positions.shape != (count, 2) or snapshot.velocities.shape != (count, 2):
        return f"positions have shape {snapshot.positions.shape}, velocities {snapshot.velocities.shape}, not (n, 2)"
    if not 0 <= me < count:
        return f"own row {me} is not among the {count} robots known"
    if not (np.isfinite(snapshot.positions).all() and np.isfinite(snapshot.velocities).all()):
        return "a position or velocity is not finite"
    if not np.isfinite(snapshot.issued).all():
        return "the last command is not finite"
    if not np.isfinite(snapshot.ages).all():
        return "a pose age is not finite"
    if snapshot.present is not None:
        present = np.asarray(snapshot.present)
        if present.shape != (count,) or not ((present == MEMBER) | (present == BODY)).all():
            return f"{count} robots are known, but who is in the team is told by {present.tolist()}"
        if present[me] != MEMBER:
            return "this robot is no member of the team"
    if snapshot.ages[me] > STALE_AFTER:
        return f"own pose is {snapshot.ages[me] * 1e3:.0f} ms old (limit {STALE_AFTER * 1e3:.0f} ms)"
    if snapshot.ages[me] < -STALE_AFTER:
        return f"own pose is stamped {-snapshot.ages[me] * 1e3:.0f} ms in the future (limit {STALE_AFTER * 1e3:.0f} ms)"
    return ""
