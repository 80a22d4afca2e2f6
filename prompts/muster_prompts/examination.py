"""What happens to an answer inside the sandboxed child: read, checked, compiled, tried. Results leave as plain data."""

import base64
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numba
import numpy as np
from numba import types

from muster_core.types import AnyArray
from muster_prompts.compilation import compile_functions, compile_program, explain
from muster_prompts.contract import check_output
from muster_prompts.kernels.api import make_robot
from muster_prompts.numpy_forms.looping import RAISED, plane_points
from muster_prompts.outline import DISTANCE
from muster_prompts.perceptions import Trial
from muster_prompts.refusal import Refused, refuse

GRID = 384
"""Points along a side of the square on which a signed distance is sampled."""
HALF_WIDTH = 2.0
"""Half of that square's side [m]."""
Tell = Callable[[str], None]


def examine_program(text: str, trial: Trial, tell: Tell) -> dict[str, Any]:
    """Check prior and reward.

    Raises:
        Refused: with the reasons.
    """
    begin = time.perf_counter()
    tell("compile")
    compiled = compile_program(text, trial.perceptions)
    middle = time.perf_counter()
    tell("run")
    figures = check_output(compiled, trial)
    return {**asdict(figures), "compile_s": middle - begin, "run_s": time.perf_counter() - middle}


def examine_distance(text: str, trial: Trial, tell: Tell) -> dict[str, Any]:
    """Check ``sdf(x, y)`` and sample it: which points of a ``GRID`` x ``GRID`` lattice lie inside, as packed bits.

    Raises:
        Refused: with the reasons.
    """
    del trial
    tell("compile")
    sdf = compile_functions(text, DISTANCE)["sdf"]
    sample: Any = plane_points(sdf)
    try:
        sample.compile((types.float64[::1], types.float64[:, ::1], types.int8[:, ::1]))
    except numba.core.errors.NumbaError as error:
        message, line = explain(error)
        raise refuse("type", f"in sdf or what it calls, {message}", "Return one number for one point", line) from None
    tell("run")
    values, status = _sampled(sample)
    again, _ = _sampled(sample)
    wrong = np.argwhere(status != 0)
    if len(wrong):
        y, x = AXIS[wrong[0]]
        what = "fails" if status[tuple(wrong[0])] == RAISED else "gives a value that is not finite"
        raise refuse("output", f"sdf {what} at ({x:.2f}, {y:.2f})", "Give a finite number for every point")
    if values.tobytes() != again.tobytes():
        raise refuse("output", "sdf does not give the same answer every time", "Set every value before it is read")
    inside: AnyArray = values <= 0.0
    if not 200 <= inside.sum() <= 0.9 * inside.size:
        message = f"sdf says that {inside.mean():.1%} of the square from -2 to 2 m lies inside"
        raise refuse(
            "output", message, "Give a shape about 2 m high that lies in this square: negative inside, positive outside"
        )
    return {"inside": base64.b64encode(np.packbits(inside).tobytes()).decode()}


AXIS = (np.arange(GRID) + 0.5) / GRID * 2 * HALF_WIDTH - HALF_WIDTH
"""Coordinates of the samples [m]."""


def _sampled(sample: Any) -> tuple[AnyArray, AnyArray]:  # noqa: ANN401
    values, status = np.zeros((GRID, GRID)), np.zeros((GRID, GRID), np.int8)
    sample(AXIS, values, status)
    return values, status


def examine_without_allow_list(text: str, trial: Trial, tell: Tell) -> dict[str, Any]:
    """Run ``text`` as plain Python with all that Python has: for tests that the layers below hold alone.

    prior and reward are called interpreted; code that is to run compiled brings its own ``numba.njit``. Nothing that
    comes of it is ever taken for a program.
    """
    tell("run")
    names: dict[str, Any] = {"__name__": "answer", "np": np, "math": math, "FREE": 0, "MINE": 1, "OTHERS": 2}
    exec(compile(text, "program.py", "exec"), names)
    robot = make_robot.py_func(trial.perceptions, len(trial.names) - 1, 0.8, 1.0)  # type: ignore[attr-defined]
    for name in ("prior", "reward"):
        if callable(names.get(name)):
            names[name](robot)
    return {"ran": True}


EXAMINATIONS: dict[str, Callable[[str, Trial, Tell], dict[str, Any]]] = {
    "program": examine_program,
    "distance": examine_distance,
    "without allow-list": examine_without_allow_list,
}
"""By the name that a request gives."""


def examine(kind: str, text: str, trial: Trial, tell: Tell) -> dict[str, Any]:
    """The verdict on ``text`` as plain data: ``accepted``, ``refusals`` and figures."""
    try:
        return {"accepted": True, "refusals": [], "figures": EXAMINATIONS[kind](text, trial, tell)}
    except Refused as refused:
        return {"accepted": False, "refusals": [refusal.as_dict() for refusal in refused.refusals], "figures": {}}
    except (MemoryError, RecursionError) as error:
        reason = refuse(
            "resources",
            f"the check ran out of {'memory' if isinstance(error, MemoryError) else 'stack'}",
            "Write a smaller program",
        )
    except Exception as error:
        reason = refuse(
            "resources", f"the check failed ({type(error).__name__}: {str(error)[:160]})", "Write it more plainly"
        )
    return {"accepted": False, "refusals": [refusal.as_dict() for refusal in reason.refusals], "figures": {}}
