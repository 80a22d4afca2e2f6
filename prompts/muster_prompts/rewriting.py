"""From the program as written to the program as compiled: the same meaning in the words that nopython mode knows.

``robot.helper(x)`` becomes a call of the helper's kernel, ``np.f`` and array methods calls of the facade's entries,
loops take their length from a budget, tuples are unpacked by index. After it no attribute is left but fields and
shapes, and no name but the program's own and those that :func:`namespace` binds. Line numbers stay those of the text.
"""

import ast
from typing import Any

import numpy as np

from muster_prompts.api_text import HELPERS, METHOD_HELPERS, STATES
from muster_prompts.facade import BUILTINS, CONSTANTS, DTYPES, MATH, METHODS, NUMPY
from muster_prompts.grammar import is_dtype, is_module
from muster_prompts.numpy_forms import bounding, making, reducing
from muster_prompts.outline import Outline
from muster_prompts.work import count_operations, operations_of

BUDGET = "__budget"
"""First parameter of every function of a compiled program: int64 (1,), the loop rounds left."""
FLAT_ARGUMENTS = {
    "array",
    "asarray",
    "concatenate",
    "stack",
    "vstack",
    "hstack",
    "column_stack",
    "zeros",
    "ones",
    "full",
    "reshape",
}
"""Entries whose list arguments are better tuples: numba keeps the types of a tuple's parts apart."""


def namespace(outline: Outline) -> dict[str, Any]:
    """What the names of a rewritten program stand for; its own compiled functions are still to be added."""
    return {
        "__builtins__": {},
        **outline.constants,
        **STATES,
        **{entry_name("api", name): helper for name, helper in HELPERS.items()},
        **{entry_name("np", name): function for name, function in {**NUMPY, **making.METHOD_ENTRIES}.items()},
        **{entry_name("math", name): function for name, function in MATH.items()},
        **{entry_name("python", name): function for name, function in BUILTINS.items()},
        **{entry_name("bound", name): function for name, function in bounding.ENTRIES.items()},
        **{entry_name("type", name): dtype for name, dtype in DTYPES.items()},
        entry_name("python", "min1"): reducing.ENTRIES["min"],
        entry_name("python", "max1"): reducing.ENTRIES["max"],
        entry_name("python", "abs"): np.abs,
    }


def rewrite(function: ast.FunctionDef, outline: Outline) -> ast.FunctionDef:
    """``function`` as it is compiled. It must have passed the allow-list."""
    made = _Rewriter(outline).visit_function(function)
    ast.fix_missing_locations(made)
    return made


class _Rewriter(ast.NodeTransformer):
    """One function; see the module."""

    def __init__(self, outline: Outline) -> None:
        self._outline = outline
        self._operations = operations_of(outline)
        self._items = 0

    def visit_function(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """The whole function, its annotations left out."""
        parameters = [ast.arg(BUDGET), *(ast.arg(argument.arg) for argument in node.args.args)]
        arguments = ast.arguments(
            posonlyargs=[], args=parameters, kwonlyargs=[], kw_defaults=[], defaults=node.args.defaults
        )
        body = [made for statement in node.body for made in self._statement(statement)]
        made = ast.FunctionDef(node.name, arguments, body or [ast.Pass()], [])
        return ast.copy_location(made, node)

    def _statement(self, node: ast.stmt) -> list[ast.stmt]:
        made = self.visit(node)
        return made if isinstance(made, list) else [] if made is None else [made]

    def visit_Expr(self, node: ast.Expr) -> ast.stmt | None:
        if isinstance(node.value, ast.Constant):
            return None  # a docstring
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:  # noqa: ANN401
        if node.value is None:
            return None
        return self.visit(ast.copy_location(ast.Assign([node.target], node.value), node))

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        targets = [target for target in node.targets if isinstance(target, ast.Tuple | ast.List)]
        self.generic_visit(node)
        if targets and not isinstance(node.value, ast.Tuple):
            node.value = _call("bound", f"unpack{len(targets[0].elts)}", [node.value], node)
        return node

    def visit_If(self, node: ast.If) -> ast.stmt:
        node.test = self.visit(node.test)
        node.body = [made for part in node.body for made in self._statement(part)] or [
            ast.copy_location(ast.Pass(), node)
        ]
        node.orelse = [made for part in node.orelse for made in self._statement(part)]
        return node

    def visit_For(self, node: ast.For) -> ast.stmt:
        node.iter = self._loop(node.iter, count_operations(node.body, self._operations))
        unpacking: list[ast.stmt] = []
        node.target = self._plain_target(node.target, unpacking)
        node.body = unpacking + [made for part in node.body for made in self._statement(part)]
        node.body = node.body or [ast.copy_location(ast.Pass(), node)]
        return node

    def _plain_target(self, target: ast.expr, unpacking: list[ast.stmt]) -> ast.expr:
        """A single name for ``target``, with the statements that unpack it."""
        if not isinstance(target, ast.Tuple | ast.List):
            return target
        self._items += 1
        item = f"__item{self._items}"
        later: list[ast.stmt] = []
        parts = [self._plain_target(part, later) for part in target.elts]
        value = _call("bound", f"unpack{len(parts)}", [ast.Name(item, ast.Load())], target)
        unpacking.append(ast.copy_location(ast.Assign([ast.Tuple(parts, ast.Store())], value), target))
        unpacking += later
        return ast.copy_location(ast.Name(item, ast.Store()), target)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.expr:
        return self.visit_ListComp(ast.copy_location(ast.ListComp(node.elt, node.generators), node))

    def visit_ListComp(self, node: ast.ListComp) -> ast.expr:
        parts: dict[str, ast.expr] = {}
        operations = count_operations([node.elt, *(g.iter for g in node.generators[1:])], self._operations)
        for generator in node.generators:
            generator.iter = self._loop(_Substitution(parts).visit(generator.iter), operations)
            generator.target = self._indexed_target(generator.target, parts)
            generator.ifs = [self.visit(_Substitution(parts).visit(test)) for test in generator.ifs]
        node.elt = self.visit(_Substitution(parts).visit(node.elt))
        return node

    def _indexed_target(self, target: ast.expr, parts: dict[str, ast.expr], whole: ast.expr | None = None) -> ast.expr:
        """A single name for ``target``; in ``parts`` what the names in it stand for, as items of that one."""
        if not isinstance(target, ast.Tuple | ast.List):
            if whole is not None and isinstance(target, ast.Name):
                parts[target.id] = whole
            elif isinstance(target, ast.Name):
                parts.pop(target.id, None)
            return target
        made: ast.expr = target
        if whole is None:
            self._items += 1
            name = f"__item{self._items}"
            whole, made = ast.Name(name, ast.Load()), ast.copy_location(ast.Name(name, ast.Store()), target)
        for index, part in enumerate(target.elts):
            self._indexed_target(part, parts, ast.Subscript(whole, ast.Constant(index), ast.Load()))
        return made

    def _loop(self, node: ast.expr, operations: int) -> ast.expr:
        """The iterable, bounded; ``operations`` are those of one round."""
        cost = ast.Constant(operations)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {"range", "enumerate", "zip"}
        ):
            name = node.func.id
            if name == "range":
                arguments = [self.visit(argument) for argument in node.args]
                return _call("bound", f"range{len(arguments)}", [_budget(), cost, *arguments], node)
            looped = node.args[:1] if name == "enumerate" else node.args
            arguments = [self._loop(argument, operations) for argument in looped] + [
                self.visit(a) for a in node.args[len(looped) :]
            ]
            made = _call("python", name, arguments, node)
            made.keywords = [ast.keyword(k.arg, self.visit(k.value)) for k in node.keywords]
            return made
        return _call("bound", "loop", [_budget(), cost, self.visit(node)], node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return _call("np", "dot", [node.left, node.right], node) if isinstance(node.op, ast.MatMult) else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.value, ast.Attribute) and node.value.attr == "cell_weight":
            return node.value  # one number that holds for each cell: the weight of the cell at any index
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        axes = sum(isinstance(part, ast.Constant) and part.value is None for part in parts)
        if axes:
            node.value = _call("bound", "axis_on", [node.value, ast.Constant(axes)], node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if not is_module(node.value):
            self.generic_visit(node)
            return node
        if node.attr == "newaxis":
            return ast.copy_location(ast.Constant(None), node)
        if node.attr in CONSTANTS:
            return ast.copy_location(ast.Constant(CONSTANTS[node.attr]), node)
        return ast.copy_location(ast.Name(entry_name("type", node.attr), ast.Load()), node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        function = node.func
        keywords = [ast.keyword(k.arg, self._argument(k.value, k.arg == "dtype")) for k in node.keywords]
        if isinstance(function, ast.Name):
            return self._named_call(node, function.id, keywords)
        assert isinstance(function, ast.Attribute)
        if is_module(function.value):
            module, name = ast.unparse(function).split(".", 1)
            if name in DTYPES:
                return self._made("python", str(name).rstrip("_64"), node, keywords)
            return self._made(module, name, node, keywords)
        receiver = self.visit(function.value)
        if function.attr in METHOD_HELPERS:
            return self._made("api", function.attr, node, keywords, [receiver])
        if function.attr == "reshape" and len(node.args) > 1:
            node.args = [ast.copy_location(ast.Tuple(node.args, ast.Load()), node)]
        return self._made("np", METHODS[function.attr], node, keywords, [receiver])

    def _named_call(self, node: ast.Call, name: str, keywords: list[ast.keyword]) -> ast.expr:
        if name in self._outline.functions:
            arguments = [_budget(), *(self.visit(argument) for argument in node.args)]
            return ast.copy_location(ast.Call(ast.Name(entry_name("own", name), ast.Load()), arguments, keywords), node)
        if name in HELPERS:
            return self._made("api", name, node, keywords)
        if name in {"min", "max"} and len(node.args) == 1:
            return self._made("python", f"{name}1", node, keywords)
        return self._made("python", name, node, keywords)

    def _made(
        self, kind: str, name: str, node: ast.Call, keywords: list[ast.keyword], before: list[ast.expr] | None = None
    ) -> ast.expr:
        arguments = [self._argument(argument, is_dtype(argument)) for argument in node.args]
        if kind == "np" and name in FLAT_ARGUMENTS:
            arguments = [_flat(argument) for argument in arguments]
        made = _call(kind, name, [*(before or []), *arguments], node)
        made.keywords = keywords
        return made

    def _argument(self, node: ast.expr, dtype: bool) -> ast.expr:
        if not dtype:
            made: ast.expr = self.visit(node)
            return made
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        return ast.copy_location(ast.Name(entry_name("type", name), ast.Load()), node)


class _Substitution(ast.NodeTransformer):
    """Names of a comprehension's unpacked target, replaced by what they stand for."""

    def __init__(self, parts: dict[str, ast.expr]) -> None:
        self._parts = parts

    def visit_Name(self, node: ast.Name) -> ast.expr:
        part = self._parts.get(node.id)
        return node if part is None or not isinstance(node.ctx, ast.Load) else ast.copy_location(part, node)


def entry_name(kind: str, name: str) -> str:
    """The name that a rewritten program has for an entry: no program can write it itself."""
    return f"__{kind}_{name.replace('.', '_')}"


def _call(kind: str, name: str, arguments: list[ast.expr], at: ast.AST) -> ast.Call:
    return ast.copy_location(ast.Call(ast.Name(entry_name(kind, name), ast.Load()), arguments, []), at)  # type: ignore[type-var]


def _budget() -> ast.Name:
    return ast.Name(BUDGET, ast.Load())


def _flat(node: ast.expr) -> ast.expr:
    if not isinstance(node, ast.List) or not node.elts:
        return node
    return ast.copy_location(ast.Tuple([_flat(part) for part in node.elts], ast.Load()), node)
