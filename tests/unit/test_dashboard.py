"""The Grafana dashboard is laid out, described and wired to the provisioned datasource."""

import json
import re
from itertools import combinations
from pathlib import Path

import pytest
import yaml

GRAFANA = Path(__file__).parents[2] / "deploy" / "grafana"
DASHBOARD = json.loads((GRAFANA / "dashboards" / "weir.json").read_text(encoding="utf-8"))
DATASOURCE = yaml.safe_load((GRAFANA / "provisioning/datasources/weir.yaml").read_text())["datasources"][0]
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"]}
VARIABLES = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}


def test_titles_and_ids_are_unique():
    """No two panels share a title or an id."""
    assert len(PANELS) == len(DASHBOARD["panels"]) == len({panel["id"] for panel in DASHBOARD["panels"]})


def test_panels_lie_on_the_grid_and_do_not_overlap():
    """Panels fill the 24 columns side by side."""
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y
    assert sum(p["w"] * p["h"] for p in places) == 24 * max(p["y"] + p["h"] for p in places)


@pytest.mark.parametrize("title", PANELS)
def test_a_panel_explains_itself(title):
    """A panel has a description, a unit and queries under names of their own."""
    panel = PANELS[title]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) > 0


def test_every_query_goes_to_the_provisioned_datasource():
    """Panels, targets and variables name the datasource by the id under which it is provisioned."""
    wanted = {"type": DATASOURCE["type"], "uid": DATASOURCE["uid"]}
    users = [*DASHBOARD["panels"], *VARIABLES.values()]
    users += [target for panel in DASHBOARD["panels"] for target in panel["targets"]]
    assert all(user["datasource"] == wanted for user in users)
    assert DATASOURCE["jsonData"]["protocol"] == "http"


@pytest.mark.parametrize("title", PANELS)
def test_a_panel_follows_the_variables(title):
    """Every query is narrowed by stage and, where the view knows it, by app; no other variable is used."""
    for target in PANELS[title]["targets"]:
        used = set(re.findall(r"\$\{(\w+):", target["rawSql"]))
        assert used == ({"stage"} if "Not tied to an app" in PANELS[title]["description"] else set(VARIABLES))


def test_only_views_that_count_once_are_read():
    """No query reads a table, where a verdict may stand twice until parts merge."""
    queries = [target["rawSql"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    for query in queries + [variable["query"] for variable in VARIABLES.values()]:
        assert all(name.startswith("v_") for name in re.findall(r"\bFROM (\w+)", query))
