"""Dashboards reach a Grafana over its HTTP interface; here a small server answers as Grafana does."""

import json

import pytest
from typer.testing import CliRunner

from schemas.errors import ConfigError, UnavailableError
from streams.cli import app
from streams.grafana.push import push_dashboards, shipped_dashboards
from streams.settings import Settings
from tests.fixtures.grafana_server import TOKEN


def settings(server, **changes):
    return Settings(_env_file=None, grafana_url=server.url, grafana_token=TOKEN, **changes)


def test_every_dashboard_arrives_in_the_folder(grafana):
    """What is there afterwards is what was shipped, in a folder of its own."""
    done = push_dashboards(settings(grafana), {})
    assert {each.outcome for each in done} == {"created"}
    assert grafana.folders["weir"]["title"] == "Weir"
    for board in shipped_dashboards():
        there = grafana.dashboards[board["uid"]]
        assert {**there, "id": board.get("id"), "version": board["version"]} == {"id": None, **board}


def test_pushing_again_changes_nothing(grafana):
    """A dashboard that is the same is not saved again, so that its history stays short."""
    push_dashboards(settings(grafana), {})
    saved = len(grafana.saves)
    assert {each.outcome for each in push_dashboards(settings(grafana), {})} == {"unchanged"}
    assert len(grafana.saves) == saved


def test_what_was_changed_in_the_browser_gives_way(grafana):
    """The files are the source: an edited dashboard is overwritten, the others stay."""
    push_dashboards(settings(grafana), {})
    grafana.dashboards["weir-safety"]["title"] = "mine"
    done = {each.url.rpartition("/")[2]: each.outcome for each in push_dashboards(settings(grafana), {})}
    assert done.pop("weir-safety") == "updated"
    assert set(done.values()) == {"unchanged"}
    assert grafana.dashboards["weir-safety"]["version"] == 2


def test_data_sources_may_have_other_names(grafana):
    """Every panel then asks the data source that was named."""
    grafana.sources = ["store-7", "weir-prometheus"]
    push_dashboards(settings(grafana), {"weir-clickhouse": "store-7"})
    assert '"uid": "weir-clickhouse"' not in json.dumps(grafana.dashboards)
    assert '"uid": "store-7"' in json.dumps(grafana.dashboards)


def test_a_missing_data_source_is_named(grafana):
    """Panels that could never show anything are not brought there."""
    grafana.sources = ["weir-prometheus"]
    with pytest.raises(ConfigError, match="--source weir-clickhouse="):
        push_dashboards(settings(grafana), {})
    assert not grafana.dashboards


def test_a_token_that_may_not_list_data_sources_will_do(grafana):
    """An editor's token may save dashboards without seeing the data sources."""
    grafana.lists_sources = False
    assert len(push_dashboards(settings(grafana), {})) == len(shipped_dashboards())


def test_what_is_wrong_is_named(grafana):
    """No address, no token, a token that is refused, and nobody there are four different lines."""
    with pytest.raises(ConfigError) as caught:
        push_dashboards(Settings(_env_file=None), {})
    assert caught.value.field == "WEIR_GRAFANA_URL"
    with pytest.raises(ConfigError) as caught:
        push_dashboards(Settings(_env_file=None, grafana_url=grafana.url), {})
    assert caught.value.field == "WEIR_GRAFANA_TOKEN"
    with pytest.raises(ConfigError) as caught:
        push_dashboards(Settings(_env_file=None, grafana_url=grafana.url, grafana_token="other"), {})
    assert caught.value.field == "WEIR_GRAFANA_TOKEN"
    grafana.close()
    with pytest.raises(UnavailableError, match="does not answer"):
        push_dashboards(settings(grafana), {})


def test_the_command_lists_what_it_did(grafana, monkeypatch):
    """Its JSON has a line a dashboard, with its address."""
    monkeypatch.setenv("WEIR_GRAFANA_URL", grafana.url + "/")
    monkeypatch.setenv("WEIR_GRAFANA_TOKEN", TOKEN)
    result = CliRunner().invoke(app, ["grafana", "push", "--json"])
    assert result.exit_code == 0, result.output
    assert {each["url"] for each in json.loads(result.output)} >= {f"{grafana.url}/d/weir-overview"}
