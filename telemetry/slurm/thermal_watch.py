"""Thermal events of a node: when a temperature crosses a threshold, and when it is over."""

from __future__ import annotations

from dataclasses import dataclass

from wattq.telemetry.slurm.node_sampler import NodeSample

__all__ = ["CPU_C", "GPU_C", "ThermalWatch"]

CPU_C = (75.0, 85.0)
"""CPU temperatures from which on it is too warm, and critical, degrees Celsius."""
GPU_C = (80.0, 90.0)
"""The same for GPUs."""

_Heat = tuple[str | None, float | None, float | None, str]


@dataclass
class _Spell:
    """A stretch of time in which something is too warm."""

    began_s: float
    device: str | None
    hottest_c: float
    threshold_c: float
    severity: str


class ThermalWatch:
    """Makes rows of the table ``thermal_events`` from samples of one node.

    An ``overheat`` begins when CPU or GPU reaches its first threshold (severity high; critical from the second one) and
    its row is written anew, with its length, until it is over; a ``throttling`` likewise while heat slows a processor.
    The end of an overheat is an event of its own, ``cooling``. Rows have the date at which the spell began.

    Args:
        node: name of the node.
    """

    def __init__(self, node: str) -> None:
        self._node = node
        self._spells: dict[str, _Spell] = {}

    def rows(self, sample: NodeSample, job: str | None) -> list[dict[str, object]]:
        """Return the rows of a sample.

        Args:
            sample: of the node.
            job: the job that ran, if it was the only one.
        """
        found = self._heat(sample, job)
        if sample.throttling is not None:
            temperature = max((t for t in (sample.cpu_c, sample.gpu_c) if t is not None), default=None)
            found += self._step(
                "throttling", sample, job, (None, temperature, None, "medium") if sample.throttling else None
            )
        return found

    def _heat(self, sample: NodeSample, job: str | None) -> list[dict[str, object]]:
        states = [_state("cpu", sample.cpu_c, CPU_C), _state("gpu", sample.gpu_c, GPU_C)]
        hot = [state for state in states if state is not None]
        # One row for each kind of event and date: the device that is furthest above its threshold speaks for the node.
        worst = max(hot, key=lambda state: state[1] - state[2], default=None)
        return self._step("overheat", sample, job, worst)

    def _step(self, kind: str, sample: NodeSample, job: str | None, now: _Heat | None) -> list[dict[str, object]]:
        spell = self._spells.get(kind)
        if now is None:
            return [] if spell is None else self._over(kind, self._spells.pop(kind), sample, job)
        device, temperature, threshold, severity = now
        if spell is None:
            spell = self._spells[kind] = _Spell(sample.time_s, device, -273.15, threshold or 0.0, severity)
        if temperature is not None and temperature > spell.hottest_c:
            spell.device, spell.hottest_c, spell.threshold_c = device, temperature, threshold or 0.0
        spell.severity = "critical" if "critical" in (severity, spell.severity) else severity
        return [self._row(kind, spell, sample, job)]

    def _over(self, kind: str, spell: _Spell, sample: NodeSample, job: str | None) -> list[dict[str, object]]:
        rows = [self._row(kind, spell, sample, job)]
        if kind == "overheat":
            now_c = max((t for t in (sample.cpu_c, sample.gpu_c) if t is not None), default=None)
            length_s = sample.time_s - spell.began_s
            cooled = {"temperature": now_c, "threshold": spell.threshold_c, "duration_seconds": length_s}
            told = {"device": spell.device, "severity": "low", "job_id": job}
            rows.append({**self._name("cooling", sample.time_s), **cooled, **told})
        return rows

    def _row(self, kind: str, spell: _Spell, sample: NodeSample, job: str | None) -> dict[str, object]:
        return {
            **self._name(kind, spell.began_s),
            "device": spell.device,
            "temperature": spell.hottest_c if spell.hottest_c > -273.0 else None,
            "threshold": spell.threshold_c or None,
            "duration_seconds": sample.time_s - spell.began_s,
            "severity": spell.severity,
            "job_id": job,
        }

    def _name(self, kind: str, time_s: float) -> dict[str, object]:
        return {"time": time_s, "node_id": self._node, "event_type": kind}


def _state(device: str, celsius: float | None, thresholds: tuple[float, float]) -> tuple[str, float, float, str] | None:
    if celsius is None or celsius < thresholds[0]:
        return None
    critical = celsius >= thresholds[1]
    return device, celsius, thresholds[critical], "critical" if critical else "high"
