"""What the worlds of driven robots share: state arrays, checks, and commands that become targets of motors."""

import math

import numpy as np

from muster_core.errors import MusterError
from muster_core.robot import Arena, RobotModel
from muster_core.types import Array, Integers, Mask
from muster_core.validation import count, finite
from muster_sim.kernels.actuation import aim
from muster_sim.kernels.contacts import closest_pair
from muster_sim.world import Bases, checked

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
        longest_delay: float = 0.0,
    ) -> None:
        """Make room; nothing moves before ``reset``.

        Args:
            environments: Number of swarms, at least 1.
            robots: Robots in each, at least 1.
            robot_model: Radius, limits, lag, delay (rounded to whole substeps) and kinematics of every robot.
            arena: Walls stand at its edge.
            dt: Time of one ``step`` [s].
            substeps: Physics steps in it, at least 1.
            longest_delay: Room for delays up to this [s], if it is longer than the model's; see ``equip``.

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
        self._turning = 1.0 / robot_model.look_ahead if robot_model.kinematics == "differential" else 0.0
        self._change = robot_model.braking * self._period
        self._motors: Array = np.zeros((*shape, 2))
        self._targets: Array = np.zeros((*shape, 2))
        slots = 1 + round(max(robot_model.delay, longest_delay) / self._period)
        self._queue: Array = np.zeros((self.environments, slots, self.robots, 2))
        self._slots: Integers = np.ones(self.environments, np.int64)
        self._gain: Array = np.ones(self.environments)
        self._max_speeds: Array = np.ones(self.environments)
        self._lightness: Array = np.ones(shape)
        self._halted: Mask = np.zeros(shape, np.bool_)
        self._clock = np.full(self.environments, -1, np.int64)  # substeps since the reset; -1 before the first
        usual = Bases(robot_model.lag, robot_model.delay, robot_model.max_speed, np.ones(self.robots))
        for environment in range(self.environments):
            self.equip(environment, usual)

    def equip(self, environment: int, bases: Bases) -> None:
        """Give one environment other bases from its next reset on; see :meth:`muster_sim.world.World.equip`."""
        limit, slots = self.robot_model.max_speed, 1 + round(finite("delay", bases.delay) / self._period)
        if not 0.0 < finite("max_speed", bases.max_speed) <= limit:
            raise MusterError(f"max_speed is {bases.max_speed!r} m/s; it must lie above 0, at most {limit:g} m/s here")
        if not (finite("lag", bases.lag) >= 0.0 and 1 <= slots <= self._queue.shape[1]):
            most = (self._queue.shape[1] - 1) * self._period
            raise MusterError(
                f"lag is {bases.lag!r} s and delay {bases.delay!r} s; lag must be 0 or more, delay 0 … {most:g} s "
                "(raise the world's longest_delay)"
            )
        masses = checked("masses", bases.masses, (self.robots,), "kg")
        if masses.min() <= 0.0:
            raise MusterError(f"masses[{masses.argmin()}] is {masses.min()}; it must be above 0 kg")
        self._slots[environment] = slots
        self._gain[environment] = 1.0 - math.exp(-self._period / bases.lag) if bases.lag > 0 else 1.0
        self._max_speeds[environment] = bases.max_speed
        self._lightness[environment] = 1.0 / masses

    def halt(self, environment: int, halted: Mask) -> None:
        """Choose whose bases take no commands; see :meth:`muster_sim.world.World.halt`."""
        self._halted[environment] = halted
        self._queue[environment, :, self._halted[environment]] = 0.0

    def reset(self, seeds: Integers, positions: Array, velocities: Array) -> None:
        """Begin anew everywhere; see :meth:`muster_sim.world.World.reset`."""
        if np.shape(seeds) != (self.environments,):
            raise MusterError(f"seeds have shape {np.shape(seeds)}; this world takes ({self.environments},)")
        places = checked("positions", positions, self.positions.shape, "m")
        speeds = checked("velocities", velocities, self.velocities.shape, "m/s")
        gaps = [self._check_start(*start) for start in zip(places, speeds, self._max_speeds, strict=True)]
        for environment, start in enumerate(zip(seeds, places, speeds, gaps, strict=True)):
            self._start(environment, *start)

    def reset_environment(self, environment: int, seed: int, positions: Array, velocities: Array) -> None:
        """Begin anew in one environment; see :meth:`muster_sim.world.World.reset_environment`."""
        if not 0 <= environment < self.environments:
            raise MusterError(f"There is no environment {environment}; this world has {self.environments}, from 0")
        places = checked("positions", positions, (self.robots, 2), "m")
        speeds = checked("velocities", velocities, (self.robots, 2), "m/s")
        self._start(environment, seed, places, speeds, self._check_start(places, speeds, self._max_speeds[environment]))

    def step(self, commands: Array) -> None:
        """Advance ``dt``; see :meth:`muster_sim.world.World.step`.

        Commands faster than the base can go are shortened to its ``max_speed``, as a motor would.
        """
        targets = checked("commands", commands, (self.environments, self.robots, 2), "m/s")
        if self._clock.min() < 0:
            raise MusterError(f"Environment {self._clock.argmin()} was never reset: call reset before step")
        aim(targets, self._max_speeds, self.yaw, self._turning, self._targets)
        self._targets[self._halted] = 0.0
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
        aim(self.velocities[one], np.full(1, math.inf), self.yaw[one], self._turning, self._motors[one])
        self._queue[environment] = self._motors[environment]  # what was commanded before is what the base now does
        self._halted[environment] = False
        self.contacts[environment] = 0
        self.minimum_clearance[environment] = gap
        self._clock[environment] = 0

    def _check_start(self, positions: Array, velocities: Array, limit: float) -> float:
        """Smallest gap between two robots [m], if nothing speaks against the start."""
        radius = self.robot_model.radius
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
