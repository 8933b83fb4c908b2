"""A baseline, perhaps a policy, and what the same work must cost at least, measure by measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError
from wattq.experiments.accounting import MEASURES, PowerHistory, Tariff, account_history
from wattq.experiments.bounds.bound import Bound, Capture, capture_rate
from wattq.experiments.bounds.contiguous import contiguous_bound
from wattq.experiments.bounds.liquid import liquid_bound
from wattq.experiments.bounds.work import Work, served_jobs, with_max_wait, work_of
from wattq.workloads.model import Workload

__all__ = ["KINDS", "Comparison", "bound_runs", "bound_text"]

KINDS: Mapping[str, Callable[..., Bound]] = {"liquid": liquid_bound, "contiguous": contiguous_bound}
"""The bounds by name."""

_UNITS = {"energy_j": ("Energy kWh", 3.6e6), "facility_j": ("Facility kWh", 3.6e6), "carbon_g": ("CO2e kg", 1e3)}


@dataclass(frozen=True)
class Comparison:
    """One measure of runs and of the bound for the same work.

    Attributes:
        measure: name of the measure.
        baseline: value of the baseline's run up to the horizon.
        policy: value of the policy's run, or None.
        bound: the bound.
        capture: share of the possible saving that the policy reached, or None without a policy.
    """

    measure: str
    baseline: float
    policy: float | None
    bound: Bound
    capture: Capture | None


def bound_runs(
    baseline: PowerHistory,
    policy: PowerHistory | None,
    workloads: Sequence[Workload],
    *,
    tariff: Tariff | None = None,
    kind: str = "liquid",
    max_extra_wait_s: float | None = None,
    step_s: float = 3600.0,
) -> list[Comparison]:
    """Return the runs of a baseline and a policy beside the bound for the work that the baseline served.

    All are counted from date 0 to the end of the run that ends last; a machine goes on as it ended.

    Args:
        baseline: the run that savings are measured against.
        policy: another run of the same workloads on the same machine, or None.
        workloads: those of the runs.
        tariff: signals, PUE and the date of time 0.
        kind: word of `KINDS`.
        max_extra_wait_s: longest time that a job may start after its start in the baseline; any when None.
        step_s: step of the bound's grid.

    Raises:
        InvalidInputError: no such kind, a negative wait, runs on different machines, or another workload.
        WattqError: whatever the bound refuses.
    """
    if kind not in KINDS:
        raise InvalidInputError(f"bound {kind!r}: there are {', '.join(KINDS)}")
    if policy is not None and policy.platform.sha256 != baseline.platform.sha256:
        raise InvalidInputError("the two runs are on different machines; compare runs on one")
    served = served_jobs(baseline.run)
    work = work_of(workloads, baseline.platform, served=served)
    if max_extra_wait_s is not None:
        work = _held(work, baseline, max_extra_wait_s)
    horizon = max(history.end_s for history in (baseline, policy) if history is not None)
    values = [
        None if history is None else account_history(history, tariff, horizon_s=horizon).total
        for history in (baseline, policy)
    ]
    more: dict[str, Any] = {} if kind == "liquid" else {"more_starts_s": _starts(baseline, policy)}
    found = []
    for measure in MEASURES:
        first, second = (None if total is None else getattr(total, measure) for total in values)
        if first is None:
            continue
        bound = KINDS[kind](
            work, baseline.platform, horizon_s=horizon, measure=measure, tariff=tariff, step_s=step_s, **more
        )
        capture = None
        if policy is not None and second is not None:
            capture = capture_rate(first, second, bound, baseline_served=served, policy_served=served_jobs(policy.run))
        found.append(Comparison(measure, first, second, bound, capture))
    return found


def _starts(*histories: PowerHistory | None) -> NDArray[np.float64]:
    """Return the dates at which jobs started in some runs."""
    dates = [history.run.jobs.start_s for history in histories if history is not None]
    return np.unique(np.concatenate([date[np.isfinite(date)] for date in dates]))


def _held(work: Work, baseline: PowerHistory, wait_s: float) -> Work:
    """Return the work with starts at most so long after those of the baseline."""
    if not 0.0 <= wait_s < np.inf:
        raise InvalidInputError(f"extra wait {wait_s:g} s: give a finite number of seconds of at least 0")
    starts: dict[str, float] = dict(zip(baseline.run.jobs.key, baseline.run.jobs.start_s.tolist(), strict=True))
    after: NDArray[np.float64] = np.array([starts[key] for key in work.key])
    return with_max_wait(work, wait_s, after_s=after)


def bound_text(found: Sequence[Comparison], currency: str = "") -> str:
    """Return a table of comparisons, and what they leave out."""
    bound = found[0].bound
    rows: list[tuple[str, ...]] = [("", "Baseline", "Policy", "Bound", "Possible saving", "Saving", "Captured")]
    rows += [_row(one, currency) for one in found]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(_cells(row, widths)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    lines.append("")
    lines.append(
        f"{bound.kind} bound for {len(bound.served):,} jobs, {bound.host_s / 3600.0:,.1f} host-hours at full speed, "
        f"from {bound.start_s:,.0f} s to {bound.horizon_s:,.0f} s"
    )
    lines += [f"not served: {key}: {reason}" for key, reason in list(bound.unserved.items())[:10]]
    if len(bound.unserved) > 10:
        lines.append(f"... and {len(bound.unserved) - 10:,} more")
    unsharp = [one.measure for one in found if not one.bound.exact]
    if unsharp:
        lines.append(f"proven, though not the sharpest of its kind: {', '.join(unsharp)}")
    voids = dict.fromkeys(one.capture.reason for one in found if one.capture is not None and one.capture.reason)
    return "\n".join([*lines, *(f"not captured: {reason}" for reason in voids)])


def _cells(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [
        text.ljust(width) if at == 0 else text.rjust(width)
        for at, (text, width) in enumerate(zip(row, widths, strict=True))
    ]


def _row(one: Comparison, currency: str) -> tuple[str, ...]:
    name, unit = _UNITS.get(one.measure, (f"Cost {currency}".strip(), 1.0))
    stated = one.capture is not None and one.capture.rate is not None
    return (
        name,
        f"{one.baseline / unit:,.3f}",
        "" if one.policy is None else f"{one.policy / unit:,.3f}",
        f"{one.bound.value / unit:,.3f}",
        _share(one.baseline, one.bound.value),
        _share(one.baseline, one.policy) if stated and one.policy is not None else "",
        one.capture.text if stated and one.capture is not None else "",
    )


def _share(baseline: float, value: float) -> Any:
    return f"{100.0 * (1.0 - value / baseline):.2f} %" if baseline > 0.0 else ""
