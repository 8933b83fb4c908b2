"""The page on campaigns names what there is, and the campaigns that come with wattq are what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wattq.experiments import campaign as room
from wattq.experiments.campaign import Campaign, expand, load_campaign, shipped_campaigns
from wattq.experiments.experiment_model import Experiment


@pytest.fixture(scope="module")
def page(repo_dir: Path) -> str:
    return (repo_dir / "docs" / "campaign.md").read_text(encoding="utf-8")


def cells_below(page: str, heading: str) -> list[str]:
    text = page[page.index(heading) :]
    rows = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert rows is not None
    return [line.strip("|").split("|")[0].strip() for line in rows[0].splitlines()[2:]]


def test_public_names(page: str) -> None:
    documented = [name for cell in cells_below(page, "## Public names") for name in re.findall(r"`([^`]+)`", cell)]
    assert sorted(documented) == sorted(room.__all__)
    assert all(getattr(room, name) is not None for name in room.__all__)


def test_keys(page: str) -> None:
    documented = [cell.strip("`") for cell in cells_below(page, "## Keys of a campaign file")]
    assert set(documented) == set(Campaign.model_fields) - set(Experiment.model_fields)


@pytest.mark.parametrize(
    ("name", "cells", "runs", "needs"),
    [
        ("campaign-capacity", 108, 108, "KTH-SP2-1996-2.1-cln.swf.gz"),
        ("campaign-arrival-scale", 80, 80, ""),
        ("campaign-weights", 30, 5, "KTH-SP2-1996-2.1-cln.swf.gz"),
    ],
)
def test_shipped_campaigns(
    name: str, cells: int, runs: int, needs: str, page: str, shared_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = shared_dir / "data" / "swf"
    if needs and not (data / needs).is_file():
        pytest.skip(f"{needs} is not on this machine")
    monkeypatch.setenv("WATTQ_DATA_PATH", str(data))
    path = shipped_campaigns()[name]
    found = expand(load_campaign(path), path.parent)
    assert (len(found), len({cell.key for cell in found})) == (cells, runs)
    assert f"`{name}`" in page


def test_all_of_them_are_tested() -> None:
    assert list(shipped_campaigns()) == ["campaign-arrival-scale", "campaign-capacity", "campaign-weights"]
