"""The exporter `node` as a service."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wattq.settings import Settings
from wattq.telemetry.exporters.book import Book
from wattq.telemetry.exporters.node_collector import NodeCollector
from wattq.telemetry.exporters.page import MetricsPage
from wattq.telemetry.exporters.serving import Answer, Request, Routes, json_answer
from wattq.telemetry.meters import PowerOfNode, ThermalSensors, node_power_of

__all__ = ["NodeExporter", "ticking"]

_TICK_S = 15.0


class NodeExporter:
    """Shows load, power and heat of this node.

    Args:
        settings: sections node and exporter.
        root: folder that holds ``sys`` and ``proc``.
        nvml: stands in for the module ``pynvml``.
        psutil: stands in for the module of that name.

    Attributes:
        page: answers /metrics.
        missing: why a meter is not there, by its name.

    Raises:
        MissingDependencyError: prometheus_client or psutil is not installed.
        PlatformError: the section node describes no node.
    """

    def __init__(self, settings: Settings, root: Path = Path("/"), *, nvml: Any = None, psutil: Any = None) -> None:
        model = node_power_of(settings.node)
        self._power = PowerOfNode.of_machine(model, root, ipmi_waits=False, nvml=nvml, psutil=psutil)
        self.missing = self._power.found.missing
        book = Book("node", aliases=settings.exporter.aliases)
        collector = NodeCollector(book, self._power, ThermalSensors(root), settings.node.name, root)
        self.page = MetricsPage(book, lambda: collector.update(time.time()), settings.exporter.fresh_s)

    @property
    def routes(self) -> Routes:
        """What its server answers."""
        return {("GET", "/"): self.page.index, ("GET", "/metrics"): self.page, ("GET", "/healthz"): self.health}

    def health(self, request: Request) -> Answer:
        """Answer /healthz: the exporter lives; which meters it lacks."""
        meters = [meter.name for meter in self._power.found.meters]
        return json_answer(200, {"status": "ok", "meters": meters, "missing": dict(self.missing)})

    @contextmanager
    def running(self) -> Iterator[NodeExporter]:
        """Read the sensors now and then within a ``with`` block, scraped or not: counters wrap, and heat passes."""
        self.page.refresh()
        try:
            with ticking(self.page.refresh, _TICK_S):
                yield self
        finally:
            self._power.close()


@contextmanager
def ticking(work: Callable[[], object], every_s: float) -> Iterator[threading.Event]:
    """Do `work` every so many seconds in a thread within a ``with`` block; the event, once set, ends it."""
    ending = threading.Event()

    def tick() -> None:
        while not ending.wait(every_s):
            work()

    thread = threading.Thread(target=tick, name="tick", daemon=True)
    thread.start()
    try:
        yield ending
    finally:
        ending.set()
        thread.join(timeout=60)
