"""A model behind somebody else's server: anything that speaks OpenAI's chat completions over HTTP.

vLLM, SGLang, llama.cpp's server and hosted models do. Answers are read as streams, so that what is cancelled or late
stops on the server, too: such servers end an answer whose reader has gone.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from models.generation.engine import Capacity, Done
from models.generation.generator import Answer, Finish, Prompt
from models.generation.stops import before_stop
from models.generation.voice import Tell, Voice
from schemas.conversation import Role
from schemas.errors import Code, ConfigError, UnavailableError

_ATTEMPTS: Final = 4
_LONGEST_WAIT: Final = 30.0  # seconds, of what a server may ask for with Retry-After
_STEP_SECONDS: Final = 0.05
_CONNECT_SECONDS: Final = 5.0
_SILENCE_SECONDS: Final = 120.0  # between two pieces of an answer, the first one's waiting included
_TOKENS: Final = 4_096  # of one request, when a server's room is guessed: it has its own limits, and says so
_STOPS: Final = 4  # that the standard allows; the others are looked for here
_LARGEST: Final = 8 * 1024 * 1024  # characters of an answer
_ROLES: Final[Mapping[Role, str]] = {"developer": "system", "tool": "user"}
_FINISHES: Final[Mapping[str, Finish]] = {"length": "length", "content_filter": "content_filter"}
_LACKS_ROOM: Final = ("context_length_exceeded", "context length", "exceed_context_size", "too many tokens")


@dataclass(frozen=True, slots=True)
class Server:
    """Where a model is served: the address up to ``/v1``, the model's name there, and the key."""

    url: str
    model: str
    key: str | None = field(default=None, repr=False)


class _RefusedError(Exception):
    """The server says no, and would say so again. ``args[0]`` is the answer."""


class _TransientError(Exception):
    """The server cannot now. ``wait`` is what it asks for, in seconds."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait


class HttpEngine:
    """Up to ``slots`` requests at once. What fails for a while is tried again, with growing, random pauses."""

    kind = "http"

    def __init__(self, server: Server, slots: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self._slots = slots
        self._clock = clock
        self._loop = asyncio.new_event_loop()
        self._free = asyncio.Semaphore(slots)
        self._tasks: dict[asyncio.Task[Done], int] = {}
        self._client: httpx.AsyncClient | None = None

    @property
    def name(self) -> str:
        return self._server.model

    @property
    def version(self) -> str:
        return f"{self._server.model}@{httpx.URL(self._server.url).host}"

    @property
    def capacity(self) -> Capacity:
        return Capacity(self._slots, self._slots * _TOKENS)

    def load(self) -> None:
        headers = {"Authorization": f"Bearer {self._server.key}"} if self._server.key else {}
        limits = httpx.Limits(max_connections=self._slots, max_keepalive_connections=self._slots)
        patience = httpx.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS)
        self._client = httpx.AsyncClient(
            base_url=self._server.url.rstrip("/") + "/", headers=headers, limits=limits, timeout=patience
        )
        self._loop.run_until_complete(self._greet())

    def close(self) -> None:
        self._loop.run_until_complete(self._end())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def submit(self, ticket: int, prompt: Prompt, tell: Tell | None = None) -> None:
        task = self._loop.create_task(self._finish(ticket, prompt, _Made(prompt, tell), self._clock()))
        self._tasks[task] = ticket

    def cancel(self, ticket: int) -> None:
        for task, own in self._tasks.items():
            if own == ticket:
                task.cancel()

    def step(self) -> Sequence[Done]:
        if not self._tasks:
            return []
        waiting = asyncio.wait(self._tasks, timeout=_STEP_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        ended, _ = self._loop.run_until_complete(waiting)
        found = []
        for task in ended:
            ticket = self._tasks.pop(task)
            # One that was cancelled before it had begun never runs.
            cancelled = Done(ticket, Answer(code=Code.CANCELLED, reason="cancelled before the model"), 0.0)
            found.append(cancelled if task.cancelled() else task.result())
        return found

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    async def _greet(self) -> None:
        """Ask for the models, so that a wrong address or key is told at the start."""
        assert self._client is not None
        try:
            answer = await self._client.get("models")
        except httpx.HTTPError as error:
            raise UnavailableError(f"the model's server: {type(error).__name__}", field="WEIR_MODEL_URL") from None
        if answer.status_code in {401, 403}:
            raise ConfigError(f"the model's server answers {answer.status_code}", field="WEIR_MODEL_KEY")
        if answer.status_code >= 500:
            raise UnavailableError(f"the model's server answers {answer.status_code}", field="WEIR_MODEL_URL")

    async def _finish(self, ticket: int, prompt: Prompt, made: "_Made", since: float) -> Done:
        try:
            async with asyncio.timeout(max(0.0, prompt.until - self._clock()) if prompt.until < _NEVER else None):
                answer = await self._answered(prompt, made)
        except TimeoutError:
            answer = made.unanswered(Code.DEADLINE_EXCEEDED, "the deadline passed at the model's server")
        except asyncio.CancelledError:
            answer = made.unanswered(Code.CANCELLED, "cancelled at the model's server")
        first = None if made.first is None else made.first - since
        return Done(ticket, answer, self._clock() - since, first)

    async def _answered(self, prompt: Prompt, made: "_Made") -> Answer:
        if self._clock() >= prompt.until:
            raise TimeoutError
        retrying = AsyncRetrying(
            stop=stop_after_attempt(_ATTEMPTS),
            wait=_pause,
            retry=retry_if_exception_type(_TransientError),
            reraise=True,
        )
        async with self._free:
            try:
                return await retrying(self._ask, prompt, made)
            except _TransientError as error:
                return Answer(code=Code.UNAVAILABLE, reason=error.reason)
            except _RefusedError as error:
                refused: Answer = error.args[0]
                return refused

    async def _ask(self, prompt: Prompt, made: "_Made") -> Answer:
        assert self._client is not None
        made.restart()
        try:
            async with self._client.stream("POST", "chat/completions", json=_body(self._server.model, prompt)) as reply:
                if reply.status_code != httpx.codes.OK:
                    await reply.aread()
                    raise _failure(reply)
                async with aclosing(_events(reply)) as events:
                    async for event in events:
                        made.take(event, self._clock())
                        if len(made.text) > _LARGEST or made.stopped:
                            break
        except httpx.HTTPError as error:
            raise _TransientError(f"the model's server: {type(error).__name__}") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            answer = Answer(code=Code.MODEL_FAILED, reason="the model's server does not answer as the standard has it")
            raise _RefusedError(answer) from None
        return made.answer()


_NEVER: Final = 1e12  # seconds


@dataclass(slots=True)
class _Made:
    """The answer to a prompt as it comes, and who is told."""

    prompt: Prompt
    tell: Tell | None = None
    voice: Voice | None = None
    text: str = field(default="", repr=False)
    pieces: int = 0
    finish: str | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    first: float | None = None

    def restart(self) -> None:
        """Forget what an attempt that failed had made; what is told next begins anew."""
        self.voice = Voice(self.tell, self.prompt.stop) if self.tell else None
        self.text, self.pieces, self.finish, self.usage = "", 0, None, {}

    def take(self, event: Mapping[str, Any], now: float) -> None:
        """Take one piece in. Raises ValueError, KeyError, TypeError or AttributeError: it is none."""
        if "error" in event:
            raise _TransientError("the model's server failed in the middle of an answer")
        self.usage = event.get("usage") or self.usage
        for choice in event.get("choices") or ():
            piece = choice["delta"].get("content") or ""
            if piece:
                self.first = now if self.first is None else self.first
                self.text += piece
                self.pieces += 1
                if self.voice is not None and not self.stopped:
                    self.voice.say(piece)
            self.finish = choice.get("finish_reason") or self.finish

    @property
    def stopped(self) -> bool:
        """Whether a stop has come up."""
        return before_stop(self.text, self.prompt.stop) is not None

    def unanswered(self, code: Code, reason: str) -> Answer:
        """An answer without a text; it names the tokens that were spent, by which its app is charged."""
        return Answer(code=code, reason=reason, completion_tokens=self.pieces)

    def answer(self) -> Answer:
        """The whole answer. Raises _TransientError: it broke off."""
        cut = before_stop(self.text, self.prompt.stop)
        if cut is None and self.finish is None:
            raise _TransientError("the model's server broke off")
        return Answer(
            text=self.text if cut is None else cut,
            finish_reason="stop" if cut is not None else _FINISHES.get(self.finish or "", "stop"),
            prompt_tokens=int(self.usage.get("prompt_tokens", 0)),
            completion_tokens=int(self.usage.get("completion_tokens", self.pieces)),
        )


def _body(model: str, prompt: Prompt) -> dict[str, Any]:
    messages = [
        {"role": _ROLES.get(message.role, message.role), "content": _sound(message.content)}
        for message in prompt.messages
    ]
    body: dict[str, Any] = {
        "model": model,
        "messages": messages,
        "max_tokens": prompt.max_tokens,
        "temperature": prompt.temperature,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if prompt.temperature > 0:
        body |= {"top_p": prompt.top_p, "seed": prompt.seed % 2**31}
    if prompt.as_json:
        body["response_format"] = {"type": "json_object"}
    if stops := [_sound(stop) for stop in prompt.stop if stop]:
        body["stop"] = stops[:_STOPS]
    return body


def _sound(text: str) -> str:
    """The text without lone surrogates, which no JSON in UTF-8 can carry."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


async def _events(reply: httpx.Response) -> AsyncGenerator[Mapping[str, Any], None]:
    """The server-sent events of an answer, up to the one that says that there are no more."""
    async for line in reply.aiter_lines():
        name, _, value = line.partition(":")
        if name != "data":
            continue
        if value.strip() == "[DONE]":
            return
        yield json.loads(value)


def _failure(reply: httpx.Response) -> Exception:
    """What an answer that is none means. Its text may quote the prompt: it is looked at, and not kept."""
    status = reply.status_code
    reason = f"the model's server answered {status}"
    if status in {408, 425, 429} or status >= 500:
        return _TransientError(reason, _retry_after(reply.headers.get("retry-after")))
    found = reply.text[:10_000].lower()
    if status in {400, 413, 422} and (status == 413 or any(words in found for words in _LACKS_ROOM)):
        return _RefusedError(Answer(code=Code.CONTEXT_TOO_LONG, reason=reason))
    return _RefusedError(Answer(code=Code.MODEL_FAILED, reason=reason))


def _retry_after(value: str | None) -> float | None:
    """Seconds that a server asks to wait: a number, or a date."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return min(max(seconds, 0.0), _LONGEST_WAIT) if seconds == seconds else None  # noqa: PLR0124 - not a number


_growing = wait_random_exponential(multiplier=0.5, max=8.0)


def _pause(state: RetryCallState) -> float:
    """Seconds before the next attempt: what the server asks for, and some random part so that not all come at once."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait if isinstance(error, _TransientError) else None
    return max(asked or 0.0, _growing(state))
