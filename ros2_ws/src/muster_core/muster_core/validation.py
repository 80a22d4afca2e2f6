"""Checks of numbers that come from outside; each error names the quantity, its value and what is allowed."""

import math

import numpy as np

from muster_core.errors import MusterError


def finite(name: str, value: object) -> float:
    """`value` as a float.

    Raises:
        MusterError: it is no number, or not a finite one.
    """
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise MusterError(f"{name} is {value!r}; it must be a number") from None
    if not math.isfinite(number):
        raise MusterError(f"{name} is {number}; it must be finite")
    return number


def count(name: str, value: object) -> int:
    """`value` as a number of things, at least one.

    Raises:
        MusterError: it is not a whole number of at least 1.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise MusterError(f"{name} is {value!r}; it must be a whole number of at least 1")
    return int(value)
