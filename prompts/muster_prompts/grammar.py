"""The numeric subset of Python that a program may be written in: its syntax nodes, and a sentence for all others."""

import ast

from muster_prompts.facade import DTYPES

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


def is_module(node: ast.expr) -> bool:
    """Whether ``node`` is np, math or np.linalg."""
    if isinstance(node, ast.Attribute):
        return node.attr == "linalg" and isinstance(node.value, ast.Name) and node.value.id == "np"
    return isinstance(node, ast.Name) and node.id in {"np", "math"}


def is_dtype(node: ast.expr) -> bool:
    """Whether ``node`` names a number type: float, int, bool, np.float64 and so on."""
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and node.value.id == "np" and node.attr in DTYPES
    return isinstance(node, ast.Name) and node.id in {"float", "int", "bool"}


def is_annotation(node: ast.expr) -> bool:
    """Whether ``node`` may stand for a type: names, attributes, subscripts, unions and plain text."""
    parts = (ast.Name, ast.Attribute, ast.Subscript, ast.Tuple, ast.List, ast.Constant, ast.BinOp, ast.BitOr, ast.Load)
    return all(isinstance(part, parts) for part in ast.walk(node))
