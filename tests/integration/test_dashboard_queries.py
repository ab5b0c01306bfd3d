"""Every query of the Grafana dashboard, on the real engine with the real schema."""

import json
import re
import time
import uuid
from datetime import datetime
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError

from streams.store.migrations import shipped_migrations
from streams.store.sql import statements
from tests.fixtures.engine import connect

pytestmark = pytest.mark.store

DASHBOARD = json.loads((Path(__file__).parents[2] / "deploy/grafana/dashboards/weir.json").read_text(encoding="utf-8"))
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"]}
VARIABLES = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
CHOSEN = {"app": "'shop', 'o''clock'", "stage": "'observe'"}
START = int(time.time()) - 3600  # recent: the tables drop what is older than their retention
END = START + 3600
EVENTS = 40  # every fourth is blocked, every tenth is not live

# Every row goes in twice, at two offsets: no figure may change by it.
ROWS = f"""
INSERT INTO verdicts
    (verdict_id, app, stage, run, action, source_event_id, source_time, judged_at, log_time, log_offset,
     prompt_toxicity, response_toxicity, prompt_injection, prompt_text,
     findings.side, findings.index, findings.guard, findings.label, findings.kind, findings.score,
     findings.threshold, findings.action, findings.start, findings.end)
SELECT
    toUUID(concat('00000000-0000-0000-0000-', leftPad(toString(number), 12, '0'))), 'shop', 'observe',
    if(number % 10 = 9, 'shadow:strict', 'live'), if(number % 4 = 0, 'block', 'allow'), toString(number),
    toDateTime64({START}, 3) + number, toDateTime64({START}, 3) + number + 2, toDateTime64({START}, 3) + number + 3,
    number + {{shift}}, number / {EVENTS}, 0.5, 0.25, repeat('x', 600),
    if(number % 4 = 0, ['prompt', 'prompt'], []), if(number % 4 = 0, [0, 0], []),
    if(number % 4 = 0, ['toxicity', 'injection'], []), if(number % 4 = 0, ['threat', 'injection'], []),
    if(number % 4 = 0, ['score', 'error'], []), if(number % 4 = 0, [0.9, NULL], []),
    if(number % 4 = 0, [0.5, NULL], []), if(number % 4 = 0, ['block', 'flag'], []),
    if(number % 4 = 0, [NULL, NULL], []), if(number % 4 = 0, [NULL, NULL], [])
FROM numbers({EVENTS});
INSERT INTO dead_letters (topic, partition, offset, stage, code, log_time, log_offset)
SELECT 'weir.interactions', 0, number, 'observe', 'MALFORMED', toDateTime64({START}, 3) + number, number + {{shift}}
FROM numbers(3);
INSERT INTO ledger (topic, partition, offset, source_time, stage, outcome, log_time, log_offset)
SELECT 'weir.interactions', 0, number, toDateTime64({START}, 3) + number, 'observe', if(number < 3, 'dead', 'judged'),
    toDateTime64({START}, 3) + number, number + {{shift}}
FROM numbers({EVENTS});
INSERT INTO replies
    (reply_id, app, stage, action, status, final, source_topic, source_time, log_time, log_offset)
SELECT
    toUUID(concat('00000000-0000-0000-0000-', leftPad(toString(number), 12, '0'))), 'shop', 'observe', 'allow',
    if(number % 4 = 0, 'held', 'delivered'), number % 4 != 0, 'weir.requests',
    toDateTime64({START}, 3) + number, toDateTime64({START}, 3) + number + 4, number + {{shift}}
FROM numbers({EVENTS})
"""


def expand(sql, chosen=None):
    """The query as the datasource sends it: variables, then macros; ``chosen`` is None for All."""

    def narrowed(match):
        return match[1].replace(f"${{{match[2]}:sqlstring}}", chosen[match[2]]) if chosen else "1=1"

    sql = re.sub(r"\$__conditionalAll\((\w+ IN \([^)]*\)), \$(\w+)\)", narrowed, sql)
    sql = re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 >= toDateTime({START}) AND \1 <= toDateTime({END})", sql)
    sql = re.sub(r"\$__timeInterval\((\w+)\)", r"toStartOfInterval(toDateTime(\1), INTERVAL 60 second)", sql)
    assert "$" not in sql
    return sql


@pytest.fixture(scope="module")
def answers(clickhouse_url):
    """The rows of every query, by title, reference and what is chosen, and of those of the variables."""
    queries = {name: expand(variable["query"]) for name, variable in VARIABLES.items()}
    for title, panel in PANELS.items():
        for target in panel["targets"]:
            queries[f"{title}/{target['refId']}/all"] = expand(target["rawSql"])
            queries[f"{title}/{target['refId']}/chosen"] = expand(target["rawSql"], CHOSEN)
    name = f"dashboard_{uuid.uuid4().hex[:12]}"
    with connect(clickhouse_url) as server:
        server.command(f"CREATE DATABASE {name}")
        with connect(clickhouse_url, database=name) as client:
            scripts = [migration.script for migration in shipped_migrations()]
            scripts += [ROWS.format(shift=shift) for shift in (0, 1000)]
            for script in scripts:
                for statement in statements(script):
                    client.command(statement)
            yield {query: _answer(client, sql) for query, sql in queries.items()}
        server.command(f"DROP DATABASE {name}")


def _answer(client, sql):
    try:
        return list(client.query(sql).named_results())
    except ClickHouseError as error:
        return error


@pytest.mark.parametrize("chosen", ["all", "chosen"])
@pytest.mark.parametrize("title", PANELS)
def test_a_panel_shows_what_is_stored(answers, title, chosen):
    """Every query runs and finds rows, and every column that the panel names is among its columns."""
    panel = PANELS[title]
    found = [answers[f"{title}/{target['refId']}/{chosen}"] for target in panel["targets"]]
    assert not [answer for answer in found if isinstance(answer, Exception)]
    assert all(found)
    names = {name for rows in found for name in rows[0]}
    config = panel["fieldConfig"]
    assert {override["matcher"]["options"] for override in config["overrides"]} <= names
    assert set(re.findall(r"__field\.labels\.(\w+)", config["defaults"].get("displayName", ""))) <= names


@pytest.mark.parametrize("title", [title for title, panel in PANELS.items() if panel["type"] == "timeseries"])
def test_a_time_series_is_one(answers, title):
    """The first column is the time, in order; the others are numbers, but for one label at most."""
    rows = answers[f"{title}/A/all"]
    time_column, *others = rows[0]
    assert time_column == "time"
    times = [row["time"] for row in rows]
    assert all(isinstance(moment, datetime) for moment in times)
    assert times == sorted(times)
    labels = [name for name in others if isinstance(rows[0][name], str)]
    assert len(labels) == ("displayName" in PANELS[title]["fieldConfig"]["defaults"])
    assert all(isinstance(row[name], int | float | None) for row in rows for name in others if name not in labels)


@pytest.mark.parametrize(
    ("title", "figure"),
    [
        ("Events judged", 36),
        ("Flagged", 0),
        ("Blocked", 10 / 36),
        ("Latency, 99th percentile", 2),
        ("Guard errors", 10),
        ("Dead letters", 3),
    ],
)
def test_a_figure_counts_every_event_once(answers, title, figure):
    """Rows that are stored twice and trial runs of a policy change no figure."""
    (row,) = answers[f"{title}/A/all"]
    assert list(row.values()) == [pytest.approx(figure)]


def test_the_ledger_counts_every_offset_once(answers):
    """Offsets are judged or dead, however often the rows came."""
    rows = answers["Ledger/A/all"]
    assert [sum(row[column] for row in rows) for column in ("judged", "dead")] == [EVENTS - 3, 3]


def test_final_replies_are_counted_once(answers):
    """A request counts once, with the time to its final reply; what is held is not replied to yet."""
    rows = answers["Replies by status/A/all"]
    assert ({row["by_status"] for row in rows}, sum(row["replies"] for row in rows)) == ({"delivered"}, 30)
    assert {row["p99"] for row in answers["Time to the final reply/A/all"]} == {4.0}


def test_blocked_events_come_newest_first_with_reasons_and_short_text(answers):
    """The table names what was found and shows no more of a text than its beginning."""
    rows = answers["Latest blocked events/A/all"]
    assert [row["event"] for row in rows] == [str(number) for number in range(36, -1, -4)]
    assert all(row["reasons"] == "toxicity: threat, injection: injection" for row in rows)
    assert all(len(row["prompt"]) == 500 for row in rows)


def test_variables_offer_what_is_stored(answers):
    """The variables list the apps and stages of the time range."""
    assert answers["app"] == [{"app": "shop"}]
    assert answers["stage"] == [{"stage": "observe"}]
