"""The same world played by real Batsim and by wattq's engine; what they say and write is compared."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zmq
from random_decisions import RandomScheduler
from random_worlds import World

from wattq.errors import UnsupportedError, WattqError
from wattq.simulator.batsim.inputs import read_inputs
from wattq.simulator.batsim.log import Log
from wattq.simulator.batsim.options import parse_options
from wattq.simulator.conversation import converse

__all__ = ["Played", "duel", "duel_of_processes", "play_process"]

_MOST_MESSAGES = 5000
_REAL_TIME = {"scheduling_time", "simulation_time"}
_ABORT = re.compile(r":\(\d+\) ([0-9.]+)\].*?CRITICAL\] (.*)")


@dataclass(frozen=True)
class Played:
    """A simulation of a program that was started.

    Attributes:
        exchanges: each message, and the reply to it.
        code: exit code; negative after a signal.
        log: what it printed.
        files: the files that it wrote, by name without the prefix.
    """

    exchanges: list[tuple[str, str]]
    code: int
    log: str
    files: Mapping[str, str]

    @property
    def abort(self) -> str:
        """Date and words of the abort, empty when there was none."""
        found = _ABORT.search(self.log)
        return f"{found[1]} {found[2]}" if found else ""


class _DifferenceError(Exception):
    """Raised at the first message that differs."""


def play_process(program: Sequence[str], world: World, scheduler: Callable[[str], str], prefix: Path) -> Played:
    """Play a world with a program that takes Batsim's command line.

    Args:
        program: how it is started.
        world: what is played.
        scheduler: from each message to its reply.
        prefix: of the output files; its folder exists.
    """
    context = zmq.Context()
    channel = context.socket(zmq.REP)
    channel.linger = 0
    port = channel.bind_to_random_port("tcp://127.0.0.1")
    words = [*program, *world.argv, "-e", str(prefix), "-s", f"tcp://127.0.0.1:{port}", "-q"]
    exchanges: list[tuple[str, str]] = []
    with prefix.with_suffix(".log").open("w+b") as log:
        process = subprocess.Popen(words, cwd=world.folder, stdout=log, stderr=log)
        try:
            for message in _messages(channel, process):
                exchanges.append((message, scheduler(message)))
                channel.send_string(exchanges[-1][1])
        finally:
            process.kill()
            code = process.wait()
            channel.close()
            context.term()
        log.seek(0)
        text = log.read().decode("utf-8", "replace")
    names = prefix.parent.glob(f"{prefix.name}_*")
    files = {path.name.removeprefix(f"{prefix.name}_"): path.read_text(encoding="utf-8") for path in names}
    return Played(exchanges, code, text, files)


def _messages(channel: Any, process: subprocess.Popen[bytes]) -> Iterator[str]:
    """Yield messages until the program ends."""
    n = 0
    while n < _MOST_MESSAGES:
        if channel.poll(50):
            n += 1
            yield channel.recv().decode()
        elif process.poll() is not None:
            return


def duel(batsim: str, seed: int, folder: Path) -> str:
    """Return the first difference between real Batsim and the engine on the world of a seed; empty without one.

    Args:
        batsim: the program.
        seed: names the world.
        folder: takes the files of the world and the outputs of Batsim.
    """
    world = World(seed, folder / "world")
    real = play_process([batsim], world, RandomScheduler(world), folder / "real")
    try:
        files = _ours(world, real)
    except _DifferenceError as error:
        return str(error)
    except UnsupportedError as error:
        return "" if real.code != 0 else f"unsupported: {error}"
    except WattqError as error:
        return _aborted(real, str(error))
    if real.code != 0:
        return f"Batsim ends with {real.code}, the engine does not: {real.abort}"
    return _files_difference(real.files, files)


def duel_of_processes(batsim: str, server: str, seed: int, folder: Path) -> str:
    """Return the first difference between real Batsim and `wattq-batsim`, started alike; empty without one.

    Args:
        batsim: the program.
        server: the program `wattq-batsim`.
        seed: names the world.
        folder: takes the files of the world and the outputs of both.
    """
    world = World(seed, folder / "world")
    real = play_process([batsim], world, RandomScheduler(world), folder / "real")
    ours = play_process([server], world, RandomScheduler(world), folder / "ours")
    for number, ((a, _), (b, _)) in enumerate(zip(real.exchanges, ours.exchanges, strict=False)):
        difference = _message_difference(a, b)
        if difference:
            return f"message {number}: {difference}"
    if (real.code, len(real.exchanges)) != (ours.code, len(ours.exchanges)):
        told = f"exit code {ours.code} after {len(ours.exchanges)} messages: {ours.log[-500:]}"
        return f"Batsim: exit code {real.code} after {len(real.exchanges)} messages: {real.abort}\n   ours: {told}"
    if real.code != 0:
        return ""
    if set(real.files) != set(ours.files) - {"summary.json"}:
        return f"files {sorted(real.files)}, ours {sorted(ours.files)}"
    return _files_difference(real.files, ours.files)


def _aborted(real: Played, ours: str) -> str:
    """Return how the two aborts differ."""
    if real.code == 0:
        return f"only the engine aborts: {ours}"
    told = re.search(r"aborts at ([0-9.]+) s", ours)
    date = real.abort.partition(" ")[0]
    if told and date and told[1] != date:
        return f"aborts at {date} ({real.abort}), the engine: {ours}"
    return ""


def _ours(world: World, real: Played) -> Mapping[str, str]:
    """Play the world in this process with the replies that Batsim got; return the files."""
    n = 0

    def answer(message: str) -> str:
        nonlocal n
        if n >= len(real.exchanges):
            ended = real.abort or f"ends with {real.code}"
            raise _DifferenceError(f"message {n} is one too many: {message[:500]}; Batsim: {ended}")
        difference = _message_difference(real.exchanges[n][0], message)
        if difference:
            raise _DifferenceError(f"message {n}: {difference}")
        n += 1
        return real.exchanges[n - 1][1]

    with contextlib.chdir(world.folder):
        options = parse_options([*world.argv, "-q"])
        inputs = read_inputs(options, Log(options.thresholds))
        run = converse(
            inputs.platform,
            inputs.workloads,
            answer,
            energy=options.energy,
            externals=inputs.externals,
            options=inputs.protocol,
        )
    if n < len(real.exchanges):
        raise _DifferenceError(f"{len(real.exchanges)} messages, the engine {n}; next: {real.exchanges[n][0][:500]}")
    if run.deadlock != ("eadlock" in real.log):
        raise _DifferenceError(f"deadlock of the engine: {run.deadlock}, not so Batsim")
    return run.files()


def _message_difference(real: str, ours: str) -> str:
    """Return how two messages differ; energies may by rounding."""
    if real == ours:
        return ""
    left, right = (json.loads(text, parse_float=str) for text in (real, ours))
    for a, b in zip(left["events"], right["events"], strict=False):
        if not _alike(a, b):
            return f"{json.dumps(a)[:700]}\n   ours {json.dumps(b)[:700]}"
    if left["now"] != right["now"] or len(left["events"]) != len(right["events"]):
        return f"{real[:700]}\n   ours {ours[:700]}"
    if len(real) != len(ours) and left["events"][0]["type"] != "SIMULATION_BEGINS":
        return f"not the same text: {real[:700]}\n   ours {ours[:700]}"
    return ""


def _alike(a: Any, b: Any, key: str = "") -> bool:
    """Return whether two values of messages are the same, in the same order; properties have none."""
    if key == "consumed_energy":
        return _near(a, b)
    if isinstance(a, dict) and isinstance(b, dict):
        free = key in ("properties", "zone_properties")
        same = set(a) == set(b) if free else list(a) == list(b)
        return same and all(_alike(a[k], b[k], k) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_alike(x, y, key) for x, y in zip(a, b, strict=True))
    return type(a) is type(b) and a == b


def _near(a: str, b: str, relative: float = 1e-6, absolute: float = 2e-6) -> bool:
    """Return whether two printed numbers are close; NaNs of any sign are."""
    try:
        x, y = float(a), float(b)
    except ValueError:
        return a == b
    return (x != x and y != y) or abs(x - y) <= max(absolute, relative * max(abs(x), abs(y)))


def _files_difference(real: Mapping[str, str], ours: Mapping[str, str]) -> str:
    """Return the first difference between the tables of two simulations."""
    for name, text in real.items():
        if name.endswith(".csv") and text != ours[name]:
            difference = _table_difference(name, text, ours[name])
            if difference:
                return f"{name}: {difference}"
    return ""


def _table_difference(name: str, real: str, ours: str) -> str:
    left, right = (list(csv.DictReader(io.StringIO(text, newline=""))) for text in (real, ours))
    previous = None
    for number, (a, b) in enumerate(zip(left, right, strict=False), 1):
        for column in a:
            if a[column] != b.get(column) and not _excused(name, column, a, b, previous, real):
                return f"row {number}, {column}: {a[column]!r}, ours {b.get(column)!r}\n {a}\n {b}"
        previous = a
    return "" if len(left) == len(right) else f"{len(left)} rows, ours {len(right)}"


def _excused(
    name: str, column: str, a: Mapping[str, str], b: Mapping[str, str], previous: Mapping[str, str] | None, real: str
) -> bool:
    """Return whether two cells may differ: real time, rounding of sums, quotients of next to nothing."""
    x, y = a[column], b[column]
    if name == "schedule.csv":
        if column in _REAL_TIME:
            return True
        if column.startswith(("mean_", "time_")):
            return _near(x, y, 1e-12, 1.5e-6)
        return column in ("consumed_joules", "max_slowdown") and _near(x, y)
    if name == "jobs.csv":
        return (column == "consumed_energy" and _near(x, y)) or (
            column == "stretch" and float(a["execution_time"]) < 1e-6
        )
    if name == "consumed_energy.csv":
        if column == "epower" and previous is not None:
            step_s = float(a["time"]) - float(previous["time"])
            return step_s < 2e-6 or _near(x, y, absolute=4e-15 * float(a["energy"]) / step_s + 1e-6)
        return column in ("energy", "wattmin") and _near(x, y)
    return False
