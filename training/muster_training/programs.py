"""Programs of a language model in training and evaluation, loaded through the gate each time: disks are not trusted."""

from collections.abc import Sequence
from pathlib import Path

from muster_core.controllers import Controller, load_controller
from muster_core.errors import MusterError, unknown
from muster_core.robot import RobotModel
from muster_prompts.gate import Gate
from muster_prompts.generations import SHIPPED, program_text, read_generations
from muster_prompts.program import Program, ProgramTerms, load_program
from muster_prompts.reward_check import require_useful_reward

BUILTIN_REWARDS = ("marginal", "published")
"""Rewards that are kernels of ours."""
SHARES = {"program": 1.0, "mixed": 0.5, "builtin": 0.0}
"""Share of the program's reward for each of the rewards that a program offers."""


def is_program(name: str) -> bool:
    """Whether ``name`` is a folder that ``muster-write`` made, or one that is meant to be."""
    return (Path(name) / "program.py").is_file()


def load_named(name: str, robot: RobotModel) -> Controller:
    """A controller or policy by name, or the prior of the program in the folder of that name.

    Raises:
        MusterError: nothing has that name, or the gate refuses the program.
    """
    return load_checked(Path(name)).prior(robot) if is_program(name) else load_controller(name, robot)


def load_terms(folder: Path, reward: str, robot: RobotModel, team: int) -> ProgramTerms:
    """Prior and reward of the program in ``folder``, compiled in this process.

    Raises:
        MusterError: no program, an unknown ``reward``, or the gate refuses it.
        WorkFailed: its reward falls where coverage grows.
    """
    if reward not in SHARES:
        raise unknown("reward of a program", reward, list(SHARES))
    program = load_checked(folder)
    terms = ProgramTerms(program, robot, SHARES[reward])
    if terms.share > 0.0 and program.shape is not None:
        require_useful_reward(program, program.shape, team)
    return terms


def load_checked(folder: Path, gate: Gate | None = None) -> Program:
    """The program in ``folder``, through the gate, with its shape.

    Raises:
        MusterError: there is none, it has no shape, or the gate refuses it.
    """
    if not is_program(str(folder)):
        raise MusterError(f"{folder} is no program folder: it has no program.py; write one: muster-write … -o {folder}")
    program = load_program(folder, gate)
    if program.shape is None:
        raise MusterError(f"{folder} has no shape.json; write the program again")
    return program


def load_all(folders: Sequence[Path]) -> list[Program]:
    """The programs in ``folders``, or, where there are none, those of the recorded generations that pass.

    Raises:
        MusterError: a folder holds no program, the gate refuses one, or nothing was recorded.
    """
    with Gate() as gate:
        if folders:
            return [load_checked(folder, gate) for folder in folders]
        programs = []
        for generation in read_generations(SHIPPED):
            text = program_text(generation) if generation.accepted else None
            verdict = gate.check(text) if text is not None else None
            if text is not None and verdict is not None and verdict.accepted:
                programs.append(Program(text, generation.place.name, verdict))
    if not programs:
        raise MusterError(f"None of the recorded generations in {SHIPPED} passes; name programs with --program")
    return programs
