"""The task `backfill`: a batch scheduler's decisions on weeks of a log, with energy, carbon, cost and delay."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.platforms import load_platform
from wattq.platforms.signals import Signal
from wattq.schedulers.rl.backfill.config import Options
from wattq.schedulers.rl.backfill.learned import backfill_policy, backfill_shape
from wattq.schedulers.rl.backfill.scenario import Scenario, Weights
from wattq.schedulers.rl.model_file import Learned
from wattq.schedulers.rl.network import Network, NetworkShape
from wattq.schedulers.rl.training.backfill_options import BackfillOptions, parse_numbers
from wattq.schedulers.rl.training.series import read_series
from wattq.schedulers.rl.training.tasks import Cost, CostPair, Task
from wattq.units import WEEK_S
from wattq.workloads import CleaningOptions, locate_workload, read_workload, with_beta
from wattq.workloads.model import Workload
from wattq.workloads.zones import find_zone

__all__ = ["TASK", "agent_options", "make_scenario", "week_begins"]

YEAR_S = 365.2425 * 86400.0
_MONDAY_S = 4 * 86400.0  # 1970-01-05 was a Monday
COUNTED_STARTS, COUNTED_LATE, COUNTED_WAIT_S = range(3)
"""Columns of the environments' counts: jobs that started, late ones among them, seconds that they waited."""


def make_scenario(options: BackfillOptions, weeks: Sequence[int] | None = None) -> Scenario:
    """Return what an episode is.

    Args:
        options: of the task.
        weeks: numbers of weeks in place of those to learn from.

    Raises:
        WattqError: a file is missing or breaks its format, or the options do not go together.
    """
    workload = _log(options)
    named = (("carbon", options.carbon), ("price", options.price))
    signals = [None if spec is None else read_series(spec, quantity) for quantity, spec in named]
    begins_s = week_begins(workload, options.time_zone)
    numbers = parse_numbers(options.train_weeks) if weeks is None else tuple(weeks)
    wrong = [number for number in numbers if number >= len(begins_s)]
    if wrong or not begins_s:
        raise LearningError(
            f"key 'options.train_weeks': {wrong[0] if wrong else 'all'}: workload {options.workload} has "
            f"{len(begins_s)} whole weeks"
        )
    chosen = [begins_s[number] for number in numbers] or begins_s
    pieces = range(max(int(WEEK_S // options.episode_s), 1))
    at_s = tuple(begin_s + k * options.episode_s for begin_s in chosen for k in pieces)
    span = (at_s[0] - options.warmup_s, at_s[-1] + options.episode_s + options.drain_s)
    return Scenario(
        load_platform(options.platform),
        workload,
        at_s=at_s,
        episode_s=options.episode_s,
        warmup_s=options.warmup_s,
        drain_s=options.drain_s,
        carbon=signals[0],
        price=signals[1],
        origin_s=_origin(options, workload, [one for one in signals if one is not None], span),
        utc_offset_s=workload.utc_offset_s,
        forecast=options.forecast,
        seed=options.forecast_seed,
        walltime_factor=options.walltime_factor,
        weights=_weights(options),
        delay="wait" if options.weights.wait else "slowdown",
        count=options.count,
        late_s=options.late_s,
        options=agent_options(options),
    )


def agent_options(options: BackfillOptions) -> Options:
    """Return what the agent sees and may do."""
    same = ("window", "states", "backfill", "wait", "hold_s", "max_hold_s", "sleep")
    call_s = math.inf if options.call_s is None else options.call_s
    return Options(**{name: getattr(options, name) for name in same}, cap_w=options.most_w, call_s=call_s)


def _weights(options: BackfillOptions) -> Weights:
    weights = options.weights
    return Weights(weights.energy, weights.carbon, weights.cost, weights.slowdown + weights.wait)


def _log(options: BackfillOptions) -> Workload:
    cleaning = None
    if options.cleaning:
        try:
            cleaning = CleaningOptions(**options.cleaning)
        except TypeError:
            known = list(CleaningOptions.__dataclass_fields__)
            wrong = next(name for name in options.cleaning if name not in known)
            close = difflib.get_close_matches(wrong, known, n=1, cutoff=0.0)
            raise LearningError(
                f"key 'options.cleaning.{wrong}': no cleaning option; did you mean '{close[0]}'?"
            ) from None
    workload = read_workload(locate_workload(options.workload), options=cleaning)
    return workload if options.beta is None else with_beta(workload, options.beta)


def week_begins(workload: Workload, time_zone: str | None = None) -> tuple[float, ...]:
    """Return the begins of the whole weeks of a log on its time axis, s: Mondays 0:00 on the site's clock.

    In a log without a date, date 0 counts as a Monday 0:00.

    Raises:
        LearningError: there is no zone of that name.
    """
    zone = _zone(workload, time_zone)
    last_s = float(np.max(workload.submit_s, initial=0.0))
    if workload.unix_start_s is None:
        return tuple(k * WEEK_S for k in range(int(last_s // WEEK_S)))
    first = datetime.fromtimestamp(workload.unix_start_s, zone).date()
    monday = first - timedelta(days=first.weekday())
    begins_s = []
    while _midnight_s(monday + timedelta(days=7), zone) - workload.unix_start_s <= last_s:
        begins_s.append(_midnight_s(monday, zone) - workload.unix_start_s)
        monday += timedelta(days=7)
    return tuple(begin_s for begin_s in begins_s if begin_s >= 0.0)


def _zone(workload: Workload, name: str | None) -> tzinfo:
    if name is None:
        return UTC if workload.utc_offset_s is None else timezone(timedelta(seconds=workload.utc_offset_s))
    found = find_zone(name)
    if found is None:
        raise LearningError(f"key 'options.time_zone': '{name[:60]}' is no zone such as Europe/Stockholm")
    return found


def _midnight_s(day: date, zone: tzinfo) -> float:
    return datetime.combine(day, time(0), zone).timestamp()


def _origin(
    options: BackfillOptions, log: Workload, signals: Sequence[Signal], span: tuple[float, float]
) -> float | None:
    """Return the Unix time of date 0 of the log on the signals' calendar; None for the log's own."""
    if options.origin == "log" or (options.origin == "season" and not signals):
        return None
    if options.origin != "season":
        return _date(options.origin)
    own_s = log.unix_start_s
    start_s = _MONDAY_S if own_s is None else own_s
    first_s = max(float(signal.start_s[0]) for signal in signals) - span[0]
    last_s = min(float(signal.end_s) for signal in signals) - span[1]
    shifts = np.arange(math.ceil((first_s - start_s) / WEEK_S), math.floor((last_s - start_s) / WEEK_S) + 1) * WEEK_S
    if not len(shifts):
        raise LearningError(
            f"key 'options.origin': the signals are too short for the weeks to learn from, which take "
            f"{(span[1] - span[0]) / WEEK_S:.1f} weeks from warm-up to the last end; take fewer, or a longer signal"
        )
    off_season = np.abs((shifts + YEAR_S / 2) % YEAR_S - YEAR_S / 2) if own_s is not None else shifts
    return float(start_s + shifts[int(np.argmin(off_season))])


def _date(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = datetime.min
    if found.tzinfo is None:
        raise LearningError(
            f"key 'options.origin': '{text[:60]}': give log, season, or a date with offset as 2021-01-04T00:00:00+00:00"
        )
    return found.timestamp()


def _make_vec(n_envs: int, seed: int, options: BackfillOptions) -> Any:
    from wattq.schedulers.rl.backfill.vector import BackfillVecEnv

    return BackfillVecEnv(make_scenario(options), n_envs, seed)


def _shape(env: Any) -> NetworkShape:
    return backfill_shape(env.scenario.options, len(env.scenario.states))


def _learned(network: Network, env: Any, card: Mapping[str, Any]) -> Learned:
    scenario = env.scenario
    signals = {"carbon": scenario.carbon, "price": scenario.price}
    return backfill_policy(
        network,
        scenario.options,
        scenario.platform,
        signals=tuple(name for name, signal in signals.items() if signal is not None),
        utc_offset_s=float(scenario.utc_offset_s or 0.0),
        calendar=scenario.origin_s is not None or scenario.workload.unix_start_s is not None,
        card=card,
    )


def _data(options: BackfillOptions, env: Any) -> dict[str, Any]:
    """Return what was learned from, for the card."""
    scenario = env.scenario
    found = {
        "workload": options.workload,
        "sha256": scenario.workload.report.sha256,
        "weeks": options.train_weeks or "all",
        "episodes": scenario.n_episodes,
        "platform": scenario.platform.name,
    }
    for name, signal in (("carbon", scenario.carbon), ("price", scenario.price)):
        if signal is not None:
            found[name] = f"{signal.region} {signal.kind} {signal.scope}, sha256 {signal.sha256}".replace("  ", " ")
    return found


def _wait(env: Any) -> tuple[int]:
    """Return the action of waiting, which follows the starts."""
    return (env.scenario.options.window * len(env.scenario.states),)


def _per_start(column: int) -> Any:
    def cost(env: Any) -> CostPair:
        counts: NDArray[np.float64] = env.counts
        return counts[:, column], counts[:, COUNTED_STARTS]

    return cost


def _per_step(column: int) -> Any:
    def cost(env: Any) -> CostPair:
        return env.parts[:, column], np.ones(env.num_envs)

    return cost


def _teacher(name: str) -> Any:
    return lambda env: env.teacher_actions(name)


TASK = Task(
    name="backfill",
    doc="start waiting jobs of a log in power states, hold them, put hosts to sleep",
    make_vec=_make_vec,
    options=BackfillOptions,
    shape=_shape,
    costs={
        "late_share": Cost(
            "share of the jobs that waited longer than late_s: 0.05 limits the 95 % quantile", _per_start(1)
        ),
        "mean_wait_s": Cost("mean wait of the jobs, s", _per_start(2)),
        "energy_kwh": Cost("energy per step, kWh", _per_step(0)),
        "carbon_kg": Cost("CO2e per step, kg", _per_step(1)),
        "cost": Cost("money per step, in the currency of the price", _per_step(2)),
        "delay": Cost("delay per step, in the unit of the reward", _per_step(3)),
    },
    teachers={name: _teacher(name) for name in ("fcfs", "easy", "eco", "sleep", "sleep-eco")},
    fallback=_wait,
    clock_h=lambda env: env.dates_s / 3600.0,
    defaults={"architecture": "slots", "discount": "hour", "gamma": 0.98, "gae_lambda": 0.98},
    learned=_learned,
    data=_data,
)
