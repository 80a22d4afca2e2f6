"""Controllers of one's own, named by where they stand: ``my_controller.py:Class`` or ``package.module:Class``.

The class is called with the robot's model and must give what :class:`muster_core.controllers.Controller` describes.
This runs the file that is named, as Python would: name only files that you trust. No message and no bag can name one.
"""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from muster_core.controllers import PERIOD, Controller
from muster_core.errors import MusterError, first_line
from muster_core.robot import RobotModel
from muster_core.scene import Perceptions, Scene, Sensing
from muster_core.types import Array, Integers


class OwnController(Controller):
    """Another's controller behind a check of what it answers, so that a mistake is told and not flown."""

    def __init__(self, name: str, inner: Any) -> None:  # noqa: ANN401 - whatever the file holds
        """``inner`` decides; what it leaves unsaid is as for the hand-written controllers.

        Raises:
            MusterError: it has no ``act``, or a sensing or period that is none.
        """
        self.name = name
        self.sensing = getattr(inner, "sensing", None) or Sensing()
        self.period = getattr(inner, "period", PERIOD)
        self._inner = inner
        if not callable(getattr(inner, "act", None)):
            raise MusterError(f"{name} has no method act(perceptions, scene, rows)")
        if not isinstance(self.sensing, Sensing):
            raise MusterError(f"{name}: sensing is {self.sensing!r:.80}; it must be a muster_core.scene.Sensing")
        if not isinstance(self.period, float) or not 0.0 < self.period <= 1.0:
            raise MusterError(f"{name}: period is {self.period!r:.80}; it must be seconds above 0 and at most 1.0")

    def act(self, perceptions: Perceptions, scene: Scene, rows: Integers) -> Array:
        """See :class:`Controller`.

        Raises:
            MusterError: the answer is not one row of two float64 numbers for each robot asked for.
        """
        accelerations: Array = self._inner.act(perceptions, scene, rows)
        if getattr(accelerations, "shape", None) != (len(rows), 2) or accelerations.dtype != "float64":
            found = f"{getattr(accelerations, 'dtype', type(accelerations).__name__)}"
            found += f" of shape {getattr(accelerations, 'shape', '–')}"
            raise MusterError(f"{self.name} answered {found}; expected float64 of shape ({len(rows)}, 2)")
        return accelerations

    def check_task(self, robot: RobotModel, avoid: float) -> None:
        """What the controller itself refuses; by default nothing."""
        if hasattr(self._inner, "check_task"):
            self._inner.check_task(robot, avoid)


def is_own(name: str) -> bool:
    """Whether ``name`` says where a controller of one's own stands."""
    return ":" in name


def load_own(name: str, robot: RobotModel) -> Controller:
    """The controller at ``name``: a Python file or an importable module, a colon, a class.

    Raises:
        MusterError: no such file, module or class, one that cannot be made, or one that is no controller.
    """
    place, _, wanted = name.rpartition(":")
    module = _from_file(Path(place)) if place.endswith(".py") else _from_module(place)
    if not isinstance(getattr(module, wanted, None), type):
        there = [key for key, value in vars(module).items() if isinstance(value, type) and hasattr(value, "act")]
        raise MusterError(f"{place} has no class {wanted!r}. Controllers there: {', '.join(there) or 'none'}")
    try:
        inner = getattr(module, wanted)(robot)
    except TypeError as error:
        raise MusterError(f"{name} cannot be made with a robot's model: {first_line(error)}") from error
    return OwnController(name, inner)


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise MusterError(f"There is no file {str(path)!r} with a controller")
    key = f"muster_own_{path.stem}"
    spec = importlib.util.spec_from_file_location(key, path)
    if spec is None or spec.loader is None:
        raise MusterError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[key] = module  # as an import does: dataclasses of the file look for it there
    try:
        spec.loader.exec_module(module)
    except (ImportError, SyntaxError, UnicodeDecodeError, ValueError) as error:
        raise MusterError(f"{path} cannot be imported: {first_line(error)}") from error
    return module


def _from_module(place: str) -> ModuleType:
    try:
        return importlib.import_module(place)
    except (ImportError, SyntaxError, ValueError, TypeError) as error:
        raise MusterError(f"Module {place!r} cannot be imported: {first_line(error)}") from error
