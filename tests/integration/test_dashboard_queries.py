"""Every query of the Grafana dashboards runs on the real engine with the real schema."""

import re
import time
import uuid
from datetime import datetime

import pytest

from tests.fixtures.dashboards import DAY, EVENTS, answer, boards, expand, fill, stored_panels
from tests.fixtures.engine import connect

pytestmark = pytest.mark.store

CHOSEN = {
    "app": "'support', 'o''clock'",
    "stage": "'judge', 'observe'",
    "model": "'smollm2-135m'",
    "language": "'en', ''",
}
START = int(time.time()) - DAY  # recent: the tables drop what is older than their retention
BOARDS = boards()
CASES = [
    pytest.param(name, title, id=f"{name}-{title}") for name, board in BOARDS.items() for title in stored_panels(board)
]
CHANGING = {"Tables", "Newest verdict stored"}  # the size on disk, and the clock


@pytest.fixture(scope="module")
def answers(clickhouse_url):
    """The rows of every query by how often every row is stored (once, twice), by board, title and what is chosen."""
    found = {}
    with connect(clickhouse_url) as server:
        for times, shifts in (("once", (0,)), ("twice", (0, 1_000_000))):
            database = f"dashboard_{uuid.uuid4().hex[:12]}"
            server.command(f"CREATE DATABASE {database}")
            with connect(clickhouse_url, database=database) as client:
                fill(client, START, shifts=shifts)
                for key, sql in _queries():
                    found[times, *key] = answer(client, sql)
            server.command(f"DROP DATABASE {database}")
    return found


def _queries():
    for name, board in BOARDS.items():
        for title, panel in stored_panels(board).items():
            (target,) = panel["targets"]
            for choice, chosen in (("all", None), ("chosen", CHOSEN)):
                yield (name, title, choice), expand(target["rawSql"], START, START + DAY, chosen)
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                yield (name, "variable", variable["name"]), expand(variable["query"], START, START + DAY)


@pytest.mark.parametrize("choice", ["all", "chosen"])
@pytest.mark.parametrize(("name", "title"), CASES)
def test_a_panel_shows_what_is_stored(answers, name, title, choice):
    """Its query runs and finds rows, every column that the panel names is among them, and twice stored counts once."""
    rows = answers["twice", name, title, choice]
    assert not isinstance(rows, Exception), rows
    assert rows
    config = stored_panels(BOARDS[name])[title]["fieldConfig"]
    named = {each["matcher"]["options"] for each in config["overrides"] if each["matcher"]["id"] == "byName"}
    assert named <= set(rows[0])
    assert set(re.findall(r"__field\.labels\.(\w+)", config["defaults"].get("displayName", ""))) <= set(rows[0])
    if title not in CHANGING:
        assert rows == answers["once", name, title, choice]


@pytest.mark.parametrize(
    ("name", "title"),
    [case for case in CASES if stored_panels(BOARDS[case.values[0]])[case.values[1]]["type"] == "timeseries"],
)
def test_a_time_series_is_one(answers, name, title):
    """The first column is the time, in order; the others are numbers, but for one label at most."""
    rows = answers["twice", name, title, "all"]
    time_column, *others = rows[0]
    assert time_column == "time"
    times = [row["time"] for row in rows]
    assert all(isinstance(moment, datetime) for moment in times)
    assert times == sorted(times)
    labels = [column for column in others if isinstance(rows[0][column], str)]
    assert len(labels) == ("displayName" in stored_panels(BOARDS[name])[title]["fieldConfig"]["defaults"])
    assert all(isinstance(row[column], int | float | None) for row in rows for column in others if column not in labels)


def test_trial_runs_do_not_count(answers):
    """Every fiftieth verdict is of a policy on trial."""
    assert answers["twice", "overview", "Events judged", "all"] == [{"events": EVENTS * 49 // 50}]


def test_series_add_up_to_the_figure(answers):
    """The bars of a panel and the figure above them count the same events."""
    actions = answers["twice", "overview", "Traffic by action", "all"]
    assert sum(value for row in actions for column, value in row.items() if column != "time") == EVENTS * 49 // 50


def test_texts_in_tables_are_short(answers):
    """The table of blocked events shows the beginning of a text, and why."""
    rows = answers["twice", "safety", "Latest blocked events", "all"]
    assert all(row["reasons"] and len(row["prompt"]) <= 500 for row in rows)
    assert [row["time"] for row in rows] == sorted((row["time"] for row in rows), reverse=True)


def test_a_conversation_is_told_in_order(answers):
    """Its story has what came, what was judged and what was answered, by time."""
    rows = answers["twice", "conversation", "Story", "all"]
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    assert {row["what"].split()[0] for row in rows} >= {"arrived", "judged", "answered"}


@pytest.mark.parametrize(
    ("name", "variable"), [("safety", "app"), ("safety", "stage"), ("safety", "model"), ("safety", "language")]
)
def test_variables_offer_what_is_stored(answers, name, variable):
    """A variable lists the values of the time range in order."""
    rows = answers["twice", name, "variable", variable]
    values = [row[variable] for row in rows]
    assert values == sorted(set(values))
    assert {"app": {"copilot", "shop", "support"}, "stage": {"judge", "observe", "screen"}}.get(variable, set()) <= set(
        values
    )
