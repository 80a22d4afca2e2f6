"""What the gate's rewriting puts into a program: loops that spend from a budget, and unpacking of small arrays.

A program cannot loop for ever: every loop and comprehension first takes its length from the call's budget, lists are
copied before they are looped over, and new axes, by which products of arrays grow, go only on small arrays.
"""

import numba
import numpy as np
from numba import types
from numba.core.errors import TypingError

from muster_prompts.numpy_forms.reducing import Form, entry, inline, plain_type

BUDGET = 400_000
"""Operations that one call of a program's function may make in loops: rounds times operations in the body."""
MAX_LOOP = 4096
"""Rounds of one loop."""


@inline
def spend(budget, rounds, operations):
    """Take ``rounds`` (a float: it cannot overflow) of ``operations`` each from ``budget`` (1,)."""
    if rounds > 4096.0:
        raise ValueError("a loop of more than 4096 rounds")
    if rounds > 0.0:
        budget[0] -= int(rounds) * operations
        if budget[0] < 0:
            raise ValueError("too many loop rounds in one call")


@entry
def loop(budget, operations, x):
    """``x`` to be looped over."""
    if isinstance(x, types.List):

        def over_list(budget, operations, x):
            spend(budget, float(len(x)), operations)
            return x.copy()

        return over_list
    if not isinstance(x, types.Array | types.BaseTuple):
        raise TypingError(f"a loop goes over an array, a list, a tuple or range(...), not over a {plain_type(x)}")

    def over(budget, operations, x):
        spend(budget, float(len(x)), operations)
        return x

    return over


@numba.njit
def loop_up_to(budget, operations, stop):
    """``range(stop)``."""
    spend(budget, float(stop), operations)
    return range(stop)


@numba.njit
def loop_between(budget, operations, start, stop):
    """``range(start, stop)``."""
    spend(budget, float(stop) - float(start), operations)
    return range(start, stop)


@numba.njit
def loop_by_step(budget, operations, start, stop, step):
    """``range(start, stop, step)``."""
    if step == 0:
        raise ValueError("range() with a step of 0")
    spend(budget, np.ceil((float(stop) - float(start)) / float(step)), operations)
    return range(start, stop, step)


@entry
def axis_on(x, axes):
    """``x`` before ``axes`` new axes go on it."""
    if not isinstance(x, types.Array):
        raise TypingError(f"only an array takes a new axis, not a {plain_type(x)}")
    if x.ndim > 2:
        raise TypingError("arrays of more than 3 dimensions are not offered")

    def form(x, axes):
        if x.size > (2048 if axes == 1 else 128):
            raise ValueError("a new axis on an array that is too large for it")
        return x

    return form


def _unpacking(count: int) -> Form:
    def chooser(x):
        if isinstance(x, types.BaseTuple):
            if len(x) != count:
                raise TypingError(f"{count} names on the left take {count} values, not {len(x)}")
            return lambda x: x
        if not isinstance(x, types.Array | types.List):
            raise TypingError(f"a {plain_type(x)} cannot be unpacked into {count} names")
        form = _UNPACK[count]

        def checked(x):
            if len(x) != count:
                raise ValueError("unpacking an array of another length than there are names")
            return form(x)

        return checked

    return entry(chooser)


_UNPACK = {
    1: inline(lambda x: (x[0],)),
    2: inline(lambda x: (x[0], x[1])),
    3: inline(lambda x: (x[0], x[1], x[2])),
    4: inline(lambda x: (x[0], x[1], x[2], x[3])),
}


ENTRIES: dict[str, Form] = {
    "loop": loop, "range1": loop_up_to, "range2": loop_between, "range3": loop_by_step, "axis_on": axis_on,
    **{f"unpack{count}": _unpacking(count) for count in _UNPACK},
}  # fmt: skip
"""By the names that the rewriting uses."""
