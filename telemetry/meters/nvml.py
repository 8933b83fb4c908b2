"""NVIDIA GPUs through NVML (the module ``pynvml`` of nvidia-ml-py)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from wattq.errors import TelemetryError
from wattq.telemetry.extras import need
from wattq.telemetry.meters.base import MeterError, Reading, Source

__all__ = ["NvmlMeter"]

_Query = Callable[[Any], Any]

# Bits of NVML's reasons for a lower clock: software and hardware thermal slowdown.
_THERMAL_REASONS = 0x20 | 0x40
_FOR_GOOD = ("NVMLError_NotSupported", "NVMLError_FunctionNotFound", "NVMLError_NoPermission")
_WHY = {
    "NVMLError_LibraryNotFound": "no NVIDIA driver here (libnvidia-ml.so.1 is not found); use a machine with a GPU, or "
    "install its driver",
    "NVMLError_DriverNotLoaded": "the NVIDIA driver is installed but not loaded; load it (modprobe nvidia)",
    "NVMLError_NoPermission": "this user may not use the driver; ask for access to /dev/nvidia*",
    "NVMLError_LibRmVersionMismatch": "library and loaded driver have different versions; reboot after the update",
}


class _Gpu:
    """One GPU: its handle, and the queries that it answers."""

    def __init__(self, index: int, handle: Any, label: str, uuid: str, queries: dict[str, list[_Query]]) -> None:
        self.device, self.index, self.handle, self.label, self.uuid = f"gpu{index}", index, handle, label, uuid
        self.queries = {name: list(each) for name, each in queries.items()}


class NvmlMeter:
    """Power, energy, utilisation, memory, temperature, clock and cap of NVIDIA GPUs.

    Power is what the driver gives as the board's power: on recent GPUs its mean over the last second. What a GPU does
    not support, or fails to answer, is None, never 0; what it does not support is not asked for again.

    Args:
        only: GPUs to read, as index (``0``), device (``gpu0``) or UUID; all when empty.
        module: stands in for ``pynvml``.

    Raises:
        MeterError: there is no driver, no GPU, or no permission.
        TelemetryError: there is no such GPU.
        MissingDependencyError: nvidia-ml-py is not installed.
    """

    name = "nvml"
    source: Source = "measured"
    whole_node = False

    def __init__(self, only: Iterable[str] = (), *, module: Any = None) -> None:
        self._nvml = need("pynvml", "telemetry", "GPU power") if module is None else module
        try:
            self._nvml.nvmlInit()
        except self._nvml.NVMLError as error:
            raise MeterError(f"NVML: {_why(error)}") from None
        try:
            self._gpus = self._chosen(frozenset(only))
        except BaseException:
            self.close()
            raise

    def _chosen(self, only: frozenset[str]) -> list[_Gpu]:
        try:
            count = self._nvml.nvmlDeviceGetCount()
        except self._nvml.NVMLError as error:
            raise MeterError(f"NVML: the GPUs cannot be counted ({_why(error)})") from None
        queries = _queries(self._nvml)
        found = [gpu for index in range(count) if (gpu := self._gpu(index, queries)) is not None]
        if not found:
            raise MeterError("NVML: the driver shows no GPU that this user may read; check nvidia-smi -L")
        names = {name: gpu for gpu in found for name in (str(gpu.index), gpu.device, gpu.uuid)}
        if not only <= set(names):
            known = ", ".join(f"{gpu.index} ({gpu.label or gpu.device})" for gpu in found)
            raise TelemetryError(f"NVML: no GPU {', '.join(sorted(only - set(names)))}; there are {known}")
        wanted = {names[name].index for name in only}
        return [gpu for gpu in found if not only or gpu.index in wanted]

    def _gpu(self, index: int, queries: dict[str, list[_Query]]) -> _Gpu | None:
        try:
            handle = self._nvml.nvmlDeviceGetHandleByIndex(index)
        except self._nvml.NVMLError:
            return None
        label, uuid = (self._text(ask, handle) for ask in ("nvmlDeviceGetName", "nvmlDeviceGetUUID"))
        return _Gpu(index, handle, label, uuid, queries)

    def _text(self, ask: str, handle: Any) -> str:
        try:
            text = getattr(self._nvml, ask)(handle)
        except self._nvml.NVMLError:
            return ""
        return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)

    def devices(self) -> tuple[str, ...]:
        """Return the names of the GPUs: ``gpu0``, ``gpu1``."""
        return tuple(gpu.device for gpu in self._gpus)

    def read(self, now_s: float) -> list[Reading]:
        """Return one reading per GPU; the date does not matter, for nothing here is a rate."""
        return [self._reading(gpu) for gpu in self._gpus]

    def _reading(self, gpu: _Gpu) -> Reading:
        values = {name: self._ask(gpu, name) for name in gpu.queries}
        utilization, reasons = values["utilization"], values["reasons"]
        return Reading(
            gpu.device,
            power_w=_scaled(values["power"], 1e-3),
            energy_j=_scaled(values["energy"], 1e-3),
            utilization=None if utilization is None else utilization.gpu * 0.01,
            memory_utilization=None if utilization is None else utilization.memory * 0.01,
            memory_used_bytes=None if values["memory"] is None else float(values["memory"].used),
            temperature_c=_scaled(values["temperature"]),
            clock_mhz=_scaled(values["clock"]),
            power_limit_w=_scaled(values["limit"], 1e-3),
            throttling=None if reasons is None else bool(reasons & _THERMAL_REASONS),
            label=gpu.label,
        )

    def _ask(self, gpu: _Gpu, name: str) -> Any:
        queries = gpu.queries[name]
        while queries:
            try:
                return queries[0](gpu.handle)
            except self._nvml.NVMLError as error:
                if type(error).__name__ not in _FOR_GOOD:
                    return None
                del queries[0]
        return None

    def close(self) -> None:
        """Let go of the driver."""
        try:
            self._nvml.nvmlShutdown()
        except self._nvml.NVMLError:
            return


def _queries(nvml: Any) -> dict[str, list[_Query]]:
    """Return what is asked for each value, the better question first; old drivers know the second alone."""
    asked: dict[str, list[tuple[str, tuple[str, ...]]]] = {
        "power": [("nvmlDeviceGetPowerUsage", ())],
        "energy": [("nvmlDeviceGetTotalEnergyConsumption", ())],
        "utilization": [("nvmlDeviceGetUtilizationRates", ())],
        "memory": [("nvmlDeviceGetMemoryInfo", ())],
        "temperature": [
            ("nvmlDeviceGetTemperatureV", ("NVML_TEMPERATURE_GPU",)),
            ("nvmlDeviceGetTemperature", ("NVML_TEMPERATURE_GPU",)),
        ],
        "clock": [("nvmlDeviceGetClockInfo", ("NVML_CLOCK_SM",))],
        "limit": [("nvmlDeviceGetEnforcedPowerLimit", ()), ("nvmlDeviceGetPowerManagementLimit", ())],
        "reasons": [
            ("nvmlDeviceGetCurrentClocksEventReasons", ()),
            ("nvmlDeviceGetCurrentClocksThrottleReasons", ()),
        ],
    }
    return {
        value: [_query(nvml, name, words) for name, words in ways if hasattr(nvml, name)]
        for value, ways in asked.items()
    }


def _query(nvml: Any, name: str, words: tuple[str, ...]) -> _Query:
    function = getattr(nvml, name)
    more = tuple(getattr(nvml, word) for word in words)
    return lambda handle: function(handle, *more)


def _scaled(value: Any, scale: float = 1.0) -> float | None:
    return None if value is None else float(value) * scale


def _why(error: Exception) -> str:
    return _WHY.get(type(error).__name__, f"{error}; check what nvidia-smi says")
