"""The shells and the demo evaluate, with nix-shell's file as with the flake, and hold what they should."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Nix

ROOT = Path(__file__).resolve().parents[2]
STUBS = Path(__file__).parent / "stubs"
FILES = sorted(path.relative_to(ROOT) for folder in (ROOT / "nix", STUBS) for path in folder.rglob("*.nix"))
PROGRAMS = {"batexpe-1.2.0", "batsched-1.4.0", "batsim-4.2.0", "simgrid-3.34"}
LIBRARIES = {"evalys-4.0.7", "procset-v1.0", "pybatsim-core-4.0.0-alpha+5414b272"}
SHELLS = {
    "simulation": PROGRAMS | LIBRARIES | {"python3-3.11"},
    "full": PROGRAMS | {"python3-3.11", "gnumake", "git"},
}
SYSTEM = "x86_64-linux"


@pytest.mark.parametrize("file", FILES, ids=str)
def test_files_parse(nix: Nix, file: Path) -> None:
    done = nix.run("nix-instantiate", "--parse", str(file))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_both_files_have_the_same_shells(nix: Nix, shell: str) -> None:
    contents = nix.shell(f"{shell}.contents")
    assert isinstance(contents, list)
    assert set(contents) == SHELLS[shell]
    assert len(contents) == len(SHELLS[shell])
    assert nix.flake("eval", f"devShells.{SYSTEM}.{shell}.contents") == contents
    # The derivation hashes all of its inputs.
    assert nix.flake("eval", f"devShells.{SYSTEM}.{shell}.drvPath") == nix.shell(f"{shell}.drvPath")


def test_full_is_the_shell_without_a_name(nix: Nix) -> None:
    full = nix.shell("full.drvPath")
    assert nix.shell("drvPath") == full
    assert nix.flake("eval", f"devShells.{SYSTEM}.default.drvPath") == full


def test_outputs_of_the_flake(nix: Nix) -> None:
    shells = {name: {"name": f"wattq-{name}", "type": "derivation"} for name in SHELLS}
    assert nix.flake("flake", "show", "") == {
        "apps": {SYSTEM: {"default": {"type": "app"}, "demo": {"type": "app"}}},
        "devShells": {SYSTEM: {**shells, "default": shells["full"]}},
    }


def test_lock_is_complete(nix: Nix) -> None:
    """Nix itself finds nothing to add or to change in flake.lock."""
    done = nix.run("nix", "--offline", "flake", "metadata", "--no-update-lock-file", "path:./nix")
    assert done.returncode == 0, done.stderr


def test_another_version_is_refused(nix: Nix, tmp_path: Path) -> None:
    text = (STUBS / "kapack" / "default.nix").read_text(encoding="utf-8")
    (tmp_path / "default.nix").write_text(text.replace('"4.2.0"', '"4.1.0"'), encoding="utf-8")
    with pytest.raises(AssertionError, match=r"batsim-420 is 4\.1\.0, not 4\.2\.0: pin a revision that has 4\.2\.0"):
        nix.shell("simulation.contents", kapack=str(tmp_path))


def bash(script: object, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    assert isinstance(script, str)
    words = ["bash", "-eu", "-o", "pipefail", "-c", script]
    return subprocess.run(
        words, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, timeout=60, check=False
    )


def make_venv(nix: Nix, folder: Path, *, own: bool) -> None:
    nixpkgs = f'import ./tests/nix/stubs/nixpkgs {{ system = "{SYSTEM}"; config = {{ }}; overlays = [ ]; }}'
    python = nix.value(f'"${{({nixpkgs}).python311}}"')
    home = f"{python}/bin" if own else "elsewhere/bin"
    (folder / ".venv").mkdir()
    (folder / ".venv" / "pyvenv.cfg").write_text(f"home = {home}\nversion = 3.11.6\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("venv", "said"),
    [
        ("none", "wattq: no .venv here yet: 'make setup' in the checkout makes it"),
        ("own", ""),
        ("foreign", "wattq: .venv was made with another Python than this shell's: remove it (rm -r .venv)"),
    ],
)
def test_full_puts_the_virtual_environment_first(nix: Nix, tmp_path: Path, venv: str, said: str) -> None:
    if venv != "none":
        make_venv(nix, tmp_path, own=venv == "own")
    hook = nix.shell("full.shellHook")
    assert isinstance(hook, str)
    done = bash(f'{hook}\nprintf "%s\\n" "$PATH" "${{PYTHONPATH-unset}}"', tmp_path, PYTHONPATH="of the shell")
    assert done.returncode == 0, done.stderr
    path, pythonpath = done.stdout.splitlines()
    assert path.startswith(f"{tmp_path / '.venv' / 'bin'}:")
    assert pythonpath == "unset"
    assert done.stderr.startswith(said)
    assert bool(done.stderr) == bool(said)


@pytest.fixture
def fake_make(tmp_path: Path) -> str:
    """A PATH whose `make` prints its arguments and the library path."""
    tool = tmp_path / "tools" / "make"
    tool.parent.mkdir()
    tool.write_text('#!/usr/bin/env bash\necho "make $* | $LD_LIBRARY_PATH"\n', encoding="utf-8")
    tool.chmod(0o755)
    return f"{tool.parent}:{os.environ['PATH']}"


def make_checkout(folder: Path) -> Path:
    (folder / "src" / "wattq").mkdir(parents=True)
    (folder / "Makefile").touch()
    return folder


def test_demo_runs_the_target_in_a_checkout(nix: Nix, tmp_path: Path, fake_make: str) -> None:
    checkout = make_checkout(tmp_path / "checkout")
    done = bash(nix.shell("demo.text"), checkout, PATH=fake_make)
    assert done.returncode == 0, done.stderr
    libraries = nix.shell("full.LD_LIBRARY_PATH")
    assert done.stdout == f"make demo PYTHON=python3.11 | {libraries}\n"
    assert re.fullmatch(r"[^:]+-gcc-lib/lib:[^:]+-zlib/lib", str(libraries))


def test_demo_refuses_other_folders_and_environments(nix: Nix, tmp_path: Path, fake_make: str) -> None:
    demo = nix.shell("demo.text")
    elsewhere = bash(demo, tmp_path, PATH=fake_make)
    assert (elsewhere.returncode, elsewhere.stdout) == (2, "")
    assert elsewhere.stderr == f"wattq-demo: no checkout of wattq in {tmp_path}: start it in one\n"
    checkout = make_checkout(tmp_path / "checkout")
    make_venv(nix, checkout, own=False)
    foreign = bash(demo, checkout, PATH=fake_make)
    assert (foreign.returncode, foreign.stdout) == (2, "")
    assert foreign.stderr.startswith("wattq: .venv was made with another Python than this shell's")


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_demo_passes_shellcheck(nix: Nix, tmp_path: Path) -> None:
    """Nixpkgs' writeShellApplication builds no script with findings."""
    script = tmp_path / "demo"
    script.write_text(f"#!/usr/bin/env bash\n{nix.shell('demo.text')}", encoding="utf-8")
    done = subprocess.run(["shellcheck", str(script)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
