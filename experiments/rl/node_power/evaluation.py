"""Learned policies and rules on held-out weeks of prices: the same jobs for all, every result a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from wattq.errors import LearningError
from wattq.experiments.rl.node_power.candidates import BASELINES, Threshold, load_policy, make_candidate
from wattq.experiments.rl.node_power.cells import Cell, run_cells
from wattq.experiments.rl.node_power.playing import Place, bounds_of, figures_of, idle_free, play
from wattq.files import read_plain, sha256_hex
from wattq.schedulers.rl.node_power.config import NodePowerConfig
from wattq.schedulers.rl.node_power.markets import held_out_starts, read_prices, train_starts
from wattq.schedulers.rl.node_power.prices import Prices
from wattq.schedulers.rl.training.start import weights_digest

__all__ = ["Plan", "evaluate", "play_cell", "tune_threshold"]

_VERSION = 2
_GRID = tuple(Threshold(quantile, patience) for quantile in (0.2, 0.4, 0.6) for patience in (6, 24))
_TUNING_WEEKS, _TUNING_RATE, _TUNING_SEED = 2, 100.0, 10_007


@dataclass(frozen=True)
class Plan:
    """What is evaluated.

    Attributes:
        models: files of learned policies by the name that they get.
        prices: series: ``FILE``, ``FILE#REGION`` or the name of a synthetic one.
        rates: jobs per hour.
        seeds: how many, of the arrivals: 0, 1, ... (training draws others).
        weeks: how many of the held-out fortnights of each series; all when None.
        forecast: what is known of prices.
        policies: rules to compare with; always-on is always there.
    """

    models: Mapping[str, str]
    prices: Sequence[str]
    rates: Sequence[float] = (50.0, 100.0, 200.0)
    seeds: int = 3
    weeks: int | None = None
    forecast: str = "day-ahead"
    policies: Sequence[str] = tuple(BASELINES)

    def __post_init__(self) -> None:
        if not self.prices or not self.rates or not 1 <= self.seeds <= 1000:
            raise LearningError("evaluation: give one series of prices, one rate and one seed at least")
        if self.weeks is not None and self.weeks < 1:
            raise LearningError(f"--weeks {self.weeks}: give 1 or more")
        if len(set(self.prices)) < len(self.prices):
            raise LearningError("--prices: one series is given twice; keep one")
        taken = set(self.models) & set(BASELINES)
        if taken:
            raise LearningError(f"model '{min(taken)}': a rule has this name; give the file another name")
        unknown = [name for name in self.policies if name not in BASELINES]
        if unknown:
            raise LearningError(f"policy '{unknown[0]}': no such rule; there are {', '.join(BASELINES)}")


def evaluate(
    plan: Plan, folder: Path, *, workers: int = 1, done: Callable[[int, int], None] | None = None
) -> list[dict[str, Any]]:
    """Return what every policy came to in every episode; results that are whole are not made again.

    Each entry has ``place``, ``figures`` by policy, ``bounds``, ``hourly`` costs by policy, and ``thresholds``.

    Args:
        plan: what is evaluated.
        folder: gets the folder ``cells`` with one file for each episode.
        workers: processes.
        done: told how many episodes are ready, and of how many.

    Raises:
        WattqError: as reading policies and prices.
    """
    config = NodePowerConfig()
    for path in plan.models.values():
        load_policy(path, config)
    cells = [cell for name in plan.prices for cell in _cells(plan, name, config, folder)]
    return run_cells(folder, cells, play_cell, workers=workers, done=done)


def _cells(plan: Plan, name: str, config: NodePowerConfig, folder: Path) -> list[Cell]:
    prices = _read(name, plan.forecast)
    starts = held_out_starts(prices.n_hours, config.horizon_h)[: plan.weeks].tolist()
    if not starts:
        raise LearningError(f"{name}: {prices.n_hours} hours of prices; an evaluation needs {168 + config.horizon_h}")
    common = {
        "version": _VERSION,
        "prices": name,
        "prices_sha256": _digest(name),
        "forecast": plan.forecast,
        "policies": ["always-on", *(policy for policy in plan.policies if policy != "always-on")],
        "models": {label: str(path) for label, path in plan.models.items()},
        "weights_sha256": {label: _weights(path, config) for label, path in plan.models.items()},
        "task": config.to_json(),
    }
    if "price" in plan.policies:
        tuning = {
            "tune": common["prices_sha256"] or name,
            **{key: common[key] for key in ("prices", "forecast", "task")},
        }
        common["threshold"] = run_cells(folder, [tuning], tune_cell)[0]
    places = [(start, rate, seed) for start in starts for rate in plan.rates for seed in range(plan.seeds)]
    return [{**common, "start_h": start, "rate": rate, "seed": seed} for start, rate, seed in places]


def play_cell(cell: Cell) -> dict[str, Any]:
    """Return what the policies of a cell came to in its episode."""
    config = NodePowerConfig.from_json(cell["task"])
    prices = _read(cell["prices"], cell["forecast"])
    place = Place(cell["prices"], cell["start_h"], cell["rate"], cell["seed"])
    threshold = Threshold(**cell["threshold"]) if "threshold" in cell else None
    models = {name: load_policy(path, config) for name, path in cell["models"].items()}
    found: dict[str, Any] = {"place": vars(place), "figures": {}, "hourly": {}, "threshold": cell.get("threshold")}
    found["unit"] = prices.unit
    for name in [*cell["policies"], *models]:
        rule = make_candidate(name, model=models.get(name), threshold=threshold, seed=cell["seed"])
        episode = play(config, prices, place, rule, name)
        found["figures"][name] = figures_of(episode, config).as_dict()
        found["hourly"][name] = _rounded(episode.hours["cost"])
        if name == "always-on":
            found["bounds"] = vars(bounds_of(episode, config))
            found["hourly"]["idle-free"] = _rounded(episode.hours["price"] * idle_free(episode, config))
    return found


def tune_cell(cell: Cell) -> dict[str, float]:
    """Return the numbers of the price rule that cost least on weeks to learn from at the work of always-on."""
    config = NodePowerConfig.from_json(cell["task"])
    return vars(tune_threshold(_read(cell["prices"], cell["forecast"]), config))


def tune_threshold(prices: Prices, config: NodePowerConfig) -> Threshold:
    """Return the numbers of the price rule that cost least on some weeks to learn from; never on held-out ones.

    Only rules that complete 99.9 % of the work of always-on count, unless none does.
    """
    starts = train_starts(prices.n_hours, config.horizon_h)
    chosen = starts[:: max(len(starts) // _TUNING_WEEKS, 1)][:_TUNING_WEEKS].tolist()
    if not chosen:
        return Threshold()
    places = [Place("", start, _TUNING_RATE, _TUNING_SEED + k) for k, start in enumerate(chosen)]

    def total(threshold: Threshold | None) -> tuple[float, float]:
        name = "always-on" if threshold is None else "price"
        rules = make_candidate(name, threshold=threshold)
        figures = [figures_of(play(config, prices, place, rules, name), config) for place in places]
        return sum(each.cost for each in figures), sum(each.core_h for each in figures)

    _, whole = total(None)
    tried = [(threshold, *total(threshold)) for threshold in _GRID]
    enough = [row for row in tried if row[2] >= 0.999 * whole] or tried
    return min(enough, key=lambda row: row[1])[0]


def _rounded(values: Any) -> list[float]:
    return [float(f"{value:.7g}") for value in values.tolist()]


@lru_cache(maxsize=8)
def _read(name: str, forecast: str) -> Prices:
    return read_prices(name, forecast=forecast)


def _weights(path: str, config: NodePowerConfig) -> str:
    """Return the digest of a policy's weights; its card may change without changing what it does."""
    return weights_digest(load_policy(path, config).network.arrays)


def _digest(name: str) -> str:
    path = Path(name.partition("#")[0])
    return sha256_hex(read_plain(path)) if path.is_file() else ""
