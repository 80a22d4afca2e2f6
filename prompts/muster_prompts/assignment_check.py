"""Whether every variable is set before it is read, on every path: compiled code would read a zero that nobody wrote."""

import ast

from muster_prompts.outline import Outline, plain_number
from muster_prompts.refusal import Refusal

Known = frozenset[str]
"""Names that are set for certain."""


def check_assignments(outline: Outline) -> list[Refusal]:
    """One refusal for each function and variable that may be read before it is set."""
    return [refusal for function in outline.functions.values() for refusal in _Paths(function).refusals.values()]


class _Paths:
    """Follows the paths through one function."""

    def __init__(self, function: ast.FunctionDef) -> None:
        self.refusals: dict[str, Refusal] = {}
        self._variables = {
            node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        self._where: dict[str, Known] = {}
        """What is set where a test holds, by the test's text: the same question later has the same answer."""
        self._block(function.body, frozenset(argument.arg for argument in function.args.args))

    def _block(self, body: list[ast.stmt], known: Known | None) -> Known | None:
        """What is known after ``body``; None where nothing comes after it."""
        for statement in body:
            if known is None:
                return None
            known = self._statement(statement, known)
        return known

    def _statement(self, node: ast.stmt, known: Known) -> Known | None:
        if isinstance(node, ast.If):
            return self._if(node, known)
        if isinstance(node, ast.For):
            self._read(node.iter, known)
            inside = known | _names(node.target)
            after = self._block(node.body, inside)
            certain = _surely_runs(node.iter) and not _leaves(node.body)
            return after if certain and after is not None else known
        if isinstance(node, ast.AugAssign):
            self._read(node.target, known, also_stored=True)
        for child in ast.iter_child_nodes(node):
            self._read(child, known)
        if isinstance(node, ast.Return | ast.Break | ast.Continue):
            return None
        if isinstance(node, ast.Assign):
            return known.union(*(_names(target) for target in node.targets))
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            return known | _names(node.target)
        return known

    def _if(self, node: ast.If, known: Known) -> Known | None:
        self._read(node.test, known)
        test = ast.unparse(node.test)
        body = self._block(node.body, known | self._where.get(test, frozenset()))
        otherwise = self._block(node.orelse, known)
        self._where[test] = self._where.get(test, frozenset()) | (body or frozenset())
        if body is None or otherwise is None:
            return otherwise if body is None else body
        return body & otherwise

    def _read(self, node: ast.AST, known: Known, also_stored: bool = False) -> None:
        if isinstance(node, ast.ListComp | ast.GeneratorExp):
            for generator in node.generators:
                self._read(generator.iter, known)
                known |= _names(generator.target)
                for test in generator.ifs:
                    self._read(test, known)
            self._read(node.elt, known)
            return
        if isinstance(node, ast.Name) and (also_stored or isinstance(node.ctx, ast.Load)):
            if node.id in self._variables and node.id not in known and node.id not in self.refusals:
                self.refusals[node.id] = Refusal(
                    "construct", f"the variable {node.id} may be read before it is set",
                    "Set it before the loop or on every path", node.lineno,
                )  # fmt: skip
            return
        for child in ast.iter_child_nodes(node):
            self._read(child, known)


def _names(target: ast.expr) -> Known:
    return frozenset(
        node.id for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )


def _surely_runs(looped: ast.expr) -> bool:
    """Whether a loop over it has at least one round."""
    if isinstance(looped, ast.Tuple | ast.List):
        return bool(looped.elts)
    if isinstance(looped, ast.Call) and isinstance(looped.func, ast.Name) and looped.func.id == "range":
        numbers = [plain_number(argument) for argument in looped.args]
        ends = [number for number in numbers if number is not None]
        return len(ends) == len(numbers) and len(range(*(int(end) for end in ends))) > 0
    return False


def _leaves(body: list[ast.stmt]) -> bool:
    return any(isinstance(node, ast.Break | ast.Continue) for statement in body for node in ast.walk(statement))
