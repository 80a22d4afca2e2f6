"""The gate that every answer of a language model passes before anything of it is used. It fails closed.

``Gate.check(text)`` sends the text to the warm parent (:mod:`muster_prompts.warden`), which forks a child that enters
the sandbox, reads, checks, compiles and tries it. What comes back is plain data; this process never evaluates the
text.
"""

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from muster_core.errors import MusterError, WorkFailed
from muster_prompts.refusal import Refusal
from muster_prompts.sandbox import LayerMissing

KEPT_VARIABLES = (
    "PATH", "PYTHONPATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "XDG_CACHE_HOME", "MUSTER_CACHE",
    "MUSTER_INTERPRET",
    "TMPDIR", "VIRTUAL_ENV",
)  # fmt: skip
"""What the warm parent gets to see of the environment: no keys."""
SINGLE_THREAD = {
    name: "1" for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
}
"""A process that forks must have no other threads."""
KINDS = ("program", "distance")


@dataclass(frozen=True)
class Verdict:
    """What the gate says of an answer."""

    accepted: bool
    """Whether it may be used."""
    refusals: tuple[Refusal, ...] = ()
    """Why not."""
    figures: dict[str, Any] = field(default_factory=dict)
    """Measured on the way: prior_us, reward_us, mean_reward, compile_s, run_s."""
    seconds: float = 0.0
    """Time from fork to answer [s]."""
    stage: str = "start"
    """How far it came: start, compile, run."""

    def __str__(self) -> str:
        """One line for each reason."""
        return "\n".join(str(refusal) for refusal in self.refusals) or "accepted"


class Gate:
    """A running gate, a context manager. Starting it takes some seconds, a check then little more than compiling."""

    def __init__(self) -> None:
        """Nothing is started before the first check."""
        self._warden: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self.layers: tuple[str, ...] = ()
        """The layers that the self-test found working."""

    def __enter__(self) -> "Gate":
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.close()

    def start(self) -> None:
        """Start the warm parent, which tests the layers; nothing if it runs.

        Raises:
            LayerMissing: a layer of the sandbox is missing; its text says which, and what to do.
            WorkFailed: the warm parent does not start.
        """
        if self._warden is not None:
            return
        environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        self._warden = subprocess.Popen(
            [sys.executable, "-m", "muster_prompts.warden"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**environment, **SINGLE_THREAD, "PYTHONHASHSEED": "0", "PYTHONPATH": _search_path()},
        )
        told = self._read()
        if "missing" in told:
            self.close()
            raise LayerMissing(told["missing"])
        self.layers = tuple(told["layers"])

    def check(self, text: str, kind: str = "program") -> Verdict:
        """The verdict on ``text``: ``program`` (prior and reward) or ``distance`` (sdf).

        Raises:
            LayerMissing: see :meth:`start`.
            WorkFailed: the gate itself broke; nothing is accepted then.
        """
        if kind not in KINDS:
            raise MusterError(f"Unknown kind of program {kind!r}. Available: {', '.join(KINDS)}")
        return self.ask({"kind": kind, "text": text})

    def ask(self, request: dict[str, Any]) -> Verdict:
        """Send a raw request; :meth:`check` is for programs, this also for tests of the layers."""
        with self._lock:
            self.start()
            assert self._warden is not None
            assert self._warden.stdin is not None
            try:
                self._warden.stdin.write(json.dumps(request).encode() + b"\n")
                self._warden.stdin.flush()
                told = self._read()
            except BaseException as error:
                self.close()  # a half-read answer must not be taken for the next one's
                if isinstance(error, BrokenPipeError):
                    raise WorkFailed("The gate's warm parent ended unexpectedly; nothing was accepted") from error
                raise
        refusals = tuple(Refusal(**refusal) for refusal in told["refusals"])
        return Verdict(
            bool(told["accepted"]) and not refusals and request["kind"] in KINDS,
            refusals,
            told["figures"],
            told["seconds"],
            told["stage"],
        )

    @property
    def process_id(self) -> int | None:
        """Of the warm parent; None while it does not run."""
        return self._warden.pid if self._warden else None

    def close(self) -> None:
        """Stop the warm parent and its child, if any; may be called twice."""
        warden, self._warden = self._warden, None
        if warden is None:
            return
        assert warden.stdin is not None
        assert warden.stdout is not None
        warden.stdin.close()
        warden.stdout.close()
        try:
            warden.wait(timeout=2.0)
        except subprocess.TimeoutExpired:
            warden.kill()
            warden.wait()

    def _read(self) -> dict[str, Any]:
        assert self._warden is not None
        assert self._warden.stdout is not None
        line = self._warden.stdout.readline()
        if not line:
            self.close()
            raise WorkFailed("The gate's warm parent ended unexpectedly; nothing was accepted")
        told: dict[str, Any] = json.loads(line)
        return told


def _search_path() -> str:
    return os.pathsep.join(path for path in sys.path if path)
