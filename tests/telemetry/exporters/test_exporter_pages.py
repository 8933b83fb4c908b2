"""The pages on exporters and benchmarks say what the code has."""

from __future__ import annotations

import importlib.util
import re
from importlib import import_module
from pathlib import Path

import pytest

from wattq.telemetry.benchmarks import CPU_WORKLOADS, IO_WORKLOADS
from wattq.telemetry.exporters import metrics_of
from wattq.telemetry.exporters.metric import Exporter
from wattq.telemetry.exporters.slurm_messages import COMPLETE_KEYS

DOCS = Path(__file__).resolve().parents[3] / "docs"


def table(page: str, below: str) -> list[list[str]]:
    """Return the names in code in the first cell of each row of the first table below a line."""
    text = (DOCS / page).read_text(encoding="utf-8")
    rows = re.search(r"(?:^\|.*\n)+", text[text.index(below) :], re.MULTILINE)
    assert rows is not None
    return [re.findall(r"`([^`]+)`", line.split("|")[1]) for line in rows[0].splitlines()[2:]]


@pytest.mark.parametrize(
    ("page", "package"),
    [("telemetry-exporters.md", "wattq.telemetry.exporters"), ("benchmarks.md", "wattq.telemetry.benchmarks")],
)
def test_public_names(page: str, package: str) -> None:
    names = [name for row in table(page, "## Public names") for name in row]
    assert sorted(names) == sorted(import_module(package).__all__)


@pytest.mark.parametrize("exporter", ["node", "slurm", "api"])
def test_the_table_of_metrics_is_complete(exporter: Exporter) -> None:
    spec = importlib.util.spec_from_file_location("docs_generated_metrics", DOCS / "_ext" / "generated.py")
    assert spec is not None
    assert spec.loader is not None
    generated = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generated)
    rows = generated.TABLES["exporter-metrics"](exporter).splitlines()[2:]
    found = [re.findall(r"`([^`]+)`", row) for row in rows]
    assert found == [list(metric.names) for metric in metrics_of(exporter)]
    assert f"<!-- generated: exporter-metrics {exporter} -->" in (DOCS / "telemetry-exporters.md").read_text(
        encoding="utf-8"
    )


def test_keys_of_messages() -> None:
    names = [name for row in table("telemetry-exporters.md", "## Words of prolog and epilog") for name in row]
    assert names == list(COMPLETE_KEYS)


def test_workloads() -> None:
    names = [name for row in table("benchmarks.md", "## Workloads") for name in row]
    assert names == list(dict.fromkeys([*CPU_WORKLOADS[:-1], *IO_WORKLOADS]))
