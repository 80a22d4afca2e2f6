"""What is said to a model and what comes back, whoever answers: a server, a recording, or a test."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from muster_core.errors import MusterError


@dataclass(frozen=True)
class Request:
    """One question."""

    prompt: str
    """All that is said, as one message."""
    sample: int = 0
    """Which of several answers to the same prompt is wanted."""
    schema: dict[str, Any] | None = None
    """JSON schema of the answer, for servers that can hold a model to one."""

    @property
    def key(self) -> str:
        """Hash of what is asked; recordings are found by it."""
        content = json.dumps([self.prompt, self.sample, self.schema], ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True)
class Reply:
    """One answer."""

    text: str
    """As the model gave it."""
    model: str
    """Name of the model."""
    source: str = "live"
    """``live`` or ``recorded``."""
    prompt_tokens: int = 0
    """As the server counted them."""
    completion_tokens: int = 0
    """As the server counted them."""


class Model(Protocol):
    """Somebody who answers."""

    def ask(self, request: Request) -> Reply:
        """Answer one request.

        Raises:
            MusterError: no answer can be had.
        """
        ...


class NoRecording(MusterError):  # noqa: N818 - reads as what happened
    """Nobody has recorded an answer to a question yet."""

    def __init__(self, request: Request) -> None:
        """``request``: what has no answer."""
        super().__init__(
            f"There is no recorded answer to this prompt (key {request.key[:12]}), and no model to ask: "
            "set OPENAI_API_KEY, or name a server with --base-url"
        )
        self.request = request


class Recordings:
    """Answers kept in folders, one JSON file each, named by the request's key."""

    def __init__(self, *folders: Path) -> None:
        """``folders``: looked into in this order."""
        self.folders = folders

    def ask(self, request: Request) -> Reply:
        """See :class:`Model`.

        Raises:
            NoRecording: nobody recorded an answer to this prompt.
        """
        for folder in self.folders:
            path = folder / f"{request.key}.json"
            if path.is_file():
                return read_recording(path)[1]
        raise NoRecording(request)


class FirstOf:
    """Several sources of recorded answers; the first that has one answers."""

    def __init__(self, *models: Model) -> None:
        """``models``: asked in this order."""
        self._models = models

    def ask(self, request: Request) -> Reply:
        """See :class:`Model`.

        Raises:
            NoRecording: none of them has an answer.
        """
        for model in self._models:
            try:
                return model.ask(request)
            except NoRecording:
                continue
        raise NoRecording(request)


class Recorder:
    """Asks ``model`` and keeps every answer in ``folder``; what was asked before is not asked again."""

    def __init__(self, model: Model, folder: Path) -> None:
        """``folder`` is made when the first answer arrives."""
        self._model, self._folder = model, folder

    def ask(self, request: Request) -> Reply:
        """See :class:`Model`."""
        path = self._folder / f"{request.key}.json"
        if path.is_file():
            return read_recording(path)[1]
        reply = self._model.ask(request)
        write_recording(self._folder, request, reply)
        return reply


def write_recording(folder: Path, request: Request, reply: Reply) -> Path:
    """Keep an answer: the prompt, who answered and what; no keys, no addresses."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{request.key}.json"
    content = {"request": asdict(request), "reply": {**asdict(reply), "source": "recorded"}}
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(temporary, path)
    return path


def read_recording(path: Path) -> tuple[Request, Reply]:
    """A kept question and answer.

    Raises:
        MusterError: the file is no recording, or its name does not belong to its content.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        request, reply = Request(**content["request"]), Reply(**content["reply"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise MusterError(f"{path} is no recording of an answer ({type(error).__name__}: {error})") from None
    if path.stem != request.key:
        raise MusterError(f"{path} was changed: its name is not the hash of its prompt")
    return request, reply
