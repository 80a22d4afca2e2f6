"""The top level of a program: its functions and named numbers. Constants are folded here; nothing is evaluated."""

import ast
from dataclasses import dataclass, field
from typing import TypeAlias

from muster_prompts.api_text import HELPERS, STATES
from muster_prompts.facade import BUILTINS, CONSTANTS
from muster_prompts.grammar import REFUSED_NODES, is_annotation, is_module
from muster_prompts.refusal import Refusal

MAX_FUNCTIONS = 24
MAX_INTEGER = 2**31
Value: TypeAlias = float | int | bool | tuple[float | int | bool, ...]
"""What a named number may stand for."""


@dataclass(frozen=True)
class Interface:
    """The functions that a program must define."""

    functions: dict[str, int]
    """Name and number of parameters."""
    example: str
    """How they begin, for messages."""


PROGRAM = Interface({"prior": 1, "reward": 1}, "def prior(robot): and def reward(robot):")
DISTANCE = Interface({"sdf": 2}, "def sdf(x, y):")


@dataclass
class Outline:
    """What a program consists of."""

    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    """In the order of the text."""
    constants: dict[str, Value] = field(default_factory=dict)
    """Numbers given names at the top level."""


def outline_of(tree: ast.Module, found: list[Refusal]) -> Outline:
    """Functions and named numbers of the program; what else stands at the top level is added to ``found``."""
    outline = Outline()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            if (
                node.name in outline.functions
                or node.name in BUILTINS
                or node.name in {"np", "math"}
                or node.name.startswith("__")
            ):
                found.append(
                    Refusal(
                        "name",
                        f"the function {node.name} has a name that is taken",
                        "Give it another name",
                        node.lineno,
                    )
                )
            outline.functions[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            _constant(node, outline, found)
        elif not (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        ):
            message, remedy = REFUSED_NODES.get(
                type(node), ("only functions and named numbers stand at the top level", "Move it into a function")
            )
            found.append(Refusal("construct", message, remedy, node.lineno))
    if len(outline.functions) > MAX_FUNCTIONS:
        found.append(
            Refusal(
                "construct", f"there are {len(outline.functions)} functions; at most {MAX_FUNCTIONS}", "Write fewer"
            )
        )
    return outline


def _constant(node: ast.Assign | ast.AnnAssign, outline: Outline, found: list[Refusal]) -> None:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if isinstance(node, ast.AnnAssign) and not is_annotation(node.annotation):
        found.append(Refusal("construct", "an annotation is no type", "Write a type, or delete it", node.lineno))
    value = fold(node.value, outline.constants) if node.value is not None else None
    name = targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else ""
    if value is None or not name:
        remedy = "Use plain arithmetic with numbers, or move it into a function"
        found.append(Refusal("construct", "only NAME = number stands at the top level", remedy, node.lineno))
    elif name.startswith("__") or name in {"np", "math", *STATES, *BUILTINS, *HELPERS}:
        found.append(Refusal("name", f"the name {name} is taken", "Choose another name", node.lineno))
    else:
        outline.constants[name] = value


def fold(node: ast.expr, constants: dict[str, Value]) -> Value | None:
    """The number (or tuple of numbers) that a constant expression stands for, or None where it is anything else."""
    if isinstance(node, ast.Tuple | ast.List):
        values = [fold(part, constants) for part in node.elts]
        plain = [value for value in values if isinstance(value, int | float)]
        return tuple(plain) if 1 <= len(plain) == len(values) <= 64 else None
    if isinstance(node, ast.Name):
        return constants.get(node.id)
    if isinstance(node, ast.Attribute) and is_module(node.value):
        return CONSTANTS.get(node.attr)
    if isinstance(node, ast.BinOp):
        return _fold_operation(node, constants)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = fold(node.operand, constants)
        return -value if isinstance(value, int | float) else None
    return plain_number(node)


def _fold_operation(node: ast.BinOp, constants: dict[str, Value]) -> float | None:
    left, right = fold(node.left, constants), fold(node.right, constants)
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        return None
    a, b = float(left), float(right)
    try:
        match node.op:
            case ast.Add():
                return a + b
            case ast.Sub():
                return a - b
            case ast.Mult():
                return a * b
            case ast.Div():
                return a / b
            case ast.Pow():
                power = a**b
                return power if isinstance(power, float) else None
            case _:
                return None
    except (OverflowError, ZeroDivisionError):
        return None


def plain_number(node: ast.AST) -> float | int | bool | None:
    """The value of a plain number, a sign before it allowed."""
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node, sign = node.operand, -1
    if not isinstance(node, ast.Constant) or not isinstance(node.value, int | float):
        return None
    if isinstance(node.value, int) and abs(node.value) > MAX_INTEGER:
        return None
    return node.value if isinstance(node.value, bool) and sign == 1 else sign * node.value
