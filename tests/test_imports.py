"""Imports point one way: experiments -> telemetry, schedulers -> surrogates -> simulator -> workloads, platforms.

Surrogates stand below schedulers: a policy may ask a surrogate how long jobs will run (`estimate=predictor`), and what
is trained on logs and told of jobs by the simulator has no need to know a policy. Only one module of the schedulers
knows surrogates, so that policies work without them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

LAYER = {
    "errors": 0,
    "files": 0,
    "bundles": 0,
    "pages": 0,
    "units": 0,
    "json_model": 0,
    "settings": 0,
    "strict_yaml": 0,
    "yaml_model": 0,
    "workloads": 1,
    "platforms": 1,
    "simulator": 2,
    "surrogates": 3,
    "schedulers": 4,
    "telemetry": 4,
    "experiments": 5,
    "cli": 6,
}
ROOMS = [room for room, layer in LAYER.items() if 1 <= layer <= 5]


def sources(repo_dir: Path, room: str) -> Iterator[Path]:
    folder = repo_dir / "src" / "wattq" / room if room == "cli" else repo_dir / room
    return folder.rglob("*.py")


def imported(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names = [f"{module}.{alias.name}" for alias in node.names] if module == "wattq" else [module]
            yield from ((node.lineno, name) for name in names)


def wrong(room: str, name: str) -> str:
    parts = name.split(".")
    if name.startswith("."):
        return "relative import"
    if parts[0] in ROOMS:
        return "a room by its bare name"
    if parts[0] != "wattq" or len(parts) == 1 or parts[1] == room or parts[1] not in LAYER:
        return ""
    # Rooms of one layer do not know each other, but for the tables that both read.
    return "" if LAYER[parts[1]] < LAYER[room] else f"wattq.{room} must not import wattq.{parts[1]}"


@pytest.mark.parametrize("room", [*ROOMS, "cli"])
def test_imports_point_one_way(repo_dir: Path, room: str) -> None:
    problems = [
        f"{path.relative_to(repo_dir)}:{line}: {name}: {wrong(room, name)}"
        for path in sources(repo_dir, room)
        for line, name in imported(path)
        if wrong(room, name)
    ]
    assert problems == []


def test_the_check_itself() -> None:
    assert wrong("platforms", "wattq.simulator.kernel") == "wattq.platforms must not import wattq.simulator"
    assert wrong("workloads", "wattq.platforms") == "wattq.workloads must not import wattq.platforms"
    assert wrong("simulator", "wattq.platforms") == ""
    assert wrong("simulator", "schedulers.easy") == "a room by its bare name"
    assert wrong("simulator", ".kernel") == "relative import"
    assert wrong("errors", "wattq.cli") == "wattq.errors must not import wattq.cli"


def test_surrogates_know_no_policy_and_few_schedulers_know_surrogates(repo_dir: Path) -> None:
    assert wrong("surrogates", "wattq.schedulers") == "wattq.surrogates must not import wattq.schedulers"
    assert wrong("schedulers", "wattq.surrogates") == ""
    knowing = {
        path.relative_to(repo_dir).as_posix()
        for path in sources(repo_dir, "schedulers")
        for _, name in imported(path)
        if name.startswith("wattq.surrogates")
    }
    assert knowing <= {"schedulers/predictors.py"}


def test_core_modules_import_no_room(repo_dir: Path) -> None:
    for name in ("errors", "units", "__init__"):
        path = repo_dir / "src" / "wattq" / f"{name}.py"
        assert [module for _, module in imported(path) if module.split(".")[0] in ("wattq", *ROOMS)] == []
