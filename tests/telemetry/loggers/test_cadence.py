"""The cadence: on the grid, without drift, missed ticks counted, never bunched."""

from __future__ import annotations

import math
import os
import signal
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import TelemetryError
from wattq.telemetry.loggers import Cadence, Stop


class Clock:
    """A clock that waits in no time; `lateness_s` says by how much each wait ends late."""

    def __init__(self, start_s: float = 1000.0, lateness_s: tuple[float, ...] = ()) -> None:
        self.now_s, self.lateness_s, self.stops_at_s = start_s, list(lateness_s), math.inf

    def __call__(self) -> float:
        return self.now_s

    def wait(self, timeout_s: float) -> bool:
        assert timeout_s >= 0.0
        if self.now_s + timeout_s >= self.stops_at_s:
            return True
        self.now_s += timeout_s + (self.lateness_s.pop(0) if self.lateness_s else 0.0)
        return False


def run(cadence: Cadence, clock: Clock, work_s: tuple[float, ...] = ()) -> list[tuple[int, float]]:
    """Take all ticks; return number and date since the start of each."""
    work, found = list(work_s), []
    for tick in cadence.ticks(clock):
        found.append((tick, clock.now_s - 1000.0))
        clock.now_s += work.pop(0) if work else 0.0
    return found


def test_work_and_late_wakes_do_not_add_up() -> None:
    clock = Clock(lateness_s=(0.0, 0.25, 0.125, 0.0))
    cadence = Cadence(1.0, count=5, clock=clock)
    assert run(cadence, clock, (0.5, 0.5, 0.5, 0.5)) == [(0, 0.0), (1, 1.25), (2, 2.125), (3, 3.0), (4, 4.0)]
    assert (cadence.taken, cadence.missed) == (5, 0)


def test_ticks_missed_at_work_are_counted_and_never_bunch() -> None:
    clock = Clock()
    cadence = Cadence(1.0, duration_s=8.0, clock=clock)
    assert run(cadence, clock, (0.0, 3.5)) == [(0, 0.0), (1, 1.0), (5, 5.0), (6, 6.0), (7, 7.0)]
    assert (cadence.taken, cadence.missed) == (5, 3)


def test_a_late_tick_is_taken_and_the_next_is_on_the_grid() -> None:
    clock = Clock(lateness_s=(0.0, 2.5))
    cadence = Cadence(1.0, count=3, clock=clock)
    assert run(cadence, clock) == [(0, 0.0), (3, 3.5), (4, 4.0)]
    assert cadence.missed == 2


def test_ticks_missed_at_the_end_are_counted() -> None:
    clock = Clock()
    cadence = Cadence(1.0, duration_s=4.0, clock=clock)
    assert run(cadence, clock, (0.0, 60.0)) == [(0, 0.0), (1, 1.0)]
    assert cadence.missed == 2
    late = Clock(lateness_s=(0.0, 60.0))
    cadence = Cadence(1.0, duration_s=4.0, clock=late)
    assert run(cadence, late) == [(0, 0.0)]
    assert cadence.missed == 3


def test_the_last_sample_wanted_misses_nothing() -> None:
    clock = Clock()
    cadence = Cadence(1.0, count=1, clock=clock)
    assert run(cadence, clock, (10.0,)) == [(0, 0.0)]
    assert cadence.missed == 0


@pytest.mark.parametrize(("interval_s", "duration_s", "ticks"), [(0.1, 60.0, 600), (0.3, 0.9, 3), (7.0, 8.0, 2)])
def test_a_duration_is_so_many_intervals(interval_s: float, duration_s: float, ticks: int) -> None:
    clock = Clock()
    cadence = Cadence(interval_s, duration_s=duration_s, clock=clock)
    assert len(run(cadence, clock)) == ticks


def test_a_day_at_ten_hertz_ends_where_it_should() -> None:
    clock = Clock()
    cadence = Cadence(0.1, count=864_000, clock=clock)
    last = run(cadence, clock)[-1]
    assert last[0] == 863_999
    assert last[1] == pytest.approx(86_399.9, abs=1e-3)


@settings(deadline=None, max_examples=100)
@given(
    interval_s=st.sampled_from((0.01, 0.1, 1.0, 30.0)),
    lateness=st.lists(st.floats(0, 100), max_size=30),
    work=st.lists(st.floats(0, 100), max_size=30),
    ticks=st.integers(1, 200),
)
def test_every_tick_due_is_taken_or_missed(
    interval_s: float, lateness: list[float], work: list[float], ticks: int
) -> None:
    clock = Clock(lateness_s=tuple(lateness))
    cadence = Cadence(interval_s, duration_s=ticks * interval_s, clock=clock)
    found = run(cadence, clock, tuple(work))
    assert cadence.taken == len(found)
    assert cadence.taken + cadence.missed == ticks
    numbers = [tick for tick, _ in found]
    assert numbers == sorted(set(numbers))
    # A tick is never before its date, and never after that of the next.
    assert all(tick * interval_s <= at_s + 1e-6 < (tick + 1) * interval_s + 2e-6 for tick, at_s in found)


def test_being_asked_to_stop_ends_the_wait() -> None:
    clock = Clock()
    clock.stops_at_s = 1002.5
    cadence = Cadence(1.0, clock=clock)
    assert [tick for tick, _ in run(cadence, clock)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"interval_s": 0.0}, "interval 0 s: use 0.01 to 86400 s"),
        ({"interval_s": math.nan}, "interval nan s"),
        ({"interval_s": 1e6}, "use 0.01 to"),
        ({"interval_s": 1.0, "count": 0}, "count 0: take 1 sample or more"),
        ({"interval_s": 1.0, "duration_s": 0.0}, "duration 0 s: it is above 0"),
        ({"interval_s": 1.0, "duration_s": math.inf}, "duration inf s"),
        ({"interval_s": 1.0, "duration_s": math.nan}, "duration nan s"),
    ],
)
def test_wrong_numbers(wrong: dict[str, float], words: str) -> None:
    with pytest.raises(TelemetryError, match=words):
        Cadence(**wrong)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_wait_and_handlers_come_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Stop() as stop:
        assert not stop.wait(0.0)
        os.kill(os.getpid(), number)
        assert stop.wait(60.0)
        assert stop.wait(60.0)
        assert stop.name == number.name
        assert signal.getsignal(number) is before
    assert signal.getsignal(number) is before


def test_another_thread_ends_the_wait() -> None:
    with Stop() as stop:
        thread = threading.Thread(target=stop.set)
        thread.start()
        assert stop.wait(60.0)
        thread.join()
        stop.set()
        assert stop.name == ""


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    found = []

    def enter() -> None:
        with Stop() as stop:
            stop.set()
            found.append(stop.wait(1.0))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [True]
    assert signal.getsignal(signal.SIGTERM) is before
