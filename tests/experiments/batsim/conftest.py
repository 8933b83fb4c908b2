"""Small programs that stand for Batsim and schedulers, and a look into /proc."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

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


FAKE_ENGINE = """\
#!/usr/bin/env bash
words=("$@") PREFIX=out ENDPOINT=
for ((i = 0; i < $#; i++)); do
    case ${words[i]} in
    --version) eval "${FAKE_VERSION:-echo v4.2.1}"; exit ;;
    -e) PREFIX=${words[i + 1]} ;;
    -s) ENDPOINT=${words[i + 1]} ;;
    --dump-execution-context)
        echo "{\\"socket_endpoint\\": \\"$ENDPOINT\\", \\"export_prefix\\": \\"$PREFIX\\","
        echo " \\"external_scheduler\\": true}"
        exit ;;
    esac
done
write() { for name in "$FAKE_RESULTS"/*.csv; do cp "$name" "${PREFIX}_${name##*/}"; done; }
note() { echo $$ >> "$FAKE_RESULTS/../pids"; }
eval "${FAKE_BATSIM:-write}"
"""
FAKE_SCHEDULER = """\
#!/usr/bin/env bash
note() { echo $$ >> "$FAKE_RESULTS/../pids"; }
eval "${FAKE_SCHEDULER:-true}"
"""
FAKE_JOBS = """\
job_id,workload_name,profile,submission_time,requested_number_of_resources,requested_time,success,final_state,\
starting_time,execution_time,finish_time,waiting_time,turnaround_time,stretch,allocated_resources,consumed_energy,metadata
1,w0,p,0.000000,2,100.000000,1,COMPLETED_SUCCESSFULLY,0.000000,10.000000,10.000000,0.000000,10.000000,1.000000,0-1,\
-1.000000,""
2,w0,p,5.000000,9,100.000000,0,REJECTED,,,,,,,,,""
"""
FAKE_SCHEDULE = """\
batsim_version,consumed_joules,makespan,nb_computing_machines,nb_jobs,scheduling_time,simulation_time
v4.2.1,0.000000,10.000000,4,2,0.250000,0.500000
"""
FAKE_STATES = """\
time,nb_sleeping,nb_switching_on,nb_switching_off,nb_idle,nb_computing
2e-10,0,0,0,2,2
10,0,0,0,4,0
"""


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Programs `batsim` and `scheduler`, told by environment variables what to do; a folder of small `results`.

    ``FAKE_BATSIM`` and ``FAKE_SCHEDULER`` hold bash; ``write`` in it writes the results as Batsim would, and ``note``
    notes the process id. ``FAKE_VERSION`` answers ``--version``.
    """
    folder = tmp_path / "programs"
    folder.mkdir()
    for name, text in (("batsim", FAKE_ENGINE), ("pybatsim", FAKE_SCHEDULER)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    for name, text in (("jobs", FAKE_JOBS), ("schedule", FAKE_SCHEDULE), ("machine_states", FAKE_STATES)):
        (folder / f"{name}.csv").write_text(text)
    for name in ("FAKE_BATSIM", "FAKE_SCHEDULER", "FAKE_VERSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FAKE_RESULTS", str(folder))
    monkeypatch.setenv("WATTQ_BATSIM", str(folder / "batsim"))
    return SimpleNamespace(batsim=folder / "batsim", scheduler=folder / "pybatsim", results=folder)
