"""What ``report.json`` holds, as a schema that it is written and read by.

All energies are joules, powers watts, times Unix seconds, temperatures degrees Celsius; null where something is not
known or not defined.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from wattq.errors import TelemetryError
from wattq.json_model import read_json_model

__all__ = [
    "REPORT_FORMAT",
    "REPORT_TYPES",
    "AnomalyPart",
    "Coverage",
    "Daily",
    "EfficiencyPart",
    "Evidence",
    "Grid",
    "GridTerm",
    "Group",
    "JobAnomaly",
    "NodeHeat",
    "NodeUse",
    "Period",
    "PredictionPart",
    "Recommendation",
    "Scores",
    "TelemetryReport",
    "ThermalPart",
    "read_report",
]

REPORT_FORMAT = "wattq-telemetry-report-1"
REPORT_TYPES = ("efficiency", "anomalies", "thermal", "predictions")
"""Parts of a report; ``all`` makes every one."""

Number = float | None


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Period(_Strict):
    """The time that a report is of: runs that began in [start, end)."""

    start_s: float
    end_s: float
    start: str = Field(description="the same as UTC date")
    end: str


class Coverage(_Strict):
    """How much of what is reported was measured."""

    jobs: int = Field(ge=0, description="runs that began in the period")
    running: int = Field(ge=0, description="of them not ended; they are in no other figure")
    with_energy: int = Field(ge=0, description="ended runs whose energy is known")
    left_out_synthetic: int = Field(ge=0, description="runs with synthetic energy, left out beside real ones")
    synthetic_only: bool = Field(description="whether all energy of the report is synthetic")
    energy_j: float = Field(ge=0, description="energy of the runs that are reported, J")
    by_source: dict[str, float] = Field(description="the same by measured, modelled, synthetic, unknown, J")
    by_meter: dict[str, float] = Field(description="measured energy by what measured it, J")
    measured_share: Number = Field(ge=0, le=1, description="measured share of the energy")
    mean_coverage: Number = Field(ge=0, le=1, description="mean measured share of the measured runs' time")


class GridTerm(_Strict):
    """A price or an intensity."""

    kind: Literal["signal", "constant"]
    unit: str
    value: Number = Field(description="of a constant")
    region: str
    source: str
    synthetic: bool
    span: str = Field(description="what a signal covers")


class Grid(_Strict):
    """What cost and CO2e rest on."""

    carbon: GridTerm
    price: GridTerm
    currency: str
    pue: float = Field(ge=1, description="facility over machine power, in cost and CO2e")


class Group(_Strict):
    """Runs that have something in common. Ratios are of completed runs whose energy is known."""

    name: str
    jobs: int = Field(ge=0, description="ended runs")
    completed: int = Field(ge=0)
    with_energy: int = Field(ge=0, description="ended runs whose energy is known")
    energy_j: float = Field(ge=0, description="energy of all of them, J")
    measured_share: Number = Field(description="measured share of that energy")
    modelled_share: Number = Field(description="modelled share")
    lost_j: float = Field(ge=0, description="energy of runs that did not complete, J")
    wh_per_job: Number
    wh_per_cpu_hour: Number
    wh_per_gb_hour: Number
    used_cpu_hours_per_kwh: Number = Field(description="cores x hours x utilisation for a kWh, where all is known")
    mean_cpu_usage: Number = Field(description="percent, weighted with cores x hours")
    cost: Number = Field(description="in the grid's currency, of the energy whose time the price covers")
    cost_share: Number = Field(description="share of the energy that it is of")
    co2e_kg: Number = Field(description="of the energy whose time the intensity covers")
    co2e_share: Number = Field(description="share of the energy that it is of")


class Daily(_Strict):
    """A day (UTC) by the source of its energy, J."""

    day: str
    measured_j: float = Field(ge=0)
    modelled_j: float = Field(ge=0)
    synthetic_j: float = Field(ge=0)
    unknown_j: float = Field(ge=0)


class NodeUse(_Strict):
    """Measured energy of a node in the period, and what of it no job had, J."""

    node: str
    energy_j: float = Field(ge=0)
    jobs_j: float
    idle_j: float
    coverage: float = Field(ge=0, le=1, description="measured share of its span")
    hours: float = Field(ge=0, description="its span of samples, h")


class EfficiencyPart(_Strict):
    """Energy for work."""

    total: Group
    by: dict[str, list[Group]] = Field(
        description="by day, user, partition, job_type; most energy first, days in order"
    )
    daily: list[Daily]
    grid: Grid
    nodes: list[NodeUse] = Field(description="nodes whose power was measured")


class JobAnomaly(_Strict):
    """A run unlike those of its group."""

    job_id: str
    start_s: float
    user: str
    node: str
    measure: Literal["power", "energy"]
    group: str = Field(description="the runs that it is compared with")
    value: float = Field(description="W per node, or J")
    usual: float = Field(description="median of the group")
    ratio: float = Field(ge=0, description="value / usual")
    side: Literal["low", "high"]
    energy_j: float = Field(ge=0)


class AnomalyPart(_Strict):
    """Runs whose power or energy is unlike that of their like."""

    checked: int = Field(ge=0, description="runs with measured energy")
    groups: int = Field(ge=0)
    fence: float = Field(gt=0, description="interquartile ranges beyond the quartiles")
    least_ratio: dict[str, float] = Field(description="by measure: how far from the median a run must be at least")
    anomalies: list[JobAnomaly] = Field(description="farthest from usual first")
    share: Number = Field(description="share of the checked runs that are listed")


class NodeHeat(_Strict):
    """Heat of a node in the period."""

    node: str
    events: int = Field(ge=0)
    high: int = Field(ge=0)
    critical: int = Field(ge=0)
    throttling: int = Field(ge=0, description="events of throttling")
    event_seconds: float = Field(ge=0)
    max_event_c: Number
    max_excess_k: Number = Field(description="most that a threshold was passed by")
    max_cpu_c: Number = Field(description="of samples")
    max_gpu_c: Number
    cpu_above_warning: Number = Field(description="share of samples above 75 degC")
    cpu_above_critical: Number = Field(description="share of samples above 85 degC")
    trend_k_per_day: Number = Field(description="warming at equal load, by daily means")
    trend_error_k_per_day: Number = Field(description="its standard error")
    hotspot: bool = Field(description="events of severity high or critical, or samples above 85 degC")


class ThermalPart(_Strict):
    """Where it is hot."""

    nodes: list[NodeHeat] = Field(description="hottest first")
    throttled_jobs: int = Field(ge=0)
    throttled_energy_j: float = Field(ge=0)
    jobs_with_throttling_known: int = Field(ge=0)
    samples: int = Field(ge=0, description="samples of node_metrics with a temperature")


class Scores(_Strict):
    """Predictions of one model and method against what was so; raw values, no transformation."""

    target: Literal["energy", "duration"]
    model_version: str
    method: str
    actual_source: str = Field(description="measured, modelled, synthetic or unknown; never mixed")
    predictions: int = Field(ge=1)
    mae: float = Field(ge=0, description="mean absolute error, J or s")
    rmse: float = Field(ge=0)
    mape: Number = Field(description="mean absolute error relative to the actual value")
    bias: float = Field(description="mean of predicted - actual, J or s")
    relative_bias: Number = Field(description="sum of predicted over sum of actual, less 1")
    r2: Number = Field(description="1 - sum of squared errors / sum of squares about the mean")
    ks: float = Field(ge=0, le=1, description="largest distance of the two distribution functions")
    within_10_percent: Number
    interval_coverage: Number = Field(description="share of actual values within the predicted 5-95 % interval")


class PredictionPart(_Strict):
    """Predictions against actual values."""

    scores: list[Scores]
    without_actual: int = Field(ge=0, description="predictions whose actual energy is not known yet")
    pairs: list[tuple[str, float, float]] = Field(
        description="actual source, predicted and actual J, at most 2,000 evenly taken"
    )


class Evidence(_Strict):
    """A number that a recommendation rests on."""

    name: str
    value: float
    unit: str


class Recommendation(_Strict):
    """Something to do, and why."""

    id: str
    title: str
    text: str
    evidence: list[Evidence] = Field(min_length=1)


class TelemetryReport(_Strict):
    """The whole file; its JSON schema is ``TelemetryReport.model_json_schema()``."""

    format: Literal["wattq-telemetry-report-1"]
    version: str = Field(description="of wattq")
    store: str = Field(description="without password")
    period: Period
    types: list[Literal["efficiency", "anomalies", "thermal", "predictions"]]
    coverage: Coverage
    efficiency: EfficiencyPart | None
    anomalies: AnomalyPart | None
    thermal: ThermalPart | None
    predictions: PredictionPart | None
    recommendations: list[Recommendation]
    notes: list[str] = Field(description="what is missing or was left out")


def read_report(path: Path) -> TelemetryReport:
    """Return the content of a ``report.json``.

    Raises:
        MissingFileError: it cannot be read.
        TelemetryError: it breaks the schema; the message names the first key that does.
    """
    return read_json_model(path, TelemetryReport, TelemetryError)
