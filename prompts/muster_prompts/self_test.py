"""Before any program is run: does each layer, alone, deny what it must and permit what it must? Tried for real."""

import ctypes
import json
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

from muster_prompts.sandbox import LAYERS, MEGABYTE, Bounds, LayerMissing, enter, landlock_version, require

SMALL = Bounds(memory=256 * MEGABYTE, cpu=5)


def self_test() -> None:
    """Try every layer in a child of its own, and all of them together.

    Raises:
        LayerMissing: a layer is not there, lets through what it must deny, or denies what it must permit.
    """
    _computes()  # numpy and numba import parts of themselves at first use, which a child no longer can
    scratch = Path(tempfile.mkdtemp(prefix="muster-gate-"))
    try:
        (scratch / "there").write_text("x", encoding="ascii")
        for layers in [*((layer,) for layer in LAYERS), LAYERS]:
            _try(layers, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def denials(layers: tuple[str, ...], scratch: Path) -> dict[str, Callable[[], object]]:
    """What must fail within ``layers``, each with an ``OSError`` or ``MemoryError``."""
    libc = ctypes.CDLL(None, use_errno=True)
    files: dict[str, Callable[[], object]] = {
        "reading a file": lambda: (scratch / "there").read_bytes(),
        "making a file": lambda: (scratch / "new").write_bytes(b"x"),
        "listing a folder": lambda: os.listdir(scratch),
        "deleting a file": lambda: os.unlink(scratch / "there"),
        "making a link": lambda: os.symlink(scratch / "there", scratch / "link"),
        "making a folder": lambda: os.mkdir(scratch / "folder"),
    }
    calls: dict[str, Callable[[], object]] = {
        "a TCP socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        "a UDP socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "a Unix socket": lambda: socket.socket(socket.AF_UNIX),
        "a new process": _fork,
        "another program": lambda: os.execv("/bin/true", ["true"]),
        "a signal to the parent": lambda: os.kill(os.getppid() or 1, 0),
        "changing a file's mode": lambda: os.chmod(scratch / "there", 0o777),
        "changing a file's times": lambda: os.utime(scratch / "there"),
        "writing elsewhere": lambda: os.write(2, b""),
        "a file in memory": lambda: os.memfd_create("x"),
        "ptrace": lambda: _call(libc, "ptrace", 0, 0, 0, 0),
        "prctl": lambda: _call(libc, "prctl", 4, 1, 0, 0, 0),
        "mount": lambda: _call(libc, "mount", b"none", b"/", b"tmpfs", 0, None),
        "leaving namespaces": lambda: _call(libc, "unshare", 0x20000),
    }
    memory: dict[str, Callable[[], object]] = {
        "much memory": lambda: bytearray(2 * SMALL.memory),
        "writing a file": lambda: (scratch / "written").write_bytes(b"x" * 10),
    }
    by_layer = {"rlimits": memory, "landlock": {**files, **_network()}, "seccomp": {**files, **calls}}
    return {name: probe for layer in layers for name, probe in by_layer[layer].items()}


def _network() -> dict[str, Callable[[], object]]:
    if landlock_version() < 4:
        return {}

    def connect() -> None:
        with socket.socket() as end:
            end.connect(("127.0.0.1", 9))

    return {"a TCP connection": lambda: _denied(connect)}


def _denied(probe: Callable[[], None]) -> None:
    """A refused connection is not a denied one."""
    try:
        probe()
    except ConnectionRefusedError:
        return


def _try(layers: tuple[str, ...], scratch: Path) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _probe(layers, scratch, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        told = answers.read(65536)
    _, status = os.waitpid(child, 0)
    name = layers[0] if len(layers) == 1 else "seccomp"
    if status != 0 or not told:
        raise require(name, f"with {' and '.join(layers)} nothing can be computed any more")
    answer = json.loads(told)
    if answer["missing"]:
        raise LayerMissing(answer["missing"])
    if answer["through"]:
        raise require(name, f"{' and '.join(layers)} let through: {', '.join(answer['through'])}")
    if not answer["computed"]:
        raise require(name, f"{' and '.join(layers)} forbid what a program needs")


def _probe(layers: tuple[str, ...], scratch: Path, answer: int) -> None:
    """In the child: enter, try, tell, end."""
    code = 1
    try:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        missing, through, computed = "", [], False
        probes = denials(layers, scratch)
        try:
            enter(answer, SMALL, layers)
        except LayerMissing as error:
            missing = str(error)
        else:
            through = [name for name, probe in probes.items() if not _fails(probe)]
            computed = _computes()
        os.write(answer, json.dumps({"missing": missing, "through": through, "computed": computed}).encode())
        code = 0
    finally:
        os._exit(code)


def _fails(probe: Callable[[], object]) -> bool:
    try:
        probe()
    except (OSError, MemoryError):
        return True
    return False


def _computes() -> bool:
    """What must stay possible: memory, arithmetic, and compiling a kernel."""
    import numba
    import numpy as np

    double = numba.njit(lambda x: 2.0 * x)
    return bool(double(np.ones(100_000)).sum() == 200_000.0)


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _call(libc: ctypes.CDLL, name: str, *arguments: object) -> None:
    if getattr(libc, name)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
