"""Robot profiles: a YAML file of facts about one kind of robot, read into the model that decisions need.

``muster_hardware`` ships profiles by name; anybody's own is a file of the same form (see docs/tutorials).
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muster_core.errors import MusterError, first_line
from muster_core.robot import RobotModel

COMMAND_TYPES = ("TwistStamped", "Twist")
"""What bases listen to."""
LARGEST_FILE = 100_000
"""Bytes of a profile, at most."""
PARTS = {
    "limits": ("max_speed", "max_acceleration", "braking", "lag", "delay"),
    "body": ("radius", "look_ahead"),
}
"""Mappings of a profile whose numbers are fields of the model."""
KNOWN = ("name", "description", "base", *PARTS, "interface", "sources")


@dataclass(frozen=True)
class Profile:
    """One kind of robot."""

    name: str
    """What it calls itself."""
    model: RobotModel
    """Size, limits and kinematics."""
    command_type: str
    """``TwistStamped`` or ``Twist``."""


def load_profile(name: str) -> Profile:
    """The profile in the file ``name`` (.yaml or .yml), or the shipped one of that name.

    Raises:
        MusterError: there is no such profile (the message lists them), the file is none, or no robot is like that.
    """
    path = _find(name)
    content = _read(path)
    unknown = [key for key in content if key not in KNOWN]
    if unknown:
        raise MusterError(f"{path}: unknown key {unknown[0]!r:.80}. Available: {', '.join(KNOWN)}")
    if "base" not in content:
        raise MusterError(f"{path}: the key 'base' is missing; say holonomic or differential")
    values: dict[str, Any] = {"kinematics": content["base"]}
    for part, numbers in PARTS.items():
        values |= _numbers(path, part, content.get(part, {}), numbers)
    interface = _mapping(path, "interface", content.get("interface", {}))
    command_type = interface.get("command_type", COMMAND_TYPES[0])
    if command_type not in COMMAND_TYPES:
        raise MusterError(
            f"{path}: interface.command_type is {command_type!r:.80}. Available: {', '.join(COMMAND_TYPES)}"
        )
    try:
        return Profile(str(content.get("name", path.parent.name)), RobotModel(**values), command_type)
    except MusterError as error:
        raise MusterError(f"{path}: {error}") from None


def shipped_profiles() -> dict[str, Path]:
    """Files of the profiles that `muster_hardware` ships, by name; none where it is not installed."""
    spec = importlib.util.find_spec("muster_hardware")
    folders = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    return {path.parent.name: path for folder in folders for path in sorted(folder.glob("*/profile.yaml"))}


def _find(name: str) -> Path:
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    shipped = shipped_profiles()
    if name not in shipped:
        choices = ", ".join([*shipped, "the path of a profile (.yaml)"])
        raise MusterError(f"Unknown robot {name!r:.80}. Available: {choices}")
    return shipped[name]


def _read(path: Path) -> dict[Any, Any]:
    try:
        import yaml
    except ImportError as error:
        raise MusterError("Profiles need PyYAML: pip install 'muster_core[profiles]'") from error
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise MusterError(f"{path}: too large for a profile; at most {LARGEST_FILE} bytes")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MusterError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise MusterError(f"{path}: is not UTF-8 text") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise MusterError(f"{path}: is no YAML: {first_line(error)}") from None
    return _mapping(path, "a profile", content)


def _mapping(path: Path, what: str, content: Any) -> dict[Any, Any]:  # noqa: ANN401 - whatever the file says
    if not isinstance(content, dict):
        raise MusterError(f"{path}: {what} must be a list of 'key: value', not {type(content).__name__}")
    return content


def _numbers(path: Path, part: str, content: Any, known: tuple[str, ...]) -> dict[str, float]:  # noqa: ANN401 - as above
    values = {}
    for key, value in _mapping(path, part, content).items():
        if key not in known:
            raise MusterError(f"{path}: unknown key '{part}.{key!s:.80}'. Available: {', '.join(known)}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise MusterError(f"{path}: {part}.{key} is {value!r:.80}; it must be a number")
        values[key] = float(value)
    return values
