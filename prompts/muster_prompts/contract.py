"""The output contract: what a compiled program must give on every perception, checked on sampled and difficult ones.

prior: two finite numbers in [-1, 1]; reward: a finite number in [0, 1]; the same every time, within a time per call.
"""

import time
from dataclasses import dataclass

import numpy as np

from muster_core.scene import Perceptions
from muster_core.types import AnyArray, Array
from muster_prompts.compilation import Compiled, run_prior, run_reward
from muster_prompts.numpy_forms.looping import NOT_FINITE, RAISED
from muster_prompts.perceptions import DEFAULT_ROBOT, Trial
from muster_prompts.refusal import Refusal, Refused

MAX_MICROSECONDS = 100.0
"""Mean time of one call of prior and of reward on the sampled perceptions, each."""
TOLERANCE = 1e-9
LIMITS = (DEFAULT_ROBOT.max_speed, DEFAULT_ROBOT.max_acceleration)
REMEDIES = {
    "prior": "End with return np.clip(action, -1.0, 1.0)",
    "reward": "End with return min(max(value, 0.0), 1.0)",
}


@dataclass(frozen=True)
class Figures:
    """What was measured on the way."""

    prior_us: float
    """Mean time of a call of prior [µs]."""
    reward_us: float
    """Mean time of a call of reward [µs]."""
    mean_reward: float
    """Over the sampled perceptions."""


def check_output(compiled: Compiled, trial: Trial) -> Figures:
    """Run the program on the trial's perceptions.

    Raises:
        Refused: names the perception and what was wrong; one reason for each function.
    """
    refusals: list[Refusal] = []
    times = {}
    p = trial.perceptions
    for name, run, low in (("prior", run_prior, -1.0), ("reward", run_reward, 0.0)):
        values, status = run(compiled, p, LIMITS)
        refusal = _judge(name, values, status, low, compiled, trial)
        if refusal is None and not _repeatable(
            values, run(compiled, _reversed(p), LIMITS)[0][::-1], run(compiled, p, LIMITS)[0]
        ):
            refusal = Refusal(
                "output", f"{name} does not give the same answer every time", "Set every value before it is read"
            )
        if refusal is None:
            times[name] = _microseconds(run, compiled, p)
            if times[name] > MAX_MICROSECONDS:
                message = f"{name} takes {times[name]:.0f} µs a call; at most {MAX_MICROSECONDS:.0f} µs are allowed"
                refusal = Refusal("time", message, "Avoid loops inside loops over cells; use the helpers of robot")
        if refusal is not None:
            refusals.append(refusal)
    if refusals:
        raise Refused(refusals)
    return Figures(times["prior"], times["reward"], float(values.mean()))


def _judge(name: str, values: Array, status: AnyArray, low: float, compiled: Compiled, trial: Trial) -> Refusal | None:
    outside = ((values < low - TOLERANCE) | (values > 1.0 + TOLERANCE)).reshape(len(status), -1).any(axis=1)
    wrong = np.flatnonzero((status != 0) | outside)
    if len(wrong) == 0:
        return None
    row = int(wrong[0])
    where = f"for {trial.names[row]}"
    if status[row] == RAISED:
        call = compiled.prior_of if name == "prior" else compiled.reward_of
        message = f"{name} fails {where}: {_reason(call, trial.perceptions, row)}"
        return Refusal("run", message, "Handle this case, for example with if len(...) == 0")
    if status[row] == NOT_FINITE:
        message = f"{name} gives a value that is not finite {where}"
        return Refusal("output", message, "Guard the division or mean: nothing may be divided by zero")
    if status[row] != 0:
        return Refusal(
            "output", f"{name} returns an array that has not 2 entries {where}", "Return an array of shape (2,)"
        )
    given = np.array2string(np.atleast_1d(values[row]), precision=3)
    message = f"{name} gives {given} {where}, outside [{low:.0f}, 1]"
    return Refusal("output", message, REMEDIES[name])


def _reason(call: object, p: Perceptions, row: int) -> str:
    try:
        call(p, row, *LIMITS)  # type: ignore[operator]
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:120]}"
    return "only sometimes"


def _repeatable(first: Array, *others: Array) -> bool:
    return all(first.tobytes() == np.ascontiguousarray(other).tobytes() for other in others)


def _reversed(p: Perceptions) -> Perceptions:
    fields = [np.ascontiguousarray(field[::-1]) for field in p]
    for field in fields:
        field.flags.writeable = False
    return Perceptions(*fields)


def _microseconds(run: object, compiled: Compiled, p: Perceptions) -> float:
    best = np.inf
    for attempt in range(20):  # the least of several: a busy machine makes no program slow
        begin = time.perf_counter()
        run(compiled, p, LIMITS)  # type: ignore[operator]
        best = min(best, time.perf_counter() - begin)
        if best > 1.0 or (attempt >= 2 and best / len(p.inside) * 1e6 <= MAX_MICROSECONDS):
            break
    return float(best / len(p.inside) * 1e6)
