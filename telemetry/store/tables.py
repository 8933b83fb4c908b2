"""Tables of the store: columns, units, keys, how long rows are kept; plain descriptions that need no library.

Energies are written in joules; the columns in watt-hours that operators know are computed from them by the database.
"""

from __future__ import annotations

from wattq.telemetry.store.fields import Field, Table

__all__ = ["EVENT_TYPES", "PATTERNS", "PATTERN_ROWS", "SEVERITIES", "SOURCES", "TABLES"]

SOURCES = ("measured", "modelled", "synthetic")
PATTERNS = ("cpu_intensive", "memory_intensive", "io_intensive", "mixed", "light")
EVENT_TYPES = ("throttling", "overheat", "cooling")
SEVERITIES = ("low", "medium", "high", "critical")

_JOB = Field("job_id", "text", "", "the job as the resource manager names it, such as 17 or 17_3")
_NODE = Field("node_id", "text", "", "name of the node")


def _wh(name: str, joules: str) -> Field:
    return Field(name, "real", "Wh", f"`{joules}` / 3600", computed=f"{joules} / 3600.0")


JOB_METRICS = Table(
    "job_metrics",
    "a run of a job",
    (
        Field("time", "time", "Unix s", "when the run began"),
        _JOB,
        Field("job_name", "text", "", "name that the user gave"),
        Field("job_type", "text", "", "what kind of job it is said to be"),
        Field("node_id", "text", "", "name of the node, or the list of nodes"),
        Field("node_count", "int", "1", "how many nodes"),
        Field("user_id", "text", "", "who submitted it"),
        Field("account", "text", "", "account that is charged"),
        Field("qos", "text", "", "quality of service"),
        Field("partition", "text", "", "partition"),
        Field("submit_time", "time", "Unix s", "when it was submitted"),
        Field("end_time", "time", "Unix s", "when the run ended; empty while it runs"),
        Field("duration_seconds", "real", "s", "how long it ran"),
        Field("walltime_seconds", "real", "s", "how long it was allowed to run; empty without a limit"),
        Field("cpu_cores", "int", "1", "cores that it held, on all nodes"),
        Field("memory_mb", "real", "MiB", "memory that it held, on all nodes"),
        Field("cpu_usage", "real", "%", "mean utilisation of its cores"),
        Field("memory_usage", "real", "%", "mean share of its memory in use"),
        Field("io_read_mbps", "real", "MB/s", "mean rate of reading from disks"),
        Field("io_write_mbps", "real", "MB/s", "mean rate of writing to disks"),
        Field("network_rx_mbps", "real", "MB/s", "mean rate of receiving"),
        Field("network_tx_mbps", "real", "MB/s", "mean rate of sending"),
        Field("avg_cpu_temp", "real", "°C", "mean CPU temperature"),
        Field("peak_cpu_temp", "real", "°C", "highest CPU temperature"),
        Field("avg_gpu_temp", "real", "°C", "mean GPU temperature"),
        Field("peak_gpu_temp", "real", "°C", "highest GPU temperature"),
        Field("thermal_throttling", "bool", "", "whether a core was throttled during the run"),
        Field("avg_power_watts", "real", "W", "mean power"),
        Field("peak_power_watts", "real", "W", "highest power of a sample"),
        Field("energy_j", "real", "J", "energy of the run"),
        Field("energy_source", "text", "", "where the energy comes from", choices=SOURCES),
        Field("energy_meter", "text", "", "what measured it: rapl, nvml, ipmi, hwmon, acct_gather, or model"),
        Field("energy_coverage", "real", "0-1", "share of the run that samples cover"),
        _wh("estimated_energy_wh", "energy_j"),
        Field("job_state", "text", "", "state in the words of the resource manager, such as RUNNING or COMPLETED"),
        Field("exit_code", "int", "", "exit code of the job"),
        Field("workload_pattern", "text", "", "class by what it did", choices=PATTERNS),
        Field("prediction_accuracy", "real", "%", "100 less the absolute error of its predicted energy, at least 0"),
    ),
    key=("time", "job_id"),
    clock="time",
    kept_days=30,
    indexes=(
        ("job_id", "time"),
        ("node_id", "time"),
        ("user_id", "time"),
        ("job_type", "time"),
        ("job_state", "time"),
    ),
)

NODE_METRICS = Table(
    "node_metrics",
    "a sample of a node",
    (
        Field("time", "time", "Unix s", "when the sample was taken"),
        _NODE,
        Field("cpu_usage", "real", "%", "utilisation of all cores"),
        Field("memory_usage", "real", "%", "share of memory in use"),
        Field("disk_usage", "real", "%", "share of the fullest file system in use"),
        Field("load_avg_1m", "real", "1", "load average of 1 min"),
        Field("load_avg_5m", "real", "1", "load average of 5 min"),
        Field("load_avg_15m", "real", "1", "load average of 15 min"),
        Field("cpu_temp", "real", "°C", "hottest CPU sensor"),
        Field("gpu_temp", "real", "°C", "hottest GPU"),
        Field("system_temp", "real", "°C", "board or air inlet"),
        Field("fan_speed_rpm", "real", "1/min", "fastest fan"),
        Field("power_consumption_watts", "real", "W", "power of the node"),
        Field("energy_j", "real", "J", "energy since the previous sample"),
        _wh("energy_consumed_wh", "energy_j"),
        Field("network_rx_bytes", "int", "B", "received since the previous sample"),
        Field("network_tx_bytes", "int", "B", "sent since the previous sample"),
        Field("disk_read_bytes", "int", "B", "read since the previous sample"),
        Field("disk_write_bytes", "int", "B", "written since the previous sample"),
        Field("power_source", "text", "", "where power and energy come from", choices=SOURCES),
    ),
    key=("time", "node_id"),
    clock="time",
    kept_days=30,
    indexes=(("node_id", "time"),),
)

POWER_SAMPLES = Table(
    "power_samples",
    "a sample of a device that draws power",
    (
        Field("time", "time", "Unix s", "when the sample was taken"),
        _NODE,
        Field("device", "text", "", "device, such as gpu0, package-0, dram-0 or psu"),
        Field("power_w", "real", "W", "power"),
        Field("energy_j", "real", "J", "energy since the previous sample"),
        Field("utilization", "real", "0-1", "share of time in use"),
        Field("memory_utilization", "real", "0-1", "share of the device's memory, or of its bandwidth, in use"),
        Field("memory_used_bytes", "int", "B", "memory in use"),
        Field("temperature_c", "real", "°C", "temperature"),
        Field("clock_mhz", "real", "MHz", "clock"),
        Field("power_limit_w", "real", "W", "power limit in force"),
        Field("meter", "text", "", "what measured it, such as nvml or rapl"),
    ),
    key=("time", "node_id", "device"),
    clock="time",
    kept_days=30,
    indexes=(("node_id", "device", "time"),),
)

_ERROR_SQL = "100.0 * (predicted_energy_j - actual_energy_j) / NULLIF(actual_energy_j, 0)"

ENERGY_PREDICTIONS = Table(
    "energy_predictions",
    "a prediction of a job's energy",
    (
        Field("time", "time", "Unix s", "when it was predicted"),
        _JOB,
        Field("predicted_duration_seconds", "real", "s", "predicted run time"),
        Field("predicted_energy_j", "real", "J", "predicted energy"),
        _wh("predicted_energy_wh", "predicted_energy_j"),
        Field("energy_low_j", "real", "J", "5 % quantile of the predicted energy"),
        Field("energy_high_j", "real", "J", "95 % quantile of the predicted energy"),
        Field("predicted_power_watts", "real", "W", "predicted mean power"),
        Field("predicted_cpu_usage", "real", "%", "predicted utilisation of its cores"),
        Field("predicted_memory_usage", "real", "%", "predicted share of its memory in use"),
        Field("predicted_io_mbps", "real", "MB/s", "predicted rate of reading and writing"),
        Field("predicted_temp", "real", "°C", "predicted CPU temperature"),
        Field("model_version", "text", "", "the model"),
        Field("confidence_score", "real", "0-1", "how sure the model is"),
        Field("prediction_method", "text", "", "kind of model"),
        Field("actual_energy_j", "real", "J", "energy of the run, once it ended"),
        _wh("actual_energy_wh", "actual_energy_j"),
        Field("actual_duration_seconds", "real", "s", "run time, once it ended"),
        Field("prediction_error_percent", "real", "%", "100 (predicted - actual) / actual energy", _ERROR_SQL),
    ),
    key=("time", "job_id"),
    clock="time",
    kept_days=90,
    indexes=(("job_id", "time"), ("model_version", "time")),
)

THERMAL_EVENTS = Table(
    "thermal_events",
    "a span of time in which something was too hot, or had to be cooled",
    (
        Field("time", "time", "Unix s", "when it began"),
        _NODE,
        Field("event_type", "text", "", "what happened", choices=EVENT_TYPES),
        Field("device", "text", "", "what was hot, such as cpu0 or gpu0"),
        Field("temperature", "real", "°C", "highest temperature"),
        Field("threshold", "real", "°C", "temperature that was passed"),
        Field("duration_seconds", "real", "s", "how long it lasted"),
        Field("severity", "text", "", "how bad it was", choices=SEVERITIES),
        Field("job_id", "text", "", "job that ran there"),
        Field("performance_impact_percent", "real", "%", "loss of clock rate"),
        Field("energy_impact_j", "real", "J", "energy that it cost"),
        _wh("energy_impact_wh", "energy_impact_j"),
    ),
    key=("time", "node_id", "event_type"),
    clock="time",
    kept_days=90,
    indexes=(("node_id", "time"), ("severity", "time")),
)

WORKLOAD_PATTERNS = Table(
    "workload_patterns",
    "a typical kind of job, as operators describe it; these are no measurements",
    (
        Field("pattern_name", "text", "", "name of the kind"),
        Field("avg_cpu_usage", "real", "%", "utilisation of its cores"),
        Field("avg_memory_usage", "real", "%", "share of its memory in use"),
        Field("avg_io_usage", "real", "%", "share of the rate of disks in use"),
        Field("typical_duration_seconds", "real", "s", "run time"),
        Field("typical_energy_j", "real", "J", "energy"),
        _wh("typical_energy_wh", "typical_energy_j"),
    ),
    key=("pattern_name",),
)

ENERGY_EFFICIENCY = Table(
    "energy_efficiency",
    "an hour of a node: the jobs that began in it, completed, and whose ratios are known; filled by `maintain`",
    (
        Field("time", "time", "Unix s", "when the hour began"),
        Field("node_id", "text", "", "name of the node, or the list of nodes of a job on several"),
        Field("energy_j", "real", "J", "energy of these jobs"),
        Field("jobs_completed", "int", "1", "how many"),
        Field("total_cpu_hours", "real", "h", "cores x hours"),
        Field("total_memory_gb_hours", "real", "GiB h", "memory x hours; empty unless known of each job"),
        Field("energy_per_job_wh", "real", "Wh", "per job", "energy_j / 3600.0 / NULLIF(jobs_completed, 0)"),
        Field(
            "energy_per_cpu_hour_wh",
            "real",
            "Wh/h",
            "per core and hour",
            "energy_j / 3600.0 / NULLIF(total_cpu_hours, 0)",
        ),
        Field(
            "energy_per_gb_hour_wh",
            "real",
            "Wh/(GiB h)",
            "per GiB of memory and hour",
            "energy_j / 3600.0 / NULLIF(total_memory_gb_hours, 0)",
        ),
        Field("avg_thermal_efficiency", "real", "0-1", "share of the jobs' run time in jobs that were not throttled"),
        Field("cooling_efficiency", "real", "W/K", "mean power over mean excess of CPU over system temperature"),
    ),
    key=("time", "node_id"),
    clock="time",
    kept_days=90,
    indexes=(("node_id", "time"),),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        JOB_METRICS,
        NODE_METRICS,
        POWER_SAMPLES,
        ENERGY_PREDICTIONS,
        THERMAL_EVENTS,
        WORKLOAD_PATTERNS,
        ENERGY_EFFICIENCY,
    )
}
"""Tables that rows are written to, by name."""

PATTERN_ROWS: tuple[dict[str, object], ...] = tuple(
    {
        "pattern_name": name,
        "avg_cpu_usage": cpu,
        "avg_memory_usage": memory,
        "avg_io_usage": io,
        "typical_duration_seconds": seconds,
        "typical_energy_j": wh * 3600.0,
    }
    for name, cpu, memory, io, seconds, wh in (
        ("cpu_intensive", 85.0, 30.0, 5.0, 1800.0, 150.0),
        ("io_intensive", 20.0, 60.0, 80.0, 3600.0, 120.0),
        ("mixed", 50.0, 45.0, 40.0, 2400.0, 135.0),
        ("memory_intensive", 40.0, 90.0, 15.0, 2700.0, 140.0),
    )
)
"""The rows that `workload_patterns` begins with."""
