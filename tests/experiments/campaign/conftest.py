"""Small campaigns, and who runs them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from live_slurm import answers, slurm_cluster

from wattq.cli import main

SMALL = """\
name: small
platform: kth-sp2
workloads:
  - label: made
    generate: {jobs: 20, hosts: 100}
policies: [fcfs, easy]
energy: true
site: {ambient_c: 20}
factors:
  load: {key: workloads.*.generate.load, values: [0.5, 1.0]}
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A campaign of four runs, in the working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.fixture
def call() -> Callable[..., int]:
    """Run the command line in this process; returns its exit code."""

    def run(*words: str) -> int:
        with pytest.raises(SystemExit) as end:
            main(words)
        return int(end.value.code or 0)

    return run


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Begin the command line in a process of its own; what still runs is killed at the end."""
    begun: list[subprocess.Popen[str]] = []

    def run(*words: str) -> subprocess.Popen[str]:
        code = "from wattq.cli import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", code, *words],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        begun.append(process)
        return process

    yield run
    for process in begun:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Slurm that takes jobs: the one that is there, or one of this machine alone, begun here by root."""
    if answers():
        yield
        return
    with slurm_cluster(tmp_path_factory.mktemp("slurm")):
        yield
