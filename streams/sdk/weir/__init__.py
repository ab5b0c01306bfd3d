"""Weir for Python applications: ``with weir.Client() as client: client.ask("…").text``.

Any Kafka client does as well; this one makes it a line.
"""

from schemas.errors import Code, ConfigError, UnavailableError, UnreadableError, WeirError
from schemas.reply import Reply
from streams.client.async_client import AsyncClient
from streams.client.client import Client
from streams.client.errors import ReplyTimeoutError as TimeoutError  # noqa: A004 - it is one, with the request's id
from streams.client.errors import UnansweredError
from streams.client.streams import AsyncStream, Stream
from streams.client.unfolding import Piece

__all__ = [
    "AsyncClient",
    "AsyncStream",
    "Client",
    "Code",
    "ConfigError",
    "Piece",
    "Reply",
    "Stream",
    "TimeoutError",
    "UnansweredError",
    "UnavailableError",
    "UnreadableError",
    "WeirError",
]
