"""``muster-train``: train a policy, with progress, curves and a run folder that survives being killed."""

import csv
import sys
import time
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.tensorboard import SummaryWriter

from muster_core.cli import is_quiet, run_command
from muster_core.errors import MusterError, WorkFailed, unknown
from muster_core.log import log_event
from muster_core.robot import RobotModel
from muster_prompts.program import ProgramTerms
from muster_sim.assembly import AssemblyConfig, ShapeAssembly
from muster_sim.catalogue import PROCEDURAL, expand
from muster_sim.contract import BatchedEnvironment
from muster_sim.randomisation import Randomisation
from muster_sim.terms import OWN_SHAPE
from muster_sim.workers import AssemblyWorkers
from muster_training.assessment import Assessment, score
from muster_training.collector import Collector
from muster_training.interface import parse_verb, progress_bar
from muster_training.lamarl import LamarlConfig, Learner, train_round
from muster_training.networks import check_architecture
from muster_training.programs import BUILTIN_REWARDS, load_terms
from muster_training.replay import Trajectories
from muster_training.runs import (
    damage_refused,
    load_checkpoint,
    read_config,
    save_checkpoint,
    task_of,
    write_config,
)

FINISH = 0.2
"""Share of the rounds that end a run in PyBullet which began in the fast world."""
USUAL_TEAM = 30
"""A round of another team size flies as many swarms as make about as many robots as ``environments`` of this one."""

MOST_THREADS = 256
"""More of them than a process may start end it with a segmentation fault."""


@dataclass(frozen=True)
class LamarlCommand:
    """Train a decentralised policy with LAMARL: a shared actor-critic held near a prior policy.

    A run folder gets config.json, curve.csv, TensorBoard events and a checkpoint after every round; what was killed
    continues with --resume and ends with the same weights as if it had not been. Watch with: tensorboard --logdir runs

    Example: muster-train lamarl --world bullet --robots 30
    """

    world: str = "both"
    """World to train in: kinematic, bullet, or both: the fast one first, PyBullet for the last fifth of the rounds."""
    robots: tuple[int, ...] = (30,)
    """Team sizes; rounds take them in turn."""
    shapes: str = PROCEDURAL
    """Shapes to train on: procedural draws a fresh one for every episode; or names and sets, separated by commas."""
    randomise: float = 0.25
    """Share of episodes that draw lag, delay, pose noise, lost poses, masses, speed limit and sensing radius."""
    program: str | None = None
    """Folder that muster-write made: its prior, its reward and its shape, through the gate; robots and shapes given too
    hold instead of its own."""
    reward: str | None = None
    """marginal (one's own marginal coverage) or published (LAMARL's 0 or 1); with --program, which takes its own by
    default: program, mixed (half program, half marginal) or builtin (marginal)."""
    prior: str = "prior"
    """Controller that regularises the actor; LAMARL's published prior by default."""
    layout: str = "polar-1"
    """Observation layout: polar-1, lamarl-1, polar-free-1, or set-1 for the architectures that read sets."""
    environments: int = 8
    """Swarms of 30 simulated side by side in a round; of other team sizes as many as make about as many robots."""
    workers: int = 1
    """Processes that simulate them; the results are the same."""
    run: Path | None = None
    """Run folder; by default runs/lamarl-<date and time>."""
    resume: Path | None = None
    """Continue the run in this folder; all other options come from its config."""
    evaluate_every: int = 5
    """Rounds between flights without exploration over eight shapes of their own; the best actor is the one exported."""
    threads: int = 0
    """Threads of the learner; 0: as many as there are processors."""
    device: str = "auto"
    """cpu, cuda, or auto: a GPU where there is one."""
    learner: LamarlConfig = field(default_factory=LamarlConfig)
    """The algorithm's own settings."""


def main() -> None:
    """Entry point."""
    sys.exit(run_command(_main))


class Training:
    """One run: task, learner and run folder."""

    def __init__(self, command: LamarlCommand) -> None:
        """Begin a new run, or continue the one in ``command.resume``.

        Raises:
            MusterError: a setting cannot be, or a folder holds something else.
        """
        if command.resume:
            self.folder = command.resume
            command = _command_of(read_config(self.folder), command)
        else:
            self.folder = command.run or Path("runs") / time.strftime("lamarl-%Y%m%d-%H%M%S")
        _check(command)
        self.command = command
        torch.set_num_threads(command.threads or torch.get_num_threads())
        worlds = ("kinematic", "bullet") if command.world == "both" else (command.world,)
        terms = _terms(command)
        if command.resume and terms and read_config(self.folder)["program"] != terms.hash:
            raise MusterError(f"{command.program} is not the program that the run was begun with; restore it")
        tasks = [replace(_task(command, count, worlds[-1]), program=terms) for count in command.robots]
        self.turns = [[_environment(replace(task, world=world), command) for task in tasks] for world in worlds]
        """Environments that rounds take in turn: those to begin with, and those to finish with."""
        self.assessment = Assessment(tasks)
        size = self.assessment.environments[0].layout.size
        self.learner = Learner(command.learner, size, tasks[0].episode_steps, _device(command))
        self.best_score, self.best_actor = -np.inf, self.learner.target_actor.state_dict()
        self.scores: dict[str, float] = {}
        self.collector = Collector(self.learner, self._pick, command.learner.prior_rounds * len(command.robots))
        if command.resume is None:
            settings = asdict(replace(command, run=None, resume=None))
            write_config(self.folder, "lamarl", tasks[0], settings)
        else:
            self._restore()

    def run(self) -> None:
        """Train to the end, with a checkpoint after every round.

        Raises:
            WorkFailed: a loss is not finite any more; the last checkpoint stays as it was.
        """
        rounds, learner = self.command.learner.rounds, self.learner
        writer = SummaryWriter(str(self.folder), purge_step=learner.robot_steps)
        try:
            with progress_bar() as progress:
                task = progress.add_task(f"lamarl → {self.folder}", total=rounds, completed=learner.done_rounds)
                while learner.done_rounds < rounds:
                    fresh, figures = train_round(learner, self.collector)
                    if not np.isfinite(list(figures.values())).all():
                        raise WorkFailed(f"Round {learner.done_rounds} diverged: {_line(figures)}; lower the rates")
                    if learner.done_rounds % self.command.evaluate_every == 0 or learner.done_rounds == rounds:
                        figures |= self.assess()
                    self._keep(fresh, figures, writer)
                    best = f", best coverage {self.best_score:.3f}" if self.scores else ""
                    shown = f"reward {figures['reward']:.3f}{best}"
                    progress.update(task, completed=learner.done_rounds, description=shown)
                    log_event("round", number=learner.done_rounds, of=rounds, **figures)
                    if not sys.stderr.isatty() and not is_quiet() and "coverage_normalised" in figures:
                        print(f"round {learner.done_rounds}/{rounds}: {_line(figures)}", file=sys.stderr, flush=True)
        finally:
            writer.close()
            self.close()

    def close(self) -> None:
        """End the collector's thread and close the worlds; :meth:`run` does so itself."""
        self.collector.close()
        self.assessment.close()
        for environment in {id(e): e for turn in self.turns for e in turn}.values():
            environment.close()

    def assess(self) -> dict[str, float]:
        """Fly the actor without exploration; remember it if it is the best so far."""
        figures = self.assessment.figures(self.learner)
        if score(figures) > self.best_score:
            self.best_score, self.scores = score(figures), figures
            weights = self.learner.target_actor.state_dict()
            self.best_actor = {name: value.detach().cpu().clone() for name, value in weights.items()}
        return figures

    def _pick(self, number: int) -> BatchedEnvironment:
        finishing = number >= (1.0 - FINISH) * self.command.learner.rounds
        turn = self.turns[-1 if finishing else 0]
        return turn[number % len(turn)]

    def _keep(self, fresh: Trajectories, figures: dict[str, float], writer: SummaryWriter) -> None:
        """Experience first, then the checkpoint that counts on it, then the curves, which only people read."""
        learner, folder = self.learner, self.folder
        name = self._experience(learner.done_rounds)
        name.parent.mkdir(exist_ok=True)
        with (part := name.with_suffix(".part")).open("wb") as file:
            np.savez(file, **vars(fresh))
        part.replace(name)
        ratios, slowest = self.assessment.speed_ratios(), 1.0
        if self.command.randomise:
            slowest = Randomisation.standard().max_speed[0]
        state = learner.state() | {
            "best_actor": self.best_actor, "best_score": float(self.best_score), "scores": self.scores,
            "speed_ratio": [slowest * min(ratios), max(ratios)],
        }  # fmt: skip
        save_checkpoint(folder, state)
        self._experience(self._replayed_rounds().start - 1).unlink(missing_ok=True)
        for key, value in figures.items():
            writer.add_scalar(key, value, learner.robot_steps)
        _append(folder / "curve.csv", {"round": learner.done_rounds, "robot_steps": learner.robot_steps, **figures})

    def _experience(self, number: int) -> Path:
        return self.folder / "experience" / f"{number:06d}.npz"

    def _replayed_rounds(self) -> range:
        """Rounds whose experience the replay still holds, in whole turns of the team sizes."""
        turn = sum(environment.environments * environment.agents for environment in self.turns[0])
        needed = -(-self.learner.replay.capacity // turn) * len(self.turns[0])
        done = self.learner.done_rounds
        return range(max(1, done - needed + 1), done + 1)

    def _restore(self) -> None:
        state = load_checkpoint(self.folder)
        with damage_refused(self.folder):
            self.learner.restore(state)
            self.best_actor, self.best_score, self.scores = state["best_actor"], state["best_score"], state["scores"]
            self._refill()

    def _refill(self) -> None:
        """The replay as it was, every trajectory in its old row: what is sampled next depends on the rows."""
        replay, paths = self.learner.replay, [self._experience(number) for number in self._replayed_rounds()]
        kept = 0
        for path in paths:
            with np.load(path) as file:
                kept += len(file["rewards"])
        replay.next = (self.learner.robot_steps // replay.steps - kept) % replay.capacity
        for path in paths:
            with np.load(path) as file:
                replay.add(Trajectories(**file))


def _check(command: LamarlCommand) -> None:
    if not command.robots:
        raise MusterError("robots is empty; name at least one team size, for example --robots 30")
    for name in ("environments", "evaluate_every"):
        if getattr(command, name) < 1:
            raise MusterError(f"{name} is {getattr(command, name)}; it must be at least 1")
    check_architecture(command.learner.architecture, command.layout)
    if not 0 <= command.threads <= MOST_THREADS:
        raise MusterError(f"threads is {command.threads}; it must lie in 0 … {MOST_THREADS}")


def _environment(task: AssemblyConfig, command: LamarlCommand) -> ShapeAssembly | AssemblyWorkers:
    count = max(1, round(command.environments * USUAL_TEAM / task.robots))
    if command.workers == 1:
        return ShapeAssembly(task, count)
    return AssemblyWorkers(task, count, command.workers)


def _terms(command: LamarlCommand) -> ProgramTerms | None:
    """The program's prior and reward, through the gate, and compiled before any thread or worker needs them."""
    if command.program is None:
        if command.reward not in {None, *BUILTIN_REWARDS}:
            raise unknown("reward", command.reward, [*BUILTIN_REWARDS, "and with --program: program, mixed, builtin"])
        return None
    reward = "builtin" if command.reward in BUILTIN_REWARDS else command.reward or "program"
    return load_terms(Path(command.program), reward, RobotModel(), command.robots[0])


def _shapes(command: LamarlCommand) -> tuple[str, ...]:
    if command.shapes == PROCEDURAL:
        return (OWN_SHAPE,) if command.program else (PROCEDURAL,)
    return expand(command.shapes)


def _task(command: LamarlCommand, robots: int, world: str) -> AssemblyConfig:
    return AssemblyConfig(
        robots=robots,
        shapes=_shapes(command),
        reward=command.reward if command.reward in BUILTIN_REWARDS else "marginal",
        prior=command.prior,
        layout=command.layout,
        world=world,
        randomisation=Randomisation.standard(command.randomise) if command.randomise else None,
    )


def _command_of(content: dict[str, Any], given: LamarlCommand) -> LamarlCommand:
    """The command that began a run; only ``threads`` and ``device`` may differ when it continues.

    Raises:
        MusterError: the config is damaged, or ``given`` asks for something else than it says.
    """
    with damage_refused(given.resume or Path()):
        settings = dict(content["settings"])
        learner = LamarlConfig(**{**settings["learner"], "noise": tuple(settings["learner"]["noise"])})
        settings |= {"learner": learner, "robots": tuple(settings["robots"]), "run": None, "resume": given.resume}
        settings |= {"device": given.device, "threads": given.threads or settings["threads"]}
        begun = LamarlCommand(**settings)
    if task_of(content) != _task(begun, begun.robots[0], "bullet" if begun.world == "both" else begun.world):
        raise MusterError(f"{given.resume}: task and settings in config.json contradict each other; train again")
    for asked, kept in ((given, begun), (given.learner, begun.learner)):
        for name in (entry.name for entry in fields(asked) if entry.name not in {"learner", "threads"}):
            if getattr(asked, name) not in (getattr(type(asked)(), name), getattr(kept, name)):
                raise MusterError(
                    f"{name} is {getattr(asked, name)}, but the run was begun with {getattr(kept, name)}; "
                    "leave it out, or begin a new run"
                )
    return begun


def _device(command: LamarlCommand) -> torch.device:
    if command.device not in {"auto", "cpu", "cuda"}:
        raise MusterError(f"Unknown device {command.device!r}. Available: auto, cpu, cuda")
    if command.device == "cuda" and not torch.cuda.is_available():
        raise MusterError("device cuda was asked for, but this torch sees no GPU; use --device cpu")
    return torch.device("cuda" if command.device != "cpu" and torch.cuda.is_available() else "cpu")


def _append(path: Path, row: dict[str, float]) -> None:
    losses = ("reward", "critic_loss", "value", "prior_gap")
    columns = ("round", "robot_steps", *losses, "coverage_normalised", "entering_rate", "contacts")
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        if new:
            writer.writeheader()
        writer.writerow(row)


def _line(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in figures.items())


def _main() -> None:
    command = parse_verb({"lamarl": LamarlCommand}, "muster-train")
    assert isinstance(command, LamarlCommand)
    training = Training(command)
    training.run()
    print(f"{training.folder}: {_line(training.scores)}. Export it: muster-export {training.folder} -o policy.onnx")


if __name__ == "__main__":
    main()
