"""What pybatsim finds, and what finding it costs."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest

from wattq.schedulers import POLICIES

GROUP = "pybatsim.schedulers"
HEAVY = ("numpy", "numba", "pandas", "llvmlite", "matplotlib", "pydantic", "sklearn", "wattq.simulator")


@pytest.fixture(scope="module")
def declared(repo_dir: Path) -> dict[str, str]:
    """The entry points in pyproject.toml."""
    project = tomllib.loads((repo_dir / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: dict[str, str] = project["entry-points"][GROUP]
    return found


def test_every_policy_is_declared(declared: dict[str, str]) -> None:
    assert set(declared) == {"wattq"} | {f"wattq-{name}" for name in POLICIES}


def test_the_declared_objects_are_the_schedulers(declared: dict[str, str], pybatsim: object) -> None:
    from wattq.schedulers.plugin import entry

    assert declared == entry.entry_points()
    for name, value in declared.items():
        made = EntryPoint(name, value, GROUP).load()
        assert issubclass(made, entry.PolicyScheduler)
        assert made.policy == (None if name == "wattq" else name.removeprefix("wattq-"))
        assert made is EntryPoint(name, value, GROUP).load()


def test_the_installed_package_declares_them(declared: dict[str, str]) -> None:
    installed = {e.name: e.value for e in entry_points(group=GROUP) if e.value.startswith("wattq.")}
    assert installed == declared, "install the package again: pip install --no-deps -e ."


def test_unknown_classes_are_unknown(pybatsim: object) -> None:
    from wattq.schedulers.plugin import entry

    with pytest.raises(AttributeError, match="has no attribute 'Esay'"):
        _ = entry.Esay


def test_loading_the_entry_points_is_light(declared: dict[str, str], pybatsim: object) -> None:
    code = (
        "import sys; from importlib.metadata import EntryPoint\n"
        f"for name, value in {declared!r}.items(): EntryPoint(name, value, 'g').load()\n"
        "print('\\n'.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split("\n")
    assert "wattq.schedulers.plugin.entry" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_without_pybatsim_the_remedy_is_named() -> None:
    code = "import sys; sys.modules['pybatsim'] = None; import wattq.schedulers.plugin.entry"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "MissingDependencyError: pybatsim cannot be imported" in done.stderr
    assert "python -m pip install --no-deps pybatsim==4.0.0a0" in done.stderr
