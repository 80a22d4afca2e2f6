"""What the worlds of driven robots share: state arrays, checks, and commands that become targets of motors."""

import math

import numpy as np

from muster_core.errors import MusterError
from muster_core.robot import Arena, RobotModel
from muster_core.types import Array, Integers
from muster_core.validation import count, finite
from muster_sim.kernels.actuation import aim
from muster_sim.kernels.contacts import closest_pair
from muster_sim.world import checked

RESTING = 1e-4
"""Overlap that a start may have [m]: robots that rest against each other or a wall overlap by 1e-5 in Bullet."""
LONGEST_REACH = 0.1
"""How far ahead of touching Bullet makes contacts at most [m]: twice its breaking threshold, for the whole process."""
SLACK = 0.005
"""Added to the distance at which contacts are made ahead of time [m]."""


class DrivenWorld:
    """The :class:`muster_sim.world.World` protocol, but for the physics: subclasses fill ``_begin`` and ``_advance``.

    The seed draws the robots' first headings: a holonomic base has no use for them, but a node that turns commands into
    its frame has.
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
        """Make room; nothing moves before ``reset``.

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
        self._reach = contact_reach(robot_model, self._period)
        shape = (self.environments, self.robots)
        self.positions: Array = np.zeros((*shape, 2))
        self.velocities: Array = np.zeros((*shape, 2))
        self.yaw: Array = np.zeros(shape)
        self.contacts: Integers = np.zeros(self.environments, dtype=np.int64)
        self.minimum_clearance: Array = np.full(self.environments, np.inf)
        self._diameter = 2.0 * robot_model.radius
        self._gain = 1.0 - math.exp(-self._period / robot_model.lag) if robot_model.lag > 0 else 1.0
        self._turning = 1.0 / robot_model.look_ahead if robot_model.kinematics == "differential" else 0.0
        self._change = robot_model.braking * self._period
        self._motors: Array = np.zeros((*shape, 2))
        self._targets: Array = np.zeros((*shape, 2))
        slots = 1 + round(robot_model.delay / self._period)
        self._queue: Array = np.zeros((self.environments, slots, self.robots, 2))
        self._clock = np.full(self.environments, -1, np.int64)  # substeps since the reset; -1 before the first

    def reset(self, seeds: Integers, positions: Array, velocities: Array) -> None:
        """Begin anew everywhere; see :meth:`muster_sim.world.World.reset`."""
        if np.shape(seeds) != (self.environments,):
            raise MusterError(f"seeds have shape {np.shape(seeds)}; this world takes ({self.environments},)")
        places = checked("positions", positions, self.positions.shape, "m")
        speeds = checked("velocities", velocities, self.velocities.shape, "m/s")
        gaps = [self._check_start(*start) for start in zip(places, speeds, strict=True)]
        for environment, start in enumerate(zip(seeds, places, speeds, gaps, strict=True)):
            self._start(environment, *start)

    def reset_environment(self, environment: int, seed: int, positions: Array, velocities: Array) -> None:
        """Begin anew in one environment; see :meth:`muster_sim.world.World.reset_environment`."""
        if not 0 <= environment < self.environments:
            raise MusterError(f"There is no environment {environment}; this world has {self.environments}, from 0")
        places = checked("positions", positions, (self.robots, 2), "m")
        speeds = checked("velocities", velocities, (self.robots, 2), "m/s")
        self._start(environment, seed, places, speeds, self._check_start(places, speeds))

    def step(self, commands: Array) -> None:
        """Advance ``dt``; see :meth:`muster_sim.world.World.step`.

        Commands faster than the base can go are shortened to its ``max_speed``, as a motor would.
        """
        targets = checked("commands", commands, (self.environments, self.robots, 2), "m/s")
        if self._clock.min() < 0:
            raise MusterError(f"Environment {self._clock.argmin()} was never reset: call reset before step")
        aim(targets, self.robot_model.max_speed, self.yaw, self._turning, self._targets)
        self._advance()

    def close(self) -> None:
        """Give back what the world holds; may be called twice."""

    def _begin(self, environment: int, places: Array) -> None:
        """Put the robots of one environment to ``places`` (N, 2) [m] in the physics; fills ``positions``."""
        raise NotImplementedError

    def _advance(self) -> None:
        """Advance every environment by ``dt`` towards ``_targets``."""
        raise NotImplementedError

    def _start(self, environment: int, seed: int, places: Array, speeds: Array, gap: float) -> None:
        self._begin(environment, places)
        self.velocities[environment] = speeds
        self.yaw[environment] = np.random.default_rng(int(seed)).uniform(-math.pi, math.pi, self.robots)
        one = slice(environment, environment + 1)
        aim(self.velocities[one], math.inf, self.yaw[one], self._turning, self._motors[one])
        self._queue[environment] = self._motors[environment]  # what was commanded before is what the base now does
        self.contacts[environment] = 0
        self.minimum_clearance[environment] = gap
        self._clock[environment] = 0

    def _check_start(self, positions: Array, velocities: Array) -> float:
        """Smallest gap between two robots [m], if nothing speaks against the start."""
        radius, limit = self.robot_model.radius, self.robot_model.max_speed
        edge = np.array([self.arena.half_width, self.arena.half_height]) - radius
        for robot in np.flatnonzero((np.abs(positions) > edge + RESTING).any(axis=1)):
            place = positions[robot].tolist()
            raise MusterError(f"Robot {robot} starts at {place} m, not inside the walls: at most ±{edge.tolist()} m")
        speeds = np.hypot(velocities[:, 0], velocities[:, 1])
        for robot in np.flatnonzero(speeds > limit + 1e-9):
            raise MusterError(f"Robot {robot} starts with {speeds[robot]:.3f} m/s; its max_speed is {limit:g} m/s")
        nearest, i, j = closest_pair(np.ascontiguousarray(positions), 2.0 * self._diameter)
        if nearest < self._diameter - RESTING:
            raise MusterError(f"Robots {i} and {j} start {nearest:.4f} m apart, less than a diameter, {2 * radius:g} m")
        return float(nearest) - self._diameter


def contact_reach(robot_model: RobotModel, period: float) -> float:
    """Gap below which two robots at full speed, or one and a wall, could meet within a substep of ``period`` [s].

    Raises:
        MusterError: Robots at full speed would outrun the contacts that Bullet makes ahead of time. Other worlds hold
            to the same bound, so that a setting is good for all of them.
    """
    reach = 2.0 * robot_model.max_speed * period + SLACK
    if reach > LONGEST_REACH:
        allowed = (LONGEST_REACH - SLACK) / (2.0 * robot_model.max_speed)
        raise MusterError(
            f"A substep of {period:g} s is too long for max_speed {robot_model.max_speed:g} m/s: "
            f"it may last {allowed:.4f} s; raise substeps"
        )
    return reach
