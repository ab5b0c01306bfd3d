"""Records as one line for a reader: what happened, to whom, and the beginning of the text. ``--json`` has all of it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from rich.text import Text

from streams.demo.colours import ACTION_COLOURS
from streams.printable import excerpt

_LENGTH: Final = 60  # characters of a text
_STATUS: Final = {"delivered": "green", "redacted": "yellow", "held": "magenta"}
_Line = Mapping[str, Any]


def brief(topic: str, body: object) -> Text | None:
    """One line about a record of ``topic``; None for records that have none, and for what is not such a record."""
    write = _BRIEFS.get(topic)
    if write is None or not isinstance(body, dict):
        return None
    try:
        return write(body)
    except (KeyError, TypeError, AttributeError, IndexError):  # whoever may write there may write anything
        return None


def _request(body: _Line) -> Text:
    return _line(body["app"], "cyan", body.get("model"), _quoted(body["messages"][-1]["content"]))


def _interaction(body: _Line) -> Text:
    prompt = body.get("prompt")
    asked = prompt if isinstance(prompt, str) or not prompt else prompt[-1]["content"]
    return _line(body["app"], "cyan", *(_quoted(text) for text in (asked, body.get("response")) if text))


def _reply(body: _Line) -> Text:
    usage = body.get("usage") or {}
    tokens = f"{usage['prompt_tokens']} tokens in, {usage['completion_tokens']} out" if usage else None
    said = _quoted(body["text"]) if body.get("text") else body.get("code")
    colour = _STATUS.get(body["status"], "red")
    to = f"{body['app']} {body['request_id']}"
    return _line(
        body["status"], colour, to, f"{body['action']} by {body['answered_by']}", body.get("model"), tokens, said
    )


def _verdict(body: _Line) -> Text:
    judged = body["judgement"]
    sides = [judged.get("prompt"), judged.get("response"), *(judged.get("context") or ())]
    found = [each for side in sides if side for each in side["findings"]]
    texts = [_quoted(side["text"]) for side in sides if side]
    action = judged["action"]
    run = None if body["run"] == "live" else body["run"]
    return _line(
        action,
        ACTION_COLOURS[action],
        body["stage"],
        body["app"],
        run,
        body.get("code"),
        ", ".join(_findings(found)),
        *texts,
    )


def _findings(found: list[_Line]) -> Iterator[str]:
    for each in found:
        name = each["guard"] if each["label"] == each["guard"] else f"{each['guard']} {each['label']}"
        yield name if each["score"] is None else f"{name} {each['score']:.2f}"


def _quoted(text: str) -> str:
    return f"“{excerpt(text, _LENGTH)}”"


def _line(first: str, colour: str, *others: str | None) -> Text:
    line = Text(f"{excerpt(first, _LENGTH):<9}", style=colour)
    return line.append("  ".join(("", *(excerpt(each, 4 * _LENGTH) for each in others if each))), style="default")


_BRIEFS: Final[Mapping[str, Callable[[_Line], Text]]] = {
    "requests": _request,
    "interactions": _interaction,
    "replies": _reply,
    "verdicts": _verdict,
}
