"""``energy_monitor.sh JOB [SECONDS]``: a log of 16 columns of this node while a job runs on it."""

from __future__ import annotations

import math
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from threading import Event

from wattq.errors import TelemetryError, WattqError
from wattq.telemetry.meters import node_power_of
from wattq.telemetry.slurm.hook import Hook
from wattq.telemetry.slurm.job_log import MONITOR_COLUMNS, JobLog, utc
from wattq.telemetry.slurm.keeper_process import only_keeper
from wattq.telemetry.slurm.node_sampler import NodeSample, NodeSampler
from wattq.telemetry.slurm.rows import Rows
from wattq.telemetry.slurm.thermal_watch import ThermalWatch

__all__ = ["monitor", "monitor_words"]

_POLL_S = 0.5


def monitor_words(words: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the monitor for the words after its name; returns the exit code."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    hook = Hook.begin("monitor", environ)
    try:
        samples = monitor(hook, words[0] if words else "", _seconds(words[1] if len(words) > 1 else "30"), stop)
    except (WattqError, OSError) as error:
        print(f"energy_monitor.sh: error: {error}", file=sys.stderr)
        hook.log.say(str(error))
        return 2
    print(f"{samples} samples in {JobLog(hook.log_dir, words[0], MONITOR_COLUMNS, 'monitor').path}")
    return 0


def monitor(hook: Hook, job_id: str, every_s: float, stop: Event) -> int:
    """Sample the node until the flag of a job is gone; returns how many samples were written.

    Rows of ``node_metrics`` and ``thermal_events`` are the keeper's; the monitor writes them where no keeper is at
    work, so that none is there twice.

    Args:
        hook: with settings.
        job_id: number of the job.
        every_s: seconds between two samples.
        stop: ends it early.

    Raises:
        TelemetryError: no such job runs here.
        MissingDependencyError: psutil is not installed.
    """
    state = hook.state
    if not state.runs(job_id):
        raise TelemetryError(f"job {job_id}: does not run on this node, or its prolog did not see it; check squeue")
    log = JobLog(hook.log_dir, job_id, MONITOR_COLUMNS, "monitor")
    log.begin({"job_id": job_id, "node_id": hook.node, "every_s": every_s})
    sampler = NodeSampler(hook.node, node_power_of(hook.settings.node), hook.root)
    rows: Rows | None = None
    watch, samples, next_s = ThermalWatch(hook.node), 0, time.time()
    while state.runs(job_id) and not stop.is_set():
        if time.time() >= next_s:
            sample, _ = sampler.sample(time.time(), job_id)
            log.add(_columns(sample, job_id))
            samples, next_s = samples + 1, next_s + every_s
            with only_keeper(state.path) as alone:
                if alone:
                    rows = rows or Rows(hook.settings, state.path / "spool", hook.log)
                    rows.write("node_metrics", [sample.row()])
                    rows.write("thermal_events", watch.rows(sample, job_id))
        stop.wait(_POLL_S)
    sampler.close()
    if rows is not None:
        rows.close(hook.settings.slurm.post_s)
    return samples


def _columns(sample: NodeSample, job_id: str) -> dict[str, object]:
    received, sent, read, written = sample.moved
    return {
        "timestamp": utc(sample.time_s),
        "job_id": job_id,
        "node_id": sample.node,
        "cpu_percent": sample.cpu_percent,
        "memory_percent": sample.memory_percent,
        "load_1m": sample.load[0],
        "cpu_temp_c": sample.cpu_c,
        "gpu_temp_c": sample.gpu_c,
        "system_temp_c": sample.system_c,
        "fan_rpm": sample.fan_rpm,
        "power_w": sample.power_w,
        "power_source": sample.source,
        "disk_read_bytes": read,
        "disk_write_bytes": written,
        "network_rx_bytes": received,
        "network_tx_bytes": sent,
    }


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.1 <= seconds <= 86_400:
        raise TelemetryError(f"seconds between samples: {text[:20]!r}; give a number from 0.1 to 86400")
    return seconds
