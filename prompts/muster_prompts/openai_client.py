"""A model behind an OpenAI-compatible server: OpenAI itself, vLLM, llama.cpp, Ollama. Only this module imports openai.

Answers are streamed, so that progress shows, a stalled server is noticed and an endless answer is cut. What may go
better the second time (429, 5xx, time-outs, a broken stream, an answer without content) is tried again with
exponential back-off and jitter; what a server says of Retry-After is kept to. Keys stay in memory.
"""

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from muster_core.errors import MusterError, WorkFailed
from muster_prompts.answers import MAX_ANSWER
from muster_prompts.conversation import Reply, Request

try:
    import httpx2 as httpx
    import openai
except ImportError:
    openai = None  # type: ignore[assignment]

NO_KEY = "none"
"""Sent to servers that want no key; the library insists on one."""


@dataclass(frozen=True)
class ClientConfig:
    """How a server is asked."""

    model: str = "gpt-4.1"
    """Name of the model, as the server knows it."""
    base_url: str | None = None
    """Address of an OpenAI-compatible server; OpenAI's own without it."""
    api_key: str | None = field(default=None, repr=False)
    """Key; never written or shown."""
    temperature: float | None = None
    """Sampling temperature; the server's own without it."""
    timeout: float = 60.0
    """Longest silence of the server [s]."""
    total_timeout: float = 600.0
    """Longest time for one answer [s]."""
    attempts: int = 5
    """How often one question is asked before giving up."""
    backoff: float = 1.0
    """Mean wait before the second attempt [s]; doubled for each further one."""
    longest_wait: float = 60.0
    """Longest wait before an attempt, whatever the server asks for [s]."""
    price_in: float = 0.0
    """Price of a million prompt tokens."""
    price_out: float = 0.0
    """Price of a million answered tokens."""
    max_cost: float = 1.0
    """Spend no more than this, in the currency of the prices; 0 prices cost nothing."""
    max_tokens: int = 400_000
    """Use no more tokens than this in all."""

    def __post_init__(self) -> None:
        """Refuse settings that cannot be.

        Raises:
            MusterError: names the setting and its value; of the key, only that it is wrong.
        """
        if self.base_url is not None and not self.base_url.startswith(("http://", "https://")):
            raise MusterError(f"base_url is {self.base_url!r}; it begins with http:// or https://")
        if self.api_key and not (self.api_key.isascii() and self.api_key.isprintable()):
            raise MusterError("The key holds characters that no key has; check OPENAI_API_KEY")
        for name, low in (("attempts", 1), ("timeout", 0.01), ("total_timeout", 0.01), ("backoff", 0.0),
                          ("longest_wait", 0.0), ("price_in", 0.0), ("price_out", 0.0), ("max_cost", 0.0),
                          ("max_tokens", 0), ("temperature", 0.0)):  # fmt: skip
            value = getattr(self, name)
            if value is not None and not low <= value < math.inf:
                raise MusterError(f"{name} is {value}; it must be at least {low}, and finite")


@dataclass
class Account:
    """What was used so far."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    requests: int = 0
    cost: float = 0.0
    estimated: bool = False
    """Whether a server did not count and tokens were estimated from the text's length."""


class OpenAIModel:
    """See :class:`muster_prompts.conversation.Model`."""

    def __init__(
        self,
        config: ClientConfig,
        progress: Callable[[str], None] = lambda text: None,
        sleep: Callable[[float], None] = time.sleep,
        seed: int | None = None,
    ) -> None:
        """Nothing is sent yet.

        Args:
            config: Server and limits.
            progress: Told each piece of an answer as it arrives.
            sleep: Waits [s]; handed in for tests.
            seed: Of the jitter.

        Raises:
            MusterError: the openai package is not installed, or there is no key for OpenAI's own server.
        """
        if openai is None:
            raise MusterError("Asking a model needs the openai package: pip install 'muster_prompts[openai]'")
        if config.base_url is None and not config.api_key:
            raise MusterError("Asking OpenAI needs a key: set OPENAI_API_KEY, or name another server with --base-url")
        self.config, self.account = config, Account()
        self._progress, self._sleep, self._random = progress, sleep, random.Random(seed)
        self._client = openai.OpenAI(
            api_key=config.api_key or NO_KEY,
            base_url=config.base_url,
            timeout=config.timeout,
            max_retries=0,
            http_client=openai.DefaultHttpxClient(follow_redirects=False),  # a key goes where it was meant to
        )

    def ask(self, request: Request) -> Reply:
        """Ask the server, several times if need be. Ctrl-C ends it at once.

        Raises:
            WorkFailed: no usable answer, the model refuses, or the cap on cost or tokens is reached.
            MusterError: the server rejects the request: unknown model, wrong key.
        """
        reason = ""
        for attempt in range(self.config.attempts):
            self._check_budget()
            try:
                return self._stream(request)
            except _Retry as retry:
                reason = str(retry)
                if attempt + 1 < self.config.attempts:
                    self._sleep(self._wait(attempt, retry.after))
        raise WorkFailed(f"No answer from {self._name()} after {self.config.attempts} attempts; the last one: {reason}")

    def _stream(self, request: Request) -> Reply:
        pieces: list[str] = []
        usage: Any = None
        finished, refusal, received = "", "", 0
        deadline = time.monotonic() + self.config.total_timeout
        self.account.requests += 1
        try:
            with self._client.chat.completions.create(**self._arguments(request)) as stream:
                kind = stream.response.headers.get("content-type", "")
                if not kind.startswith("text/event-stream"):
                    raise _Retry(f"no stream of answers but {kind or 'something'!r}; is the address a model's?")
                for chunk in stream:
                    usage = getattr(chunk, "usage", None) or usage
                    for choice in getattr(chunk, "choices", None) or []:
                        delta = choice.delta
                        refusal += getattr(delta, "refusal", None) or ""
                        piece = getattr(delta, "content", None) or ""
                        finished = choice.finish_reason or finished
                        received += len(piece)
                        pieces.append(piece)
                        self._progress(piece)
                    if received > MAX_ANSWER:
                        raise WorkFailed(
                            f"{self._name()} gave an answer of more than {MAX_ANSWER} characters; it was cut off"
                        )
                    if time.monotonic() > deadline:
                        raise _Retry(f"the answer took more than {self.config.total_timeout:g} s")
        except openai.APIStatusError as error:
            self._raise_status(error)
        except openai.APITimeoutError:
            raise _Retry(f"no word for {self.config.timeout:g} s") from None
        except openai.APIConnectionError as error:
            raise _Retry(f"the connection failed ({self._clean(str(error.__cause__ or error))})") from None
        except (httpx.HTTPError, openai.APIError, ValueError, TypeError, AttributeError) as error:
            # A stream that breaks off, or holds no events: the library lets the parser's own errors through.
            raise _Retry(
                f"the answer broke off or cannot be read ({type(error).__name__}: {self._clean(str(error))[:120]})"
            ) from None
        finally:
            self._count(request, "".join(pieces), usage)
        return self._reply("".join(pieces), finished, refusal, usage)

    def _reply(self, text: str, finished: str, refusal: str, usage: Any) -> Reply:  # noqa: ANN401
        text, refusal = self._clean(text), self._clean(refusal)
        if refusal:
            raise WorkFailed(f"{self._name()} refuses to answer: {' '.join(refusal.split())[:300]}")
        if finished == "content_filter":
            raise WorkFailed(f"{self._name()} withheld the answer (content filter)")
        if not text.strip():
            raise _Retry("the answer is empty")
        if not finished:
            raise _Retry("the answer broke off")
        return Reply(text, self.config.model, "live", *(_tokens(usage) or (0, 0)))

    def _arguments(self, request: Request) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "model": self.config.model,
            "messages": [{"role": "user", "content": request.prompt}],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self.config.temperature is not None:
            arguments["temperature"] = self.config.temperature
        if request.schema is not None:
            schema = {"name": "answer", "strict": True, "schema": request.schema}
            arguments["response_format"] = {"type": "json_schema", "json_schema": schema}
        return arguments

    def _raise_status(self, error: Any) -> None:  # noqa: ANN401
        code = error.status_code
        if code in {408, 409, 429} or code >= 500:
            raise _Retry(f"status {code}", _retry_after(error.response)) from None
        message = " ".join(self._clean(str(error.message)).split())[:300]
        raise MusterError(f"{self._name()} rejects the request (status {code}): {message}") from None

    def _wait(self, attempt: int, after: float | None) -> float:
        """What the server asks for, or twice as long each time, with jitter so that clients do not return at once."""
        mean = self.config.backoff * 2.0**attempt
        wait = after if after is not None else mean * self._random.uniform(0.5, 1.5)
        return min(wait, self.config.longest_wait)

    def _check_budget(self) -> None:
        used = self.account.prompt_tokens + self.account.completion_tokens
        if self.account.cost >= self.config.max_cost:
            raise WorkFailed(
                f"The cap on cost is reached: {self.account.cost:.2f} of {self.config.max_cost:.2f}; raise --max-cost"
            )
        if used >= self.config.max_tokens:
            raise WorkFailed(
                f"The cap on tokens is reached: {used} of {self.config.max_tokens} used; raise --max-tokens"
            )

    def _count(self, request: Request, answer: str, usage: Any) -> None:  # noqa: ANN401
        counted = _tokens(usage)
        self.account.estimated |= counted is None
        prompt, completion = counted or (len(request.prompt) // 4, len(answer) // 4)  # about four characters a token
        self.account.prompt_tokens += prompt
        self.account.completion_tokens += completion
        self.account.cost += (prompt * self.config.price_in + completion * self.config.price_out) * 1e-6

    def _clean(self, text: str) -> str:
        """``text`` without the key: some servers repeat what they were sent."""
        return text.replace(self.config.api_key, "[key]") if self.config.api_key else text

    def _name(self) -> str:
        return f"{self.config.model} at {self.config.base_url or 'OpenAI'}"


class _Retry(Exception):  # noqa: N818
    """This attempt failed; another may not."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


def _tokens(usage: Any) -> tuple[int, int] | None:  # noqa: ANN401
    """Tokens of prompt and answer as a server counted them; None where it did not, or gave no numbers."""
    try:
        return max(0, int(usage.prompt_tokens)), max(0, int(usage.completion_tokens))
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None


def _retry_after(response: Any) -> float | None:  # noqa: ANN401
    try:
        return max(0.0, float(response.headers.get("retry-after")))
    except (TypeError, ValueError):
        return None
