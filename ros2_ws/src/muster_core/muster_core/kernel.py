"""The ``@kernel`` decorator: one text of each formula, compiled where numba is installed, plain Python where it is not.

Kernels are small functions over scalars and arrays that live in a package's ``kernels/`` folder and import nothing but
numpy, mathematics and other kernels. numba's own on-disk cache does not notice that a *called* function in another file
changed, so the compiled code is kept in a folder whose name is the hash of every kernel source it could depend on.
"""

import hashlib
import importlib.util
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

numba: Any
try:
    import numba
except ImportError:  # robots may do without: a decision then costs about half a millisecond
    numba = None

Function = TypeVar("Function", bound=Callable[..., Any])

COMPILED: bool = numba is not None and os.environ.get("MUSTER_INTERPRET", "") in {"", "0"}
"""True when kernels are compiled; ``MUSTER_INTERPRET=1`` keeps them as plain Python, to debug or to test both forms."""

KERNEL_PACKAGES = ("muster_core", "muster_sim", "muster_prompts", "muster_training")
"""Packages that may hold kernels, each allowed to call only those before it."""


def kernel(function: Function) -> Function:
    """Compile ``function`` with numba in nopython mode, cached safely; without numba return it as it is.

    Raises:
        TypeError: ``function`` is not defined in a ``kernels/`` folder of a Muster package, so that the cache
            could miss an edit of it.
    """
    return _compiled(function, counting=True)


def leaf_kernel(function: Function) -> Function:
    """As :func:`kernel`, for a function that makes no array and calls only leaf kernels: it counts no references.

    Counting is atomic, and where numba does not see that it may leave it out, it costs more than a robot's arithmetic:
    of a step of the fast world a third, measured. numba refuses to compile a leaf kernel that makes an array.
    """
    return _compiled(function, counting=False)


def _compiled(function: Function, counting: bool) -> Function:
    source = Path(function.__code__.co_filename)
    package = function.__module__.split(".")[0]
    if source.parent.name != "kernels" or package not in KERNEL_PACKAGES:
        name = f"{function.__module__}.{function.__qualname__}"
        raise TypeError(f"{name} is not in a 'kernels' folder of {KERNEL_PACKAGES}")
    if not COMPILED:
        return function
    folder = cache_folder(package)
    previous = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder) if folder else ""
    try:
        # nogil: kernels touch no Python object, so other threads of the process may run meanwhile.
        # error_model="numpy": no hidden branch for a division by zero; kernels guard their own denominators.
        compiled: Function = numba.njit(
            cache=folder is not None, error_model="numpy", nogil=True, **({} if counting else {"_nrt": False})
        )(function)
    finally:
        numba.config.CACHE_DIR = previous
    return compiled


@cache
def cache_folder(package: str) -> Path | None:
    """Folder for the compiled kernels of ``package``, or None where the user's cache folder cannot be written.

    Its name hashes numba's version and all kernel sources that ``package`` may call.
    """
    digest = hashlib.sha256(numba.__version__.encode() if numba else b"")
    digest.update(Path(__file__).read_bytes())  # how kernels are compiled
    for source in _kernel_sources(package):
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    folder = user_cache() / "kernels" / f"{package}-{digest.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def user_cache() -> Path:
    """Muster's folder for things that can be made again: ``$MUSTER_CACHE``, or ``muster`` in the XDG cache folder.

    For a user without a home (a container's bare user id) it is a folder that cannot be made, so that callers do
    without, as with one that cannot be written.
    """
    chosen = os.environ.get("MUSTER_CACHE")
    if chosen:
        return Path(chosen)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "muster"
    except RuntimeError:
        return Path(os.devnull) / "muster"


def _kernel_sources(package: str) -> list[Path]:
    sources: list[Path] = []
    for name in KERNEL_PACKAGES[: KERNEL_PACKAGES.index(package) + 1]:
        found = importlib.util.find_spec(name)
        for root in (found.submodule_search_locations or []) if found else []:
            sources += sorted(Path(root).glob("kernels/*.py"))
    return sources
