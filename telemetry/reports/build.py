"""A report from a store: one period, the parts that are asked for, and what to do about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from wattq import __version__
from wattq.errors import SurrogateError, TelemetryError
from wattq.surrogates.energy.align import JobWindow
from wattq.surrogates.energy.balance import NodeBalance, node_balances
from wattq.surrogates.energy.job_windows import windows_of_rows
from wattq.surrogates.energy.readings import measured_nodes
from wattq.surrogates.energy.windows import WindowTable
from wattq.telemetry.alignment import jobs_of_store
from wattq.telemetry.period import date_text
from wattq.telemetry.reports.advice import Findings, recommendations
from wattq.telemetry.reports.anomalies import anomaly_part
from wattq.telemetry.reports.efficiency import Reported, choose_jobs, efficiency_part
from wattq.telemetry.reports.grid import GridTerms
from wattq.telemetry.reports.jobs import JobTable, job_table
from wattq.telemetry.reports.predictions import prediction_part
from wattq.telemetry.reports.samples import SampleTable, sample_table
from wattq.telemetry.reports.schema import REPORT_FORMAT, REPORT_TYPES, Group, Period, PredictionPart, TelemetryReport
from wattq.telemetry.reports.thermal import thermal_part

if TYPE_CHECKING:
    from wattq.telemetry.store import Store

__all__ = ["make_report", "report_types"]

Kind = Literal["efficiency", "anomalies", "thermal", "predictions"]


def report_types(text: str) -> tuple[Kind, ...]:
    """Return the parts that a word names: one of `REPORT_TYPES`, several with commas, or ``all``.

    Raises:
        TelemetryError: for another word.
    """
    words = [word.strip().lower() for word in text.split(",")]
    if words == ["all"]:
        return cast("tuple[Kind, ...]", REPORT_TYPES)
    wrong = [word for word in words if word not in REPORT_TYPES]
    if wrong:
        raise TelemetryError(f"--type '{wrong[0][:60]}': it is one of {', '.join(REPORT_TYPES)}, or all")
    return tuple(cast("Kind", name) for name in REPORT_TYPES if name in words)


def make_report(
    store: Store, start_s: float, end_s: float, terms: GridTerms, types: Sequence[Kind] = cast("Any", REPORT_TYPES)
) -> TelemetryReport:
    """Return the report of a period: of the runs that began in it.

    Args:
        store: an open store.
        start_s: begin, Unix s.
        end_s: end, Unix s, not part of it.
        terms: price and intensity.
        types: the parts.

    Raises:
        TelemetryError: when the period is empty.
    """
    if not end_s > start_s:
        raise TelemetryError(f"--start {date_text(start_s)} --end {date_text(end_s)}: the end must be after the start")
    found = job_table(store.read("job_metrics", since_s=start_s, until_s=end_s))
    samples = sample_table(store.stream("node_metrics", since_s=start_s, until_s=end_s))
    chosen = choose_jobs(found)
    notes = _notes(found, chosen.coverage.left_out_synthetic, samples, terms)
    parts = _parts(store, (start_s, end_s), chosen, samples, terms, types, notes)
    return TelemetryReport(
        format=cast("Literal['wattq-telemetry-report-1']", REPORT_FORMAT),
        version=__version__,
        store=store.shown,
        period=Period(start_s=start_s, end_s=end_s, start=date_text(start_s), end=date_text(end_s)),
        types=list(types),
        coverage=chosen.coverage,
        efficiency=parts.efficiency,
        anomalies=parts.anomalies,
        thermal=parts.thermal,
        predictions=parts.predictions,
        recommendations=recommendations(parts),
        notes=notes,
    )


def _parts(
    store: Store,
    period: tuple[float, float],
    chosen: Reported,
    samples: SampleTable,
    terms: GridTerms,
    types: Sequence[Kind],
    notes: list[str],
) -> Findings:
    """Return the parts that are asked for; notes get what is missing."""
    jobs, efficiency, anomalies, thermal = chosen.jobs, None, None, None
    if "efficiency" in types:
        efficiency = efficiency_part(jobs, terms, _balances(store, samples, *period), period)
        notes += _grid_notes(efficiency.total)
    if "anomalies" in types:
        anomalies = anomaly_part(jobs, source="synthetic" if chosen.coverage.synthetic_only else "measured")
        notes += _anomaly_notes(anomalies.checked)
    if "thermal" in types:
        thermal = thermal_part(store.read("thermal_events", since_s=period[0], until_s=period[1]), samples, jobs)
        notes += [] if thermal.nodes else ["no thermal events and no temperatures in this period"]
    predictions = _predictions(store, *period, notes) if "predictions" in types else None
    return Findings(jobs, chosen.coverage, terms, efficiency, anomalies, thermal, predictions)


def _predictions(store: Store, start_s: float, end_s: float, notes: list[str]) -> PredictionPart:
    """Return scores of the predictions made in the period; their runs may begin later."""
    rows = store.read("energy_predictions", since_s=start_s, until_s=end_s)
    names = {str(row["job_id"]) for row in rows}
    jobs = [row for piece in store.stream("job_metrics", since_s=start_s) for row in piece if row["job_id"] in names]
    part = prediction_part(rows, jobs)
    if not rows:
        notes.append("no predictions were made in this period")
    elif not part.scores:
        notes.append(f"{len(rows)} predictions, and none whose actual value is known")
    return part


def _balances(store: Store, samples: SampleTable, start_s: float, end_s: float) -> tuple[NodeBalance, ...]:
    """Return where the measured energy of nodes went; of other periods nothing counts."""
    readings = samples.readings()
    if readings is None:
        return ()
    running = [row | {"end_time": end_s} for row in store.read("current_jobs") if float(row["time"]) < end_s]
    windows = (*_windows(lambda: jobs_of_store(store, start_s, end_s)), *_windows(lambda: windows_of_rows(running, "")))
    try:
        nodes, _ = measured_nodes(readings)
    except SurrogateError:
        return ()
    return node_balances({name: node.series for name, node in nodes.items()}, windows)


def _windows(make: Callable[[], WindowTable]) -> tuple[JobWindow, ...]:
    """Return windows, none where there are none; a node with a job that has not ended is not idle since that began."""
    try:
        return make().windows
    except SurrogateError:
        return ()


def _notes(found: JobTable, synthetic: int, samples: SampleTable, terms: GridTerms) -> list[str]:
    notes = []
    if not found.n_jobs:
        notes.append("no runs began in this period")
    elif not found.has_energy.any():
        notes.append("no run of this period has a known energy")
    if synthetic:
        notes.append(f"{synthetic} runs with synthetic energy are left out beside real ones")
    missing = [
        name
        for name, values in (("cpu_cores", found.cores), ("memory_mb", found.memory_mb), ("cpu_usage", found.cpu_usage))
        if found.n_jobs and (values != values).all()
    ]
    missing += [
        name
        for name, texts in (("user_id", found.user), ("partition", found.partition), ("job_type", found.kind))
        if found.n_jobs and (texts == "").all()
    ]
    if missing:
        notes.append(f"the store has no {', '.join(missing)} of these runs; what rests on them is empty")
    if samples.modelled:
        notes.append(f"{samples.modelled} samples of nodes with modelled power count in no energy of nodes")
    notes += [
        f"signal of {s.quantity}: {note}" for s in (terms.carbon, terms.price) if s is not None for note in s.notes
    ]
    return notes


def _grid_notes(total: Group) -> list[str]:
    """Tell of energy at times that a signal does not cover."""
    pairs = (("price", "cost", total.cost_share), ("carbon intensity", "CO2e", total.co2e_share))
    return [
        f"the {signal} covers {100.0 * share:.1f} % of the energy; {what} is of that part alone"
        for signal, what, share in pairs
        if share is not None and share < 1.0 - 1e-9
    ]


def _anomaly_notes(checked: int) -> list[str]:
    if checked >= 8:
        return []
    return [f"anomalies: {checked} runs with measured energy; eight are the least that can be compared"]
