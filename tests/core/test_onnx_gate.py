"""The gate for ONNX files: everything a policy has no use for is refused before onnxruntime sees it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster_core.errors import MusterError
from muster_core.onnx_gate import LARGEST_FILE, OPERATORS, check_model


def model_of(nodes, initializers=(), **settings_):
    """An ONNX model, not yet serialised."""
    pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("observation", TensorProto.FLOAT, ["b", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["b", 2])], list(initializers),
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, **settings_)


def weights(name="w"):
    from onnx import numpy_helper

    return numpy_helper.from_array(np.ones((4, 2), np.float32), name)


def network(operator="Tanh", **settings_):
    pytest.importorskip("onnx")
    from onnx import helper

    return [
        helper.make_node("MatMul", ["observation", "w"], ["h"]),
        helper.make_node(operator, ["h"], ["y"], **settings_),
    ]


def outside(tensor, location="weights.bin"):
    """The tensor with its data in another file."""
    from onnx import TensorProto

    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("length", "32")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return tensor


def test_a_feed_forward_network_passes():
    check_model(model_of(network(), [weights()]).SerializeToString(), "x")


@pytest.mark.parametrize("operator", ["If", "Loop", "Scan", "RandomNormal", "StringNormalizer", "Mystery"])
def test_operators_that_a_policy_has_no_use_for(operator):
    with pytest.raises(MusterError, match=rf"^x: uses {operator}; a policy may use only Abs, "):
        check_model(model_of(network(operator), [weights()]).SerializeToString(), "x")


def test_operators_of_another_domain():
    model = model_of(network("Tanh", domain="com.evil"), [weights()])
    with pytest.raises(MusterError, match=r"^x: uses com\.evil;"):
        check_model(model.SerializeToString(), "x")


def test_functions_of_its_own():
    from_model = model_of(network(), [weights()])
    from onnx import helper

    function = helper.make_function(
        "own", "Tanh", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])], [helper.make_opsetid("", 17)]
    )
    from_model.functions.append(function)
    with pytest.raises(MusterError, match=r"^x: uses functions;"):
        check_model(from_model.SerializeToString(), "x")


def test_weights_in_another_file():
    model = model_of(network(), [weights()])
    outside(model.graph.initializer[0])
    with pytest.raises(MusterError, match=r"^x: keeps weights in another file"):
        check_model(model.SerializeToString(), "x")


def test_a_constant_in_another_file():
    pytest.importorskip("onnx")
    from onnx import helper

    nodes = [helper.make_node("Constant", [], ["w"], value=weights("c")), *network()]
    model = model_of(nodes)
    check_model(model.SerializeToString(), "x")
    outside(model.graph.node[0].attribute[0].t)
    with pytest.raises(MusterError, match=r"^x: keeps weights in another file"):
        check_model(model.SerializeToString(), "x")


@pytest.mark.parametrize("place", ["initializer", "attribute"])
def test_sparse_weights(place):
    """A policy has none, and their values could point to another file as well."""
    onnx = pytest.importorskip("onnx")
    from onnx import helper, numpy_helper

    values = numpy_helper.from_array(np.ones(2, np.float32), "w")
    sparse = helper.make_sparse_tensor(values, numpy_helper.from_array(np.array([0, 3], np.int64), "i"), [4, 2])
    outside(sparse.values)
    if place == "initializer":
        model = model_of(network())
        model.graph.sparse_initializer.append(sparse)
    else:
        constant = onnx.NodeProto(op_type="Constant", output=["w"])
        constant.attribute.append(helper.make_attribute("sparse_value", sparse))
        model = model_of([constant, *network()])
    with pytest.raises(MusterError, match=r"^x: .*sparse"):
        check_model(model.SerializeToString(), "x")


def test_oversized():
    with pytest.raises(MusterError, match=rf"^x: {LARGEST_FILE + 1} bytes; a policy has at most {LARGEST_FILE}$"):
        check_model(bytes(LARGEST_FILE + 1), "x")


@pytest.mark.parametrize("content", [b"", b"\x00", b"not a model", b"PK\x03\x04 a zip", b"\x7fELF", b"\xff" * 40])
def test_what_is_no_onnx_file(content):
    with pytest.raises(MusterError, match=r"^x: not an ONNX file"):
        check_model(content, "x")


def test_a_model_without_a_network():
    with pytest.raises(MusterError, match=r"^x: not an ONNX file, or one without a network"):
        check_model(model_of([]).SerializeToString(), "x")


def test_cut_short_anywhere_nothing_but_a_clear_error():
    """Cut between two fields it may still be a model to the gate; then onnxruntime refuses it, as clearly."""
    from muster_core.policy import Policy
    from muster_core.robot import RobotModel

    content = model_of(network(), [weights()]).SerializeToString()
    for length in range(len(content)):
        with pytest.raises(MusterError, match=r"^x: "):
            Policy(content[:length], "x", RobotModel())
    with pytest.raises(MusterError, match="no policy card"):
        Policy(content, "x", RobotModel())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_rubbish_never_passes_and_never_crashes(content):
    with pytest.raises(MusterError, match=r"^x: "):
        check_model(content, "x")


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_flipped_byte_never_crashes(data):
    content = bytearray(model_of(network(), [weights()]).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        check_model(bytes(content), "x")
    except MusterError as error:
        assert str(error).startswith("x: ")  # noqa: PT017 - either outcome is right, a crash is not


def test_no_operator_that_loops_draws_or_reads():
    assert not OPERATORS & {
        "If",
        "Loop",
        "Scan",
        "RandomUniform",
        "RandomNormal",
        "Multinomial",
        "SequenceMap",
        "Dropout",
    }
