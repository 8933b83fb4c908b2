"""The loop of a logger."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wattq.telemetry.loggers.cadence import Cadence
from wattq.telemetry.loggers.columns import Recorder
from wattq.telemetry.loggers.sink import Sink
from wattq.telemetry.loggers.stopping import Stop

__all__ = ["LogReport", "run_logger"]


@dataclass(frozen=True)
class LogReport:
    """What a logger did.

    Attributes:
        samples: dates at which it read.
        missed: ticks that it was too late for.
        stopped_by: signal that ended it; empty without one.
        outputs: what was written where, in words.
    """

    samples: int
    missed: int
    stopped_by: str
    outputs: tuple[str, ...]

    def text(self) -> str:
        """Return it as a line."""
        due = self.samples + self.missed
        missed = f"{self.missed} of {due} ticks missed (never made up for)" if self.missed else "no tick missed"
        stopped = [f"stopped by {self.stopped_by}"] if self.stopped_by else []
        return "; ".join([f"{self.samples} samples, {missed}", *self.outputs, *stopped])


def run_logger(
    recorder: Recorder,
    sinks: Sequence[Sink],
    cadence: Cadence,
    *,
    stop: Stop | None = None,
    now: Callable[[], float] = time.time,
) -> LogReport:
    """Read and write at each tick until the cadence ends, or SIGTERM, SIGINT or `stop` end it; then close all.

    Args:
        recorder: what is read.
        sinks: where it goes.
        cadence: when.
        stop: asks to stop; one of its own when None.
        now: Unix s.
    """
    outputs: list[str] = []
    with stop or Stop() as wish:
        try:
            for _ in cadence.ticks(wish):
                sample = recorder.sample(now())
                for sink in sinks:
                    sink.write(sample)
        finally:
            recorder.close()
            _close(list(sinks), outputs)
        return LogReport(cadence.taken, cadence.missed, wish.name, tuple(outputs))


def _close(sinks: list[Sink], outputs: list[str]) -> None:
    """Close each sink, also after one that cannot be closed."""
    if sinks:
        try:
            outputs.append(sinks[0].close())
        finally:
            _close(sinks[1:], outputs)
