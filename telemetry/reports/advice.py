"""What an operator may do about a period, each with the numbers that it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wattq.telemetry.reports.grid import GridTerms, Shift
from wattq.telemetry.reports.jobs import JobTable, lost_states
from wattq.telemetry.reports.schema import (
    AnomalyPart,
    Coverage,
    EfficiencyPart,
    Evidence,
    PredictionPart,
    Recommendation,
    ThermalPart,
)
from wattq.telemetry.reports.thermal import CPU_CRITICAL_C
from wattq.units import HOUR_S, JOULES_PER_KWH

__all__ = ["THRESHOLDS", "Findings", "recommendations"]

THRESHOLDS = {
    "measured_share": (0.9, "measured share of energy below which measuring comes first"),
    "idle_share": (0.1, "idle share of the measured energy of nodes"),
    "lost_share": (0.05, "share of energy of runs that did not complete"),
    "low_cpu_percent": (40.0, "mean CPU utilisation of a group of runs, percent"),
    "low_cpu_share": (0.05, "share of energy of such a group"),
    "shift_share": (0.05, "share of cost or CO2e that waiting could save at most"),
    "bound_share": (0.1, "share of energy of runs that wait for memory or disks"),
    "anomalies_of_node": (3.0, "runs on one node that drew more than usual"),
    "mape": (0.3, "mean relative error of predicted energy"),
    "relative_bias": (0.15, "relative bias of predicted energy"),
    "trend_k": (3.0, "warming over the period at equal load, K"),
}
"""When a recommendation is made: the threshold, and of what."""


@dataclass(frozen=True)
class Findings:
    """The parts of a report; None where one was not asked for."""

    jobs: JobTable
    coverage: Coverage
    terms: GridTerms
    efficiency: EfficiencyPart | None
    anomalies: AnomalyPart | None
    thermal: ThermalPart | None
    predictions: PredictionPart | None


def recommendations(found: Findings) -> list[Recommendation]:
    """Return what the numbers of a period give reason for, most fundamental first."""
    makers = (_measure, _idle, _lost, _shift, _low_cpu, _bound, _hot, _warming, _unlike, _predict)
    return [each for maker in makers for each in maker(found)]


def _limit(name: str) -> float:
    return THRESHOLDS[name][0]


def _kwh(joules: float) -> float:
    return joules / JOULES_PER_KWH


def _made(id_: str, title: str, text: str, *evidence: tuple[str, float | None, str]) -> Recommendation:
    numbers = [
        Evidence(name=name, value=float(value), unit=unit) for name, value, unit in evidence if value is not None
    ]
    return Recommendation(id=id_, title=title, text=text, evidence=numbers)


def _measure(found: Findings) -> Iterator[Recommendation]:
    coverage = found.coverage
    share = coverage.measured_share or 0.0
    missing = coverage.jobs - coverage.running - coverage.left_out_synthetic - coverage.with_energy
    if coverage.jobs > coverage.running and (share < _limit("measured_share") or missing > coverage.with_energy):
        yield _made(
            "measure",
            "Measure before acting",
            "Log the power of the nodes (wattq telemetry rapl, nvml or node with --store) and share it out to the jobs "
            "(wattq telemetry align --update). What rests on modelled energy below is as good as the model.",
            ("measured share of energy", 100.0 * share, "%"),
            ("runs with known energy", coverage.with_energy, "runs"),
            ("ended runs without", missing, "runs"),
        )


def _idle(found: Findings) -> Iterator[Recommendation]:
    nodes = found.efficiency.nodes if found.efficiency else []
    energy, idle = sum(each.energy_j for each in nodes), sum(each.idle_j for each in nodes)
    if energy > 0 and idle / energy > _limit("idle_share"):
        worst = max(nodes, key=lambda each: each.idle_j)
        yield _made(
            "idle",
            "Switch idle nodes off",
            f"Nodes drew this energy while no job ran on them, most of it {worst.node}. Let Slurm suspend them "
            "(SuspendTime; wattq's suspend and resume programs), or fill them. Waking costs time and energy: compare "
            "time-outs with wattq compare on the site's own log first. At most this energy can be saved.",
            ("idle energy", _kwh(idle), "kWh"),
            ("idle share of the measured energy of nodes", 100.0 * idle / energy, "%"),
            (f"idle energy of {worst.node}", _kwh(worst.idle_j), "kWh"),
            ("measured nodes", len(nodes), "nodes"),
        )


def _lost(found: Findings) -> Iterator[Recommendation]:
    jobs, total = found.jobs, found.coverage.energy_j
    lost = lost_states(jobs) & jobs.has_energy
    energy = float(jobs.energy_j[lost].sum())
    if found.efficiency is None or total <= 0 or energy / total <= _limit("lost_share"):
        return
    states, counts = np.unique(jobs.state[lost], return_counts=True)
    user, of_user = _largest(jobs.user[lost], jobs.energy_j[lost])
    timeouts = float(jobs.energy_j[lost & (jobs.state == "TIMEOUT")].sum())
    told = ", ".join(f"{count} {state}" for state, count in zip(states.tolist(), counts.tolist(), strict=True))
    yield _made(
        "lost",
        "Lose less work",
        f"Runs that did not complete took this energy ({told}); most of it runs of {user or 'unknown users'}. Ask for "
        "checkpoints and for time limits that fit (wattq surrogate evaluate shows how far requests are off), and look "
        "at what fails.",
        ("energy of runs that did not complete", _kwh(energy), "kWh"),
        ("share of energy", 100.0 * energy / total, "%"),
        (f"of {user or 'unknown users'}", _kwh(of_user), "kWh"),
        ("of runs that reached their time limit", _kwh(timeouts), "kWh"),
    )


def _largest(
    names: np.ndarray[tuple[int], np.dtype[np.str_]], energy: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> tuple[str, float]:
    sums = {name: float(energy[names == name].sum()) for name in set(names.tolist())}
    name = max(sorted(sums), key=lambda each: sums[each])
    return name, sums[name]


def _shift(found: Findings) -> Iterator[Recommendation]:
    if found.efficiency is None:
        return
    jobs = found.jobs
    for carbon, unit in ((True, "kg CO2e"), (False, found.terms.currency)):
        shift = found.terms.shift(jobs.start_s, jobs.end_s, jobs.energy_j, carbon=carbon)
        if shift is not None and shift.now - shift.best > _limit("shift_share") * abs(shift.now):
            yield _shift_advice(shift, carbon, unit)


def _shift_advice(shift: Shift, carbon: bool, unit: str) -> Recommendation:
    what = "CO2e" if carbon else "cost"
    saved = shift.now - shift.best
    return _made(
        f"shift-{'carbon' if carbon else 'price'}",
        f"Let jobs that can wait run at hours of less {what}",
        f"Had every run begun at its best hour within {shift.hours} h, this much {what} would have been saved. That is "
        "a bound: it takes all hours as known in advance, all jobs as free to wait and the machine as never full. Ask "
        "users for consent (wattq slurm hold) and try policies defer and carbon-gate on the site's own log first.",
        (f"{what} as it was", shift.now, unit),
        (f"{what} at best", shift.best, unit),
        ("saved at most", 100.0 * saved / abs(shift.now) if shift.now else None, "%"),
        ("runs that the signal covers", shift.jobs, "runs"),
        ("their facility energy", shift.energy_kwh, "kWh"),
    )


def _low_cpu(found: Findings) -> Iterator[Recommendation]:
    if found.efficiency is None or found.coverage.energy_j <= 0:
        return
    low = [
        group
        for group in found.efficiency.by["user"]
        if group.mean_cpu_usage is not None
        and group.mean_cpu_usage < _limit("low_cpu_percent")
        and group.energy_j > _limit("low_cpu_share") * found.coverage.energy_j
    ]
    if low:
        worst = low[0]
        yield _made(
            "low-cpu",
            "Ask for fewer cores where they idle",
            f"Runs of {', '.join(group.name for group in low[:5])} use little of the cores that they hold. Talk to "
            "these users about the cores that they ask for, or share nodes; jobs on GPUs or waiting for disks may have "
            "reasons.",
            *((f"mean CPU utilisation of {group.name}", group.mean_cpu_usage, "%") for group in low[:5]),
            (f"energy of {worst.name}", _kwh(worst.energy_j), "kWh"),
            ("energy of all of them", _kwh(sum(group.energy_j for group in low)), "kWh"),
        )


def _bound(found: Findings) -> Iterator[Recommendation]:
    jobs, total = found.jobs, found.coverage.energy_j
    rows = np.isin(jobs.pattern, ("memory_intensive", "io_intensive")) & jobs.has_energy
    energy = float(jobs.energy_j[rows].sum())
    if found.efficiency is not None and total > 0 and energy / total > _limit("bound_share"):
        yield _made(
            "clock",
            "Try a lower clock or power cap on runs that wait for memory or disks",
            "Cores that wait lose little by a lower clock. Measure it on two runs of each application first "
            "(wattq surrogate evaluate-energy compares clocks): what slows down with the clock may need more energy.",
            ("energy of memory- and io-intensive runs", _kwh(energy), "kWh"),
            ("share of energy", 100.0 * energy / total, "%"),
            ("runs", int(rows.sum()), "runs"),
        )


def _hot(found: Findings) -> Iterator[Recommendation]:
    hot = [node for node in found.thermal.nodes if node.hotspot] if found.thermal else []
    if hot and found.thermal is not None:
        worst = hot[0]
        yield _made(
            "hotspots",
            "Look at the cooling of hot nodes",
            f"{', '.join(node.node for node in hot[:8])}{' and others' if len(hot) > 8 else ''} had events of severity "
            f"high or critical, or samples above {CPU_CRITICAL_C:g} degC. Check fans, filters, paste and air; until "
            "then drain the worst, or cap its power.",
            ("hot nodes", len(hot), "nodes"),
            (f"critical events of {worst.node}", worst.critical, "events"),
            (f"highest temperature of {worst.node}", worst.max_event_c or worst.max_cpu_c, "degC"),
            ("runs that were throttled", found.thermal.throttled_jobs, "runs"),
            ("their energy", _kwh(found.thermal.throttled_energy_j), "kWh"),
        )


def _warming(found: Findings) -> Iterator[Recommendation]:
    """Tell of nodes that grow warmer at equal load: fans wear out before they fail."""
    days = _span_days(found)
    for node in found.thermal.nodes if found.thermal else ():
        trend, error = node.trend_k_per_day, node.trend_error_k_per_day
        if trend is None or error is None or not trend * days > _limit("trend_k") or trend <= 3.0 * error:
            continue
        yield _made(
            f"warming-{node.node}",
            f"Service {node.node} before it fails",
            f"{node.node} grows warmer at equal load: dust, worn fans or dried paste do that. Daily means say so by "
            "more than three standard errors.",
            ("warming", trend, "K/day"),
            ("standard error", error, "K/day"),
            ("over the period", trend * days, "K"),
        )


def _span_days(found: Findings) -> float:
    start = found.jobs.start_s
    return float(np.ptp(start)) / (24.0 * HOUR_S) if start.size else 0.0


def _unlike(found: Findings) -> Iterator[Recommendation]:
    high = [each for each in found.anomalies.anomalies if each.side == "high"] if found.anomalies else []
    if not high:
        return
    worst = high[0]
    more = sum(each.energy_j * (1.0 - 1.0 / each.ratio) for each in high)
    yield _made(
        "anomalies",
        "Look at runs that took more than usual",
        f"Job {worst.job_id} of {worst.user or 'an unknown user'} on {worst.node or 'an unknown node'} is farthest "
        f"from usual ({worst.group}). Compare its output, input and node with those of a usual run.",
        ("runs above usual", len(high), "runs"),
        (f"job {worst.job_id} over usual", worst.ratio, "times"),
        ("energy beyond usual of all of them", _kwh(more), "kWh"),
    )
    nodes: dict[str, int] = {}
    for each in high:
        if each.measure == "power" and each.node:
            nodes[each.node] = nodes.get(each.node, 0) + 1
    for name, count in sorted(nodes.items()):
        if count >= _limit("anomalies_of_node"):
            yield _made(
                f"node-{name}",
                f"Check {name}: runs draw more power there",
                f"Several runs drew more than their like on {name}. A failing fan, a turbo setting, a process left "
                "behind or a wrong sensor would look so.",
                ("runs above usual there", count, "runs"),
            )


def _predict(found: Findings) -> Iterator[Recommendation]:
    for score in found.predictions.scores if found.predictions else ():
        if score.target != "energy" or score.actual_source != "measured":
            continue
        off = score.mape is not None and score.mape > _limit("mape")
        skewed = score.relative_bias is not None and abs(score.relative_bias) > _limit("relative_bias")
        if off or skewed:
            name = " ".join(word for word in (score.model_version, score.method) if word) or "the model"
            yield _made(
                f"retrain-{score.model_version or score.method or 'model'}",
                f"Train {name} again",
                "Its predictions are off on measured energies. Make labels of this store's measurements (wattq "
                "telemetry align -o labels.csv) and train on them (wattq surrogate train-energy labels.csv).",
                ("mean relative error", None if score.mape is None else 100.0 * score.mape, "%"),
                ("relative bias", None if score.relative_bias is None else 100.0 * score.relative_bias, "%"),
                ("predictions with measured energy", score.predictions, "predictions"),
            )
