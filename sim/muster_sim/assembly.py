"""Shape assembly, LAMARL's task: a team spreads evenly over a shape that is shown to it, on local sight alone.

The environment holds a world, the one control step of :mod:`muster_core.control_step` and a reward; a trainer sees a
:class:`muster_sim.contract.BatchedEnvironment`, an evaluator also the scene that controllers act on.
"""

from dataclasses import dataclass, field

import gymnasium
import numpy as np

from muster_core.control_step import ControlStep
from muster_core.controllers import COVERAGE_GAINS, Controller, load_controller
from muster_core.errors import MusterError
from muster_core.kernels.reward import marginal_rows, published_rows
from muster_core.kernels.sensing import BLOCK, MEMBER, sense_rows
from muster_core.observation import find_layout, observe
from muster_core.pilot import STALE_AFTER
from muster_core.robot import Arena, RobotModel
from muster_core.scene import BODY, Perceptions, Scene, SceneArrays, Sensing
from muster_core.shape import Shape
from muster_core.types import Array, Integers
from muster_sim.catalogue import PROCEDURAL, SEVEN_SHAPES, open_named
from muster_sim.contract import PERIOD, Batch
from muster_sim.events import Event, Timeline
from muster_sim.kernels.passes import LAYOUTS, PRIORS, REWARDS, Choice, command_pass, look_pass
from muster_sim.kernels.varied import command_each
from muster_sim.measurement import Measurement
from muster_sim.randomisation import Conditions, Randomisation, draw_conditions
from muster_sim.starts import draw_episode
from muster_sim.terms import OWN_SHAPE, Terms
from muster_sim.world import World, checked, make_world


@dataclass(frozen=True)
class AssemblyConfig:
    """One shape-assembly task."""

    robots: int = 30
    """Team size."""
    shapes: tuple[str, ...] = SEVEN_SHAPES
    """Shapes that episodes draw from, by names that `open_named` takes; or the one word ``procedural``."""
    height: float = 2.2
    """Height of the shapes [m]."""
    cells: int = 500
    """About how many cells a shape has."""
    episode_steps: int = 200
    """Steps of 0.1 s in an episode (LAMARL: 200 in training, 300 in evaluation)."""
    reward: str = "marginal"
    """``marginal`` or ``published``."""
    prior: str = "prior"
    """Controller whose action is offered as the prior."""
    program: Terms | None = None
    """Prior and reward of a program, instead of ``prior`` and instead of ``reward`` or mixed with it."""
    layout: str = "polar-1"
    """Observation layout."""
    world: str = "bullet"
    """World the robots drive in."""
    robot: RobotModel = field(default_factory=RobotModel)
    """The robots."""
    arena: Arena = field(default_factory=Arena)
    """Where they drive."""
    sensing: Sensing = field(default_factory=Sensing)
    """What they see."""
    randomisation: Randomisation | None = None
    """Ranges that each episode draws its robots and their measurement from; None: all as said above, poses exact."""
    events: tuple[Event, ...] = ()
    """What happens in every episode: robots die, stick or join, the shape moves or changes."""

    def __post_init__(self) -> None:
        """Refuse a task that cannot be set.

        Raises:
            MusterError: names the field, its value and the choices.
        """
        if self.robots < 2:
            raise MusterError(f"robots is {self.robots}; a swarm needs at least 2")
        if self.reward not in REWARDS:
            raise MusterError(f"Unknown reward {self.reward!r}. Available: {', '.join(REWARDS)}")
        if self.episode_steps < 1:
            raise MusterError(f"episode_steps is {self.episode_steps}; it must be at least 1")
        if not self.shapes:
            raise MusterError("shapes is empty; name at least one, for example R")
        if PROCEDURAL in self.shapes and len(self.shapes) > 1:
            raise MusterError(f"{PROCEDURAL!r} stands alone, but shapes are {', '.join(self.shapes)}")
        if not isinstance(self.randomisation, Randomisation | None):
            raise MusterError(f"randomisation is {self.randomisation!r}; give a Randomisation or None")
        for event in self.events:
            if not isinstance(event, Event):
                raise MusterError(f"{event!r} is no event; those of muster_sim.events are")
        find_layout(self.layout)


class ShapeAssembly:
    """A batch of shape-assembly episodes in one process, stepped together."""

    def __init__(self, config: AssemblyConfig, environments: int) -> None:
        """Load the shapes and build the world; nothing moves before ``reset``.

        Raises:
            MusterError: unknown shape, world or prior, or more robots than fit a shape.
        """
        self.config = config
        self.environments, self.agents = environments, config.robots
        self.episode_steps = config.episode_steps
        self.shapes = {name: self._load(name) for name in config.shapes if name != PROCEDURAL}
        self.timeline = Timeline(config.events, environments, config.robots, config.arena, self._load)
        """Who is in the team and what is to be formed now, where events change that."""
        self.layout = find_layout(config.layout)
        self.prior: Controller = load_controller(config.prior, config.robot)
        self.control = ControlStep(config.robot, config.arena, config.sensing, PERIOD)
        longest = config.randomisation.longest_delay(config.robot) if config.randomisation else 0.0
        self.world = make_world(
            config.world, environments, config.robots, config.robot, config.arena, longest_delay=longest
        )
        self.measurement = Measurement(environments, config.robots) if config.randomisation else None
        """What is seen of the robots where that is not the truth."""
        rows = environments * config.robots
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (self.layout.size,), np.float32)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.intrusiveness = np.zeros(rows)
        """Last step's ‖u_safe − u‖/max_speed of each robot."""
        self.filter_active = np.zeros(rows, bool)
        """Whether the filter changed each robot's last command."""
        self._perceptions = Perceptions.empty(rows, config.sensing)
        self._perceived = False
        self._block = Perceptions.empty(BLOCK, config.sensing)
        known = PRIORS.index(config.prior) if config.prior in PRIORS else -1
        self._choice = Choice(LAYOUTS.index(config.layout), REWARDS.index(config.reward), known)
        self._observation64 = np.empty((rows, self.layout.size))
        self._observations = np.zeros((rows, self.layout.size), np.float32)
        self._rewards, self._priors = np.zeros(rows), np.zeros((rows, 2))
        self._desired, self._activity = np.zeros((rows, 2)), np.zeros(rows, np.int8)
        self._elapsed = 0
        self.changed = False
        """Whether an event has just happened."""
        self._issued = np.zeros((environments, config.robots, 2))
        self._drawn: list[Conditions] = []
        self._limits = np.zeros((environments, len(self.control.limits)))
        self.scene: Scene
        """What policies act on, as measured; ``world`` has the truth."""
        self.rows: Integers

    def reset(self, seeds: Integers) -> Batch:
        """Draw shape, its pose and the starts from each seed; see :class:`muster_sim.contract.BatchedEnvironment`."""
        starts = [draw_episode(int(seed), self.shapes, self.config) for seed in seeds]
        positions = np.stack([start.positions for start in starts])
        velocities = np.stack([start.velocities for start in starts])
        return self.place([start.shape for start in starts], positions, velocities, seeds)

    def place(self, shapes: list[Shape], positions: Array, velocities: Array, seeds: Integers) -> Batch:
        """Begin episodes with given ``shapes`` (E), ``positions`` (E, N, 2) [m] and ``velocities`` (E, N, 2) [m/s]."""
        self._ratios = self._vary(seeds)
        self.world.reset(np.asarray(seeds, np.int64), positions, velocities)
        self._issued[:] = self.world.velocities
        seen: World | Measurement = self.world
        if self.measurement is not None:
            seen = self.measurement
            seen.begin(seeds, self._drawn, self.config.robot.max_speed, self.world.positions, self.world.velocities)
        # The filter's scene; policies see the same with velocities in the measure of the nominal robot.
        self._guarded = SceneArrays(
            positions=seen.positions,
            velocities=seen.velocities,
            issued=self._issued,
            ages=self.measurement.ages if self.measurement else np.zeros((self.environments, self.agents)),
            present=np.ones((self.environments, self.agents), np.uint8),
        )
        shown = self._guarded._replace(velocities=self.measurement.shown) if self.measurement else self._guarded
        self.timeline.begin(seeds, shapes)
        self._set_scene(shown)
        self.rows = self.scene.all_rows()
        self._elapsed = 0
        self._let_happen()
        batch = self._batch()
        self._rewards[:] = 0.0
        return batch

    def step(self, actions: Array) -> Batch:
        """Accelerations (E, N, 2) in [-1, 1] through the one control step and the world."""
        actions = checked("actions", actions, (self.environments, self.agents, 2), "1").reshape(-1, 2)
        self.advance(actions)
        return self._batch()

    def advance(self, actions: Array) -> None:
        """The step without reward and observation: accelerations (E·N, 2) → filter → world."""
        bounds, limits, work = self.control.filter_settings
        results = (
            self._desired, self._activity, self.intrusiveness, self.filter_active, self._issued.reshape(-1, 2)
        )  # fmt: skip
        if self.measurement is None:
            command_pass(self.rows, self._guarded, self._radius, bounds, limits, work, actions, *results)
        else:
            command_each(
                self.rows, self._guarded, self._radius, bounds, limits, self._limits, STALE_AFTER, work, actions,
                *results,
            )  # fmt: skip
        self.world.step(self._issued)
        if self.measurement is not None:
            self.measurement.take(self.world.positions, self.world.velocities)
        if self.config.events:
            gone = ~self.timeline.members.reshape(-1)
            self.intrusiveness[gone], self.filter_active[gone] = 0.0, False
        self._elapsed += 1
        self._let_happen()

    @property
    def perceptions(self) -> Perceptions:
        """What every robot sees now, (E·N, …); worked out when asked for, and reused after the next step."""
        if not self._perceived:
            scene = self.scene
            sense_rows(self.rows, scene.arrays, scene.lattices, scene.avoid, self._radius, self._perceptions)
            self._perceived = True
        return self._perceptions

    def observe(self) -> Array:
        """What every robot's policy is shown now, (E·N, size); reused by the next call."""
        return observe(self.perceptions, self.layout, self.config.robot.max_speed, self._observation64)

    def close(self) -> None:
        """Close the world."""
        self.world.close()

    def _load(self, name: str) -> Shape:
        """A shape by name that the whole team fits into."""
        program = self.config.program
        own = program.shape if program is not None and name == OWN_SHAPE else None
        shape = own or open_named(name, self.config.height, self.config.cells)
        shape.check_team(self.config.robots, self.config.robot.radius)
        return shape

    def _let_happen(self) -> None:
        """The events that are due, and what follows from them for bodies, sight and avoid distances."""
        self._perceived = False
        self.changed = bool(self.config.events) and self.timeline.happen(self._elapsed)
        if self.changed or (self.config.events and self._elapsed == 0):
            self._set_scene(self.scene.arrays)
            for environment, halted in enumerate(self.timeline.halted):
                self.world.halt(environment, halted)

    def _set_scene(self, shown: SceneArrays) -> None:
        members = self.timeline.members
        shown.present[:] = np.where(members, MEMBER, BODY)
        self.scene = Scene(shown, self.timeline.shapes, members.sum(axis=1))
        self._radius = self._ratios * self.scene.avoid

    def _vary(self, seeds: Integers) -> Array:
        """Draw what the episodes of ``seeds`` (E,) are like; returns the sensing radii in avoid distances."""
        config = self.config
        if config.randomisation is None:
            return np.full(self.environments, config.sensing.radius_ratio)
        self._drawn = [
            draw_conditions(int(seed), config.randomisation, config.robot, config.sensing, config.robots)
            for seed in seeds
        ]
        for environment, drawn in enumerate(self._drawn):
            self.world.equip(environment, drawn.bases)
            self._limits[environment] = drawn.limits(config.arena, config.sensing)
        return np.array([drawn.radius_ratio for drawn in self._drawn])

    def _batch(self) -> Batch:
        shape = (self.environments, self.agents)
        over = np.full(self.environments, self._elapsed >= self.episode_steps)
        if self.config.program is not None:
            self._look_with(self.config.program)
        else:
            self._look()
        if self._choice.prior < 0 and self.config.program is None:
            self._priors[:] = self.prior.act(self.perceptions, self.scene, self.rows)
        active = self.timeline.members.copy()
        if self.config.events:
            self._rewards[~active.reshape(-1)] = 0.0
        return Batch(
            observations=self._observations.reshape(*shape, -1),
            rewards=self._rewards.reshape(shape),
            terminated=np.zeros(self.environments, bool),
            truncated=over,
            active=active,
            prior=self._priors.reshape(*shape, 2),
        )

    def _look(self) -> None:
        look_pass(
            self.rows, self.scene.arrays, self.scene.lattices, self.scene.avoid, self._radius, self._choice,
            self.config.robot.max_speed, COVERAGE_GAINS, self._block, self._observations, self._rewards, self._priors,
        )  # fmt: skip

    def _look_with(self, terms: Terms) -> None:
        """The same with prior and reward of a program, which wants the perceptions of all rows at once."""
        self._observations[:] = self.observe()
        builtin = marginal_rows if self.config.reward == "marginal" else published_rows
        builtin(self.perceptions, self._rewards)
        terms.fill(self.perceptions, self._rewards, self._priors)
