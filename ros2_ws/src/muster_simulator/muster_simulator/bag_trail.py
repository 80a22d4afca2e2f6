"""The trajectories of a recorded run as its odometry tells them, for pictures and video."""

from typing import Any

import numpy as np
from nav_msgs.msg import OccupancyGrid, Odometry
from std_msgs.msg import String

from muster_core.errors import MusterError
from muster_core.types import Array
from muster_ros import messages
from muster_ros.bag_reader import Recorded
from muster_ros.decision import shape_key
from muster_ros.robot_setup import RobotSetup
from muster_sim.recording import Recording
from muster_simulator.trail import Trail

SAMPLE = 0.05
"""Time between two moments [s]."""


class BagTrail:
    """Listens while a bag is replayed."""

    def __init__(self) -> None:
        self._trail = Trail()
        self._setup: RobotSetup | None = None
        self._positions: dict[str, Array] = {}
        self._shape = 0
        self._sampled = -np.inf

    def listen(self, recorded: Recorded, message: Any) -> None:  # noqa: ANN401 - one of three message types
        """Take in a setup, a shape or an odometry message."""
        now = recorded.received * 1e-9
        try:
            if isinstance(message, String):
                self._setup = RobotSetup.from_message(message)
            elif isinstance(message, OccupancyGrid) and shape_key(message) != self._shape:
                self._trail.shape(now, messages.shape_from_grid(message))
                self._shape = shape_key(message)
            elif isinstance(message, Odometry) and self._setup is not None:
                self._place(now, recorded.topic, message, self._setup)
        except MusterError:
            # What robots refuse is no part of the picture; the replay itself tells of it.
            return

    def recording(self) -> Recording | None:
        """The run from its first shape on; None where there is nothing to draw."""
        if self._setup is None:
            return None
        return self._trail.recording(self._setup.model, self._setup.arena)

    def _place(self, now: float, topic: str, message: Odometry, setup: RobotSetup) -> None:
        self._positions[topic] = messages.pose_from_odometry(message, topic).ahead(setup.model.look_ahead).position
        if len(self._positions) == len(setup.team) and now - self._sampled >= SAMPLE:
            self._sampled = now
            topics = [setup.odometry_topic.replace("{name}", name) for name in setup.team]
            self._trail.positions(now, np.array([self._positions[name] for name in topics]))
