"""Shape assembly over several processes: spawned workers, each with its share of the environments, over shared memory.

The parent writes actions and reads observations, rewards and priors in arrays that all processes share; through the
pipes go only verbs. Workers are spawned, never forked (numba and torch do not survive a fork), ignore Ctrl-C, which is
the parent's to handle, and end when the parent does, however it ends.
"""

import multiprocessing
import signal
from itertools import pairwise
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muster_core.errors import MusterError, WorkFailed
from muster_core.types import Array, Integers
from muster_sim.assembly import AssemblyConfig, ShapeAssembly
from muster_sim.contract import Batch
from muster_sim.world import checked

PATIENCE = 120.0
"""How long a worker may take for one verb before it counts as stuck [s]."""


class AssemblyWorkers:
    """A :class:`muster_sim.contract.BatchedEnvironment` whose environments live in worker processes.

    The same seeds give the same episodes, bit for bit, whatever the number of workers.
    """

    def __init__(self, config: AssemblyConfig, environments: int, workers: int) -> None:
        """Start ``workers`` processes that share ``environments`` as evenly as they can.

        Raises:
            MusterError: fewer environments than workers, or the task is refused (as by ``ShapeAssembly``).
        """
        if not 1 <= workers <= environments:
            raise MusterError(f"workers is {workers}; it must lie in 1 … {environments}, the number of environments")
        local = ShapeAssembly(config, 1)  # refuses a wrong task here, with its message, before anything starts
        self.observation_space, self.action_space = local.observation_space, local.action_space
        local.close()
        self.config, self.environments, self.agents = config, environments, config.robots
        self.episode_steps = config.episode_steps
        size = int(np.prod(self.observation_space.shape or (1,)))
        context = multiprocessing.get_context("spawn")
        shapes = {
            "actions": (2, "d"),
            "observations": (size, "f"),
            "rewards": (1, "d"),
            "priors": (2, "d"),
            "active": (1, "d"),
        }
        memory = {name: context.RawArray(kind, environments * config.robots * n) for name, (n, kind) in shapes.items()}
        self._arrays = _views(memory, environments, config.robots)
        self._slices = _shares(environments, workers)
        self._pipes: list[Connection] = []
        self._processes: list[SpawnProcess] = []
        for index, share in enumerate(self._slices):
            ours, theirs = context.Pipe()
            arguments = (theirs, config, memory, environments, share.start, share.stop)
            process = context.Process(target=_work, args=arguments, name=f"assembly-{index}", daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        self._ask([("ready", None)] * workers)

    @property
    def processes(self) -> list[int]:
        """Process identifiers of the workers."""
        return [process.pid for process in self._processes if process.pid is not None]

    def reset(self, seeds: Integers) -> Batch:
        """See :class:`muster_sim.contract.BatchedEnvironment`."""
        if np.shape(seeds) != (self.environments,):
            raise MusterError(f"seeds have shape {np.shape(seeds)}; expected ({self.environments},)")
        return self._batch(self._ask([("reset", np.asarray(seeds)[share]) for share in self._slices]))

    def step(self, actions: Array) -> Batch:
        """See :class:`muster_sim.contract.BatchedEnvironment`."""
        self._arrays["actions"][:] = checked("actions", actions, (self.environments, self.agents, 2), "1")
        return self._batch(self._ask([("step", None)] * len(self._slices)))

    def close(self) -> None:
        """End the workers; may be called twice."""
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(timeout=5.0)
            if process.is_alive():
                process.kill()
                process.join()
        self._pipes, self._processes = [], []

    def _ask(self, verbs: list[tuple[str, Any]]) -> bool:
        """Send each worker its verb, wait for all, and say whether the episodes are over."""
        answers: list[tuple[str, Any]] = []
        try:
            for pipe, verb in zip(self._pipes, verbs, strict=True):
                pipe.send(verb)
            for process, pipe in zip(self._processes, self._pipes, strict=True):
                if not pipe.poll(PATIENCE):
                    raise WorkFailed(f"Worker {process.name} did not answer within {PATIENCE:.0f} s")
                answers.append(pipe.recv())
        except (EOFError, OSError) as error:
            codes = {process.name: process.exitcode for process in self._processes}
            self.close()
            raise WorkFailed(f"A simulation worker died (exit codes {codes}); start again") from error
        for kind, content in answers:
            if kind == "error":
                raise content
        return bool(answers[0][1])

    def _batch(self, over: bool) -> Batch:
        return Batch(
            observations=self._arrays["observations"].copy(),
            rewards=self._arrays["rewards"][..., 0].copy(),
            terminated=np.zeros(self.environments, bool),
            truncated=np.full(self.environments, over),
            active=self._arrays["active"][..., 0] > 0.0,
            prior=self._arrays["priors"].copy(),
        )


def _work(
    pipe: Connection, config: AssemblyConfig, memory: dict[str, Any], environments: int, begin: int, end: int
) -> None:
    """A worker's life: answer verbs until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    arrays = {name: whole[begin:end] for name, whole in _views(memory, environments, config.robots).items()}
    local = ShapeAssembly(config, end - begin)
    try:
        while True:
            verb, argument = pipe.recv()
            try:
                over = False
                if verb != "ready":
                    batch = local.reset(argument) if verb == "reset" else local.step(arrays["actions"])
                    arrays["observations"][:], arrays["priors"][:] = batch.observations, batch.prior
                    arrays["rewards"][..., 0], arrays["active"][..., 0] = batch.rewards, batch.active
                    over = bool(batch.truncated.all())
                pipe.send(("done", over))
            except MusterError as error:
                pipe.send(("error", error))
    except (EOFError, ConnectionError):
        pass  # the parent closed its end, or is gone
    finally:
        local.close()


def _views(memory: dict[str, Any], environments: int, robots: int) -> dict[str, NDArray[Any]]:
    """The shared memory as arrays (E, N, …)."""
    return {
        name: np.frombuffer(raw, np.float32 if name == "observations" else np.float64).reshape(environments, robots, -1)
        for name, raw in memory.items()
    }


def _shares(environments: int, workers: int) -> list[slice]:
    edges = np.linspace(0, environments, workers + 1).round().astype(int)
    return [slice(int(a), int(b)) for a, b in pairwise(edges)]
