"""Episodes ready to be played: the arrays at their begin, made once, and copies of them that are used again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.platforms.signals import ForecastTable, Signal
from wattq.schedulers.rl.backfill import reward as r
from wattq.schedulers.rl.backfill.config import make_cfg
from wattq.schedulers.rl.backfill.scenario import Scenario
from wattq.schedulers.rl.backfill.windows import full_speed_s, stretch_of
from wattq.simulator.build import build
from wattq.simulator.external import ExternalEvents
from wattq.simulator.layout import Kernel, Ledger
from wattq.workloads.model import Workload

__all__ = ["Episode", "Pair", "Pool", "make_episode"]

_BOUND_S = 10.0
# Arrays that nothing changes while a simulation runs; all copies share them.
_CONSTANT = frozenset({"h_cls", "h_cores", "links", "pstates", "nodes", "children", "amounts", "externals"})
# Arrays of which only what was written counts; they are not copied.
_WRITTEN = frozenset({"out_jobs", "out_states", "out_energy", "out_pstates"})
_ROOM = 4  # times as much room for output rows as `build` leaves: each copy keeps it


@dataclass(frozen=True)
class Episode:
    """One episode at its begin.

    Attributes:
        number: its number in the scenario.
        workload: its jobs; date 0 is the begin of the warm-up.
        kernel: the engine's arrays at date 0.
        ledger: the scheduler's arrays at date 0.
        cfg: row of options and forecasts.
        truth: what only the engine knows of the jobs, rows of `reward`.
        signal: what the signals really are, rows of `reward`.
        book: the account at the begin.
    """

    number: int
    workload: Workload
    kernel: Kernel
    ledger: Ledger
    cfg: NDArray[np.float64]
    truth: NDArray[np.float64]
    signal: NDArray[np.float64]
    book: NDArray[np.float64]


def make_episode(scenario: Scenario, number: int) -> Episode:
    """Return an episode of a scenario at its begin."""
    begin_s = scenario.begins_s[number]
    zero_s = begin_s - scenario.warmup_s
    work = stretch_of(scenario.workload, zero_s, begin_s + scenario.episode_s, scenario.walltime_factor)
    s, v, _ = build(scenario.platform, [work], energy=True, externals=ExternalEvents.none())
    roomy = {name: np.zeros(_ROOM * len(getattr(s, name)), getattr(s, name).dtype) for name in _WRITTEN}
    origin_s = scenario.origin_unix_s + zero_s
    offset_s = scenario.utc_offset_s if scenario.utc_offset_s is not None else scenario.workload.utc_offset_s or 0.0
    end_s = scenario.warmup_s + scenario.episode_s + scenario.drain_s
    tables = [_cut(t, origin_s, origin_s + end_s) for t in (scenario.carbon_forecasts, scenario.price_forecasts)]
    cfg = make_cfg(
        scenario.options,
        scenario.platform,
        carbon=tables[0],
        price=tables[1],
        origin_s=origin_s,
        utc_offset_s=offset_s,
    )
    signal = _signals(scenario.carbon, scenario.price, origin_s, end_s)
    return Episode(number, work, s.replaced(**roomy), v, cfg, _truth(scenario, work), signal, _book(scenario, signal))


def _truth(scenario: Scenario, work: Workload) -> NDArray[np.float64]:
    """Return what only the engine knows of the jobs."""
    truth = np.zeros((r.N_TRUTH, work.n_jobs))
    run_s = full_speed_s(work, scenario.platform)
    wall_s = np.where(work.walltime_s > 0.0, work.walltime_s, np.inf)
    truth[r.RUN_S] = np.minimum(run_s, wall_s)
    truth[r.SURE] = run_s < wall_s
    counts = (work.submit_s >= scenario.warmup_s) & (work.hosts >= 1) & (work.hosts <= scenario.platform.n_compute)
    per_s = 1.0 / np.maximum(truth[r.RUN_S], _BOUND_S) if scenario.delay == "slowdown" else 1.0 / 3600.0
    truth[r.PER_S] = np.where(counts, per_s, 0.0)
    return truth


def _book(scenario: Scenario, signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the account at the begin."""
    book = np.zeros(r.N_BOOK)
    weights = scenario.weights
    book[r.WEIGHT : r.WEIGHT + r.N_PARTS] = weights.energy, weights.carbon, weights.cost, weights.delay
    book[r.BEGIN_S] = scenario.warmup_s
    book[r.HORIZON_S] = scenario.warmup_s + scenario.episode_s + scenario.drain_s
    n = scenario.platform.n_compute
    if scenario.count == "above-idle":
        book[r.BASE_W] = float(scenario.platform.idle_w[:n, 0].sum())
    book[r.FULL_W] = float(scenario.platform.full_w[0, 0])
    steps_s = np.diff(np.append(signal[r.EDGE_S], book[r.HORIZON_S]))
    for mean, row in ((r.MEAN_CARBON, r.INTENSITY), (r.MEAN_PRICE, r.PRICE)):
        book[mean] = float((signal[row] * steps_s).sum() / steps_s.sum())
    return book


def _signals(carbon: Signal | None, price: Signal | None, origin_s: float, end_s: float) -> NDArray[np.float64]:
    """Return the pieces of both signals between date 0 and the end; zeros for one that is not there."""
    edges = [np.zeros(1)]
    for one in (carbon, price):
        if one is not None:
            inside = (one.start_s > origin_s) & (one.start_s < origin_s + end_s)
            edges.append(one.start_s[inside] - origin_s)
    edge_s = np.unique(np.concatenate(edges))
    rows = np.zeros((r.N_SIGNAL, len(edge_s)))
    rows[r.EDGE_S] = edge_s
    for row, one in ((r.INTENSITY, carbon), (r.PRICE, price)):
        if one is not None:
            rows[row] = one.at(edge_s + origin_s)
    return rows


def _cut(table: ForecastTable | None, from_s: float, to_s: float) -> ForecastTable | None:
    """Return the forecasts issued between two Unix times."""
    if table is None:
        return None
    first = max(int((from_s - table.issue_s0) // 3600.0), 0)
    last = max(int((to_s - table.issue_s0) // 3600.0) + 1, first + 1)
    return replace(table, issue_s0=table.issue_s0 + first * 3600.0, values=table.values[first:last])


@dataclass
class Pair:
    """Kernel and ledger of a running episode.

    Attributes:
        kernel: the engine's arrays.
        ledger: the scheduler's arrays.
        grown: whether arrays were enlarged, so that the pair cannot be used again.
    """

    kernel: Kernel
    ledger: Ledger
    grown: bool = False


class Pool:
    """Kernels and ledgers that are used again: a fresh one costs a copy of a few arrays.

    Args:
        scenario: what to play.
        keep: how many unused pairs to keep at most.
    """

    def __init__(self, scenario: Scenario, keep: int) -> None:
        self.scenario = scenario
        self._keep = keep
        self._episodes: dict[int, Episode] = {}
        self._free: dict[int, list[Pair]] = {}
        self._n_free = 0

    def episode(self, number: int) -> Episode:
        """Return an episode at its begin; it is made when it is first asked for."""
        if number not in self._episodes:
            self._episodes[number] = make_episode(self.scenario, number)
        return self._episodes[number]

    def take(self, number: int) -> Pair:
        """Return arrays at the begin of an episode."""
        episode = self.episode(number)
        free = self._free.get(number)
        if free:
            pair = free.pop()
            self._n_free -= 1
            _copy_into(episode.kernel, pair.kernel)
            _copy_into(episode.ledger, pair.ledger)
            return pair
        return _copied(episode)

    def give_back(self, number: int, pair: Pair) -> None:
        """Take arrays back for later use."""
        if not pair.grown and self._n_free < self._keep:
            self._free.setdefault(number, []).append(pair)
            self._n_free += 1


def _arrays(bundle: Any) -> list[str]:
    """Return the names of the arrays of a bundle that a copy must hold anew."""
    return [name for name in bundle.FIELDS if name not in _CONSTANT]


def _copied(episode: Episode) -> Pair:
    """Return a copy of the arrays at the begin of an episode; what both bundles share stays shared."""
    copies: dict[int, NDArray[Any]] = {}

    def copy(array: NDArray[Any]) -> NDArray[Any]:
        return copies.setdefault(id(array), array.copy())

    s, v = episode.kernel, episode.ledger
    kernel = s.replaced(**{name: copy(getattr(s, name)) for name in _arrays(s)})
    return Pair(kernel, v.replaced(**{name: copy(getattr(v, name)) for name in _arrays(v)}))


def _copy_into(source: Any, target: Any) -> None:
    """Bring the arrays of a bundle to where others are."""
    for name in _arrays(source):
        if name not in _WRITTEN:
            np.copyto(getattr(target, name), getattr(source, name))
