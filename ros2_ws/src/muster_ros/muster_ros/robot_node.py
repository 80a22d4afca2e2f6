"""One robot of a team as a ROS 2 lifecycle node: odometry and the operator's word in, velocity commands out.

Configuring loads and checks policy and card, and compiles; activating starts one timer on a steady clock. Every state
and every refusal is on ``/diagnostics``. With ``--composed`` one process hosts all robots of the team.
"""

import sys
import time
from collections.abc import Sequence

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.timer import Timer
from std_srvs.srv import Trigger

from muster_core.cli import run_command
from muster_core.controllers import load_controller
from muster_core.errors import MusterError
from muster_core.pilot import Pilot
from muster_ros import messages
from muster_ros.equipped_robot import EquippedRobot
from muster_ros.gatekeeper import Verdict
from muster_ros.hearing import Hearing
from muster_ros.node_help import answer_help
from muster_ros.parameters import declare_parameters, read_parameters, robot_defaults

REPORT_PERIOD = 0.2
"""Time between two diagnostic reports [s]."""
LEVELS = {"holding": "warn", "stopped": "error", "refused": "error"}
"""Diagnostic level of a state; ``ok`` for the others."""


class RobotNode(LifecycleNode):
    """The node of one robot.

    Args:
        name: the node's name, and the robot's unless the parameter ``name`` says otherwise.
        hearing: the team's odometry where several robots share a process; made when configuring where None.
        overrides: parameters that win over the command line's.
    """

    def __init__(
        self, name: str = "robot", hearing: Hearing | None = None, overrides: Sequence[Parameter] = ()
    ) -> None:
        super().__init__(name, parameter_overrides=list(overrides))
        declare_parameters(self)
        self._shared_hearing = hearing
        self._robot: EquippedRobot | None = None
        self._unequipped = Verdict("idle", "not configured")
        self._timer: Timer | None = None
        self._due = 0.0
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._diagnostics = self.create_publisher(DiagnosticArray, messages.DIAGNOSTICS_TOPIC, messages.DIAGNOSTICS_QOS)
        self.create_timer(REPORT_PERIOD, self._report, clock=self._steady)
        self._shift = self.create_timer(1.0, self._restart_ticks, clock=self._steady)
        """Fires once, when the ticks are to begin anew."""
        self._shift.cancel()
        self.create_service(Trigger, "~/estop", self._on_estop)
        self.create_service(Trigger, "~/release", self._on_release)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Check the parameters, load and check policy and card, compile; refuse with one line if something is wrong."""
        try:
            settings = read_parameters(self)
            pilot = Pilot(load_controller(settings.policy, settings.robot), settings.robot, settings.arena)
            pilot.warm_up()
        except MusterError as error:
            self._unequipped = Verdict("refused", str(error))
            self.get_logger().error(f"not configured: {error}")
            return TransitionCallbackReturn.FAILURE
        self._robot = EquippedRobot(self, settings, pilot, self._shared_hearing)
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Begin to tick; the robot moves once shape, team size and the operator's start are there."""
        assert self._robot is not None, "the lifecycle configures before it activates"
        self._due = time.monotonic() + self._robot.period
        self._timer = self.create_timer(self._robot.period, self._tick, clock=self._steady)
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop the base and the ticks."""
        self._stop("not active")
        return TransitionCallbackReturn.SUCCESS

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Forget the policy; the node can be configured anew."""
        self._unequip("not configured")
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop the base for good."""
        self._stop("shut down")
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop the base after a transition that failed half-way, and begin anew."""
        self._unequip("a transition failed")
        return TransitionCallbackReturn.SUCCESS

    def close(self) -> None:
        """Publish a zero command if the robot was active, a last report, and give everything back."""
        self._stop("shut down")
        self._report()
        self._unequip("shut down")
        self.destroy_node()

    def _tick(self) -> None:
        assert self._robot is not None, "ticks end before the robot is unequipped"
        assert self._timer is not None, "ticks end with their timer"
        try:
            shift = self._robot.tick(self._due)
        except Exception:
            # Whatever is wrong, the base must not keep its last velocity. Then the process ends with the traceback.
            self._robot.halt()
            raise
        self._due = time.monotonic() + self._timer.time_until_next_call() * 1e-9
        if shift is not None:
            self._shift.timer_period_ns = round(shift * 1e9)
            self._shift.reset()

    def _restart_ticks(self) -> None:
        self._shift.cancel()
        if self._timer is not None and self._robot is not None:
            self._timer.reset()
            self._due = time.monotonic() + self._robot.period

    def _stop(self, reason: str) -> None:
        if self._timer is not None and self._robot is not None:
            self.destroy_timer(self._timer)
            self._timer = None
            self._robot.halt()
        if self._robot is not None:
            self._robot.verdict = Verdict("idle", reason)

    def _unequip(self, reason: str) -> None:
        self._stop(reason)
        if self._robot is not None:
            self._robot.close()
        self._robot, self._unequipped = None, Verdict("idle", reason)

    def _on_estop(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success = self._robot is not None
        response.message = f"{self.get_name()} is not configured: it does not move"
        if self._robot is not None:
            self._robot.keeper.latch("estop service", "e-stop of this robot")
            response.message = f"{self.get_name()} is stopped until it is released"
        return response

    def _on_release(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success = self._robot is not None
        response.message = f"{self.get_name()} is not configured: nothing to release"
        if self._robot is not None:
            held = "; ".join(self._robot.keeper.latches.values())
            response.message = f"released from: {held}" if held else "nothing was latched"
            self._robot.release()
        return response

    def _report(self) -> None:
        robot = self._robot
        verdict = self._unequipped if robot is None else robot.verdict
        name = str(self.get_parameter("name").value or self.get_name())
        values: dict[str, object] = {"state": verdict.state, "reason": verdict.reason}
        values |= {} if robot is None else robot.values()
        summary = f"{verdict.state}: {verdict.reason}" if verdict.reason else verdict.state
        array = DiagnosticArray()
        array.header.stamp = self.get_clock().now().to_msg()
        array.status = [messages.status_message(name, LEVELS.get(verdict.state, "ok"), summary, values)]
        self._diagnostics.publish(array)


def main() -> int:
    """Run one robot, or with ``--composed`` a whole team; ROS arguments follow ``--ros-args`` as ever."""
    from muster_ros.robot_process import OPTIONS, run_robots

    if answer_help(sys.argv, "muster-robot", __doc__, robot_defaults() | {"autostart": True}, OPTIONS):
        return 0
    return run_command(lambda: run_robots(sys.argv))


if __name__ == "__main__":
    sys.exit(main())
