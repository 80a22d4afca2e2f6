"""How much a call of a program can do at most, from its text: work without measure behind a rare condition is refused.

A trial meets ordinary and difficult perceptions but not every one, and compiled code cannot be interrupted. So loops
take their length from constants and from what arrays hold, calls do not multiply without measure, and at run time
each loop spends its rounds, times the operations in its body, from a budget.
"""

import ast
from collections.abc import Iterator

from muster_prompts.numpy_forms.bounding import BUDGET
from muster_prompts.outline import Outline, fold
from muster_prompts.refusal import Refusal

MAX_OPERATIONS = 20_000
"""Operations of one call when every line runs once and calls of own functions are written out."""
MAX_TUPLE = 64
"""Entries of a tuple, those of the tuples in it counted: types that double stop the compiler."""
COUNTERS = {"len", "count_neighbours", "argmin", "argmax", "count_nonzero"}
"""Calls that count."""
KEEPERS = {"int", "float", "round", "floor", "ceil", "min", "max", "abs"}
"""Calls that give a count where they are given counts."""
_OPERATIONS = (ast.Call, ast.BinOp, ast.Compare, ast.UnaryOp, ast.BoolOp, ast.Subscript, ast.IfExp)


def check_work(outline: Outline, calls: dict[str, set[str]]) -> list[Refusal]:
    """Refusals of work without measure; ``calls`` says who calls whom and holds no recursion."""
    found = [refusal for function in outline.functions.values() for refusal in _lengths(function, outline)]
    operations: dict[str, int] = {}
    looped: dict[str, int] = {}
    for name in _callees_first(calls):
        function = outline.functions[name]
        operations[name] = count_operations(function.body, operations)
        looped[name] = _looped(function, outline, operations, looped)
        if operations[name] > MAX_OPERATIONS:
            message = f"{name} does {operations[name]} operations once all calls in it are written out"
            found.append(Refusal("construct", message, "Call fewer functions from functions", function.lineno))
        elif looped[name] > BUDGET:
            message = f"the loops of {name} do {looped[name]} operations"
            found.append(Refusal("construct", message, f"At most {BUDGET}: use shorter ranges", function.lineno))
    return found + _tuples(outline, calls)


def count_operations(body: list[ast.stmt] | list[ast.expr], of_functions: dict[str, int]) -> int:
    """Operations in ``body`` when every line runs once; a call of an own function counts as ``of_functions`` says."""
    total = 1
    for node in (inner for statement in body for inner in ast.walk(statement)):
        total += isinstance(node, _OPERATIONS)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            total += of_functions.get(node.func.id, 0)
    return total


def operations_of(outline: Outline) -> dict[str, int]:
    """Operations of each function, see :func:`count_operations`; for a program that passed."""
    calls = {
        name: {
            node.func.id
            for node in ast.walk(function)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        & set(outline.functions)
        for name, function in outline.functions.items()
    }
    operations: dict[str, int] = {}
    for name in _callees_first(calls):
        operations[name] = count_operations(outline.functions[name].body, operations)
    return operations


def _callees_first(calls: dict[str, set[str]]) -> Iterator[str]:
    done: set[str] = set()
    while len(done) < len(calls):
        ready = [name for name, called in calls.items() if name not in done and called <= done]
        if not ready:
            return  # recursion; refused elsewhere
        done.update(ready)
        yield from ready


def _looped(node: ast.AST, outline: Outline, operations: dict[str, int], of_functions: dict[str, int]) -> int:
    """Operations in loops below ``node``, as the budget counts them; a loop over an array counts as one round."""
    total = sum(_looped(child, outline, operations, of_functions) for child in ast.iter_child_nodes(node))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        total += of_functions.get(node.func.id, 0)
    if isinstance(node, ast.For):
        return _length(node.iter, outline) * (total + count_operations(node.body, operations))
    if isinstance(node, ast.ListComp | ast.GeneratorExp):
        total += count_operations([node.elt], operations)
        for generator in node.generators:
            total *= _length(generator.iter, outline)
    return total


def _length(looped: ast.expr, outline: Outline) -> int:
    if not (isinstance(looped, ast.Call) and isinstance(looped.func, ast.Name) and looped.func.id == "range"):
        return 1
    ends = [fold(_converted(argument), outline.constants) for argument in looped.args]
    numbers = [end for end in ends if isinstance(end, int | float)]
    if len(numbers) != len(ends) or not numbers:
        return 1
    start, stop = (0.0, numbers[0]) if len(numbers) == 1 else numbers[:2]
    step = abs(numbers[2]) if len(numbers) == 3 else 1.0
    return int(min(abs(stop - start) / max(step, 1.0), 1e18)) or 1


def _converted(node: ast.expr) -> ast.expr:
    """``x`` of ``int(x)`` and the like."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEEPERS and node.args:
        node = node.args[0]
    return node


def _lengths(function: ast.FunctionDef, outline: Outline) -> Iterator[Refusal]:
    """A refusal for each range whose length is worked out from something else than counts."""
    sources = _sources(function)
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
            for argument in node.args:
                if not _is_count(argument, sources, set(), outline):
                    message = "a loop's length is worked out from numbers that can be large"
                    remedy = "Loop over an array, or take the length from len(...), a shape or a constant"
                    yield Refusal("construct", message, remedy, node.lineno)


def _sources(function: ast.FunctionDef) -> dict[str, list[ast.expr]]:
    """What each variable is set to."""
    sources: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                _note(target, node.value, sources)
        elif isinstance(node, ast.AugAssign | ast.AnnAssign) and node.value is not None:
            _note(node.target, node.value, sources)
    return sources


def _note(target: ast.expr, value: ast.expr, sources: dict[str, list[ast.expr]]) -> None:
    if isinstance(target, ast.Tuple | ast.List):
        parts = value.elts if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts) else None
        for k, part in enumerate(target.elts):
            _note(part, parts[k] if parts else value, sources)
    elif isinstance(target, ast.Name):
        sources.setdefault(target.id, []).append(value)


def _is_count(node: ast.expr, sources: dict[str, list[ast.expr]], seen: set[str], outline: Outline) -> bool:
    """Whether ``node`` counts something: no measured number is in it. Parameters pass: the budget bounds them."""
    if isinstance(node, ast.Name):
        if node.id in seen or node.id not in sources:
            return True
        return all(_is_count(source, sources, seen | {node.id}, outline) for source in sources[node.id])
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in COUNTERS or name in outline.functions:
            return True
        if name in KEEPERS:
            return all(_is_count(argument, sources, seen, outline) for argument in node.args)
        return False
    if isinstance(node, ast.Attribute):
        return node.attr in {"shape", "size", "ndim"}
    if isinstance(node, ast.Subscript):
        return _is_count(node.value, sources, seen, outline)
    if isinstance(node, ast.BinOp):
        plain = not isinstance(node.op, ast.Pow)
        return plain and all(_is_count(side, sources, seen, outline) for side in (node.left, node.right))
    if isinstance(node, ast.IfExp):
        return all(_is_count(side, sources, seen, outline) for side in (node.body, node.orelse))
    if isinstance(node, ast.UnaryOp):
        return _is_count(node.operand, sources, seen, outline)
    return isinstance(node, ast.Constant | ast.Tuple)


def _tuples(outline: Outline, calls: dict[str, set[str]]) -> list[Refusal]:
    """Refusals of tuples whose types grow without measure, by variables or by calls."""
    found: list[Refusal] = []
    returned: dict[str, int] = {}
    for name in _callees_first(calls):
        sizes: dict[str, int] = {}
        sources = _sources(outline.functions[name])
        for _ in range(8):  # each round follows one more variable; what still grows is too large by then
            for variable, values in sources.items():
                sizes[variable] = max(_size(value, sizes, returned) for value in values)
        wanted = [node for node in ast.walk(outline.functions[name]) if isinstance(node, ast.Return) and node.value]
        returned[name] = max((_size(node.value, sizes, returned) for node in wanted if node.value), default=1)
        largest = max([*sizes.values(), returned[name]], default=1)
        if largest > MAX_TUPLE:
            message = f"a tuple of {name} holds tuples that hold tuples"
            found.append(Refusal("construct", message, "Use arrays", outline.functions[name].lineno))
    return found


def _size(node: ast.expr, sizes: dict[str, int], returned: dict[str, int]) -> int:
    if isinstance(node, ast.Name):
        return sizes.get(node.id, 1)
    if isinstance(node, ast.Tuple):
        return min(sum(_size(part, sizes, returned) for part in node.elts), 10 * MAX_TUPLE)
    if isinstance(node, ast.IfExp):
        return max(_size(node.body, sizes, returned), _size(node.orelse, sizes, returned))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in returned:
        arguments = max((_size(argument, sizes, returned) for argument in node.args), default=1)
        return min(returned[node.func.id] * arguments, 10 * MAX_TUPLE)
    if isinstance(node, ast.BinOp):
        return _size(node.left, sizes, returned) + _size(node.right, sizes, returned) - 1
    return 1
