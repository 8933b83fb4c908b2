"""A local HTTP server that answers as the services do, files of sysfs, GPUs without hardware."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

Answer = tuple[int, bytes, dict[str, str]]


@dataclass
class Service:
    """A service on this machine.

    Attributes:
        url: base address.
        paths: what was asked, in order.
        answer: gives status, body and headers for a path.
    """

    url: str = ""
    paths: list[str] = field(default_factory=list)
    answer: Callable[[str], Answer] = lambda path: (404, b"{}", {})

    def says(self, make: Callable[[str], object]) -> None:
        """Answer with JSON documents."""
        self.answer = lambda path: (200, json.dumps(make(path)).encode(), {})


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A service whose answers the test sets."""
    state = Service()
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.paths.append(self.path)
            status, body, headers = state.answer(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", headers.get("X-Length", str(len(body))))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


class Sysfs:
    """A folder with files as the kernel shows them below /sys.

    Attributes:
        root: what to give as root; ``sys`` lies in it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, content: object) -> Path:
        """Write a file below ``sys`` in place, as the kernel changes what an open file shows."""
        file = self.root / "sys" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{content}\n", encoding="utf-8")
        return file

    def rapl(self, zone: str, name: str, energy_uj: int, range_uj: int = 262_143_328_850) -> Path:
        """Write a zone of powercap, such as ``intel-rapl:0:0``; return the file of its counter."""
        folder = f"class/powercap/{zone}"
        self.write(f"{folder}/name", name)
        self.write(f"{folder}/max_energy_range_uj", range_uj)
        return self.write(f"{folder}/energy_uj", energy_uj)

    def chip(self, number: int, name: str, **files: object) -> None:
        """Write a chip of hwmon and its files."""
        for file, content in {"name": name, **files}.items():
            self.write(f"class/hwmon/hwmon{number}/{file}", content)


@pytest.fixture(scope="session")
def sysfs_at() -> type[Sysfs]:
    """Makes a tree in a folder, for services that several tests watch."""
    return Sysfs


@pytest.fixture
def sysfs(tmp_path: Path) -> Sysfs:
    """An empty tree; tests write what the machine has."""
    (tmp_path / "machine" / "sys").mkdir(parents=True)
    return Sysfs(tmp_path / "machine")


_NVML_VALUES = {
    "nvmlDeviceGetName": "name",
    "nvmlDeviceGetUUID": "uuid",
    "nvmlDeviceGetPowerUsage": "power_mw",
    "nvmlDeviceGetTotalEnergyConsumption": "energy_mj",
    "nvmlDeviceGetUtilizationRates": "util",
    "nvmlDeviceGetMemoryInfo": "memory",
    "nvmlDeviceGetTemperature": "temp",
    "nvmlDeviceGetClockInfo": "clock",
    "nvmlDeviceGetEnforcedPowerLimit": "enforced_mw",
    "nvmlDeviceGetPowerManagementLimit": "limit_mw",
    "nvmlDeviceGetCurrentClocksEventReasons": "reasons",
}
_NVML_ERRORS = ("NotSupported", "LibraryNotFound", "DriverNotLoaded", "NoPermission", "GpuIsLost", "Unknown")


class FakeNvml(SimpleNamespace):
    """The part of ``pynvml`` that wattq uses, over GPUs given as mappings.

    A value of a GPU that is an exception of this module is raised when it is asked for; one that is not there is not
    supported; one that can be called is called.

    Attributes:
        gpus: the GPUs.
        asked: what was asked for.
        open: how often it was started and not shut down.
    """

    VALUES = _NVML_VALUES

    def __init__(self, *gpus: dict[str, Any], init: str = "") -> None:
        base = type("NVMLError", (Exception,), {})
        errors = {f"NVMLError_{kind}": type(f"NVMLError_{kind}", (base,), {}) for kind in _NVML_ERRORS}
        values = {name: partial(self._value, value) for name, value in _NVML_VALUES.items()}
        constants = {"NVML_TEMPERATURE_GPU": 0, "NVML_CLOCK_SM": 1, "NVMLError": base}
        super().__init__(
            **errors,
            **values,
            **constants,
            nvmlInit=self._init,
            nvmlShutdown=self._shutdown,
            nvmlDeviceGetCount=lambda: len(self.gpus),
            nvmlDeviceGetHandleByIndex=self._handle,
        )
        defaults = [{"name": "Fake 1000", "uuid": f"GPU-{index}"} for index in range(len(gpus))]
        self.gpus = [default | gpu for default, gpu in zip(defaults, gpus, strict=True)]
        self.init, self.open, self.asked = init, 0, list[str]()

    def error(self, kind: str) -> Exception:
        """Return an error of NVML, such as ``GpuIsLost``."""
        error: Exception = getattr(self, f"NVMLError_{kind}")(kind)
        return error

    def _init(self) -> None:
        if self.init:
            raise self.error(self.init)
        self.open += 1

    def _shutdown(self) -> None:
        if not self.open:
            raise self.error("Unknown")
        self.open -= 1

    def _handle(self, index: int) -> dict[str, Any]:
        if "handle" in self.gpus[index]:
            raise self.gpus[index]["handle"]
        return self.gpus[index]

    def _value(self, name: str, gpu: dict[str, Any], *sensor: int) -> Any:
        assert sensor == {"temp": (0,), "clock": (1,)}.get(name, ())
        self.asked.append(name)
        value = gpu.get(name, self.error("NotSupported"))
        if isinstance(value, Exception):
            raise value
        value = value() if callable(value) else value
        shapes = {"util": lambda: SimpleNamespace(gpu=value[0], memory=value[1])}
        shapes["memory"] = lambda: SimpleNamespace(used=value)
        return shapes.get(name, lambda: value)()


@pytest.fixture(scope="session")
def fake_nvml() -> type[FakeNvml]:
    """Makes a stand-in for the module ``pynvml``."""
    return FakeNvml


class FakePsutil:
    """The part of ``psutil`` that wattq uses; tests change its attributes.

    Attributes:
        busy_s, idle_s: time of the processors.
        network, disks: bytes in and out, by device.
        mounts: used share, %, by mount point.
    """

    def __init__(self) -> None:
        self.busy_s, self.idle_s = 100.0, 300.0
        self.total, self.available = 1000, 750
        self.network = {"lo": (9, 9), "eth0": (1000, 500)}
        self.disks = {"sda": (4096, 8192), "sda1": (4096, 8192), "dm-0": (4096, 8192)}
        self.mounts = {"/": 40.0, "/scratch": 90.0}

    def cpu_times(self) -> Any:
        return _Times(self.busy_s, self.idle_s)

    def virtual_memory(self) -> Any:
        return SimpleNamespace(total=self.total, available=self.available)

    def getloadavg(self) -> tuple[float, float, float]:
        return 1.5, 1.25, 1.0

    def net_io_counters(self, *, pernic: bool) -> Any:
        return {name: SimpleNamespace(bytes_recv=rx, bytes_sent=tx) for name, (rx, tx) in self.network.items()}

    def disk_io_counters(self, *, perdisk: bool) -> Any:
        return {name: SimpleNamespace(read_bytes=r, write_bytes=w) for name, (r, w) in self.disks.items()}

    def disk_partitions(self, **named: bool) -> Any:
        assert named == {"all": False}
        return [SimpleNamespace(mountpoint=mount, fstype="ext4") for mount in self.mounts]

    def disk_usage(self, mount: str) -> Any:
        return SimpleNamespace(total=1, percent=self.mounts[mount])


class _Times(tuple[float, ...]):
    """Times as psutil gives them: a named tuple, here of the two that count."""

    def __new__(cls, busy: float, idle: float) -> _Times:
        return super().__new__(cls, (busy, idle))

    @property
    def idle(self) -> float:
        return self[1]


@pytest.fixture
def fake_psutil(sysfs: Sysfs) -> FakePsutil:
    """A stand-in for ``psutil``; its disk ``sda`` and interface ``eth0`` are hardware in `sysfs`."""
    sysfs.write("class/block/sda/queue/rotational", 0)
    sysfs.write("class/net/eth0/device/vendor", "0x1af4")
    return FakePsutil()
