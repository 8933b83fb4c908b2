"""What a log reader drops, repairs and changes: every choice in one frozen record.

The fields' metadata carry the help text of the command line, so that an option is described in one place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from wattq.errors import InvalidInputError
from wattq.workloads.zones import find_zone

__all__ = ["CHOICES", "CleaningOptions"]

CHOICES: dict[str, tuple[str, ...]] = {
    "processors": ("requested", "allocated", "max", "nodes", "gpus"),
    "too_large": ("keep", "drop"),
    "walltime_fallback": ("maximum", "runtime", "fixed", "none"),
    "overrun": ("extend", "clip", "keep"),
    "partial": ("drop", "keep"),
    "ids": ("number", "sequence"),
}
"""The words that each option with a fixed choice takes."""

_MAX_HOSTS = 2**31 - 1


def _option(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class CleaningOptions:
    """How rows of a log become jobs.

    Rows are judged in this order, and each dropped row is counted under the first reason that applies: status, submit
    time, processors, run time, size, walltime, window, position. ``extend`` and ``keep`` (``overrun``), the walltime
    options, ``arrival_factor``, ``rebase`` and ``ids`` conserve the work of every job (hosts x run time); the others
    say in the report what they took.

    Attributes:
        processors: ``requested`` (allocated where missing), ``allocated`` (requested where missing) or the ``max``
            of both; ``nodes`` or ``gpus`` for logs that record them (Slurm, NREL; GPUs also in Alibaba's pods), which
            become hosts instead (several GPUs to a host by ``processors_per_host``).
        processors_per_host: processors of one host; a job gets ceil(processors / this) hosts. None takes
            MaxProcs / MaxNodes of the header (8 on LLNL-Atlas), 1 where the header does not give both.
        machine_cores: processors of the machine that a fraction of 1 stands for, in logs that measure jobs in
            fractions of their largest machine (Google 2019); such a log is refused without it.
        n_hosts: hosts of the machine; None takes the header's.
        too_large: jobs that ask for more than ``n_hosts``: ``keep`` (a scheduler rejects them) or ``drop``.
        negative_runtime_s: run time given to rows whose run time is negative (unknown); None drops them.
        zero_runtime_s: run time given to rows whose run time is 0; None drops them.
        walltime_fallback: walltime of rows without a requested time. ``maximum`` is the limit, as sites do: MaxRuntime
            of the header, else the usual maximum (99th percentile) of the requests of the same queue, else of the log,
            else ``walltime_fixed_s``.
            ``runtime`` is ``walltime_factor`` x the real run time, rounded up to ``walltime_step_s``; it leaks the
            truth to the scheduler, and the report says so. ``fixed`` is ``walltime_fixed_s``. ``none`` is no walltime.
        walltime_factor: see ``runtime`` above.
        walltime_step_s: see ``runtime`` above, s.
        walltime_fixed_s: see ``fixed`` above, s.
        overrun: rows that ran to their walltime or beyond. ``extend`` the walltime to run time + margin (the work is
            kept), ``clip`` the run time to walltime - margin, or ``keep`` both (the job is killed at its walltime).
        overrun_margin_s: see above, s. At 0, a job whose run time equals its walltime may be killed, as in Batsim.
        partial: rows of partial executions (status 2, 3, 4) of a job that has a summary row: ``drop`` them, because the
            summary already holds their run time, or ``keep`` them as jobs of their own.
        drop_statuses: further SWF status codes to leave out.
        window_start_s: keep jobs submitted from this date on, s after the first submission of the log.
        window_end_s: keep jobs submitted before this date, s after the first submission of the log.
        skip_jobs: leave out this many jobs, in submission order, after all other rules.
        max_jobs: keep at most this many jobs after those skipped.
        arrival_factor: times between submissions are multiplied by this; 0.5 doubles the load.
        rebase: move the first submission to date 0.
        time_zone: IANA name of the site's zone: dates without an offset are read in it, and hours of the day are its.
            None reads such dates as UTC and takes the zone of the SWF header.
        ids: ``number``, the log's job numbers, zero-padded so that byte order is numeric order (positions when
            numbers repeat or are missing), or ``sequence``, zero-padded positions in submission order.

    Raises:
        InvalidInputError: when a value is outside its range; the message names the option.
    """

    processors: str = _option(
        "requested", "Size of a job: requested or allocated processors, the max of both, or its nodes or gpus."
    )
    processors_per_host: float | None = _option(
        None, "Processors of one host (default: MaxProcs / MaxNodes of the log)."
    )
    machine_cores: float | None = _option(
        None, "Processors of the machine whose fractions a log states (Google 2019); such a log needs it."
    )
    n_hosts: int | None = _option(None, "Hosts of the machine (default: the log's header).")
    too_large: str = _option("keep", "Jobs larger than the machine: keep (to be rejected) or drop.")
    negative_runtime_s: float | None = _option(None, "Run time of rows where it is unknown (default: drop them).")
    zero_runtime_s: float | None = _option(None, "Run time of rows where it is 0 (default: drop them).")
    walltime_fallback: str = _option(
        "maximum",
        "Walltime of rows without a request: maximum (the site's limit), runtime (leaks the truth), fixed or none.",
    )
    walltime_factor: float = _option(2.0, "With --walltime-fallback runtime: factor on the real run time.")
    walltime_step_s: float = _option(60.0, "With --walltime-fallback runtime: rounded up to a multiple of this, s.")
    walltime_fixed_s: float = _option(86_400.0, "With --walltime-fallback fixed, or where no limit is known, s.")
    overrun: str = _option("extend", "Jobs that reach their walltime: extend it, clip the run time, or keep both.")
    overrun_margin_s: float = _option(1.0, "Seconds left between run time and walltime by extend and clip.")
    partial: str = _option("drop", "Partial executions of jobs that have a summary row: drop or keep.")
    drop_statuses: tuple[int, ...] = _option((), "SWF status codes to leave out, separated by commas.")
    window_start_s: float | None = _option(None, "Keep jobs submitted from here on, s after the first submission.")
    window_end_s: float | None = _option(None, "Keep jobs submitted before this, s after the first submission.")
    skip_jobs: int = _option(0, "Leave out this many jobs, in submission order.")
    max_jobs: int | None = _option(None, "Keep at most this many jobs.")
    arrival_factor: float = _option(1.0, "Factor on the times between submissions; 0.5 doubles the load.")
    rebase: bool = _option(True, "Move the first submission to date 0.")
    time_zone: str | None = _option(
        None, "Zone of dates that carry none, and of the site's clock, such as Europe/Berlin (default: UTC)."
    )
    ids: str = _option("number", "Job ids: number (of the log) or sequence (positions).")

    @classmethod
    def golden(cls, n_hosts: int, max_jobs: int | None = None) -> CleaningOptions:
        """Return the cleaning of the recorded Batsim runs: nobody is killed at a walltime."""
        return cls(
            processors_per_host=1.0,
            n_hosts=n_hosts,
            too_large="drop",
            walltime_fallback="runtime",
            overrun="clip",
            partial="keep",
            max_jobs=max_jobs,
            ids="sequence",
        )

    def __post_init__(self) -> None:
        for name, words in CHOICES.items():
            if getattr(self, name) not in words:
                self._refuse(name, f"one of {', '.join(words)}")
        for name in ("negative_runtime_s", "zero_runtime_s", "walltime_factor", "walltime_step_s"):
            self._check_number(name, above=0.0)
        for name in ("walltime_fixed_s", "arrival_factor"):
            self._check_number(name, above=0.0)
        for name in ("processors_per_host", "machine_cores"):
            self._check_number(name, least=1.0)
        if self.time_zone is not None and find_zone(self.time_zone) is None:
            self._refuse("time_zone", "a zone of the IANA data base such as Europe/Berlin")
        self._check_number("overrun_margin_s", least=0.0)
        for name in ("window_start_s", "window_end_s"):
            self._check_number(name, least=-math.inf)
        self._check_count("n_hosts", 1)
        self._check_count("max_jobs", 1)
        self._check_count("skip_jobs", 0)
        self._check_window()

    def _check_window(self) -> None:
        start = -math.inf if self.window_start_s is None else self.window_start_s
        if self.window_end_s is not None and self.window_end_s <= start:
            self._refuse("window_end_s", f"a date after window_start_s = {start:g}")

    def _check_number(self, name: str, *, above: float | None = None, least: float = 0.0) -> None:
        value = getattr(self, name)
        if value is None:
            return
        bound = least if above is None else above
        fits = value > bound if above is not None else value >= bound
        if not (math.isfinite(value) and abs(value) <= 1e15 and fits):
            self._refuse(name, f"a finite number {'above' if above is not None else 'of at least'} {bound:g}")

    def _check_count(self, name: str, least: int) -> None:
        value = getattr(self, name)
        if value is not None and not least <= value <= _MAX_HOSTS:
            self._refuse(name, f"a whole number from {least} to {_MAX_HOSTS}")

    def _refuse(self, name: str, rule: str) -> None:
        option = name.replace("_", "-")
        raise InvalidInputError(
            f"cleaning option {option}: {getattr(self, name)!r} is not {rule}; give --{option} such a value"
        )
