"""The shipped dashboards, brought to a Grafana that exists, under the addresses that they link to each other by."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, Literal

import requests
from grafana_api.grafana_api import GrafanaClientError, GrafanaException
from grafana_api.grafana_face import GrafanaFace

from schemas.errors import ConfigError, UnavailableError
from streams.grafana.connection import address, connect
from streams.settings import Settings

FOLDER: Final = "weir"
SHIPPED_SOURCES: Final = ("weir-clickhouse", "weir-prometheus")
"""The data sources that the dashboards name, by their uid."""

_GRAFANAS_OWN: Final = frozenset({"id", "version"})  # it counts these itself


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was done about one dashboard, and where it is."""

    title: str
    outcome: Literal["created", "updated", "unchanged"]
    url: str


def shipped_dashboards() -> tuple[Mapping[str, Any], ...]:
    """The dashboards that come with this version, by title."""
    found = (files("deploy") / "grafana" / "dashboards").iterdir()
    boards = [json.loads(entry.read_text(encoding="utf-8")) for entry in found if entry.name.endswith(".json")]
    return tuple(sorted(boards, key=lambda board: str(board["title"])))


def push_dashboards(settings: Settings, sources: Mapping[str, str]) -> tuple[Pushed, ...]:
    """Create or update every shipped dashboard in the folder ``weir``; one that is the same already stays as it is.

    ``sources`` gives the uid of each data source of ``SHIPPED_SOURCES`` in that Grafana, where it is another.

    Raises:
        ConfigError: no address or token is set, Grafana refuses the token, or has no such data source.
        UnavailableError: Grafana does not answer.
    """
    base = address(settings)
    wanted = {name: sources.get(name, name) for name in SHIPPED_SOURCES}
    with _errors():
        grafana = connect(settings)
        _check_sources(grafana, wanted)
        _make_folder(grafana)
        return tuple(_push(grafana, _with_sources(board, wanted), base) for board in shipped_dashboards())


def _check_sources(grafana: GrafanaFace, wanted: Mapping[str, str]) -> None:
    try:
        known = {source["uid"] for source in grafana.datasource.list_datasources()}
    except GrafanaClientError as error:
        if error.status_code == requests.codes.forbidden:
            return  # an editor's token may not list them; the panels themselves will say what is missing
        raise
    for name, uid in wanted.items():
        if uid not in known:
            raise ConfigError(f"Grafana has no data source with the uid {uid}; name yours with --source {name}=UID")


def _make_folder(grafana: GrafanaFace) -> None:
    try:
        grafana.folder.get_folder(FOLDER)
    except GrafanaClientError as error:
        if error.status_code != requests.codes.not_found:
            raise
        grafana.folder.create_folder("Weir", uid=FOLDER)


def _with_sources(board: Mapping[str, Any], wanted: Mapping[str, str]) -> Mapping[str, Any]:
    text = json.dumps(board)
    for name, uid in wanted.items():
        text = text.replace(f'"uid": "{name}"', f'"uid": {json.dumps(uid)}')
    changed: Mapping[str, Any] = json.loads(text)
    return changed


def _push(grafana: GrafanaFace, board: Mapping[str, Any], base: str) -> Pushed:
    title, url = str(board["title"]), f"{base}/d/{board['uid']}"
    there = _there(grafana, str(board["uid"]))
    if there is not None and _essence(there) == _essence(board):
        return Pushed(title, "unchanged", url)
    # `overwrite`: what somebody saved in the browser since gives way; the history of versions keeps it.
    body = {"dashboard": {**board, "id": None}, "folderUid": FOLDER, "overwrite": True, "message": "weir grafana push"}
    grafana.dashboard.update_dashboard(dashboard=body)
    return Pushed(title, "created" if there is None else "updated", url)


def _there(grafana: GrafanaFace, uid: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = grafana.dashboard.get_dashboard(uid)["dashboard"]
    except GrafanaClientError as error:
        if error.status_code == requests.codes.not_found:
            return None
        raise
    return found


def _essence(board: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in board.items() if key not in _GRAFANAS_OWN}


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except GrafanaClientError as error:
        if error.status_code in {requests.codes.unauthorized, requests.codes.forbidden}:
            raise ConfigError(f"Grafana refuses it: {error.status_code}", field="WEIR_GRAFANA_TOKEN") from None
        raise UnavailableError(f"Grafana refuses a dashboard: {error.status_code}") from None
    except GrafanaException as error:
        raise UnavailableError(f"Grafana fails: {error.status_code}") from None
    except requests.RequestException as error:
        raise UnavailableError(f"Grafana does not answer: {type(error).__name__}") from None
