"""The allow-list for one function of a program. What the grammar and the API do not name is refused."""

import ast
from collections.abc import Iterator

from muster_prompts.api_text import FIELDS, HELPERS, METHOD_HELPERS, STATES
from muster_prompts.facade import ATTRIBUTES, BUILTINS, CONSTANTS, DTYPES, MATH, METHODS, NUMPY
from muster_prompts.grammar import ALLOWED_NODES, REFUSED_NODES, is_annotation, is_dtype, is_module
from muster_prompts.outline import MAX_INTEGER, Outline, plain_number
from muster_prompts.refusal import Refusal

LOOPS_ONLY = {"range", "enumerate", "zip"}
"""Built-in functions that may only be looped over."""


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
        for annotation in (function.returns, *(argument.annotation for argument in arguments.args)):
            self._check_annotation(annotation)
        for default in arguments.defaults:
            if not isinstance(default, ast.Constant | ast.UnaryOp) or plain_number(default) is None:
                self._refuse(default, "construct", "a default is not a plain number", "Use a plain number as default")

    def _check_annotation(self, annotation: ast.expr | None) -> None:
        """Annotations are left out before anything is compiled; what is no type has no business there."""
        if annotation is not None and not is_annotation(annotation):
            self._refuse(annotation, "construct", "an annotation is no type", "Write a type, or delete it")

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
            for part in (node.target, node.value):
                if part is not None:
                    self._visit(part)
        elif not isinstance(node, ast.Attribute) or not is_module(node.value):
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
        self._check_annotation(node.annotation)
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
        for inner in ast.walk(node):
            append = (
                isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr == "append"
            )
            if append and ast.dump(inner.func.value) == ast.dump(node.iter):  # type: ignore[attr-defined]
                self._refuse(inner, "construct", "a list grows while it is looped over", "Append to another list")
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
        if is_module(node.value):
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
        elif isinstance(function, ast.Attribute) and is_module(function.value):
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
        if isinstance(node.func, ast.Attribute) and not is_module(node.func.value):
            self._visit(node.func.value)
        dtype_place = isinstance(node.func, ast.Attribute) and node.func.attr == "astype"
        for argument in node.args:
            if dtype_place or is_dtype(argument):
                if not is_dtype(argument) or not isinstance(node.func, ast.Attribute):
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
            elif keyword.arg in {"out", "where", "order", "casting", "subok", "like", "initial", "key"}:
                self._refuse(node, "construct", f"{keyword.arg}= is not offered", "Leave it out, and assign the result")
            elif keyword.arg == "dtype":
                if not is_dtype(keyword.value):
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


def _bound_names(function: ast.FunctionDef) -> Iterator[str]:
    arguments = function.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        yield argument.arg
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


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
        "np.empty": "Use np.zeros", "np.empty_like": "Use np.zeros_like", "print": "Delete it",
        "isinstance": "Delete the test",
        "np.random": "A program must give the same answer every time", "list": "Use a comprehension: [x for x in ...]",
    }  # fmt: skip
    for key, advice in known.items():
        if name.startswith(key):
            return advice
    return "Use plain arithmetic, or a function of robot, np or math that is listed"
