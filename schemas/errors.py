"""Every failure that Weir names, as one tree.

    WeirError
    ├── ConfigError        a setting, a policy or a model that cannot be used: fails at start
    ├── UnreadableError    an event that cannot become a record
    ├── UnavailableError   something outside does not answer: broker, store, registry
    └── IntegrityError     stored data contradicts what was promised

An error carries a stable ``code`` for programs and, where there is one, the ``field`` at fault. Neither they
nor the message ever hold user text: a message is written here or built from names, numbers and types.
"""

from enum import StrEnum
from typing import ClassVar


class Code(StrEnum):
    """Stable codes, on the wire and in the store. A code is never reused for another meaning."""

    # unreadable or invalid events
    MALFORMED_JSON = "MALFORMED_JSON"
    MALFORMED_ENVELOPE = "MALFORMED_ENVELOPE"
    MISSING_FIELD = "MISSING_FIELD"
    INVALID_FIELD = "INVALID_FIELD"
    WRONG_TYPE = "WRONG_TYPE"
    EMPTY_MESSAGE = "EMPTY_MESSAGE"
    UNSUPPORTED_VERSION = "UNSUPPORTED_VERSION"
    UNSUPPORTED_TYPE = "UNSUPPORTED_TYPE"
    TOO_LARGE = "TOO_LARGE"
    # judged, but not by every guard
    UNKNOWN_APP = "UNKNOWN_APP"
    TOO_LONG = "TOO_LONG"
    GUARD_FAILED = "GUARD_FAILED"
    # requests that end without an answer from the model, or with none that may be shown
    BLOCKED = "BLOCKED"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    CANCELLED = "CANCELLED"
    REFUSED_BY_REVIEWER = "REFUSED_BY_REVIEWER"
    HOLD_EXPIRED = "HOLD_EXPIRED"
    UNKNOWN_MODEL = "UNKNOWN_MODEL"
    CONTEXT_TOO_LONG = "CONTEXT_TOO_LONG"
    MODEL_FAILED = "MODEL_FAILED"
    STREAM_CUT = "STREAM_CUT"
    # contradictions between events
    ID_CONFLICT = "ID_CONFLICT"
    NOT_HELD = "NOT_HELD"
    FORGOTTEN = "FORGOTTEN"
    # rows and replays
    POISON_ROW = "POISON_ROW"
    PROCESSING_FAILED = "PROCESSING_FAILED"
    DEAD_LETTER_LIMIT = "DEAD_LETTER_LIMIT"
    # telling people
    NOTIFICATION_REFUSED = "NOTIFICATION_REFUSED"
    # start-up and surroundings
    CONFIG = "CONFIG"
    POLICY = "POLICY"
    MODEL_MISSING = "MODEL_MISSING"
    MODEL_CORRUPT = "MODEL_CORRUPT"
    VAULT_KEY = "VAULT_KEY"
    UNAVAILABLE = "UNAVAILABLE"
    INTEGRITY = "INTEGRITY"


class WeirError(Exception):
    """A failure with a stable ``code``, a message free of user text and, where there is one, the ``field``."""

    default_code: ClassVar[Code] = Code.CONFIG

    def __init__(self, message: str, *, code: Code | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.field = field

    def __str__(self) -> str:
        where = f" [{self.field}]" if self.field else ""
        return f"{self.code}{where}: {self.message}"


def reason(error: BaseException) -> str:
    """Why something failed, fit for a log: a foreign exception might quote what it failed on, so its type alone."""
    return str(error) if isinstance(error, WeirError) else type(error).__name__


def unprocessed(stage: str, error: Exception) -> WeirError:
    """What is said of a message that a stage fails on, whatever it fails with."""
    return WeirError(f"{stage} could not process it: {type(error).__name__}", code=Code.PROCESSING_FAILED)


class ConfigError(WeirError):
    """A setting, a policy or a model that cannot be used. Raised at start, naming the key."""

    default_code = Code.CONFIG


class UnreadableError(WeirError):
    """An event that cannot become a record: it ends in a dead letter or an error verdict."""

    default_code = Code.MALFORMED_ENVELOPE


class UnavailableError(WeirError):
    """Something outside does not answer. Worth another try later."""

    default_code = Code.UNAVAILABLE


class IntegrityError(WeirError):
    """Stored data contradicts what was promised, such as a topic that was created anew."""

    default_code = Code.INTEGRITY
