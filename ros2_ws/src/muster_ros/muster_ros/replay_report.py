"""What a replay found, in numbers and in words."""

from dataclasses import dataclass, field

FAULTS_TOLD = 10
"""Faults described in words; the others are counted."""


@dataclass
class ReplayReport:
    """What a replay found. Only `faults` decides whether the run is what it says it is."""

    robots: int = 0
    duration_s: float = 0.0
    decisions: dict[str, int] = field(default_factory=dict)
    """Decision records recomputed, by kind."""
    compared: int = 0
    """Recorded commands that were compared with the recomputed ones."""
    identical: int = 0
    """Of those, equal to the last bit."""
    largest_difference: float = 0.0
    """Over all of them [m/s, rad/s]."""
    poses: int = 0
    """Poses of snapshots found in the recorded odometry."""
    poses_unheard: int = 0
    """Poses of snapshots whose odometry the recorder did not hear."""
    decisions_lost: int = 0
    """Decision records that the recorder did not hear, by their numbering."""
    commands_unheard: int = 0
    """Decisions whose command the recorder did not hear."""
    commands_before: int = 0
    """Commands before a robot's first decision record or after its last."""
    faults: int = 0
    """Commands that differ or came from nowhere, chains that broke, poses that nobody measured."""
    fault_lines: list[str] = field(default_factory=list)
    """The first of them in words."""
    notes: list[str] = field(default_factory=list)
    """What a reader should know of the bag."""

    def fault(self, line: str) -> None:
        """Count one, and describe it if it is among the first."""
        self.faults += 1
        if len(self.fault_lines) < FAULTS_TOLD:
            self.fault_lines.append(line)
