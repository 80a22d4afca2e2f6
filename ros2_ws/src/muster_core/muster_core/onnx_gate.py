"""The door for ONNX files: reads just enough of the format to refuse what a policy has no use for.

onnxruntime runs whatever a file asks for. A policy is a feed-forward network, so only its operators pass; files that point
to data outside themselves, bring functions of their own or are larger than any policy do not. The ``onnx`` package is
not needed on robots: the walker below knows protobuf's wire format and the four fields it looks at.
"""

from collections.abc import Iterator

from muster_core.errors import MusterError

LARGEST_FILE = 16 * 2**20  # [bytes]
OPERATORS = frozenset(
    "Abs Add Cast Clip Concat Constant Div Elu Expand Flatten Gather Gelu Gemm Identity LayerNormalization LeakyRelu "
    "MatMul Max Min Mul Neg ReduceMax ReduceMean ReduceSum Relu Reshape Shape Sigmoid Slice Softmax Split Sqrt Squeeze "
    "Sub Tanh Transpose Unsqueeze Where".split()
)
_GRAPH, _OPSET, _FUNCTIONS = 7, 8, 25  # fields of ModelProto
_NODE, _INITIALIZER = 1, 5  # of GraphProto
_OPERATOR, _DOMAIN, _ATTRIBUTE = 4, 7, 5  # of NodeProto
_ATTRIBUTE_TENSOR = 5  # of AttributeProto
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of TensorProto


def check_model(content: bytes, source: str) -> None:
    """Pass a self-contained feed-forward ONNX model.

    Raises:
        MusterError: names ``source`` and the reason.
    """
    if len(content) > LARGEST_FILE:
        raise MusterError(f"{source}: {len(content)} bytes; a policy has at most {LARGEST_FILE}")
    try:
        graphs = [value for field, value in _fields(content) if field == _GRAPH and isinstance(value, bytes)]
        functions = any(field == _FUNCTIONS for field, _ in _fields(content))
        nodes = [v for graph in graphs for f, v in _fields(graph) if f == _NODE and isinstance(v, bytes)]
        tensors = [v for graph in graphs for f, v in _fields(graph) if f == _INITIALIZER and isinstance(v, bytes)]
        # a Constant node keeps its tensor in an attribute
        attributes = [v for node in nodes for f, v in _fields(node) if f == _ATTRIBUTE and isinstance(v, bytes)]
        tensors += [v for a in attributes for f, v in _fields(a) if f == _ATTRIBUTE_TENSOR and isinstance(v, bytes)]
        used = {name for node in nodes for name in _texts(node, _OPERATOR)}
        domains = {name for node in nodes for name in _texts(node, _DOMAIN)} - {"", "ai.onnx"}
        external = any(f == _EXTERNAL_DATA or (f == _DATA_LOCATION and v == 1) for t in tensors for f, v in _fields(t))
    except (ValueError, IndexError) as error:
        raise MusterError(f"{source}: not an ONNX file, or cut short ({error})") from error
    if not nodes:
        raise MusterError(f"{source}: not an ONNX file, or one without a network")
    if external:
        raise MusterError(f"{source}: keeps weights in another file; export it with the weights inside")
    if functions or domains or not used <= OPERATORS:
        strange = sorted(used - OPERATORS) + sorted(domains) + (["functions"] if functions else [])
        raise MusterError(f"{source}: uses {', '.join(strange)}; a policy may use only {', '.join(sorted(OPERATORS))}")


def _texts(message: bytes, wanted: int) -> list[str]:
    return [v.decode() for f, v in _fields(message) if f == wanted and isinstance(v, bytes)]


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
