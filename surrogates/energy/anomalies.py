"""Jobs whose power per node is far from that of their like: the rule of the interquartile range."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from wattq.errors import SurrogateError
from wattq.surrogates.energy.jobs import EnergyLabels
from wattq.units import JOULES_PER_KWH

__all__ = ["Anomaly", "AnomalyGroup", "AnomalyReport", "anomalies", "anomalies_text"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Anomaly(_Strict):
    """A job outside the range of its group."""

    job_id: str
    group: str
    kwh_per_node_hour: float = Field(ge=0, description="energy per node and hour, kWh (mean power of a node in kW)")
    side: str = Field(pattern="^(low|high)$")
    beyond: float = Field(ge=0, description="distance from the range, in interquartile ranges; 0 where that is 0")


class AnomalyGroup(_Strict):
    """Jobs that are compared with each other."""

    name: str
    jobs: int = Field(ge=1)
    q1: float = Field(ge=0, description="first quartile, kWh per node-hour")
    median: float = Field(ge=0)
    q3: float = Field(ge=0)
    low: float = Field(description="lower end of the range, kWh per node-hour")
    high: float = Field(description="upper end of the range")


class AnomalyReport(_Strict):
    """Groups and what lies outside their ranges; `AnomalyReport.model_json_schema()` is its schema."""

    source: str
    sha256: str
    label_source: str
    jobs: int = Field(ge=1)
    fence: float = Field(gt=0, description="the range goes this many interquartile ranges beyond the quartiles")
    groups: tuple[AnomalyGroup, ...]
    anomalies: tuple[Anomaly, ...]


def anomalies(labels: EnergyLabels, *, fence: float = 1.5, least_jobs: int = 8) -> AnomalyReport:
    """Return the jobs whose energy per node-hour lies outside the range of their group.

    Like is compared with like: jobs of one application and clock where there are enough of them, else of one user,
    else all of those left. The range is [Q1 - fence (Q3 - Q1), Q3 + fence (Q3 - Q1)] (Tukey, 1977).

    Args:
        labels: jobs with energy.
        fence: above 0.
        least_jobs: a group has at least this many jobs, at least 4.

    Raises:
        SurrogateError: when an argument is out of range.
    """
    if not 0.0 < fence < 1e6 or least_jobs < 4:
        raise SurrogateError(
            f"fence {fence:g}, least_jobs {least_jobs}; a fence is above 0, a group has 4 jobs or more"
        )
    value = labels.power_w * 3600.0 / JOULES_PER_KWH
    groups, found = [], []
    for name, rows in _groups(labels, least_jobs).items():
        group = _group(name, value[rows], fence)
        groups.append(group)
        found += _outside(labels, value, rows, group)
    return AnomalyReport(
        source=labels.source,
        sha256=labels.sha256,
        label_source=labels.label_source,
        jobs=labels.n_jobs,
        fence=fence,
        groups=tuple(groups),
        anomalies=tuple(sorted(found, key=lambda each: (-each.beyond, each.job_id, each.group))),
    )


def _groups(labels: EnergyLabels, least_jobs: int) -> dict[str, NDArray[np.int64]]:
    jobs, left = labels.jobs, np.ones(labels.n_jobs, dtype=bool)
    clocks = ["" if clock != clock else f" at {clock:g} GHz" for clock in jobs.frequency_ghz.tolist()]
    apps = [f"application {a}{c}" if a else "" for a, c in zip(jobs.application.tolist(), clocks, strict=True)]
    users = [f"user {name}" if name else "" for name in jobs.user.tolist()]
    groups: dict[str, NDArray[np.int64]] = {}
    for names in (apps, users):
        for name, rows in _rows_by_name(names, left).items():
            if len(rows) >= least_jobs:
                groups[name] = np.array(rows)
                left[rows] = False
    if left.any():
        groups["all others" if groups else "all"] = np.flatnonzero(left)
    return groups


def _rows_by_name(names: Sequence[str], left: NDArray[np.bool_]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = defaultdict(list)
    for row in np.flatnonzero(left).tolist():
        if names[row]:
            rows[names[row]].append(row)
    return dict(sorted(rows.items()))


def _group(name: str, value: NDArray[np.float64], fence: float) -> AnomalyGroup:
    q1, median, q3 = np.quantile(value, [0.25, 0.5, 0.75]).tolist()
    reach = fence * (q3 - q1)
    return AnomalyGroup(name=name, jobs=len(value), q1=q1, median=median, q3=q3, low=q1 - reach, high=q3 + reach)


def _outside(
    labels: EnergyLabels, value: NDArray[np.float64], rows: NDArray[np.int64], group: AnomalyGroup
) -> list[Anomaly]:
    spread = group.q3 - group.q1
    found = []
    for row in rows.tolist():
        beyond = max(group.low - value[row], value[row] - group.high)
        # Equal powers (a simulated machine) differ by rounding alone.
        if beyond > 1e-9 * group.median:
            found.append(
                Anomaly(
                    job_id=labels.job_id[row],
                    group=group.name,
                    kwh_per_node_hour=float(value[row]),
                    side="low" if value[row] < group.low else "high",
                    beyond=float(beyond / spread) if spread > 1e-9 * group.median else 0.0,
                )
            )
    return found


def anomalies_text(report: AnomalyReport) -> str:
    """Return a report as text."""
    lines = [
        f"{report.jobs} jobs, label_source={report.label_source}, {len(report.groups)} groups, "
        f"{len(report.anomalies)} outside the quartiles by more than {report.fence:g} interquartile ranges",
        f"  {'group':40}{'jobs':>6}{'median':>9}{'range, kWh per node-hour':>28}",
    ]
    for group in report.groups:
        span = f"{group.low:.3f} to {group.high:.3f}"
        lines.append(f"  {group.name[:38]:40}{group.jobs:6d}{group.median:9.3f}{span:>28}")
    lines += [f"  job {a.job_id} ({a.group}): {a.kwh_per_node_hour:.3f}, {a.side}" for a in report.anomalies[:20]]
    if len(report.anomalies) > 20:
        lines.append(f"  and {len(report.anomalies) - 20} more (all in the JSON report)")
    return "\n".join(lines) + "\n"
