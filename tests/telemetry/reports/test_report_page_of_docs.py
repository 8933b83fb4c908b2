"""What docs/telemetry-report.md lists is what the code has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wattq.telemetry import reports
from wattq.telemetry.reports import THRESHOLDS, TelemetryReport


@pytest.fixture(scope="module")
def page(repo_dir: Path) -> str:
    return (repo_dir / "docs" / "telemetry-report.md").read_text(encoding="utf-8")


def cells(page: str, heading: str) -> list[list[str]]:
    rows = re.search(r"(?:^\|.*\n)+", page[page.index(heading) :], re.MULTILINE)
    assert rows is not None
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in rows[0].splitlines()[2:]]


def test_public_names(page: str) -> None:
    names = [name for row in cells(page, "## Public names") for name in re.findall(r"`([^`]+)`", row[0])]
    assert sorted(names) == sorted(reports.__all__)
    assert all(getattr(reports, name) is not None for name in names)


def test_keys(page: str) -> None:
    assert [row[0].strip("`") for row in cells(page, "## report.json")] == list(TelemetryReport.model_fields)


def test_thresholds(page: str) -> None:
    assert cells(page, "## Recommendations") == [[of, f"{limit:g}"] for limit, of in THRESHOLDS.values()]
