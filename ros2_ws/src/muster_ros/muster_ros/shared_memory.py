"""The shared-memory segments of Fast DDS: a node that is killed leaves its own behind, for ever."""

from pathlib import Path

FOLDER = Path("/dev/shm")
PREFIXES = ("fastrtps_", "fastdds_", "sem.fastrtps_", "sem.fastdds_")


def segments_of(pid: int) -> set[str]:
    """Names of the Fast DDS segments that a process maps; empty when it has gone."""
    try:
        lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    except OSError:
        return set()
    names = {line.rpartition("/dev/shm/")[2].removesuffix(" (deleted)") for line in lines if "/dev/shm/" in line}
    return {name for name in names if name.startswith(PREFIXES)}


def remove_unused(names: set[str]) -> list[str]:
    """Remove those of ``names`` that no live process maps any more; the names of the removed ones."""
    present = {name for name in names if (FOLDER / name).exists()}
    if not present:
        return []
    used: set[str] = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            used |= segments_of(int(entry.name))
    removed = sorted(present - used)
    for name in removed:
        # A lock file "_el" is held open, not mapped; it goes with its segment.
        for path in (FOLDER / name, FOLDER / f"{name}_el"):
            path.unlink(missing_ok=True)
    return removed
