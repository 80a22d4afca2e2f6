"""PyBullet, imported without the banner that its C code prints: a command's output is its own."""

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def _silence(descriptor: int) -> Iterator[None]:
    """Send what C code writes to ``descriptor`` nowhere, as long as this lasts."""
    kept = os.dup(descriptor)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), descriptor)
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)


sys.stdout.flush()
with _silence(1), _silence(2):
    import pybullet

__all__ = ["pybullet"]
