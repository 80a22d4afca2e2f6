"""Why a program was refused: a sentence with place, reason and remedy, for people and for a model alike."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Refusal:
    """One reason."""

    kind: str
    """Which check: parse, construct, name, interface, type, run, output, time, resources."""
    message: str
    """What is wrong."""
    remedy: str
    """What to do instead."""
    line: int | None = None
    """Line of the program, from 1."""

    def __str__(self) -> str:
        """The whole sentence."""
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.message}. {self.remedy}."

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


class Refused(Exception):  # noqa: N818 - reads as what happened
    """Ends a check with its refusals."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        """``refusals``: at least one."""
        super().__init__("; ".join(str(refusal) for refusal in refusals))
        self.refusals = tuple(refusals)


def refuse(kind: str, message: str, remedy: str, line: int | None = None) -> Refused:
    """The exception for one reason."""
    return Refused([Refusal(kind, message, remedy, line)])
