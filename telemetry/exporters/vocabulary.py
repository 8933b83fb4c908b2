"""The vocabulary of metrics: every name that an exporter, the API, a dashboard or an alert may use.

Canonical names begin with ``wattq_`` and use base units. The names that existing dashboards ask for (``hpc_``) are
aliases, shown beside them unless they are switched off.
"""

from __future__ import annotations

from wattq.telemetry.exporters.metric import Alias, Exporter, Kind, Metric
from wattq.telemetry.exporters.vocabulary_node import NODE_METRICS
from wattq.telemetry.exporters.vocabulary_slurm import JOB_DURATION_BUCKETS_S, JOB_STATE_CODES, SLURM_METRICS

__all__ = [
    "API_METRICS",
    "JOB_DURATION_BUCKETS_S",
    "JOB_STATE_CODES",
    "METRICS",
    "NODE_METRICS",
    "SLURM_METRICS",
    "Alias",
    "Exporter",
    "Kind",
    "Metric",
    "find_metric",
    "metrics_of",
]

API_METRICS: tuple[Metric, ...] = (
    Metric(
        "wattq_api_requests_total",
        "counter",
        "api",
        ("route", "method", "code"),
        "",
        "Requests answered, by route, method and HTTP status",
        (Alias("hpc_energy_api_requests_total"),),
    ),
    Metric(
        "wattq_api_request_duration_seconds",
        "histogram",
        "api",
        ("route",),
        "seconds",
        "Time from a request to its answer",
        (),
        (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
    ),
    Metric(
        "wattq_api_model_loaded",
        "gauge",
        "api",
        (),
        "",
        "1 where a model of energy is loaded, else 0",
        (Alias("hpc_energy_api_model_loaded"),),
    ),
    Metric(
        "wattq_api_uptime_seconds",
        "gauge",
        "api",
        (),
        "seconds",
        "Time since the API began",
        (Alias("hpc_energy_api_uptime_seconds"),),
    ),
    Metric("wattq_api_cache_hits_total", "counter", "api", (), "", "Predictions answered from the cache"),
    Metric("wattq_api_cache_misses_total", "counter", "api", (), "", "Predictions that were not in the cache"),
)
"""Every metric of the API."""

METRICS: tuple[Metric, ...] = (*NODE_METRICS, *SLURM_METRICS, *API_METRICS)
"""Every metric of wattq, in the order of the documentation."""

_SERIES = ("_bucket", "_sum", "_count")
_BY_NAME = {name: metric for metric in METRICS for name in metric.names}


def metrics_of(exporter: Exporter) -> tuple[Metric, ...]:
    """Return the metrics of an exporter."""
    return tuple(metric for metric in METRICS if metric.exporter == exporter)


def find_metric(name: str) -> Metric | None:
    """Return the metric of a name, an alias, or a series of a histogram (``_bucket``, ``_sum``, ``_count``)."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    stem = name.rpartition("_")[0]
    metric = _BY_NAME.get(stem)
    return metric if metric is not None and metric.kind == "histogram" and name[len(stem) :] in _SERIES else None
