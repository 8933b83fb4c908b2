"""Files of an evaluation: tables as CSV and JSON, and pictures."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wattq.experiments.rl.node_power.candidates import Threshold, load_policy, make_candidate
from wattq.experiments.rl.node_power.figures import cumulative_savings, dashboard, episode_summary
from wattq.experiments.rl.node_power.playing import Place, idle_free, play
from wattq.experiments.rl.node_power.savings import EQUAL_WORK, MONTH_H
from wattq.experiments.rl.node_power.summary import COLUMNS
from wattq.files import write_whole
from wattq.schedulers.rl.model_file import load_learned, save_learned
from wattq.schedulers.rl.node_power.config import NodePowerConfig
from wattq.schedulers.rl.node_power.markets import read_prices

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from wattq.experiments.rl.node_power.evaluation import Plan
    from wattq.schedulers.rl.node_power.episode import Episode

__all__ = ["episode_series", "write_card", "write_evaluation", "write_table"]

_SHOWN = 4


def write_evaluation(
    plan: Plan, entries: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], text: str, folder: Path
) -> list[Path]:
    """Write summary.csv, summary.json, summary.txt, episodes.csv and the pictures; return their paths.

    Pictures: ``savings-K.png`` and ``episodes-K.png`` for the K-th series of prices, ``dashboard-POLICY.png`` of one
    episode for each learned policy (for the sized rule where there is none).
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = [write_table(rows, folder / "summary", COLUMNS)]
    written.append(write_whole(folder / "summary.txt", (text + "\n").encode()))
    written.append(write_table(_episodes(entries), folder / "episodes", None))
    policies = _shown(plan)
    for number, name in enumerate(plan.prices):
        mine = [entry for entry in entries if entry["place"]["prices"] == name]
        label = name.rpartition("/")[2]
        written.append(_picture(_savings(mine, policies, label), folder / f"savings-{number}.png"))
        written.append(_picture(_summary(mine, policies, label), folder / f"episodes-{number}.png"))
    written += [_picture(figure, folder / f"dashboard-{name}.png") for name, figure in _dashboards(plan, entries)]
    return written


def write_table(rows: Sequence[Mapping[str, Any]], path: Path, columns: Sequence[str] | None) -> Path:
    """Write rows as ``PATH.csv`` and ``PATH.json``, each whole or not at all; return the former."""
    names = list(columns or dict.fromkeys(key for row in rows for key in row))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(["" if row.get(name) is None else row[name] for name in names] for row in rows)
    write_whole(path.with_suffix(".json"), (json.dumps(list(rows), indent=1) + "\n").encode())
    return write_whole(path.with_suffix(".csv"), file.getvalue().encode())


def write_card(plan: Plan, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the results of learned policies into the cards of their files; weights stay as they are.

    Raises:
        LearningError: a file cannot be read as a policy any more.
    """
    kept = [name for name in COLUMNS if name not in ("policy", "void")]
    measured = {"forecast": plan.forecast, "rates": list(plan.rates), "seeds": plan.seeds, "weeks": plan.weeks or "all"}
    for name, path in plan.models.items():
        mine = [{key: row[key] for key in kept} | {"void": row["void"]} for row in rows if row["policy"] == name]
        learned = load_learned(path)
        save_learned(
            path, replace(learned, card={**learned.card, "results": {"measured_with": measured, "rows": mine}})
        )


def _episodes(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one row for each episode and policy."""
    return [
        {**entry["place"], "policy": policy, **figures, **entry["bounds"]}
        for entry in entries
        for policy, figures in entry["figures"].items()
    ]


def _shown(plan: Plan) -> list[str]:
    rules = [name for name in ("cheap-hours", "price", "sized", "queue") if name in plan.policies]
    return [*plan.models, *rules][:_SHOWN]


def _savings(entries: Sequence[Mapping[str, Any]], policies: Sequence[str], label: str) -> Figure:
    def all_hours(name: str) -> np.ndarray:
        """Return costs of all weeks one after the other, means over rates and seeds."""
        weeks = sorted({entry["place"]["start_h"] for entry in entries})
        mine = [[entry["hourly"][name] for entry in entries if entry["place"]["start_h"] == week] for week in weeks]
        return np.concatenate([np.mean(rows, axis=0) for rows in mine])

    def work(name: str) -> float:
        return float(sum(entry["figures"][name]["core_h"] for entry in entries))

    equal = {name: work(name) >= EQUAL_WORK * work("always-on") for name in policies}
    costs = {name if equal[name] else f"{name} (void: less work)": all_hours(name) for name in policies}
    against = {name: all_hours(name) for name in ("always-on", "idle-free")}
    return cumulative_savings(costs, against, f"{label}: held-out fortnights, mean over rates and seeds", MONTH_H)


def _summary(entries: Sequence[Mapping[str, Any]], policies: Sequence[str], label: str) -> Figure:
    def relative(name: str, key: str) -> list[float]:
        return [entry["figures"][name][key] / max(entry["figures"]["always-on"][key], 1e-9) for entry in entries]

    names = [*policies, "always-on"]
    values = {
        "Cost (share of always-on's)": {name: relative(name, "cost") for name in names},
        "Work done (share of always-on's)": {name: relative(name, "core_h") for name in names},
        "Mean wait (h)": {name: [entry["figures"][name]["mean_wait_h"] for entry in entries] for name in names},
    }
    return episode_summary(values, f"{label}: held-out episodes")


def _dashboards(plan: Plan, entries: Sequence[Mapping[str, Any]]) -> list[tuple[str, Figure]]:
    config, entry = NodePowerConfig(), entries[0]
    place = Place(**entry["place"])
    prices = read_prices(place.prices, forecast=plan.forecast)
    threshold = Threshold(**entry["threshold"]) if entry["threshold"] else None
    found = []
    for name in plan.models or ["sized"]:
        model = load_policy(plan.models[name], config) if name in plan.models else None
        rule = make_candidate(name, model=model, threshold=threshold)
        series = episode_series(play(config, prices, place, rule, name), config)
        series["cost_always_on"] = np.array(entry["hourly"]["always-on"])
        series["cost_idle_free"] = np.array(entry["hourly"]["idle-free"])
        words = f"{name}: {place.prices.rpartition('/')[2]} from hour {place.start_h}, {place.rate:g} jobs/h"
        found.append((name, dashboard(series, words)))
    return found


def episode_series(episode: Episode, config: NodePowerConfig) -> dict[str, np.ndarray]:
    """Return the series of an episode by the names of `wattq.experiments.rl.node_power.figures.PANELS`."""
    hours = episode.hours
    return {
        "price": hours["price"],
        "nodes_on": hours["on"],
        "nodes_used": hours["used"],
        "core_share": hours["cores_used"] / config.total_cores,
        "queued": hours["queue"],
        "running": hours["running"],
        "backlog": hours["backlog"],
        "arrived": hours["submitted"],
        "dropped": hours["lost_full"] + hours["lost_age"],
        "waiting_core_h": hours["pending_ch"],
        "cost": hours["cost"],
        "cost_idle_free": hours["price"] * idle_free(episode, config),
        "reward": episode.reward,
        **{f"reward_{name}": part for name, part in episode.parts.items() if np.any(part)},
    }


def _picture(figure: Figure, path: Path) -> Path:
    from wattq.experiments.plots.style import render

    return write_whole(path, render(figure))
