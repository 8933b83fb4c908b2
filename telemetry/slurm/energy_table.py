"""Energy of jobs from the store, as a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wattq.errors import TelemetryError
from wattq.telemetry.slurm.job_log import utc
from wattq.telemetry.store import open_store

__all__ = ["energy_rows", "energy_table"]

_HEAD = ("job", "user", "start", "run s", "cores", "state", "Wh", "mean W", "source", "covered", "pattern")


def energy_rows(url: str, job: str | None, limit: int) -> list[dict[str, object]]:
    """Return the latest rows of ``job_metrics``, newest first.

    Args:
        url: store.
        job: of this job alone.
        limit: how many at most.

    Raises:
        TelemetryError: the store cannot be read, or has nothing of the job.
    """
    with open_store(url, create=False) as store:
        where = None if job is None else {"job_id": job}
        rows = store.read("job_metrics", where=where, limit=limit, newest_first=True)
    if job is not None and not rows:
        raise TelemetryError(f"job {job}: is not in the store; its hooks have not told of it (see hooks.log)")
    return rows


def energy_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as text in columns; a dash stands for what is not known."""
    lines = [_HEAD, *(_line(row) for row in rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(_HEAD))]
    texts = ["  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)) for line in lines]
    return "".join(text.rstrip() + "\n" for text in texts)


def _line(row: Mapping[str, Any]) -> tuple[str, ...]:
    energy = row.get("energy_j")
    source = row.get("energy_meter") if row.get("energy_source") == "measured" else row.get("energy_source")
    covered = row.get("energy_coverage")
    return (
        str(row["job_id"]),
        _word(row.get("user_id")),
        utc(float(row["time"])),
        _number(row.get("duration_seconds"), ".1f"),
        _word(row.get("cpu_cores")),
        _word(row.get("job_state")),
        _number(None if energy is None else float(energy) / 3600.0, ".4f"),
        _number(row.get("avg_power_watts"), ".1f"),
        _word(source),
        _number(None if covered is None else 100.0 * float(covered), ".0f") + ("" if covered is None else " %"),
        _word(row.get("workload_pattern")),
    )


def _word(value: object) -> str:
    return "-" if value in (None, "") else str(value)


def _number(value: Any, form: str) -> str:
    return "-" if value is None else format(float(value), form)
