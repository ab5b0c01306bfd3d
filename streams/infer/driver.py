"""The engine in a thread of its own: it works on while others poll, publish and wait."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue

from models.generation.engine import Capacity, Done, Engine
from models.generation.generator import Prompt

Order = Callable[[], None] | None


@dataclass(frozen=True, slots=True)
class Start:
    """A prompt for the engine. One that ``streams`` has its answer told as it comes."""

    ticket: int
    prompt: Prompt = field(repr=False)
    streams: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an answer, and the code point at which it stands. At 0 the answer begins, or begins anew."""

    ticket: int
    at: int
    text: str = field(repr=False)


class Driver:
    """Drives one engine. The methods belong to one thread, which is not the engine's; none waits but as it says."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._orders: SimpleQueue[Order] = SimpleQueue()
        self._done: SimpleQueue[Done | Piece] = SimpleQueue()
        self._inside = 0  # what the engine has; its thread's own
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="model", daemon=True)

    @property
    def capacity(self) -> Capacity:
        """What the engine can take at once."""
        return self._engine.capacity

    def load(self) -> None:
        """Start the thread and load the engine in it. Waits for it, and raises what it raises."""
        loaded: Future[None] = Future()

        def load() -> None:
            try:
                self._engine.load()
            except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
                loaded.set_exception(error)
            else:
                loaded.set_result(None)

        self._thread.start()
        self._orders.put(load)
        loaded.result()

    def submit(self, starts: Sequence[Start]) -> None:
        """Let the engine begin with these, together."""

        def submit() -> None:
            for start in starts:
                tell = partial(self._hear, start.ticket) if start.streams else None
                self._engine.submit(start.ticket, start.prompt, tell)
            self._inside += len(starts)

        if starts:
            self._orders.put(submit)

    def cancel(self, ticket: int) -> None:
        """Let the engine stop with this."""
        self._orders.put(lambda: self._engine.cancel(ticket))

    def collect(self, seconds: float) -> Sequence[Done | Piece]:
        """What has ended or was told, in order, or the first of that within so many seconds.

        Raises whatever the engine raised: it is broken then, and answers nothing any more.
        """
        found = []
        try:
            found.append(self._done.get(timeout=seconds) if seconds else self._done.get_nowait())
            while True:
                found.append(self._done.get_nowait())
        except Empty:
            pass
        if self._failure is not None and not found:
            raise self._failure
        return found

    def stop(self, seconds: float) -> bool:
        """End the thread once the engine's step has ended; whether that came in time."""
        if not self._thread.is_alive():
            return True
        self._orders.put(None)
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _hear(self, ticket: int, at: int, text: str) -> None:
        self._done.put(Piece(ticket, at, text))

    def _work(self) -> None:
        try:
            while self._obey():
                if self._inside:
                    for each in self._engine.step():
                        self._inside -= 1
                        self._done.put(each)
            self._engine.close()
        except Exception as error:  # noqa: BLE001 - told to whoever collects
            self._failure = error

    def _obey(self) -> bool:
        """Do what was ordered, waiting for an order if there is nothing else to do; whether to go on."""
        try:
            order = self._orders.get(block=not self._inside)
            while order is not None:
                order()
                order = self._orders.get_nowait()
        except Empty:
            return True
        return False
