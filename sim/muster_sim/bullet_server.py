"""One PyBullet server that holds one swarm as exact planar discs between four walls.

A robot is a long upright capsule without gravity or ground, locked against turning: in the plane, a disc. A sphere
would be the same disc, but Bullet makes contacts of two spheres only once they overlap: with substeps of 25 ms, two
robots at 0.8 m/s sank 35 mm into each other (measured). For capsules it makes contacts ahead of time, within a gap that
grows with the capsule's length. Walls are lying capsules, exact where a robot can touch them.
"""

import math
from collections.abc import Iterable

import numpy as np

from muster_core.errors import MusterError, WorkFailed
from muster_core.robot import Arena, RobotModel
from muster_core.types import Array
from muster_sim.driven import LONGEST_REACH, SLACK, contact_reach
from muster_sim.physics_engine import pybullet

FRICTION = 0.5
"""Of robots and walls; Bullet multiplies the two that meet."""
SOLVER_ITERATIONS = 10
"""Measured: enough for piles of 30 robots, and half the time of Bullet's 50."""
CONTACT_ERP = 0.8
"""Share of an overlap taken back per substep; 30 robots pressed to a pile overlap 0.9 mm, with Bullet's 0.2 6 mm."""
CONTACT_MARGIN = 0.5 * LONGEST_REACH
"""Bullet's breaking threshold [m], one number for the whole process: by so much it widens every body's box."""
WALL_RADIUS = 0.5
"""Of the capsules that stand for walls [m]; a contact ahead of time needs a body of some size."""
OUT_OF_PLANE = 1e-6
"""Largest height that rounding may give a robot [m]."""


class BulletServer:
    """A DIRECT server with the robots of one environment; states are read and velocities written once per substep."""

    def __init__(self, robots: int, robot_model: RobotModel, arena: Arena, period: float) -> None:
        """Connect; ``rebuild`` fills the server.

        Args:
            robots: Number of robots.
            robot_model: Radius and largest speed are used.
            arena: Where the walls stand.
            period: Of a physics substep [s].

        Raises:
            MusterError: Robots at full speed would outrun the contacts made ahead of time, or no server is free.
        """
        self.robots, self.robot_model, self.arena, self.period = robots, robot_model, arena, period
        reach = contact_reach(robot_model, period)
        self._extent = max(reach / CONTACT_MARGIN, 3.0 * robot_model.radius)
        self.reach = self._extent * CONTACT_MARGIN + SLACK
        """Robots whose gap to every disc and wall is larger have no contact in the next substep, even ahead of time."""
        self._client: int = pybullet.connect(pybullet.DIRECT)
        if self._client < 0:
            raise MusterError(
                "PyBullet has no free server, of about 1000 per process: use fewer environments in one process"
            )
        self._bodies: tuple[int, ...] = ()

    def rebuild(self, positions: Array, masses: Array) -> None:
        """Empty the server and build it again, the only way to make a run repeat bit for bit.

        Args:
            positions: Shape: (N, 2) [m; world].
            masses: Shape: (N,) [kg]; commands are velocities, so only ratios between robots matter.

        Raises:
            WorkFailed: A body is not what was asked for.
        """
        client = self._client
        pybullet.resetSimulation(physicsClientId=client)
        pybullet.setPhysicsEngineParameter(
            fixedTimeStep=self.period,
            numSubSteps=0,
            numSolverIterations=SOLVER_ITERATIONS,
            contactERP=CONTACT_ERP,
            contactBreakingThreshold=CONTACT_MARGIN,
            deterministicOverlappingPairs=1,
            physicsClientId=client,
        )
        self._build_walls()
        self._build_robots(positions, masses.tolist())
        self._check_bodies(masses.tolist())

    def advance(self, velocities: Array) -> None:
        """Give every robot its velocity and let Bullet advance one substep.

        Args:
            velocities: Shape: (N, 3) [m/s; world], the third being 0.
        """
        client, give, still = self._client, pybullet.resetBaseVelocity, (0.0, 0.0, 0.0)
        for body, velocity in zip(self._bodies, velocities.tolist(), strict=True):
            give(body, velocity, still, client)
        pybullet.stepSimulation(client)

    def read_positions(self, robots: Iterable[int]) -> Array:
        """Where some robots are, unchecked. Shape: (len(robots), 2) [m; world]."""
        client, bodies, read = self._client, self._bodies, pybullet.getBasePositionAndOrientation
        return np.array([read(bodies[robot], client)[0][:2] for robot in robots])

    def read_all(self) -> Array:
        """Where all robots are. Shape: (N, 2) [m; world].

        Raises:
            WorkFailed: A position is not finite or not in the plane.
        """
        client, read = self._client, pybullet.getBasePositionAndOrientation
        positions = np.array([read(body, client)[0] for body in self._bodies])
        if not (math.isfinite(positions.sum()) and np.abs(positions[:, 2]).max() <= OUT_OF_PLANE):
            raise WorkFailed(f"Bullet lost a robot: positions [m] became {positions.tolist()}")
        return positions[:, :2]

    def read_velocities(self, robots: Iterable[int]) -> Array:
        """Velocities that the contact solver left some robots with. Shape: (len(robots), 2) [m/s; world]."""
        client, bodies, read = self._client, self._bodies, pybullet.getBaseVelocity
        return np.array([read(bodies[robot], client)[0][:2] for robot in robots])

    def close(self) -> None:
        """Disconnect; may be called twice."""
        if self._client >= 0:
            pybullet.disconnect(self._client)
            self._client = -1

    def _build_walls(self) -> None:
        width, height, client = self.arena.half_width, self.arena.half_height, self._client
        turned = math.sqrt(0.5)
        along_x, along_y = (0.0, turned, 0.0, turned), (turned, 0.0, 0.0, turned)
        for x, y, length, orientation in (
            (width + WALL_RADIUS, 0.0, height, along_y),
            (-width - WALL_RADIUS, 0.0, height, along_y),
            (0.0, height + WALL_RADIUS, width, along_x),
            (0.0, -height - WALL_RADIUS, width, along_x),
        ):
            full = 2.0 * length + 2.0 * WALL_RADIUS
            shape = pybullet.createCollisionShape(
                pybullet.GEOM_CAPSULE, radius=WALL_RADIUS, height=full, physicsClientId=client
            )
            wall = pybullet.createMultiBody(
                0.0, shape, -1, (x, y, 0.0), orientation, useMaximalCoordinates=1, physicsClientId=client
            )
            pybullet.changeDynamics(wall, -1, restitution=0.0, lateralFriction=FRICTION, physicsClientId=client)

    def _build_robots(self, positions: Array, masses: list[float]) -> None:
        client, radius = self._client, self.robot_model.radius
        shape = _upright_capsule(client, radius, self._extent)
        places = [(x, y, 0.0) for x, y in positions.tolist()]
        self._bodies = tuple(
            pybullet.createMultiBody(
                1.0, shape, -1, (0.0, 0.0, 0.0), batchPositions=places, useMaximalCoordinates=1, physicsClientId=client
            )
        )
        for body, mass in zip(self._bodies, masses, strict=True):
            # An inertia of zero locks the body's turning; without mass= in the same call Bullet zeroes the mass too.
            pybullet.changeDynamics(
                body,
                -1,
                mass=mass,
                localInertiaDiagonal=(0.0, 0.0, 0.0),
                linearDamping=0.0,
                angularDamping=0.0,
                restitution=0.0,
                lateralFriction=FRICTION,
                physicsClientId=client,
            )

    def _check_bodies(self, masses: list[float]) -> None:
        if len(self._bodies) != self.robots:
            raise WorkFailed(f"PyBullet built {len(self._bodies)} robots instead of {self.robots}")
        for body, wanted in zip(self._bodies, masses, strict=True):
            mass, _, inertia = pybullet.getDynamicsInfo(body, -1, physicsClientId=self._client)[:3]
            if not math.isclose(mass, wanted) or any(inertia):
                raise WorkFailed(
                    f"PyBullet gave robot {body} a mass of {mass} kg and inertia {inertia}, not {wanted} and 0"
                )


def _upright_capsule(client: int, radius: float, extent: float) -> int:
    """Capsule along z with ``radius`` whose bounding box reaches ``extent`` from its centre [m].

    Bullet makes a contact ahead of time at a gap of up to its breaking threshold times this extent.
    """
    height = 2.0 * (math.sqrt(extent * extent - 2.0 * radius * radius) - radius)
    shape: int = pybullet.createCollisionShape(
        pybullet.GEOM_CAPSULE, radius=radius, height=height, physicsClientId=client
    )
    return shape
