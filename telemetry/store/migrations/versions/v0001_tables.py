"""Tables, roll-ups and indexes, as of the first version.

This file is history: a change of the schema is another migration, never a change of this one. With TimescaleDB the
tables become hypertables that keep rows for a while, and the roll-ups continuous aggregates.
"""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa
from alembic import op

from wattq.telemetry.store.schema import UnixTime
from wattq.telemetry.store.tables import PATTERN_ROWS
from wattq.telemetry.store.timescale import has_timescale, make_aggregates, make_hypertable

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TYPES = {"time": UnixTime, "text": sa.Text, "real": sa.Double, "int": sa.BigInteger, "bool": sa.Boolean}


class _Table(NamedTuple):
    """A table: ``column:kind`` in order, and what belongs to it."""

    name: str
    columns: str
    key: tuple[str, ...]
    computed: dict[str, str]
    indexes: tuple[tuple[str, ...], ...]
    kept_days: int


_TABLES = (
    _Table(
        "job_metrics",
        """
        time:time job_id:text job_name:text job_type:text node_id:text node_count:int user_id:text
        account:text qos:text partition:text submit_time:time end_time:time duration_seconds:real
        walltime_seconds:real cpu_cores:int memory_mb:real cpu_usage:real memory_usage:real io_read_mbps:real
        io_write_mbps:real network_rx_mbps:real network_tx_mbps:real avg_cpu_temp:real peak_cpu_temp:real
        avg_gpu_temp:real peak_gpu_temp:real thermal_throttling:bool avg_power_watts:real
        peak_power_watts:real energy_j:real energy_source:text energy_meter:text energy_coverage:real
        estimated_energy_wh:real job_state:text exit_code:int workload_pattern:text prediction_accuracy:real
        """,
        key=("time", "job_id"),
        computed={"estimated_energy_wh": "energy_j / 3600.0"},
        indexes=(
            ("job_id", "time"),
            ("node_id", "time"),
            ("user_id", "time"),
            ("job_type", "time"),
            ("job_state", "time"),
        ),
        kept_days=30,
    ),
    _Table(
        "node_metrics",
        """
        time:time node_id:text cpu_usage:real memory_usage:real disk_usage:real load_avg_1m:real
        load_avg_5m:real load_avg_15m:real cpu_temp:real gpu_temp:real system_temp:real fan_speed_rpm:real
        power_consumption_watts:real energy_j:real energy_consumed_wh:real network_rx_bytes:int
        network_tx_bytes:int disk_read_bytes:int disk_write_bytes:int power_source:text
        """,
        key=("time", "node_id"),
        computed={"energy_consumed_wh": "energy_j / 3600.0"},
        indexes=(("node_id", "time"),),
        kept_days=30,
    ),
    _Table(
        "power_samples",
        """
        time:time node_id:text device:text power_w:real energy_j:real utilization:real
        memory_utilization:real memory_used_bytes:int temperature_c:real clock_mhz:real power_limit_w:real
        meter:text
        """,
        key=("time", "node_id", "device"),
        computed={},
        indexes=(("node_id", "device", "time"),),
        kept_days=30,
    ),
    _Table(
        "energy_predictions",
        """
        time:time job_id:text predicted_duration_seconds:real predicted_energy_j:real
        predicted_energy_wh:real energy_low_j:real energy_high_j:real predicted_power_watts:real
        predicted_cpu_usage:real predicted_memory_usage:real predicted_io_mbps:real predicted_temp:real
        model_version:text confidence_score:real prediction_method:text actual_energy_j:real
        actual_energy_wh:real actual_duration_seconds:real prediction_error_percent:real
        """,
        key=("time", "job_id"),
        computed={
            "predicted_energy_wh": "predicted_energy_j / 3600.0",
            "actual_energy_wh": "actual_energy_j / 3600.0",
            "prediction_error_percent": "100.0 * (predicted_energy_j - actual_energy_j) / NULLIF(actual_energy_j, 0)",
        },
        indexes=(("job_id", "time"), ("model_version", "time")),
        kept_days=90,
    ),
    _Table(
        "thermal_events",
        """
        time:time node_id:text event_type:text device:text temperature:real threshold:real
        duration_seconds:real severity:text job_id:text performance_impact_percent:real energy_impact_j:real
        energy_impact_wh:real
        """,
        key=("time", "node_id", "event_type"),
        computed={"energy_impact_wh": "energy_impact_j / 3600.0"},
        indexes=(("node_id", "time"), ("severity", "time")),
        kept_days=90,
    ),
    _Table(
        "workload_patterns",
        """
        pattern_name:text avg_cpu_usage:real avg_memory_usage:real avg_io_usage:real
        typical_duration_seconds:real typical_energy_j:real typical_energy_wh:real
        """,
        key=("pattern_name",),
        computed={"typical_energy_wh": "typical_energy_j / 3600.0"},
        indexes=(),
        kept_days=0,
    ),
    _Table(
        "energy_efficiency",
        """
        time:time node_id:text energy_j:real jobs_completed:int total_cpu_hours:real
        total_memory_gb_hours:real energy_per_job_wh:real energy_per_cpu_hour_wh:real
        energy_per_gb_hour_wh:real avg_thermal_efficiency:real cooling_efficiency:real
        """,
        key=("time", "node_id"),
        computed={
            "energy_per_job_wh": "energy_j / 3600.0 / NULLIF(jobs_completed, 0)",
            "energy_per_cpu_hour_wh": "energy_j / 3600.0 / NULLIF(total_cpu_hours, 0)",
            "energy_per_gb_hour_wh": "energy_j / 3600.0 / NULLIF(total_memory_gb_hours, 0)",
        },
        indexes=(("node_id", "time"),),
        kept_days=90,
    ),
)
_ROLLUPS = (
    _Table(
        "job_metrics_hourly",
        """
        bucket:time job_type:text node_id:text job_count:int jobs_completed:int jobs_failed:int
        total_duration_seconds:real avg_duration_seconds:real total_cpu_hours:real avg_cpu_usage:real
        avg_memory_usage:real avg_cpu_temp:real peak_cpu_temp:real avg_power_watts:real
        peak_power_watts:real energy_j:real measured_energy_j:real energy_wh:real
        """,
        key=("bucket", "job_type", "node_id"),
        computed={},
        indexes=(),
        kept_days=0,
    ),
    _Table(
        "energy_efficiency_daily",
        """
        bucket:time node_id:text energy_j:real jobs_completed:int total_cpu_hours:real
        total_memory_gb_hours:real energy_per_job_wh:real energy_per_cpu_hour_wh:real
        energy_per_gb_hour_wh:real avg_thermal_efficiency:real cooling_efficiency:real
        """,
        key=("bucket", "node_id"),
        computed={},
        indexes=(),
        kept_days=0,
    ),
)

_INTERNAL = (
    _Table("spool_positions", "spool_id:text segment:int byte_offset:int time:time", ("spool_id",), {}, (), 0),
    _Table("store_state", "name:text time:time", ("name",), {}, (), 0),
)


def upgrade() -> None:
    """Make them."""
    timescale = has_timescale(op.get_bind())
    for table in _TABLES if timescale else (*_TABLES, *_ROLLUPS):
        _make(table)
        if timescale and table.kept_days:
            make_hypertable(op.get_bind(), table.name, table.kept_days)
    if timescale:
        make_aggregates(op.get_bind())
    for table in _INTERNAL:
        _make(table, filled=True)
    patterns = sa.table("workload_patterns", *(sa.column(name) for name in PATTERN_ROWS[0]))
    op.bulk_insert(patterns, [dict(row) for row in PATTERN_ROWS])


def _make(table: _Table, *, filled: bool = False) -> None:
    columns = []
    for words in table.columns.split():
        name, _, kind = words.partition(":")
        computed = (sa.Computed(table.computed[name], persisted=True),) if name in table.computed else ()
        empty = not filled and name not in table.key
        columns.append(sa.Column(name, _TYPES[kind](), *computed, primary_key=name in table.key, nullable=empty))
    op.create_table(table.name, *columns)
    for names in table.indexes:
        op.create_index(f"ix_{table.name}_{'_'.join(names)}", table.name, list(names))
