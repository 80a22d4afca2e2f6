"""The arithmetic between a world and the robots' topics: body twists in, poses out. Knows nothing of ROS nodes."""

import numpy as np

from muster_core.robot import Arena, RobotModel
from muster_core.types import Array
from muster_ros.messages import Pose
from muster_sim.starts import spaced_points
from muster_sim.world import World, make_world

STEP = 0.01
"""Time between two odometry messages, and of one step of the world [s]."""
COMMAND_TIMEOUT = 0.3
"""A base that has heard no command for this long comes to rest by itself [s; simulated]."""
SPACING = 4.0
"""Distance between starts, in radii: two diameters."""


class SimulatedBases:
    """The robots' bases in a simulated world, which they share.

    Args:
        count: how many.
        world: name of the world.
        robot: the kind of robot.
        arena: walls; robots start anywhere inside.
        seed: of the starts, and of what the world draws.
    """

    def __init__(self, count: int, world: str, robot: RobotModel, arena: Arena, seed: int) -> None:
        self.robot, self.arena, self.time = robot, arena, 0.0
        self.world: World = make_world(world, 1, count, robot, arena, dt=STEP, substeps=1)
        room = np.array([arena.half_width, arena.half_height]) - 2.0 * robot.radius
        starts = spaced_points(count, -room, room, SPACING * robot.radius, np.random.default_rng(seed))
        self.world.reset(np.array([seed]), starts[None], np.zeros((1, count, 2)))
        self._commands = np.zeros((1, count, 2))
        self._heard = np.full(count, -np.inf)

    @property
    def positions(self) -> Array:
        """True positions of the steered points, shape (N, 2) [m; world]; a copy."""
        return np.array(self.world.positions[0])

    def command(self, row: int, twist: tuple[float, float, float]) -> None:
        """Take in a body twist (vx, vy [m/s], wz [rad/s]) for one base."""
        forward, left, turn = twist
        if self.robot.kinematics == "differential":
            left = turn * self.robot.look_ahead
        yaw = float(self.world.yaw[0, row])
        cosine, sine = np.cos(yaw), np.sin(yaw)
        self._commands[0, row] = cosine * forward - sine * left, sine * forward + cosine * left
        self._heard[row] = self.time

    def step(self) -> None:
        """Advance the world by one `STEP`."""
        self._commands[0, self.time - self._heard > COMMAND_TIMEOUT] = 0.0
        self.world.step(self._commands)
        self.time += STEP

    def pose(self, row: int, stamp: float) -> Pose:
        """What a motion capture would see of one base, at the time ``stamp`` [s]."""
        yaw, velocity = float(self.world.yaw[0, row]), np.array(self.world.velocities[0, row])
        rate = 0.0
        if self.robot.kinematics == "differential":
            rate = float(np.cos(yaw) * velocity[1] - np.sin(yaw) * velocity[0]) / self.robot.look_ahead
        steered = Pose(np.array(self.world.positions[0, row]), velocity, yaw, rate, stamp)
        return steered.ahead(-self.robot.look_ahead)
