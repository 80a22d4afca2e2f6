"""From text to a syntax tree, for text that may be meant to harm the reader: limits first, then Python's own parser."""

import ast
import io
import tokenize
import unicodedata

from muster_prompts.refusal import Refused, refuse

MAX_CHARACTERS = 24_000
MAX_LINE = 400
MAX_TOKENS = 8_000
MAX_STATEMENT_TOKENS = 500
"""A statement of more tokens could nest deeply enough to exhaust a parser."""
MAX_BRACKETS = 24
MAX_INDENT = 16
MAX_DEPTH = 80
"""Deepest nesting of the syntax tree."""
MAX_DIGITS = 24
"""Most characters of a number."""


def parse(text: str) -> ast.Module:
    """The syntax tree of ``text``.

    Raises:
        Refused: it is too large, too deep, holds characters that hide what it says, or is not Python.
    """
    check_characters(text)
    check_tokens(text)
    try:
        tree = ast.parse(text, "program.py", type_comments=False)
    except SyntaxError as error:
        raise _not_python(str(error.msg), error.lineno) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise _not_python(str(error) or "too deeply nested", None) from None
    _check_depth(tree)
    _check_names(tree)
    return tree


def check_characters(text: str) -> None:
    """Refuse text that is too long or holds characters that a reader cannot see.

    Raises:
        Refused: says which, and where.
    """
    if len(text) > MAX_CHARACTERS:
        message = f"the program has {len(text)} characters; at most {MAX_CHARACTERS} are read"
        raise refuse("parse", message, "Write a shorter program")
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MAX_LINE:
            message = f"the line has {len(line)} characters; at most {MAX_LINE} are read"
            raise refuse("parse", message, "Break the line", number)
        for character in line:
            if character not in "\t\r" and unicodedata.category(character) in {
                "Cc",
                "Cf",
                "Cs",
                "Co",
                "Cn",
                "Zl",
                "Zp",
            }:
                message = f"the invisible character U+{ord(character):04X} stands in the program"
                raise refuse("parse", message, "Write plain text without control or direction characters", number)


def check_tokens(text: str) -> None:
    """Refuse what could exhaust the parser, and names or numbers that are not what they look like.

    Raises:
        Refused: says which, and where.
    """
    depth = indent = count = in_statement = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            line = token.start[0]
            count, in_statement = count + 1, in_statement + 1
            if token.type == tokenize.NEWLINE:
                in_statement = 0
            depth += (token.type == tokenize.OP and token.string in "([{") - (
                token.type == tokenize.OP and token.string in ")]}"
            )
            indent += (token.type == tokenize.INDENT) - (token.type == tokenize.DEDENT)
            if count > MAX_TOKENS or in_statement > MAX_STATEMENT_TOKENS or depth > MAX_BRACKETS or indent > MAX_INDENT:
                raise refuse(
                    "parse", "the program is too long or too deeply nested here", "Split it into smaller steps", line
                )
            if token.type == tokenize.NAME and not token.string.isascii():
                message = f"the name {token.string!r} has letters beyond a to z"
                raise refuse("parse", message, "Use plain ASCII names", line)
            if token.type == tokenize.NUMBER and len(token.string) > MAX_DIGITS:
                raise refuse("parse", f"the number has {len(token.string)} characters", "Write a shorter number", line)
    except (tokenize.TokenError, IndentationError) as error:
        place = error.args[1]
        raise _not_python(str(error.args[0]), place[0] if len(place) == 2 else place[1]) from None


def _check_names(tree: ast.AST) -> None:
    """The tokenizer and the parser disagree on some letters that join a name; the tree says what counts."""
    for node in ast.walk(tree):
        for field in ("id", "arg", "attr", "name"):
            name = getattr(node, field, None)
            if isinstance(name, str) and not name.isascii():
                message = f"the name {name!a} has letters beyond a to z"
                raise refuse("parse", message, "Use plain ASCII names", getattr(node, "lineno", None))


def _check_depth(tree: ast.AST) -> None:
    level: list[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    line = next((node.lineno for node in level if hasattr(node, "lineno")), None)
    raise refuse("parse", f"expressions nest more than {MAX_DEPTH} deep", "Split it into smaller steps", line)


def _not_python(message: str, line: int | None) -> Refused:
    return refuse(
        "parse", f"this is not Python: {message.rstrip('.')}", "Answer with one complete Python program", line
    )
