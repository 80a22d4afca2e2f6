"""From a fleet file to the processes that it asks for: plain data, no ROS, for launch files and for muster-run alike.

A fleet file is YAML. Every key is a field of `Fleet`; what it does not know, it refuses.
"""

import importlib.util
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from muster_core.errors import MusterError, unknown
from muster_core.own_controller import is_own
from muster_core.profile import load_profile
from muster_core.robot import Arena, RobotModel
from muster_ros.gatekeeper import StopRules
from muster_ros.parameters import RobotParameters, check_team, flat_settings
from muster_ros.strict_yaml import load_strictly

BACKENDS = ("sim", "robots")
WORLDS = ("bullet",)
"""Worlds that the simulator knows; named here because robots do not import the simulation."""
LARGEST_FILE = 1_000_000
"""Bytes of a fleet file, at most."""
MOST_PROCESSES = 30
"""DDS participants on one machine and domain; about 32 is Fast DDS's own limit when discovery stays on the machine."""
MOST_ROBOTS = 1000


@dataclass(frozen=True)
class Fleet:
    """A team and where it runs."""

    robots: tuple[str, ...]
    """Names of the robots; in a file also a number, which names them robot_01, robot_02, …"""
    name: str = "fleet"
    """What to call the fleet in messages."""
    policy: str = RobotParameters.policy
    """A controller's name, the path of an ONNX file relative to the fleet file, or one's own as file.py:Class."""
    odometry_topic: str = RobotParameters.odometry_topic
    """Where each robot's odometry is; ``{name}`` stands for the robot's name."""
    command_topic: str = RobotParameters.command_topic
    """Where commands go."""
    command_type: str = RobotParameters.command_type
    """``TwistStamped`` or ``Twist``."""
    world: str = "bullet"
    """Simulated world."""
    seed: int = 0
    """Seed of the simulated starts."""
    robot: RobotModel = field(default_factory=RobotModel)
    """Size and limits of the bases; in a file also the name or path of a profile."""
    arena: Arena = field(default_factory=Arena)
    """The geofence, and the walls of a simulated world."""
    rules: StopRules = field(default_factory=StopRules)
    """When robots stop."""

    def __post_init__(self) -> None:
        """Refuse what no team could run.

        Raises:
            MusterError: names the value and the remedy.
        """
        if len(self.robots) > MOST_ROBOTS:
            raise MusterError(f"robots: {len(self.robots)} are too many; at most {MOST_ROBOTS}")
        check_team(self.robots)
        if not 0 <= self.seed < 2**63:
            raise MusterError(f"seed is {self.seed}; take a whole number from 0 to 2^63 - 1")
        if self.world not in WORLDS:
            raise unknown("world", self.world, WORLDS)
        self.parameters(self.robots[0])

    def parameters(self, name: str, time_scale: float = 1.0) -> RobotParameters:
        """The parameters of the robot ``name``; its node refuses the same values with the same words."""
        shared = {entry.name for entry in fields(self)} & {entry.name for entry in fields(RobotParameters)} - {"name"}
        values = {key: getattr(self, key) for key in shared}
        return RobotParameters(name=name, team=self.robots, time_scale=time_scale, **values)


@dataclass(frozen=True)
class Process:
    """One process to start."""

    name: str
    """What to call it in messages."""
    command: tuple[str, ...]
    """Program and arguments."""
    environment: Mapping[str, str]
    """Environment variables to set beside those that are inherited."""
    essential: bool = True
    """Whether the others must not go on without it."""


def load_fleet(path: Path) -> Fleet:
    """Read a fleet file.

    Raises:
        MusterError: the file is missing, too large or no YAML, or a key or value is wrong; names file, key and value.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise MusterError(f"{path}: {size} bytes are too large for a fleet file; at most {LARGEST_FILE}")
        content = load_strictly(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MusterError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise MusterError(f"{path}: is not UTF-8 text") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise MusterError(f"{path}: is no YAML that a fleet file may have: {error}") from None
    if not isinstance(content, dict):
        raise MusterError(f"{path}: holds {type(content).__name__}; a fleet file is a list of 'key: value'")
    if "robots" not in content:
        raise MusterError(f"{path}: the key 'robots' is missing; give the robots' number or their names")
    try:
        content = {**content, "robots": _names(content["robots"])} | _profiled(content, path.parent)
        fleet = _build(Fleet, content, "")
        return replace(fleet, policy=_policy(fleet.policy, path.parent))
    except MusterError as error:
        raise MusterError(f"{path}: {error}") from None


def numbered(count: int) -> tuple[str, ...]:
    """Names for ``count`` robots."""
    return tuple(f"robot_{number:02d}" for number in range(1, count + 1))


def processes(
    fleet: Fleet,
    backend: str,
    composed: bool = False,
    rate: float = 1.0,
    domain: int | None = None,
    record: Path | None = None,
    bag: Path | None = None,
    view: bool = False,
) -> tuple[Process, ...]:
    """What to start for a fleet: the simulator (only for ``sim``), the operator, recorder and view, then the robots.

    Args:
        fleet: what to run.
        backend: ``sim`` puts a simulated world behind the robots' topics; ``robots`` expects real odometry there.
        composed: all robots in one process.
        rate: simulated seconds per second; only for ``sim``.
        domain: ROS_DOMAIN_ID; None leaves the inherited one.
        record: file that the simulator records the true trajectories to.
        bag: file that all messages are recorded to, for `muster-replay`.
        view: also publish frames and markers for RViz and Foxglove.

    Raises:
        MusterError: unknown backend, too many processes, a rate that is none, no folder for a recording or a bag that
            is there already, or no simulator installed.
    """
    if backend not in BACKENDS:
        raise unknown("backend", backend, BACKENDS)
    if not (math.isfinite(rate) and 0 < rate <= 100) or (backend == "robots" and rate != 1):
        raise MusterError(f"rate is {rate:g}; take 1 on robots and a number above 0 up to 100 in simulation")
    needed = len(fleet.robots) + 2 + (bag is not None) + view
    if not composed and needed > MOST_PROCESSES:
        raise MusterError(
            f"{len(fleet.robots)} robots need {needed} processes; more than {MOST_PROCESSES} on one "
            "machine cannot find each other. Put the robots into one process: --composed"
        )
    environment = {"ROS_DOMAIN_ID": str(domain)} if domain is not None else {}
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    if backend == "sim":
        environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    started = [_simulator(fleet, rate, record, environment)] if backend == "sim" else []
    started.append(Process("operator", _python("muster_ros.operator_node", _operator_settings(fleet)), environment))
    clock = {"use_sim_time": True} if rate != 1 else {}
    common = flat_settings(fleet.parameters(fleet.robots[0], rate)) | clock
    settings = {key: value for key, value in common.items() if key != "name"}
    started += _listeners(settings, bag, view, environment)
    if composed:
        started.append(Process("robots", _python("muster_ros.robot_node", settings, "--composed"), environment))
        return tuple(started)
    for name in fleet.robots:
        command = (*_python("muster_ros.robot_node", common | {"name": name}), "-r", f"__node:={name}")
        started.append(Process(name, command, environment))
    return tuple(started)


def _listeners(
    settings: Mapping[str, Any], bag: Path | None, view: bool, environment: Mapping[str, str]
) -> list[Process]:
    """Recorder and view, which no robot needs."""
    commands = {}
    if bag is not None:
        commands["recorder"] = _python("muster_ros.recorder_node", {**settings, "bag": str(_new_bag(bag))})
    if view:
        commands["view"] = _python("muster_ros.view_node", settings)
    return [Process(name, command, environment, essential=False) for name, command in commands.items()]


def _new_bag(bag: Path) -> Path:
    path = bag.resolve()
    if not path.parent.is_dir():
        raise MusterError(f"bag: there is no folder {path.parent}; make it first")
    if path.exists():
        raise MusterError(f"bag: {path} exists; move it away, or name another")
    return path


def _simulator(fleet: Fleet, rate: float, record: Path | None, environment: Mapping[str, str]) -> Process:
    if record is not None and not record.resolve().parent.is_dir():
        raise MusterError(f"record: there is no folder {record.resolve().parent}; make it first")
    if importlib.util.find_spec("muster_simulator") is None:
        raise MusterError("backend 'sim' needs the simulator: pip install muster_simulator muster_sim")
    settings = flat_settings(fleet.parameters(fleet.robots[0])) | {"world": fleet.world, "seed": fleet.seed}
    settings |= {"rate": rate, "record": str(record.resolve()) if record else ""}
    for key in ("name", "policy", "time_scale"):
        del settings[key]
    return Process("simulator", _python("muster_simulator.simulator_node", _without(settings, "rules.")), environment)


def _operator_settings(fleet: Fleet) -> dict[str, Any]:
    arena = {f"arena.{key}": value for key, value in flat_settings(fleet.arena).items()}
    return {"team": fleet.robots, "robot.radius": fleet.robot.radius, **arena}


def _without(settings: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if not key.startswith(prefix)}


def _python(module: str, settings: Mapping[str, Any], *options: str) -> tuple[str, ...]:
    parameters = [word for key, value in settings.items() for word in ("-p", f"{key}:={_spell(value)}")]
    return (sys.executable, "-m", module, *options, "--ros-args", *parameters)


def _spell(value: Any) -> str:  # noqa: ANN401 - any parameter value
    """A parameter's value as the YAML that rcl reads: JSON, with a point in every float."""
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def _names(robots: Any) -> tuple[str, ...]:  # noqa: ANN401 - whatever the file says
    if isinstance(robots, bool) or not isinstance(robots, int | list):
        raise MusterError(f"robots: {robots!r} is neither a number nor a list of names")
    if isinstance(robots, int):
        if not 2 <= robots <= MOST_ROBOTS:
            raise MusterError(f"robots: {robots} is no team; take 2 to {MOST_ROBOTS}")
        return numbered(robots)
    for name in robots:
        if not isinstance(name, str):
            raise MusterError(f"robots: {name!r} is no name; a name is text")
    return tuple(robots)


def _policy(policy: str, folder: Path) -> str:
    file, colon, name = policy.rpartition(":") if is_own(policy) else (policy, "", "")
    if not file.endswith((".onnx", ".py")):
        return policy
    path = (folder / file).resolve()
    if not path.is_file():
        raise MusterError(f"policy: {file!r} is not there; looked for it at {path}")
    return f"{path}{colon}{name}"


def _profiled(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Model and command type from the profile that ``robot`` names; what the fleet file itself says comes first."""
    name = content.get("robot")
    if not isinstance(name, str):
        return {}
    profile = load_profile(str(folder / name) if name.endswith((".yaml", ".yml")) else name)
    return {"robot": asdict(profile.model), "command_type": content.get("command_type", profile.command_type)}


def _build(kind: type, values: Any, prefix: str) -> Any:  # noqa: ANN401 - whatever the file says
    """A dataclass of settings from a mapping of a file, strictly."""
    if not isinstance(values, dict):
        raise MusterError(f"{prefix.rstrip('.')}: {values!r} must be a list of 'key: value'")
    hints, known = get_type_hints(kind), [entry.name for entry in fields(kind)]
    arguments = {}
    for key, value in values.items():
        if key not in known:
            raise MusterError(f"Unknown key {prefix + str(key)!r}. Available: {', '.join(known)}")
        arguments[key] = (
            _build(hints[key], value, f"{prefix}{key}.")
            if is_dataclass(hints[key])
            else _checked(f"{prefix}{key}", value, hints[key])
        )
    return kind(**arguments)


def _checked(key: str, value: Any, hint: Any) -> Any:  # noqa: ANN401 - whatever the file says
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint in (int, float, str) and (not isinstance(value, hint) or isinstance(value, bool)):
        words = {int: "a whole number", float: "a number", str: "text"}
        raise MusterError(f"{key}: {value!r} is not {words[hint]}")
    return value
