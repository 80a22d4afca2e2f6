"""Domain randomisation: what robots and measurement of an episode are like, drawn from the episode's seed alone.

An episode's robots are one kind with a profile of its own, as after measuring a real base: policy and safety filter are
told its lag, delay and speed limit. What nobody is told is the error of each pose; the filter keeps a larger margin for
it, see :func:`noise_margin`.
"""

import math
from dataclasses import dataclass, fields, replace

import numpy as np

from muster_core.control_step import MARGIN, ControlStep
from muster_core.errors import MusterError
from muster_core.kernels.limits import Limits
from muster_core.robot import Arena, RobotModel
from muster_core.scene import Sensing
from muster_core.types import Array
from muster_sim.contract import PERIOD
from muster_sim.world import Bases

Range = tuple[float, float]
"""Smallest and largest value; all between are equally likely."""
SUBSTEP = PERIOD / 4
"""Delays are drawn in multiples of a physics substep [s]."""
CONDITIONS_STREAM = 0x6D757374
"""Keeps these draws apart from those of the starts, which come from the same seed."""
NOISE_WIDTHS = 4.0
"""Standard deviations of the error of two robots' distance that the filter's margin is widened by. Measured with robots
that press towards one point, poses 3 mm off: with 3 there are two contacts in 0.7 million robot-steps, with 4 none in
3.6 million."""
ALLOWED: dict[str, Range] = {
    "lag": (0.0, 1.0),
    "delay": (0.0, 1.0),
    "pose_noise": (0.0, 0.05),
    "dropout": (0.0, 0.5),
    "mass": (0.1, 10.0),
    "max_speed": (0.1, 1.0),
    "sensing_radius": (0.6, 100.0),
}
"""Between which values each range may lie."""


@dataclass(frozen=True)
class Randomisation:
    """Ranges that each episode draws from; what is None, or a range of one value, stays as the task says."""

    lag: Range | None = None
    """Time constant with which bases follow a command [s]."""
    delay: Range | None = None
    """Time before a command begins to act [s]; whole physics substeps of 0.025 s."""
    pose_noise: Range = (0.0, 0.0)
    """Standard deviation of a measured position, along each axis, anew at every step [m]. A measured velocity is off by
    the change of that error over a period, as if it came of the poses."""
    dropout: Range = (0.0, 0.0)
    """Share of poses that are lost: everybody then goes on with the last one, which grows older."""
    mass: Range = (1.0, 1.0)
    """Mass of each single robot in proportion to the others'; it matters when bodies press against each other."""
    max_speed: Range = (1.0, 1.0)
    """Speed limit in units of the robot model's. What the policy is shown is in units of the limit drawn."""
    sensing_radius: Range | None = None
    """Sensing radius in avoid distances, instead of the task's radius_ratio."""
    share: float = 1.0
    """Share of the episodes that are drawn at all; the others are as the task says."""

    def __post_init__(self) -> None:
        """Refuse ranges that cannot be drawn from.

        Raises:
            MusterError: names the range, its value and what is allowed.
        """
        if not _is_number(self.share) or not 0.0 <= self.share <= 1.0:
            raise MusterError(f"randomisation share is {self.share!r}; it must lie in 0 … 1")
        for entry in fields(self):
            if entry.name == "share":
                continue
            value, (lowest, highest) = getattr(self, entry.name), ALLOWED[entry.name]
            if value is None and entry.default is None:
                continue
            numbers = isinstance(value, tuple | list) and len(value) == 2 and all(_is_number(v) for v in value)
            if not numbers or not lowest <= value[0] <= value[1] <= highest:
                raise MusterError(
                    f"randomisation {entry.name} is {value!r}; it must be two numbers, smallest and largest, "
                    f"in {lowest:g} … {highest:g}"
                )
            object.__setattr__(self, entry.name, (float(value[0]), float(value[1])))

    @classmethod
    def standard(cls, share: float = 1.0) -> "Randomisation":
        """What one policy should bear with: small holonomic robots under motion capture, good and poor ones.

        Lag and delay span from a servo on the robot to a base behind a busy radio link; the noise goes up to a camera
        system of a few millimetres; at 0.05 one pose in twenty is lost.
        """
        return cls(
            lag=(0.02, 0.15),
            delay=(0.0, 0.1),
            pose_noise=(0.0, 0.003),
            dropout=(0.0, 0.05),
            mass=(0.5, 2.0),
            max_speed=(0.6, 1.0),
            sensing_radius=(1.45, 1.9),
            share=share,
        )

    def longest_delay(self, robot: RobotModel) -> float:
        """Longest delay that an episode can have [s]."""
        return robot.delay if self.delay is None else self.delay[1]


@dataclass(frozen=True)
class Conditions:
    """What one episode drew."""

    robot: RobotModel
    """Its robots, with their lag, delay and speed limit."""
    pose_noise: float
    """Standard deviation of a measured position along each axis [m]."""
    dropout: float
    """Share of poses lost."""
    masses: Array
    """(N,) [kg]."""
    radius_ratio: float
    """Sensing radius in avoid distances."""

    @property
    def bases(self) -> Bases:
        """What the world needs to know."""
        return Bases(self.robot.lag, self.robot.delay, self.robot.max_speed, self.masses)

    def limits(self, arena: Arena, sensing: Sensing) -> Limits:
        """What the safety filter is told: the profile drawn, and a margin for the noise."""
        limits = ControlStep(self.robot, arena, sensing, PERIOD).limits
        return limits._replace(margin=noise_margin(self.pose_noise))


def draw_conditions(
    seed: int, randomisation: Randomisation, robot: RobotModel, sensing: Sensing, robots: int
) -> Conditions:
    """What the episode of this ``seed`` is like, for a team of so many ``robots``.

    The draws do not depend on each other's ranges: widening one leaves the others as they were.
    """
    generator = np.random.default_rng([seed, CONDITIONS_STREAM])
    share = {name: float(generator.random()) for name in ALLOWED}
    masses = generator.random(robots)
    if generator.random() >= randomisation.share:
        randomisation = Randomisation()
    delay = robot.delay
    if randomisation.delay is not None:
        delay = round(_within(randomisation.delay, share["delay"]) / SUBSTEP) * SUBSTEP
    drawn = replace(
        robot,
        lag=robot.lag if randomisation.lag is None else _within(randomisation.lag, share["lag"]),
        delay=delay,
        max_speed=robot.max_speed * _within(randomisation.max_speed, share["max_speed"]),
    )
    radius = randomisation.sensing_radius
    # Twice as heavy and half as heavy are as far from the usual: masses are drawn on a scale of ratios.
    low, high = np.log(randomisation.mass)
    return Conditions(
        robot=drawn,
        pose_noise=_within(randomisation.pose_noise, share["pose_noise"]),
        dropout=_within(randomisation.dropout, share["dropout"]),
        masses=np.exp(low + (high - low) * masses),
        radius_ratio=sensing.radius_ratio if radius is None else _within(radius, share["sensing_radius"]),
    )


def noise_margin(pose_noise: float) -> float:
    """Clearance that the filter keeps beyond touching where poses are noisy [m].

    A robot that presses on creeps forward whenever its distance looks larger than it is, until it hardly ever looks
    large enough: a few standard deviations of the distance of two, which is off by √2 of ``pose_noise`` [m]. (The error
    of the velocities adds to that as lag and delay grow, but then the filter also lets robots approach more slowly.)
    """
    return MARGIN + NOISE_WIDTHS * math.sqrt(2.0) * pose_noise


def _within(bounds: Range, share: float) -> float:
    return bounds[0] + (bounds[1] - bounds[0]) * share


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
