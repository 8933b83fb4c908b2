"""Evaluate the files of nix/ with stubs instead of nixpkgs and nur-kapack: no network, no store but one of our own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

# Relative to the checkout, where Nix runs.
STUBS = "./tests/nix/stubs"
# Whatever the machine's nix.conf says: no build users, no daemon, nothing fetched.
CONFIG = "experimental-features = nix-command flakes\nbuild-users-group =\nsubstituters =\nsandbox = false\n"


class Nix:
    """Nix with a store below `home`, in the folder of the checkout."""

    def __init__(self, repo: Path, home: Path) -> None:
        self.repo = repo
        own = {"NIX_STORE_DIR": "store", "NIX_STATE_DIR": "var", "NIX_LOG_DIR": "log", "NIX_CONF_DIR": "etc"}
        dirs = {name: str(home / folder) for name, folder in {**own, "HOME": "home", "XDG_CACHE_HOME": "cache"}.items()}
        self.env = {**os.environ, **dirs, "NIX_REMOTE": "local", "NIX_CONFIG": CONFIG, "NIX_USER_CONF_FILES": ""}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, cwd=self.repo, env=self.env, capture_output=True, text=True, timeout=120, check=False
        )

    def read(self, *words: str) -> object:
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def value(self, expression: str) -> object:
        """Evaluate an expression wholly."""
        return self.read("nix-instantiate", "--eval", "--strict", "--json", "-E", expression)

    def shell(self, attribute: str, *, kapack: str = f"{STUBS}/kapack") -> object:
        """Evaluate an attribute of nix/shell.nix."""
        stubs = f"{{ nixpkgs = {STUBS}/nixpkgs; kapack = {kapack}; }}"
        return self.value(f"(import ./nix/shell.nix {stubs}).{attribute}")

    def flake(self, *words: str) -> object:
        """Run a command of `nix` on nix/flake.nix; `words` are the command, options, and the attribute behind #."""
        *command, attribute = words
        stubs = [word for name in ("nixpkgs", "kapack") for word in ("--override-input", name, f"path:{STUBS}/{name}")]
        place = "path:./nix" + (f"#{attribute}" if attribute else "")
        return self.read("nix", "--offline", *command, "--json", "--no-write-lock-file", *stubs, place)


@pytest.fixture(scope="session")
def nix(repo_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nix]:
    if shutil.which("nix") is None or shutil.which("nix-instantiate") is None:
        pytest.skip("nix is not installed (Debian: apt install nix-bin)")
    home = tmp_path_factory.mktemp("nix")
    (home / "home").mkdir()
    yield Nix(repo_dir, home)
    # Nix makes its store read-only, and whoever is not root could not remove it.
    subprocess.run(["chmod", "-R", "u+w", str(home)], check=True)
