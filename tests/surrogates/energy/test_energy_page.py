"""The page of power and energy lists the public names, no more and no less."""

from __future__ import annotations

import re
from pathlib import Path

from wattq.surrogates import energy
from wattq.surrogates.energy import ENERGY_MODELS, LABEL_SOURCES


def test_public_names(repo_dir: Path) -> None:
    page = (repo_dir / "docs" / "surrogates-energy.md").read_text(encoding="utf-8")
    listed = re.findall(r"`([^`]+)`", " ".join(re.findall(r"^\|([^|]*)\|", page.split("## Public names")[1], re.M)[2:]))
    assert sorted(listed) == sorted(energy.__all__)
    assert sorted(listed) == sorted(set(listed))


def test_sources_and_models_are_listed(repo_dir: Path) -> None:
    page = (repo_dir / "docs" / "surrogates-energy.md").read_text(encoding="utf-8")
    for names, heading in ((LABEL_SOURCES, "## Where joules come from"), (ENERGY_MODELS, "## Models")):
        rows = re.findall(r"^\| `([a-z-]+)` \|", page.split(heading)[1].split("\n## ")[0], re.M)
        assert rows == list(names)
