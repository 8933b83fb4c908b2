"""The page of the store and the descriptions of the schema say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wattq.telemetry import store
from wattq.telemetry.store.schema import DESCRIPTIONS, METADATA
from wattq.telemetry.store.tables import TABLES

UNITS = {"", "1", "0-1", "%", "s", "Unix s", "h", "GiB h", "B", "MiB", "MB/s", "1/min", "MHz", "°C", "K"}
UNITS |= {"W", "W/K", "J", "Wh", "Wh/h", "Wh/(GiB h)"}


@pytest.fixture
def page(repo_dir: Path) -> str:
    return (repo_dir / "docs" / "telemetry-store.md").read_text(encoding="utf-8")


def test_every_table_has_its_columns_on_the_page(page: str) -> None:
    assert re.findall(r"<!-- generated: store-columns (\w+) -->", page) == list(DESCRIPTIONS)


def test_public_names(page: str) -> None:
    rows = re.findall(r"^\| (.*?) \|", page[page.index("## Public names") :], re.MULTILINE)[1:]
    documented = [name for cell in rows for name in re.findall(r"`([^`]+)`", cell)]
    assert sorted(documented) == sorted(store.__all__)
    assert all(hasattr(store, name) for name in store.__all__)


def test_descriptions_are_complete() -> None:
    for name, table in DESCRIPTIONS.items():
        assert table.doc, name
        for field in table.fields:
            place = f"{name}.{field.name}"
            assert field.doc, place
            assert field.unit in UNITS, place
            assert (field.kind == "time") == (field.unit == "Unix s"), place
            assert not (field.kind in ("text", "bool") and field.unit), place
        assert set(table.key) <= set(table.names)
        assert table.clock in ("", *table.names)
        assert {column for index in table.indexes for column in index} <= set(table.names)


def test_units_are_those_of_the_names() -> None:
    """A column whose name tells a unit has that unit, and Wh are computed from joules."""
    ends = {"_wh": "Wh", "_j": "J", "_watts": "W", "_seconds": "s", "_percent": "%", "_mbps": "MB/s", "_bytes": "B"}
    ends |= {"_usage": "%", "_temp": "°C", "_time": "Unix s", "_cpu_hours": "h"}
    for name, table in DESCRIPTIONS.items():
        for field in table.fields:
            for end, unit in ends.items():
                if field.name.endswith(end) and not re.search(r"_per_\w+_hour_wh$", field.name):
                    assert field.unit == unit, f"{name}.{field.name}"
        if name in TABLES:
            assert all(field.computed for field in table.fields if field.name.endswith("_wh")), name


def test_documented_columns_are_there(shared_dir: Path) -> None:
    """The columns that operators know, by the names that they know."""
    text = (shared_dir / "references" / "telemetry.md").read_text(encoding="utf-8")
    for name, columns in (
        ("node_metrics", "cpu_temp gpu_temp system_temp fan_speed_rpm power_consumption_watts energy_consumed_wh"),
        ("energy_predictions", "model_version confidence_score prediction_method actual_energy_wh"),
        ("thermal_events", "temperature threshold severity performance_impact_percent energy_impact_wh"),
        ("energy_efficiency", "energy_per_job_wh energy_per_gb_hour_wh avg_thermal_efficiency cooling_efficiency"),
        ("job_metrics", "workload_pattern prediction_accuracy estimated_energy_wh peak_power_watts"),
    ):
        assert f"**{name}**" in text or name in text
        assert set(columns.split()) <= set(METADATA.tables[name].columns.keys())
