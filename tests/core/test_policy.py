"""Policy files: what a card must say, what a file must be, and that the shipped one flies."""

import json
import math

import numpy as np
import pytest

from muster_core.controllers import load_controller
from muster_core.errors import MusterError
from muster_core.gains import FINISH
from muster_core.kernels.search import CALM_STEPS
from muster_core.observation import find_layout
from muster_core.pilot import Pilot
from muster_core.policy import CARD_KEY, Card, Policy, read_policy
from muster_core.robot import RobotModel
from muster_core.scene import Perceptions, Scene, SceneArrays, Sensing, Snapshot, perceive
from muster_core.shape import load_shape

SIZE = find_layout("polar-1").size
CARD = Card("polar-1", Sensing(1.5, 7, 150), 0.1, (0.1, 0.6), "prior", "builtin", "abc123", scores={"coverage": 0.8})


def card_fields(**changes):
    return {**json.loads(CARD.to_json()), **changes}


@pytest.fixture
def make_file():
    """Bytes of an ONNX file that maps an observation to tanh(x·W), with whatever a test wants to be different."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    def make(
        card=None, size=SIZE, actions=2, name="observation", nodes=None, kind=TensorProto.FLOAT, axes=("batch",),
        weights=None, extra_output=False,
    ):  # fmt: skip
        if weights is None:
            weights = np.zeros((size, actions), np.float32)
            weights[0, 0], weights[1, -1] = 1.0, -2.0
        nodes = nodes or [
            helper.make_node("MatMul", [name, "w"], ["h"]),
            helper.make_node("Tanh", ["h"], ["acceleration"]),
        ]
        outputs = [helper.make_tensor_value_info("acceleration", TensorProto.FLOAT, [*axes, actions])]
        if extra_output:
            outputs.append(helper.make_tensor_value_info("h", TensorProto.FLOAT, [*axes, actions]))
        graph = helper.make_graph(
            nodes, "policy", [helper.make_tensor_value_info(name, kind, [*axes, size])], outputs,
            [numpy_helper.from_array(weights, "w")],
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        if card is not None:
            helper.set_model_props(model, {CARD_KEY: card if isinstance(card, str) else json.dumps(card)})
        return model.SerializeToString()

    make.onnx = onnx
    return make


def load(content):
    return Policy(content, "mine.onnx", RobotModel())


# -- what is right -----------------------------------------------------------------------------------------------------


def test_a_good_file_flies(make_file):
    policy = load(make_file(card_fields()))
    assert policy.card == CARD
    assert (policy.sensing, policy.period, policy.name) == (CARD.sensing, 0.1, "mine.onnx")
    observations = np.random.default_rng(0).normal(0, 1, (5, SIZE))
    expected = np.tanh(observations[:, :2] * [1.0, -2.0])
    np.testing.assert_allclose(policy.decide(observations), expected, atol=1e-6)
    np.testing.assert_allclose(policy.decide(observations[:1]), expected[:1], atol=1e-6)


def test_act_observes_by_the_card_and_the_robot(make_file):
    """The first two numbers are the own velocity in units of the robot's speed limit."""
    p = Perceptions.empty(3, CARD.sensing)
    p.velocity[:] = [[0.1, 0.0], [0.0, 0.2], [-0.3, 0.1]]
    scene = rows = None  # a policy looks at perceptions alone
    for speed in (0.8, 0.4):
        policy = Policy(make_file(card_fields()), "mine.onnx", RobotModel(max_speed=speed))
        np.testing.assert_allclose(policy.act(p, scene, rows), np.tanh(p.velocity / speed * [1.0, -2.0]), atol=1e-6)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e300])
def test_what_is_not_finite_does_not_come_out_as_a_command(make_file, bad):
    """tanh hides an infinity, and 1e300 is one in float32: the row must say so, and only that row."""
    policy = load(make_file(card_fields()))
    observations = np.zeros((3, SIZE))
    observations[1, 0] = bad
    actions = policy.decide(observations)
    assert np.isnan(actions[1]).all()
    np.testing.assert_array_equal(actions[[0, 2]], 0.0)


def test_loaded_by_path(make_file, tmp_path):
    path = tmp_path / "own.onnx"
    path.write_bytes(make_file(card_fields()))
    assert load_controller(str(path)).card == CARD


def test_card_survives_the_way_through_text():
    assert Card.from_json(CARD.to_json(), "x") == CARD


def test_task_outside_the_trained_ratios_is_refused(make_file):
    policy = load(make_file(card_fields()))
    policy.check_task(RobotModel(), 0.26)  # 0.8·0.1/0.26 = 0.308
    for avoid, ratio in ((0.9, "0.089"), (0.1, "0.800")):
        with pytest.raises(MusterError, match=rf"^mine\.onnx: max_speed·period/avoid is {ratio}, .* 0\.100 … 0\.600"):
            policy.check_task(RobotModel(), avoid)


# -- cards -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "card is not JSON"),
        ("{", "card is not JSON"),
        ("[" * 100_000, "card is not JSON"),
        ('{"version": ' + "9" * 5000 + "}", "card is not JSON"),
        ("[1, 2]", "card is a list, not a table"),
        ("null", "card is a NoneType, not a table"),
        (json.dumps(card_fields(version=1)), "card version 1; this Muster reads version 2"),
        (json.dumps({k: v for k, v in card_fields().items() if k != "version"}), "card version None"),
        (json.dumps({k: v for k, v in card_fields().items() if k not in ("commit", "prior")}), "lacks commit, prior"),
        (json.dumps(card_fields(colour="red")), "has unknown colour"),
    ],
)
def test_cards_that_are_none(text, message):
    with pytest.raises(MusterError, match=r"^mine\.onnx: .*" + message):
        Card.from_json(text, "mine.onnx")


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("layout", 7, "a text"),
        ("prior", None, "a text"),
        ("sensing", {"radius_ratio": 1.6}, "numbers for radius_ratio, neighbours, cells"),
        ("sensing", {"radius_ratio": math.nan, "neighbours": 8, "cells": 200}, "numbers for"),
        ("sensing", {"radius_ratio": 1.6, "neighbours": 8.5, "cells": 200}, "whole"),
        ("sensing", {"radius_ratio": 1.6, "neighbours": 10**400, "cells": 200}, "numbers for"),
        ("sensing", [1.6, 8, 200], "numbers for"),
        ("period", math.nan, r"0\.01 … 1 s"),
        ("period", 0.0, r"0\.01 … 1 s"),
        ("period", "0.1", r"0\.01 … 1 s"),
        ("period", 10**400, r"0\.01 … 1 s"),
        ("speed_ratio", [0.5, 0.1], "two rising positive numbers"),
        ("finish", [1.0] * 6, "null, or the seven gains"),
        ("finish", [1.0] * 6 + [math.nan], "null, or the seven gains"),
        ("finish", "yes", "null, or the seven gains"),
        ("speed_ratio", [0.0, 0.1], "two rising positive numbers"),
        ("speed_ratio", [0.1, math.inf], "two rising positive numbers"),
        ("speed_ratio", 0.3, "two rising positive numbers"),
        ("shared", False, "true"),
        ("scores", {"coverage": "good"}, "a table of numbers"),
        ("scores", {"coverage": math.nan}, "a table of numbers"),
    ],
)
def test_card_fields_out_of_range(field, value, allowed):
    with pytest.raises(MusterError, match=rf"^mine\.onnx: policy card field {field} is .*expected .*{allowed}"):
        Card.from_json(json.dumps(card_fields(**{field: value})), "mine.onnx")


def test_card_that_sees_nothing():
    sensing = {"radius_ratio": 0.1, "neighbours": 8, "cells": 200}
    with pytest.raises(MusterError, match=r"radius_ratio is 0\.1"):
        Card.from_json(json.dumps(card_fields(sensing=sensing)), "mine.onnx")


def test_card_for_another_observation_version():
    with pytest.raises(MusterError, match=r"mine\.onnx: Unknown observation layout 'polar-0'\. Available: polar-1"):
        Card.from_json(json.dumps(card_fields(layout="polar-0")), "mine.onnx")


# -- files -------------------------------------------------------------------------------------------------------------


def test_a_file_without_a_card(make_file):
    with pytest.raises(MusterError, match=r"^mine\.onnx: no policy card in it\. Export it with muster-export"):
        load(make_file())


def test_a_file_with_a_wrong_card_version(make_file):
    with pytest.raises(MusterError, match="policy card version 99; this Muster reads version 2"):
        load(make_file(card_fields(version=99)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": SIZE - 1}, rf"maps {SIZE - 1} numbers to 2; layout polar-1 has {SIZE}"),
        ({"actions": 3}, rf"maps {SIZE} numbers to 3; .* an action 2"),
        ({"name": "image"}, r"inputs \['image'\]"),
        ({"extra_output": True}, "2 outputs"),
        ({"axes": ()}, "dimension"),
        ({"axes": ("a", "b")}, "dimension"),
        ({"axes": (1,)}, "batch"),
    ],
)
def test_files_whose_sizes_do_not_fit(make_file, changes, message):
    weights = {"weights": np.zeros((SIZE, 2), np.float32)} if changes.get("axes") == () else {}
    with pytest.raises(MusterError, match=rf"^mine\.onnx: .*{message}"):
        load(make_file(card_fields(), **changes, **weights))


def test_a_file_that_takes_other_numbers(make_file):
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Cast", ["observation"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["f", "w"], ["acceleration"]),
    ]
    with pytest.raises(MusterError, match=r"^mine\.onnx: .*tensor\(double\)"):
        load(make_file(card_fields(), kind=TensorProto.DOUBLE, nodes=nodes))


def test_a_file_that_fails_when_it_runs(make_file):
    """Loads, but its reshape cannot be done: found when it is loaded, not when a robot moves."""
    from onnx import helper

    nodes = [
        helper.make_node("Constant", [], ["s"], value_ints=[7, 2]),
        helper.make_node("MatMul", ["observation", "w"], ["h"]),
        helper.make_node("Reshape", ["h", "s"], ["acceleration"]),
    ]
    with pytest.raises(MusterError, match=r"^mine\.onnx: "):
        load(make_file(card_fields(), nodes=nodes))


def test_a_file_that_answers_nan(make_file):
    with pytest.raises(MusterError, match=r"^mine\.onnx: .*not finite"):
        load(make_file(card_fields(), weights=np.full((SIZE, 2), np.nan, np.float32)))


def test_no_such_file(tmp_path):
    with pytest.raises(MusterError, match=r"^No policy file '.*gone\.onnx'\. Give 'shipped' or the path"):
        read_policy(str(tmp_path / "gone.onnx"))
    with pytest.raises(MusterError, match="No policy file"):
        read_policy(str(tmp_path))


def test_an_oversized_file_is_not_even_read(tmp_path):
    path = tmp_path / "big.onnx"
    with path.open("wb") as file:
        file.truncate(2**40)  # a hole: takes no room, but would take all memory
    with pytest.raises(MusterError, match=r"big\.onnx: 1099511627776 bytes; a policy has at most 16777216"):
        read_policy(str(path))


# -- the shipped policy ------------------------------------------------------------------------------------------------


def test_the_shipped_policy_flies():
    policy = load_controller()
    assert isinstance(policy, Policy)
    assert policy.name == "shipped"
    assert policy.card.prior == "prior", "trained with the published prior, never by distilling a better controller"
    assert policy.period == 0.1
    policy.check_task(RobotModel(), load_shape("R").avoid_distance(30))
    policy.check_task(RobotModel(), load_shape("R").avoid_distance(12))
    generator = np.random.default_rng(0)
    shape = load_shape("R")
    positions = generator.uniform(-1.2, 1.2, (1, 30, 2))
    arrays = SceneArrays(
        positions,
        generator.uniform(-0.3, 0.3, (1, 30, 2)),
        np.zeros((1, 30, 2)),
        np.zeros((1, 30)),
        np.ones((1, 30), np.uint8),
    )
    scene = Scene(arrays, [shape], np.array([30]))
    rows = scene.all_rows()
    actions = policy.act(perceive(scene, rows, policy.sensing), scene, rows)
    assert actions.shape == (30, 2)
    assert np.abs(actions).max() <= 1.0
    assert actions.std(axis=0).min() > 0.05, "it looks where it goes"


def test_the_shipped_policy_is_a_small_file():
    assert len(read_policy("shipped")) < 2 * 2**20


def test_a_card_with_a_finish_searches_where_robots_rest(make_file):
    """Robots at rest beside free cells stay where the network alone has them, and move to gain cells with a finish."""
    still = np.zeros((SIZE, 2), np.float32)
    shape = load_shape("square")
    positions = shape.cells[[len(shape.cells) // 3, len(shape.cells) // 2]] + 0.01
    acted = {}
    for finish in (None, FINISH.tolist()):
        policy = load(make_file(card_fields(finish=finish), weights=still))
        pilot, actions = Pilot(policy), []
        for _ in range(20):
            snapshot = Snapshot(positions, np.zeros((2, 2)), np.zeros(2), 0, np.zeros(2), shape, 2)
            actions.append(np.abs(pilot.command(snapshot).acceleration).max())
        acted[finish is None] = np.array(actions)
    assert not acted[True].any()
    assert not acted[False][: CALM_STEPS - 1].any(), "nobody searches before it has rested"
    assert acted[False][CALM_STEPS:].any()
