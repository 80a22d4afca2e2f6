"""Ticks that keep a moment behind poses: the shift that is asked for, in a made-up steady world."""

import numpy as np
import pytest

from muster_ros.pose_follower import FOLLOW, SAMPLES, PoseFollower


def first_shift(lag: float, interval: float) -> float | None:
    follower = PoseFollower()
    shifts = [follower.shift(lag, interval) for _ in range(SAMPLES)]
    assert shifts[:-1] == [None] * (SAMPLES - 1)
    return shifts[-1]


@pytest.mark.parametrize("lag", [0.0002, 0.006, 0.0099])
def test_ticks_are_put_off_until_they_follow_a_pose(lag):
    shift = first_shift(lag, 0.01)
    assert 0.0 < shift < 0.01
    # After the shift the next pose has come in FOLLOW before the tick.
    assert np.remainder(lag + shift, 0.01) == pytest.approx(FOLLOW)


def test_ticks_that_follow_already_are_left_alone():
    assert first_shift(0.003, 0.01) is None


@pytest.mark.parametrize("interval", [0.0, 0.004, 0.2])
def test_poses_that_are_unknown_very_fast_or_slow_change_nothing(interval):
    assert first_shift(0.006, interval) is None
