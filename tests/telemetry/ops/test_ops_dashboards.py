"""Dashboards: identities, every documented panel, units, legends, and only metrics and columns that exist."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from grafana_panels import OPS, Target, dashboards, filled_sql, targets
from ops_rules import BUILT_IN, check_expression, labels_of
from promql import grouping_labels, series_asked

from wattq.telemetry.store.schema import DESCRIPTIONS

PROMETHEUS, POSTGRES = "wattq-prometheus", "wattq-postgres"
BOARDS = dashboards()
# What the reference lists, by the title of the dashboard and of the panels.
DOCUMENTED = {
    "System Overview": (
        "CPU by node",
        "CPU temperature",
        "Power by node",
        "Slurm job status",
        "Memory by node",
        "Job energy",
    ),
    "Energy Analysis": (
        "Energy against temperature",
        "Distribution by job type",
        "Hourly energy by type",
        "Top 20 consumers",
        "Energy against duration",
        "Consumption rate",
    ),
    "Thermal Monitoring": ("CPU temperature", "GPU temperature", "Events", "Hotspots", "Throttling"),
    "Job Performance": ("Run time", "CPU utilisation of jobs", "Efficiency by job type", "Prediction error"),
}
UNITS = {
    *("none", "percent", "percentunit", "celsius", "kelvin", "watt", "joule", "watth", "s", "bytes", "Bps", "rotrpm"),
    *("reqps", "dateTimeAsIso"),
}
SQL_WORDS = {
    *("select", "distinct", "from", "where", "and", "or", "not", "is", "null", "in", "between", "as"),
    *("group", "by", "order", "asc", "desc", "limit", "case", "when", "then", "else", "end", "union", "within"),
    *("coalesce", "nullif", "sum", "avg", "abs", "floor", "extract", "epoch", "percentile_cont"),
}


def panels() -> list[Any]:
    return [
        pytest.param(panel, id=f"{name}: {panel['title']}")
        for name, board in BOARDS.items()
        for panel in board["panels"]
    ]


def queries(data_source: str) -> list[Any]:
    return [pytest.param(target, id=f"{target.place} {target.content['refId']}") for target in targets(data_source)]


def test_every_documented_panel_is_there() -> None:
    titles = {board["title"]: {panel["title"] for panel in board["panels"]} for board in BOARDS.values()}
    assert set(titles) == set(DOCUMENTED)
    for title, names in DOCUMENTED.items():
        assert set(names) <= titles[title]


def test_identities_are_unique() -> None:
    assert {board["uid"] for board in BOARDS.values()} == {f"wattq-{name}" for name in BOARDS}
    for board in BOARDS.values():
        ids = [panel["id"] for panel in board["panels"]]
        titles = [panel["title"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)
        assert len(set(titles)) == len(titles)


def test_data_sources_are_those_that_are_provisioned() -> None:
    file = OPS / "grafana" / "provisioning" / "datasources" / "wattq.yml"
    provisioned = {source["uid"]: source["type"] for source in yaml.safe_load(file.read_text())["datasources"]}
    assert set(provisioned) == {PROMETHEUS, POSTGRES}
    for board in BOARDS.values():
        for part in (*board["panels"], *board["templating"]["list"]):
            for source in (part["datasource"], *(target["datasource"] for target in part.get("targets", ()))):
                assert provisioned[source["uid"]] == source["type"]


def test_variables_are_as_documented() -> None:
    names = {name: [variable["name"] for variable in board["templating"]["list"]] for name, board in BOARDS.items()}
    assert names == {"energy": ["job_type"], "jobs": ["partition"], "overview": ["instance"], "thermal": ["instance"]}
    for name, board in BOARDS.items():
        text = " ".join(
            target.query for target in (*targets(PROMETHEUS), *targets(POSTGRES)) if target.dashboard == name
        )
        used = set(re.findall(r"\$\{?([a-z]\w*)", text))
        assert used == {variable["name"] for variable in board["templating"]["list"]}


@pytest.mark.parametrize("panel", panels())
def test_a_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    assert panel["targets"]
    assert panel["description"].endswith(".")
    units = [panel["fieldConfig"]["defaults"]["unit"]]
    for override in panel["fieldConfig"]["overrides"]:
        units += [change["value"] for change in override["properties"] if change["id"] == "unit"]
    assert set(units) <= UNITS
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


@pytest.mark.parametrize("name", BOARDS)
def test_panels_do_not_overlap(name: str) -> None:
    cells: set[tuple[int, int]] = set()
    for panel in BOARDS[name]["panels"]:
        place = panel["gridPos"]
        mine = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not mine & cells, panel["title"]
        cells |= mine


@pytest.mark.parametrize("target", queries(PROMETHEUS))
def test_promql_asks_for_metrics_that_exist(target: Target) -> None:
    check_expression(target.query)
    shown = set(re.findall(r"\{\{(\w+)\}\}", target.content["legendFormat"]))
    grouped = grouping_labels(target.query)
    (asked, *_) = series_asked(target.query)
    assert shown <= (grouped or labels_of(asked.name) or set())
    assert target.content["legendFormat"]


@pytest.mark.parametrize("target", queries(POSTGRES))
def test_sql_asks_for_columns_that_exist(target: Target) -> None:
    check_sql(target.query)


def check_sql(sql: str) -> None:
    """Fail unless a query names tables of the store and their columns alone."""
    plain = re.sub(r"'[^']*'", " ", filled_sql(sql, {"job_type": ["a"]}, 0.0, 1.0))
    tables = set(re.findall(r"\bFROM (\w+)", re.sub(r"epoch from", " ", plain)))
    assert tables
    assert tables <= set(DESCRIPTIONS), tables
    columns = {field.name for table in tables for field in DESCRIPTIONS[table].fields}
    aliases = {a or b for a, b in re.findall(r'\bAS (?:"([^"]+)"|(\w+))', plain)}
    words = {
        word for word in re.findall(r"[A-Za-z_]\w*", re.sub(r'"[^"]*"', " ", plain)) if word.lower() not in SQL_WORDS
    }
    assert words <= columns | aliases | tables, words - columns - aliases - tables


def test_a_column_that_does_not_exist_is_found() -> None:
    for sql in ("SELECT energy FROM job_metrics", "SELECT time FROM jobs", "SELECT bucket FROM job_metrics"):
        with pytest.raises(AssertionError):
            check_sql(sql)


def test_synthetic_energy_is_told_from_measured() -> None:
    """Wherever single runs are listed with their energy, so is where it comes from."""
    for target in targets(POSTGRES):
        if "job_id" in target.query and "estimated_energy_wh" in target.query:
            assert "energy_source" in target.query, target.place


def test_names_of_prometheus_itself_are_few() -> None:
    used = {asked.name for target in targets(PROMETHEUS) for asked in series_asked(target.query)}
    assert used & set(BUILT_IN) <= {"up", "ALERTS"}
