"""Reductions over all of an array or along one axis, with ``keepdims``: what honest numpy style needs and numba lacks.

Each entry is a stub that numba replaces by the form for the argument types at hand. The axis must be a number written
in the program, because the number of dimensions of the result depends on it.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import types
from numba.core.errors import TypingError
from numba.extending import overload
from numba.np.numpy_support import as_dtype

Form = Callable[..., Any]
Type = Any
"""A numba type, a literal, or a plain default value: what ``overload`` hands over."""

inline = numba.njit(error_model="numpy")
ONE = (1,)


class Reduction(NamedTuple):
    """How values are folded into one."""

    start: float | bool | None
    """Value to begin with, or None to begin with the first element (then an empty array is an error)."""
    step: Form
    """(total, value) -> total."""
    last: Form
    """(total, how many) -> result."""
    kind: str
    """Type of the total: ``float``, ``bool``, ``number`` (int for ints and bools), or ``same`` as the elements."""


@inline
def _add(total, value):
    return total + value


@inline
def _add_square(total, value):
    return total + value * value


@inline
def _multiply(total, value):
    return total * value


@inline
def _smaller(total, value):
    return value if value < total or value != value else total


@inline
def _larger(total, value):
    return value if value > total or value != value else total


@inline
def _either(total, value):
    return total or value != 0


@inline
def _both(total, value):
    return total and value != 0


@inline
def _count(total, value):
    return total + (1 if value != 0 else 0)


@inline
def _same(total, many):
    return total


@inline
def _share(total, many):
    return total / many


@inline
def _root(total, many):
    return math.sqrt(total)


REDUCTIONS = {
    "sum": Reduction(0, _add, _same, "number"),
    "prod": Reduction(1, _multiply, _same, "number"),
    "mean": Reduction(0, _add, _share, "float"),
    "min": Reduction(None, _smaller, _same, "same"),
    "max": Reduction(None, _larger, _same, "same"),
    "any": Reduction(False, _either, _same, "bool"),
    "all": Reduction(True, _both, _same, "bool"),
    "count_nonzero": Reduction(0, _count, _same, "number"),
    "euclidean": Reduction(0, _add_square, _root, "float"),
}


def entry(chooser: Form) -> Form:
    """A function of compiled programs; ``chooser`` picks the compiled form for types, as for numba's ``overload``."""

    def stub(*_: object, **__: object) -> None:
        raise NotImplementedError(f"{chooser.__name__} exists only in compiled programs")

    overload(stub, prefer_literal=True, jit_options={"error_model": "numpy"})(chooser)
    stub.__name__ = chooser.__name__
    return stub


@entry
def put(x, made, at):
    """Write the entries of a tuple to ``made`` from place ``at`` on."""
    if not x.types:
        return lambda x, made, at: None

    def form(x, made, at):
        made[at] = x[0]
        put(x[1:], made, at + 1)

    return form


def plain_type(x: Type) -> str:
    """A numba type in words that a Python programmer uses."""
    if isinstance(x, types.Array):
        return f"{x.ndim}-dimensional array"
    if isinstance(x, types.NoneType | types.Optional):
        return "something that may be None"
    kinds = {
        types.List: "list", types.BaseTuple: "tuple", types.Boolean: "bool", types.BooleanLiteral: "bool",
        types.Integer: "int", types.Float: "float",
    }  # fmt: skip
    for kind, name in kinds.items():
        if isinstance(x, kind):
            return name
    return str(x)


def constant(value: Type, name: str) -> Any:  # noqa: ANN401
    """The value of an argument that must be written as a constant; None where it was left out.

    Raises:
        TypingError: it is computed at run time.
    """
    value = getattr(value, "value", value) if isinstance(value, types.Omitted) else value
    value = value.literal_value if isinstance(value, types.Literal) else value
    if isinstance(value, types.NoneType):
        return None
    if isinstance(value, types.Type):
        raise TypingError(f"'{name}' must be written as a constant, for example {name}=0 or {name}=True")
    return value


def array_form(x: Type) -> Form | None:
    """For a list, a tuple or a number: a form that makes a one-dimensional array of it; None for an array.

    Raises:
        TypingError: none of these.
    """
    if isinstance(x, types.Array):
        return None
    plain = types.Number | types.Boolean
    members = (
        tuple(getattr(x, "types", ()))
        if isinstance(x, types.BaseTuple)
        else (x.dtype,)
        if isinstance(x, types.List)
        else (x,)
    )
    if not members or not all(isinstance(member, plain) for member in members):
        raise TypingError(f"this function takes an array, or a list of numbers; it was given a {plain_type(x)}")
    if isinstance(x, plain):
        return inline(lambda x: np.array([x]))
    if isinstance(x, types.List):
        return inline(lambda x: np.array(x))
    count, dtype = len(members), np.float64 if any(isinstance(m, types.Float) for m in members) else np.int64

    def from_tuple(x):
        made = np.zeros(count, dtype)
        put(x, made, 0)
        return made

    return inline(from_tuple)


def _fold_all(x: types.Array, reduction: Reduction) -> Form:
    step, last, start = reduction.step, reduction.last, _start(x, reduction)

    def fold(x):
        total = start
        for value in x.flat:
            total = step(total, value)
        return last(total, x.size)

    def fold_from_first(x):
        total, begun = start, False
        for value in x.flat:
            total = step(total, value) if begun else value
            begun = True
        if not begun:
            raise ValueError("min or max of an empty array")
        return last(total, x.size)

    return inline(fold if reduction.start is not None else fold_from_first)


def _fold_axis(x: types.Array, reduction: Reduction, axis: int) -> Form:
    step, last, start = reduction.step, reduction.last, _start(x, reduction)
    begins, after, dtype = reduction.start is None, axis + 1, type(start)
    result = np.float64 if reduction.last is not _same else dtype

    def fold(x):
        many = x.shape[axis]
        if begins and many == 0:
            raise ValueError("min or max along an empty axis")
        totals = np.full(x.shape[:axis] + x.shape[after:], start)
        for index in np.ndindex(x.shape):
            rest = index[:axis] + index[after:]
            totals[rest] = x[index] if begins and index[axis] == 0 else step(totals[rest], x[index])
        results = np.zeros(totals.shape, result)
        for index in np.ndindex(totals.shape):
            results[index] = last(totals[index], many)
        return results

    return inline(fold)


def _start(x: types.Array, reduction: Reduction) -> Any:  # noqa: ANN401
    element = as_dtype(x.dtype).type
    number = np.float64 if isinstance(x.dtype, types.Float) else np.int64
    kind = {"float": np.float64, "bool": np.bool_, "number": number, "same": element}[reduction.kind]
    return kind(reduction.start or 0)


def _reduce(name: str, x: Type, axis: Type, keepdims: Type) -> Form:
    """The form ``f(x)`` for ``x`` of this type, with axis and keepdims settled."""
    convert = array_form(x)
    if convert is not None:
        if isinstance(x, types.List | types.BaseTuple):
            x = types.Array(types.float64 if "loat" in str(x) else types.int64, 1, "C")
        else:
            x = types.Array(x, 1, "C")
        inner = _reduce(name, x, axis, keepdims)
        return inline(lambda x: inner(convert(x)))
    where, keep, ndim = constant(axis, "axis"), bool(constant(keepdims, "keepdims")), x.ndim
    if where is not None and not (isinstance(where, int) and -ndim <= where < ndim):
        raise TypingError(f"axis={where} is out of range for a {ndim}-dimensional array")
    if where is None or ndim == 1:
        everything, ones = _fold_all(x, REDUCTIONS[name]), (1,) * ndim
        return inline(lambda x: np.full(ones, everything(x))) if keep else everything
    axis_at = where % ndim
    along, after = _fold_axis(x, REDUCTIONS[name], axis_at), axis_at + 1
    if not keep:
        return along
    return inline(lambda x: along(x).reshape(x.shape[:axis_at] + ONE + x.shape[after:]))


def _reduction(name: str) -> Form:
    def chooser(x, axis=None, keepdims=False):
        form = _reduce(name, x, axis, keepdims)
        return lambda x, axis=None, keepdims=False: form(x)

    return entry(chooser)


ENTRIES: dict[str, Form] = {name: _reduction(name) for name in REDUCTIONS if name != "euclidean"}
"""Reductions by numpy's names."""
ENTRIES["amin"], ENTRIES["amax"] = ENTRIES["min"], ENTRIES["max"]
_mean, _sum = ENTRIES["mean"], ENTRIES["sum"]


@entry
def norm(x, ord=None, axis=None, keepdims=False):
    """``np.linalg.norm``, the Euclidean one."""
    if constant(ord, "ord") not in {None, 2}:
        raise TypingError("only the Euclidean norm is there: leave ord out")
    form = _reduce("euclidean", x, axis, keepdims)
    return lambda x, ord=None, axis=None, keepdims=False: form(x)


@entry
def var(x, axis=None, keepdims=False):
    """``np.var``."""
    convert = array_form(x)
    if convert is not None:
        return lambda x, axis=None, keepdims=False: np.var(convert(x))
    middle, spread = _reduce("mean", x, axis, True), types.Array(types.float64, x.ndim, "C")
    result = _reduce("mean", spread, axis, keepdims)
    return lambda x, axis=None, keepdims=False: result((x - middle(x)) ** 2)


@entry
def std(x, axis=None, keepdims=False):
    """``np.std``."""
    along, keep = constant(axis, "axis"), bool(constant(keepdims, "keepdims"))
    return lambda x, axis=None, keepdims=False: np.sqrt(var(x, along, keep))


@entry
def average(x, axis=None, weights=None):
    """``np.average``; weights of the same shape as ``x``, or one for each entry along ``axis``."""
    along = constant(axis, "axis")
    if weights is None or isinstance(weights, types.NoneType | types.Omitted):
        return lambda x, axis=None, weights=None: _mean(x, along)
    plain, plain_weights = array_form(x), array_form(weights)
    if plain is not None:
        return lambda x, axis=None, weights=None: average(plain(x), along, weights)
    if plain_weights is not None:
        return lambda x, axis=None, weights=None: average(x, along, plain_weights(weights))
    if weights.ndim == x.ndim:
        return lambda x, axis=None, weights=None: _sum(x * weights, along) / _sum(weights, along)
    if weights.ndim != 1 or x.ndim != 2 or along is None:
        raise TypingError("weights must have the shape of the array, or one entry along the given axis")
    if along % 2 == 0:
        return lambda x, axis=None, weights=None: _sum(x * np.expand_dims(weights, 1), 0) / _sum(weights)
    return lambda x, axis=None, weights=None: _sum(x * weights, 1) / _sum(weights)


ENTRIES |= {"linalg.norm": norm, "var": var, "std": std, "average": average}
