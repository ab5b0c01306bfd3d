"""``/metrics``, ``/health`` and ``/ready`` of a process, on loopback unless told otherwise."""

import threading
from collections.abc import Callable, Iterable
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Scrapes are not worth a line."""


class HealthServer:
    """Serves a registry and two checks from a thread of its own.

    ``/health`` answers 200 as long as ``alive()``, ``/ready`` as long as ``ready()``; otherwise 503.
    """

    def __init__(
        self, registry: CollectorRegistry, *, alive: Callable[[], bool], ready: Callable[[], bool], host: str, port: int
    ) -> None:
        self._metrics = make_wsgi_app(registry)
        self._checks = {"/health": alive, "/ready": ready}
        self._address = (host, port)
        self._server: WSGIServer | None = None

    def start(self) -> str:
        """Listen, and return the base URL."""
        host, port = self._address
        self._server = make_server(host, port, self._answer, handler_class=_QuietHandler)
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()
        return f"http://{host}:{self._server.server_port}"

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _answer(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            page: Iterable[bytes] = self._metrics(environ, start)
            return page
        check = self._checks.get(path)
        if check is None:
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"/metrics /health /ready\n"]
        good = check()
        start("200 OK" if good else "503 Service Unavailable", [("Content-Type", "text/plain")])
        return [b"ok\n" if good else b"not ok\n"]
