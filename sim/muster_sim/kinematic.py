"""The fast world: BulletWorld's actuation and contacts as compiled arithmetic, for experience in bulk.

It has no physics engine in it. How near it comes to BulletWorld is written down, with tolerances, in
tests/sim/test_kinematic.py, which also identifies its collision parameters.
"""

import numpy as np

from muster_core.robot import Arena, RobotModel
from muster_core.types import Array
from muster_sim.driven import DrivenWorld
from muster_sim.kernels.contacts import touching_pairs
from muster_sim.kernels.driving import NEAR, TOUCHES, Drive, Physics, advance_rows, new_bench


class KinematicWorld(DrivenWorld):
    """Compiled physics behind the :class:`muster_sim.world.World` protocol; the same arguments as BulletWorld."""

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
        """Make room; see :class:`muster_sim.driven.DrivenWorld` for arguments and what is raised."""
        super().__init__(environments, robots, robot_model, arena, dt, substeps, longest_delay)
        self.drive = Drive(
            positions=self.positions,
            velocities=self.velocities,
            yaw=self.yaw,
            motors=self._motors,
            targets=self._targets,
            queue=self._queue,
            slots=self._slots,
            gain=self._gain,
            lightness=self._lightness,
            clock=self._clock,
            contacts=self.contacts,
            clearance=self.minimum_clearance,
            touching=np.zeros((self.environments, TOUCHES * self.robots), np.int64),
            touch_counts=np.zeros(self.environments, np.int64),
        )
        """The state, as kernels take it."""
        self.physics = Physics(
            substeps=self.substeps,
            period=self._period,
            radius=robot_model.radius,
            max_speed=robot_model.max_speed,
            change=self._change,
            turning=self._turning,
            reach=self._reach,
            half_width=arena.half_width,
            half_height=arena.half_height,
        )
        """What the kernels need to know of robots and arena."""
        self._bench = new_bench(self.robots, NEAR * self.robots)

    def _begin(self, environment: int, places: Array) -> None:
        self.positions[environment] = places
        touching = self.drive.touching[environment]
        self.drive.touch_counts[environment] = touching_pairs(self.positions[environment], self._diameter, touching)

    def _advance(self) -> None:
        pairs = advance_rows(0, self.environments, self.drive, self.physics, self._bench)
        if pairs > self._bench.pairs.shape[1]:
            self._bench = new_bench(self.robots, pairs)
