"""What the options make the server tell: to the scheduler in the first message, to the user in the log."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wattq.simulator.batsim.log import CRITICAL, ERROR, INFO, Log, thresholds_of


def begins(kit: SimpleNamespace, inputs: Any, listener: Any, *more: str) -> dict[str, Any]:
    """Return the data of SIMULATION_BEGINS."""
    played = kit.Served(inputs.words(listener.endpoint, *more))
    listener.answer(kit.Fcfs(), played.ended)
    assert played.error is None, played.error
    data: dict[str, Any] = json.loads(listener.heard[0])["events"][0]["data"]
    return data


def test_without_options(kit: SimpleNamespace, inputs: Any, listener: Any) -> None:
    data = begins(kit, inputs, listener)
    assert data["config"] == {
        "redis-enabled": False,
        "redis-hostname": "127.0.0.1",
        "redis-port": 6379,
        "redis-prefix": "default",
        "profiles-forwarded-on-submission": False,
        "dynamic-jobs-enabled": False,
        "dynamic-jobs-acknowledged": False,
        "profile-reuse-enabled": False,
        "sched-config": "",
        "forward-unknown-events": False,
    }
    assert (data["allow_compute_sharing"], data["allow_storage_sharing"]) == (False, True)
    assert data["workloads"] == {"w0": inputs.workload}


@pytest.mark.parametrize(
    ("more", "changed"),
    [
        (["--redis-hostname", "h", "--redis-port", "1"], {"redis-hostname": "h", "redis-port": 1}),
        (["--redis-prefix", "p"], {"redis-prefix": "p"}),
        (["--forward-profiles-on-submission"], {"profiles-forwarded-on-submission": True}),
        (["--acknowledge-dynamic-jobs"], {"dynamic-jobs-acknowledged": True}),
        (["--sched-cfg", '{"a": "\u00e9"}'], {"sched-config": '{"a": "\u00e9"}'}),
        (["--forward-unknown-events"], {}),
    ],
)
def test_configuration(
    kit: SimpleNamespace, inputs: Any, listener: Any, more: list[str], changed: dict[str, Any]
) -> None:
    plain = begins(kit, inputs, listener)["config"]
    listener.heard.clear()
    assert begins(kit, inputs, listener, *more)["config"] == plain | changed


def test_configuration_from_a_file(kit: SimpleNamespace, inputs: Any, listener: Any) -> None:
    (inputs.folder / "cfg").write_text('{\n "a": 1\n}\n', encoding="utf-8")
    data = begins(kit, inputs, listener, "--sched-cfg-file", str(inputs.folder / "cfg"))
    assert data["config"]["sched-config"] == '{\n "a": 1\n}\n'


def test_sharing_of_storage(kit: SimpleNamespace, inputs: Any, listener: Any) -> None:
    assert begins(kit, inputs, listener, "--disable-storage-sharing")["allow_storage_sharing"] is False


def test_limits(kit: SimpleNamespace, inputs: Any, listener: Any) -> None:
    for more, n in ([], 2), (["--mmax", "1"], 1), (["--mmax-workload"], 2), (["--mmax-workload", "--mmax", "1"], 1):
        listener.heard.clear()
        played = kit.Served(inputs.words(listener.endpoint, *more, "--scheduler-timeout", "30"))
        text = listener.recv()
        listener.send("")
        played.wait()
        assert json.loads(text)["events"][0]["data"]["nb_compute_resources"] == n


def test_workload_paths_are_absolute_and_not_tidied_up(
    kit: SimpleNamespace, inputs: Any, listener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(inputs.folder)
    words = inputs.words(listener.endpoint)
    words[words.index("-w") + 1] = "./../" + Path.cwd().name + "/workload.json"
    played = kit.Served(words)
    listener.answer(kit.Fcfs(), played.ended)
    data = json.loads(listener.heard[0])["events"][0]["data"]
    assert data["workloads"] == {"w0": f"{Path.cwd()}/./../{Path.cwd().name}/workload.json"}


def test_the_log_of_a_simulation(
    kit: SimpleNamespace, inputs: Any, listener: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    words = inputs.words(listener.endpoint, "--sg-cfg", "contexts/nthreads:1")
    words.remove("-q")
    said = {}
    for level in ("quiet", "network-only", "information", "debug"):
        played = kit.Served([*words, "-v", level])
        listener.answer(kit.Fcfs(), played.ended)
        said[level] = capsys.readouterr().err.splitlines()
    assert said["quiet"] == []
    messages = [line for line in said["information"] if "[network/INFO]" in line]
    assert said["network-only"] == messages
    assert len(messages) == 2 * len(listener.heard) / 4
    assert messages[0].startswith('[0.000000] [network/INFO] Sending \'{"now":0.000000,"events":[')
    others = [line for line in said["information"] if line not in messages]
    assert others == [
        f"[0.000000] [batsim/INFO] workload 'w0': 3 jobs from '{inputs.workload}'",
        f"[0.000000] [batsim/INFO] platform '{inputs.platform}': 2 compute hosts, 2 in all",
        "[0.000000] [batsim/INFO] SimGrid's setting 'contexts/nthreads:1' changes nothing here",
        f"[0.000000] [batsim/INFO] waiting for the scheduler at '{listener.endpoint}'",
        "[3.500000] [batsim/INFO] the simulation ended at 3.500000 s: 3 jobs ended, 0 were rejected",
        f"[3.500000] [batsim/INFO] results are under '{inputs.folder / 'out'}_'",
    ]
    more = [line for line in said["debug"] if line not in said["information"]]
    assert len(more) == len(messages)
    assert all("[server/DEBUG]" in line for line in more)


def test_levels() -> None:
    stream = io.StringIO()
    log = Log(thresholds_of("quiet"), stream)
    log.info("no")
    log.say("network", INFO, "no")
    log.say("server", ERROR, "yes", "1.000000")
    assert stream.getvalue() == "[1.000000] [server/ERROR] yes\n"
    assert log.shows("batsim", CRITICAL)
    assert not log.shows("batsim", INFO)
