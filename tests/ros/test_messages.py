"""The door: what messages mean in core's types, and which are refused."""

import math

import numpy as np
import pytest
from geometry_msgs.msg import Quaternion, Twist, TwistStamped
from nav_msgs.msg import OccupancyGrid, Odometry

from muster_core.errors import MusterError
from muster_core.shape import Shape
from muster_ros import messages
from muster_ros.messages import Pose


def quarter_turn_odometry() -> Odometry:
    message = Odometry()
    message.pose.pose.position.x, message.pose.pose.position.y = 1.0, 2.0
    message.pose.pose.orientation = Quaternion(w=math.sqrt(0.5), z=math.sqrt(0.5))
    message.twist.twist.linear.x, message.twist.twist.linear.y = 0.3, 0.1
    message.header.stamp.sec, message.header.stamp.nanosec = 5, 250_000_000
    return message


def test_the_twist_is_in_the_robots_frame():
    pose = messages.pose_from_odometry(quarter_turn_odometry(), "a")
    # Forward 0.3 and left 0.1, looking along +y: up 0.3 and to -x 0.1.
    assert pose.velocity == pytest.approx([-0.1, 0.3])
    assert pose.position == pytest.approx([1.0, 2.0])
    assert pose.yaw == pytest.approx(math.pi / 2)
    assert pose.stamp == 5.25


def test_odometry_survives_the_way_there_and_back():
    pose = Pose(np.array([0.5, -1.5]), np.array([0.2, -0.7]), -2.5, 0.4, 1234.5)
    back = messages.pose_from_odometry(messages.odometry_from_pose(pose, "a"), "a")
    assert back.position == pytest.approx(pose.position)
    assert back.velocity == pytest.approx(pose.velocity)
    assert (back.yaw, back.yaw_rate, back.stamp) == pytest.approx((pose.yaw, pose.yaw_rate, pose.stamp))


def test_a_point_ahead_of_a_turning_body_swings():
    pose = Pose(np.array([1.0, 0.0]), np.array([0.0, 0.2]), math.pi / 2, 2.0, 0.0)
    ahead = pose.ahead(0.1)
    assert ahead.position == pytest.approx([1.0, 0.1])
    # 0.1 m times 2 rad/s, to the left of +y.
    assert ahead.velocity == pytest.approx([-0.2, 0.2])
    assert ahead.ahead(-0.1).velocity == pytest.approx(pose.velocity)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", ["position", "twist", "turn", "orientation"])
def test_odometry_that_is_not_finite_is_refused(field, value):
    message = quarter_turn_odometry()
    if field == "position":
        message.pose.pose.position.x = value
    elif field == "twist":
        message.twist.twist.linear.y = value
    elif field == "turn":
        message.twist.twist.angular.z = value
    else:
        message.pose.pose.orientation.z = value
    with pytest.raises(MusterError, match=r"'robot_7' is not finite.*check its tracking"):
        messages.pose_from_odometry(message, "robot_7")


def test_an_orientation_of_length_zero_is_refused():
    message = quarter_turn_odometry()
    message.pose.pose.orientation = Quaternion(w=0.0)
    with pytest.raises(MusterError, match="no rotation"):
        messages.pose_from_odometry(message, "a")


def test_a_shape_survives_the_way_there_and_back():
    shape = Shape.from_array(np.array([[1, 0, 1], [0, 1, 1]]), 0.1, x=0.4, y=-0.2, yaw=0.7)
    back = messages.shape_from_grid(messages.grid_from_shape(shape, 1.0))
    np.testing.assert_array_equal(back.occupancy, shape.occupancy)
    assert back.cells == pytest.approx(shape.cells, abs=1e-7)
    assert back.digest == shape.digest


def grid(**changes) -> OccupancyGrid:
    message = OccupancyGrid()
    message.info.width, message.info.height, message.info.resolution = 2, 1, 0.1
    message.data = [100, 100]
    for name, value in changes.items():
        setattr(message.info, name, value)
    return message


def tilted() -> OccupancyGrid:
    message = grid()
    message.info.origin.orientation = Quaternion(w=math.cos(0.1), x=math.sin(0.1))
    return message


def nowhere() -> OccupancyGrid:
    message = grid()
    message.info.origin.position.x = math.nan
    return message


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (grid(width=0), "0 x 1"),
        (grid(width=100_000), "100000 x 1"),
        (grid(width=3), "says 3 x 1 cells but holds 2"),
        (grid(resolution=0.0), "resolution is 0.0"),
        (grid(resolution=math.nan), "resolution is nan"),
        (grid(resolution=-1.0), "resolution is -1.0"),
        (tilted(), "tilted by roll 0.2"),
        (nowhere(), r"origin is \(nan, 0.0\)"),
    ],
)
def test_an_absurd_grid_is_refused(message, words):
    with pytest.raises(MusterError, match=words):
        messages.shape_from_grid(message)


def test_an_empty_grid_is_refused():
    message = grid()
    message.data = [0, -1]
    with pytest.raises(MusterError, match="no cell"):
        messages.shape_from_grid(message)


@pytest.mark.parametrize(("kind", "expected"), [("TwistStamped", TwistStamped), ("Twist", Twist)])
def test_commands_are_written_and_read_in_both_types(kind, expected):
    message = messages.command_message((0.1, -0.2, 0.3), 7.5, "a", kind)
    assert isinstance(message, expected)
    assert messages.twist_from_command(message) == pytest.approx((0.1, -0.2, 0.3))


def test_a_command_that_is_not_finite_is_refused():
    with pytest.raises(MusterError, match="not finite"):
        messages.twist_from_command(Twist(linear=messages.command_message((math.nan, 0, 0), 0, "a", "Twist").linear))


def test_times_keep_their_microseconds():
    stamp = 1_795_164_600.123457
    assert messages.seconds(messages.time_message(stamp)) == pytest.approx(stamp, abs=5e-7)
    assert messages.time_message(0.9999999999).sec == 1
