"""Watches a running team from outside: reports as they come, odometry when asked. Decides nothing."""

import math
import time
from collections.abc import Callable

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node

from muster_core import metrics
from muster_core.shape import Shape
from muster_core.types import Array
from muster_ros import messages
from muster_ros.fleet import Fleet
from muster_ros.hearing import Hearing
from muster_ros.spinning import make_executor


class TeamWatch:
    """What is known of a team while it runs.

    Args:
        fleet: whom to watch.
    """

    def __init__(self, fleet: Fleet) -> None:
        self.pose_ages_ms: list[float] = []
        """Pose age of every command to move that was reported so far [ms]."""
        self._fleet = fleet
        self._values: dict[str, dict[str, str]] = {}
        self._node = Node("team_watch", start_parameter_services=False, enable_rosout=False)
        self._node.create_subscription(
            DiagnosticArray, messages.DIAGNOSTICS_TOPIC, self._store, messages.DIAGNOSTICS_QOS
        )
        self._hearing = Hearing(self._node, fleet.parameters(fleet.robots[0]).odometry_topics(), set())
        self._executor = make_executor()
        self._executor.add_node(self._node)

    def spin(self, duration: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Take in reports for a time [s] or until something holds; whether it holds."""
        deadline = time.monotonic() + duration
        while not until() and time.monotonic() < deadline:
            self._executor.spin_once(timeout_sec=min(0.1, duration))
        return until()

    def states(self) -> dict[str, str]:
        """The state that each robot reported last; robots that never reported are absent."""
        return {name: self._values[name]["state"] for name in self._fleet.robots if name in self._values}

    def reasons(self) -> str:
        """Why robots do not run, one clause per reason."""
        reasons = {self._values[name]["reason"] for name in self._fleet.robots if name in self._values}
        silent = len(self._fleet.robots) - len(self.states())
        return "; ".join([*sorted(reasons - {""}), *([f"{silent} robots never reported"] if silent else [])])

    def refused(self) -> list[str]:
        """Robots that refuse to be configured, with their reason."""
        return [
            f"{name}: {self._values[name]['reason']}" for name, state in self.states().items() if state == "refused"
        ]

    def truth(self) -> tuple[int, float]:
        """Contacts so far and the smallest clearance so far [m], as the simulator reports them."""
        values = self._values.get("simulator", {})
        return int(values.get("contacts", 0)), float(values.get("minimum_clearance_m", math.inf))

    def positions(self) -> Array | None:
        """Where all robots are, shape (N, 2) [m; world], or None while one was never heard."""
        self._hearing.fetch()
        poses = [self._hearing[name].pose for name in self._fleet.robots]
        ahead = self._fleet.robot.look_ahead
        known = [pose.ahead(ahead).position for pose in poses if pose is not None]
        return np.array(known) if len(known) == len(poses) else None

    def figures(self, shape: Shape, best: float) -> dict[str, float]:
        """Coverage over the best one, share of robots in the shape, and the median pose age [ms] of late."""
        positions = self.positions()
        ages = self.pose_ages_ms[-200:]
        result = {"pose_age_ms": float(np.median(ages)) if ages else math.nan}
        if positions is None:
            return result | {"coverage": math.nan, "entering": math.nan}
        coverage = metrics.coverage(positions, shape, len(positions)) / best
        return result | {"coverage": coverage, "entering": metrics.entering_rate(positions, shape)}

    def close(self) -> None:
        """Give the nodes back."""
        self._executor.shutdown()
        self._hearing.close()
        self._node.destroy_node()

    def _store(self, message: DiagnosticArray) -> None:
        for status in message.status:
            values = messages.status_values(status)
            self._values[status.hardware_id] = values
            self.pose_ages_ms += [float(age) for age in values.get("pose_ages_ms", "").split()]
