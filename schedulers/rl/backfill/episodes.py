"""Episodes ready to be played: the arrays at their begin, made once, and copies of them that are used again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from operator import gt
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
from wattq.simulator.room import enlarge
from wattq.workloads.model import Workload

__all__ = ["Episode", "Pair", "Pool", "make_episode"]

_BOUND_S = 10.0
# Arrays that nothing changes while a simulation runs; all copies share them.
_CONSTANT = frozenset({"h_cls", "h_cores", "links", "pstates", "nodes", "children", "amounts", "externals"})
# Arrays of which only what was written since the begin counts; they are not copied, and what `build` leaves as room for
# rows of output is enlarged, since an episode keeps its arrays.
_OUTPUT = frozenset({"out_jobs", "out_states", "out_energy", "out_pstates", "groups", "members"})
_WRITTEN = _OUTPUT | {"events", "event_iv", "alloc", "iv", "decisions", "kill_list", "kills", "paths", "news"}
_WRITTEN |= {"ended", "cancelled", "left", "rate", "snap", "slot", "fresh", "running"}
_ROOM = 4


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
    roomy = {name: np.zeros(_ROOM * len(getattr(s, name)), getattr(s, name).dtype) for name in _OUTPUT}
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
    book[r.LATE_S] = scenario.late_s
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


class _Plan:
    """What to do so that bundles stand at the begin of an episode."""

    def __init__(self) -> None:
        self._copies: list[tuple[NDArray[Any], NDArray[Any]]] = []
        self._shared: list[tuple[Any, str, NDArray[Any]]] = []

    def add(self, source: Any, target: Any) -> None:
        """Plan to bring a bundle to where another one stands.

        Arrays that do not change are shared, by the rows of the bundle's table, which say where its arrays lie.
        """
        for row, name in enumerate(source.FIELDS):
            array = getattr(source, name)
            if name in _CONSTANT:
                self._copies.append((target._table[row], source._table[row]))
                self._shared.append((target, name, array))
            elif name not in _WRITTEN:
                self._copies.append(_bytes(getattr(target, name)[tuple(map(slice, array.shape))], array))

    def follow(self) -> None:
        """Do it."""
        for target, source in self._copies:
            np.copyto(target, source)
        for bundle, name, array in self._shared:
            setattr(bundle, name, array)


def _bytes(target: NDArray[Any], source: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return records as bytes, which are copied as a whole rather than field by field."""
    if source.dtype.names is None or source.ndim != 1:
        return target, source
    return target.view(np.uint8), source.view(np.uint8)


@dataclass
class Pair:
    """Kernel and ledger of a running episode; used again and again, since copying into them is cheaper than new ones.

    Attributes:
        kernel: the engine's arrays, which may be longer than an episode asks for.
        ledger: the scheduler's arrays, likewise.
        plans: by the number of an episode, what goes where at its begin.
    """

    kernel: Kernel
    ledger: Ledger
    plans: dict[int, _Plan] = field(default_factory=dict)

    def enlarge(self) -> None:
        """Make room, so that the engine can go on."""
        self.kernel, self.ledger = enlarge(self.kernel, self.ledger)
        self.plans.clear()


class Pool:
    """The episodes of a scenario; each is made when it is first asked for."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self._episodes: dict[int, Episode] = {}

    def episode(self, number: int) -> Episode:
        """Return an episode at its begin."""
        if number not in self._episodes:
            self._episodes[number] = make_episode(self.scenario, number)
        return self._episodes[number]

    def begin(self, pair: Pair | None, number: int) -> Pair:
        """Return arrays at the begin of an episode: those given, where they are large enough, else new ones."""
        episode = self.episode(number)
        if pair is None:
            return _copied(episode, pair)
        plan = pair.plans.get(number)
        if plan is None:
            if not _fits(episode.kernel, pair.kernel) or not _fits(episode.ledger, pair.ledger):
                return _copied(episode, pair)
            plan = _Plan()
            plan.add(episode.kernel, pair.kernel)
            plan.add(episode.ledger, pair.ledger)
            pair.plans[number] = plan
        plan.follow()
        return pair


def _copied(episode: Episode, old: Pair | None) -> Pair:
    """Return new arrays at the begin of an episode, no shorter than the old ones; what both bundles share is shared."""
    copies: dict[int, NDArray[Any]] = {}

    def copy(array: NDArray[Any], before: Any) -> NDArray[Any]:
        if id(array) not in copies:
            shape = array.shape if before is None else tuple(map(max, array.shape, before.shape))
            copies[id(array)] = np.zeros(shape, array.dtype)
            copies[id(array)][tuple(map(slice, array.shape))] = array
        return copies[id(array)]

    def anew(bundle: Any, before: Any) -> Any:
        names = [name for name in bundle.FIELDS if name not in _CONSTANT]
        return bundle.replaced(**{name: copy(getattr(bundle, name), getattr(before, name, None)) for name in names})

    return Pair(anew(episode.kernel, old and old.kernel), anew(episode.ledger, old and old.ledger))


def _fits(source: Any, target: Any) -> bool:
    """Return whether each array of a bundle that is copied is at least as large in another one."""
    for name in source.FIELDS:
        if name not in _CONSTANT and any(map(gt, getattr(source, name).shape, getattr(target, name).shape)):
            return False
    return True
