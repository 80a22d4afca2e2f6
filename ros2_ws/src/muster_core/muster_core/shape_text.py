"""A shape as text that travels: what ``muster-shape show … --save`` writes and ``muster-operator shape`` sends.

Robots and operators read neither pictures nor polygons, which takes libraries that parse hostile files; whoever has the
simulation turns them into cells once, and the cells travel. The text is JSON with one string of ``#`` and ``.`` per row.
"""

import json
import math
from pathlib import Path

import numpy as np

from muster_core.errors import MusterError
from muster_core.shape import Shape

SUFFIX = ".shape"
"""Of a file that holds such a text."""
FORMAT = 1
"""Of the text; others are refused."""
LARGEST = 4_000_000
"""Characters of a text, at most: room for the largest lattice."""


def is_shape_text(text: str) -> bool:
    """Whether ``text`` is meant as a shape's text rather than as a name or as letters to draw."""
    return text.lstrip().startswith("{")


def write_shape_text(name: str, shape: Shape) -> str:
    """The shape, size and place included, under a ``name`` for people."""
    rows = ["".join("#" if cell else "." for cell in row) for row in shape.occupancy[::-1].tolist()]
    x, y = shape.centre.tolist()
    facts = {"muster_shape": FORMAT, "name": name, "pitch_m": shape.pitch, "x_m": x, "y_m": y, "yaw_rad": shape.yaw}
    return json.dumps({**facts, "rows": rows}, indent=1, ensure_ascii=False) + "\n"


def read_shape_text(text: str) -> tuple[str, Shape]:
    """Name and shape of a text.

    Raises:
        MusterError: it is too long, no JSON, of another format, or a value is wrong; the message says which.
    """
    if len(text) > LARGEST:
        raise MusterError(f"A shape's text of {len(text)} characters is too long; at most {LARGEST}")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MusterError(f"A shape's text is JSON; this is not: {str(error).splitlines()[0]}") from None
    if not isinstance(content, dict) or content.get("muster_shape") != FORMAT:
        raise MusterError(
            f"This text holds no shape of format {FORMAT}; make one: muster-shape show FILE --save FILE{SUFFIX}"
        )
    name, rows = content.get("name"), content.get("rows")
    if not isinstance(name, str) or not isinstance(rows, list) or not rows:
        raise MusterError("A shape's text needs a name and its rows")
    if not all(isinstance(row, str) and len(row) == len(rows[0]) and set(row) <= {"#", "."} for row in rows):
        raise MusterError("A shape's rows are strings of # and . , all of one length")
    pitch, x, y, yaw = (_number(content, key) for key in ("pitch_m", "x_m", "y_m", "yaw_rad"))
    occupancy = np.array([[cell == "#" for cell in row] for row in rows[::-1]])
    return name, Shape.from_array(occupancy.reshape(len(rows), -1), pitch).moved(x, y, yaw)


def read_shape_file(path: Path) -> tuple[str, Shape]:
    """Name and shape of a file.

    Raises:
        MusterError: it cannot be read, or its text is refused.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        return read_shape_text(data.decode("utf-8"))
    except (OSError, ValueError) as error:
        reason = "is not UTF-8 text" if isinstance(error, UnicodeError) else getattr(error, "strerror", None) or error
        raise MusterError(f"Cannot read {str(path)!r}: {reason}") from None
    except MusterError as error:
        raise MusterError(f"{path}: {error}") from None


def _number(content: dict[str, object], key: str) -> float:
    value = content.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise MusterError(f"A shape's {key} is {value!r}; it must be a finite number")
    return float(value)
