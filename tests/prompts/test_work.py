"""Bounds on work and on variables that nobody set, from the text alone."""

import ast

import pytest

from muster_prompts.allowlist import check
from muster_prompts.outline import PROGRAM
from muster_prompts.refusal import Refused

REWARD = "\ndef reward(robot):\n    return 0.5\n"


def refusal(body, before=""):
    text = before + "def prior(robot):\n" + "".join(f"    {line}\n" for line in body.split("\n")) + REWARD
    try:
        check(ast.parse(text), PROGRAM)
    except Refused as refused:
        return str(refused.refusals[0])
    return ""


@pytest.mark.parametrize(
    "body",
    [
        "s = 0.0\nfor i in range(len(robot.cells)):\n    s += robot.cells[i, 0]\nreturn np.zeros(2) + s",
        "n = robot.neighbours.shape[0]\ns = 0.0\nfor i in range(min(n, 5)):\n    s += 1.0\nreturn np.zeros(2) + s",
        "n, m = robot.cells.shape\nreturn np.zeros(2) + sum([float(i) for i in range(n)])",
        "for k in range(3):\n    x = k\nreturn np.zeros(2) + x",
        "has = robot.inside\nif has:\n    x = 1.0\ny = 0.0\nif has:\n    y = x\nreturn np.zeros(2) + y",
        "if robot.inside:\n    x = 1.0\nelse:\n    return np.zeros(2)\nreturn np.zeros(2) + x",
        "u = (1.0, 2.0)\nv = (u, u)\nreturn np.zeros(2) + v[0][1]",
    ],
)
def test_honest_forms_pass(body):
    assert refusal(body) == ""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("for i in range(int(robot.velocity[0])):\n    pass\nreturn np.zeros(2)", "numbers that can be large"),
        (
            "n = robot.velocity[0] * 9\nfor i in range(int(n)):\n    pass\nreturn np.zeros(2)",
            "numbers that can be large",
        ),
        ("s = 0.0\nfor i in range(900):\n    for j in range(900):\n        s += 1.0\nreturn np.zeros(2)", "operations"),
        ("if robot.inside:\n    x = 1.0\nreturn np.zeros(2) + x", "variable x may be read before"),
        ("for c in robot.cells:\n    x = c\nreturn x", "variable x may be read before"),
        ("u = (1.0, 2.0)\n" + "u = (u, u)\n" * 9 + "return np.zeros(2)", "tuples that hold tuples"),
    ],
)
def test_work_without_measure_is_refused(body, words):
    assert words in refusal(body)


def test_calls_that_multiply_are_refused():
    before = "def f0(x):\n    return x + 1.0\n"
    before += "".join(f"def f{k}(x):\n    return f{k - 1}(x) + f{k - 1}(x + 1.0)\n" for k in range(1, 20))
    assert "operations once all calls" in refusal("return np.zeros(2) + f19(1.0)", before)
