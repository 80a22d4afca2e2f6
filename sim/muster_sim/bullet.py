"""The reference world: PyBullet, one server per environment, bases that follow their commands as real ones do.

In every substep a base's motor moves towards the command (delay, first-order lag, limited acceleration), Bullet is
given the motor's velocity and resolves contacts, and a motor that a contact held back goes on from what was left of it.
"""

import math

import numpy as np

from muster_core.errors import MusterError, WorkFailed
from muster_core.robot import Arena, RobotModel
from muster_core.types import Array, Integers
from muster_core.validation import count, finite
from muster_sim.bullet_server import BulletServer
from muster_sim.kernels.actuation import follow
from muster_sim.kernels.contacts import gaps_at, mark_near, sweep
from muster_sim.world import checked

ROUNDING = 1e-11
"""Difference between our arithmetic of free motion and Bullet's that is no contact [m]; rounding adds up to 1e-15."""

RESTING = 1e-4
"""Overlap that a start may have [m]: robots that rest against each other or a wall overlap by 1e-5 in Bullet."""


class BulletWorld:
    """PyBullet behind the :class:`muster_sim.world.World` protocol, which describes the state arrays.

    Physics advances in ``substeps`` per ``dt``; contacts and clearance are swept over each of them. The seed draws the
    robots' first headings: a holonomic base has no use for them, but a node that turns commands into its frame has.
    """

    def __init__(
        self,
        environments: int,
        robots: int,
        robot_model: RobotModel,
        arena: Arena,
        dt: float = 0.1,
        substeps: int = 4,
    ) -> None:
        """Connect the servers; nothing moves before ``reset``.

        Args:
            environments: Number of swarms, at least 1.
            robots: Robots in each, at least 1.
            robot_model: Radius, limits, lag, delay (rounded to whole substeps) and kinematics of every robot.
            arena: Walls stand at its edge.
            dt: Time of one ``step`` [s].
            substeps: Physics steps in it, at least 1.

        Raises:
            MusterError: Names the argument and what it may be.
        """
        self.environments, self.robots = count("environments", environments), count("robots", robots)
        self.robot_model, self.arena = robot_model, arena
        self.dt, self.substeps = finite("dt", dt), count("substeps", substeps)
        if self.dt <= 0:
            raise MusterError(f"dt is {dt!r}; it must be above 0 seconds")
        self._period = self.dt / self.substeps
        shape = (self.environments, self.robots)
        self.positions: Array = np.zeros((*shape, 2))
        self.velocities: Array = np.zeros((*shape, 2))
        self.yaw: Array = np.zeros(shape)
        self.contacts: Integers = np.zeros(self.environments, dtype=np.int64)
        self.minimum_clearance: Array = np.full(self.environments, np.inf)
        self._diameter = 2.0 * robot_model.radius
        self._gain = 1.0 - math.exp(-self._period / robot_model.lag) if robot_model.lag > 0 else 1.0
        self._turning = 1.0 / robot_model.look_ahead if robot_model.kinematics == "differential" else 0.0
        self._motors: Array = np.zeros((*shape, 2))
        self._near = np.zeros(self.robots, dtype=np.bool_)
        self._touching = np.zeros((*shape, self.robots), dtype=np.bool_)
        self._queue: Array = np.zeros((self.environments, 1 + round(robot_model.delay / self._period), self.robots, 2))
        self._clock = [-1] * self.environments  # substeps since the reset; -1 before the first
        self._servers = [BulletServer(self.robots, robot_model, arena, self._period) for _ in range(self.environments)]

    def reset(self, seeds: Integers, positions: Array, velocities: Array) -> None:
        """Begin anew everywhere; see :meth:`muster_sim.world.World.reset`."""
        if np.shape(seeds) != (self.environments,):
            raise MusterError(f"seeds have shape {np.shape(seeds)}; this world takes ({self.environments},)")
        places = checked("positions", positions, self.positions.shape, "m")
        speeds = checked("velocities", velocities, self.velocities.shape, "m/s")
        for environment in range(self.environments):
            self._check_start(places[environment], speeds[environment])
        for environment in range(self.environments):
            self.reset_environment(environment, int(seeds[environment]), places[environment], speeds[environment])

    def reset_environment(self, environment: int, seed: int, positions: Array, velocities: Array) -> None:
        """Begin anew in one environment; see :meth:`muster_sim.world.World.reset_environment`."""
        if not 0 <= environment < self.environments:
            raise MusterError(f"There is no environment {environment}; this world has {self.environments}, from 0")
        places = checked("positions", positions, (self.robots, 2), "m")
        speeds = checked("velocities", velocities, (self.robots, 2), "m/s")
        self._check_start(places, speeds)
        self._servers[environment].rebuild(places)
        self.positions[environment] = self._servers[environment].read_all()
        self.velocities[environment] = speeds
        self.yaw[environment] = np.random.default_rng(seed).uniform(-math.pi, math.pi, self.robots)
        self._motors[environment] = self._to_base(speeds, self.yaw[environment])
        self._queue[environment] = self._motors[environment]  # what was commanded before is what the base now does
        self.contacts[environment] = 0
        gap = gaps_at(places, self._diameter, self._touching[environment])
        self.minimum_clearance[environment] = gap
        self._clock[environment] = 0

    def step(self, commands: Array) -> None:
        """Advance ``dt``; see :meth:`muster_sim.world.World.step`.

        Commands faster than the base can go are shortened to its ``max_speed``, as a motor would.
        """
        targets = checked("commands", commands, (self.environments, self.robots, 2), "m/s")
        if -1 in self._clock:
            raise MusterError(f"Environment {self._clock.index(-1)} was never reset: call reset before step")
        norms = np.hypot(targets[..., 0], targets[..., 1])
        if norms.max() > self.robot_model.max_speed:
            targets = targets * np.minimum(1.0, self.robot_model.max_speed / np.maximum(norms, 1e-12))[..., None]
        targets = self._to_base(targets, self.yaw)
        for environment in range(self.environments):
            self._step_environment(environment, targets[environment])

    def close(self) -> None:
        """Disconnect every server; may be called twice."""
        for server in self._servers:
            server.close()

    def _step_environment(self, environment: int, target: Array) -> None:
        server, queue, motor = self._servers[environment], self._queue[environment], self._motors[environment]
        yaw, positions = self.yaw[environment], self.positions[environment]
        change = self.robot_model.braking * self._period
        velocity = np.zeros((self.robots, 3))
        for _ in range(self.substeps):
            slot = self._clock[environment] % len(queue)
            self._clock[environment] += 1
            queue[slot] = target
            due = queue[(slot + 1) % len(queue)]
            follow(motor, due, yaw, self._turning, self._gain, change, self._period, velocity)
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
            self._motors[environment, held] = self._to_base(velocity[held, :2], self.yaw[environment, held])
        return after

    def _check(self, environment: int) -> None:
        positions = self._servers[environment].read_all()
        if not np.abs(positions - self.positions[environment]).max() <= ROUNDING:
            expected = self.positions[environment].tolist()
            raise WorkFailed(f"Bullet moved a robot without contact: to {positions.tolist()}, not {expected} [m]")
        self.positions[environment] = positions

    def _to_base(self, velocities: Array, yaw: Array) -> Array:
        """World velocities (..., 2) as the motors have them: a differential base's forward and left, else unchanged."""
        if self._turning == 0.0:
            return velocities
        cosine, sine = np.cos(yaw), np.sin(yaw)
        x, y = velocities[..., 0], velocities[..., 1]
        return np.stack([cosine * x + sine * y, cosine * y - sine * x], axis=-1)

    def _check_start(self, positions: Array, velocities: Array) -> None:
        radius, limit = self.robot_model.radius, self.robot_model.max_speed
        edge = np.array([self.arena.half_width, self.arena.half_height]) - radius
        for robot in np.flatnonzero((np.abs(positions) > edge + RESTING).any(axis=1)):
            place = positions[robot].tolist()
            raise MusterError(f"Robot {robot} starts at {place} m, not inside the walls: at most ±{edge.tolist()} m")
        speeds = np.hypot(velocities[:, 0], velocities[:, 1])
        for robot in np.flatnonzero(speeds > limit + 1e-9):
            raise MusterError(f"Robot {robot} starts with {speeds[robot]:.3f} m/s; its max_speed is {limit:g} m/s")
        touching = np.zeros((self.robots, self.robots), dtype=np.bool_)
        gaps_at(positions, self._diameter - RESTING, touching)
        for i, j in np.argwhere(touching):
            distance = float(np.hypot(*(positions[i] - positions[j])))
            raise MusterError(
                f"Robots {i} and {j} start {distance:.4f} m apart, less than a diameter, {2 * radius:g} m"
            )
