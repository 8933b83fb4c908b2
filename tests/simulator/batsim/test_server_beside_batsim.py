"""The same command lines and replies given to real Batsim and to the server: same messages, same ends.

Real Batsim is found on PATH or in WATTQ_BATSIM.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

BATSIM = os.environ.get("WATTQ_BATSIM") or shutil.which("batsim")
OURS = [sys.executable, "-m", "wattq.simulator.batsim"]

pytestmark = pytest.mark.skipif(not BATSIM, reason="real Batsim is neither on PATH nor in WATTQ_BATSIM")

EVENTS = """{"timestamp": 1.5, "type": "machine_unavailable", "resources": "1"}

{"timestamp": 5, "type": "machine_available", "resources": "1"}
"""
P, W = ["-p", "platform.xml"], ["-p", "platform.xml", "-w", "workload.json"]
ALIKE: list[list[str]] = [
    [],
    P,
    W,
    [*P, "--events", "events.txt"],
    [*W, "--events", "events.txt", "-E"],
    [*W, "--events", "blank.txt"],
    [*P, "--enable-dynamic-jobs"],
    [*W, "-w", "workload.json"],
    [*P, "--mmax-workload"],
    [*W, "--mmax", "-1"],
    [*W, "--mmax", "1"],
    [*W, "--mmax", "9"],
    [*W, "--forward-unknown-events"],
    [*W, "-r", "h0"],
    [*W, "-r", "h1:storage", "--disable-storage-sharing"],
    [*W, "-r", "h1:master"],
    [*W, "-m", "h1"],
    [*W, "-m", "nobody"],
    [*W, "-q", "-q"],
    [*W, "--sched-cfg", "a", "--sched-cfg-file", "b"],
    [*W, "--sched-cfg-file", "none"],
    [*W, "--redis-prefix", "p", "--redis-port", "7"],
    ["-p", "none.xml", "-w", "none.json"],
    [*P, "-w", "none.json", "--events", "none.txt"],
    [*P, "stray"],
    [*P, "--simgrid-version"],
    [*P, "--version"],
    ["--plat", "platform.xml", "--workl=workload.json", "-E"],
    ["-p", "none.xml", "--dump-execution-context", "-s", "tcp://h:1"],
    [*P, "-e", ""],
]
REPLIES = {
    "nothing": '{"now":0,"events":[]}',
    "blanks": ' \t\n{"now": 0 , "events" : [ ] } \n',
    "a NUL at its end": '{"now":0,"events":[]}\0',
    "the same key twice": '{"now":0,"now":0,"events":[]}',
    "another key": '{"now":0,"events":[],"x":[1.5e300,99999999999999999999]}',
    "no now": '{"events":[]}',
    "a text for now": '{"now":"0","events":[]}',
    "no events": '{"now":0}',
    "events in an object": '{"now":0,"events":{}}',
    "a list": "[]",
    "null": "null",
    "empty": "",
    "more behind it": '{"now":0,"events":[]}x',
    "NaN": '{"now":NaN,"events":[]}',
    "too large": '{"now":1e400,"events":[]}',
    "a zero in front": '{"now":00,"events":[]}',
    "a comment": '{"now":0,/**/"events":[]}',
    "half of a pair": '{"now":0,"events":[],"x":"\\ud800"}',
    "a control character": '{"now":0,"events":[],"x":"\x01"}',
    "the past": '{"now":-3,"events":[]}',
    "the future": '{"now":5.25,"events":[]}',
}


def play(
    server: Sequence[str], words: Sequence[str], listener: Any, scheduler: Callable[[str], str], folder: Path
) -> Any:
    """Return exit code and messages of a server."""
    listener.heard = []
    whole = [*server, *words, *([] if "-s" in words or not words else ["-s", listener.endpoint])]
    with subprocess.Popen(whole, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            listener.answer(scheduler, lambda: process.poll() is not None)
            return process.wait(5), listener.heard
        finally:
            process.kill()


def compare(real: Any, ours: Any, tool: ModuleType) -> None:
    assert ours[0] == real[0]
    assert len(ours[1]) == len(real[1])
    for expected, actual in zip(real[1], ours[1], strict=True):
        assert not tool.message_differences(expected, actual)


@pytest.fixture
def folder(inputs: Any) -> Path:
    (inputs.folder / "events.txt").write_text(EVENTS, encoding="utf-8")
    (inputs.folder / "blank.txt").write_text("\n", encoding="utf-8")
    path: Path = inputs.folder
    return path


@pytest.mark.parametrize("words", ALIKE, ids=" ".join)
def test_command_lines(
    words: list[str], kit: SimpleNamespace, listener: Any, folder: Path, compare_tool: ModuleType
) -> None:
    def finishing(text: str) -> str:
        reply = json.loads(fcfs(text))
        if "--enable-dynamic-jobs" in words and len(listener.heard) == 1:
            data = {"type": "registration_finished"}
            reply["events"].append({"timestamp": reply["now"], "type": "NOTIFY", "data": data})
        return json.dumps(reply)

    played = []
    for server in ([str(BATSIM)], OURS):
        fcfs = kit.Fcfs()
        played.append(play(server, words, listener, finishing, folder))
    compare(*played, compare_tool)


@pytest.mark.parametrize("name", REPLIES)
def test_replies(name: str, kit: SimpleNamespace, listener: Any, folder: Path, compare_tool: ModuleType) -> None:
    def odd(text: str) -> str:
        usual = fcfs(text)
        return REPLIES[name] if len(listener.heard) == 2 else usual

    played = []
    for server in ([str(BATSIM)], OURS):
        fcfs = kit.Fcfs()
        played.append(play(server, W, listener, odd, folder))
    compare(*played, compare_tool)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([*W, "--mmax", "many"], 255),
        ([*W, "-v", "loud"], 255),
        ([*W, "--enable-profile-reuse"], 255),
        ([*P, "--redis-port", "x"], 255),
    ],
)
def test_where_batsim_takes_a_mistake_for_success(
    words: list[str], code: int, kit: SimpleNamespace, listener: Any, folder: Path
) -> None:
    """It names the mistake, simulates nothing, and ends with 0; a caller would go on without results."""
    assert play([str(BATSIM)], words, listener, kit.Fcfs(), folder) == (0, [])
    assert play(OURS, words, listener, kit.Fcfs(), folder) == (code, [])
