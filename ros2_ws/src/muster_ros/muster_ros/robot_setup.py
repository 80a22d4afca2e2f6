"""What a robot runs with, as the latched message that lets a replay run the same: policy, model, arena, team."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from std_msgs.msg import String

from muster_core.controllers import CONTROLLERS
from muster_core.errors import MusterError
from muster_core.kernel import kernel_digest
from muster_core.own_controller import is_own
from muster_core.policy import read_policy
from muster_core.robot import Arena, RobotModel
from muster_ros.parameters import RobotParameters

FORMAT = 1
"""Of the message; a replay refuses another."""


@dataclass(frozen=True)
class RobotSetup:
    """One robot's setup."""

    robot: str
    """Its name."""
    team: tuple[str, ...]
    """Everybody, in the order that decisions count rows in."""
    policy: str
    """A controller's name or the path of an ONNX file on that robot."""
    policy_sha256: str
    """Of the ONNX file; empty for a built-in controller."""
    kernels: str
    """Digest of the mathematics' sources: with another one, commands may differ."""
    command_type: str
    """``TwistStamped`` or ``Twist``."""
    odometry_topic: str
    """Pattern with ``{name}``."""
    command_topic: str
    """Pattern with ``{name}``."""
    model: RobotModel
    """Size and limits."""
    arena: Arena
    """The geofence."""

    @classmethod
    def of(cls, settings: RobotParameters, policy_sha256: str) -> "RobotSetup":
        """The setup of a robot with these checked parameters, whose controller came from a file of that hash."""
        shared = {"team", "policy", "command_type", "odometry_topic", "command_topic", "arena"}
        values = {key: getattr(settings, key) for key in shared}
        return cls(
            robot=settings.name,
            model=settings.robot,
            policy_sha256=policy_sha256,
            kernels=kernel_digest("muster_core"),
            **values,
        )

    def message(self) -> String:
        """The setup as JSON in a message."""
        return String(data=json.dumps({"format": FORMAT, **asdict(self)}))

    @classmethod
    def from_message(cls, message: String) -> "RobotSetup":
        """Read and check a setup.

        Raises:
            MusterError: no JSON, another format, or a field missing, unknown or out of range.
        """
        try:
            values: Any = json.loads(message.data)
        except (ValueError, RecursionError):
            raise MusterError("A robot's setup is no JSON") from None
        found = values.pop("format", None) if isinstance(values, dict) else None
        if found != FORMAT:
            raise MusterError(f"A robot's setup has format {found!r:.40}; this Muster reads format {FORMAT}")
        try:
            model, arena = RobotModel(**values.pop("model")), Arena(**values.pop("arena"))
            setup = cls(**(values | {"team": tuple(values["team"]), "model": model, "arena": arena}))
        except (TypeError, KeyError, AttributeError) as error:
            raise MusterError(f"A robot's setup has a field missing or unknown ({error})") from None
        texts = [entry.name for entry in fields(cls) if entry.type is str]
        if not all(isinstance(getattr(setup, name), str) for name in texts) or setup.robot not in setup.team:
            raise MusterError("A robot's setup has a field of the wrong type, or names a robot that is not in the team")
        return setup


def policy_bytes(policy: str) -> bytes:
    """The ONNX file of a policy; empty for a built-in controller, or for one's own, which a bag never holds.

    Raises:
        MusterError: there is no such file.
    """
    return b"" if policy in CONTROLLERS or is_own(policy) else read_policy(policy)


def sha256(content: bytes) -> str:
    """Its hash; empty for no content."""
    return hashlib.sha256(content).hexdigest() if content else ""
