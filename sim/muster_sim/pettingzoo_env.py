"""Shape assembly with PettingZoo's face: one agent per robot, all acting at every step.

    env = muster_sim.parallel_env(robots=12, shapes=("R", "star"), render_mode="rgb_array")
    observations, infos = env.reset(seed=0)

It is :class:`muster_sim.assembly.ShapeAssembly` with one environment; a trainer that takes batches is faster on that.
"""

from dataclasses import fields
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from muster_core.controllers import load_controller
from muster_core.errors import MusterError, unknown
from muster_core.layout import best_layout
from muster_core.types import Array
from muster_sim.assembly import AssemblyConfig, ShapeAssembly
from muster_sim.canvas import Frame
from muster_sim.catalogue import PROCEDURAL
from muster_sim.contract import PERIOD, Batch
from muster_sim.starts import draw_episode
from muster_sim.video import draw_frame

RENDER_MODES = ("rgb_array",)

Observation = NDArray[np.float32]
"""What one robot's policy is shown, dimensionless; the layout says its size."""


class SingleAssembly:
    """One shape-assembly episode after the other, each drawn from a generator; what both public faces stand on."""

    def __init__(self, config: AssemblyConfig) -> None:
        self.config = config
        self.task = ShapeAssembly(config, environments=1)
        self._generator = np.random.default_rng()
        self._best: dict[str, float] = {}
        self._elapsed = 0
        self._batch: Batch | None = None

    def begin(self, seed: int | None, options: dict[str, Any] | None) -> Batch:
        """The next episode. A seed starts the sequence of episodes again; option `shape` asks for one of the shapes.

        Raises:
            MusterError: the shape is not among the task's.
        """
        if seed is not None:
            self._generator = np.random.default_rng(seed)
        episode = int(self._generator.integers(2**31))
        name = (options or {}).get("shape")
        if name is not None and name not in self.task.shapes:
            raise unknown("shape of this environment", name, list(self.task.shapes))
        start = draw_episode(episode, self.task.shapes, self.config, name)
        self._elapsed = 0
        self._batch = self.task.place([start.shape], start.positions[None], start.velocities[None], np.array([episode]))
        return self._batch

    def act(self, actions: Array) -> Batch:
        """One step of accelerations, shape (robots, 2) in [-1, 1].

        Raises:
            MusterError: before the first reset, after the episode's end, or for actions that are not finite.
        """
        if self._batch is None or bool(self._batch.truncated[0] or self._batch.terminated[0]):
            raise MusterError("Call reset first: the episode has not begun, or is over")
        self._elapsed += 1
        self._batch = self.task.step(np.asarray(actions, dtype=np.float64)[None])
        return self._batch

    @property
    def batch(self) -> Batch:
        """What the robots got last.

        Raises:
            MusterError: before the first reset.
        """
        if self._batch is None:
            raise MusterError("Call reset first: the episode has not begun")
        return self._batch

    def picture(self) -> Frame:
        """This moment from above, shape (height, width, 3) uint8."""
        shape, members = self.task.scene.shapes[0], self.task.timeline.members[0]
        team = int(members.sum())
        key = f"{shape.digest} {team}"
        if key not in self._best:
            self._best[key] = best_layout(shape, team).coverage
        known = {other.digest: name for name, other in self.task.shapes.items()}
        name = known.get(shape.digest, PROCEDURAL)
        return draw_frame(
            self.task.world.positions[0],
            shape,
            self.config.arena,
            self.config.robot.radius,
            shape.avoid_distance(team),
            self._elapsed * PERIOD,
            self._best[key],
            name,
            members=members,
        )


class ShapeParallelEnv(ParallelEnv):  # type: ignore[type-arg]
    """A team forms a shape. Agents `robot_0` … observe what they sense and act by an acceleration in [-1, 1]².

    A robot that dies by an event is terminated and leaves `agents`; one that joins later enters them then.

    Every info holds the prior policy's action (`prior`), whether the robot is in the shape and whether the safety
    filter changed its last command.
    """

    metadata = {  # noqa: RUF012 - the name and form that PettingZoo asks for
        "name": "muster_shape_assembly_v0",
        "render_modes": list(RENDER_MODES),
        "render_fps": round(1 / PERIOD),
        "is_parallelizable": True,
    }

    def __init__(self, config: AssemblyConfig, render_mode: str | None = None) -> None:
        """See :func:`parallel_env`."""
        self.render_mode = checked_render_mode(render_mode)
        self._single = SingleAssembly(config)
        self.possible_agents = [f"robot_{number}" for number in range(config.robots)]
        self._numbers = {agent: number for number, agent in enumerate(self.possible_agents)}
        self.agents: list[str] = []
        task = self._single.task
        # One object for each agent, so that seeding one agent's space leaves the others alone.
        self.observation_spaces = {agent: box_like(task.observation_space) for agent in self.possible_agents}
        self.action_spaces = {agent: box_like(task.action_space) for agent in self.possible_agents}

    def observation_space(self, agent: str) -> gymnasium.Space:
        """Space of one agent's observations."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> gymnasium.Space:
        """Space of one agent's actions."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, dict[str, Any]]]:
        """Begin an episode; a seed fixes it and those that follow without one. Option `shape` asks for a shape."""
        batch = self._single.begin(seed, options)
        self.agents = self._team()
        return self._observations(batch, self.agents), self._infos(batch, self.agents)

    def step(self, actions: dict[str, Any]) -> tuple[
        dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]
    ]:  # fmt: skip
        """Let every agent act.

        Raises:
            MusterError: an agent's action is missing or has no finite two numbers, or there is no such agent.
        """
        if not self.agents:
            return {}, {}, {}, {}, {}
        if set(actions) != set(self.agents):
            odd = sorted(map(str, set(actions) ^ set(self.agents)))[0]
            raise MusterError(f"Actions must come from every agent and from nobody else; see {odd!r}")
        chosen = np.zeros((len(self.possible_agents), 2))
        for agent in self.agents:
            chosen[self._numbers[agent]] = action_array(actions[agent], agent)
        batch = self._single.act(chosen)
        over, cut, team = bool(batch.terminated[0]), bool(batch.truncated[0]), self._team()
        # Those who acted, the dead among them for the last time, and those who join.
        told = [agent for agent in self.possible_agents if agent in {*self.agents, *team}]
        result = (
            self._observations(batch, told),
            {agent: float(batch.rewards[0, self._numbers[agent]]) for agent in told},
            {agent: over or agent not in team for agent in told},
            dict.fromkeys(told, cut),
            self._infos(batch, told),
        )
        self.agents = [] if over or cut else team
        return result

    def state(self) -> Observation:
        """Everybody's observation one after the other, for a central critic, shape (robots * size,)."""
        return self._single.batch.observations[0].reshape(-1).copy()

    def render(self) -> Frame | None:
        """This moment from above as an RGB picture, or None without a render mode."""
        return self._single.picture() if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Give back the world."""
        self._single.task.close()

    def _team(self) -> list[str]:
        """Who is in the team now: robots die and join by the task's events."""
        members = self._single.task.timeline.members[0]
        return [agent for agent in self.possible_agents if members[self._numbers[agent]]]

    def _observations(self, batch: Batch, agents: list[str]) -> dict[str, Observation]:
        return {agent: batch.observations[0, self._numbers[agent]].copy() for agent in agents}

    def _infos(self, batch: Batch, agents: list[str]) -> dict[str, dict[str, Any]]:
        return {agent: robot_info(self._single.task, batch, self._numbers[agent]) for agent in agents}


def parallel_env(
    config: AssemblyConfig | None = None, render_mode: str | None = None, **settings: Any  # noqa: ANN401 - see the config
) -> ShapeParallelEnv:  # fmt: skip
    """A team that forms shapes, as a PettingZoo `ParallelEnv`.

    Args:
        config: the task; by default LAMARL's.
        render_mode: None or `rgb_array`.
        settings: fields of :class:`AssemblyConfig` instead of a config, for example `robots=12, shapes=("R",)`.

    Raises:
        MusterError: unknown setting or render mode, or a task that cannot be set.
    """
    return ShapeParallelEnv(task_config(config, settings), render_mode)


def task_config(config: AssemblyConfig | None, settings: dict[str, Any]) -> AssemblyConfig:
    """The task that a config or its fields describe; what is sensed follows the prior, which shares it.

    Raises:
        MusterError: both are given, or a setting is unknown.
    """
    names = [entry.name for entry in fields(AssemblyConfig)]
    for name in settings:
        if name not in names:
            raise unknown("setting", name, names)
    if config is not None:
        if settings:
            raise MusterError(f"Give a config or settings, not both ({', '.join(settings)})")
        return config
    if isinstance(settings.get("shapes"), str):
        settings["shapes"] = (settings["shapes"],)
    made = AssemblyConfig(**settings)
    if "sensing" in settings:
        return made
    return AssemblyConfig(**{**vars(made), "sensing": load_controller(made.prior, made.robot).sensing})


def checked_render_mode(render_mode: str | None) -> str | None:
    """`render_mode`, if there is such a one.

    Raises:
        MusterError: there is not.
    """
    if render_mode is not None and render_mode not in RENDER_MODES:
        raise unknown("render mode", render_mode, RENDER_MODES)
    return render_mode


def action_array(action: object, agent: str) -> Array:
    """One agent's action, shape (2,).

    Raises:
        MusterError: it is not two finite numbers.
    """
    try:
        values = np.asarray(action, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (2,) or not np.isfinite(values).all():
        raise MusterError(f"The action of {agent} is {action!r}; it must be two finite numbers in [-1, 1]")
    return np.clip(values, -1.0, 1.0)


def robot_info(task: ShapeAssembly, batch: Batch, number: int) -> dict[str, Any]:
    """What a trainer may want to know of a robot beside its observation."""
    return {
        "prior": batch.prior[0, number].astype(np.float32),
        "in_shape": bool(task.perceptions.inside[number]),
        "filter_active": bool(task.filter_active[number]),
    }


def box_like(space: gymnasium.Space) -> gymnasium.Space:
    """Another space of the same kind, with a generator of its own."""
    assert isinstance(space, gymnasium.spaces.Box)
    return gymnasium.spaces.Box(space.low, space.high, dtype=np.float32)
