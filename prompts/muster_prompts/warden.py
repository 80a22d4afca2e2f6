"""The warm parent: a process that holds numba and the API's kernels, and forks a sandboxed child for every check.

It is started fresh (``python -m muster_prompts.warden``), so it holds no torch, no parallel kernels and no secrets, and
speaks JSON lines: a request on stdin, an answer on stdout. It ends when stdin closes, and so do its children.
"""

import gc
import json
import os
import select
import signal
import sys
import time
from dataclasses import dataclass
from typing import Any

from numba.core.caching import NullCache

from muster_prompts.api_text import HELPERS
from muster_prompts.examination import examine
from muster_prompts.perceptions import Trial, trial
from muster_prompts.sandbox import LAYERS, Bounds, LayerMissing, enter, load_seccomp
from muster_prompts.self_test import self_test
from muster_prompts.warm_up import BAD_TEXTS, DISTANCE_TEXT, PROGRAM_TEXT

SECONDS = {"start": 30.0, "compile": 240.0, "run": 20.0}
"""How long a child may stay in each stage [s], by the wall clock of a machine that may be busy; see also Bounds.cpu."""
LATER = {"start": ("compile", "run"), "compile": ("run",), "run": ()}
"""Stages that may come after each."""
MAX_ANSWER = 2**20
"""Longest answer of a child [bytes]."""


@dataclass(frozen=True)
class Outcome:
    """How a child ended."""

    answer: dict[str, Any] | None
    """What it said last, if it said a whole verdict."""
    stage: str
    """The last stage that it told of."""
    reason: str
    """Empty, or why there is no answer."""


def main() -> None:
    """Serve until stdin closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the client's to handle; it closes our stdin
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # nothing that a library prints may look like an answer
    try:
        ready = _warm_up()
    except LayerMissing as error:
        _say(answers, {"missing": str(error)})
        return
    gc.collect()
    gc.freeze()  # so that a child's collector does not touch, and so copy, what it shares with us
    _say(answers, {"ready": True, "layers": list(LAYERS)})
    for line in _lines():
        request = json.loads(line)
        _say(answers, serve(request, ready))


def serve(request: dict[str, Any], ready: Trial) -> dict[str, Any]:
    """The answer to one request: ``kind``, ``text`` and optionally ``cpu`` and ``run_seconds``."""
    begin = time.perf_counter()
    outcome = fork_child(request, ready)
    answer = outcome.answer
    if answer is None:
        message = f"the check was ended in stage '{outcome.stage}': {outcome.reason}"
        refusal = {
            "kind": "resources",
            "message": message,
            "remedy": "Write a program that ends and needs little",
            "line": None,
        }
        answer = {"accepted": False, "refusals": [refusal], "figures": {}}
    return {**answer, "seconds": time.perf_counter() - begin, "layers": list(LAYERS), "stage": outcome.stage}


def fork_child(request: dict[str, Any], ready: Trial) -> Outcome:
    """Examine in a fresh child and wait for what comes of it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _live_as_child(request, ready, writing, reading)
    os.close(writing)
    try:
        return _watch(child, reading, {**SECONDS, "run": float(request.get("run_seconds", SECONDS["run"]))})
    finally:
        os.close(reading)


def _live_as_child(request: dict[str, Any], ready: Trial, answer: int, other: int) -> None:
    """Never returns."""
    code = 1
    try:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        os.close(other)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        os.dup2(answer, 3)
        os.closerange(4, 4096)
        enter(3, Bounds(cpu=int(request.get("cpu", Bounds.cpu))))
        tell = _teller(3)
        verdict = examine(str(request["kind"]), str(request["text"]), ready, tell)
        os.write(3, (json.dumps({"verdict": verdict}) + "\n").encode())
        code = 0
    except LayerMissing as error:
        os.write(3, (json.dumps({"missing": str(error)}) + "\n").encode())
    finally:
        os._exit(code)


def _teller(descriptor: int) -> Any:  # noqa: ANN401
    def tell(stage: str) -> None:
        os.write(descriptor, (json.dumps({"stage": stage}) + "\n").encode())

    return tell


def _watch(child: int, reading: int, seconds: dict[str, float]) -> Outcome:
    """Read what the child says until it ends, takes too long, says too much, or our client is gone."""
    stage, received, total, reason = "start", b"", 0, ""
    answer: dict[str, Any] | None = None
    deadline = time.monotonic() + seconds[stage]
    poller = select.poll()
    poller.register(reading, select.POLLIN | select.POLLHUP)
    poller.register(0, select.POLLHUP)
    open_end = True
    while open_end and not reason:
        events = dict(poller.poll(max(0.0, deadline - time.monotonic()) * 1000))
        if not events or time.monotonic() > deadline:
            reason = f"it took more than {seconds[stage]:.0f} s"
        elif 0 in events:
            os.kill(child, signal.SIGKILL)
            os._exit(0)
        else:
            chunk = os.read(reading, 65536)
            received, open_end, total = received + chunk, bool(chunk), total + len(chunk)
            if total > MAX_ANSWER:
                reason = "it said too much"
            while b"\n" in received:
                line, received = received.split(b"\n", 1)
                told = _read_line(line)
                if told.get("stage") in LATER[stage]:  # forward only: a child gets each stage's time once
                    stage = told["stage"]
                    deadline = time.monotonic() + seconds[stage]
                answer = told.get("verdict", answer)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not reason and (answer is None or status != 0):
        reason, answer = _ending(status), None
    if not reason and not _is_verdict(answer):
        reason = "its verdict is none"
    return Outcome(answer if not reason else None, stage, reason)


def _is_verdict(answer: object) -> bool:
    """Whether a child's answer is what :func:`muster_prompts.examination.examine` gives; nothing else is passed on."""
    if not isinstance(answer, dict) or set(answer) != {"accepted", "refusals", "figures"}:
        return False
    kinds = {"kind": str, "message": str, "remedy": str, "line": int | None}
    return (
        isinstance(answer["accepted"], bool)
        and isinstance(answer["figures"], dict)
        and isinstance(answer["refusals"], list)
        and all(
            isinstance(refusal, dict)
            and set(refusal) == set(kinds)
            and all(isinstance(refusal[name], kind) for name, kind in kinds.items())
            for refusal in answer["refusals"]
        )
    )


def _read_line(line: bytes) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _ending(status: int) -> str:
    if os.WIFSIGNALED(status):
        names = {
            signal.SIGXCPU: "it used too much CPU time",
            signal.SIGSEGV: "it crashed",
            signal.SIGKILL: "it used too much CPU time",
        }
        number = os.WTERMSIG(status)
        return names.get(signal.Signals(number), f"it was killed by signal {number}")
    return f"it ended with code {os.WEXITSTATUS(status)} and no verdict"


def _warm_up() -> Trial:
    load_seccomp()
    ready = trial()
    for kind, text in (("program", PROGRAM_TEXT), ("distance", DISTANCE_TEXT)):
        verdict = examine(kind, text, ready, lambda stage: None)
        assert verdict["accepted"], verdict
    for text in BAD_TEXTS:
        assert not examine("program", text, ready, lambda stage: None)["accepted"]
    for helper in HELPERS.values():
        # A child that compiles a helper for other types must not try to keep that on disk.
        helper._cache = NullCache()  # type: ignore[attr-defined]
    self_test()
    return ready


def _lines() -> Any:  # noqa: ANN401
    received = b""
    while True:
        chunk = os.read(0, 65536)
        if not chunk:
            return
        received += chunk
        while b"\n" in received:
            line, received = received.split(b"\n", 1)
            yield line


def _say(answers: Any, content: dict[str, Any]) -> None:  # noqa: ANN401
    answers.write(json.dumps(content) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
    sys.exit(0)
