"""Which tick decides, which filters, which brakes: the real pilot, no graph."""

import numpy as np
import pytest

from muster_core.controllers import load_controller
from muster_core.pilot import Pilot
from muster_core.robot import RobotModel
from muster_core.scene import Snapshot
from muster_core.shape import Shape
from muster_ros.control_loop import QUIET_AFTER, ControlLoop
from muster_ros.gatekeeper import Verdict

RUNNING, READY, HOLDING = Verdict("running", ""), Verdict("ready", ""), Verdict("holding", "stale")


@pytest.fixture
def loop() -> ControlLoop:
    return ControlLoop(Pilot(load_controller("prior"), RobotModel(braking=2.0)))


def observe(loop):
    def snapshot() -> Snapshot:
        shape = Shape.from_array(np.ones((10, 10)), 0.1, x=1.0)
        positions = np.array([[-1.5, 0.0], [1.5, 1.5]])
        velocities = np.array([loop.issued, [0.0, 0.0]])
        return Snapshot(positions, velocities, np.zeros(2), 0, loop.issued, shape, 2)

    return snapshot


def test_a_period_asks_the_policy_once_and_the_filter_once(loop):
    answers = [loop.tick(RUNNING, observe(loop)) for _ in range(8)]
    assert [answer is not None for answer in answers] == [True, False, True, False] * 2
    assert loop.period == pytest.approx(0.025)


def test_it_accelerates_towards_the_shape_by_what_the_policy_asks(loop):
    first = loop.tick(RUNNING, observe(loop))
    # Full acceleration of 1 m/s² for one period of 0.1 s.
    assert first == pytest.approx([0.1, 0.0], abs=0.02)
    for _ in range(3):
        loop.tick(RUNNING, observe(loop))
    assert loop.tick(RUNNING, observe(loop))[0] > first[0]


def test_it_brakes_on_a_ramp_at_every_tick_and_goes_on_saying_zero_while_held(loop):
    for _ in range(20):
        loop.tick(RUNNING, observe(loop))
    speed = np.hypot(*loop.issued)
    assert speed > 0.3
    speeds = [np.hypot(*loop.tick(HOLDING, observe(loop))) for _ in range(3 * QUIET_AFTER)]
    # 2 m/s² for 25 ms: 0.05 m/s a tick.
    assert speeds[0] == pytest.approx(speed - 0.05, abs=1e-9)
    assert speeds[1] == pytest.approx(speed - 0.10, abs=1e-9)
    assert speeds[-1] == 0.0


def test_a_robot_at_rest_that_nothing_holds_leaves_its_topic_to_others(loop):
    answers = [loop.tick(READY, observe(loop)) for _ in range(QUIET_AFTER + 2)]
    assert answers[0] == pytest.approx([0.0, 0.0])
    assert answers[-1] is None


def test_after_a_hold_the_policy_is_asked_first(loop):
    loop.tick(RUNNING, observe(loop))
    loop.tick(HOLDING, observe(loop))
    assert loop.tick(RUNNING, observe(loop)) is not None
    assert loop.tick(RUNNING, observe(loop)) is None


def test_a_halt_is_zero_at_once(loop):
    for _ in range(8):
        loop.tick(RUNNING, observe(loop))
    assert loop.halt() == pytest.approx([0.0, 0.0])
    assert loop.issued == pytest.approx([0.0, 0.0])
