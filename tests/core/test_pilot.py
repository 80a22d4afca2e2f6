"""The pilot: what it refuses to decide on, how it brakes, and that it is a function of the snapshot alone."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster_core.controllers import Controller, load_controller
from muster_core.errors import MusterError
from muster_core.pilot import Pilot
from muster_core.robot import Arena, RobotModel
from muster_core.scene import Sensing, Snapshot
from muster_core.shape import Shape, load_shape

SHAPE = load_shape("disc")


class Constant(Controller):
    """A controller that always answers the same."""

    def __init__(self, *acceleration):
        self.name, self.sensing, self.period = "constant", Sensing(), 0.1
        self.acceleration = np.array([acceleration], float)

    def act(self, perceptions, scene, rows):
        return self.acceleration


def snapshot(robots=5, seed=0, **changes):
    generator = np.random.default_rng(seed)
    first = Snapshot(
        positions=generator.uniform(-0.8, 0.8, (robots, 2)),
        velocities=generator.uniform(-0.2, 0.2, (robots, 2)),
        ages=np.full(robots, 0.01),
        me=0,
        issued=np.array([0.1, -0.05]),
        shape=SHAPE,
        team_size=12,
    )
    return replace(first, **changes)


def test_one_step_by_hand():
    """Alone and far from walls: last command plus u·dt, nothing to filter."""
    alone = snapshot(1, positions=np.zeros((1, 2)), velocities=np.array([[0.1, 0.0]]))
    command = Pilot(Constant(0.5, -1.0)).command(alone)
    np.testing.assert_allclose(command.velocity, [0.15, -0.15])
    np.testing.assert_allclose(command.desired, [0.15, -0.15])
    np.testing.assert_allclose(command.acceleration, [0.5, -1.0])
    assert (command.state, command.reason, command.filter_active) == ("ok", "", False)


def test_the_filter_has_the_last_word():
    """Touching distance ahead: wants forward, gets nothing forward."""
    pair = snapshot(
        2,
        positions=np.array([[0.0, 0.0], [0.075, 0.0]]),
        velocities=np.zeros((2, 2)),
        issued=np.zeros(2),
        ages=np.zeros(2),
    )
    command = Pilot(Constant(1.0, 0.5)).command(pair)
    np.testing.assert_allclose(command.desired, [0.1, 0.05])
    np.testing.assert_allclose(command.velocity, [0.0, 0.05], atol=1e-9)
    assert command.state == "ok"
    assert command.filter_active


def own(**values):
    """A snapshot with something changed in row 0, which is the robot itself."""
    made = snapshot()
    changed = {name: getattr(made, name).copy() for name in values}
    for name, value in values.items():
        changed[name][0] = value
    return replace(made, **changed)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (own(positions=math.nan), "a position or velocity is not finite"),
        (own(velocities=math.inf), "a position or velocity is not finite"),
        (own(ages=math.nan), "a pose age is not finite"),
        (own(ages=0.2), "own pose is 200 ms old (limit 100 ms)"),
        (own(ages=-3.0), "own pose is stamped 3000 ms in the future"),
        (snapshot(me=5), "own row 5 is not among the 5 robots known"),
        (snapshot(me=-1), "own row -1 is not among the 5 robots known"),
        (snapshot(velocities=np.zeros((3, 2))), "5 positions, 3 velocities and 5 ages"),
        (snapshot(ages=np.zeros(2)), "5 positions, 5 velocities and 2 ages"),
        (snapshot(positions=np.zeros((5, 3))), "positions have shape (5, 3)"),
    ],
)
def test_brakes_on_what_nobody_may_decide_on(broken, reason):
    pilot = Pilot(Constant(1.0, 1.0))
    for command in (pilot.command(broken), pilot.hold(broken, np.array([0.3, 0.0]), 0.1)):
        assert command.state == "braking"
        assert reason in command.reason
        # (0.1, −0.05) has 0.112 m/s, one step of 2 m/s² takes 0.2 away
        np.testing.assert_array_equal(command.velocity, [0.0, 0.0])


def test_brakes_on_a_last_command_that_is_not_finite():
    command = Pilot(Constant(0.0, 0.0)).command(snapshot(issued=np.array([math.nan, 0.0])))
    assert (command.state, command.reason) == ("braking", "the last command is not finite")
    np.testing.assert_array_equal(command.velocity, [0.0, 0.0])


def test_brakes_on_a_controller_that_gives_nonsense():
    command = Pilot(Constant(math.nan, 0.0)).command(snapshot(issued=np.array([0.6, 0.0])))
    assert command.state == "braking"
    assert command.reason == "controller 'constant' gave a non-finite acceleration"
    np.testing.assert_allclose(command.velocity, [0.4, 0.0])


def test_own_pose_of_exactly_100_ms_still_counts():
    assert Pilot(Constant(0, 0)).command(own(ages=0.1)).state == "ok"
    assert Pilot(Constant(0, 0)).command(own(ages=0.1001)).state == "braking"


def test_a_stale_neighbour_does_not_stop_the_robot():
    old = snapshot()
    old.ages[1:] = 5.0
    far = replace(old, positions=np.array([[0.0, 0.0], *[[2.0, 2.0]] * 4]), velocities=np.zeros((5, 2)))
    assert Pilot(Constant(0, 0)).command(far).state == "ok"


def test_a_body_is_avoided_and_not_perceived():
    """A dead robot just ahead: the same filter as for a teammate, but nothing of it reaches the controller."""
    seen = []

    class Watching(Constant):
        def act(self, perceptions, scene, rows):
            seen.append(int(perceptions.neighbour_count[0]))
            return self.acceleration

    pilot = Pilot(Watching(1.0, 0.0))
    pair = snapshot(2, positions=np.array([[0.0, 0.0], [0.09, 0.0]]), velocities=np.zeros((2, 2)), issued=np.zeros(2))
    teammate, body = pilot.command(pair), pilot.command(replace(pair, present=np.array([1, 2], np.uint8)))
    assert seen == [1, 0]
    assert body.filter_active
    np.testing.assert_array_equal(body.velocity, teammate.velocity)
    assert body.velocity[0] < 0.1


@pytest.mark.parametrize(
    ("present", "reason"),
    [
        ([2, 1, 1, 1, 1], "this robot is no member of the team"),
        ([1, 1, 1], "5 robots are known, but who is in the team is told by [1, 1, 1]"),
        ([1, 1, 7, 1, 1], "5 robots are known, but who is in the team is told by [1, 1, 7, 1, 1]"),
        ([1, 1, 0, 1, 1], "5 robots are known, but who is in the team is told by [1, 1, 0, 1, 1]"),
    ],
)
def test_brakes_where_the_team_is_told_wrongly(present, reason):
    command = Pilot(Constant(1.0, 0.0)).command(snapshot(present=present))
    assert (command.state, command.reason) == ("braking", reason)


def test_hold_filters_the_old_wish_anew():
    pilot = Pilot(Constant(0.0, 0.0))
    quiet = snapshot(
        2, positions=np.array([[0, 0], [1.0, 1.0]]), velocities=np.zeros((2, 2)), issued=np.array([0.2, 0.0])
    )
    np.testing.assert_array_equal(pilot.hold(quiet, np.array([0.25, 0.0]), 0.1).velocity, [0.25, 0.0])
    near = replace(quiet, positions=np.array([[0, 0], [0.08, 0.0]]), issued=np.array([0.05, 0.0]))
    assert pilot.hold(near, np.array([0.25, 0.0]), 0.1).velocity[0] == pytest.approx(0.0, abs=1e-9)
    command = pilot.hold(quiet, np.array([math.nan, 0.0]), 0.1)
    assert command.state == "braking"
    assert "desired velocity" in command.reason


def test_between_decisions_the_command_may_change_by_braking_times_the_time_since_the_last():
    pilot = Pilot(Constant(0.0, 0.0), RobotModel(braking=1.5))
    still = snapshot(
        2, positions=np.array([[0, 0], [1.0, 1.0]]), velocities=np.zeros((2, 2)), issued=np.array([0.2, 0.0])
    )
    for dt, reached in ((0.1, 0.05), (0.05, 0.125)):
        assert pilot.hold(still, np.array([-0.4, 0.0]), dt).velocity == pytest.approx([reached, 0.0])


def test_a_robot_that_sees_no_further_than_it_must_keep_clear_is_refused():
    short = Constant(0, 0)
    short.sensing = Sensing(radius_ratio=0.6)
    # avoid distance 0.1 m: it sees 0.06 m, and centres must stay 0.08 m apart
    shape = Shape.from_array(np.ones((10, 10), bool), 0.1 * math.sqrt(math.pi / 4) / 10 * 2)
    assert shape.avoid_distance(4) == pytest.approx(0.1)
    with pytest.raises(MusterError, match=r"Robots see 0\.06 m far, and must keep 0\.08 m between their centres"):
        Pilot(short).check(shape, 4)


def test_braking_ramp():
    pilot = Pilot(Constant(0, 0), RobotModel(braking=1.5))
    np.testing.assert_allclose(pilot.brake(np.array([0.0, 0.6]), 0.1), [0.0, 0.45])
    np.testing.assert_array_equal(pilot.brake(np.array([0.0, 0.1]), 0.1), [0, 0])
    np.testing.assert_array_equal(pilot.brake(np.array([math.nan, 0.1]), 0.1), [0, 0])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_function_of_the_snapshot_alone(seed):
    """Twice the same, whatever was decided in between; and the order in which the others are known does not matter."""
    pilot = Pilot(load_controller("expert"))
    first = snapshot(8, seed)
    before = pilot.command(first)
    pilot.command(snapshot(3, seed + 1))
    again = pilot.command(first)
    np.testing.assert_array_equal(before.velocity, again.velocity)
    np.testing.assert_array_equal(before.acceleration, again.acceleration)
    order = np.random.default_rng(seed).permutation(8)
    shuffled = replace(
        first, positions=first.positions[order], velocities=first.velocities[order], ages=first.ages[order],
        me=int(np.flatnonzero(order == 0)[0]),
    )  # fmt: skip
    np.testing.assert_allclose(pilot.command(shuffled).velocity, before.velocity, atol=1e-9)


def test_inputs_are_left_alone():
    made = snapshot(8)
    kept = [made.positions.copy(), made.velocities.copy(), made.ages.copy(), made.issued.copy()]
    Pilot(load_controller("coverage")).command(made)
    for array, copy in zip((made.positions, made.velocities, made.ages, made.issued), kept, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_lists_and_float32_are_taken_as_numbers():
    made = snapshot(4)
    other = replace(made, positions=made.positions.astype(np.float32), ages=np.full(4, 0.01, np.float32))
    pilot = Pilot(load_controller("prior"))
    np.testing.assert_allclose(pilot.command(other).velocity, pilot.command(made).velocity, atol=1e-5)


def test_warm_up_leaves_no_trace():
    pilot = Pilot(load_controller("prior"))
    before = pilot.command(snapshot())
    pilot.warm_up()
    np.testing.assert_array_equal(pilot.command(snapshot()).velocity, before.velocity)


# -- tasks that do not fit ---------------------------------------------------------------------------------------------


def test_tasks_that_fit_pass():
    Pilot(Constant(0, 0)).check(SHAPE, 12)


def test_too_many_robots_are_refused():
    with pytest.raises(MusterError, match=r"^4000 robots of radius 0.035 m do not fit"):
        Pilot(Constant(0, 0)).check(SHAPE, 4000)


def test_a_shape_outside_the_arena_is_refused():
    pilot = Pilot(Constant(0, 0), arena=Arena(2.4, 1.0))
    with pytest.raises(MusterError, match=r"y ±1\.1\d m; robots may go to ±2\.3\d m, ±0\.9\d m"):
        pilot.check(SHAPE, 12)
    with pytest.raises(MusterError, match="Move it to the middle"):
        Pilot(Constant(0, 0)).check(SHAPE.moved(1.8, 0.0, 0.0), 12)


def test_what_the_controller_was_not_made_for_is_refused():
    class Picky(Constant):
        def check_task(self, robot, avoid):
            raise MusterError(f"avoid {avoid:.3f}, {robot.max_speed}")

    with pytest.raises(MusterError, match=rf"^avoid {SHAPE.avoid_distance(12):.3f}, 0\.4$"):
        Pilot(Picky(0, 0), RobotModel(max_speed=0.4)).check(SHAPE, 12)


# -- robot and arena ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"radius": 0.0}, "radius is 0.0; it must be a finite number above 0"),
        ({"max_speed": math.nan}, "max_speed is nan"),
        ({"braking": -1.0}, "braking is -1.0"),
        ({"max_acceleration": True}, "max_acceleration is True"),
        ({"lag": -0.1}, "lag is -0.1; it must be a finite number, 0 or above"),
        ({"delay": math.inf}, "delay is inf"),
        ({"max_speed": "fast"}, "max_speed is 'fast'"),
        ({"kinematics": "legs"}, "Unknown kinematics 'legs'. Available: holonomic, differential"),
        ({"kinematics": "differential"}, "needs look_ahead > 0"),
    ],
)
def test_robots_that_cannot_be_are_refused(values, message):
    with pytest.raises(MusterError, match=message):
        RobotModel(**values)


def test_arena_without_area_is_refused():
    with pytest.raises(MusterError, match="half_height is 0"):
        Arena(1.0, 0)
    np.testing.assert_array_equal(Arena(1.0, 2.0).bounds, [-1, 1, -2, 2])


def test_twist_of_a_holonomic_base():
    # Facing +y: east is to the right, so negative left.
    assert RobotModel().twist(np.array([0.3, 0.1]), math.pi / 2) == pytest.approx((0.1, -0.3, 0.0))


@given(st.floats(-math.pi, math.pi), st.floats(-1, 1), st.floats(-1, 1))
def test_twist_of_a_differential_base_moves_its_look_ahead_point(yaw, vx, vy):
    """Drive the twist for an instant and see where the point ahead of the axle goes."""
    robot = RobotModel(kinematics="differential", look_ahead=0.08)
    forward, left, turn = robot.twist(np.array([vx, vy]), yaw)
    assert left == 0.0
    dt = 1e-6
    middle = yaw + turn * dt / 2
    axle = forward * dt * np.array([math.cos(middle), math.sin(middle)])
    ahead = [0.08 * np.array([math.cos(a), math.sin(a)]) for a in (yaw, yaw + turn * dt)]
    np.testing.assert_allclose((axle + ahead[1] - ahead[0]) / dt, [vx, vy], atol=1e-4)
