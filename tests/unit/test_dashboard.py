"""The Grafana dashboards are what their code says, laid out, described and wired to the provisioned sources."""

import json
import re
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from streams.metrics import Metrics
from tests.fixtures.dashboards import DASHBOARDS, boards

GRAFANA = Path(__file__).parents[2] / "deploy" / "grafana"
BOARDS = boards()
SOURCES = {
    source["uid"]: source["type"]
    for path in (GRAFANA / "provisioning/datasources").glob("*.yaml")
    for source in yaml.safe_load(path.read_text(encoding="utf-8"))["datasources"]
}
PANELS = [
    pytest.param(panel, id=f"{name}-{panel['title']}") for name, board in BOARDS.items() for panel in board["panels"]
]


@pytest.fixture(params=BOARDS)
def board(request):
    return BOARDS[request.param]


def test_the_files_are_what_the_code_makes():
    """`make docs` has nothing to change."""
    written = pytest.importorskip("deploy.grafana.__main__", reason="needs the development packages").dashboards()
    assert written == {path.name: path.read_text(encoding="utf-8") for path in DASHBOARDS.glob("*.json")}


def test_every_file_of_sql_is_used():
    """No query lies about that no panel asks."""
    modules = "".join(path.read_text(encoding="utf-8") for path in GRAFANA.glob("*.py"))
    files = {path.relative_to(GRAFANA / "sql").with_suffix("").as_posix() for path in GRAFANA.glob("sql/*/*.sql")}
    folders = "|".join({name.split("/")[0] for name in files})
    assert files == set(re.findall(rf'"((?:{folders})/\w+)"', modules))


def test_addresses_titles_and_ids_are_unique(board):
    """No two boards share an address; no two panels of one share a title or an id."""
    assert len({each["uid"] for each in BOARDS.values()}) == len(BOARDS)
    panels = board["panels"]
    assert len({each["title"] for each in panels}) == len(panels) == len({each["id"] for each in panels})


def test_panels_lie_on_the_grid_and_do_not_overlap(board):
    """Panels fill the 24 columns side by side."""
    places = [panel["gridPos"] for panel in board["panels"]]
    assert all(place.get("x", 0) >= 0 and place.get("x", 0) + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y
    assert sum(p["w"] * p["h"] for p in places) == 24 * max(p["y"] + p["h"] for p in places)


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_explains_itself(panel):
    """A panel has a description, a unit, a text for no data, and queries under names of their own."""
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["fieldConfig"]["defaults"]["noValue"]
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) > 0


@pytest.mark.parametrize("panel", PANELS)
def test_every_query_goes_to_a_provisioned_source(panel):
    """A panel and its targets name a data source by the id under which it is provisioned."""
    for each in (panel, *panel["targets"]):
        assert SOURCES[each["datasource"]["uid"]] == each["datasource"]["type"]


def test_variables_go_to_a_provisioned_source(board):
    """So does what offers a choice; every variable of a query exists."""
    variables = {variable["name"] for variable in board["templating"]["list"]}
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            assert SOURCES[variable["datasource"]["uid"]] == variable["datasource"]["type"]
    used = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps([panel["targets"] for panel in board["panels"]])))
    assert used <= variables


@pytest.mark.parametrize("panel", [p for p in PANELS if p.values[0]["datasource"]["type"] == "prometheus"])
def test_every_metric_of_a_panel_exists(panel):
    """A metric that no process has would make an empty panel."""
    known = {
        f"{family.name}{suffix}"
        for family in Metrics().registry.collect()
        for suffix in ("", "_total", "_bucket", "_sum", "_count")
    }
    named = set(re.findall(r"\bweir_\w+", json.dumps(panel["targets"])))
    assert named
    assert named <= known


def test_links_lead_to_boards_that_exist():
    """A link names the address of a board and a variable that it has."""
    by_address = {board["uid"]: board for board in BOARDS.values()}
    links = re.findall(r"/d/([\w-]+)\?var-(\w+)=", json.dumps(list(BOARDS.values())))
    assert links
    for address, name in links:
        assert name in {variable["name"] for variable in by_address[address]["templating"]["list"]}


def test_the_home_board_exists():
    """Compose opens a board that is mounted."""
    compose = (GRAFANA.parents[1] / "docker-compose.yml").read_text(encoding="utf-8")
    (path,) = re.findall(r"GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: /etc/grafana/dashboards/(\S+)", compose)
    assert (DASHBOARDS / path).exists()
