"""What a language model is told of the API: generated from the real signatures and docstrings, so it cannot drift."""

import ast
import inspect
from collections.abc import Callable
from typing import Any

from muster_prompts.facade import BUILTINS, MATH, METHODS, NUMPY
from muster_prompts.kernels import api

STATES: dict[str, int] = {"FREE": api.FREE, "MINE": api.MINE, "OTHERS": api.OTHERS}
"""Names of the states of cells."""
NOT_OFFERED = {"kernel", "make_robot"}

HELPERS: dict[str, Callable[..., Any]] = {
    name: value
    for name, value in vars(api).items()
    if callable(value) and hasattr(value, "py_func") and name not in NOT_OFFERED
}
"""Functions of the API by name, in the order of the file; all kernels."""
METHOD_HELPERS: tuple[str, ...] = tuple(
    name
    for name, helper in HELPERS.items()
    if next(iter(inspect.signature(helper.py_func).parameters)) == "robot"  # type: ignore[attr-defined]
)
"""Those that are written ``robot.helper(…)``."""
FIELDS: tuple[str, ...] = api.Robot._fields
"""What ``robot`` holds."""


def describe_fields() -> str:
    """One line for each field of ``robot``."""
    tree = ast.parse(inspect.getsource(api.Robot)).body[0]
    assert isinstance(tree, ast.ClassDef)
    lines = []
    for declared, told in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(declared, ast.AnnAssign) and isinstance(declared.target, ast.Name):
            assert isinstance(told, ast.Expr)
            assert isinstance(told.value, ast.Constant)
            lines.append(f"- `robot.{declared.target.id}`: {_one_line(str(told.value.value))}")
    return "\n".join(lines)


def describe_helpers() -> str:
    """One line for each helper, as it is written in a program."""
    return "\n".join(_describe(name, helper.py_func) for name, helper in HELPERS.items())  # type: ignore[attr-defined]


def describe_numpy() -> str:
    """The functions that np, math, Python and arrays offer."""
    return "\n".join(
        (
            f"- `np.`: {', '.join(sorted(NUMPY))}; `np.pi`, `np.inf`, `np.newaxis`",
            f"- `math.`: {', '.join(sorted(MATH))}; `math.pi`",
            f"- Python: {', '.join(BUILTINS)}",
            f"- methods of arrays: {', '.join(name for name in METHODS if name != 'append')}; "
            "attributes: shape, size, ndim, T; lists have append",
        )
    )


def _describe(name: str, function: Callable[..., Any]) -> str:
    parameters = list(inspect.signature(function).parameters.values())
    method = name in METHOD_HELPERS
    written = ", ".join(str(p.replace(annotation=inspect.Parameter.empty)) for p in parameters[1 if method else 0 :])
    return f"- `{'robot.' if method else ''}{name}({written})`: {_one_line(inspect.getdoc(function) or '')}"


def _one_line(text: str) -> str:
    return " ".join(text.replace("``", "`").split())
