"""The allow-list: every function of a program within the grammar, no recursion, the functions that are asked for.

The checks run on the syntax tree alone; nothing of the program is evaluated.
"""

import ast

from muster_prompts.assignment_check import check_assignments
from muster_prompts.function_check import FunctionChecker
from muster_prompts.outline import Interface, Outline, outline_of
from muster_prompts.refusal import Refusal, Refused
from muster_prompts.work import check_work

MAX_REFUSALS = 8
"""Refusals reported at once."""


def check(tree: ast.Module, interface: Interface) -> Outline:
    """Check the whole program.

    Raises:
        Refused: with up to ``MAX_REFUSALS`` reasons.
    """
    found: list[Refusal] = []
    outline = outline_of(tree, found)
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
    found += _recursions(calls, outline) or check_work(outline, calls)
    found += [] if found else check_assignments(outline)
    if found:
        raise Refused(sorted(found, key=lambda refusal: refusal.line or 0)[:MAX_REFUSALS])
    return outline


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
