"""Errors that a user can act on: their text is one line that names the value and the remedy."""

from collections.abc import Sequence


class MusterError(Exception):
    """Something was used wrongly; `str` of it is the one line that the user is shown. Commands exit with 2."""


class WorkFailed(MusterError):  # noqa: N818 - reads as what happened, in messages and in `except`
    """The request was right, but the work did not succeed. Commands exit with 1."""


def first_line(error: BaseException) -> str:
    """The first line of what a library says, cut to 160 characters; the kind of the error where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0][:160]


def unknown(kind: str, name: object, available: Sequence[str]) -> MusterError:
    """The error for a name that is not among the choices.

    Args:
        kind: what is named, for example ``world``.
        name: the name that was given.
        available: the names there are, in the order to list them.
    """
    return MusterError(f"Unknown {kind} {str(name)!r}. Available: {', '.join(available)}")
