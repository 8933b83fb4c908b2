"""One look after another at a live Slurm: hold, move, let go, write down, and stop when told to."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wattq.errors import MissingFileError, SignalError, SlurmError
from wattq.platforms.model import Platform
from wattq.platforms.node import NodePower
from wattq.platforms.signals import Signal, read_signal
from wattq.platforms.signals.rules import utc_text
from wattq.schedulers.slurm.acting import act
from wattq.schedulers.slurm.audit import AuditLog, Entry, entries_of
from wattq.schedulers.slurm.command import Ask
from wattq.schedulers.slurm.consent import parse_qos_waits
from wattq.schedulers.slurm.deferral import Deferral
from wattq.schedulers.slurm.grid import Grid, constant, known_now, read_grid, read_published
from wattq.schedulers.slurm.holding import Decision, Load, Rules, decide_holds
from wattq.schedulers.slurm.jobs import Snapshot
from wattq.schedulers.slurm.loads import loads_of
from wattq.schedulers.slurm.outcomes import note_outcomes
from wattq.schedulers.slurm.reading import read_snapshot
from wattq.settings import HoldSettings, SignalSettings

__all__ = ["Holder", "Look", "hold_lock"]

_BEYOND_S = 3.0 * 86400.0
_LONGEST_RUN_S = 31.0 * 86400.0


@dataclass(frozen=True)
class Look:
    """What one look found, and what was done.

    Attributes:
        now_s: when, Unix s.
        decisions: one for each waiting job.
        done: decisions put into effect; 0 in a dry run.
        problems: what went wrong, in words.
        stopped: why nothing may be held; empty when something may.
    """

    now_s: float
    decisions: tuple[Decision, ...]
    done: int
    problems: tuple[str, ...]
    stopped: str


@dataclass(frozen=True)
class _Known:
    """What is known of the grid at one look."""

    rule: Deferral | None
    grid: Grid | None
    forecast: Mapping[str, Any]
    problems: tuple[str, ...]


class Holder:
    """Holds jobs of a live Slurm that agreed to wait.

    All that it knows of what it did is in the log and in Slurm, so that it can be killed and begun again at any time.

    Args:
        ask: runs a command of Slurm.
        hold: the settings.
        signals: carbon intensity, price, PUE.
        power: power of a node.
        platform: a description of the machine in its place.
        clock: tells Unix seconds.
        ending: says whether this program is to end.

    Attributes:
        folder: folder of log, lock and kill switch.
        log: the audit log.
        kill_file: while it is there nothing is held.

    Raises:
        InvalidInputError: a setting breaks its rule.
    """

    def __init__(
        self,
        ask: Ask,
        hold: HoldSettings,
        signals: SignalSettings,
        power: NodePower,
        platform: Platform | None = None,
        *,
        clock: Callable[[], float] = time.time,
        ending: Callable[[], bool] = lambda: False,
    ) -> None:
        self._ask, self._hold, self._signals = ask, hold, signals
        self._power, self._platform, self._clock, self._ending = power, platform, clock, ending
        self._rules = Rules(
            hold.signal, parse_qos_waits(hold.qos), hold.max_wait_s, hold.step_s, hold.empty_gain, hold.share
        )
        self.folder = Path(hold.folder)
        self.kill_file = Path(hold.kill_file) if hold.kill_file else self.folder / "stop"
        self.log = AuditLog(self.folder / "audit.jsonl")

    @property
    def currency(self) -> str:
        """Currency of savings: that of the file of prices, else of the settings."""
        path = self._signals.price
        try:
            return read_published(path, "price").unit.partition("/")[0] if path else self._signals.currency
        except (SignalError, MissingFileError):
            return self._signals.currency

    def killed(self) -> str:
        """Return why nothing may be held, empty when the kill switch is off.

        A kill switch that cannot be looked at counts as pulled.
        """
        try:
            self.kill_file.stat()
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"the kill switch {self.kill_file} cannot be looked at ({error.strerror})"
        return f"the kill switch {self.kill_file} is there"

    def look(self, apply: bool) -> Look:
        """Look once, and put what is decided into effect if told to.

        Raises:
            SlurmError: Slurm does not answer, or the log cannot be read or written.
        """
        snapshot = read_snapshot(self._ask, self._clock)
        book = entries_of(self.log.read())
        if apply:
            book = self._settle(snapshot, book)
        killed = self.killed()
        known = _Known(None, None, {}, ()) if killed else self._know(snapshot.now_s)
        loads = self._loads(snapshot, book) if known.rule is not None else {}
        decisions = decide_holds(snapshot, book, loads, known.rule, known.grid, self._rules, killed)
        done, problems = 0, list(known.problems)
        if apply:
            done, failed = act(
                decisions, self._ask, self.log, known.forecast, self._signals.pue, self._clock, self._stopped
            )
            problems += failed
            self._outcomes(snapshot, book)
        return Look(snapshot.now_s, tuple(decisions), done, tuple(problems), killed)

    def release_all(self, why: str) -> Look:
        """Pull the kill switch, and let go at once all jobs that this program holds, also while another one runs.

        Raises:
            SlurmError: the kill switch cannot be written, Slurm does not answer, or the log cannot be written.
        """
        try:
            self.kill_file.parent.mkdir(parents=True, exist_ok=True)
            self.kill_file.write_text(f"{why}, {utc_text(self._clock())}\n", encoding="utf-8")
        except OSError as error:
            raise SlurmError(
                f"{self.kill_file}: the kill switch cannot be written ({error.strerror}); run this as the user that "
                "holds jobs"
            ) from None
        return self.look(apply=True)

    def _stopped(self) -> bool:
        return self._ending() or bool(self.killed())

    def _settle(self, snapshot: Snapshot, book: dict[str, Entry]) -> dict[str, Entry]:
        """Write down begin times that were set although the log does not say so: the program was killed in between."""
        found = dict(book)
        for job in snapshot.jobs:
            entry = found.get(job.key)
            if entry is not None and not entry.acted and entry.matches(job.eligible_s):
                self.log.write(
                    "held", self._clock(), key=job.key, job=job.label, number=job.number, user=job.user,
                    reason="found set after a restart", after={"begin_s": job.eligible_s},
                )  # fmt: skip
                found[job.key] = replace(entry, acted=True)
        return found

    def _know(self, now_s: float) -> _Known:
        """Return rule and grid; without a forecast nothing new is held, and what is held passes by itself."""
        hold, signals = self._hold, self._signals
        path = signals.carbon if hold.signal == "carbon" else signals.price
        if not path:
            why = f"no file of {hold.signal} is given (signals.{hold.signal}): there is nothing to wait for"
            return _Known(None, None, {}, (why,))
        horizon_s = 2.0 * hold.max_wait_s + _BEYOND_S + _LONGEST_RUN_S
        try:
            grid = self._grid(now_s, horizon_s)
            raw = read_published(path, hold.signal)
            forecast, notes = known_now(raw, now_s, horizon_s, hold.forecast, step_s=hold.step_s)
            rule = Deferral(
                forecast, now_s, hold.max_wait_s, step_s=hold.step_s, min_gain=hold.min_gain,
                run_share=hold.run_share, min_area_s=hold.min_area_s,
            )  # fmt: skip
        except (SignalError, MissingFileError) as error:
            return _Known(None, None, {}, (str(error),))
        facts = {
            "signal": hold.signal, "file": Path(path).name, "sha256": raw.sha256, "model": hold.forecast,
            "issued": utc_text(now_s), "unit": raw.unit, "notes": list(notes),
        }  # fmt: skip
        return _Known(rule, grid, facts, ())

    def _grid(self, now_s: float, horizon_s: float) -> Grid:
        given = self._signals
        return read_grid(
            given.carbon, given.price, now_s=now_s, horizon_s=horizon_s, model=self._hold.forecast, pue=given.pue,
            carbon_kg_per_kwh=given.carbon_kg_per_kwh, price_per_kwh=given.price_per_kwh, currency=given.currency,
        )  # fmt: skip

    def _loads(self, snapshot: Snapshot, book: Mapping[str, Entry]) -> dict[int, Load]:
        loads = loads_of(snapshot, book, self._power, self._platform)
        # Longer runs reach beyond what is asked of the forecast; they gain nothing by a wait of a day either.
        return {number: load for number, load in loads.items() if load.run_s <= _LONGEST_RUN_S}

    def _outcomes(self, snapshot: Snapshot, book: Mapping[str, Entry]) -> None:
        if any(entry.acted and not entry.closed for entry in book.values()):
            note_outcomes(snapshot, book, self._ask, self.log, self._really(book), self._clock)

    def _really(self, book: Mapping[str, Entry]) -> dict[str, Signal]:
        """Return carbon and price as files say that they were."""
        given, found = self._signals, {}
        first_s = min((entry.could_start_s for entry in book.values() if not entry.closed), default=self._clock())
        flat = {
            "carbon": (1000.0 * given.carbon_kg_per_kwh, "g/kWh"),
            "price": (1000.0 * given.price_per_kwh, f"{given.currency}/MWh"),
        }
        for name, path in (("carbon", given.carbon), ("price", given.price)):
            try:
                found[name] = (
                    read_signal(path, quantity=name)
                    if path
                    else constant(flat[name][0], name, flat[name][1], first_s, 300.0 * 86400.0)
                )
            except (SignalError, MissingFileError):
                continue
        return found


@contextmanager
def hold_lock(folder: Path) -> Iterator[None]:
    """Keep a second program from holding jobs by the same log.

    The lock goes with the process, however it ends.

    Raises:
        SlurmError: another one runs, or the folder cannot be written.
    """
    path = folder / "lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
    except OSError as error:
        raise SlurmError(
            f"{path}: cannot be written ({error.strerror}); give a folder that this user may write (hold.folder, "
            "--folder)"
        ) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = os.pread(handle, 32, 0).decode("ascii", "replace").strip()
            raise SlurmError(
                f"{path}: another `wattq slurm hold` runs (process {pid or 'unknown'}); end it first, or give this one "
                "another folder (hold.folder, --folder)"
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)
