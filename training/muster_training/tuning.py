"""Tuning the gains of the hand-written controllers: the same search, episodes and budget for each of them.

CMA-ES over the logarithms of the gains, on procedural shapes (never the held-out ones) in the fast world. What is
maximised is the mean coverage over the last 2 s of 30 s episodes, less the share of robots outside the shape.
"""

import json
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from muster_core.cli import run_command
from muster_core.controllers import with_gains
from muster_core.errors import MusterError, unknown
from muster_core.gains import NAMES, UNTUNED
from muster_core.metrics import coverage, entering_rate
from muster_core.robot import RobotModel
from muster_core.types import Array
from muster_sim.assembly import AssemblyConfig, ShapeAssembly, draw_episode
from muster_training.interface import parse

EPISODES = 24
"""Procedural shapes that a candidate flies over, once each."""
STEPS = 300
"""Length of an episode: 30 s."""
SAMPLED = (280, 290, 300)
"""Steps at which coverage is measured."""
SPREAD = 0.4
"""First standard deviation of the logarithm of each gain."""
POPULATION = 10
"""Candidates in a generation, for every law."""


@dataclass(frozen=True)
class TuneCommand:
    """Tune the gains of a hand-written controller on procedural shapes, and print them.

    Example: python -m muster_training.tuning --law coverage --budget 200 --seed 0
    """

    law: str = "coverage"
    """Controller: prior, expert, coverage, search, mean-shift or orca."""
    budget: int = 200
    """Candidates that are flown, the starting gains not counted."""
    seed: int = 0
    """Of the search, the shapes and the starts."""
    check: int = 1_000_000
    """Seed of the fresh shapes on which start and result are compared afterwards."""


@dataclass(frozen=True)
class Tuned:
    """What came of it."""

    gains: Array
    """The best ones found."""
    before: float
    """Score of the starting gains on fresh procedural shapes."""
    after: float
    """Score of the best gains on the same."""


class Course:
    """Episodes that every candidate flies alike."""

    def __init__(self, seed: int, robots: int = 30, episodes: int | None = None) -> None:
        """Draw shapes and starts for ``episodes`` (`EPISODES`) from ``seed``; nothing flies yet."""
        episodes = episodes or EPISODES
        self.robot = RobotModel()
        self._task = AssemblyConfig(
            robots=robots, shapes=("procedural",), world="kinematic", episode_steps=STEPS, robot=self.robot
        )
        self._environment = ShapeAssembly(self._task, episodes)
        self._seeds = seed + np.arange(episodes)
        self._starts = [draw_episode(int(s), {}, self._task) for s in self._seeds]

    def score(self, law: str, gains: Array) -> float:
        """Mean coverage at `SAMPLED` less the share of robots outside, over all episodes."""
        controller = with_gains(law, self.robot, gains)
        environment, starts = self._environment, self._starts
        positions, velocities = (np.stack([getattr(s, f) for s in starts]) for f in ("positions", "velocities"))
        environment.place([s.shape for s in starts], positions, velocities, self._seeds)
        scores = []
        for step in range(1, STEPS + 1):
            environment.advance(controller.act(environment.perceptions, environment.scene, environment.rows))
            if step in SAMPLED:
                for places, start in zip(environment.world.positions, starts, strict=True):
                    outside = 1.0 - entering_rate(places, start.shape)
                    scores.append(coverage(places, start.shape, len(places)) - outside)
        return float(np.mean(scores))


def tune(controller: str, budget: int, seed: int, check: int = 1_000_000) -> Tuned:
    """Search the gains of ``controller`` with ``budget`` candidates; the same arguments give the same gains.

    Raises:
        MusterError: there is no such law, too small a budget, a bad seed, or the package ``cma`` is missing.
    """
    if controller not in UNTUNED:
        raise unknown("law", controller, list(UNTUNED))
    if budget < POPULATION:
        raise MusterError(f"budget is {budget}; it must be at least {POPULATION}, one generation")
    if not 0 <= seed < 2**31 or not 0 <= check < 2**31:
        raise MusterError(f"seed is {seed} and check {check}; they must lie in 0 … 2^31 - 1")
    try:
        import cma
    except ImportError:
        raise MusterError("Tuning needs cma: pip install 'muster_training[tuning]'") from None
    start, course = UNTUNED[controller], Course(seed)
    options = {"popsize": POPULATION, "maxfevals": budget, "seed": seed + 1, "verbose": -9}
    search = cma.CMAEvolutionStrategy(np.zeros(len(start)), SPREAD, options)
    while not search.stop():
        asked = search.ask()
        search.tell(asked, [-course.score(controller, start * np.exp(factors)) for factors in asked])
    # The mean of the last generation is less of a lucky draw than the best candidate ever seen; take whichever scores.
    found = [np.zeros(len(start)), search.result.xbest, search.result.xfavorite]
    scores = [course.score(controller, start * np.exp(factors)) for factors in found]
    gains = np.array([float(f"{gain:.4g}") for gain in start * np.exp(found[int(np.argmax(scores))])])
    fresh = Course(check)
    return Tuned(gains, fresh.score(controller, start), fresh.score(controller, gains))


def main() -> int:
    """Entry point; returns the exit code."""
    return run_command(_main)


def _main() -> None:
    command = parse(TuneCommand, "muster-tune")
    began = time.process_time()
    tuned = tune(command.law, command.budget, command.seed, command.check)
    report: dict[str, Any] = {
        "law": command.law,
        "gains": dict(zip(NAMES[command.law], tuned.gains.tolist(), strict=True)),
        "before": round(tuned.before, 4),
        "after": round(tuned.after, 4),
        "cpu_s": round(time.process_time() - began, 1),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    raise SystemExit(main())
