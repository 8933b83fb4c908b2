"""The pictures of a study: energy, CO2e and cost against service, one per log and grid."""

from __future__ import annotations

from matplotlib.figure import Figure

from wattq.experiments.plots.pareto import ParetoPoint, Span, pareto_figure
from wattq.experiments.study.bootstrap import Estimate
from wattq.experiments.study.quantities import QUANTITIES
from wattq.experiments.study.summary import Group, Row

__all__ = ["group_figure", "pictured"]

_SERVICE = (
    ("wait_p95_s", "95th percentile of the wait", 3600.0, "h"),
    ("bounded_slowdown_mean", "Mean bounded slowdown", 1.0, ""),
)


def pictured(group: Group) -> tuple[str, ...]:
    """Return the quantities that a picture of the group may show: those that some policy has as a share of EASY's."""
    return tuple(
        name
        for name, entry in QUANTITIES.items()
        if entry.ratio == "void" and any(name in row.ratios for row in group.rows)
    )


def group_figure(group: Group, name: str) -> Figure:
    """Return one quantity of a group in percent of EASY's against the p95 wait and the mean bounded slowdown.

    Service is in percent of EASY's too, with the paired interval; in its own unit where EASY's is 0.
    """
    panels = [_panel(group, name, *service) for service in _SERVICE]
    label = QUANTITIES[name].label.split(" (")[0]
    base, floor = group.baseline, None
    if base is not None and name in group.bounds:
        floor = 100.0 * group.bounds[name] / base.values[name].value
    title = f"{group.title}: {len(group.weeks)} weeks, 95 % intervals"
    return pareto_figure(panels, f"{label} (% of EASY's)", title, floor)


def _panel(group: Group, name: str, service: str, label: str, size: float, unit: str) -> tuple[str, list[ParetoPoint]]:
    paired = all(service in row.ratios for row in group.rows)
    points = [_point(row, name, service, size, paired=paired) for row in group.rows]
    return f"{label} ({'% of EASY' + chr(39) + 's' if paired else unit or '1'})", points


def _point(row: Row, name: str, service: str, size: float, *, paired: bool) -> ParetoPoint:
    x = _span(row.ratios[service], 100.0) if paired else _span(row.values[service], 1.0 / size)
    y = _span(row.ratios[name], 100.0) if name in row.ratios else None
    return ParetoPoint(row.policy, x, y)


def _span(estimate: Estimate, factor: float) -> Span:
    low, high = (None if end is None else end * factor for end in (estimate.low, estimate.high))
    return estimate.value * factor, low, high
