"""When a robot may move: the state machine, tick by tick, without a graph."""

from dataclasses import replace

import pytest

from muster_core.errors import MusterError
from muster_ros.gatekeeper import Conditions, Gatekeeper, StopRules

GOOD = Conditions(pose_age=0.01, start=True, operator_age=0.1)


@pytest.fixture
def keeper() -> Gatekeeper:
    return Gatekeeper(StopRules())


def test_a_robot_is_idle_until_it_knows_everything_and_ready_until_told_to_start(keeper):
    assert keeper.decide(0.0, Conditions(pose_age=None)).state == "idle"
    waiting = keeper.decide(0.1, Conditions(pose_age=0.01, task="waiting for shape"))
    assert (waiting.state, waiting.reason) == ("idle", "waiting for shape")
    assert keeper.decide(0.2, Conditions(pose_age=0.01)).state == "ready"
    assert keeper.decide(0.3, GOOD).state == "running"
    assert keeper.decide(0.3, GOOD).moving


def test_a_stale_pose_holds_and_half_a_second_of_fresh_ones_resumes(keeper):
    assert keeper.decide(0.0, replace(GOOD, pose_age=0.1)).moving
    held = keeper.decide(0.05, replace(GOOD, pose_age=0.101))
    assert held.state == "holding"
    assert "101 ms" in held.reason
    assert keeper.decide(1.0, GOOD).state == "holding"
    assert keeper.decide(1.49, GOOD).state == "holding"
    assert keeper.decide(1.5, GOOD).state == "running"


def test_one_stale_pose_begins_the_half_second_anew(keeper):
    keeper.decide(0.0, replace(GOOD, pose_age=0.2))
    keeper.decide(1.0, GOOD)
    keeper.decide(1.4, replace(GOOD, pose_age=0.2))
    assert keeper.decide(1.6, GOOD).state == "holding"
    assert keeper.decide(2.2, GOOD).state == "running"


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ({"estop": True}, "e-stop"),
        ({"finite": False}, "not finite"),
        ({"inside": False}, "geofence"),
        ({"operator_age": 2.1}, "operator lost"),
    ],
)
def test_what_a_person_must_look_at_stays_until_released(keeper, cause, words):
    stopped = keeper.decide(0.0, replace(GOOD, **cause))
    assert stopped.state == "stopped"
    assert words in stopped.reason
    assert keeper.decide(100.0, GOOD).state == "stopped"
    keeper.release(100.1)
    assert keeper.decide(100.1, GOOD).state == "running"


def test_a_release_does_not_undo_what_still_holds(keeper):
    pressed = replace(GOOD, estop=True)
    keeper.decide(0.0, pressed)
    keeper.release(0.1)
    assert keeper.decide(0.1, pressed).state == "stopped"
    assert keeper.decide(5.0, GOOD).state == "stopped"


def test_a_release_just_before_the_e_stop_is_let_go_counts(keeper):
    pressed = replace(GOOD, estop=True)
    keeper.decide(0.0, pressed)
    keeper.release(0.1)
    keeper.decide(0.1, pressed)
    assert keeper.decide(0.3, GOOD).state == "running"


def test_an_old_release_is_not_kept_for_the_next_stop(keeper):
    keeper.decide(0.0, GOOD)
    keeper.release(0.1)
    keeper.decide(0.2, GOOD)
    keeper.decide(0.3, replace(GOOD, estop=True))
    assert keeper.decide(0.4, GOOD).state == "stopped"


def test_a_robot_at_rest_needs_neither_operator_nor_geofence(keeper):
    parked = replace(GOOD, start=False, inside=False, operator_age=60.0)
    assert keeper.decide(0.0, parked).state == "ready"


def test_the_operators_watch_can_be_turned_off():
    keeper = Gatekeeper(StopRules(operator_timeout=0.0))
    assert keeper.decide(0.0, replace(GOOD, operator_age=60.0)).moving


def test_the_first_reason_stays():
    keeper = Gatekeeper(StopRules())
    keeper.latch("estop", "first")
    keeper.latch("estop", "second")
    assert keeper.decide(0.0, GOOD).reason == "first"


@pytest.mark.parametrize("rules", [{"stale_after": 0.0}, {"stale_after": float("nan")}, {"resume_after": -1.0}])
def test_rules_that_never_stop_are_refused(rules):
    with pytest.raises(MusterError, match=next(iter(rules))):
        StopRules(**rules)
