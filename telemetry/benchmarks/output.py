"""Results of a benchmark as text, and its samples of power as the file that calibration reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wattq.telemetry.benchmarks.running import Measured

__all__ = ["benchmark_text", "samples_csv"]

_LINES = (
    ("operations", "operations"),
    ("operations_per_second", "per second"),
    ("read_rate", "read"),
    ("write_rate", "written"),
    ("energy", "energy"),
    ("mean_power", "mean power"),
    ("idle_power", "idle power"),
    ("energy_above_idle", "energy above idle"),
    ("energy_per_operation", "energy per operation"),
    ("energy_per_flop", "energy per flop"),
    ("performance_per_watt", "performance per watt"),
    ("thermal_efficiency", "thermal efficiency"),
)


def benchmark_text(document: dict[str, Any]) -> str:
    """Return a few lines for people: the quantities that have a value, and why the others have none."""
    info, performance = document["benchmark_info"], document["performance_metrics"]
    head = f"{info['name']} benchmark, {info['elapsed']['value']:.1f} s, {len(document['worker_results'])} workers"
    lines = [head, f"  operation: {performance['operation']}"]
    lines += [f"  {label}: {_shown(performance[key])}" for key, label in _LINES]
    lines.append(f"  job type: {performance['job_type']['value']}")
    return "\n".join(lines)


def _shown(quantity: dict[str, Any]) -> str:
    if quantity["value"] is None:
        return f"not known ({quantity['reason']})"
    unit = "" if quantity["unit"] == "1" else f" {quantity['unit']}"
    source = f" ({quantity['source']})" if "source" in quantity else ""
    return f"{quantity['value']:.4g}{unit}{source}"


def samples_csv(measured: Measured) -> str:
    """Return the samples as ``wattq platform calibrate`` reads them: Unix s, W, utilisation of the CPUs from 0 to 1.

    A line that begins with ``##`` says where the power comes from. Spans without power or utilisation are left out.
    """
    return "\n".join(_rows(measured)) + "\n"


def _rows(measured: Measured) -> Iterator[str]:
    known = [o for o in (*measured.idle, *measured.busy) if o.power_w is not None and o.cpu is not None]
    meters = sorted({f"{o.source} ({o.meter})" for o in known})
    yield f"## power: {', '.join(meters) or 'none'}"
    yield "time_s,power_w,utilisation"
    for o in known:
        yield f"{o.unix_s:.3f},{o.power_w:.3f},{o.cpu:.6f}"
