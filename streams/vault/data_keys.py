"""The data keys of one process: at most one at a time for a subject, and none for two."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Final
from uuid import UUID, uuid4

from streams.vault.cipher import new_secret
from streams.vault.master_key import MasterKey

MOST: Final = 10_000
LIFETIME: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DataKey:
    """A key of one subject, and the same wrapped under the master key."""

    id: UUID
    secret: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)
    made_at: datetime


class DataKeys:
    """Makes a subject's key when it is first asked for, and gives the same for ``lifetime``.

    It remembers those of the ``most`` subjects asked for last; another key for a subject does no harm. May be called
    from any thread.
    """

    def __init__(
        self,
        master: MasterKey,
        clock: Callable[[], datetime],
        *,
        most: int = MOST,
        lifetime: timedelta = LIFETIME,
    ) -> None:
        self._master = master
        self._clock = clock
        self._most = most
        self._lifetime = lifetime
        self._keys: OrderedDict[str, DataKey] = OrderedDict()
        self._lock = Lock()

    def of(self, subject: str) -> DataKey:
        """The subject's key. Raises what the master key's ``wrap`` raises."""
        now = self._clock()
        with self._lock:
            key = self._keys.get(subject)
            if key is None or now - key.made_at >= self._lifetime:
                secret = new_secret()
                key = self._keys[subject] = DataKey(uuid4(), secret, self._master.wrap(secret), now)
            self._keys.move_to_end(subject)
            if len(self._keys) > self._most:
                self._keys.popitem(last=False)
            return key
