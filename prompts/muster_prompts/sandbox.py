"""The layers around a program that runs in a child: resource limits, Landlock, a seccomp allow-list; entered for good.

The child keeps one descriptor, the pipe its answer goes through. Afterwards it can compute and write there, and
nothing else. seccomp comes through libseccomp (on every Debian and Ubuntu, since apt needs it) and its binding
pyseccomp; Landlock through its three system calls, which need no library.
"""

import ctypes
import errno
import os
import platform
import resource
import struct
from dataclasses import dataclass

from muster_core.errors import MusterError

MEGABYTE = 2**20
LAYERS = ("rlimits", "landlock", "seccomp")
"""In the order in which they are entered."""

ALLOWED = (
    "brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "futex", "exit", "exit_group", "rt_sigreturn",
    "rt_sigprocmask", "sigaltstack", "clock_gettime", "clock_getres", "gettimeofday", "getpid", "gettid", "getrusage",
    "sched_yield", "sched_getaffinity", "getrandom", "close", "restart_syscall", "set_robust_list", "rseq",
    "membarrier",
    "uname", "getcwd",
)  # fmt: skip
"""System calls that stay, besides ``write`` to the answer's descriptor."""
NOT_THERE = (
    "open", "openat", "openat2", "stat", "lstat", "newfstatat", "fstat", "statx", "access", "faccessat", "faccessat2",
    "readlink", "readlinkat", "getdents64", "lseek", "ioctl", "read",
)  # fmt: skip
"""System calls that answer "no such file", so that a library that looks for something carries on without it."""

LANDLOCK_CREATE, LANDLOCK_RESTRICT = 444, 446
"""System call numbers, the same on every architecture."""
LANDLOCK_VERSION = 1
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many kinds of file access each version of Landlock can forbid; later ones as the fifth."""
PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 38, 1, 4


@dataclass(frozen=True)
class Bounds:
    """What a child may use up."""

    memory: int = 1536 * MEGABYTE
    """Address space beyond what the parent has [bytes]."""
    cpu: int = 40
    """CPU time [s]."""


class LayerMissing(MusterError):  # noqa: N818 - reads as what happened, in messages and in `except`
    """A layer of the sandbox cannot be entered on this machine."""


def require(layer: str, reason: str) -> LayerMissing:
    """The error for a layer that is not there."""
    remedies = {
        "seccomp": "install libseccomp (Debian, Ubuntu: apt-get install libseccomp2) on a Linux with seccomp filters",
        "landlock": "use a Linux kernel of 5.13 or later with Landlock among its security modules",
        "rlimits": "use Linux",
    }
    return LayerMissing(
        f"The gate's layer {layer} is missing ({reason}); programs are not run without it: {remedies[layer]}"
    )


def enter(answer: int, bounds: Bounds, layers: tuple[str, ...] = LAYERS) -> None:
    """Enter ``layers``; afterwards only ``answer``, a descriptor, can be written to.

    Raises:
        LayerMissing: one of them is not there.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise require("seccomp", "no_new_privs cannot be set")
    if "rlimits" in layers:
        enter_rlimits(bounds)
    if "landlock" in layers:
        enter_landlock(libc)
    if "seccomp" in layers:
        enter_seccomp(answer)


def enter_rlimits(bounds: Bounds) -> None:
    """Bound memory and CPU time; forbid files, processes, locked memory and core dumps."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
    except OSError as error:
        raise require("rlimits", str(error)) from error
    for name, value in (
        ("RLIMIT_AS", used + bounds.memory),
        ("RLIMIT_CPU", bounds.cpu),
        ("RLIMIT_FSIZE", 0),
        ("RLIMIT_NPROC", 0),
        ("RLIMIT_CORE", 0),
        ("RLIMIT_MEMLOCK", 0),
    ):
        resource.setrlimit(getattr(resource, name), (value, value))


def landlock_version() -> int:
    """Version of Landlock in this kernel; 0 where there is none."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(LANDLOCK_CREATE, None, ctypes.c_size_t(0), LANDLOCK_VERSION)
    return max(int(version), 0)


def enter_landlock(libc: ctypes.CDLL) -> None:
    """Forbid every access to files and, where the kernel can, every TCP connection and signal to other processes.

    Raises:
        LayerMissing: this kernel has no Landlock.
    """
    version = landlock_version()
    if version == 0:
        raise require("landlock", os.strerror(ctypes.get_errno()))
    files = (1 << FILE_RIGHTS.get(version, FILE_RIGHTS[5])) - 1
    rules = struct.pack("QQQ", files, 0b11 if version >= 4 else 0, 0b11 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = libc.syscall(LANDLOCK_CREATE, rules, ctypes.c_size_t(size), 0)
    if ruleset < 0 or libc.syscall(LANDLOCK_RESTRICT, ruleset, 0) != 0:
        raise require("landlock", os.strerror(ctypes.get_errno()))
    os.close(ruleset)


def load_seccomp() -> object:
    """The binding, so that a child needs to open nothing.

    Raises:
        LayerMissing: no Linux, no binding or no library.
    """
    if platform.system() != "Linux":
        raise require("seccomp", f"this is {platform.system()}")
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError) as error:
        raise require("seccomp", str(error)) from error
    return pyseccomp


def enter_seccomp(answer: int) -> None:
    """Allow about thirty system calls; files are "not there", everything else is forbidden.

    Raises:
        LayerMissing: the filter cannot be set.
    """
    seccomp = load_seccomp()
    try:
        rules = seccomp.SyscallFilter(defaction=seccomp.ERRNO(errno.EPERM))  # type: ignore[attr-defined]
        for name in ALLOWED:
            rules.add_rule(seccomp.ALLOW, name)  # type: ignore[attr-defined]
        rules.add_rule(seccomp.ALLOW, "write", seccomp.Arg(0, seccomp.EQ, answer))  # type: ignore[attr-defined]
        for name in NOT_THERE:
            rules.add_rule(seccomp.ERRNO(errno.ENOENT), name)  # type: ignore[attr-defined]
        rules.load()
    except (OSError, RuntimeError, ValueError) as error:
        raise require("seccomp", str(error)) from error
