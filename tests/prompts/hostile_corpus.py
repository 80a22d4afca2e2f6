"""The hostile corpus: texts that mean harm, class by class, from ``hostile/*.txt`` and, where they are long, made here.

In the files ``=== name`` begins a case. A case is a whole program, unless its first line says ``#body`` (lines at the
start of an otherwise sound prior), ``#prior`` (the body of prior) or ``#escaped`` (with Python's escapes, to be
legible). What lacks prior and reward gets sound ones, so that nothing is refused for their lack. FOLDER, PORT and PID
stand for a folder, a listening port and a process that a harm would show on.
"""

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "hostile"
PRIOR = "def prior(robot):\n{body}    return np.zeros(2)\n"
REWARD = "def reward(robot):\n    return 0.5\n"


@dataclass(frozen=True)
class Case:
    kind: str
    name: str
    text: str

    def __str__(self):
        return f"{self.kind}: {self.name}"

    def aimed(self, folder, port, process):
        return self.text.replace("FOLDER", str(folder)).replace("PORT", str(port)).replace("PID", str(process))


def cases():
    found = [case for path in sorted(FOLDER.glob("*.txt")) for case in _read(path)]
    return found + [Case(kind, name, _whole(text)) for kind, made in MADE.items() for name, text in made.items()]


def _read(path):
    for part in re.split(r"^=== ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        name, text = part.split("\n", 1)
        yield Case(path.stem, name, _whole(text))


def _whole(text):
    directive, _, rest = text.partition("\n")
    if directive == "#body":
        return PRIOR.format(body=_indented(rest)) + REWARD
    if directive == "#prior":
        return "def prior(robot):\n" + _indented(rest) + REWARD
    if directive == "#escaped":
        text = rest.encode("ascii").decode("unicode_escape")
    if not re.search(r"^(@|async )?.*def prior\(", text, re.MULTILINE):
        text += "\n" + PRIOR.format(body="")
    return text if re.search(r"def reward\(", text) else text + REWARD


def _indented(text):
    return "".join(f"    {line}\n" for line in text.rstrip("\n").split("\n"))


def _deep(begin, middle, end, depth):
    return f"x = {begin * depth}{middle}{end * depth}\n"


def _stairs(depth):
    return "#prior\n" + "".join("    " * k + "if robot.inside:\n" for k in range(depth)) + "    " * depth + "return 0\n"


MADE = {
    "gigantic_literals": {
        "a number of 10^5 digits": "x = " + "9" * 10**5,
        "a number of 5000 digits": "x = " + "9" * 5000,
        "a hexadecimal number of 10^4 digits": "x = 0x" + "f" * 10**4,
        "a float of 10^4 digits": "x = 0." + "3" * 10**4,
        "an exponent of 10^4 digits": "x = 1e" + "9" * 10**4,
        "a number beyond int64": "x = 9223372036854775808",
        "a text of 10^6 characters": "x = '" + "x" * 10**6 + "'",
        "a docstring of 10^6 characters": '"""' + "x" * 10**6 + '"""',
        "a docstring of 10^5 lines": '"""' + "x\n" * 10**5 + '"""',
        "a comment of 10^6 characters": "# " + "x" * 10**6,
        "a name of 10^5 characters": "x" * 10**5 + " = 1.0",
        "a list of 10^5 numbers": "x = [" + "1," * 10**5 + "]",
        "a tuple of 10^4 numbers on many lines": "x = (\n" + "1,\n" * 10**4 + ")",
        "10^4 parameters": f"def helper({', '.join(f'a{k}' for k in range(10**4))}):\n    return 1.0\n",
        "10^4 statements": "#body\n" + "x = 1.0\n" * 10**4,
        "10^4 functions": "".join(f"def f{k}():\n    return 1.0\n" for k in range(10**4)),
        "10^5 empty lines and one import": "\n" * 10**5 + "import os",
        "10^5 blanks and one import": " " * 10**5 + ";import os",
        "10^6 semicolons": ";" * 10**6,
        "a sum of 10^4 terms": "x = " + "+".join(["1"] * 10**4),
        "a chain of 10^3 comparisons": "#body\nx = " + " < ".join(["1"] * 10**3),
    },
    "nesting": {
        "brackets": _deep("(", "1", ")", 10**5),
        "brackets, open": "x = " + "(" * 10**4,
        "square brackets": _deep("[", "1", "]", 10**4),
        "90 square brackets": _deep("[", "1", "]", 90),
        "braces": _deep("{1: ", "1", "}", 5000),
        "minus signs": _deep("-", "1", "", 10**4),
        "300 minus signs": _deep("-", "1", "", 300),
        "nots": _deep("not ", "1", "", 10**4),
        "tildes": _deep("~", "1", "", 300),
        "powers": _deep("2 ** ", "2", "", 200),
        "lambdas": _deep("lambda: ", "1", "", 3000),
        "conditions": _deep("1 if 1 else ", "1", "", 150),
        "attributes": "#body\nx = robot" + ".T" * 10**4,
        "subscripts": "#body\nx = robot.velocity" + "[0]" * 10**3,
        "calls": "#body\nx = " + "abs(" * 1000 + "1" + ")" * 1000,
        "call of a call": "#body\nx = abs" + "(1)" * 1000,
        "comparisons of comparisons": _deep("(1 < ", "1", ")", 100),
        "blocks": _stairs(99),
        "20 blocks": _stairs(20),
        "f-strings": "x = " + "f'{" * 50 + "1" + "}'" * 50,
        "decorators": "@abs\n" * 10**4 + "def f():\n    return 1\n",
        "awaits": "async def f():\n    " + "await " * 10**4 + "1\n",
        "types that double": "#body\nx0 = (1.0, 1.0)\n" + "".join(f"x{k + 1} = (x{k}, x{k})\n" for k in range(40)),
        "types that double by calls": "def pair(x):\n    return (x, x)\n\n"
        "def prior(robot):\n    x = " + "pair(" * 20 + "1.0" + ")" * 20 + "\n    return np.zeros(2)\n",
        "else ifs": "#body\nif robot.inside:\n    x = 1\n" + "elif robot.inside:\n    x = 1\n" * 3000,
        "a null byte": "x = 1\0\n",
        "a line that never ends": "x = 1 + \\\n" * 10**4,
        "text that never ends": '"""' + "never",
        "tabs and blanks": "def f():\n\tif 1:\n        return 1\n",
        "an encoding line": "# -*- coding: utf-7 -*-\nx = +AG8-\n",
        "a form feed": "\fimport os\n",
    },
}
