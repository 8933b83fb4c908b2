"""From the parameters of an energy-aware policy to its row of numbers; see `slots`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import MissingFileError, PolicyError
from wattq.platforms.signals import Forecaster, ForecastTable, forecast_table, read_signal
from wattq.schedulers.green import slots as p

__all__ = ["pack_green"]

_LEAD_STEP_S = 3600.0
_PLACES = {
    "order": p.ORDER,
    "backfill": p.BACKFILL,
    "age_run": p.AGE_RUN,
    "age_area": p.AGE_AREA,
    "timeout": p.TIMEOUT_S,
    "spare": p.SPARE,
    "slowdown": p.SLOWDOWN,
    "boost": p.BOOST_S,
    "headroom": p.HEADROOM,
    "boost_running": p.BOOST_RUNNING,
    "cap_slowdown": p.CAP_SLOWDOWN,
    "min_area": p.MIN_AREA_S,
    "min_gain": p.MIN_GAIN,
    "run_share": p.RUN_SHARE,
    "gate": p.GATE,
}
# What a policy that lacks the parameter does: hosts stay awake, jobs run at full speed, nobody waits.
_OFF = {p.TIMEOUT_S: math.inf, p.BOOST_S: math.inf, p.RUN_SHARE: 1.0, p.ISSUE_STEP_S: 1.0, p.LEAD_STEP_S: 1.0}


def pack_green(name: str, values: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the row of numbers.

    Args:
        name: name of the policy, for messages.
        values: the parameters as `Parameter.number` gives them.

    Raises:
        PolicyError: parameters do not go together.
        SignalError: the signal cannot be read, or does not cover the origin.
    """
    # `eco` goes without what the others have nothing to do without.
    if "signal" not in values and not values.get("cap", True):
        raise PolicyError(f"policy '{name}', parameter 'cap': it is missing; give the power in W never to be exceeded")
    row = np.zeros(p.N_FIXED)
    for place, number in _OFF.items():
        row[place] = number
    for key, place in _PLACES.items():
        if key in values:
            row[place] = values[key]
    lists = [row]
    lists.append(_list(row, lists, p.CAP_AT, p.N_CAP, values.get("cap", ())))
    waits: Mapping[int | None, float] = values.get("max_wait", {})
    row[p.MAX_WAIT_S] = waits.get(None, 0.0)
    classes = [(float(queue), wait) for queue, wait in waits.items() if queue is not None]
    lists.append(_list(row, lists, p.CLASS_AT, p.N_CLASS, classes))
    table = _table(name, values)
    row[p.TABLE_AT] = sum(map(len, lists))
    if table is not None:
        row[p.N_ISSUES], row[p.N_LEADS] = table.values.shape
        row[p.ISSUE_S] = table.issue_s0 - float(values["origin"])
        row[p.ISSUE_STEP_S], row[p.LEAD_STEP_S] = table.issue_step_s, table.lead_step_s
        lists.append(table.values.reshape(-1))
    return np.concatenate(lists)


def _list(
    row: NDArray[np.float64], before: list[NDArray[np.float64]], at: int, n: int, pairs: Any
) -> NDArray[np.float64]:
    """Note where a list of pairs lies and how long it is; return it as a row."""
    row[at], row[n] = sum(map(len, before)), len(pairs)
    return np.array(pairs, dtype=np.float64).reshape(-1)


def _table(name: str, values: Mapping[str, Any]) -> ForecastTable | None:
    """Return the forecasts that the policy is given, None for a policy without signal."""
    path = values.get("signal", "")
    if not path:
        if "signal" in values and not ("timeout" in values and values["gate"] == 0.0):
            raise PolicyError(
                f"policy '{name}', parameter 'signal': it is missing, and without a signal no job has anything to wait "
                "for; give the path of a signal file and the 'origin'"
            )
        return None
    if not values["origin"]:
        raise PolicyError(
            f"policy '{name}', parameter 'origin': it is missing; give the date of time 0, such as 2021-03-01T00:00Z"
        )
    file = Path(path)
    if not file.is_file():
        raise MissingFileError(f"policy '{name}', parameter 'signal': {path}: no such file; give a signal file")
    table, end_s = _read(str(file.resolve()), file.stat().st_mtime_ns, str(values["forecast"]), int(values["seed"]))
    begin_s = table.issue_s0
    if not begin_s <= float(values["origin"]) < end_s:
        raise PolicyError(
            f"policy '{name}', parameter 'origin': {values['origin']} s lies outside of {path}, which covers Unix "
            f"seconds {begin_s:.0f} to {end_s:.0f}; give a date in it"
        )
    return table


@lru_cache(maxsize=16)
def _read(path: str, changed_ns: int, model: str, seed: int) -> tuple[ForecastTable, float]:
    """Return the forecasts over the whole of a signal and the end of it; ``changed_ns`` tells versions apart."""
    signal = read_signal(path)
    begin_s = math.ceil(float(signal.start_s[0]) / _LEAD_STEP_S) * _LEAD_STEP_S
    table = forecast_table(Forecaster(signal, model, seed), begin_s, signal.end_s, lead_step_s=_LEAD_STEP_S)
    return table, float(signal.end_s)
