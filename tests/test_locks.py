"""The locked requirements meet pyproject.toml, and name versions only."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = ("core", "dev", "batsim", "docs", "tune", "telemetry", "api")
EXTRAS = ("api", "campaign", "explain", "gnn", "redis", "rl", "telemetry", "tune")
HEAVY = ("campaign", "rl")
_LINE = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+")


def locked(repo_dir: Path, *names: str) -> dict[str, str]:
    versions: dict[str, str] = {}
    for name in names:
        for line in (repo_dir / "requirements" / f"{name}.lock").read_text().splitlines():
            if not line.startswith("#"):
                assert _LINE.fullmatch(line), f"{name}.lock: '{line}' is not NAME==VERSION"
                package, _, version = line.partition("==")
                found = versions.setdefault(canonicalize_name(package), version)
                assert found == version, f"{package} is locked to {found} and to {version}"
    return versions


@pytest.mark.parametrize(
    ("table", "locks"),
    [
        ("", ("core",)),
        ("dev", ("core", "dev")),
        ("batsim", ("batsim",)),
        ("docs", ("core", "dev", "docs")),
        *((extra, ("core", extra)) for extra in EXTRAS),
    ],
)
def test_every_requirement_is_locked_to_a_version_it_allows(repo_dir: Path, table: str, locks: tuple[str, ...]) -> None:
    project = tomllib.loads((repo_dir / "pyproject.toml").read_text())["project"]
    wanted = project["optional-dependencies"][table] if table else project["dependencies"]
    versions = locked(repo_dir, *locks)
    for text in wanted:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        assert name in versions, f"{text} is in none of {locks}"
        assert requirement.specifier.contains(versions[name], prereleases=True), f"{text}: locked to {versions[name]}"


def test_set_up_installs_no_torch_and_one_version_of_each(repo_dir: Path) -> None:
    assert not {"torch", "shap"} & set(locked(repo_dir, *LOCKS))


def test_set_up_reads_the_light_locks_alone(repo_dir: Path) -> None:
    text = (repo_dir / "Makefile").read_text()
    heavy = text[text.index("$(RL_STAMP): ") : text.index("setup-rl: ")]
    assert set(re.findall(r"requirements/([a-z]+)\.lock", heavy)) == {"core", *HEAVY}
    assert set(re.findall(r"requirements/([a-z]+)\.lock", text.replace(heavy, ""))) == set(LOCKS)


def test_extras_agree_on_versions(repo_dir: Path) -> None:
    found: dict[str, str] = {}
    for extra in EXTRAS:
        for name, version in locked(repo_dir, "core", extra).items():
            assert found.setdefault(name, version) == version, name
