"""Posting JSON to a target over HTTP, with its answer told in words that hold no address and no key."""

from collections.abc import Mapping
from typing import Final

import httpx

from schemas.errors import UnavailableError
from streams.notify.target import RefusedError

_SECONDS: Final = 10.0
_REFUSALS: Final = frozenset({400, 413, 415, 422})  # of the content; what is said of keys and places can be mended


class Poster:
    """Posts to one address. ``who`` names it in errors."""

    def __init__(self, who: str, url: str, headers: Mapping[str, str] | None = None) -> None:
        self._who = who
        self._url = url
        self._client = httpx.Client(timeout=_SECONDS, headers={"User-Agent": "weir", **(headers or {})})

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Post and return once it is accepted.

        Raises:
            UnavailableError: no answer, or one that may be another later.
            RefusedError: it will not have the content.
        """
        try:
            answer = self._client.post(
                self._url, content=body, headers={"Content-Type": "application/json", **(headers or {})}
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnavailableError(f"{self._who} does not answer: {type(error).__name__}") from None
        if answer.is_success:
            return
        if answer.status_code in _REFUSALS:
            raise RefusedError(f"{self._who} refuses it: HTTP {answer.status_code}")
        raise UnavailableError(f"{self._who} answers HTTP {answer.status_code}")
