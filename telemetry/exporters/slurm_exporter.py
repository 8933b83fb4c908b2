"""The exporter `slurm` as a service: Slurm is asked in the background, scrapes never wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wattq.settings import Settings
from wattq.telemetry.exporters.book import Book
from wattq.telemetry.exporters.page import MetricsPage
from wattq.telemetry.exporters.serving import Answer, Request, Routes, json_answer
from wattq.telemetry.exporters.slurm_collector import SlurmCollector
from wattq.telemetry.exporters.slurm_commands import SlurmCommands
from wattq.telemetry.exporters.slurm_ended import EndedJobs, default_state_file
from wattq.telemetry.exporters.slurm_energy import JobEnergy, StoredEnergy
from wattq.telemetry.exporters.slurm_messages import JobMessages
from wattq.telemetry.meters import node_power_of

__all__ = ["SlurmExporter"]

_SOONEST_S = 1.0
_PAGE_S = 0.5


class SlurmExporter:
    """Shows the queue of a cluster and its jobs.

    Args:
        settings: sections node, store and exporter.
        clock: gives the date, Unix s.
        tell: gets a line when Slurm stops answering, when something else fails, and when all is well again.

    Attributes:
        collector: what asks Slurm.
        page: answers /metrics.

    Raises:
        SlurmError: Slurm's commands are not on the PATH.
        TelemetryError: the state file cannot be read or written.
        PlatformError: the section node describes no node.
    """

    def __init__(
        self, settings: Settings, clock: Callable[[], float] = time.time, tell: Callable[[str], object] = str
    ) -> None:
        options = settings.exporter
        self._tell, self._told = tell, ""
        self._clock, self._refresh_s = clock, options.refresh_s
        self._wake = threading.Event()
        self._stored = StoredEnergy(_opener(settings.store.url)) if settings.store.url else None
        book = Book("slurm", aliases=options.aliases)
        file = Path(options.slurm_state) if options.slurm_state else default_state_file("exporter-slurm.json")
        ended = EndedJobs(book, file)
        ended.save()
        self.collector = SlurmCollector(
            book,
            SlurmCommands(options.command_s),
            ended,
            JobEnergy(node_power_of(settings.node)),
            self._stored,
            max_jobs=options.max_jobs,
            usage_s=options.usage_s,
        )
        self.page = MetricsPage(book, lambda: None, _PAGE_S)
        self._messages = JobMessages(self.collector, clock, self._wake.set)

    @property
    def routes(self) -> Routes:
        """What its server answers."""
        own: Routes = {("GET", "/"): self.page.index, ("GET", "/metrics"): self.page, ("GET", "/healthz"): self.health}
        return {**own, **self._messages.routes}

    def health(self, request: Request) -> Answer:
        """Answer /healthz: the exporter lives; whether Slurm answers, and how old its last answer is."""
        book = self.page.book
        at_s = book.value("wattq_slurm_refresh_timestamp_seconds")
        slurm = {None: "not asked yet", 1.0: "up", 0.0: "down"}[book.value("wattq_slurm_up")]
        age_s = None if at_s is None else round(self._clock() - at_s, 1)
        return json_answer(200, {"status": "ok", "slurm": slurm, "age_seconds": age_s})

    def refresh(self) -> bool:
        """Ask Slurm now; return whether it answered."""
        answered = self.collector.refresh(self._clock())
        said = "; ".join(self.collector.problems)
        if said != self._told:
            self._tell(said or "Slurm answers again")
            self._told = said
        return answered

    @contextmanager
    def running(self) -> Iterator[SlurmExporter]:
        """Ask Slurm again and again within a ``with`` block, soon after a message of a hook."""
        ending = threading.Event()

        def watch() -> None:
            while not ending.is_set():
                self._wake.clear()
                self.refresh()
                ending.wait(_SOONEST_S)
                self._wake.wait(max(self._refresh_s - _SOONEST_S, 0.0))

        thread = threading.Thread(target=watch, name="slurm", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            ending.set()
            self._wake.set()
            thread.join(timeout=5.0)
            if self._stored is not None:
                self._stored.close()


def _opener(url: str) -> Callable[[], object]:
    def opened() -> object:
        from wattq.telemetry.store import open_store

        return open_store(url, create=False)

    return opened
