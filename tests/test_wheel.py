"""The wheel holds every file of the tree: a link that is walked, or not walked, loses whole rooms without a word."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOMS = ("platforms", "workloads", "simulator", "schedulers", "surrogates", "telemetry", "experiments")


def tracked(repo_dir: Path) -> list[str]:
    """Return the files that git knows, or, outside a checkout, those that are there."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=repo_dir,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        return [name for name in listed.stdout.decode().split("\0") if name and (repo_dir / name).is_file()]
    files = (path for path in repo_dir.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return [str(path.relative_to(repo_dir)) for path in files]


def expected(repo_dir: Path) -> set[str]:
    files = set()
    for name in tracked(repo_dir):
        top, _, rest = name.partition("/")
        if top in ROOMS:
            files.add(f"wattq/{name}")
        elif name.startswith("src/wattq/") and not (repo_dir / name).is_symlink():
            files.add("wattq/" + rest.removeprefix("wattq/"))
    return files


@pytest.fixture(scope="module")
def built(repo_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Build an sdist, then a wheel from that sdist alone; both without the network."""
    out = tmp_path_factory.mktemp("dist")
    builder = [sys.executable, "-m", "hatchling", "build", "-d", str(out), "-t"]
    subprocess.run([*builder, "sdist"], cwd=repo_dir, check=True, capture_output=True)
    [sdist] = out.glob("*.tar.gz")
    unpacked = out / "unpacked"
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    [folder] = unpacked.iterdir()
    subprocess.run([*builder, "wheel"], cwd=folder, check=True, capture_output=True)
    [wheel] = out.glob("*.whl")
    return sdist, wheel


def test_the_wheel_made_from_the_sdist_holds_every_file(repo_dir: Path, built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    files = expected(repo_dir)
    assert len(files) > 20
    assert inside == files


def test_the_sdist_holds_what_a_reader_needs(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"LICENSE", "README.md", "Makefile", "pyproject.toml", "platforms/model.py"} <= names
