"""Talks to the operator node from outside: one call per verb, each with a time limit and a remedy."""

import json
import math
import time
from dataclasses import asdict
from typing import Any

import rclpy
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.client import Client
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from muster_core.errors import MusterError, WorkFailed
from muster_ros.messages import OPERATOR
from muster_ros.operator_node import ShapeRequest

VERBS = ("start", "stop", "estop", "release", "status")


class OperatorClient:
    """The operator's verbs as calls that wait for their answer.

    Args:
        timeout: how long to wait for the operator node and for an answer [s].

    Raises:
        MusterError: the timeout is no time.
    """

    def __init__(self, timeout: float = 10.0) -> None:
        if not 0 < timeout < math.inf:
            raise MusterError(f"timeout is {timeout:g}; it must be a finite number of seconds above 0")
        self._timeout = timeout
        self._node = Node("operator_client", start_parameter_services=False, enable_rosout=False)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._clients: dict[str, Client] = {}

    def verb(self, name: str) -> str:
        """Call one of `VERBS`; its answer.

        Raises:
            WorkFailed: nobody answers, or the operator refuses; says why.
        """
        response = self._call(name, Trigger, Trigger.Request())
        if not response.success:
            raise WorkFailed(response.message)
        return str(response.message)

    def status(self) -> dict[str, Any]:
        """What the operator knows of the team.

        Raises:
            WorkFailed: nobody answers.
        """
        status: dict[str, Any] = json.loads(self.verb("status"))
        return status

    def shape(self, request: ShapeRequest) -> str:
        """Send a shape.

        Raises:
            MusterError: the name is empty.
            WorkFailed: nobody answers, or the operator refuses; says why.
        """
        if not request.shape.strip():
            raise MusterError("The shape's name is empty; name a figure or give a text, as in: muster-operator shape R")
        values = [Parameter(name, value=value).to_parameter_msg() for name, value in asdict(request).items()]
        response = self._call(
            "set_parameters_atomically", SetParametersAtomically, SetParametersAtomically.Request(parameters=values)
        )
        if not response.result.successful:
            raise WorkFailed(response.result.reason)
        return f"shape {request.shape} sent"

    def close(self) -> None:
        """Give the node back."""
        self._executor.shutdown()
        self._node.destroy_node()

    def _call(self, name: str, kind: type, request: Any) -> Any:  # noqa: ANN401 - any service's request and response
        deadline = time.monotonic() + self._timeout
        if name not in self._clients:
            self._clients[name] = self._node.create_client(kind, f"{OPERATOR}/{name}")
        client = self._clients[name]
        if not client.wait_for_service(timeout_sec=self._timeout):
            raise WorkFailed(
                f"No operator node answers within {self._timeout:g} s; start a team (muster-run) or "
                "muster-operator-node, and check that ROS_DOMAIN_ID is the same"
            )
        future = client.call_async(request)
        while not future.done() and time.monotonic() < deadline and rclpy.ok():
            self._executor.spin_once(timeout_sec=0.1)
        if not future.done():
            raise WorkFailed(f"The operator node did not answer {name!r} within {self._timeout:g} s; try again")
        return future.result()
