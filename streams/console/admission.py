"""Who may use the console: whoever has the key that was printed at its start, from a page of its own."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from secrets import compare_digest, token_urlsafe
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Key:
    """The key of one run of the console, and the port that it is for."""

    port: int
    secret: str = field(default_factory=token_urlsafe, repr=False)

    @property
    def url(self) -> str:
        """What opens the console: the key stays in a cookie, and out of the address from then on."""
        return f"http://127.0.0.1:{self.port}/?key={self.secret}"

    @property
    def cookie(self) -> str:
        """The cookie's name. Cookies are shared between ports, so it has the port in it."""
        return f"weir-console-{self.port}"

    def fits(self, given: str | None) -> bool:
        """Whether it is the key; takes as long whatever is given."""
        return given is not None and compare_digest(given.encode("utf-8", "replace"), self.secret.encode())


class Admission:
    """Lets a request through to ``app`` if it may pass, and adds the headers that keep a browser strict.

    - The ``Host`` is this machine's own name: a page elsewhere that makes its name point here is turned away.
    - The key comes once in the address, and then in a cookie that no script reads and no other site sends.
    - What changes something comes from a page of the console: the ``Origin`` is its own, and the body is JSON, which
      no form of another site can send.
    """

    def __init__(self, app: App, key: Key) -> None:
        self._app = app
        self._key = key
        self._hosts = {f"{name}:{key.port}" for name in _NAMES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope["method"], scope["path"], Headers(scope=scope), scope["query_string"])
        if refusal is not None:
            await refusal(scope, receive, _with_headers(send))
        else:
            await self._app(scope, receive, _with_headers(send))

    def _refusal(self, method: str, path: str, headers: Headers, query: bytes) -> Response | None:
        """The answer to a request that does not pass, or that brings the key; None: it passes."""
        if headers.get("host") not in self._hosts:
            return _text(HTTPStatus.MISDIRECTED_REQUEST, "this is not the name of the console")
        given = parse_qs(query.decode("ascii", "replace")).get("key", [None])[0]
        if method == "GET" and path == "/" and self._key.fits(given):
            answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
            answer.set_cookie(self._key.cookie, self._key.secret, httponly=True, samesite="strict")
            return answer
        if not self._key.fits(_cookie(headers.get("cookie", ""), self._key.cookie)):
            return _text(HTTPStatus.FORBIDDEN, "open the address that `weir console` printed")
        if method not in {"GET", "HEAD"} and not self._is_own(headers):
            return _text(HTTPStatus.FORBIDDEN, "this did not come from the console's page")
        return None

    def _is_own(self, headers: Headers) -> bool:
        origins = {f"http://{host}" for host in self._hosts}
        return headers.get("origin") in origins and headers.get("content-type", "") == "application/json"


def _cookie(header: str, name: str) -> str | None:
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return None
    return found.value if found else None


def _text(status: HTTPStatus, text: str) -> Response:
    return Response(text + "\n", status, media_type="text/plain")


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            own = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
            message["headers"] = [*message.get("headers", ()), *own]
        await send(message)

    return sending
