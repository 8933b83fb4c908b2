"""What each factor does: mean and interval of every figure for each of its levels, policy by policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.experiments.campaign.collecting import Results
from wattq.experiments.comparison import Interval
from wattq.experiments.plots.style import number_text
from wattq.experiments.table import aligned

__all__ = ["FactorRow", "FactorTable", "factor_tables", "interval", "tables_rows", "tables_text"]

_RESAMPLES = 2000
_ALWAYS = ("workload", "grid", "policy")
_SAMPLES = ("workload", "window", "week", "grid", "seed")
"""Columns that tell samples of work apart; all others are what is compared."""
_PRINTED = (
    ("energy_kwh", "Energy (kWh)"),
    ("energy_j", "Energy (J)"),
    ("co2e_kg", "CO2e (kg)"),
    ("wait_mean_s", "Wait mean (s)"),
    ("wait_p95_s", "Wait p95 (s)"),
    ("bounded_slowdown_mean", "Bsld mean"),
    ("utilisation", "Utilisation"),
    ("score", "Score"),
)


@dataclass(frozen=True)
class FactorRow:
    """One level of a factor under one policy.

    Attributes:
        level: the factor's value; several for a simplex.
        policy: name in tables.
        n: number of samples: workloads, windows, weeks, grids and seeds.
        figures: mean and the ends of its 95 % interval, by name.
    """

    level: tuple[Any, ...]
    policy: str
    n: int
    figures: Mapping[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True)
class FactorTable:
    """What one factor does.

    Attributes:
        factor: its name.
        columns: its columns.
        rows: by level, then policy, in the order of the cells.
    """

    factor: str
    columns: tuple[str, ...]
    rows: tuple[FactorRow, ...]

    def level_text(self, level: tuple[Any, ...]) -> str:
        """Return a level in words; weights with strokes between them, in the order of `heading`."""
        return "/".join(f"{value:g}" if isinstance(value, float) else str(value) for value in level)

    @property
    def heading(self) -> str:
        """The factor's name, with those of its weights."""
        if len(self.columns) == 1:
            return self.factor
        return f"{self.factor} ({'/'.join(column.removeprefix(f'{self.factor}.') for column in self.columns)})"


def factor_tables(results: Results) -> list[FactorTable]:
    """Return one table for each factor with several levels; without any, one of the policies.

    A sample is a workload, window, week, grid and seed: the mean of its cells, over the levels of the other factors. A
    figure is the mean over samples; its interval is a 95 % percentile bootstrap over samples (2,000 resamples, fixed
    seed), where there are three at least. Cells that are not done do not count.
    """
    factors = {**results.status.factors, **{name: (name,) for name in _ALWAYS if name in results.status.columns}}
    done = [row for row in results.rows if row["status"] == "done"]
    tables = (_table(name, tuple(columns), done, results.figures) for name, columns in factors.items())
    found = [table for table in tables if len({row.level for row in table.rows}) > 1]
    return found or [_table("policy", ("policy",), done, results.figures)]


def _table(
    name: str, columns: tuple[str, ...], rows: Sequence[Mapping[str, Any]], figures: Sequence[str]
) -> FactorTable:
    groups: dict[tuple[tuple[Any, ...], str], list[Mapping[str, Any]]] = {}
    for row in rows:
        level = tuple(row.get(column, "") for column in columns)
        groups.setdefault((level, str(row["policy"])), []).append(row)
    levels = list(dict.fromkeys(level for level, _ in groups))
    ordered = sorted(groups.items(), key=lambda item: levels.index(item[0][0]))
    return FactorTable(name, columns, tuple(_row(columns, key, own, figures) for key, own in ordered))


def _row(
    columns: tuple[str, ...], key: tuple[tuple[Any, ...], str], rows: list[Mapping[str, Any]], figures: Sequence[str]
) -> FactorRow:
    samples: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        sample = tuple(row.get(name) for name in _SAMPLES if name not in columns)
        samples.setdefault(sample, []).append(row)
    found: dict[str, Interval] = {}
    for name in figures:
        cells = ([row[name] for row in own if row.get(name) is not None] for own in samples.values())
        means = [sum(values) / len(values) for values in cells if values]
        if means:
            found[name] = interval(np.asarray(means, dtype=np.float64))
    return FactorRow(*key, len(samples), found)


def interval(values: NDArray[np.float64]) -> Interval:
    """Return what `wattq.experiments.comparison.bootstrap_interval` does, with resamples that are drawn once."""
    mean = float(np.mean(values))
    if len(values) < 3:
        return mean, None, None
    low, high = np.percentile(_counts(len(values)) @ values / len(values), [2.5, 97.5])
    return mean, float(low), float(high)


@lru_cache(maxsize=8)
def _counts(n: int) -> NDArray[np.float64]:
    """Return how often each of n values is drawn in each resample, shape (2000, n)."""
    picks = np.random.default_rng(0).integers(0, n, size=(_RESAMPLES, n))
    flat = (picks + n * np.arange(_RESAMPLES)[:, None]).ravel()
    return np.bincount(flat, minlength=_RESAMPLES * n).reshape(_RESAMPLES, n).astype(np.float64)


def tables_rows(tables: Sequence[FactorTable]) -> Iterator[dict[str, Any]]:
    """Yield one row for each factor, level, policy and figure."""
    for table in tables:
        for row in table.rows:
            for name, (mean, low, high) in row.figures.items():
                yield {
                    "factor": table.heading,
                    "level": table.level_text(row.level),
                    "policy": row.policy,
                    "figure": name,
                    "n": row.n,
                    "mean": mean,
                    "low": low,
                    "high": high,
                }


def tables_text(tables: Sequence[FactorTable]) -> str:
    """Return the tables with the figures that matter most, as aligned text."""
    return "\n\n".join(_text(table) for table in tables)


def _text(table: FactorTable) -> str:
    known = {name for row in table.rows for name in row.figures}
    shown = [(name, heading) for name, heading in _PRINTED if name in known]
    if ("energy_kwh" in known) and ("energy_j" in known):
        shown = [pair for pair in shown if pair[0] != "energy_j"]
    by_policy = table.factor != "policy"
    head = [table.heading, *(["policy"] if by_policy else []), "n", *(heading for _, heading in shown)]
    lines = [
        [
            table.level_text(row.level),
            *([row.policy] if by_policy else []),
            str(row.n),
            *(_shown(row.figures.get(name)) for name, _ in shown),
        ]
        for row in table.rows
    ]
    return aligned([head, *lines])


def _shown(found: Interval | None) -> str:
    if found is None:
        return ""
    mean, low, high = found
    return (
        number_text(mean)
        if low is None or high is None
        else (f"{number_text(mean)} [{number_text(low)}, {number_text(high)}]")
    )
