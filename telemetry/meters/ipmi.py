"""Power of the whole node as its management controller (BMC) knows it, through ``ipmitool``."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from wattq.telemetry.meters.base import MeterError, Reading, Source

__all__ = ["IpmiMeter", "parse_dcmi", "parse_sdr"]

_DCMI = ("dcmi", "power", "reading")
_SDR = ("sdr", "list", "full")
_INSTANT = re.compile(r"Instantaneous power reading\s*:\s*(\d{1,7})\s*Watts", re.IGNORECASE)
_STATE = re.compile(r"Power reading state is\s*:\s*(\w+)", re.IGNORECASE)
_WATTS = re.compile(r"(\d{1,7}(?:\.\d{1,6})?)\s*(?:Watts|W)", re.IGNORECASE)
_TOTAL = re.compile(
    r"pwr consumption|power meter|total.?power|sys(tem)?.?(power|level|pwr)|node.?power|^pw consumption", re.I
)
_SUPPLY = re.compile(r"(ps|psu|pw|power supply).?\d(?!.*out)", re.IGNORECASE)
_MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class _Way:
    """A command of ipmitool and what reads its answer."""

    words: tuple[str, ...]
    is_dcmi: bool

    def parse(self, text: str) -> dict[str, float]:
        if not self.is_dcmi:
            return parse_sdr(text)
        watts = parse_dcmi(text)
        return {} if watts is None else {"node": watts}


class IpmiMeter:
    """Power of the node from the BMC: ``dcmi power reading``, or the sensors in watts of ``sdr list full``.

    The total is the node; without one, the supplies add up. Sensors of chassis and parts never do. The BMC answers
    slowly, so that an answer counts for `period_s`, and no answer may take longer than `time_box_s`.

    Args:
        command: the program, with words that come before its own: ``("sudo", "-n", "ipmitool")``.
        time_box_s: longest time that one answer may take, s.
        period_s: age at which an answer is old, s.
        wait: wait for a new answer, at most `time_box_s`; otherwise a thread asks every `period_s`, and a reading gives
            the last answer, at most three periods old.

    Raises:
        MeterError: there is no such program, no BMC, no permission, or no sensor of power.
    """

    name = "ipmi"
    source: Source = "measured"

    def __init__(
        self,
        command: Sequence[str] = ("ipmitool",),
        *,
        time_box_s: float = 2.0,
        period_s: float = 5.0,
        wait: bool = True,
    ) -> None:
        if shutil.which(command[0]) is None:
            raise MeterError(f"IPMI: the program {command[0]} is not here; install ipmitool where the node has a BMC")
        self._command, self._time_box_s, self._period_s, self._wait = tuple(command), time_box_s, period_s, wait
        self._way, watts = self._first()
        self._latest = (time.monotonic(), watts)
        self._names = tuple(watts)
        self._adding = _adding(self._names)
        self.whole_node = bool(self._adding)
        self._stop = threading.Event()
        self._thread = None if wait else threading.Thread(target=self._renew_often, name="wattq-ipmi", daemon=True)
        if self._thread is not None:
            self._thread.start()

    def _first(self) -> tuple[_Way, dict[str, float]]:
        problems = []
        for way in (_Way(_DCMI, True), _Way(_SDR, False)):
            try:
                watts = way.parse(self._ask(way))
            except MeterError as error:
                problems.append(str(error))
                continue
            if watts:
                return way, watts
            problems.append(f"{' '.join(way.words)}: no reading of power")
        raise MeterError(f"IPMI: {'; '.join(problems)}; it needs root and a BMC (/dev/ipmi0)")

    def _ask(self, way: _Way) -> str:
        program = self._start(way)
        try:
            out, problems = program.communicate(timeout=self._time_box_s)
        except subprocess.TimeoutExpired:
            _end(program)
            raise MeterError(f"{' '.join(way.words)}: no answer within {self._time_box_s:g} s") from None
        if program.returncode != 0:
            words = (problems or out).decode("utf-8", "replace").strip().splitlines()
            raise MeterError(f"{' '.join(way.words)}: {words[0][:200] if words else 'failed without a word'}")
        return out[:_MOST_BYTES].decode("utf-8", "replace")

    def _start(self, way: _Way) -> subprocess.Popen[bytes]:
        command = [*self._command, *way.words]
        quiet = subprocess.DEVNULL
        try:
            return subprocess.Popen(
                command, stdin=quiet, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
            )
        except OSError as error:
            raise MeterError(f"{self._command[0]}: cannot be run ({error.strerror or error})") from None

    def devices(self) -> tuple[str, ...]:
        """Return the names of the sensors: ``node``, or those of the BMC's list."""
        return self._names

    def read(self, now_s: float) -> list[Reading]:
        """Return the power of each sensor, W; None where the BMC gave none in time. The date does not matter."""
        if self._wait and time.monotonic() - self._latest[0] >= self._period_s:
            self._renew()
        answered_s, watts = self._latest
        oldest_s = self._period_s if self._wait else 3.0 * self._period_s
        known = watts if time.monotonic() - answered_s <= oldest_s else {}
        return [Reading(name, power_w=known.get(name), label="BMC", adds=name in self._adding) for name in self._names]

    def _renew(self) -> None:
        """Ask, and keep the answer with its date; no answer counts as one without sensors."""
        try:
            watts = self._way.parse(self._ask(self._way))
        except MeterError:
            watts = {}
        self._latest = (time.monotonic(), watts)

    def _renew_often(self) -> None:
        while not self._stop.wait(self._period_s):
            self._renew()

    def close(self) -> None:
        """End the thread; a program that still runs ends within its time box."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(2.0 * self._time_box_s)


def parse_dcmi(text: str) -> float | None:
    """Return the power in an answer to ``ipmitool dcmi power reading``, W; None where the BMC does not measure it.

    A node that answers draws power: 0 W is what controllers without the sensor say.
    """
    instant, state = _INSTANT.search(text), _STATE.search(text)
    if instant is None or (state is not None and state[1].lower() != "activated"):
        return None
    return float(instant[1]) or None


def parse_sdr(text: str) -> dict[str, float]:
    """Return the sensors in watts of a list of ``ipmitool sdr``, by name; those without a reading are left out."""
    watts: dict[str, float] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 3 or cells[2].lower() not in ("ok", "nc", "cr"):
            continue
        value = _WATTS.fullmatch(cells[1])
        if value is not None and float(value[1]) > 0:
            watts[cells[0] or "power"] = float(value[1])
    return watts


def _adding(names: Sequence[str]) -> set[str]:
    """Return the sensors that together are the node: its total, or else its supplies."""
    if "node" in names:
        return {"node"}
    totals = [name for name in names if _TOTAL.search(name)]
    return set(totals[:1]) if totals else {name for name in names if _SUPPLY.match(name)}


def _end(program: subprocess.Popen[bytes]) -> None:
    """End the program and what it started (`sudo` starts another), without waiting for words of theirs."""
    with suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)
    program.wait()
    for pipe in (program.stdout, program.stderr):
        if pipe is not None:
            pipe.close()
