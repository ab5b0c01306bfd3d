"""The erasures of a running process: whatever the topic ``forgotten`` says, from the start and on."""

from datetime import datetime
from types import TracebackType
from typing import Self

from schemas.codec import Message
from schemas.forgotten import Forgotten
from schemas.topics import FORGOTTEN
from streams.erasure.erasures import Erasures
from streams.erasure.message import read_forgotten
from streams.kafka.following import Follower
from streams.settings import Settings


class LiveErasures:
    """As ``Forgets`` says, and always the latest: a context that follows the topic while it lasts."""

    def __init__(self, settings: Settings) -> None:
        self._erasures = Erasures()
        self._waiting: list[Forgotten] | None = []  # what the topic held at the start is taken in at once
        self._follower = Follower(settings, FORGOTTEN, self._take, self._caught_up)

    def __enter__(self) -> Self:
        """Return once everything is read that the topic held at this moment.

        Raises:
            ConfigError: the broker has no topic ``forgotten``.
            UnavailableError: the broker does not answer.
        """
        self._follower.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._follower.stop()

    def covers(self, app: str, user: str | None, conversation: str | None, moment: datetime) -> bool:
        return self._erasures.covers(app, user, conversation, moment)

    def _take(self, message: Message) -> None:
        record = read_forgotten(message)
        if record is None:
            return
        if self._waiting is None:
            self._erasures = self._erasures.after([record])
        else:
            self._waiting.append(record)

    def _caught_up(self) -> None:
        self._erasures, self._waiting = self._erasures.after(self._waiting or ()), None
