"""``--help`` of the programs that are nodes: what they take are ROS parameters, which ROS itself does not list."""

import json
from collections.abc import Mapping, Sequence
from typing import Any


def answer_help(
    arguments: Sequence[str],
    program: str,
    about: str | None,
    parameters: Mapping[str, Any],
    options: Mapping[str, str] | None = None,
) -> bool:
    """Print help where ``arguments`` (the command line, program first) ask for it; returns whether they did.

    Args:
        arguments: what lies beyond ``--ros-args`` is ROS's own.
        program: name of the command.
        about: its module's docstring, of which the first paragraph is shown.
        parameters: name and default of every ROS parameter.
        options: name and meaning of every other option.
    """
    own = list(arguments[1:])
    own = own[: own.index("--ros-args")] if "--ros-args" in own else own
    if not {"-h", "--help"} & set(own):
        return False
    options = options or {}
    print(" ".join(["usage:", program, *(f"[{name}]" for name in options), "[--ros-args -p NAME:=VALUE …]"]))
    print("\n" + (about or "").strip().split("\n\n")[0] + "\n")
    for name, meaning in options.items():
        print(f"  {name:26} {meaning}")
    print("ROS parameters and their defaults:")
    for name, default in parameters.items():
        print(f"  {name:26} {json.dumps(default)}")
    return True
