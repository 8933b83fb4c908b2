"""What the store derives from its tables: roll-ups that outlive the rows, and views; plain descriptions and SQL.

The SQL is one text for SQLite, PostgreSQL and TimescaleDB. In braces stand what they spell differently: ``{bucket}``
is the begin of the hour or day of ``time``, ``{ago_7d}`` and ``{ago_24h}`` that long ago,
``{elapsed}`` the seconds from ``j.time`` until now.
"""

from __future__ import annotations

from dataclasses import dataclass

from wattq.telemetry.store.fields import DAY_S, HOUR_S, Field, Table

__all__ = ["COUNTED", "RATIOS", "ROLLUPS", "RUNNING_STATES", "SUMS", "VIEWS", "Rollup", "View"]

RUNNING_STATES = ("STARTING", "CONFIGURING", "RUNNING", "SUSPENDED", "STOPPED", "RESIZING", "COMPLETING")
"""States of jobs that hold nodes now."""


@dataclass(frozen=True)
class Rollup:
    """A roll-up: a continuous aggregate of TimescaleDB, or a table that `Store.maintain` fills.

    Attributes:
        table: its name and columns.
        source: the table that it sums up.
        step_s: length of a bucket, in seconds.
        sql: the query that it holds the rows of.
    """

    table: Table
    source: str
    step_s: int
    sql: str


@dataclass(frozen=True)
class View:
    """A view: its columns and its query."""

    table: Table
    sql: str


COUNTED = "job_state = 'COMPLETED' AND energy_j IS NOT NULL AND cpu_cores IS NOT NULL AND duration_seconds IS NOT NULL"
"""Which runs of `job_metrics` efficiencies are made of: those that have all that the ratios need."""

SUMS = """COUNT(*) AS jobs_completed,
               SUM(energy_j) AS energy_j,
               SUM(cpu_cores * duration_seconds) / 3600.0 AS total_cpu_hours,
               CASE WHEN COUNT(memory_mb) = COUNT(*)
                    THEN SUM(memory_mb * duration_seconds) / 1024.0 / 3600.0 END AS total_memory_gb_hours"""
"""What they are made of; the memory is known when that of every run is."""

RATIOS = """energy_j / 3600.0 / NULLIF(jobs_completed, 0) AS energy_per_job_wh,
           energy_j / 3600.0 / NULLIF(total_cpu_hours, 0) AS energy_per_cpu_hour_wh,
           energy_j / 3600.0 / NULLIF(total_memory_gb_hours, 0) AS energy_per_gb_hour_wh"""

_BUCKET = Field("bucket", "time", "Unix s", "when the hour or day began")
_NODE = Field("node_id", "text", "", "name of the node, or the list of nodes of a job on several")
JOB_METRICS_HOURLY = Rollup(
    Table(
        "job_metrics_hourly",
        "the runs that began in an hour, by kind of job and node",
        (
            _BUCKET,
            Field("job_type", "text", "", "kind of job; empty text where none is known"),
            Field("node_id", "text", "", "name of the node, or the list of nodes; empty text where none is known"),
            Field("job_count", "int", "1", "runs"),
            Field("jobs_completed", "int", "1", "runs in state COMPLETED"),
            Field("jobs_failed", "int", "1", "runs that failed: FAILED, TIMEOUT, OUT_OF_MEMORY, NODE_FAIL, ..."),
            Field("total_duration_seconds", "real", "s", "sum of run times"),
            Field("avg_duration_seconds", "real", "s", "mean run time"),
            Field("total_cpu_hours", "real", "h", "cores x hours"),
            Field("avg_cpu_usage", "real", "%", "mean of the runs' CPU utilisation"),
            Field("avg_memory_usage", "real", "%", "mean of the runs' memory utilisation"),
            Field("avg_cpu_temp", "real", "°C", "mean of the runs' mean CPU temperature"),
            Field("peak_cpu_temp", "real", "°C", "highest CPU temperature"),
            Field("avg_power_watts", "real", "W", "mean of the runs' mean power"),
            Field("peak_power_watts", "real", "W", "highest power of a run"),
            Field("energy_j", "real", "J", "sum of energies"),
            Field("measured_energy_j", "real", "J", "the part of it that was measured"),
            Field("energy_wh", "real", "Wh", "`energy_j` / 3600"),
        ),
        key=("bucket", "job_type", "node_id"),
        clock="bucket",
    ),
    "job_metrics",
    HOUR_S,
    """
    SELECT {bucket} AS bucket,
           COALESCE(job_type, '') AS job_type,
           COALESCE(node_id, '') AS node_id,
           COUNT(*) AS job_count,
           CAST(SUM(CASE WHEN job_state = 'COMPLETED' THEN 1 ELSE 0 END) AS BIGINT) AS jobs_completed,
           CAST(SUM(CASE WHEN job_state IN ('FAILED', 'TIMEOUT', 'OUT_OF_MEMORY', 'NODE_FAIL', 'BOOT_FAIL', 'DEADLINE')
                         THEN 1 ELSE 0 END)
                AS BIGINT) AS jobs_failed,
           SUM(duration_seconds) AS total_duration_seconds,
           AVG(duration_seconds) AS avg_duration_seconds,
           SUM(cpu_cores * duration_seconds) / 3600.0 AS total_cpu_hours,
           AVG(cpu_usage) AS avg_cpu_usage,
           AVG(memory_usage) AS avg_memory_usage,
           AVG(avg_cpu_temp) AS avg_cpu_temp,
           MAX(peak_cpu_temp) AS peak_cpu_temp,
           AVG(avg_power_watts) AS avg_power_watts,
           MAX(peak_power_watts) AS peak_power_watts,
           SUM(energy_j) AS energy_j,
           SUM(CASE WHEN energy_source = 'measured' THEN energy_j ELSE 0 END) AS measured_energy_j,
           SUM(energy_j) / 3600.0 AS energy_wh
    FROM job_metrics
    {where}
    GROUP BY {bucket}, COALESCE(job_type, ''), COALESCE(node_id, '')
    """,
)

ENERGY_EFFICIENCY_DAILY = Rollup(
    Table(
        "energy_efficiency_daily",
        "a day (UTC) of a node: the sums of its hours",
        (
            _BUCKET,
            _NODE,
            Field("energy_j", "real", "J", "energy of the jobs that completed"),
            Field("jobs_completed", "int", "1", "how many"),
            Field("total_cpu_hours", "real", "h", "cores x hours"),
            Field("total_memory_gb_hours", "real", "GiB h", "memory x hours"),
            Field("energy_per_job_wh", "real", "Wh", "per job"),
            Field("energy_per_cpu_hour_wh", "real", "Wh/h", "per core and hour"),
            Field("energy_per_gb_hour_wh", "real", "Wh/(GiB h)", "per GiB of memory and hour"),
            Field("avg_thermal_efficiency", "real", "0-1", "mean of its hours"),
            Field("cooling_efficiency", "real", "W/K", "mean of its hours"),
        ),
        key=("bucket", "node_id"),
        clock="bucket",
    ),
    "energy_efficiency",
    DAY_S,
    """
    SELECT {bucket} AS bucket,
           node_id,
           SUM(energy_j) AS energy_j,
           CAST(SUM(jobs_completed) AS BIGINT) AS jobs_completed,
           SUM(total_cpu_hours) AS total_cpu_hours,
           CASE WHEN COUNT(total_memory_gb_hours) = COUNT(*)
                THEN SUM(total_memory_gb_hours) END AS total_memory_gb_hours,
           SUM(energy_j) / 3600.0 / NULLIF(SUM(jobs_completed), 0) AS energy_per_job_wh,
           SUM(energy_j) / 3600.0 / NULLIF(SUM(total_cpu_hours), 0) AS energy_per_cpu_hour_wh,
           CASE WHEN COUNT(total_memory_gb_hours) = COUNT(*)
                THEN SUM(energy_j) / 3600.0 / NULLIF(SUM(total_memory_gb_hours), 0) END AS energy_per_gb_hour_wh,
           AVG(avg_thermal_efficiency) AS avg_thermal_efficiency,
           AVG(cooling_efficiency) AS cooling_efficiency
    FROM energy_efficiency
    {where}
    GROUP BY {bucket}, node_id
    """,
)

ROLLUPS: dict[str, Rollup] = {rollup.table.name: rollup for rollup in (JOB_METRICS_HOURLY, ENERGY_EFFICIENCY_DAILY)}
"""Roll-ups, by name; they are kept for ever."""

_RUNNING = ", ".join(f"'{state}'" for state in RUNNING_STATES)

CURRENT_JOBS = View(
    Table(
        "current_jobs",
        "a job that runs now: its latest run, not ended, in a state that holds nodes",
        (
            Field("job_id", "text", "", "the job"),
            Field("time", "time", "Unix s", "when the run began"),
            Field("elapsed_seconds", "real", "s", "how long it has run"),
            Field("job_name", "text", "", "name that the user gave"),
            Field("job_type", "text", "", "what kind of job it is said to be"),
            Field("job_state", "text", "", "state in the words of the resource manager"),
            Field("node_id", "text", "", "name of the node, or the list of nodes"),
            Field("node_count", "int", "1", "how many nodes"),
            Field("user_id", "text", "", "who submitted it"),
            Field("account", "text", "", "account that is charged"),
            Field("qos", "text", "", "quality of service"),
            Field("partition", "text", "", "partition"),
            Field("cpu_cores", "int", "1", "cores"),
            Field("memory_mb", "real", "MiB", "memory"),
            Field("cpu_usage", "real", "%", "mean utilisation of its cores so far"),
            Field("memory_usage", "real", "%", "mean share of its memory in use so far"),
            Field("avg_cpu_temp", "real", "°C", "mean CPU temperature so far"),
            Field("avg_power_watts", "real", "W", "mean power so far"),
            Field("peak_power_watts", "real", "W", "highest power so far"),
            Field("energy_j", "real", "J", "energy so far"),
            Field("energy_source", "text", "", "where the energy comes from"),
            Field("estimated_energy_wh", "real", "Wh", "`energy_j` / 3600"),
            Field("workload_pattern", "text", "", "class by what it did so far"),
        ),
        clock="time",
    ),
    f"""
    SELECT j.job_id, j.time, {{elapsed}} AS elapsed_seconds, j.job_name, j.job_type, j.job_state, j.node_id,
           j.node_count, j.user_id, j.account, j.qos, j.partition, j.cpu_cores, j.memory_mb, j.cpu_usage,
           j.memory_usage, j.avg_cpu_temp, j.avg_power_watts, j.peak_power_watts, j.energy_j, j.energy_source,
           j.estimated_energy_wh, j.workload_pattern
    FROM job_metrics j
    WHERE j.end_time IS NULL
      AND j.job_state IN ({_RUNNING})
      AND NOT EXISTS (SELECT 1 FROM job_metrics later WHERE later.job_id = j.job_id AND later.time > j.time)
    """,
)

NODE_EFFICIENCY_RANKING = View(
    Table(
        "node_efficiency_ranking",
        "a node, by the jobs on it alone that began in the last 7 days, completed, and whose ratios are known",
        (
            Field("efficiency_rank", "int", "1", "1 needs the least energy per core and hour"),
            Field("node_id", "text", "", "name of the node"),
            Field("jobs_completed", "int", "1", "how many"),
            Field("energy_j", "real", "J", "their energy"),
            Field("total_cpu_hours", "real", "h", "cores x hours"),
            Field("total_memory_gb_hours", "real", "GiB h", "memory x hours"),
            Field("energy_per_job_wh", "real", "Wh", "per job"),
            Field("energy_per_cpu_hour_wh", "real", "Wh/h", "per core and hour"),
            Field("energy_per_gb_hour_wh", "real", "Wh/(GiB h)", "per GiB of memory and hour"),
            Field("avg_power_watts", "real", "W", "mean of their mean power"),
            Field("avg_cpu_temp", "real", "°C", "mean of their mean CPU temperature"),
        ),
    ),
    f"""
    SELECT RANK() OVER (ORDER BY CASE WHEN total_cpu_hours > 0 THEN 0 ELSE 1 END,
                                 energy_j / NULLIF(total_cpu_hours, 0)) AS efficiency_rank,
           node_id, jobs_completed, energy_j, total_cpu_hours, total_memory_gb_hours,
           {RATIOS},
           avg_power_watts, avg_cpu_temp
    FROM (
        SELECT node_id,
               {SUMS},
               AVG(avg_power_watts) AS avg_power_watts,
               AVG(avg_cpu_temp) AS avg_cpu_temp
        FROM job_metrics
        WHERE {COUNTED} AND node_id IS NOT NULL AND COALESCE(node_count, 1) = 1 AND time >= {{ago_7d}}
        GROUP BY node_id
    ) sums
    """,
)

THERMAL_HOTSPOTS = View(
    Table(
        "thermal_hotspots",
        "a node with thermal events of severity high or critical in the last 24 hours",
        (
            Field("node_id", "text", "", "name of the node"),
            Field("severity", "text", "", "the worst severity"),
            Field("events", "int", "1", "how many events"),
            Field("critical_events", "int", "1", "how many of them were critical"),
            Field("max_temperature", "real", "°C", "highest temperature"),
            Field("avg_temperature", "real", "°C", "mean of the events' temperature"),
            Field("max_excess", "real", "K", "most that a threshold was passed by"),
            Field("total_duration_seconds", "real", "s", "sum of durations"),
            Field("last_time", "time", "Unix s", "when the latest began"),
        ),
        clock="last_time",
    ),
    """
    SELECT node_id,
           CASE WHEN SUM(CASE WHEN severity = 'critical' THEN 1 ELSE 0 END) > 0
                THEN 'critical' ELSE 'high' END AS severity,
           COUNT(*) AS events,
           CAST(SUM(CASE WHEN severity = 'critical' THEN 1 ELSE 0 END) AS BIGINT) AS critical_events,
           MAX(temperature) AS max_temperature,
           AVG(temperature) AS avg_temperature,
           MAX(temperature - threshold) AS max_excess,
           SUM(duration_seconds) AS total_duration_seconds,
           MAX(time) AS last_time
    FROM thermal_events
    WHERE severity IN ('high', 'critical') AND time >= {ago_24h}
    GROUP BY node_id
    """,
)

PREDICTION_ACCURACY = View(
    Table(
        "prediction_accuracy",
        "a model and method, by its predictions whose actual energy is known",
        (
            Field("model_version", "text", "", "the model"),
            Field("prediction_method", "text", "", "kind of model"),
            Field("predictions", "int", "1", "how many"),
            Field("mean_abs_error_wh", "real", "Wh", "mean absolute error"),
            Field("mean_abs_error_percent", "real", "%", "mean absolute error relative to the actual energy"),
            Field("mean_error_percent", "real", "%", "mean error relative to the actual energy, with its sign"),
            Field("within_10_percent", "real", "%", "share of predictions off by at most 10 %"),
            Field("interval_coverage", "real", "0-1", "share of actual energies within the predicted 5-95 % interval"),
            Field("last_time", "time", "Unix s", "when the latest was made"),
        ),
        clock="last_time",
    ),
    """
    SELECT model_version, prediction_method,
           COUNT(*) AS predictions,
           AVG(ABS(predicted_energy_j - actual_energy_j)) / 3600.0 AS mean_abs_error_wh,
           AVG(ABS(prediction_error_percent)) AS mean_abs_error_percent,
           AVG(prediction_error_percent) AS mean_error_percent,
           AVG(CASE WHEN ABS(prediction_error_percent) <= 10.0 THEN 100.0
                    WHEN prediction_error_percent IS NOT NULL THEN 0.0 END) AS within_10_percent,
           AVG(CASE WHEN energy_low_j IS NULL OR energy_high_j IS NULL THEN NULL
                    WHEN actual_energy_j BETWEEN energy_low_j AND energy_high_j THEN 1.0 ELSE 0.0 END)
               AS interval_coverage,
           MAX(time) AS last_time
    FROM energy_predictions
    WHERE predicted_energy_j IS NOT NULL AND actual_energy_j IS NOT NULL
    GROUP BY model_version, prediction_method
    """,
)

VIEWS: dict[str, View] = {
    view.table.name: view for view in (CURRENT_JOBS, NODE_EFFICIENCY_RANKING, THERMAL_HOTSPOTS, PREDICTION_ACCURACY)
}
"""Views, by name."""
