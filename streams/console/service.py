"""The console as an ASGI application: its page, and what the page asks for."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.resources import files
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

from pydantic import Field
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from schemas.codec import parse_json, validate
from schemas.errors import Code, UnreadableError, WeirError
from schemas.label import Question
from schemas.record import Record
from streams.console.admission import Admission, App, Key
from streams.console.views import details, summary
from streams.reviews.agreement import read_agreement, values
from streams.reviews.deciding import decide, decision_on
from streams.reviews.desk import Desk, Tools
from streams.reviews.likeness import groups
from streams.reviews.progress import read_progress
from streams.reviews.rendering import aftermath_text
from streams.reviews.stored import Kind, StoredReview
from streams.settings import Settings
from streams.vault.archive import Wanted
from streams.vault.unmasking import Warrant, unmask

_QUEUE: Final = 200
_LARGEST: Final = 4 * 1024 * 1024  # an edited reply is the longest that anybody writes
_PAGE: Final[Mapping[str, tuple[str, str]]] = {
    "/": ("console.html", "text/html; charset=utf-8"),
    "/console.js": ("console.js", "text/javascript; charset=utf-8"),
    "/console.css": ("console.css", "text/css; charset=utf-8"),
}
_STATUS: Final[Mapping[Code, HTTPStatus]] = {
    Code.NOT_HELD: HTTPStatus.CONFLICT,
    Code.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}

R = TypeVar("R", bound=Record)
Answer: TypeAlias = Mapping[str, Any]


class _Named(Record):
    review_id: Annotated[str, Field(max_length=36)]


class _Wish(Record):
    kind: Kind


class _Said(_Named):
    answers: dict[Question, bool] = Field(default_factory=dict)
    note: str | None = Field(default=None, max_length=2_000, repr=False)
    alike: bool = False


class _Decided(_Named):
    action: Literal["release", "edit", "refuse"]
    text: str | None = Field(default=None, repr=False)
    reason: str | None = Field(default=None, max_length=2_000, repr=False)


class _Reasoned(_Named):
    reason: Annotated[str, Field(max_length=2_000)]


class TakenError(WeirError):
    """Somebody else is reading it."""

    default_code = Code.NOT_HELD


@dataclass(frozen=True, slots=True)
class Reader:
    """Who sits at the console: who they say they are, and the account that it runs under."""

    name: str
    account: str


@dataclass(slots=True)
class Console:
    """One reader's console, as ``app``. Requests are answered one after the other, off the event loop.

    ``tools.store`` belongs to it alone.
    """

    settings: Settings
    tools: Tools
    reader: Reader
    key: Key
    app: App = field(init=False)
    _desk: Desk = field(init=False)
    _turn: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._desk = Desk(self.tools, self.reader.name)
        pages = [Route(path, _file(*named), methods=["GET"]) for path, named in _PAGE.items()]
        asked = [
            Route("/api/queue", self._get(self._queue), methods=["GET"]),
            Route("/api/figures", self._get(self._figures), methods=["GET"]),
            Route("/api/next", self._post(_Wish, self._next), methods=["POST"]),
            Route("/api/open", self._post(_Named, self._open), methods=["POST"]),
            Route("/api/leave", self._post(_Named, self._leave), methods=["POST"]),
            Route("/api/label", self._post(_Said, self._label), methods=["POST"]),
            Route("/api/skip", self._post(_Named, self._skip), methods=["POST"]),
            Route("/api/undo", self._post(_Named, self._undo), methods=["POST"]),
            Route("/api/decide", self._post(_Decided, self._decide), methods=["POST"]),
            Route("/api/unmask", self._post(_Reasoned, self._unmask), methods=["POST"]),
        ]
        self.app = Admission(Starlette(routes=[*pages, *asked]), self.key)

    def _get(self, answer: Callable[[Mapping[str, str]], Answer]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            return await run_in_threadpool(self._in_turn, lambda: answer(request.query_params))

        return endpoint

    def _post(self, body: type[R], answer: Callable[[R], Answer]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            if int(request.headers.get("content-length") or _LARGEST + 1) > _LARGEST:
                return _refuse(UnreadableError("too large", code=Code.TOO_LARGE, field="body"))
            value = await request.body()
            return await run_in_threadpool(self._in_turn, lambda: answer(validate(parse_json(value), body)))

        return endpoint

    def _in_turn(self, answer: Callable[[], Answer]) -> Response:
        with self._turn:
            try:
                return _json(answer())
            except WeirError as error:
                return _refuse(error)

    # what the page asks for

    def _queue(self, query: Mapping[str, str]) -> Answer:
        kind: Kind = "hold" if query.get("kind") == "hold" else "sample"
        found = self._desk.waiting(kind, _QUEUE)
        first, now = groups([review.held_text for review in found]), _now()
        # Holds are answered one by one: each has its own decision.
        alike = [first.count(group) if kind == "sample" else 1 for group in first]
        lines = [summary(review, count, now) for review, count in zip(found, alike, strict=True)]
        return {"reader": self.reader.name, "kind": kind, "reviews": lines, "more": len(found) == _QUEUE}

    def _figures(self, _query: Mapping[str, str]) -> Answer:
        progress = [each.to_json() for each in read_progress(self.tools.store)]
        return {"progress": progress, "agreement": values(read_agreement(self.tools.store))}

    def _next(self, wish: _Wish) -> Answer:
        found = self._desk.next(wish.kind)
        return {"review": details(found, _now()) if found else None}

    def _open(self, named: _Named) -> Answer:
        review = self._find(named)
        if not self._desk.take(review):
            raise TakenError("somebody else is reading it", field="review_id")
        return {"review": details(review, _now())}

    def _leave(self, named: _Named) -> Answer:
        self._desk.give_back(self._find(named))
        return {}

    def _label(self, said: _Said) -> Answer:
        review = self._find(said)
        reviews: Sequence[StoredReview] = (review, *(self._desk.alike(review) if said.alike else ()))
        for each in reviews:
            self._desk.label(each, said.answers, note=said.note)
        return {"labelled": len(reviews)}

    def _skip(self, named: _Named) -> Answer:
        self._desk.skip(self._find(named))
        return {}

    def _undo(self, named: _Named) -> Answer:
        self._desk.undo(self._find(named))
        return {}

    def _decide(self, decided: _Decided) -> Answer:
        review = self._find(decided)
        decision = decision_on(review, decided.action, self.reader.name, text=decided.text, reason=decided.reason)
        aftermath = decide(self.settings, review, decision)
        (self._desk.give_back if aftermath is None else self._desk.put_away)(review)
        return {"said": aftermath_text(aftermath, review), "seen": aftermath is not None}

    def _unmask(self, reasoned: _Reasoned) -> Answer:
        review = self._find(reasoned)
        wanted = Wanted(review.request_id, review.app, review.source, review.stage)
        opened = unmask(self.settings, wanted, Warrant(self.reader.name, self.reader.account, reasoned.reason))
        return {"texts": [{"name": name, "text": text} for each in opened for name, text in each.content.items()]}

    def _find(self, named: _Named) -> StoredReview:
        return self._desk.find(named.review_id)


def _file(name: str, media_type: str) -> Callable[[Request], Any]:
    async def endpoint(_request: Request) -> Response:
        return Response((files("streams.console") / "page" / name).read_bytes(), media_type=media_type)

    return endpoint


def _refuse(error: WeirError) -> Response:
    return _json({"error": str(error)}, _STATUS.get(error.code, HTTPStatus.BAD_REQUEST))


def _json(value: Answer, status: HTTPStatus = HTTPStatus.OK) -> Response:
    # ASCII: what the store holds may have characters that UTF-8 cannot.
    return Response(json.dumps(value), status, media_type="application/json")


def _now() -> datetime:
    return datetime.now(UTC)
