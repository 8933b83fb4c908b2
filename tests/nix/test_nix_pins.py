"""flake.nix, flake.lock and docs/nix.md name the same revisions; these tests need no Nix, but for the last."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Nix

INPUT = re.compile(r'(\w+) = \{\s*url = "github:([\w-]+)/([\w-]+)/([0-9a-f]{40})";\s*flake = false;\s*\};')
NAMES = ["kapack", "nixpkgs"]


@pytest.fixture
def nodes(repo_dir: Path) -> dict[str, dict[str, dict[str, str]]]:
    lock = json.loads((repo_dir / "nix" / "flake.lock").read_text(encoding="utf-8"))
    assert (lock["version"], lock["root"]) == (7, "root")
    assert lock["nodes"].pop("root") == {"inputs": {name: name for name in NAMES}}
    return lock["nodes"]


def test_lock_pins_the_inputs_of_the_flake(repo_dir: Path, nodes: dict[str, dict[str, dict[str, str]]]) -> None:
    text = (repo_dir / "nix" / "flake.nix").read_text(encoding="utf-8")
    inputs = {name: dict(zip(("owner", "repo", "rev"), found, strict=True)) for name, *found in INPUT.findall(text)}
    assert sorted(inputs) == sorted(nodes) == NAMES
    assert text.count("github:") == len(inputs)
    for name, wanted in inputs.items():
        node = nodes[name]
        assert node["flake"] is False
        assert node["original"] == {**wanted, "type": "github"}
        assert node["locked"] == {
            **wanted,
            "type": "github",
            "narHash": node["locked"]["narHash"],
            "lastModified": node["locked"]["lastModified"],
        }


@pytest.mark.parametrize("name", NAMES)
def test_hashes_are_sha256(nodes: dict[str, dict[str, dict[str, str]]], name: str) -> None:
    kind, _, digest = nodes[name]["locked"]["narHash"].partition("-")
    assert kind == "sha256"
    assert len(base64.b64decode(digest, validate=True)) == 32


def test_page_names_the_revisions(repo_dir: Path, nodes: dict[str, dict[str, dict[str, str]]]) -> None:
    page = (repo_dir / "docs" / "nix.md").read_text(encoding="utf-8")
    revisions = {node["locked"]["rev"][:7] for node in nodes.values()}
    assert revisions <= set(re.findall(r"`([0-9a-f]{7})`", page))


def test_shell_fetches_what_the_lock_pins(nix: Nix, nodes: dict[str, dict[str, dict[str, str]]]) -> None:
    wanted = {}
    for name, node in nodes.items():
        locked = node["locked"]
        url = f"https://github.com/{locked['owner']}/{locked['repo']}/archive/{locked['rev']}.tar.gz"
        wanted[name] = {"url": url, "sha256": locked["narHash"]}
    assert nix.value("import ./nix/pins.nix") == wanted
