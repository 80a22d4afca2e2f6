"""From a checked program to native code: a dispatcher for each of its functions, a loop over a batch for each result.

Nothing of the program is evaluated at the top level: constants are folded by the allow-list, functions are compiled
by numba in nopython mode with bounds checks, and calls of theirs go through a serial guard that gives a status
instead of an exception. These loops are kernels of the program alone, so the world's kernels stay cached.
"""

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numba import types
from numba.core.errors import NumbaError

from muster_core.errors import MusterError
from muster_core.kernel import COMPILED
from muster_core.scene import Perceptions
from muster_core.types import AnyArray, Array
from muster_prompts.allowlist import check
from muster_prompts.numpy_forms.looping import one_call, prior_rows, reward_rows
from muster_prompts.numpy_forms.reducing import plain_type
from muster_prompts.outline import PROGRAM, Interface
from muster_prompts.refusal import refuse
from muster_prompts.rewriting import entry_name, namespace, rewrite
from muster_prompts.source import parse


@dataclass(frozen=True)
class Compiled:
    """A program's functions as loops over a batch of perceptions."""

    fill_prior: Callable[..., None]
    """``(perceptions, max_speed, max_acceleration, out (B, 2), status (B,))``."""
    fill_reward: Callable[..., None]
    """``(perceptions, max_speed, max_acceleration, out (B,), status (B,))``."""
    prior_of: Callable[..., Any]
    """One call of prior for row b: ``(perceptions, b, max_speed, max_acceleration)``; raises what it raises."""
    reward_of: Callable[..., Any]
    """One call of reward, likewise."""


def compile_program(text: str, example: Perceptions) -> Compiled:
    """Check and compile the program ``text``; the types are those of ``example``, read-only perceptions.

    Raises:
        Refused: it did not pass the allow-list, or numba cannot type it.
        MusterError: kernels are not compiled here.
    """
    if not COMPILED:
        raise MusterError("Programs run compiled only: install numba, and unset MUSTER_INTERPRET")
    functions = compile_functions(text, PROGRAM)
    prior, reward = functions["prior"], functions["reward"]
    compiled = Compiled(prior_rows(prior), reward_rows(reward), one_call(prior), one_call(reward))
    batch = (numba.typeof(example), types.float64, types.float64)
    status = types.int8[::1]
    _compile("prior", prior, compiled.fill_prior, (*batch, types.float64[:, ::1], status))
    _compile("reward", reward, compiled.fill_reward, (*batch, types.float64[::1], status))
    for dispatcher in functions.values():
        _check_types(dispatcher)
    return compiled


def compile_functions(text: str, interface: Interface) -> dict[str, Any]:
    """Dispatchers of all functions of ``text``, checked but not yet typed.

    Raises:
        Refused: it did not pass the allow-list.
    """
    outline = check(parse(text), interface)
    names = namespace(outline)
    tree = ast.Module([rewrite(function, outline) for function in outline.functions.values()], [])
    exec(compile(tree, "program.py", "exec"), names)
    dispatchers = {name: numba.njit(boundscheck=True, error_model="numpy")(names[name]) for name in outline.functions}
    names.update({entry_name("own", name): dispatcher for name, dispatcher in dispatchers.items()})
    return dispatchers


def run_prior(compiled: Compiled, p: Perceptions, limits: tuple[float, float]) -> tuple[Array, AnyArray]:
    """Accelerations (B, 2) and statuses (B,); ``limits``: largest speed [m/s] and acceleration [m/s²]."""
    rows = len(p.inside)
    out, status = np.zeros((rows, 2)), np.zeros(rows, np.int8)
    compiled.fill_prior(p, *limits, out, status)
    return out, status


def run_reward(compiled: Compiled, p: Perceptions, limits: tuple[float, float]) -> tuple[Array, AnyArray]:
    """Rewards (B,) and statuses (B,)."""
    rows = len(p.inside)
    out, status = np.zeros(rows), np.zeros(rows, np.int8)
    compiled.fill_reward(p, *limits, out, status)
    return out, status


def read_only(p: Perceptions) -> Perceptions:
    """Views of the same buffers that nobody can write through, as programs get them."""
    views: list[AnyArray] = [field.view() for field in p]
    for view in views:
        view.flags.writeable = False
    return Perceptions(*views)


def explain(error: NumbaError) -> tuple[str, int | None]:
    """What numba objects to, in a sentence, and the program's line."""
    text = str(error)
    places = re.findall(r'File "program\.py", line (\d+)', text) or re.findall(r"program\.py \((\d+)\)", text)
    line = int(places[-1]) if places else None
    for pattern, sentence in _SENTENCES:
        found = re.search(pattern, text, re.DOTALL)
        if found:
            return sentence.format(*(_plain(group or "") for group in found.groups())), line
    told = re.findall(r"^\s*(?:TypingError: |raised from .*|Rejected as .*: )?([a-z'].*)$", text, re.MULTILINE)
    own = [row for row in told if row.startswith(_OWN_WORDS)]
    first = (
        own[0] if own else next((row.strip() for row in text.splitlines() if row.strip() and "nopython" not in row), "")
    )
    return f"the types do not fit: {_plain(first)[:200]}", line


def _compile(name: str, function: Any, fill: Any, signature: tuple[Any, ...]) -> None:  # noqa: ANN401
    """Compile the loop ``fill`` over ``function`` for ``signature``.

    Raises:
        Refused: the types do not fit; a wrong kind of result is told as that.
    """
    failure: NumbaError | None = None
    try:
        fill.compile(signature)
    except NumbaError as error:
        failure = error
    if function.signatures:
        _check_result(name, function.overloads[function.signatures[0]].signature.return_type)
    if failure is not None:
        message, line = explain(failure)
        raise refuse(
            "type", f"in {name} or what it calls, {message}", "Keep each variable to one type; see the API", line
        )


def _check_result(name: str, result: Any) -> None:  # noqa: ANN401
    numbers = types.Integer | types.Float | types.Boolean
    if name == "prior":
        good = isinstance(result, types.Array) and result.ndim == 1 and isinstance(result.dtype, numbers)
        good = good or (isinstance(result, types.UniTuple) and result.count == 2 and isinstance(result.dtype, numbers))
        wanted = "an array of shape (2,)"
    else:
        good, wanted = isinstance(result, numbers), "a number"
    if not good:
        message = f"{name} returns a {plain_type(result)} where {wanted} is wanted"
        raise refuse("output", message, f"Return {wanted} on every path")


def _check_types(dispatcher: Any) -> None:  # noqa: ANN401
    """Refuse what types allow but bounds do not: many dimensions, lists of tables, sums and products of lists."""
    for compiled in dispatcher.overloads.values():
        annotation = compiled.type_annotation
        for kind in annotation.typemap.values():
            if isinstance(kind, types.Array) and kind.ndim > 3:
                raise refuse("type", f"an array has {kind.ndim} dimensions", "Use at most 3")
            if isinstance(kind, types.List) and isinstance(kind.dtype, types.Array) and kind.dtype.ndim > 1:
                raise refuse(
                    "type", "a list holds arrays of more than one dimension", "Use a list of numbers or of vectors"
                )
        for expression, signature in annotation.calltypes.items():
            operator = getattr(expression, "op", None) in {"binop", "inplace_binop"}
            if operator and signature is not None and any(isinstance(kind, types.List) for kind in signature.args):
                line = getattr(expression.loc, "line", None)
                raise refuse("type", "lists are added or multiplied", "Make arrays of them with np.array(...)", line)


_SENTENCES: Sequence[tuple[str, str]] = (
    (r"Cannot unify (.+?) and (.+?) for '([^'.]+)[^']*'", "the variable {2} is a {0} on one path and a {1} on another"),
    (
        r"Can't unify return type from the following types: (.+?)\n",
        "the function returns values of different types: {0}",
    ),
    (r"Cannot modify readonly array", "an array of robot is changed in place; take a .copy() first"),
    (
        r"Cannot bind .*? to signature '\(__budget(?:, )?(.*?)\)'",
        "a function is called with other arguments than ({0})",
    ),
    (
        r"[Vv]ariable '([^'.]+)[^']*' (?:is )?(?:referenced|not defined|used)",
        "the variable {0} may be read before it is set",
    ),
    (
        r"No implementation of function Function\(<(?:built-in function|ufunc) '?([\w.]+).*?>>> \w+\((.+?)\)\n",
        "{0} cannot be applied to ({1})",
    ),
)
"""What numba says, and how it is passed on."""
_OWN_WORDS = (
    "this function takes", "a shape is", "'axis'", "axis=", "only ", "weights must", "a loop goes over",
    "the rows of", "a product of arrays", "arrays of more", "join a list", "this takes",
)  # fmt: skip
"""How messages of our own forms begin."""
_TYPE_WORDS: Sequence[tuple[str, str]] = (
    (r"(?:readonly )?array\((\w+?)\d*, (\d)d, \w\)", r"\2-dimensional array"),
    (r"Array\(\w+, (\d), [^)]*\)", r"\1-dimensional array"),
    (r"Literal\[(\w+)\]\([^)]*\)", r"\1"),
    (r"reflected list\([^)]*\)(?:<[^>]*>)?", "list"),
    (r"\b(float|int)\d+\b", r"\1"),
    (r"\bbool_?\b", "bool"),
    (r"__(?:np|math|python|api|own|bound)_", ""),
)


def _plain(text: str) -> str:
    """``text`` with numba's types and our names in words that a Python programmer uses."""
    for pattern, word in _TYPE_WORDS:
        text = re.sub(pattern, word, text)
    return " ".join(text.split())
