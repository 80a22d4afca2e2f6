"""The ``np`` and ``math`` of a language model's program: the functions there are, and numba forms of some of them.

Programs never hold the numpy module: the gate turns ``np.mean(x, axis=0)`` into a call of the entry ``mean`` here. Most
entries are numpy's own functions, which numba compiles; reductions along an axis, norms, averages and everything that
makes arrays are ours: the first because numba lacks them, the second to bound what a program can allocate.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from muster_prompts.numpy_forms import making, reducing

Entry = Callable[..., Any]

UFUNCS = (
    "abs", "absolute", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "square", "power", "sin", "cos",
    "tan", "arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh", "tanh", "hypot", "sign", "floor", "ceil", "minimum",
    "maximum", "fmin", "fmax", "isfinite", "isnan", "isinf", "logical_and", "logical_or", "logical_not", "add",
    "subtract", "multiply", "divide", "negative", "reciprocal", "mod", "deg2rad", "rad2deg", "fabs", "cbrt",
)  # fmt: skip
"""Element by element; on arrays and on numbers."""

NATIVE = (
    "where", "round", "argmin", "argmax", "argsort", "sort", "cumsum", "diff", "median", "nonzero",
    "flatnonzero", "interp", "nan_to_num", "percentile", "quantile", "searchsorted", "isclose", "allclose",
)  # fmt: skip
"""As numba compiles them."""

NUMPY: dict[str, Entry] = {
    **{name: getattr(np, name) for name in (*UFUNCS, *NATIVE)},
    **reducing.ENTRIES,
    **making.ENTRIES,
}
"""Functions of ``np``; ``linalg.norm`` by that name."""

MATH: dict[str, Entry] = {
    name: getattr(math, name)
    for name in (
        "sqrt", "exp", "log", "log1p", "expm1", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh",
        "tanh", "hypot", "floor", "ceil", "fabs", "pow", "radians", "degrees", "isfinite", "isnan", "isinf", "copysign",
        "erf",
    )
}  # fmt: skip
"""Functions of ``math``."""

CONSTANTS: dict[str, float] = {"pi": math.pi, "e": math.e, "inf": math.inf, "tau": math.tau}
"""``np.pi`` and ``math.pi``, and so on."""

BUILTINS: dict[str, Entry] = {
    "abs": abs, "min": min, "max": max, "round": round, "len": len, "float": making.to_float, "int": making.to_int,
    "bool": bool,
    "sum": reducing.ENTRIES["sum"], "any": reducing.ENTRIES["any"], "all": reducing.ENTRIES["all"], "pow": pow,
    "sorted": sorted, "enumerate": enumerate, "zip": zip, "range": range,
}  # fmt: skip
"""Python's own functions that programs may call; the last three only to loop over."""

METHODS: dict[str, str] = {
    "sum": "sum", "mean": "mean", "min": "min", "max": "max", "any": "any", "all": "all", "prod": "prod", "std": "std",
    "var": "var", "copy": "copy", "dot": "dot", "argmin": "argmin", "argmax": "argmax", "argsort": "argsort",
    "cumsum": "cumsum", "clip": "clip", "round": "round", "ravel": "ravel", "flatten": "ravel",
    "transpose": "transpose",
    "astype": "astype", "reshape": "reshape", "append": "append_item", "nonzero": "nonzero", "item": "item",
}  # fmt: skip
"""Methods of arrays and lists, and the entry each stands for."""

ATTRIBUTES = ("shape", "size", "ndim", "T")
"""Attributes of arrays."""

DTYPES = {
    "float": np.float64,
    "float64": np.float64,
    "int": np.int64,
    "int64": np.int64,
    "bool": np.bool_,
    "bool_": np.bool_,
}
"""What ``dtype=`` may be, plain or after ``np.``."""
