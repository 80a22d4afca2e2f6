"""Simulated worlds, the shape-assembly task, and pictures of what happened in them.

`muster_sim.parallel_env(...)` is the task with PettingZoo's face; importing the package tells Gymnasium of
"Muster/ShapeAssembly-v0", one robot among teammates.
"""

from typing import Any

from gymnasium.envs.registration import register

register(id="Muster/ShapeAssembly-v0", entry_point="muster_sim.gymnasium_env:ShapeAssemblyEnv")


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module's attribute
    """`parallel_env` on first use: it needs a physics engine, which pictures do without."""
    if name == "parallel_env":
        from muster_sim.pettingzoo_env import parallel_env

        return parallel_env
    raise AttributeError(f"module 'muster_sim' has no attribute {name!r}")
