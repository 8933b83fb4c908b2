"""Small programs that stand for Batsim and schedulers, and a look into /proc."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from wattq.experiments.batsim.robin_file import RobinFile

PATIENCE_S = 60.0
"""How long a test waits for what must come; nothing is measured."""

FAKE_BATSIM = """\
endpoint=$1 external=$2 action=$3
if test "${4:-}" = --dump-execution-context; then
    echo "{\\"socket_endpoint\\": \\"$endpoint\\", \\"export_prefix\\": \\"${PREFIX:-out/run}\\","
    echo " \\"external_scheduler\\": $external, \\"redis_enabled\\": false}"
    exit 0
fi
eval "$action"
"""

Instance = Callable[..., RobinFile]


def is_alive(pid: int) -> bool:
    """Return whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def eventually(condition: Callable[[], bool]) -> bool:
    """Return whether a condition comes true within the patience of the tests."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def alive() -> Callable[[int], bool]:
    """Whether a process runs."""
    return is_alive


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], bool]:
    """Wait for a condition."""
    return eventually


@pytest.fixture
def pids_in(tmp_path: Path) -> Callable[[int], list[int]]:
    """Process ids that fake programs wrote to ``pids`` in the test's folder, once there are so many."""

    def read(count: int) -> list[int]:
        def words() -> list[str]:
            path = tmp_path / "pids"
            text = path.read_text() if path.exists() else ""
            return text[: text.rfind("\n") + 1].split()

        assert eventually(lambda: len(words()) >= count)
        return [int(word) for word in words()]

    return read


@pytest.fixture
def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    """Make a simulation of two bash programs in the test's folder, which becomes the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fake.bash").write_text(FAKE_BATSIM)

    def make(
        batsim: str = "true",
        scheduler: str = "true",
        *,
        endpoint: str = "ipc:///nowhere",
        external: bool = True,
        **times: float,
    ) -> RobinFile:
        quoted = "'" + batsim.replace("'", "'\\''") + "'"
        batcmd = f"bash {tmp_path}/fake.bash {endpoint} {json.dumps(external)} {quoted}"
        limits = {"simulation_timeout_s": PATIENCE_S, "ready_timeout_s": PATIENCE_S}
        limits |= {"success_timeout_s": PATIENCE_S, "failure_timeout_s": PATIENCE_S}
        return RobinFile(batcmd, "out", scheduler, **(limits | times))

    return make
