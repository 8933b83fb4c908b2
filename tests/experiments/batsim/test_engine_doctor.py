"""What `wattq doctor` says about the programs around Batsim."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from wattq.experiments.batsim import installed
from wattq.experiments.batsim.finding import Program
from wattq.experiments.batsim.installed import programs
from wattq.experiments.doctor import doctor_lines


@pytest.fixture(autouse=True)
def folder(fakes: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH that has nothing but a shell and what a test puts there."""
    place = tmp_path / "path"
    place.mkdir()
    for name in ("bash", "env"):
        (place / name).symlink_to(shutil.which(name) or name)
    monkeypatch.setenv("PATH", str(place))
    monkeypatch.delenv("WATTQ_BATSCHED", raising=False)
    monkeypatch.setattr(installed, "find_pybatsim", lambda: Program(fakes.scheduler, "4.0.0a0"))
    return place


def program(folder: Path, name: str, version: str) -> Path:
    (folder / name).write_text(f"#!/usr/bin/env bash\necho '{version}'\n")
    (folder / name).chmod(0o755)
    return folder / name


def test_what_is_here_and_what_is_not(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(folder, "nix", "nix (Nix) 2.8.0")
    monkeypatch.setenv("WATTQ_BATSCHED", str(program(folder, "my-batsched", "1.4.0")))
    found = {item.name: item for item in programs()}
    assert list(found) == ["batsim", "pybatsim", "batsched", "robin", "nix", "git"]
    states = {name: (item.state, item.version) for name, item in found.items()}
    assert states == {
        "batsim": ("ok", "v4.2.1"),
        "pybatsim": ("ok", "4.0.0a0"),
        "batsched": ("ok", "1.4.0"),
        "robin": ("absent", ""),
        "nix": ("ok", "(Nix) 2.8.0"),
        "git": ("absent", ""),
    }
    assert found["robin"].remedy == "nix-shell in nix/ brings it; 'wattq robin' does the same"
    assert found["nix"].remedy == ""


def test_a_batsim_that_is_refused_or_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_VERSION", "echo 5.0.0-rc2")
    (batsim, *_) = programs()
    assert batsim.state == "refused"
    assert "batprotocol" in batsim.remedy
    monkeypatch.setenv("WATTQ_BATSIM", "/nowhere")
    (batsim, *_) = programs()
    assert (batsim.state, batsim.version) == ("absent", "")
    assert "take Batsim 4.2.x" in batsim.remedy


def test_a_program_with_another_name_is_told(fakes: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    renamed = fakes.batsim.rename(fakes.batsim.with_name("batsim-4.2"))
    monkeypatch.setenv("WATTQ_BATSIM", str(renamed))
    (batsim, *_) = programs()
    assert batsim.version == "batsim-4.2 v4.2.1"


def test_the_report(folder: Path) -> None:
    program(folder, "robin", "v1.2.0")
    lines = list(doctor_lines())
    assert (
        "  ok      batsim v4.2.1: simulates with --engine batsim, and to compare with (wattq verify-backend)" in lines
    )
    assert "  ok      robin v1.2.0: runs Batsim and a scheduler together" in lines
    absent = lines.index("  absent  nix: makes the shells in nix/")
    assert lines[absent + 1] == "          on Debian: apt install nix-bin"
