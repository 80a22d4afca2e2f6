"""Loops over a program's functions: batches of perceptions, points of the plane; each call has its own loop budget.

Calls can fail, and in a batch an exception would be lost or end it: each goes through a guard that gives a status.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numba
import numpy as np

from muster_prompts.kernels.api import make_robot
from muster_prompts.numpy_forms.bounding import BUDGET

Function: TypeAlias = Callable[..., Any]
FINE, RAISED, NOT_FINITE, WRONG_LENGTH = 0, 1, 2, 3
"""Status of one call: good, ended by an error, a result that is not finite, an array of another length than 2."""


def one_call(function: Function) -> Function:
    """``f(perceptions, b, max_speed, max_acceleration)``: one call for row b, which raises what it raises."""
    budget = BUDGET

    @numba.njit
    def call(p, b, max_speed, max_acceleration):
        left = np.full(1, budget)
        return function(left, make_robot(p, b, max_speed, max_acceleration))

    return call


def prior_rows(prior: Function) -> Callable[..., None]:
    """``f(perceptions, max_speed, max_acceleration, out (B, 2), status (B,))``."""
    budget = BUDGET

    @numba.njit(error_model="numpy")
    def fill(p, max_speed, max_acceleration, out, status):
        left = np.zeros(1, np.int64)
        for b in range(out.shape[0]):
            left[0] = budget
            try:
                action = prior(left, make_robot(p, b, max_speed, max_acceleration))
                if len(action) != 2:
                    status[b] = WRONG_LENGTH
                else:
                    x, y = action[0], action[1]
                    out[b, 0], out[b, 1] = x, y
                    status[b] = FINE if np.isfinite(x) and np.isfinite(y) else NOT_FINITE
            except Exception:
                status[b] = RAISED

    return fill


def reward_rows(reward: Function) -> Callable[..., None]:
    """``f(perceptions, max_speed, max_acceleration, out (B,), status (B,))``."""
    budget = BUDGET

    @numba.njit(error_model="numpy")
    def fill(p, max_speed, max_acceleration, out, status):
        left = np.zeros(1, np.int64)
        for b in range(out.shape[0]):
            left[0] = budget
            try:
                value = float(reward(left, make_robot(p, b, max_speed, max_acceleration)))
                out[b] = value
                status[b] = FINE if np.isfinite(value) else NOT_FINITE
            except Exception:
                status[b] = RAISED

    return fill


def plane_points(sdf: Function) -> Function:
    """``f(axis (n,), values (n, n), status (n, n))``: the function at every point of a square lattice."""
    budget = BUDGET

    @numba.njit(error_model="numpy")
    def fill(axis, values, status):
        left = np.zeros(1, np.int64)
        for row in range(len(axis)):
            for column in range(len(axis)):
                left[0] = budget
                try:
                    value = float(sdf(left, axis[column], axis[row]))
                    values[row, column] = value
                    status[row, column] = FINE if np.isfinite(value) else NOT_FINITE
                except Exception:
                    status[row, column] = RAISED

    return fill
