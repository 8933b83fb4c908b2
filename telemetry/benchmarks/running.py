"""One benchmark from begin to end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from wattq.telemetry.benchmarks.cpu_workers import CpuCrew, WorkerResult
from wattq.telemetry.benchmarks.duty import duties
from wattq.telemetry.benchmarks.io_workers import IoCrew
from wattq.telemetry.benchmarks.observing import Observation, Observer
from wattq.telemetry.benchmarks.options import CpuOptions, IoOptions, MixedOptions, Options
from wattq.telemetry.meters import PowerOfNode, ThermalSensors

__all__ = ["Measured", "run_benchmark"]

_STEP_S = 1.0


@dataclass(frozen=True)
class Measured:
    """What a benchmark did and what the node drew meanwhile.

    Attributes:
        options: what was asked.
        began: when the work began, ISO 8601, UTC.
        idle: the node before, without work.
        busy: the node during the work.
        workers: what each worker did.
    """

    options: Options
    began: str
    idle: tuple[Observation, ...]
    busy: tuple[Observation, ...]
    workers: tuple[WorkerResult, ...]

    @property
    def elapsed_s(self) -> float:
        """Time from the begin of the work to the last look, s."""
        return self.busy[-1].time_s


class _Crew(Protocol):
    @property
    def tally(self) -> Sequence[float]: ...

    def standing_by(self) -> contextlib.AbstractContextManager[object]: ...

    def begin(self) -> None: ...

    def results(self) -> list[WorkerResult]: ...


def run_benchmark(
    options: Options, power: PowerOfNode, thermal: ThermalSensors, *, step_s: float = _STEP_S
) -> Measured:
    """Run a benchmark and watch the node.

    Args:
        options: of a CPU, I/O or mixed benchmark.
        power: meters and load of the node.
        thermal: its sensors of heat.
        step_s: time between two looks at the node, s.

    Raises:
        TelemetryError: a worker fails, or there is no room for its files.
    """
    crews = _crews(options)
    with _standing_by(crews):
        observer = Observer(power, thermal, lambda: sum(sum(crew.tally) for crew in crews))
        idle = observer.watch(options.idle_s, step_s) if options.idle_s else []
        observer.restart()
        began = datetime.now(UTC).isoformat(timespec="milliseconds")
        for crew in crews:
            crew.begin()
        busy = observer.watch(options.duration_s, step_s)
        workers = [result for crew in crews for result in crew.results()]
    return Measured(options, began, tuple(idle), tuple(busy), tuple(workers))


def _crews(options: Options) -> list[_Crew]:
    cpu, io = duties(options)
    span_s, idle_s = options.duration_s, options.idle_s
    crews: list[_Crew] = []
    match options:
        case CpuOptions() if cpu is not None:
            crews.append(CpuCrew(options.cores, options.workload, cpu, span_s, idle_s))
        case IoOptions() if io is not None:
            crews.append(IoCrew(options.threads, options.workload, io, span_s, options.data_mb, options.temp_dir))
        case MixedOptions() if cpu is not None and io is not None:
            crews.append(IoCrew(options.io_threads, "mixed", io, span_s, options.data_mb, options.temp_dir))
            crews.append(CpuCrew(options.cpu_threads, "mixed", cpu, span_s, idle_s))
    return crews


@contextlib.contextmanager
def _standing_by(crews: Sequence[_Crew]) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for crew in crews:
            stack.enter_context(crew.standing_by())
        yield
