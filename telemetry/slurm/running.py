"""A job while it runs: what it used until now, kept on disk so that another keeper can go on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from wattq.telemetry.slurm.node_sampler import NodeSample
from wattq.telemetry.slurm.usage import JobUse

__all__ = ["JobStats"]


@dataclass
class JobStats:
    """Sums over the samples of a job.

    Attributes:
        samples: how many.
        first_s, last_s: when the job began, and the last sample of what it used, Unix s.
        cpu_s, read_bytes, written_bytes: used between these two.
        memory_sum, memory_n: of memory in use, bytes, and how many.
        peak_bytes: the most memory.
        cpu_c, gpu_c: sum, number and highest of temperatures, degrees Celsius.
        throttled: whether heat slowed the processor down; None where nothing tells.
    """

    samples: int = 0
    first_s: float | None = None
    last_s: float | None = None
    cpu_s: float | None = None
    read_bytes: float | None = None
    written_bytes: float | None = None
    memory_sum: float = 0.0
    memory_n: int = 0
    peak_bytes: float | None = None
    cpu_c: tuple[float, int, float] = (0.0, 0, -273.15)
    gpu_c: tuple[float, int, float] = (0.0, 0, -273.15)
    throttled: bool | None = None

    @classmethod
    def of_document(cls, document: dict[str, Any] | None) -> JobStats:
        """Return what `document` gave; new ones for None or what cannot be read."""
        try:
            stats = cls(**(document or {}))
            stats.cpu_c, stats.gpu_c = _heat(stats.cpu_c), _heat(stats.gpu_c)
        except (TypeError, ValueError):
            return cls()
        return stats

    def document(self) -> dict[str, Any]:
        """Return them as JSON can hold them."""
        return asdict(self)

    def add(self, use: JobUse, sample: NodeSample, start_s: float) -> None:
        """Take in a sample.

        Args:
            use: what the job used until now; its counters begin with the job.
            sample: of the node.
            start_s: when the job began, Unix s.
        """
        self.samples += 1
        if use.source:
            self.first_s, self.last_s = start_s, sample.time_s
        for name in ("cpu_s", "read_bytes", "written_bytes", "peak_bytes"):
            now = getattr(use, name)
            if now is not None:
                # Counters of processes lose what ended; those of a job never go back.
                setattr(self, name, max(now, getattr(self, name) or 0.0))
        if use.memory_bytes is not None:
            self.memory_sum += use.memory_bytes
            self.memory_n += 1
        self.cpu_c, self.gpu_c = _added(self.cpu_c, sample.cpu_c), _added(self.gpu_c, sample.gpu_c)
        if sample.throttling is not None:
            self.throttled = bool(self.throttled) or sample.throttling

    def cpu_percent(self, cores: float | None) -> float | None:
        """Return the mean utilisation of so many cores until the last sample, percent; None where it is not known."""
        if self.cpu_s is None or not cores or not self._span_s:
            return None
        return min(100.0 * self.cpu_s / (cores * self._span_s), 100.0)

    def memory_percent(self, memory_bytes: float | None) -> float | None:
        """Return the mean share of so much memory in use, percent; None where it is not known."""
        if not self.memory_n or not memory_bytes:
            return None
        return min(100.0 * self.memory_sum / self.memory_n / memory_bytes, 100.0)

    def rate_mbps(self, moved_bytes: float | None) -> float | None:
        """Return bytes moved until the last sample per second, MB/s."""
        return None if moved_bytes is None or not self._span_s else moved_bytes / self._span_s / 1e6

    @property
    def _span_s(self) -> float:
        return 0.0 if self.first_s is None or self.last_s is None else max(self.last_s - self.first_s, 0.0)

    def heat(self) -> dict[str, object]:
        """Return the columns of temperatures of ``job_metrics``."""
        columns: dict[str, object] = {"thermal_throttling": self.throttled}
        for name, (total, count, most) in (("cpu", self.cpu_c), ("gpu", self.gpu_c)):
            columns[f"avg_{name}_temp"] = total / count if count else None
            columns[f"peak_{name}_temp"] = most if count else None
        return columns


def _added(heat: tuple[float, int, float], celsius: float | None) -> tuple[float, int, float]:
    return heat if celsius is None else (heat[0] + celsius, heat[1] + 1, max(heat[2], celsius))


def _heat(value: Any) -> tuple[float, int, float]:
    total, count, most = value
    return float(total), int(count), float(most)
