"""The page on loggers lists the columns and the public names that there are."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from wattq.telemetry.loggers import NODE_COLUMNS, NVML_COLUMNS, Column


def cells_below(page: str, heading: str) -> list[str]:
    """Return the names in the first column of the table with this heading."""
    rows = re.search(rf"^\| {re.escape(heading)} \|.*\n(?:^\|.*\n)+", page, re.MULTILINE)
    assert rows is not None
    return [name for row in rows[0].splitlines()[2:] for name in re.findall(r"`([^`]+)`", row.split("|")[1])]


@pytest.fixture
def page(repo_dir: Path) -> str:
    return (repo_dir / "docs" / "telemetry-loggers.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("heading", "columns"), [("GPUs", NVML_COLUMNS), ("node", NODE_COLUMNS)])
def test_columns(page: str, heading: str, columns: tuple[Column, ...]) -> None:
    assert cells_below(page, heading) == [column.name for column in columns]


@pytest.mark.parametrize("package", ["wattq.telemetry.meters", "wattq.telemetry.loggers"])
def test_public_names(page: str, package: str) -> None:
    module = import_module(package)
    assert sorted(cells_below(page, f"names of `{package}`")) == sorted(module.__all__)
    for name in module.__all__:
        assert getattr(module, name).__doc__ or name.isupper()
