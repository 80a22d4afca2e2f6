"""Functions that make or join arrays, each bounded, and products of vectors as loops of our own.

A program can make no array of more than a few thousand elements, so that none can eat a machine's memory. Products are
ours because numba's need a BLAS library, and so are the forms that accept lists.
"""

from typing import Any

import numpy as np
from numba import types
from numba.core.errors import TypingError

from muster_prompts.numpy_forms.reducing import Form, Type, array_form, entry, inline, plain_type, put

MAX_ELEMENTS = 4096
"""Most elements of an array that a program makes anew."""


@inline
def bounded(count):
    """``count``, if an array of so many elements may be made."""
    if count < 0 or count > 4096:
        raise ValueError("a program may make arrays of at most 4096 elements")
    return count


@inline
def bounded_shape(shape):
    """``shape``, a tuple, if an array of that shape may be made."""
    product = 1
    for extent in shape:
        product = bounded(product * bounded(extent))  # each time: a product of many could overflow
    return shape


def _settle_shape(shape: Type) -> Form:
    if isinstance(shape, types.Integer):
        return inline(lambda shape: (bounded(shape),))
    if not isinstance(shape, types.UniTuple) or not isinstance(shape.dtype, types.Integer):
        raise TypingError(f"a shape is a whole number or a tuple of whole numbers, not a {plain_type(shape)}")
    return bounded_shape


def _filled(value: float) -> Form:
    def chooser(shape, dtype=np.float64):
        settle = _settle_shape(shape)
        if dtype is np.float64 or isinstance(dtype, types.Omitted):
            return lambda shape, dtype=np.float64: np.full(settle(shape), value)
        return lambda shape, dtype=np.float64: np.full(settle(shape), value).astype(dtype)

    return entry(chooser)


def _like(value: float) -> Form:
    def chooser(x, dtype=None):
        convert = array_form(x)
        if convert is not None:
            return lambda x, dtype=None: np.full(convert(x).shape, value)
        if dtype is None or isinstance(dtype, types.Omitted | types.NoneType):
            return lambda x, dtype=None: np.full_like(x, value)
        return lambda x, dtype=None: np.full(x.shape, value).astype(dtype)

    return entry(chooser)


@entry
def full(shape, fill_value):
    """``np.full``."""
    settle = _settle_shape(shape)
    return lambda shape, fill_value: np.full(settle(shape), fill_value)


@entry
def full_like(x, fill_value):
    """``np.full_like``."""
    return lambda x, fill_value: np.full(x.shape, fill_value)


@entry
def eye(count):
    """``np.eye``, square."""
    return lambda count: np.eye(bounded(count * count) // max(count, 1))


@entry
def arange(start, stop=None, step=None):
    """``np.arange``."""
    if isinstance(step, types.Number):

        def by_step(start, stop=None, step=None):
            bounded(int(np.ceil(max((float(stop) - float(start)) / step, 0.0))))
            return np.arange(start, stop, step)

        return by_step
    if isinstance(stop, types.Number):

        def between(start, stop=None, step=None):
            bounded(int(max(float(stop) - float(start), 0.0)))
            return np.arange(start, stop)

        return between

    def up_to(start, stop=None, step=None):
        bounded(int(max(start, 0)))
        return np.arange(start)

    return up_to


@entry
def linspace(start, stop, num=50):
    """``np.linspace``."""
    return lambda start, stop, num=50: np.linspace(start, stop, bounded(num))


@entry
def array(x, dtype=None):
    """``np.array``: of numbers, of rows, or a copy."""
    form = _array_of(x)
    if dtype is None or isinstance(dtype, types.Omitted | types.NoneType):
        return lambda x, dtype=None: form(x)
    return lambda x, dtype=None: form(x).astype(dtype)


def _array_of(x: Type) -> Form:
    if isinstance(x, types.Array):
        return inline(lambda x: x.copy())
    if isinstance(x, types.List) and isinstance(x.dtype, types.Array | types.BaseTuple | types.List):
        return inline(_rows_of_list)
    parts: tuple[Type, ...] = tuple(getattr(x, "types", ()))
    if parts and isinstance(parts[0], types.Array):
        return inline(lambda x: np.stack(x))
    if parts and isinstance(parts[0], types.BaseTuple):
        rows, lengths = len(parts), {len(part) if isinstance(part, types.BaseTuple) else -1 for part in parts}
        wide = lengths.pop()
        if lengths or wide < 0:
            raise TypingError("the rows of np.array([...]) differ in length")

        def from_rows(x):
            made = np.zeros((rows, wide))
            put_rows(x, made, 0)
            return made

        return inline(from_rows)
    form = array_form(x)
    assert form is not None
    return form


@entry
def put_rows(x, made, at):
    """Write the rows of a tuple of tuples to ``made`` from row ``at`` on."""
    if not x.types:
        return lambda x, made, at: None

    def form(x, made, at):
        put(x[0], made[at], 0)
        put_rows(x[1:], made, at + 1)

    return form


def _rows_of_list(x):
    wide = len(x[0]) if len(x) > 0 else 0
    made = np.zeros((bounded(len(x)), bounded(wide)))
    for k in range(len(x)):
        if len(x[k]) != wide:
            raise ValueError("the rows of np.array([...]) differ in length")
        for j in range(wide):
            made[k, j] = x[k][j]
    return made


def _joined(join: Any) -> Form:  # noqa: ANN401 - one of numpy's own functions
    def chooser(parts, axis=0):
        if isinstance(parts, types.List):
            if join not in {np.vstack, np.stack}:
                raise TypingError("join a list of rows with np.array(rows)")
            return lambda parts, axis=0: _rows_of(parts)
        if not isinstance(parts, types.BaseTuple):
            raise TypingError(f"this takes a tuple or list of arrays, not a {plain_type(parts)}")
        if axis in {0} or isinstance(axis, types.Omitted):
            return lambda parts, axis=0: bounded_array(join(parts))
        return lambda parts, axis=0: bounded_array(join(parts, axis))

    return entry(chooser)


_rows_of = inline(_rows_of_list)


@inline
def bounded_array(x):
    """``x``, if it is no larger than a program may make."""
    bounded(x.size)
    return x


@entry
def append(x, values):
    """``np.append``, flat."""
    return lambda x, values: bounded_array(np.append(x, values))


@entry
def repeat(x, count):
    """``np.repeat``, flat."""

    def form(x, count):
        bounded(x.size * bounded(count))
        return np.repeat(x, count)

    return form


@entry
def ravel(x):
    """``x`` as one row."""
    return lambda x: bounded_array(x).copy().reshape(x.size)


@entry
def reshape(x, shape):
    """``np.reshape``; the shape as a tuple."""
    return lambda x, shape: bounded_array(x).copy().reshape(shape)


@entry
def dot(a, b):
    """``np.dot`` and ``@`` for one- and two-dimensional arrays."""
    for side in (a, b):
        if isinstance(side, types.Number):
            return lambda a, b: a * b
        if not isinstance(side, types.Array) or side.ndim > 2:
            raise TypingError(f"a product of arrays takes one- and two-dimensional arrays, not a {plain_type(side)}")
    return {(1, 1): _dot11, (2, 1): _dot21, (1, 2): _dot12, (2, 2): _dot22}[a.ndim, b.ndim]


def _dot11(a, b):
    if a.shape[0] != b.shape[0]:
        raise ValueError("a product of arrays of different length")
    total = 0.0
    for k in range(a.shape[0]):
        total += a[k] * b[k]
    return total


def _dot21(a, b):
    if a.shape[1] != b.shape[0]:
        raise ValueError("a product of arrays whose shapes do not fit")
    made = np.zeros(a.shape[0])
    for k in range(a.shape[0]):
        for j in range(a.shape[1]):
            made[k] += a[k, j] * b[j]
    return made


def _dot12(a, b):
    if a.shape[0] != b.shape[0]:
        raise ValueError("a product of arrays whose shapes do not fit")
    made = np.zeros(b.shape[1])
    for k in range(b.shape[1]):
        for j in range(a.shape[0]):
            made[k] += a[j] * b[j, k]
    return made


def _dot22(a, b):
    if a.shape[1] != b.shape[0]:
        raise ValueError("a product of arrays whose shapes do not fit")
    bounded(a.shape[0] * b.shape[1])
    made = np.zeros((a.shape[0], b.shape[1]))
    for k in range(a.shape[0]):
        for j in range(b.shape[1]):
            for i in range(a.shape[1]):
                made[k, j] += a[k, i] * b[i, j]
    return made


@entry
def outer(a, b):
    """``np.outer``."""

    def form(a, b):
        bounded(a.size * b.size)
        return np.outer(a, b)

    return form


@entry
def cross(a, b):
    """``np.cross`` of vectors in the plane: a number."""
    return lambda a, b: a[0] * b[1] - a[1] * b[0]


@entry
def clip(x, a_min, a_max):
    """``np.clip``, of numbers too."""
    if isinstance(x, types.Number | types.Boolean):
        return lambda x, a_min, a_max: min(max(x * 1.0, a_min), a_max)
    convert = array_form(x)
    if convert is not None:
        return lambda x, a_min, a_max: np.clip(convert(x), a_min, a_max)
    return lambda x, a_min, a_max: np.clip(x, a_min, a_max)


@entry
def copy(x):
    """``np.copy``."""
    return lambda x: x.copy()


@entry
def transpose(x):
    """``np.transpose``."""
    return lambda x: x.T


@entry
def astype(x, dtype):
    """``x.astype(dtype)``, for numbers too."""
    if isinstance(x, types.Array):
        return lambda x, dtype: x.astype(dtype)
    return lambda x, dtype: dtype(x)


@entry
def item(x):
    """``x.item()``."""
    if not isinstance(x, types.Array):
        return lambda x: x

    def form(x):
        if x.size != 1:
            raise ValueError("item() of an array that holds not exactly one number")
        return x.flat[0]

    return form


@entry
def append_item(x, value):
    """``x.append(value)`` of a list, bounded."""
    if not isinstance(x, types.List):
        raise TypingError(f"only lists have append, not a {plain_type(x)}")

    def form(x, value):
        bounded(len(x) + 1)
        x.append(value)

    return form


@entry
def to_float(x):
    """``float(x)``, of truth values too."""
    if isinstance(x, types.Boolean):
        return lambda x: 1.0 if x else 0.0
    return lambda x: float(x)


@entry
def to_int(x):
    """``int(x)``, likewise."""
    if isinstance(x, types.Boolean):
        return lambda x: 1 if x else 0
    return lambda x: int(x)


ENTRIES: dict[str, Form] = {
    "zeros": _filled(0.0), "ones": _filled(1.0), "zeros_like": _like(0.0), "ones_like": _like(1.0), "full": full,
    "full_like": full_like, "eye": eye, "arange": arange, "linspace": linspace, "array": array, "asarray": array,
    "concatenate": _joined(np.concatenate), "stack": _joined(np.stack), "vstack": _joined(np.vstack),
    "hstack": _joined(np.hstack), "column_stack": _joined(np.column_stack), "append": append, "repeat": repeat,
    "ravel": ravel, "reshape": reshape, "dot": dot, "matmul": dot, "inner": dot, "outer": outer, "cross": cross,
    "clip": clip, "copy": copy, "transpose": transpose,
}  # fmt: skip
"""By numpy's names."""
METHOD_ENTRIES: dict[str, Form] = {"astype": astype, "item": item, "append_item": append_item}
"""What only methods stand for."""
