"""Which of several programs is best: a short flight of each prior, scored by coverage, entering and contacts."""

from dataclasses import dataclass

import numpy as np

from muster_core.errors import WorkFailed
from muster_core.metrics import coverage, entering_rate
from muster_core.robot import RobotModel
from muster_core.shape import Shape
from muster_prompts.program import Program
from muster_sim.assembly import AssemblyConfig, ShapeAssembly
from muster_sim.rollouts import fly
from muster_sim.starts import draw_episode
from muster_sim.world import WORLDS

SECONDS = 15.0
"""Length of a trial flight [s]."""
SETTLED = 20
"""Steps at the end over which figures are averaged."""


@dataclass(frozen=True)
class Score:
    """How a prior flew."""

    coverage: float
    """Share of the cells covered at the end."""
    entering: float
    """Share of the robots in the shape at the end."""
    contacts: int
    """Contacts between robots."""
    failure: str = ""
    """Why it could not be flown to the end, if so."""

    @property
    def value(self) -> float:
        """What programs are ranked by: a contact costs a hundredth."""
        return -1.0 if self.failure else self.coverage * self.entering - 0.01 * self.contacts


def trial_world() -> str:
    """The quicker world where there is one."""
    return "kinematic" if "kinematic" in WORLDS else "bullet"


def trial_flight(program: Program, shape: Shape, robots: int, seed: int = 0) -> Score:
    """Fly ``program``'s prior over ``shape`` for some seconds."""
    model = RobotModel()
    config = AssemblyConfig(
        robots=robots, shapes=("disc",), world=trial_world(), episode_steps=round(SECONDS * 10), robot=model
    )
    environment = ShapeAssembly(config, 1)
    try:
        start = draw_episode(seed, {"drawn": shape}, config)
        rollout = fly(environment, program.prior(model), [start], np.array([seed]))[0]
    except WorkFailed as error:
        return Score(0.0, 0.0, 0, str(error))
    finally:
        environment.close()
    settled = rollout.positions[-SETTLED:]
    return Score(
        float(np.mean([coverage(p, rollout.shape, robots) for p in settled])),
        float(np.mean([entering_rate(p, rollout.shape) for p in settled])),
        rollout.contacts,
    )
