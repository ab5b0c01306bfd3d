"""Calls that must end in time. A thread cannot be killed: one that is late is left alone, and another one made."""

from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Final, TypeVar

T = TypeVar("T")

MOST_LATE: Final = 8
"""Threads that are waited for no more and still at work; with as many, nothing is begun."""


class TooLateError(Exception):
    """The call did not end in time, or was not begun because too many others have not."""


class TimeLimit:
    """Calls functions in threads of its own. Thread-safe. What never gives up the interpreter's lock stops it too."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._idle: list[_Hand] = []
        self._late: set[_Hand] = set()

    def call(self, action: Callable[[], T], seconds: float) -> T:
        """What the action returns or raises. Without a limit (0) it is called in this thread.

        Raises:
            TooLateError: as that says.
            RuntimeError: the action raised what is no ``Exception``, such as a panic of a library in Rust.
        """
        if not seconds:
            return action()
        with self._lock:
            if len(self._late) >= MOST_LATE:
                raise TooLateError
            hand = self._idle.pop() if self._idle else _Hand()
        done = hand.begin(action)
        try:
            return done.result(seconds)  # type: ignore[no-any-return]  # what the action returns
        except TimeoutError:
            if done.done():
                raise  # the action's own
            with self._lock:
                self._late.add(hand)
            raise TooLateError from None
        finally:
            done.add_done_callback(lambda _: self._free(hand))

    def _free(self, hand: "_Hand") -> None:
        with self._lock:
            self._late.discard(hand)
            self._idle.append(hand)


class _Hand:
    """One thread that does one thing after another. It ends with the process, whatever it does."""

    def __init__(self) -> None:
        self._tasks: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        Thread(target=self._work, name="guard", daemon=True).start()

    def begin(self, action: Callable[[], Any]) -> "Future[Any]":
        done: Future[Any] = Future()
        self._tasks.put((action, done))
        return done

    def _work(self) -> None:
        while True:
            action, done = self._tasks.get()
            try:
                done.set_result(action())
            except Exception as error:  # noqa: BLE001 - whoever called handles it
                done.set_exception(error)
            except BaseException as error:  # noqa: BLE001 - must not end the thread, nor the process
                done.set_exception(RuntimeError(type(error).__name__))
            del action, done  # texts do not outlive their batch
