"""The reference world: PyBullet, one server per environment, bases that follow their commands as real ones do.

In every substep a base's motor moves towards the command (delay, first-order lag, limited acceleration), Bullet is
given the motor's velocity and resolves contacts, and a motor that a contact held back goes on from what was left of it.
"""

import numpy as np

from muster_core.errors import WorkFailed
from muster_core.robot import Arena, RobotModel
from muster_core.types import Array
from muster_sim.bullet_server import BulletServer
from muster_sim.driven import DrivenWorld
from muster_sim.kernels.actuation import follow, to_base
from muster_sim.kernels.contacts import mark_near, sweep, touching_at

ROUNDING = 1e-11
"""Difference between our arithmetic of free motion and Bullet's that is no contact [m]; rounding adds up to 1e-15."""


class BulletWorld(DrivenWorld):
    """PyBullet behind the :class:`muster_sim.world.World` protocol, which describes the state arrays.

    Physics advances in ``substeps`` per ``dt``; contacts and clearance are swept over each of them.
    """

    def __init__(
        self,
        environments: int,
        robots: int,
        robot_model: RobotModel,
        arena: Arena,
        dt: float = 0.1,
        substeps: int = 4,
        longest_delay: float = 0.0,
    ) -> None:
        """Connect the servers; see :class:`muster_sim.driven.DrivenWorld` for arguments and what is raised."""
        super().__init__(environments, robots, robot_model, arena, dt, substeps, longest_delay)
        self._near = np.zeros(self.robots, dtype=np.bool_)
        self._touching = np.zeros((self.environments, self.robots, self.robots), dtype=np.bool_)
        self._servers = [BulletServer(self.robots, robot_model, arena, self._period) for _ in range(self.environments)]

    def close(self) -> None:
        """Disconnect every server; may be called twice."""
        for server in self._servers:
            server.close()

    def _begin(self, environment: int, places: Array) -> None:
        self._servers[environment].rebuild(places, 1.0 / self._lightness[environment])
        self.positions[environment] = self._servers[environment].read_all()
        touching_at(places, self._diameter, self._touching[environment])

    def _advance(self) -> None:
        for environment in range(self.environments):
            self._step_environment(environment, self._targets[environment])

    def _step_environment(self, environment: int, target: Array) -> None:
        server, queue, motor = self._servers[environment], self._queue[environment], self._motors[environment]
        yaw, positions = self.yaw[environment], self.positions[environment]
        slots, gain = int(self._slots[environment]), float(self._gain[environment])
        velocity = np.zeros((self.robots, 3))
        for _ in range(self.substeps):
            slot = self._clock[environment] % slots
            self._clock[environment] += 1
            queue[slot] = target
            due = queue[(slot + 1) % slots]
            follow(motor, due, yaw, self._turning, gain, self._change, self._period, velocity)
            server.advance(velocity)
            free = positions + velocity[:, :2] * self._period
            after = self._resolved(environment, positions, free, velocity)
            onsets, gap = sweep(positions, free, after, self._diameter, self._touching[environment])
            self.contacts[environment] += onsets
            self.minimum_clearance[environment] = min(self.minimum_clearance[environment], gap)
            positions[:] = after
        self._check(environment)
        self.velocities[environment] = velocity[:, :2]

    def _resolved(self, environment: int, before: Array, free: Array, velocity: Array) -> Array:
        """Positions after Bullet resolved the contacts; puts what it left of them into ``velocity`` and the motors.

        A robot farther from everything than the server's reach has no contact in Bullet, so free motion is what Bullet
        did with it; that saves most of the reading, and ``_check`` compares all robots once per step.
        """
        server, near = self._servers[environment], self._near
        width, height = self.arena.half_width, self.arena.half_height
        if not mark_near(before, self.robot_model.radius, server.reach, width, height, near):
            return free
        robots = near.nonzero()[0]
        found = server.read_positions(robots.tolist())
        held = robots[(np.abs(found - free[robots]) > ROUNDING).any(axis=1)]
        after = free.copy()
        after[robots] = found
        if len(held):
            velocity[held, :2] = server.read_velocities(held.tolist())
            self._motors[environment, held] = velocity[held, :2]
            if self._turning > 0.0:
                for robot in held:
                    x, y = velocity[robot, :2]
                    self._motors[environment, robot] = to_base(x, y, self.yaw[environment, robot])
        return after

    def _check(self, environment: int) -> None:
        positions = self._servers[environment].read_all()
        if not np.abs(positions - self.positions[environment]).max() <= ROUNDING:
            expected = self.positions[environment].tolist()
            raise WorkFailed(f"Bullet moved a robot without contact: to {positions.tolist()}, not {expected} [m]")
        self.positions[environment] = positions
