"""``muster-bench``: how fast the parts are, measured in the one way that the design defines."""

import json
import math
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from muster_core.cli import run_command
from muster_core.controllers import load_controller
from muster_core.errors import MusterError
from muster_core.pilot import Pilot
from muster_core.robot import Arena
from muster_core.scene import Snapshot
from muster_prompts.program import ProgramTerms
from muster_sim.assembly import AssemblyConfig, ShapeAssembly
from muster_sim.contract import BatchedEnvironment
from muster_sim.starts import draw_episode
from muster_sim.workers import AssemblyWorkers
from muster_training.interface import parse_verb, progress_bar
from muster_training.programs import load_all

EPISODE = 300
"""Steps of an episode, as in evaluation."""
TOGETHER = 1000
"""Robots stepped together in one process where the world is compiled."""


@dataclass(frozen=True)
class WorldBench:
    """Robot-steps per CPU-second of physics, sensing, observation, reward and prior.

    One thread, warm; whole episodes of the letter R from reset with the built-in prior flying, each repeat at least
    `seconds` long; the median of the repeats. CPU time is the process's and its children's.

    Example: muster-bench world --world bullet --robots 30 --json
    """

    world: str = "bullet"
    """World to measure."""
    robots: int = 30
    """Team size."""
    seconds: float = 5.0
    """CPU time of one repeat, at least [s]."""
    repeats: int = 5
    """Repeats; the median counts."""
    environments: int = 0
    """Swarms stepped together in each process; 0: in Bullet one, or eight where processes must exchange what they make,
    and elsewhere as many as make about 1,000 robots (small swarms cost little but the calls from Python)."""
    processes: int = 1
    """Worker processes; with more than one, compare robot_steps_per_s, which is by wall time."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print one JSON object."""


@dataclass(frozen=True)
class PilotBench:
    """Time of one decision on a robot: a snapshot of the whole team in, a safe command out, policy and filter included.

    Example: muster-bench pilot --json
    """

    policy: str = "shipped"
    """Policy or controller."""
    robots: int = 30
    """Robots in the snapshot."""
    decisions: int = 3000
    """Decisions timed, after a warm-up."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print one JSON object."""


@dataclass(frozen=True)
class ProgramBench:
    """What programs of a language model cost: robot-steps with a program's prior and reward against the built-in ones.

    relative_throughput is the median over the programs, each through the gate first; calls_per_cpu_s counts one call
    of prior and one of reward as two. Without --program, the recorded generations that passed are measured.

    Example: muster-bench program --json
    """

    program: tuple[Path, ...] = ()
    """Program folders; by default the recorded generations."""
    world: str = "kinematic"
    """World to measure in."""
    robots: int = 30
    """Team size."""
    seconds: float = 1.0
    """CPU time of one measurement, at least [s]."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print one JSON object."""


def main() -> None:
    """Entry point."""
    sys.exit(run_command(_main))


def bench_world(command: WorldBench) -> dict[str, Any]:
    """Robot-steps per CPU-second, see :class:`WorldBench`.

    Raises:
        MusterError: unknown world, or a team that does not fit.
    """
    enough = command.repeats >= 1 and command.processes >= 1 and command.environments >= 0
    if not (0 < command.seconds <= 3600 and enough):
        raise MusterError(
            f"Nothing to measure: seconds {command.seconds:g} (above 0, at most 3600), repeats {command.repeats}, "
            f"processes {command.processes} (at least 1), environments {command.environments} (at least 0)"
        )
    task, count = bench_task(command.robots, command.world), command.processes
    usual = (1 if count == 1 else 8) if command.world == "bullet" else max(1, TOGETHER // command.robots)
    swarms = command.environments or usual
    environment = ShapeAssembly(task, swarms) if count == 1 else AssemblyWorkers(task, count * swarms, count)
    try:
        _fly_episode(environment, 0, steps=20)
        with progress_bar(quiet=command.json) as progress:
            repeats = progress.track(range(command.repeats), description=f"measuring {command.world}")
            measured = [_measure_world(environment, repeat, command.seconds) for repeat in repeats]
    finally:
        environment.close()
    rates = [cpu for cpu, _ in measured]
    return {
        "world": command.world,
        "robots": command.robots,
        "environments": swarms * count,
        "cells": task.cells,
        "robot_steps_per_cpu_s": float(np.median(rates)),
        "lowest": min(rates),
        "highest": max(rates),
        "robot_steps_per_s": float(np.median([wall for _, wall in measured])),
        "processes": count,
        "repeats": command.repeats,
        "seconds": command.seconds,
    }


def bench_programs(command: ProgramBench) -> dict[str, Any]:
    """Relative throughput of a world with programs, see :class:`ProgramBench`.

    Raises:
        MusterError: a folder holds no program, the gate refuses one, or nothing was recorded.
    """
    if not 0 < command.seconds <= 3600:
        raise MusterError(f"seconds is {command.seconds:g}; it must lie above 0, and at most 3600")
    task, swarms = bench_task(command.robots, command.world), max(1, TOGETHER // command.robots)
    programs = load_all(command.program)
    rates, calls = [], []
    builtin = ShapeAssembly(task, swarms)
    try:
        _fly_episode(builtin, 0, steps=20)
        for program in programs:
            terms = ProgramTerms(program, task.robot)
            ours = ShapeAssembly(replace(task, program=terms), swarms)
            try:
                _fly_episode(ours, 0, steps=20)
                # Side by side, so that a busy machine slows both.
                with_program, _ = _measure_world(ours, 0, command.seconds)
                without, _ = _measure_world(builtin, 0, command.seconds)
                calls.append(_calls_per_second(ours, terms))
            finally:
                ours.close()
            rates.append(with_program / without)
    finally:
        builtin.close()
    return {
        "world": command.world,
        "robots": command.robots,
        "programs": len(programs),
        "relative_throughput": float(np.median(rates)),
        "lowest": min(rates),
        "highest": max(rates),
        "calls_per_cpu_s": float(np.median(calls)),
    }


def _calls_per_second(environment: ShapeAssembly, terms: ProgramTerms) -> float:
    """Calls of prior and reward per second of CPU time, on what an environment's robots see."""
    p, rows = environment.perceptions, environment.environments * environment.agents
    rewards, priors = np.zeros(rows), np.zeros((rows, 2))
    begin, count = time.process_time(), 0
    while time.process_time() - begin < 0.2:
        terms.fill(p, rewards, priors)
        count += 2 * rows
    return count / (time.process_time() - begin)


def bench_task(robots: int, world: str) -> AssemblyConfig:
    """The letter R for ``robots``: 500 cells up to 100 robots, beyond that 5 for each, with letter and arena in scale.

    So from 100 robots on everybody has as many cells and neighbours in sight, whatever the team's size.
    """
    cells = max(500, 5 * robots)
    scale = math.sqrt(cells / 500)
    return AssemblyConfig(
        robots=robots,
        shapes=("R",),
        height=2.2 * scale,
        cells=cells,
        world=world,
        episode_steps=EPISODE,
        arena=Arena(2.4 * scale, 2.4 * scale),
    )


def bench_pilot(command: PilotBench) -> dict[str, Any]:
    """Microseconds per decision, see :class:`PilotBench`.

    Raises:
        MusterError: unknown policy, or a team that does not fit.
    """
    if command.decisions < 10:
        raise MusterError(f"decisions is {command.decisions}; at least 10 are needed for a percentile")
    controller = load_controller(command.policy)
    task = AssemblyConfig(robots=command.robots, shapes=("R",), sensing=controller.sensing)
    pilot = Pilot(controller, task.robot, task.arena)
    snapshots = _snapshots(task)
    for snapshot in snapshots:
        pilot.command(snapshot)
    times = np.empty(command.decisions)
    for k in range(command.decisions):
        snapshot = snapshots[k % len(snapshots)]
        begin = time.perf_counter_ns()
        pilot.command(snapshot)
        times[k] = (time.perf_counter_ns() - begin) * 1e-3
    return {
        "policy": command.policy,
        "robots": command.robots,
        "median_us": float(np.median(times)),
        "p99_us": float(np.quantile(times, 0.99)),
        "decisions": command.decisions,
    }


def _measure_world(environment: BatchedEnvironment, repeat: int, seconds: float) -> tuple[float, float]:
    """Robot-steps per second of CPU time and of wall time."""
    steps, episode, begin, wall = 0, 0, _cpu_seconds(environment), time.perf_counter()
    while True:
        _fly_episode(environment, 1000 * repeat + episode, EPISODE)
        episode += 1
        steps += EPISODE * environment.agents * environment.environments
        spent = _cpu_seconds(environment) - begin
        if spent >= seconds:
            return steps / spent, steps / (time.perf_counter() - wall)


def _fly_episode(environment: BatchedEnvironment, seed: int, steps: int) -> None:
    batch = environment.reset(seed + 100_000 * np.arange(environment.environments))
    for _ in range(steps):
        batch = environment.step(batch.prior)


def _snapshots(task: AssemblyConfig) -> list[Snapshot]:
    """Every robot's view of a team that is forming the shape, so that sensing, policy and filter have work to do."""
    environment = ShapeAssembly(task, 1)
    try:
        start = draw_episode(0, environment.shapes, task)
        batch = environment.place([start.shape], start.positions[None], start.velocities[None], np.array([0]))
        for _ in range(100):
            batch = environment.step(batch.prior)
        arrays = environment.scene.arrays
        return [
            Snapshot(
                arrays.positions[0].copy(), arrays.velocities[0].copy(), np.full(task.robots, 0.01), me,
                arrays.issued[0, me].copy(), start.shape, task.robots,
            )
            for me in range(task.robots)
        ]  # fmt: skip
    finally:
        environment.close()


def _cpu_seconds(environment: BatchedEnvironment) -> float:
    """CPU time of this process and of the environment's workers so far [s]."""
    return time.process_time() + sum(_process_seconds(pid) for pid in getattr(environment, "processes", ()))


def _process_seconds(pid: int) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _main() -> None:
    command = parse_verb({"world": WorldBench, "pilot": PilotBench, "program": ProgramBench}, "muster-bench")
    assert isinstance(command, WorldBench | PilotBench | ProgramBench)
    if isinstance(command, ProgramBench):
        report = bench_programs(command)
    else:
        report = bench_world(command) if isinstance(command, WorldBench) else bench_pilot(command)
    if command.json:
        print(json.dumps(report))
        return
    for name, value in report.items():
        print(f"{name:24} {value:,.1f}" if isinstance(value, float) else f"{name:24} {value}")


if __name__ == "__main__":
    main()
