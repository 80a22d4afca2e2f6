"""A decision's message: every number comes back to the last bit, and what is none is refused."""

from dataclasses import fields, replace

import numpy as np
import pytest
from nav_msgs.msg import OccupancyGrid
from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import Float64MultiArray

from muster_core.errors import MusterError
from muster_core.robot import RobotModel
from muster_core.shape import Shape
from muster_ros import messages
from muster_ros.decision import FACTS, ROW, Decision, decision_from_message, message_from_decision, shape_key
from muster_ros.parameters import RobotParameters
from muster_ros.robot_setup import RobotSetup


@pytest.fixture
def decision() -> Decision:
    draw = np.random.default_rng(3)
    pairs = draw.normal(size=(5, 2)) / 3.0
    return Decision(
        sequence=123456,
        kind="hold",
        state="running",
        filter_active=True,
        stamp=1795175452.9396470,
        dt=0.05,
        yaw=-1.0 / 3.0,
        issued=pairs[0],
        wish=pairs[1],
        desired=pairs[2],
        acceleration=pairs[3],
        velocity=pairs[4],
        twist=(0.1, 0.2, 1.0 / 7.0),
        team_size=12,
        shape=2**48 - 1,
        robots=np.array([0.0, 2.0, 5.0]),
        stamps=1795175452.0 + draw.random(3),
        ages=draw.random(3),
        positions=draw.normal(size=(3, 2)),
        velocities=draw.normal(size=(3, 2)),
    )


def test_it_comes_back_over_the_wire_to_the_last_bit(decision):
    wire = serialize_message(message_from_decision(decision))
    back = decision_from_message(deserialize_message(wire, Float64MultiArray))
    for entry in fields(Decision):
        one, other = getattr(decision, entry.name), getattr(back, entry.name)
        assert type(one) is type(other), entry.name
        assert np.array_equal(one, other), entry.name


def test_a_robot_that_brakes_knows_nobody(decision):
    empty = np.zeros(0)
    alone = replace(
        decision,
        kind="brake",
        robots=empty,
        stamps=empty,
        ages=empty,
        positions=np.zeros((0, 2)),
        velocities=np.zeros((0, 2)),
    )
    message = message_from_decision(alone)
    assert len(message.data) == FACTS
    assert len(decision_from_message(message).robots) == 0


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (0, 2.0, "format 2; this Muster reads format 1"),
        (2, 9.0, "kind 9"),
        (3, -1.0, "state is -1.0; it must be a whole number"),
        (22, float("nan"), "shape is nan"),
        (5, float("inf"), "numbers out of range"),
        (6, -0.1, "numbers out of range"),
        (16, float("nan"), "numbers out of range"),
        (23, 1e9, "for 1000000000 robots is none"),
    ],
)
def test_what_is_no_decision_is_refused(decision, place, value, words):
    message = message_from_decision(decision)
    message.data[place] = value
    with pytest.raises(MusterError, match=words):
        decision_from_message(message)


def test_a_message_that_ends_early_is_refused(decision):
    data = message_from_decision(decision).data
    for length in (0, FACTS - 1, len(data) - ROW, len(data) - 1):
        with pytest.raises(MusterError, match="A decision"):
            decision_from_message(Float64MultiArray(data=data[:length]))


def test_the_key_tells_shapes_and_poses_apart():
    disc = Shape.from_figure("disc", cells=100)
    shapes = [disc, disc.moved(0.1, 0.0, 0.0), disc.moved(0.0, 0.0, 0.1), Shape.from_figure("square", cells=100)]
    keys = {shape_key(messages.grid_from_shape(shape, 1.0)) for shape in shapes}
    assert len(keys) == 4
    assert shape_key(messages.grid_from_shape(disc, 2.0)) in keys
    assert shape_key(OccupancyGrid()) not in keys


def test_a_setup_comes_back_and_other_versions_do_not():
    model = RobotModel(radius=0.1, kinematics="differential", look_ahead=0.08)
    setup = RobotSetup.of(RobotParameters(name="a", team=("a", "b"), policy="prior", robot=model), "")
    assert RobotSetup.from_message(setup.message()) == setup
    for text, words in (
        ("nonsense", "no JSON"),
        ('{"format": 7}', "format 7"),
        ("[1]", "format None"),
        (setup.message().data.replace('"policy"', '"polity"'), "missing or unknown"),
        (setup.message().data.replace('"robot": "a"', '"robot": "z"'), "not in the team"),
    ):
        message = setup.message()
        message.data = text
        with pytest.raises(MusterError, match=words):
            RobotSetup.from_message(message)
