"""Shape assembly for single-agent trainers: one robot learns among teammates that a known controller flies.

import gymnasium, muster_sim
env = gymnasium.make("Muster/ShapeAssembly-v0", robots=12, teammates="expert", render_mode="rgb_array")
"""

from typing import Any

import gymnasium
import numpy as np

from muster_core.errors import MusterError
from muster_sim.canvas import Frame
from muster_sim.contract import PERIOD
from muster_sim.pettingzoo_env import (
    RENDER_MODES,
    Observation,
    SingleAssembly,
    action_array,
    checked_render_mode,
    robot_info,
    task_config,
)


class ShapeAssemblyEnv(gymnasium.Env[Observation, Observation]):
    """One controlled robot, the first of the team; its start is drawn like everybody's, so no robot is special."""

    metadata = {"render_modes": list(RENDER_MODES), "render_fps": round(1 / PERIOD)}  # noqa: RUF012 - Gymnasium's form

    def __init__(self, teammates: str = "prior", render_mode: str | None = None, **settings: Any) -> None:  # noqa: ANN401
        """A team of which one robot is controlled.

        Args:
            teammates: controller of the others.
            render_mode: None or `rgb_array`.
            settings: fields of :class:`muster_sim.assembly.AssemblyConfig`, for example `robots=12, shapes=("R",)`.

        Raises:
            MusterError: unknown setting, controller or render mode, or a task that cannot be set.
        """
        if "prior" in settings:
            raise MusterError(f"Name the controller of the others as teammates, not as prior ({settings['prior']!r})")
        self.render_mode = checked_render_mode(render_mode)
        # The task offers what its prior would do for every robot: that flies the teammates.
        self._single = SingleAssembly(task_config(None, {**settings, "prior": teammates}))
        self.observation_space = self._single.task.observation_space
        self.action_space = self._single.task.action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode; a seed fixes it and those that follow without one. Option `shape` asks for a shape."""
        super().reset(seed=seed)
        batch = self._single.begin(seed, options)
        return batch.observations[0, 0].copy(), robot_info(self._single.task, batch, 0)

    def step(self, action: Observation) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Act by an acceleration, shape (2,) in [-1, 1].

        Raises:
            MusterError: the action is not two finite numbers, or there is no episode.
        """
        actions = np.array(self._single.batch.prior[0], dtype=np.float64)
        actions[0] = action_array(action, "the robot")
        batch = self._single.act(actions)
        info = robot_info(self._single.task, batch, 0)
        over, cut = bool(batch.terminated[0]), bool(batch.truncated[0])
        return batch.observations[0, 0].copy(), float(batch.rewards[0, 0]), over, cut, info

    def render(self) -> Frame | None:  # type: ignore[override]
        """This moment from above as an RGB picture, or None without a render mode."""
        return self._single.picture() if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Give back the world."""
        self._single.task.close()
