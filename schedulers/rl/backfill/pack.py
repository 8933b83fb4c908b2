"""From the parameters of the policy `rl` to its row of numbers; see `row`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError, MissingFileError, PolicyError
from wattq.platforms.signals import ForecastTable, read_signal
from wattq.schedulers.rl.backfill import row as r
from wattq.schedulers.rl.backfill.config import Options, cfg_row
from wattq.schedulers.rl.backfill.learned import Surroundings, load_backfill
from wattq.schedulers.rl.backfill.scenario import hourly_forecasts
from wattq.schedulers.rl.model_file import Learned

__all__ = ["pack_learned", "signals_needed", "switches_hosts"]

_ALIKE = 0.1
"""How far relative speeds and powers of power states may differ from those that were learned with."""


def pack_learned(name: str, values: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the row of numbers.

    Args:
        name: name of the policy, for messages.
        values: the parameters as `Parameter.number` gives them.

    Raises:
        PolicyError: a parameter is missing, or parameters and model do not go together.
        LearningError: the model's file is not what it should be.
        MissingFileError: a file is not there.
        SignalError: a signal cannot be read.
    """
    if not values["model"]:
        raise PolicyError(
            f"policy '{name}', parameter 'model': it is missing; give the path of a file of `wattq rl train`"
        )
    try:
        learned, options, around = load_backfill(values["model"])
    except LearningError as error:
        raise LearningError(f"policy '{name}', parameter 'model': {error}") from None
    _check_origin(name, values, learned, around)
    origin_s = float(values["origin"] or 0.0)
    tables, end_s = _tables(name, values, learned.signals, origin_s)
    offset_s = around.utc_offset_s if values["utc_offset"] is None else values["utc_offset"]
    if values["cap"]:
        options = replace(options, cap_w=values["cap"][0][1])
    cfg = cfg_row(options, options.states or (), origin_s=origin_s, utc_offset_s=offset_s, **tables)
    return _row(learned, options, around, cfg, values, end_s)


def signals_needed(path: str) -> tuple[str, ...]:
    """Return the grid signals that the policy of a file needs.

    Raises:
        LearningError: the file is not what it should be.
        MissingFileError: it is not there.
    """
    return load_backfill(path)[0].signals


def switches_hosts(path: str) -> bool:
    """Return whether the policy of a file chooses power states, so that energy has to be counted.

    Raises:
        LearningError: the file is not what it should be.
        MissingFileError: it is not there.
    """
    return _switches(load_backfill(path)[1])


def _switches(options: Options) -> bool:
    return len(options.states or ()) > 1 or options.sleep


def _check_origin(name: str, values: Mapping[str, Any], learned: Learned, around: Surroundings) -> None:
    """Refuse signals without an origin, and a policy that knows the calendar without one."""
    if values["origin"]:
        return
    if learned.signals or around.calendar:
        what = "looks at grid signals" if learned.signals else "learned from the time of day and the day of the week"
        raise PolicyError(
            f"policy '{name}', parameter 'origin': it is missing, and the model {what}; give the date of time 0, such "
            "as 2021-03-01T00:00Z"
        )


def _tables(
    name: str, values: Mapping[str, Any], needed: Sequence[str], origin_s: float
) -> tuple[dict[str, ForecastTable], float]:
    """Return the forecasts of the signals that a model needs, by quantity, and the date up to which they go, s."""
    given = {key: values[key] for key in ("signal", "price") if values[key]}
    keys = ("signal", "price")[: len(needed)]
    for key in (*keys, *given):
        if key not in given:
            raise PolicyError(
                f"policy '{name}', parameter '{key}': it is missing, and the model looks at {' and '.join(needed)}; "
                "give the path of a signal file"
            )
        if key not in keys:
            looks = f"looks at {' and '.join(needed)} alone" if needed else "looks at no signal"
            raise PolicyError(f"policy '{name}', parameter '{key}': the model {looks}; leave it out")
    found: dict[str, ForecastTable] = {}
    ends = [math.inf]
    for key, quantity in zip(keys, needed, strict=True):
        found[quantity], end_s = _table(name, key, given[key], quantity, values, origin_s)
        ends.append(end_s - origin_s)
    return found, min(ends)


def _table(
    name: str, key: str, path: str, quantity: str, values: Mapping[str, Any], origin_s: float
) -> tuple[ForecastTable, float]:
    """Return the forecasts of a signal and the Unix time of its end."""
    file = Path(path)
    if not file.is_file():
        raise MissingFileError(f"policy '{name}', parameter '{key}': {path}: no such file; give a signal file")
    version = file.stat().st_mtime_ns
    table, end_s, found = _read(str(file.resolve()), version, str(values["forecast"]), int(values["seed"]))
    if found != quantity:
        raise PolicyError(
            f"policy '{name}', parameter '{key}': {path} holds {found}, and the model looks at {quantity}; give a file "
            "of that"
        )
    if not table.issue_s0 <= origin_s < end_s:
        raise PolicyError(
            f"policy '{name}', parameter 'origin': {origin_s:.0f} s lies outside of {path}, which covers Unix seconds "
            f"{table.issue_s0:.0f} to {end_s:.0f}; give a date in it"
        )
    return table, end_s


@lru_cache(maxsize=16)
def _read(path: str, changed_ns: int, model: str, seed: int) -> tuple[ForecastTable, float, str]:
    """Return the forecasts over the whole of a signal, its end and its quantity; versions differ in ``changed_ns``."""
    signal = read_signal(path)
    begin_s = math.ceil(float(signal.start_s[0]) / 3600.0) * 3600.0
    return hourly_forecasts(signal, begin_s, signal.end_s, model, seed), float(signal.end_s), str(signal.quantity)


def _row(
    learned: Learned,
    options: Options,
    around: Surroundings,
    cfg: NDArray[np.float64],
    values: Mapping[str, Any],
    end_s: float,
) -> NDArray[np.float64]:
    """Return all numbers one after the other."""
    states = options.states or ()
    row = np.zeros(r.N_FIXED)
    row[r.CAPPED] = options.cap_w < math.inf
    row[r.SWITCHES] = _switches(options)
    row[r.N_ALIKE] = around.n_computing if len(states) > 1 else 0
    row[r.SAMPLED], row[r.SEED], row[r.END_S] = values["deterministic"] == 0.0, values["seed"], end_s
    alike = [
        (state, *_widened(speed), *_widened(full_w))
        for state, speed, full_w in zip(states, around.speed, around.full_w, strict=True)
    ]
    weights = learned.network.weights
    lists = [
        row,
        np.array(alike, dtype=np.float64).reshape(-1),
        cfg,
        learned.network.header.view(np.float64),
        np.concatenate([weights, np.zeros(len(weights) % 2, np.float32)]).view(np.float64),
    ]
    begins = np.cumsum([len(part) for part in lists])
    row[r.STATES_AT], row[r.CFG_AT], row[r.NET_AT], row[r.WEIGHTS_AT] = begins[:4]
    row[r.N_STATES], row[r.N_CFG], row[r.N_NET], row[r.N_WEIGHTS] = len(states), *map(len, lists[2:])
    return np.concatenate(lists)


def _widened(ratios: tuple[float, float]) -> tuple[float, float]:
    """Return bounds of what counts as the same."""
    return ratios[0] * (1.0 - _ALIKE), ratios[1] * (1.0 + _ALIKE)
