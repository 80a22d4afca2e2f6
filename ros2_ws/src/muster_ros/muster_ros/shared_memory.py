"""The shared-memory segments of Fast DDS: a node that is killed leaves its own behind, for ever."""

import fcntl
from pathlib import Path

FOLDER = Path("/dev/shm")
PREFIXES = ("fastrtps_", "fastdds_", "sem.fastrtps_", "sem.fastdds_")


def segments_of(pid: int) -> set[str]:
    """Names of the Fast DDS segments that a process maps, its own and its peers'; empty when it has gone."""
    try:
        lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    except OSError:
        return set()
    names = {line.rpartition("/dev/shm/")[2].removesuffix(" (deleted)") for line in lines if "/dev/shm/" in line}
    return {name for name in names if name.startswith(PREFIXES)}


def remove_orphans(names: set[str]) -> list[str]:
    """Remove those of ``names`` that nobody needs any more; the names of the removed ones.

    A node holds a lock beside its own segment (``…_el``) for as long as it lives, so a lock that can be had tells of
    an owner that has gone, even while peers still map what it sent. A port has no owner: it goes when nobody maps it.
    """
    present = {name for name in names if (FOLDER / name).exists()}
    if not present:
        return []
    used: set[str] = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            used |= segments_of(int(entry.name))
    removed = sorted(name for name in present if (_ownerless(name) if _is_owned(name) else name not in used))
    for name in removed:
        for path in (FOLDER / name, FOLDER / f"{name}_el"):
            path.unlink(missing_ok=True)
    return removed


def _is_owned(name: str) -> bool:
    return "_port" not in name and (FOLDER / f"{name}_el").exists()


def _ownerless(name: str) -> bool:
    try:
        with (FOLDER / f"{name}_el").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
