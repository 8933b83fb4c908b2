"""Power caps on the GPUs of a job: asked for in its comment or by its QoS, set by the prolog, undone by the epilog."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from wattq.errors import InvalidInputError, TelemetryError
from wattq.telemetry.extras import need
from wattq.telemetry.slurm.facts import JobFacts
from wattq.telemetry.slurm.state import StateFolder

__all__ = ["GpuCaps", "cap_of_comment", "caps_by_qos", "wanted_cap_w"]

_CAP = re.compile(r"wattq:gpu_power_cap=([0-9]{1,5}(?:\.[0-9]{1,3})?)(?![0-9.])")
_PAIR = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9_.-]*)\s*=\s*([0-9]{1,5}(?:\.[0-9]{1,3})?)\s*")
DOCUMENT = "gpu_caps"


def cap_of_comment(comment: str) -> float | None:
    """Return the cap in a job's comment, ``wattq:gpu_power_cap=250``, W; None without one."""
    found = _CAP.search(comment)
    return float(found[1]) if found and float(found[1]) > 0 else None


def caps_by_qos(text: str) -> dict[str, float]:
    """Return the setting ``slurm.gpu_caps``, such as ``energy_efficient=250,low=200``, as caps in W by QoS.

    Raises:
        InvalidInputError: it is not written so.
    """
    caps: dict[str, float] = {}
    for part in text.split(",") if text.strip() else ():
        found = _PAIR.fullmatch(part)
        if found is None or not float(found[2]) > 0:
            raise InvalidInputError(f"settings, slurm.gpu_caps: {part!r}; write QOS=WATTS, such as low=200")
        caps[found[1]] = float(found[2])
    return caps


def wanted_cap_w(facts: JobFacts, by_qos: Mapping[str, float]) -> float | None:
    """Return the cap for each GPU of a job, W: that of its comment, else that of its QoS, else None.

    Where both are there, the lower one counts.
    """
    caps = [cap for cap in (cap_of_comment(facts.comment), by_qos.get(facts.qos)) if cap is not None]
    return min(caps, default=None)


class GpuCaps:
    """Caps of this node's GPUs through NVML, and what they were before, which is kept in the state of the job.

    A job can only lower a cap: never above what was in force, nor below what the card allows. The former cap is written
    down before the new one is set, so that an epilog, or the prolog of a later job after a crash, can undo it.

    Args:
        state: of this node.
        module: stands in for ``pynvml``.

    Raises:
        MissingDependencyError: nvidia-ml-py is not installed.
        TelemetryError: there is no driver.
    """

    def __init__(self, state: StateFolder, module: Any = None) -> None:
        self._nvml = need("pynvml", "telemetry", "GPU power cap") if module is None else module
        self._state = state
        try:
            self._nvml.nvmlInit()
        except self._nvml.NVMLError as error:
            raise TelemetryError(f"GPU power cap: {error}") from None

    def close(self) -> None:
        """Let go of the driver."""
        with suppress(self._nvml.NVMLError):
            self._nvml.nvmlShutdown()

    def apply(self, job_id: str, gpus: Sequence[int], cap_w: float) -> dict[int, float]:
        """Cap GPUs for a job.

        Args:
            job_id: the job.
            gpus: indices of its GPUs.
            cap_w: cap on each, W.

        Returns:
            The caps set, W, by index; a GPU that refuses is left out.
        """
        taken = {int(gpu) for other in self._state.jobs() for gpu in (self._state.get(other, DOCUMENT) or {})}
        before = {gpu: self._limit_w(gpu) for gpu in gpus if gpu not in taken}
        kept = {str(gpu): limit for gpu, limit in before.items() if limit is not None}
        if not kept:
            return {}
        self._state.put(job_id, DOCUMENT, kept)
        done = {int(gpu): self._set(int(gpu), cap_w, limit) for gpu, limit in kept.items()}
        return {gpu: cap for gpu, cap in done.items() if cap is not None}

    def restore(self, job_id: str) -> dict[int, float]:
        """Give the GPUs of a job their former caps; returns them, W, by index. What fails stays written down."""
        kept = self._state.get(job_id, DOCUMENT) or {}
        done = {int(gpu): float(limit) for gpu, limit in kept.items() if self._write(int(gpu), float(limit))}
        left = {gpu: limit for gpu, limit in kept.items() if int(gpu) not in done}
        if left:
            self._state.put(job_id, DOCUMENT, left)
        else:
            self._state.drop(job_id, DOCUMENT)
        return done

    def restore_forgotten(self) -> dict[int, float]:
        """Undo caps of jobs that run no more, whose epilog never came; returns the former caps, W, by index."""
        done: dict[int, float] = {}
        for job in self._state.jobs():
            if not self._state.runs(job) and self._state.get(job, DOCUMENT):
                done.update(self.restore(job))
        return done

    def _limit_w(self, gpu: int) -> float | None:
        with suppress(self._nvml.NVMLError):
            return float(self._nvml.nvmlDeviceGetPowerManagementLimit(self._handle(gpu))) / 1000.0
        return None

    def _set(self, gpu: int, cap_w: float, before_w: float) -> float | None:
        with suppress(self._nvml.NVMLError):
            least, most = self._nvml.nvmlDeviceGetPowerManagementLimitConstraints(self._handle(gpu))
            cap = min(max(cap_w, least / 1000.0), most / 1000.0, before_w)
            return cap if self._write(gpu, cap) else None
        return None

    def _write(self, gpu: int, limit_w: float) -> bool:
        try:
            self._nvml.nvmlDeviceSetPowerManagementLimit(self._handle(gpu), round(limit_w * 1000.0))
        except self._nvml.NVMLError:
            return False
        return True

    def _handle(self, gpu: int) -> Any:
        return self._nvml.nvmlDeviceGetHandleByIndex(gpu)
