"""Which Batsim and pybatsim are used, and which are refused."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from wattq.errors import MissingDependencyError, UnsupportedError
from wattq.experiments.batsim import finding
from wattq.experiments.batsim.finding import find_batsim, find_pybatsim


@pytest.mark.parametrize("version", ["v4.2.1", "4.2.0", "v4.2.1-3-gab12cd3", "4.2.0-dirty", "wattq-batsim 4.2.1"])
def test_versions_4_2_are_accepted(version: str, fakes: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_VERSION", f"echo; echo '{version}'; echo more")
    found = find_batsim()
    assert (found.path, found.name, found.version) == (fakes.batsim, "batsim", version)
    assert found.title == f"batsim {version}"


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("5.0.0-rc2", "Batsim 5.0.0-rc2 speaks another protocol (batprotocol, flatbuffers)"),
        ("v5.0.0", "pybatsim 4 cannot talk to it"),
        ("v6.1", "another protocol"),
        ("v4.1.0", "Batsim v4.1.0 is not 4.2.x"),
        ("4.0.0", "SimGrid 3.29 and 3.25"),
        ("v3.1.0", "is not 4.2.x"),
        ("4.20.1", "is not 4.2.x"),
        ("14.2.1", "another protocol"),
        ("vUNKNOWN", "'--version' says 'vUNKNOWN', which is no version of Batsim"),
        ("", "'--version' says ''"),
    ],
)
def test_other_versions_are_refused(
    version: str, message: str, fakes: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_VERSION", f"echo '{version}'")
    with pytest.raises(UnsupportedError) as error:
        find_batsim()
    assert message in str(error.value)
    assert "WATTQ_BATSIM" in str(error.value)
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("echo libsimgrid.so.3.34: not found >&2; exit 127", "exit code 127: libsimgrid.so.3.34: not found"),
        ("exit 3", "exit code 3; the program does not run here"),
        ("sleep 30", "no answer to --version within 0.2 s"),
    ],
)
def test_a_batsim_that_does_not_run(
    answer: str, message: str, fakes: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "_ANSWER_S", 0.2 if "sleep" in answer else 60.0)
    monkeypatch.setenv("FAKE_VERSION", answer.replace("sleep", "exec sleep"))
    with pytest.raises(MissingDependencyError) as error:
        find_batsim()
    assert message in str(error.value)


def test_a_file_that_is_no_program(fakes: SimpleNamespace) -> None:
    fakes.batsim.write_bytes(b"\x7fELF broken")
    with pytest.raises(MissingDependencyError, match="does not run"):
        find_batsim()
    fakes.batsim.chmod(0o644)
    with pytest.raises(MissingDependencyError, match=r"WATTQ_BATSIM=.*batsim: no such program"):
        find_batsim()


def test_the_variable_goes_before_the_path(
    fakes: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "path" / "batsim"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\necho v4.2.0\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{other.parent}{os.pathsep}{os.environ['PATH']}")
    assert find_batsim().path == fakes.batsim
    assert find_batsim({}).path == other
    assert find_batsim({"WATTQ_BATSIM": "batsim"}).version == "v4.2.0"
    assert find_batsim({"WATTQ_BATSIM": " "}).path == other


def test_no_batsim_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependencyError, match=r"batsim: not on PATH; take Batsim 4\.2\.x") as error:
        find_batsim({})
    assert error.value.exit_code == 2


def test_pybatsim_is_that_of_this_python() -> None:
    pytest.importorskip("pybatsim", reason="pybatsim is not installed")
    found = find_pybatsim()
    assert found.name == "pybatsim"
    assert found.version.startswith("4.")


def test_pybatsim_is_missing_or_of_another_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(MissingDependencyError, match=r"pip install --no-deps pybatsim==4.0.0a0"):
        find_pybatsim()
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "5.0.1")
    with pytest.raises(UnsupportedError, match=r"pybatsim 5.0.1: pybatsim 4 speaks the protocol of Batsim 4.2"):
        find_pybatsim()
