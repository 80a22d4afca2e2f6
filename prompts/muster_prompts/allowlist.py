"""The allow-list: the numeric subset of Python that a program may be written in, and a sentence for everything else.

What is not named here is refused. The checks run on the syntax tree alone; nothing of the program is evaluated.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from muster_prompts.api_text import FIELDS, HELPERS, METHOD_HELPERS, STATES
from muster_prompts.facade import ATTRIBUTES, BUILTINS, CONSTANTS, DTYPES, MATH, METHODS, NUMPY
from muster_prompts.refusal import Refusal, Refused

MAX_FUNCTIONS = 24
MAX_REFUSALS = 8
"""Refusals reported at once."""
MAX_INTEGER = 2**31
LOOPS_ONLY = {"range", "enumerate", "zip"}
"""Built-in functions that may only be looped over."""

REFUSED_NODES: dict[type[ast.AST], tuple[str, str]] = {
    ast.Import: ("imports are not offered", "Delete the line: np, math, FREE, MINE and OTHERS are there already"),
    ast.ImportFrom: ("imports are not offered", "Delete the line: np, math, FREE, MINE and OTHERS are there already"),
    ast.While: ("while loops are not offered, because a program must end", "Use for with range(...) or over an array"),
    ast.Lambda: ("lambda is not offered", "Write a function at the top of the program"),
    ast.ClassDef: ("classes are not offered", "Write plain functions"),
    ast.AsyncFunctionDef: ("async functions are not offered", "Write plain functions"),
    ast.Try: ("try is not offered", "Test the condition with if"),
    ast.With: ("with is not offered", "A program computes numbers only; delete it"),
    ast.Raise: ("raise is not offered", "Return a number for every perception"),
    ast.Assert: ("assert is not offered", "Return a number for every perception"),
    ast.Delete: ("del is not offered", "Delete the line"),
    ast.Global: ("global is not offered", "Pass values as arguments and return them"),
    ast.Nonlocal: ("nonlocal is not offered", "Pass values as arguments and return them"),
    ast.JoinedStr: ("text is not offered", "A program computes numbers only"),
    ast.Dict: ("dictionaries are not offered", "Use variables or arrays"),
    ast.Set: ("sets are not offered", "Use a list or an array"),
    ast.DictComp: ("dictionaries are not offered", "Use variables or arrays"),
    ast.SetComp: ("sets are not offered", "Use a list comprehension"),
    ast.NamedExpr: ("assigning inside an expression is not offered", "Assign on a line of its own"),
    ast.Starred: ("* is not offered", "Write the values out"),
    ast.Match: ("match is not offered", "Use if and elif"),
    ast.Yield: ("yield is not offered", "Return one value"),
    ast.YieldFrom: ("yield is not offered", "Return one value"),
    ast.Await: ("await is not offered", "Write plain functions"),
}
ALLOWED_NODES: tuple[type[ast.AST], ...] = (
    ast.Return, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.For, ast.If, ast.Expr, ast.Pass, ast.Break, ast.Continue,
    ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.IfExp, ast.ListComp, ast.GeneratorExp, ast.Compare, ast.Call, ast.Constant,
    ast.Attribute, ast.Subscript, ast.Name, ast.List, ast.Tuple, ast.Slice, ast.Load, ast.Store, ast.And, ast.Or,
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult, ast.BitAnd, ast.BitOr, ast.BitXor,
    ast.UAdd, ast.USub, ast.Not, ast.Invert, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Is, ast.IsNot,
    ast.comprehension, ast.keyword,
)  # fmt: skip


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
    constants: dict[str, float | int | bool | tuple[float | int | bool, ...]] = field(default_factory=dict)
    """Numbers given names at the top level."""


def check(tree: ast.Module, interface: Interface) -> Outline:
    """Check the whole program.

    Raises:
        Refused: with up to ``MAX_REFUSALS`` reasons.
    """
    found: list[Refusal] = []
    outline = _outline(tree, found)
    for name, parameters in interface.functions.items():
        if name not in outline.functions:
            found.append(Refusal("interface", f"the function {name} is missing", f"Define {interface.example}"))
        elif len(outline.functions[name].args.args) != parameters or outline.functions[name].args.defaults:
            message = f"{name} must take {parameters} parameter{'s' * (parameters > 1)} without defaults"
            found.append(Refusal("interface", message, f"Define {interface.example}", outline.functions[name].lineno))
    calls: dict[str, set[str]] = {}
    for name, function in outline.functions.items():
        checker = FunctionChecker(function, outline)
        found += checker.refusals
        calls[name] = checker.called
    found += _recursions(calls, outline)
    if found:
        raise Refused(sorted(found, key=lambda refusal: refusal.line or 0)[:MAX_REFUSALS])
    return outline


class FunctionChecker:
    """Walks one function and collects refusals."""

    def __init__(self, function: ast.FunctionDef, outline: Outline) -> None:
        """Walk ``function``; the results are in the attributes."""
        self.refusals: list[Refusal] = []
        self.called: set[str] = set()
        """Functions of the program that it calls."""
        self._outline = outline
        self._signature(function)
        self._parents = {id(child): node for node in ast.walk(function) for child in ast.iter_child_nodes(node)}
        self._locals = set(_bound_names(function))
        for statement in function.body:
            self._visit(statement)
        for name in sorted(self._locals & {"np", "math", *STATES}):
            self._refuse(
                function, "name", f"{name} is assigned to", f"Choose another name: {name} has a meaning already"
            )

    def _refuse(self, node: ast.AST, kind: str, message: str, remedy: str) -> None:
        self.refusals.append(Refusal(kind, message, remedy, getattr(node, "lineno", None)))

    def _signature(self, function: ast.FunctionDef) -> None:
        arguments = function.args
        if function.decorator_list:
            self._refuse(function, "construct", "decorators are not offered", "Delete them")
        if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs:
            self._refuse(function, "construct", "*, / and ** in parameters are not offered", "Use plain parameters")
        for default in arguments.defaults:
            if not isinstance(default, ast.Constant | ast.UnaryOp) or _number(default) is None:
                self._refuse(default, "construct", "a default is not a plain number", "Use a plain number as default")

    def _visit(self, node: ast.AST) -> None:
        if type(node) in REFUSED_NODES:
            self._refuse(node, "construct", *REFUSED_NODES[type(node)])
            return
        if isinstance(node, ast.FunctionDef):
            message = f"the function {node.name} is defined inside another one"
            self._refuse(node, "construct", message, "Define it at the top of the program and pass what it needs")
            return
        if not isinstance(node, ALLOWED_NODES):
            name = type(node).__name__
            self._refuse(self._placed(node), "construct", f"{name} is not offered", "Use plain arithmetic, if and for")
            return
        visit = getattr(self, f"_visit_{type(node).__name__.lower()}", None)
        if visit is not None:
            visit(node)
        if isinstance(node, ast.Call):
            self._visit_call_parts(node)
        elif isinstance(node, ast.AnnAssign):
            for child in (node.target, node.value):
                if child is not None:
                    self._visit(child)
        elif not isinstance(node, ast.Attribute) or not _is_module(node.value):
            for child in ast.iter_child_nodes(node):
                self._visit(child)

    def _placed(self, node: ast.AST) -> ast.AST:
        while not hasattr(node, "lineno") and id(node) in self._parents:
            node = self._parents[id(node)]
        return node

    def _visit_return(self, node: ast.Return) -> None:
        if node.value is None:
            self._refuse(node, "construct", "return without a value", "Return a value")

    def _visit_assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._check_target(target)

    def _visit_augassign(self, node: ast.AugAssign) -> None:
        self._check_target(node.target)
        if isinstance(node.op, ast.MatMult):
            self._refuse(node, "construct", "@= is not offered", "Write a = a @ b")

    def _visit_annassign(self, node: ast.AnnAssign) -> None:
        self._check_target(node.target)

    def _check_target(self, target: ast.expr, nested: bool = False) -> None:
        if isinstance(target, ast.Tuple | ast.List) and 1 <= len(target.elts) <= 4:
            for part in target.elts:
                self._check_target(part, nested=True)
        elif isinstance(target, ast.Attribute):
            self._refuse(
                target,
                "construct",
                f"the attribute {target.attr} is assigned to",
                "What robot offers cannot be changed; use a variable",
            )
        elif not isinstance(target, ast.Name | ast.Subscript):
            self._refuse(
                target, "construct", "this cannot be assigned to here", "Assign to names, at most four at once"
            )

    def _visit_for(self, node: ast.For) -> None:
        self._check_target(node.target)
        if node.orelse:
            self._refuse(
                node, "construct", "else after a loop is not offered", "Use a variable that says whether it broke off"
            )

    def _visit_expr(self, node: ast.Expr) -> None:
        text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        if not text and not isinstance(node.value, ast.Call):
            self._refuse(node, "construct", "this line computes something and drops it", "Assign it or delete it")

    def _visit_constant(self, node: ast.Constant) -> None:
        value, parent = node.value, self._parents.get(id(node))
        if isinstance(value, str) and isinstance(parent, ast.Expr):
            return
        if isinstance(value, str | bytes):
            self._refuse(node, "construct", "text is not offered", "A program computes numbers only")
        elif isinstance(value, complex):
            self._refuse(node, "construct", "complex numbers are not offered", "Use plain numbers")
        elif isinstance(value, int) and abs(value) > MAX_INTEGER:
            self._refuse(node, "construct", "the number is larger than 2**31", "Use a smaller number")

    def _visit_name(self, node: ast.Name) -> None:
        name = node.id
        if name.startswith("__"):
            self._refuse(node, "name", f"the name {name} begins with two underscores", "Choose another name")
        elif isinstance(node.ctx, ast.Load) and name not in self._locals | set(self._outline.constants) | set(STATES):
            self._refuse(node, "name", *_unknown_name(name, self._outline))

    def _visit_attribute(self, node: ast.Attribute) -> None:
        if _is_module(node.value):
            module = node.value.id if isinstance(node.value, ast.Name) else "np.linalg"
            if not (node.attr in CONSTANTS or (module == "np" and node.attr in {"newaxis", *DTYPES})):
                self._refuse(
                    node, "name", f"{module}.{node.attr} is not offered", "See the list of functions of np and math"
                )
        elif node.attr not in ATTRIBUTES and node.attr not in FIELDS:
            self._refuse(node, "name", f"the attribute {node.attr} is not offered", f"robot has: {', '.join(FIELDS)}")

    def _visit_call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Name):
            self._check_named_call(node, function)
        elif isinstance(function, ast.Attribute) and _is_module(function.value):
            name = ast.unparse(function)
            offered = MATH if name.startswith("math.") else NUMPY
            if name.split(".", 1)[1] not in {*offered, *(DTYPES if offered is NUMPY else ())}:
                self._refuse(node, "name", f"{name} is not offered", _advice(name))
        elif isinstance(function, ast.Attribute):
            if function.attr not in METHODS and function.attr not in METHOD_HELPERS:
                message = f"the method {function.attr} is not offered"
                self._refuse(
                    node, "name", message, f"robot has: {', '.join(METHOD_HELPERS)}; arrays have: {', '.join(METHODS)}"
                )
        else:
            self._refuse(node, "construct", "only functions called by name are offered", "Call a function by its name")

    def _check_named_call(self, node: ast.Call, function: ast.Name) -> None:
        name = function.id
        if name in self._locals:
            message = f"{name} is called, but it is also a variable here"
            self._refuse(node, "name", message, "Give the variable another name")
        elif name in self._outline.functions:
            self.called.add(name)
        elif name not in BUILTINS and name not in HELPERS:
            self._refuse(node, "name", f"the function {name} is not offered", _advice(name))
        elif name in LOOPS_ONLY and not self._is_looped_over(node):
            self._refuse(
                node,
                "construct",
                f"{name}(...) may only be looped over",
                f"Write it after 'in': for ... in {name}(...)",
            )

    def _is_looped_over(self, node: ast.AST) -> bool:
        parent = self._parents.get(id(node))
        return isinstance(parent, ast.For | ast.comprehension) and parent.iter is node

    def _visit_call_parts(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
            self._visit(node.func.value)
        dtype_place = isinstance(node.func, ast.Attribute) and node.func.attr == "astype"
        for argument in node.args:
            if dtype_place or _is_dtype(argument):
                if not _is_dtype(argument) or not isinstance(node.func, ast.Attribute):
                    self._refuse(
                        argument, "name", "this is not a number type that is offered here", "Use float, int or bool"
                    )
            elif isinstance(argument, ast.GeneratorExp) and not _takes_generator(node):
                self._refuse(
                    argument, "construct", "a generator is not offered here", "Use a list: [... for ... in ...]"
                )
            else:
                self._visit(argument)
        for keyword in node.keywords:
            if keyword.arg is None:
                self._refuse(node, "construct", "** is not offered", "Write the arguments out")
            elif keyword.arg == "dtype":
                if not _is_dtype(keyword.value):
                    self._refuse(node, "name", "this dtype is not offered", "Use float, int or bool")
            else:
                self._visit(keyword.value)

    def _visit_listcomp(self, node: ast.ListComp | ast.GeneratorExp) -> None:
        for generator in node.generators:
            self._check_target(generator.target)
            if generator.is_async:
                self._refuse(node, "construct", "async is not offered", "Use a plain comprehension")
        if len(node.generators) > 2:
            self._refuse(node, "construct", "a comprehension over more than two things", "Use for loops")

    def _visit_generatorexp(self, node: ast.GeneratorExp) -> None:
        if not isinstance(self._parents.get(id(node)), ast.Call):
            self._refuse(node, "construct", "a generator is not offered here", "Use a list: [... for ... in ...]")
        self._visit_listcomp(node)


def _outline(tree: ast.Module, found: list[Refusal]) -> Outline:
    outline = Outline()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            if (
                node.name in outline.functions
                or node.name in HELPERS
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
    value = fold(node.value, outline.constants) if node.value is not None else None
    name = targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else ""
    if value is None or not name:
        remedy = "Use plain arithmetic with numbers, or move it into a function"
        found.append(Refusal("construct", "only NAME = number stands at the top level", remedy, node.lineno))
    elif name.startswith("__") or name in {"np", "math", *STATES, *BUILTINS, *HELPERS}:
        found.append(Refusal("name", f"the name {name} is taken", "Choose another name", node.lineno))
    else:
        outline.constants[name] = value


def fold(
    node: ast.expr, constants: dict[str, float | int | bool | tuple[float | int | bool, ...]]
) -> float | int | bool | tuple[float | int | bool, ...] | None:
    """The number (or tuple of numbers) that a constant expression stands for, or None where it is anything else."""
    if isinstance(node, ast.Tuple | ast.List):
        values = [fold(part, constants) for part in node.elts]
        plain = [value for value in values if isinstance(value, int | float)]
        return tuple(plain) if 1 <= len(plain) == len(values) <= 64 else None
    if isinstance(node, ast.Name):
        return constants.get(node.id)
    if isinstance(node, ast.Attribute) and _is_module(node.value):
        return CONSTANTS.get(node.attr)
    if isinstance(node, ast.BinOp):
        return _fold_operation(node, constants)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = fold(node.operand, constants)
        return -value if isinstance(value, int | float) else None
    return _number(node)


def _fold_operation(
    node: ast.BinOp, constants: dict[str, float | int | bool | tuple[float | int | bool, ...]]
) -> float | None:
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


def _number(node: ast.AST) -> float | int | bool | None:
    """The value of a plain number, a sign before it allowed."""
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node, sign = node.operand, -1
    if not isinstance(node, ast.Constant) or not isinstance(node.value, int | float):
        return None
    if isinstance(node.value, int) and abs(node.value) > MAX_INTEGER:
        return None
    return node.value if isinstance(node.value, bool) and sign == 1 else sign * node.value


def _bound_names(function: ast.FunctionDef) -> Iterator[str]:
    arguments = function.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        yield argument.arg
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _is_module(node: ast.expr) -> bool:
    """Whether ``node`` is np, math or np.linalg."""
    if isinstance(node, ast.Attribute):
        return node.attr == "linalg" and isinstance(node.value, ast.Name) and node.value.id == "np"
    return isinstance(node, ast.Name) and node.id in {"np", "math"}


def _is_dtype(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and node.value.id == "np" and node.attr in DTYPES
    return isinstance(node, ast.Name) and node.id in {"float", "int", "bool"}


def _takes_generator(node: ast.Call) -> bool:
    return (
        isinstance(node.func, ast.Name)
        and node.func.id in {"sum", "min", "max", "any", "all", "sorted"}
        and len(node.args) == 1
    )


def _unknown_name(name: str, outline: Outline) -> tuple[str, str]:
    if name in outline.functions or name in BUILTINS or name in HELPERS:
        return f"the function {name} is used without being called", f"Call it: {name}(...)"
    if name in {"np", "math"}:
        return f"{name} stands alone", f"Use one of its functions, for example {name}.sqrt(x)"
    return f"the name {name} is unknown", "Define it first; a program sees its own functions and variables only"


def _advice(name: str) -> str:
    known = {
        "np.empty": "Use np.zeros", "np.empty_like": "Use np.zeros_like", "print": "Delete it", "isinstance": "Delete the test",
        "np.random": "A program must give the same answer every time", "list": "Use a comprehension: [x for x in ...]",
    }  # fmt: skip
    for key, advice in known.items():
        if name.startswith(key):
            return advice
    return "Use plain arithmetic, or a function of robot, np or math that is listed"


def _recursions(calls: dict[str, set[str]], outline: Outline) -> list[Refusal]:
    """One refusal for each function that can come back to itself."""
    reach = {name: set(called) for name, called in calls.items()}
    for _ in reach:
        for name in reach:
            reach[name] |= {further for called in reach[name] for further in reach.get(called, ())}
    return [
        Refusal(
            "construct", f"{name} calls itself", "Recursion is not offered: use a loop", outline.functions[name].lineno
        )
        for name in reach
        if name in reach[name]
    ]
