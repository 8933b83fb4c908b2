"""Measured power, shared out to the jobs that drew it: from files or from a store, and back into the store.

All sums are those of `wattq.surrogates.energy`; here rows and files are brought to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wattq.errors import TelemetryError
from wattq.surrogates.energy.align import AlignedEnergy, align_jobs
from wattq.surrogates.energy.balance import NodeBalance, node_balances
from wattq.surrogates.energy.job_windows import read_job_windows, windows_of_rows
from wattq.surrogates.energy.jobs import EnergyLabels
from wattq.surrogates.energy.readings import MeasuredNode, Readings, measured_nodes
from wattq.surrogates.energy.readings_file import read_readings, readings_of_rows
from wattq.surrogates.energy.windows import WindowTable, labels_of

if TYPE_CHECKING:
    from wattq.telemetry.store import Store

__all__ = [
    "Alignment",
    "align_power",
    "files_of_power",
    "jobs_of_file",
    "jobs_of_store",
    "measured_rows",
    "power_of_store",
]

_LONGEST_JOB_S = 30 * 86400.0
_MARGIN_S = 900.0
_SAME_START_S = 60.0


@dataclass(frozen=True)
class Alignment:
    """Jobs and what they drew.

    Attributes:
        table: windows of the jobs.
        found: energy and coverage of each job.
        labels: those measured well enough, as labels for training.
        nodes: the nodes that were measured, by name.
        balances: energy of each node, its parts of jobs and the rest.
        meters: names of the meters of each job's nodes, joined by ``+``; empty where they are not known.
    """

    table: WindowTable
    found: AlignedEnergy
    labels: EnergyLabels
    nodes: Mapping[str, MeasuredNode]
    balances: tuple[NodeBalance, ...]
    meters: tuple[str, ...]

    @property
    def extra_columns(self) -> dict[str, list[str]]:
        """Columns for the file of labels beside what training reads: begin, coverage, measured joules, meters."""
        kept = np.flatnonzero(~self.found.low & (self.found.energy_j > 0.0)).tolist()
        starts = self.starts
        return {
            "start": [f"{starts[row]!r}" for row in kept],
            "coverage": [f"{float(self.found.coverage[row]):.6g}" for row in kept],
            "measured_j": [f"{float(self.found.measured_j[row])!r}" for row in kept],
            "energy_meter": [self.meters[row] for row in kept],
        }

    @property
    def starts(self) -> tuple[float, ...]:
        """Begin of each job, Unix s."""
        starts = np.full(len(self.found.job_id), np.inf)
        np.minimum.at(starts, self.table.job, [window.start_s for window in self.table.windows])
        return tuple(float(start) for start in starts.tolist())


def align_power(
    table: WindowTable,
    readings: Sequence[Readings],
    *,
    hold: str = "linear",
    gap_s: float | None = None,
    least_coverage: float = 0.9,
) -> Alignment:
    """Return the energy of jobs from readings of power.

    Args:
        table: windows of jobs; of jobs that share a node all must be there, or the others get their share.
        readings: from one source or several; a node of several is taken from the first.
        hold: a key of `wattq.surrogates.energy.HOLDS`, for power between two readings.
        gap_s: readings of a device further apart leave a gap, s; five times their median distance when None.
        least_coverage: below this measured share of its node-seconds a job gets no label.

    Raises:
        SurrogateError: when readings break a rule, or no job was measured well enough.
    """
    nodes: dict[str, MeasuredNode] = {}
    notes: list[str] = []
    for each in readings:
        found, said = measured_nodes(each, hold=hold, gap_s=gap_s)
        nodes = {**found, **nodes}
        notes += said
    series = {name: node.series for name, node in nodes.items()}
    energy = align_jobs(series, table.windows, table.job, least_coverage=least_coverage)
    source = ", ".join(dict.fromkeys(each.source for each in readings))
    sha256 = readings[0].sha256 if len(readings) == 1 else ""
    return Alignment(
        table=table,
        found=energy,
        labels=labels_of(table, energy, source, sha256, notes, least_coverage=least_coverage),
        nodes=nodes,
        balances=node_balances(series, table.windows),
        meters=_meters(table, nodes),
    )


def _meters(table: WindowTable, nodes: Mapping[str, MeasuredNode]) -> tuple[str, ...]:
    met: list[set[str]] = [set() for _ in range(int(table.job.max()) + 1)]
    for window, job in zip(table.windows, table.job.tolist(), strict=True):
        for name in window.devices:
            met[job].update(nodes[name].meters if name in nodes else ())
    return tuple("+".join(sorted(names)) for names in met)


def files_of_power(paths: Sequence[Path], node: str | None = None) -> list[Readings]:
    """Return the readings of files together, so that devices of one node add up whichever file they are in.

    Raises:
        MissingFileError: a file cannot be read.
        InvalidInputError: a file breaks its format; see `wattq.surrogates.energy.read_readings`.
    """
    found = [read_readings(path, node=node) for path in paths]
    if len(found) == 1:
        return found
    together = Readings(
        node=[name for each in found for name in each.node],
        device=[name for each in found for name in each.device],
        time_s=np.concatenate([each.time_s for each in found]),
        power_w=np.concatenate([each.power_w for each in found]),
        energy_j=np.concatenate([each.energy_j for each in found]),
        meter=[name for each in found for name in each.meter],
        source=", ".join(each.source for each in found),
        notes=tuple(note for each in found for note in each.notes),
    )
    return [together]


def power_of_store(store: Store, start_s: float, end_s: float) -> list[Readings]:
    """Return the measured power that a store has of a span: of devices, and of nodes for those without.

    Raises:
        TelemetryError: when there is none.
    """
    found = []
    for name in ("power_samples", "node_metrics"):
        rows = store.read(name, since_s=start_s - _MARGIN_S, until_s=end_s + _MARGIN_S)
        readings = readings_of_rows([row for row in rows if _holds_power(row)], f"{name} of the store")
        if len(readings.node):
            found.append(readings)
    if not found:
        raise TelemetryError(
            "the store has no measured power of this time in power_samples or node_metrics; log some with wattq "
            "telemetry nvml, rapl or node, or name files with --samples"
        )
    return found


def _holds_power(row: Mapping[str, Any]) -> bool:
    if "power_consumption_watts" in row and row.get("power_source") != "measured":
        return False
    return any(row.get(name) is not None for name in ("power_w", "power_consumption_watts", "energy_j"))


def jobs_of_store(store: Store, start_s: float | None = None, end_s: float | None = None) -> WindowTable:
    """Return the windows of a store's finished jobs that ran in a span, all that share a node with others included.

    Raises:
        SurrogateError: when there is none.
    """
    since = None if start_s is None else start_s - _LONGEST_JOB_S
    rows = store.read("job_metrics", since_s=since, until_s=end_s)
    return windows_of_rows(
        [row for row in rows if start_s is None or _ended(row) > start_s], "job_metrics of the store"
    )


def _ended(row: Mapping[str, Any]) -> float:
    if row.get("end_time") is not None:
        return float(row["end_time"])
    return float(row.get("time") or 0.0) + float(row.get("duration_seconds") or 0.0)


def jobs_of_file(path: Path, time_zone: str | None, start_s: float | None, end_s: float | None) -> WindowTable:
    """Return the windows of a file that overlap a span."""
    table = read_job_windows(path, time_zone=time_zone)
    low, high = -np.inf if start_s is None else start_s, np.inf if end_s is None else end_s
    keep = np.array([window.start_s < high and window.end_s > low for window in table.windows], dtype=bool)
    if keep.all():
        return table
    if not keep.any():
        raise TelemetryError(f"{path}: no job ran in this time; leave --start and --end out, or mend them")
    jobs, job = np.unique(table.job[keep], return_inverse=True)
    windows = tuple(window for window, kept in zip(table.windows, keep.tolist(), strict=True) if kept)
    return replace(table, windows=windows, jobs=table.jobs.take(jobs), job=job.astype(np.int64))


def measured_rows(alignment: Alignment, stored: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, object]], int]:
    """Return what to write into job_metrics, and the number of labels that no row of it has.

    A row is that of a label when the job is the same and both begin within a minute. What it said of energy and mean
    power before is replaced.

    Args:
        alignment: labels.
        stored: rows of job_metrics.
    """
    known: dict[str, list[float]] = {}
    for row in stored:
        known.setdefault(str(row["job_id"]), []).append(float(row["time"]))
    found, starts, rows, lost = alignment.found, alignment.starts, list[dict[str, object]](), 0
    for job in np.flatnonzero(~found.low & (found.energy_j > 0.0)).tolist():
        apart = [(abs(time - starts[job]), time) for time in known.get(found.job_id[job], [])]
        if not apart or min(apart)[0] > _SAME_START_S:
            lost += 1
            continue
        rows.append(
            {
                "time": min(apart)[1],
                "job_id": found.job_id[job],
                "energy_j": float(found.energy_j[job]),
                "energy_source": "measured",
                "energy_meter": alignment.meters[job] or "samples",
                "energy_coverage": float(found.coverage[job]),
                "avg_power_watts": float(found.energy_j[job] / found.run_s[job]),
            }
        )
    return rows, lost
