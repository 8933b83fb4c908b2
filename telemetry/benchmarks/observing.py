"""Power, load and heat of the node while a benchmark runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from wattq.telemetry.energy_step import energy_between_j
from wattq.telemetry.meters import NodeWatts, PowerOfNode, ThermalSensors

__all__ = ["Observation", "Observer", "mean_of"]


@dataclass(frozen=True)
class Observation:
    """The node between two readings; None where nothing tells.

    Attributes:
        time_s: end of the span, s since work began, or since the measuring of idle power did.
        span_s: length of the span, s.
        unix_s: end of the span, Unix s.
        energy_j: energy, J.
        source: of the energy: measured or modelled.
        meter: what it comes from.
        is_whole: whether it is all that the node draws.
        cpu: utilisation of the CPUs, 0 to 1.
        memory: share of memory in use, 0 to 1.
        read_bytes_s, written_bytes_s: of the disks, bytes/s.
        celsius: temperature of the hottest CPU.
        throttled: whether heat slowed a core down.
        operations: done by all workers until the end of the span.
    """

    time_s: float
    span_s: float
    unix_s: float
    energy_j: float | None
    source: str | None
    meter: str | None
    is_whole: bool
    cpu: float | None
    memory: float | None
    read_bytes_s: float | None
    written_bytes_s: float | None
    celsius: float | None
    throttled: bool | None
    operations: float

    @property
    def power_w(self) -> float | None:
        """Mean power of the span, W."""
        return None if self.energy_j is None or self.span_s <= 0 else self.energy_j / self.span_s


class Observer:
    """Reads the node, step by step.

    Args:
        power: meters and load.
        thermal: sensors of heat.
        tallies: operations of each worker until now.
    """

    def __init__(self, power: PowerOfNode, thermal: ThermalSensors, tallies: Callable[[], float]) -> None:
        self._power, self._thermal, self._tallies = power, thermal, tallies
        # steps of the machine's clock must not change spans
        self._unix_s = time.time() - time.monotonic()
        self._last_s = 0.0
        self._last: NodeWatts | None = None
        self.origin_s = time.monotonic()
        self.restart()

    def restart(self) -> None:
        """Begin a span now, and count times from here."""
        self.origin_s = self._last_s = time.monotonic()
        self._last = self._power.read(self._unix_s + self._last_s)
        self._thermal.throttling()

    def look(self) -> Observation:
        """Return what happened since the look before."""
        now_s = time.monotonic()
        watts = self._power.read(self._unix_s + now_s)
        energy_j = None if watts is None else energy_between_j(self._last_s, self._last, now_s, watts)
        span_s, self._last_s, self._last = now_s - self._last_s, now_s, watts
        load = self._power.load
        disks = load.disk_total() if load else None
        throttled = [count.active for count in self._thermal.throttling() if count.active is not None]
        return Observation(
            now_s - self.origin_s,
            span_s,
            self._unix_s + now_s,
            energy_j,
            watts.source if watts else None,
            watts.meter if watts else None,
            watts.is_whole if watts else False,
            load.cpu_utilization if load else None,
            load.memory_utilization if load else None,
            disks.in_bytes_s if disks else None,
            disks.out_bytes_s if disks else None,
            self._thermal.cpu_temperature_c(),
            any(throttled) if throttled else None,
            self._tallies(),
        )

    def watch(self, span_s: float, step_s: float) -> list[Observation]:
        """Look every `step_s` seconds for `span_s` seconds, and at their end; a last step shorter than a half joins."""
        end_s = self._last_s + span_s
        seen: list[Observation] = []
        due_s = self._last_s
        while due_s < end_s:
            due_s = end_s if end_s - due_s < 1.5 * step_s else due_s + step_s
            time.sleep(max(due_s - time.monotonic(), 0.0))
            seen.append(self.look())
        return seen


def mean_of(seen: Sequence[Observation], value: Callable[[Observation], float | None]) -> float | None:
    """Return the mean of a value over time; spans without it are left out, None where there is no other."""
    known: Iterable[tuple[float, float]] = [(found, o.span_s) for o in seen if (found := value(o)) is not None]
    weight = sum(span_s for _, span_s in known)
    return sum(found * span_s for found, span_s in known) / weight if weight > 0 else None
