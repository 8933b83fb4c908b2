"""What the API answers: fields and units."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "BatchAnswer",
    "Flag",
    "Health",
    "Interval",
    "ModelInfo",
    "Option",
    "Prediction",
    "Problem",
    "Ready",
    "RecentJobs",
    "Recommendation",
    "Recommendations",
    "Saving",
]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class Problem(_Answer):
    """Why a request was not answered."""

    detail: str | list[dict[str, Any]] = Field(description="what is wrong; one entry for each field of a body")
    request_id: str = Field(description="number of the request, also in the log")


class Flag(_Answer):
    """A value that lies outside what the model knows, or that it cannot use."""

    field: str
    value: float | str | None = Field(description="what was given")
    low: float | None = Field(default=None, description="lowest value within limits")
    high: float | None = Field(default=None, description="highest value within limits")
    used: float | str | None = Field(description="what was used in its place; the value itself where it was kept")
    message: str


class Interval(_Answer):
    """The middle 90 % of what is expected."""

    lower: float | None = Field(description="5 % quantile; null where the spread is not known")
    upper: float | None = Field(description="95 % quantile")
    std: float | None = Field(description="(upper - lower) / 3.29, as of a normal distribution")
    unit: str
    source: str = Field(description="where the spread comes from")


class Prediction(_Answer):
    """What a job is expected to use, cost and emit."""

    job_id: str | None = Field(default=None, description="as in the request")
    predicted_energy_j: float = Field(description="energy that the job is charged with, J")
    predicted_energy_wh: float = Field(description="the same, Wh")
    predicted_energy_kwh: float = Field(description="the same, kWh")
    confidence_interval: Interval = Field(
        description="middle 90 % of the energy, Wh: lower (5 %), upper (95 %), std; null where the spread is not known"
    )
    predicted_power_watts: float = Field(description="mean power of the job, all nodes, W")
    predicted_duration_seconds: float = Field(description="run time, s")
    duration_interval: Interval = Field(description="middle 90 % of the run time, s; null where it was given")
    hosts: int = Field(description="nodes")
    node_share: float = Field(description="share of its nodes that the job is charged with")
    facility_energy_wh: float = Field(description="energy times PUE, Wh; cost and CO2e are of it")
    pue: float = Field(description="PUE of the settings")
    estimated_cost: float = Field(description="price over the window times energy, in the currency")
    currency: str = Field(description="currency of the prices")
    estimated_cost_usd: float | None = Field(description="the cost where the currency is USD, else null")
    cost_source: str = Field(description="where the price comes from: a forecast, or the default")
    estimated_co2_kg: float = Field(description="carbon intensity over the window times energy, kg CO2e")
    co2_source: str = Field(description="where the intensity comes from")
    window_start: str = Field(description="begin of the time that price and carbon intensity are taken over")
    window_end: str = Field(description="its end: the start and the run time")
    prediction_timestamp: str = Field(description="when it was predicted; a cached answer keeps its date")
    prediction_method: str = Field(
        description="`runtime-model` or `given-duration`, and `energy-model` or `node-power`, joined by a plus sign"
    )
    model_version: str = Field(description="models in use with the first digits of their digests")
    workload_pattern: str | None = Field(
        description="class by processor, memory, reading and writing; null where none of them is given"
    )
    flags: list[Flag] = Field(description="values outside the limits, and what was used in their place")
    notes: list[str] = Field(description="what was assumed, and which fields were of no use")
    from_cache: bool = Field(default=False, description="whether an equal request was answered before")


class BatchAnswer(_Answer):
    """Predictions, in the order of the request."""

    predictions: list[Prediction]


class Option(_Answer):
    """One start."""

    rank: int
    start_time: str
    delay_s: float
    cost: float
    co2_g: float
    facility_energy_wh: float


class Saving(_Answer):
    """What the recommended start saves against a start now; below 0: what it costs more."""

    energy_wh: float
    energy_reason: str
    cost: float
    currency: str
    co2_g: float


class Recommendation(_Answer):
    """When to start a job."""

    rank: int
    job_id: str | None = None
    action: Literal["start now", "defer"]
    start_time: str
    delay_s: float
    saving: Saving
    reason: str
    predicted_energy_wh: float
    predicted_duration_seconds: float
    efficiency_score: float = Field(description="energy per run time, Wh/s")
    priority_score: float = Field(description="1 / (1 + efficiency_score / 100)")
    recommendation: Literal["high", "medium", "low"] = Field(
        description="high above a priority of 0.7, medium above 0.4, else low"
    )
    options: list[Option] = Field(description="the best starts, best first")
    prediction: Prediction


class Recommendations(_Answer):
    """Recommendations, highest priority first."""

    objective: Literal["cost", "carbon"]
    cost_source: str
    co2_source: str
    issued: str
    recommendations: list[Recommendation]


class Health(_Answer):
    """How the service is."""

    status: Literal["healthy", "unhealthy"]
    timestamp: str
    model_loaded: bool
    version: str
    redis_connected: bool | None = Field(description="null where no Redis is set")
    uptime_s: float


class Ready(_Answer):
    """Whether requests can be answered."""

    ready: bool
    model_loaded: bool
    store: Literal["answers", "away", "not set"]


class ModelInfo(_Answer):
    """What predicts."""

    model_version: str
    runtime: dict[str, Any] | None = Field(description="the bundle of run times, as its manifest describes it")
    energy: dict[str, Any] | None = Field(description="the bundle of power")
    node_power: dict[str, float] = Field(description="power of a node by its utilisation, W")
    history: dict[str, Any] = Field(description="jobs that the features of users are made of")
    signals: dict[str, Any] = Field(description="prices and carbon intensities in use")


class RecentJobs(_Answer):
    """Rows of the store, newest first."""

    count: int
    jobs: list[dict[str, Any]]
