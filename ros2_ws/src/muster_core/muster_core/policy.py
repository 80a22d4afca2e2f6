"""A trained policy as it travels: one ONNX file whose card says everything needed to run it, or to refuse it."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from muster_core.errors import MusterError, first_line
from muster_core.local_search import LocalSearch
from muster_core.observation import find_layout, observe
from muster_core.onnx_gate import check_model, check_size
from muster_core.robot import RobotModel
from muster_core.scene import Perceptions, Scene, Sensing
from muster_core.types import Array, Integers

CARD_KEY = "muster_card"
CARD_VERSION = 2


@dataclass(frozen=True)
class Card:
    """What a policy file says of itself."""

    layout: str
    """Observation layout with version, see :mod:`muster_core.observation`."""
    sensing: Sensing
    """How far and how much the robots saw in training."""
    period: float
    """Time between decisions [s]."""
    speed_ratio: tuple[float, float]
    """Range of max_speed·period/avoid distance trained for (with tolerance)."""
    prior: str
    """Name of the prior that regularised training, or ``none``."""
    program: str
    """Hash of the program that gave prior and reward, or ``builtin``."""
    commit: str
    """Git commit of the training code."""
    shared: bool = True
    """One policy for all robots."""
    finish: tuple[float, ...] | None = None
    """Gains of the local search of whoever has come to rest, see :mod:`muster_core.local_search`; None: no search."""
    scores: dict[str, float] = field(default_factory=dict)
    """Figures measured when it was exported."""
    version: int = CARD_VERSION
    """Format of the card."""

    def to_json(self) -> str:
        """The card as the text that is stored in the file."""
        return json.dumps(asdict(self), sort_keys=True, indent=1)

    @classmethod
    def from_json(cls, text: str, source: str) -> "Card":
        """Read and check a card.

        Raises:
            MusterError: names ``source``, the key and what is wrong with it.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:  # not JSON, a number of thousands of digits, nested too deeply
            raise MusterError(f"{source}: the policy card is not JSON ({first_line(error)})") from error
        if not isinstance(data, dict):
            raise MusterError(f"{source}: the policy card is a {type(data).__name__}, not a table of fields")
        if data.get("version") != CARD_VERSION:
            raise MusterError(
                f"{source}: policy card version {data.get('version')!r}; this Muster reads version {CARD_VERSION}. "
                "Export the policy again with this Muster"
            )
        known = {f.name for f in fields(cls)}
        for problem, keys in (("lacks", known - set(data)), ("has unknown", set(data) - known)):
            if keys:
                raise MusterError(
                    f"{source}: the policy card {problem} {', '.join(sorted(keys))}. Export the policy again"
                )
        return _checked(data, source)


class Policy:
    """A policy that can fly: an ONNX session with its card. It is a :class:`muster_core.controllers.Controller`."""

    def __init__(self, content: bytes, source: str, robot: RobotModel, finish: bool = True) -> None:
        """Check and load an ONNX file; ``source`` names it in errors, without ``finish`` nobody searches.

        Raises:
            MusterError: not ONNX, foreign operators, external data, no card, a card that does not fit, or a network
                that does not run.
        """
        check_model(content, source)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own exception types are not public
            raise MusterError(f"{source}: onnxruntime cannot load it ({first_line(error)})") from error
        text = self._session.get_modelmeta().custom_metadata_map.get(CARD_KEY)
        if text is None:
            raise MusterError(
                f"{source}: no policy card in it. Export it with muster-export; other ONNX files cannot fly"
            )
        self.card = Card.from_json(text, source)
        self.name = source
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.sensing = self.card.sensing
        self.period = self.card.period
        self._layout = find_layout(self.card.layout)
        self._max_speed = robot.max_speed
        gains = self.card.finish if finish else None
        self._search = None if gains is None else LocalSearch(np.array(gains), robot.max_speed)
        self._check_ports(source)
        self._try_out(source)

    @classmethod
    def load(cls, name: str, robot: RobotModel | None = None, finish: bool = True) -> "Policy":
        """The policy ``shipped``, or the one in the file ``name``.

        Raises:
            MusterError: no such file, or see the constructor.
        """
        return cls(read_policy(name), name, robot or RobotModel(), finish)

    def act(self, perceptions: Perceptions, scene: Scene, rows: Integers) -> Array:
        """Accelerations (B, 2) in [-1, 1]: the network's, or the search's where the card has one and a robot rests."""
        out = self.decide(observe(perceptions, self._layout, self._max_speed))
        if self._search is not None:
            self._search.refine(perceptions, scene, rows, out)
        return out

    def decide(self, observations: Array) -> Array:
        """Accelerations (B, 2) for observations (B, size). NaN in gives NaN out: the graph alone would hide it."""
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is caught below
            rows = observations.astype(np.float32)
        action: Array = self._session.run(None, {"observation": rows})[0].astype(np.float64)
        action[~np.isfinite(rows).all(axis=1)] = math.nan
        return action

    def check_task(self, robot: RobotModel, avoid: float) -> None:
        """Refuse a robot and avoid distance [m] that the policy was not trained for.

        Raises:
            MusterError: names the ratio, its range and the remedy.
        """
        ratio = robot.max_speed * self.period / avoid
        low, high = self.card.speed_ratio
        if not low <= ratio <= high:
            raise MusterError(
                f"{self.name}: max_speed·period/avoid is {ratio:.3f}, the policy was trained for {low:.3f} … "
                f"{high:.3f}. Change max_speed, the shape's size or the team's, or train for it"
            )

    def _check_ports(self, source: str) -> None:
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if [i.name for i in inputs] != ["observation"] or len(outputs) != 1:
            raise MusterError(
                f"{source}: inputs {[i.name for i in inputs]}, {len(outputs)} outputs; expected 'observation' and one"
            )
        shape, kind = inputs[0].shape, inputs[0].type
        if len(shape) != 2 or len(outputs[0].shape) != 2 or kind != "tensor(float)":
            raise MusterError(
                f"{source}: takes {kind} of {len(shape)} dimensions and gives {len(outputs[0].shape)}; "
                "expected tensor(float) of 2: batch and numbers"
            )
        if not isinstance(shape[0], str):
            raise MusterError(f"{source}: takes batches of {shape[0]} only; export it with a batch axis of any length")
        size, wide = shape[1], outputs[0].shape[1]
        if size != self._layout.size or wide != 2:
            raise MusterError(
                f"{source}: maps {size} numbers to {wide}; "
                f"layout {self.card.layout} has {self._layout.size} and an action 2"
            )

    def _try_out(self, source: str) -> None:
        """Decide once on nothing: a network that cannot must be refused here, not when a robot moves."""
        try:
            actions = self.decide(np.zeros((2, self._layout.size)))
        except Exception as error:  # onnxruntime's own exception types are not public
            raise MusterError(f"{source}: onnxruntime cannot run it ({first_line(error)})") from error
        if actions.shape != (2, 2) or not np.isfinite(actions).all():
            raise MusterError(f"{source}: answers zeros with {actions.tolist()}, which are not finite actions (2, 2)")


def read_policy(name: str) -> bytes:
    """The bytes of the policy ``shipped`` or of the file ``name``.

    Raises:
        MusterError: no such file, one that cannot be read, or one larger than any policy.
    """
    path = Path(name)
    if name == "shipped":
        path = Path(str(resources.files("muster_core").joinpath("policies", "shipped.onnx")))
    if not path.is_file():
        raise MusterError(f"No policy file {name!r}. Give 'shipped' or the path of a file made by muster-export")
    try:
        check_size(path.stat().st_size, str(path))
        return path.read_bytes()
    except OSError as error:
        raise MusterError(f"Policy file {name!r} cannot be read: {error.strerror}") from error


def _checked(data: dict[str, Any], source: str) -> Card:
    def fail(key: str, allowed: str) -> MusterError:
        return MusterError(f"{source}: policy card field {key} is {data[key]!r:.80}; expected {allowed}")

    sensing, ratio, period = data["sensing"], data["speed_ratio"], data["period"]
    for key in ("layout", "prior", "program", "commit"):
        if not isinstance(data[key], str):
            raise fail(key, "a text")
    if (
        not isinstance(sensing, dict)
        or set(sensing) != {f.name for f in fields(Sensing)}
        or not all(map(_number, sensing.values()))
    ):
        raise fail("sensing", f"numbers for {', '.join(f.name for f in fields(Sensing))}")
    if not all(float(sensing[key]).is_integer() for key in ("neighbours", "cells")):
        raise fail("sensing", "whole numbers for neighbours and cells")
    if not _number(period) or not 0.01 <= period <= 1.0:
        raise fail("period", "0.01 … 1 s")
    if not isinstance(ratio, list) or len(ratio) != 2 or not all(map(_number, ratio)) or not 0 < ratio[0] <= ratio[1]:
        raise fail("speed_ratio", "two rising positive numbers")
    finish = data["finish"]
    if finish is not None and not (isinstance(finish, list) and len(finish) == 7 and all(map(_number, finish))):
        raise fail("finish", "null, or the seven gains of the local search")
    if data["shared"] is not True:
        raise fail("shared", "true (one policy for all robots)")
    if not isinstance(data["scores"], dict) or not all(map(_number, data["scores"].values())):
        raise fail("scores", "a table of numbers")
    try:
        find_layout(data["layout"])
        seen = Sensing(float(sensing["radius_ratio"]), int(sensing["neighbours"]), int(sensing["cells"]))
    except MusterError as error:
        raise MusterError(f"{source}: {error}") from None
    checked = {"sensing": seen, "speed_ratio": (float(ratio[0]), float(ratio[1])), "period": float(period)}
    return Card(**{**data, **checked, "finish": None if finish is None else tuple(map(float, finish))})


def _number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond what a float can hold
        return False
