"""The door for ONNX files: reads just enough of the format to refuse what a policy has no use for.

onnxruntime runs whatever a file asks for. A policy is a feed-forward network, so only its operators pass; files that
point to data outside themselves, bring functions or inner graphs of their own or are larger than any policy do not.
The ``onnx`` package is not needed on robots: the walker below knows protobuf's wire format and the fields it looks at.
"""

from collections.abc import Iterator

from muster_core.errors import MusterError

LARGEST_FILE = 16 * 2**20  # [bytes]
OPERATORS = frozenset(
    """
    Abs Add Cast Clip Concat Constant Div Elu Expand Flatten Gather Gelu Gemm Identity LayerNormalization LeakyRelu
    MatMul Max Min Mul Neg ReduceMax ReduceMean ReduceSum Relu Reshape Shape Sigmoid Slice Softmax Split Sqrt Squeeze
    Sub Tanh Transpose Unsqueeze Where
    """.split()  # noqa: SIM905 - a table of words reads better than a list of strings
)
_GRAPH, _FUNCTIONS = 7, 25  # fields of ModelProto
_NODE, _INITIALIZER, _SPARSE_INITIALIZER = 1, 5, 15  # of GraphProto
_OPERATOR, _DOMAIN, _ATTRIBUTE = 4, 7, 5  # of NodeProto
_TENSOR, _TENSORS = 5, 10  # of AttributeProto
_INNER = {6: "inner graphs", 11: "inner graphs", 22: "sparse weights", 23: "sparse weights"}  # of AttributeProto
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of TensorProto


def check_model(content: bytes, source: str) -> None:
    """Pass a self-contained feed-forward ONNX model.

    Raises:
        MusterError: names ``source`` and the reason.
    """
    check_size(len(content), source)
    try:
        graphs = _messages([content], _GRAPH)
        nodes = _messages(graphs, _NODE)
        attributes = _messages(nodes, _ATTRIBUTE)
        # a Constant node keeps its tensor in an attribute
        tensors = _messages(graphs, _INITIALIZER) + _messages(attributes, _TENSOR) + _messages(attributes, _TENSORS)
        operators = {name.decode() for name in _messages(nodes, _OPERATOR)}
        strange = {name.decode() for name in _messages(nodes, _DOMAIN)} - {"", "ai.onnx"}
        strange |= {_INNER[f] for attribute in attributes for f, _ in _fields(attribute) if f in _INNER}
        if _messages([content], _FUNCTIONS):
            strange.add("functions")
        if _messages(graphs, _SPARSE_INITIALIZER):
            strange.add("sparse weights")
        external = any(f == _EXTERNAL_DATA or (f == _DATA_LOCATION and v == 1) for t in tensors for f, v in _fields(t))
    except (ValueError, IndexError) as error:
        raise MusterError(f"{source}: not an ONNX file, or cut short ({error})") from error
    if not nodes:
        raise MusterError(f"{source}: not an ONNX file, or one without a network")
    if external:
        raise MusterError(f"{source}: keeps weights in another file; export it with the weights inside")
    if strange or not operators <= OPERATORS:
        found = ", ".join([*sorted(operators - OPERATORS), *sorted(strange)])
        raise MusterError(f"{source}: uses {found}; a policy may use only {', '.join(sorted(OPERATORS))}")


def check_size(size: int, source: str) -> None:
    """Pass a file of ``size`` bytes.

    Raises:
        MusterError: it is larger than any policy.
    """
    if size > LARGEST_FILE:
        raise MusterError(f"{source}: {size} bytes; a policy has at most {LARGEST_FILE}")


def _messages(parents: list[bytes], field: int) -> list[bytes]:
    return [value for parent in parents for f, value in _fields(parent) if f == field and isinstance(value, bytes)]


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(field number, value) of every field of a protobuf message; values of fixed width are skipped as 0."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
        elif kind == 2:
            length, at = _varint(message, at)
            if at + length > len(message):
                raise ValueError("a field is longer than the file")
            yield key >> 3, message[at : at + length]
            at += length
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
            yield key >> 3, 0
        else:
            raise ValueError(f"wire type {kind}")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number has too many bytes")
