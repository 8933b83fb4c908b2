"""Random worlds on real Batsim and here: the same messages, the same files, the same aborts.

Needs a real Batsim 4.2, on PATH or named by WATTQ_BATSIM. WATTQ_FUZZ_SEEDS sets how many worlds are played (30 when
absent) or which (as 100-400). To play one world again: WATTQ_FUZZ_SEEDS=123-124.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from duels import duel, duel_of_processes

_FIRST, _, _END = os.environ.get("WATTQ_FUZZ_SEEDS", "30").rpartition("-")
SEEDS = range(int(_FIRST or 0), int(_END))
PROCESS_SEEDS = SEEDS if "WATTQ_FUZZ_SEEDS" in os.environ else range(6)
CONTEXTS = (
    [],
    ["-e", "out/x"],
    ["--export", "a b", "--socket-endpoint", "tcp://é:1"],
    ["--export=/abs/é", "-s", "ipc://some \\ place"],
    ["--redis-hostname", "example", "--redis-port", "1", "--redis-prefix", "p"],
    ["-E", "-q", "--mmax", "3", "--sched-cfg", "x", "-w", "none.json", "--events", "none.txt"],
)


def _said(program: str, *words: str) -> str:
    """Return what a program prints."""
    done = subprocess.run([program, *words], capture_output=True, timeout=60, check=False)
    return done.stdout.decode()


@pytest.fixture(scope="module")
def batsim() -> str:
    """Real Batsim 4.2."""
    program = shutil.which(os.environ.get("WATTQ_BATSIM", "").strip() or "batsim")
    if program is None:
        pytest.skip("Batsim is neither on PATH nor named by WATTQ_BATSIM")
    version = _said(program, "--version")
    if not version.startswith("v4.2") or "wattq" in version:
        pytest.skip(f"{program} is no real Batsim 4.2, it says: {version[:60]}")
    return program


@pytest.fixture(scope="module")
def server() -> str:
    """The program `wattq-batsim` that is installed beside this Python."""
    program = shutil.which("wattq-batsim", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("wattq-batsim is not installed beside this Python")
    return program


@pytest.mark.parametrize("seed", SEEDS)
def test_the_engine_does_what_batsim_does(batsim: str, seed: int, tmp_path: Path) -> None:
    assert duel(batsim, seed, tmp_path) == ""


@pytest.mark.parametrize("seed", PROCESS_SEEDS)
def test_wattq_batsim_does_what_batsim_does(batsim: str, server: str, seed: int, tmp_path: Path) -> None:
    assert duel_of_processes(batsim, server, seed, tmp_path) == ""


@pytest.mark.parametrize("words", CONTEXTS, ids=" ".join)
def test_the_execution_context_is_told_in_the_same_words(batsim: str, server: str, words: list[str]) -> None:
    command = ["--dump-execution-context", "-p", "platform.xml", *words]
    assert _said(server, *command) == _said(batsim, *command)
