"""Who runs the cells: processes of this machine, dask workers, or dask workers in pilot jobs on Slurm.

Each is an executor of `concurrent.futures`; tasks are given to all of them alike.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wattq.errors import CampaignError, MissingDependencyError
from wattq.experiments.campaign.layout import read_json
from wattq.experiments.campaign.model import SlurmSpec
from wattq.experiments.campaign.pool import LocalPool

__all__ = ["EXECUTORS", "CrewOptions", "hired", "job_script"]

EXECUTORS = ("local", "dask", "slurm")
"""Names of the executors."""

MOST_WORKERS = 10_000
_CONNECT_S = 15


@dataclass(frozen=True)
class CrewOptions:
    """Who runs the cells.

    Attributes:
        executor: one of `EXECUTORS`.
        workers: number of processes, each of which runs one cell at a time; 2, or 1 on a machine with one processor,
            when not given. A scheduler that is there already has its own.
        scheduler_file: of a dask scheduler that is there already.
        address: of a dask scheduler that is there already, such as ``tcp://head:8786``.
        slurm: pilot jobs of the executor ``slurm``.

    Raises:
        CampaignError: there is no such executor or number of workers, or options of one go with another.
    """

    executor: str = "local"
    workers: int | None = None
    scheduler_file: str | None = None
    address: str | None = None
    slurm: SlurmSpec = field(default_factory=SlurmSpec)

    def __post_init__(self) -> None:
        if self.executor not in EXECUTORS:
            raise CampaignError(f"--executor {self.executor}: no such executor; there are {', '.join(EXECUTORS)}")
        if self.workers is not None and not 1 <= self.workers <= MOST_WORKERS:
            raise CampaignError(f"--workers {self.workers}: give a number from 1 to {MOST_WORKERS}")
        given = [name for name in ("scheduler_file", "address") if getattr(self, name) is not None]
        if given and self.executor != "dask":
            raise CampaignError(f"--{given[0].replace('_', '-')}: goes with --executor dask")
        if len(given) == 2:
            raise CampaignError("--scheduler-file and --address: give one of them")
        if given and self.workers is not None:
            raise CampaignError(f"--workers: a scheduler that is there already has its own; leave it or "
                                f"--{given[0].replace('_', '-')} out")  # fmt: skip

    @property
    def count(self) -> int:
        """Number of worker processes."""
        return self.workers or min(2, os.cpu_count() or 1)


@contextmanager
def hired(options: CrewOptions, logs: Path) -> Iterator[Executor]:
    """Yield the executor; its processes end with the block, at once when it is left by an exception.

    Args:
        options: who.
        logs: folder of what pilot jobs print; made where it is needed.

    Raises:
        MissingDependencyError: the extra ``campaign`` is not installed.
        CampaignError: no scheduler answers, or Slurm takes no jobs.
    """
    if options.executor == "local":
        pool = LocalPool(options.count, warm_up)
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False)
            raise
        pool.shutdown()
        return
    with _client(options, logs) as client:
        executor: Executor = client.get_executor(pure=False)
        try:
            yield executor
        except BaseException:
            executor.shutdown(wait=False)
            raise


def warm_up() -> None:
    """Import what every cell needs; a worker does so once."""
    from wattq.experiments.campaign.digests import code_digest

    __import__("wattq.experiments.campaign.work")
    code_digest()


@contextmanager
def _client(options: CrewOptions, logs: Path) -> Iterator[Any]:
    distributed = _extra("distributed")
    if options.scheduler_file is not None or options.address is not None:
        with _connected(distributed, options) as client:
            yield client
        return
    with _cluster(options, logs) as cluster, distributed.Client(cluster) as client:
        yield client


def _extra(module: str) -> Any:
    """Import a library of the extra ``campaign``."""
    from importlib import import_module

    try:
        # dask_jobqueue sets a handler of its own when it is imported, which would end the campaign without a word
        with _ctrl_c(signal.getsignal(signal.SIGINT)):
            return import_module(module)
    except ImportError:
        raise MissingDependencyError(
            f"--executor dask and slurm need extra campaign: pip install 'wattq[campaign]' ({module} is missing)"
        ) from None


@contextmanager
def _connected(distributed: Any, options: CrewOptions) -> Iterator[Any]:
    address = options.address or _address(Path(str(options.scheduler_file)))
    try:
        client = distributed.Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CampaignError(
            f"{address}: no dask scheduler answers ({error}); start dask scheduler there, and dask worker"
        ) from None
    with client:
        yield client


def _address(path: Path) -> str:
    """Return the address in the file that a dask scheduler writes."""
    found = (read_json(path) or {}).get("address")
    if not isinstance(found, str):
        raise CampaignError(
            f"--scheduler-file {path}: holds no address of a dask scheduler; start one with dask scheduler "
            "--scheduler-file on a folder that all share"
        )
    return found


@contextmanager
def _cluster(options: CrewOptions, logs: Path) -> Iterator[Any]:
    with _deaf_to_ctrl_c():
        cluster = _slurm(options, logs) if options.executor == "slurm" else _local_cluster(options)
    with cluster:
        yield cluster


def _deaf_to_ctrl_c() -> AbstractContextManager[None]:
    """Start processes that leave Ctrl-C to this one."""
    return _ctrl_c(signal.SIG_IGN)


@contextmanager
def _ctrl_c(handler: Any) -> Iterator[None]:
    """Answer Ctrl-C so for a while, and then as before, whatever was set meanwhile."""
    try:
        before = signal.signal(signal.SIGINT, handler)
    except ValueError:
        # not the main thread: signals are not ours to set
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _local_cluster(options: CrewOptions) -> Any:
    distributed = _extra("distributed")
    return distributed.LocalCluster(
        n_workers=options.count, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs="ERROR"
    )


def _slurm(options: CrewOptions, logs: Path) -> Any:
    cluster = _slurm_cluster(options, logs)
    try:
        # pilot jobs that end, such as by their walltime, are followed by others as long as there is work
        cluster.adapt(minimum=options.count, maximum=options.count, interval="2s", wait_count=5)
    except BaseException:
        cluster.close()
        raise
    return cluster


def _slurm_cluster(options: CrewOptions, logs: Path | None = None) -> Any:
    _extra("distributed")
    jobqueue = _extra("dask_jobqueue")
    spec = options.slurm
    words = {"queue": spec.partition, "account": spec.account, "interface": spec.interface, "python": spec.python}
    lifetime_s = _seconds(spec.walltime)
    # a pilot job ends by itself, between two cells, before Slurm ends it in the middle of one
    leave = ["--lifetime", f"{lifetime_s - 300}s", "--lifetime-stagger", "60s"] if lifetime_s > 900 else []
    return jobqueue.SLURMCluster(
        **{name: value for name, value in words.items() if value is not None},
        cores=spec.cores,
        processes=spec.cores,
        memory=spec.memory,
        walltime=spec.walltime,
        job_extra_directives=list(spec.directives),
        job_script_prologue=list(spec.prologue),
        job_name="wattq-campaign",
        log_directory=None if logs is None else str(logs),
        worker_extra_args=leave,
        scheduler_options={"dashboard_address": None},
        silence_logs="ERROR",
    )


def _seconds(walltime: str) -> int:
    days, _, clock = walltime.rpartition("-")
    hours, minutes, seconds = (int(word) for word in clock.split(":"))
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds


def job_script(options: CrewOptions) -> str:
    """Return what is given to ``sbatch`` for a pilot job.

    Raises:
        MissingDependencyError: the extra ``campaign`` is not installed.
    """
    with _slurm_cluster(options) as cluster:
        return str(cluster.job_script())
