"""What holds whatever the queue looks like and wherever the program is killed."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_slurm import FakeJob, FakeSlurm, Killed
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.platforms.node import NodePower
from wattq.platforms.signals import Signal, write_signal
from wattq.schedulers.slurm.audit import AuditLog
from wattq.schedulers.slurm.consent import consent_of
from wattq.schedulers.slurm.holder import Holder
from wattq.schedulers.slurm.outcomes import totals_of
from wattq.schedulers.slurm.queue_json import parse_queue_json
from wattq.settings import HoldSettings, SignalSettings

START_S = 1_000_000_800.0
HOUR_S = 3600.0
DAY_S = 86400.0
COMMENTS = (
    "", "wattq:defer=18h", "wattq:defer=3h", "wattq:defer=40h", "wattq:defer=0", "wattq:defer=later",
    "wattq:deadline=2001-09-09T20:00Z", "wattq:deadline=2001-09-09T05:30Z wattq:defer=12h",
)  # fmt: skip

JOBS = st.lists(
    st.builds(
        FakeJob,
        number=st.just(0),
        nodes=st.integers(1, 4),
        limit_min=st.sampled_from([30, 60, 300, 1440, None]),
        run_s=st.sampled_from([300.0, 3000.0, 30000.0]),
        submit_s=st.sampled_from([START_S, START_S - HOUR_S, START_S - 20 * HOUR_S]),
        begin_s=st.sampled_from([None, None, None, START_S + 5 * HOUR_S]),
        comment=st.sampled_from(COMMENTS),
        qos=st.sampled_from(["", "", "green"]),
        priority=st.integers(1, 5),
        held=st.sampled_from([False, False, False, True]),
        dependency=st.sampled_from(["", "", "", "afterok:1(unfulfilled)"]),
        tasks=st.sampled_from(["", "", "1-3"]),
    ),
    min_size=1,
    max_size=6,
)
VALUES = st.lists(st.sampled_from([-40.0, 5.0, 60.0, 90.0, 250.0]), min_size=24, max_size=24)


def fake_of(jobs: list[FakeJob]) -> FakeSlurm:
    slurm = FakeSlurm(4, START_S)
    for number, job in enumerate(jobs, 1):
        job.number = number
        slurm.add(job)
    return slurm


def write_prices(folder: Path, values: list[float]) -> Path:
    hours = np.arange(240)
    signal = Signal(
        start_s=START_S - 24 * HOUR_S + HOUR_S * hours, end_s=START_S + 216 * HOUR_S, value=np.resize(values, 240),
        quantity="price", unit="EUR/MWh",
    )  # fmt: skip
    return write_signal(signal, folder / "price.csv")


def holder_of(slurm: FakeSlurm, folder: Path, share: float = 0.6) -> Holder:
    hold = HoldSettings(signal="price", folder=str(folder / "hold"), qos="green=9h", share=share)
    return Holder(slurm, hold, SignalSettings(price=str(folder / "price.csv")), NodePower(), clock=slurm.clock)


def latest_s(slurm: FakeSlurm, job: FakeJob) -> float | None:
    """Return the latest start that a job agreed to."""
    rows = {row.number: row for row in parse_queue_json(slurm(("squeue", "-a", "--json")))}
    return consent_of(rows[job.number], {"green": 9 * HOUR_S}, DAY_S).latest_s


@contextmanager
def folder_of() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@settings(deadline=None, max_examples=40)
@given(jobs=JOBS, values=VALUES, steps=st.lists(st.sampled_from([60.0, HOUR_S, 7 * HOUR_S]), min_size=1, max_size=4))
def test_never_beyond_what_was_agreed_and_never_anybody_else(
    jobs: list[FakeJob], values: list[float], steps: list[float]
) -> None:
    with folder_of() as folder:
        write_prices(folder, values)
        slurm = fake_of(jobs)
        agreed = {job.number: latest_s(slurm, job) for job in jobs}
        own = {job.number: job.begin_s for job in jobs}
        free = {job.number: not (job.held or job.dependency) for job in jobs}
        for step in steps:
            holder_of(slurm, folder).look(apply=True)
            for job in jobs:
                latest = agreed[job.number]
                if latest is None or not free[job.number]:
                    assert job.begun == []
                assert all(begin >= (own[job.number] or 0.0) for begin in job.begun)
                # A release sets the begin time to now, also of a job whose latest start has passed.
                assert all(begin <= max(latest or 0.0, slurm.now_s) for begin in job.begun)
            slurm.advance(step, 600.0)
        ours = [job for job in jobs if job.begun and job.state == "PENDING"]
        # Should the program never come back, each job may start by the date it agreed to.
        assert all((job.begin_s or 0.0) <= (agreed[job.number] or 0.0) or job.begin_s <= slurm.now_s for job in ours)


@settings(deadline=None, max_examples=30)
@given(jobs=JOBS, values=VALUES, later=st.sampled_from([0.0, HOUR_S, 8 * HOUR_S]))
def test_the_kill_switch_gives_everything_back(jobs: list[FakeJob], values: list[float], later: float) -> None:
    with folder_of() as folder:
        write_prices(folder, values)
        slurm = fake_of(jobs)
        before = {job.number: job.eligible_s for job in jobs}
        holder_of(slurm, folder).look(apply=True)
        slurm.advance(later, 600.0)
        holder_of(slurm, folder).release_all("test")
        for job in jobs:
            if job.begun and job.state == "PENDING":
                assert job.eligible_s is not None
                assert job.eligible_s <= max(slurm.now_s, before[job.number] or 0.0)
            elif not job.begun:
                assert job.eligible_s == before[job.number]
        states = {job.number: list(job.begun) for job in jobs}
        holder_of(slurm, folder).look(apply=True)
        assert states == {job.number: job.begun for job in jobs}


class Trap:
    """Kills the program when the count of what it does to the world comes to a number."""

    def __init__(self, at: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = at
        self.real = AuditLog.write
        trap = self

        def write(log: AuditLog, event: str, now_s: float, **given: Any) -> dict[str, Any]:
            trap.step()
            if trap.left == 0:
                # In the middle of a line.
                log.path.parent.mkdir(parents=True, exist_ok=True)
                with log.path.open("ab") as file:
                    file.write(b'{"time_s":1,"event":"intent","key":"')
            trap.step()
            record = trap.real(log, event, now_s, **given)
            trap.step()
            return record

        monkeypatch.setattr(AuditLog, "write", write)

    def step(self, words: tuple[str, ...] = ("scontrol", "update")) -> None:
        if words[:2] != ("scontrol", "update"):
            return
        if self.left == 0:
            raise Killed
        self.left -= 1


@settings(deadline=None, max_examples=40)
@given(jobs=JOBS, values=VALUES, at=st.integers(0, 25), share=st.sampled_from([0.3, 1.0]))
def test_killed_at_any_point_and_begun_again_comes_to_the_same(
    jobs: list[FakeJob], values: list[float], at: int, share: float
) -> None:
    import copy

    with folder_of() as folder, folder_of() as other, pytest.MonkeyPatch.context() as patch:
        for place in (folder, other):
            write_prices(place, values)
        whole, killed = fake_of(copy.deepcopy(jobs)), fake_of(jobs)
        holder_of(whole, other, share).look(apply=True)
        before = {number: job.eligible_s for number, job in killed.jobs.items()}
        trap = Trap(at, patch)
        killed.before = killed.after = trap.step
        with suppress(Killed):
            holder_of(killed, folder, share).look(apply=True)
        patch.undo()
        killed.before = killed.after = lambda words: None
        holder_of(killed, folder, share).look(apply=True)
        assert {n: job.begin_s for n, job in killed.jobs.items()} == {n: job.begin_s for n, job in whole.jobs.items()}
        # Nobody is asked for twice, and a third look finds nothing to do.
        again = holder_of(killed, folder, share).look(apply=True)
        assert again.done == 0
        assert all(len(job.begun) <= 1 for job in killed.jobs.values())
        holder_of(killed, folder, share).release_all("test")
        for number, job in killed.jobs.items():
            # A date in the past becomes now, as in Slurm; it makes no difference to when the job may start.
            assert job.eligible_s == (max(before[number] or 0.0, killed.now_s) if job.begun else before[number])


_ANY = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
_NAMES = ("key", "event", "until_s", "numbers", "expected", "before", "time_s", "job", "number", "start_s", "realised")
_WORDS = st.sampled_from(["intent", "held", "moved", "released", "lapsed", "started", "outcome", "1@1000000800", "x"])


@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(st.dictionaries(st.sampled_from(_NAMES), _ANY | _WORDS), max_size=6), damage=st.binary(max_size=40)
)
def test_any_log_is_read_and_written_on(rows: list[dict[str, object]], damage: bytes) -> None:
    with folder_of() as folder:
        write_prices(folder, [60.0] * 23 + [5.0])
        slurm = fake_of([FakeJob(0, comment="wattq:defer=18h", submit_s=START_S)])
        made = holder_of(slurm, folder)
        made.folder.mkdir()
        made.log.path.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in rows) + damage)
        made.look(apply=True)
        totals_of(made.log.read())
