from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.errors import CampaignError
from wattq.experiments.campaign import Results, Row, Status, factor_tables, write_report
from wattq.experiments.campaign.collecting import scored
from wattq.experiments.campaign.figures import PANELS, panels_of, sweep_figure
from wattq.experiments.campaign.tables import interval, tables_rows, tables_text
from wattq.experiments.comparison import bootstrap_interval
from wattq.experiments.plots.style import render

NAMES = ("energy_kwh", "wait_mean_s", "wait_p95_s", "bounded_slowdown_mean", "utilisation", "queue_mean", "makespan_s")
MORE = ("co2e_kg", "throughput_per_h", "power_mean_w", "jobs_rejected", "jobs_killed", "wait_max_s")


def results(seeds: int = 4) -> Results:
    """Two policies, two loads, two temperatures that change energy alone."""
    rows: list[dict[str, Any]] = []
    for load in (0.5, 1.0):
        for ambient in (5, 25):
            for seed in range(seeds):
                for policy in ("easy", "sleep"):
                    base = load * (seed + 1) * (2.0 if policy == "easy" else 1.0)
                    figures = {name: base + place for place, name in enumerate(NAMES)}
                    figures |= dict.fromkeys(MORE, 0.0)
                    figures["energy_kwh"] = base * (1 + ambient / 100)
                    told = {"load": load, "ambient": ambient, "workload": "made", "seed": seed, "policy": policy}
                    rows.append({"key": str(len(rows)), "status": "done", **told, **figures})
    rows.append({"key": "x", "status": "new", **told})
    columns = {name: row[name] for row in rows[-1:] for name in told}
    status = Status("n", "Title", [Row("x", columns, "new", [])], 0, {"load": ["load"], "ambient": ["ambient"]})
    return Results(status, list(rows[0]), rows, [*NAMES, *MORE])


def test_means_over_samples() -> None:
    load, ambient, policy = factor_tables(results())
    assert [table.factor for table in (load, ambient, policy)] == ["load", "ambient", "policy"]
    assert [(row.level, row.policy, row.n) for row in load.rows] == [
        ((0.5,), "easy", 4),
        ((0.5,), "sleep", 4),
        ((1.0,), "easy", 4),
        ((1.0,), "sleep", 4),
    ]
    # what the temperature does not change is no further sample
    wait = [load_seed + 1.0 for load_seed in (1.0, 2.0, 3.0, 4.0)]
    assert load.rows[0].figures["wait_mean_s"] == pytest.approx(bootstrap_interval(wait), rel=1e-12)
    assert load.rows[0].figures["energy_kwh"][0] == pytest.approx(2.5 * 1.15)
    assert [row.figures["energy_kwh"][0] for row in ambient.rows if row.policy == "easy"] == pytest.approx(
        [3.75 * 1.05, 3.75 * 1.25]
    )
    assert [row.n for row in policy.rows] == [4, 4]


def test_few_samples_have_no_interval() -> None:
    load = factor_tables(results(2))[0]
    assert load.rows[0].n == 2
    assert load.rows[0].figures["energy_kwh"][1:] == (None, None)
    text = tables_text([load])
    assert text.splitlines()[0].split() == [
        "load", "policy", "n", "Energy", "(kWh)", "CO2e", "(kg)", "Wait", "mean", "(s)", "Wait", "p95", "(s)", "Bsld",
        "mean", "Utilisation",
    ]  # fmt: skip
    assert "[" not in text


@pytest.mark.parametrize("n", [3, 10, 47])
def test_intervals_are_those_of_comparisons(n: int) -> None:
    values = np.random.default_rng(n).normal(size=n)
    assert interval(values) == pytest.approx(bootstrap_interval(values.tolist()), rel=1e-9, abs=1e-12)


def test_rows_of_files() -> None:
    rows = list(tables_rows(factor_tables(results())))
    assert len(rows) == (4 + 4 + 2) * len([*NAMES, *MORE])
    assert rows[0] == {
        "factor": "load",
        "level": "0.5",
        "policy": "easy",
        "figure": "energy_kwh",
        "n": 4,
        **dict(zip(("mean", "low", "high"), factor_tables(results())[0].rows[0].figures["energy_kwh"], strict=True)),
    }


def test_figures_have_twelve_panels(tmp_path: Path) -> None:
    found = results()
    table = factor_tables(found)[0]
    assert len(panels_of(table)) == PANELS == 12
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = sweep_figure(table, "Title: load")
        picture = render(figure)
    assert picture.startswith(b"\x89PNG")
    assert len(figure.axes) == 12
    assert [axes.get_xlabel() for axes in figure.axes] == ["load"] * 12
    assert figure.axes[0].get_title() == "Energy at the grid (kWh)"
    assert figure.axes[2].get_title() == "Wait, mean (s)"
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["easy", "sleep"]
    paths = write_report(found, tmp_path)
    assert {path.name for path in paths} == {"tables.csv", "tables.json", "sweep-load.png", "sweep-ambient.png"}
    content = json.loads((tmp_path / "tables.json").read_bytes())
    assert content["tables"][0]["rows"][0]["level"] == {"load": 0.5}
    assert (tmp_path / "sweep-load.png").read_bytes() == picture


def row(policy: str, weights: dict[str, float], **columns: Any) -> Row:
    told = {**columns, **{f"w.{name}": weight for name, weight in weights.items()}, "policy": policy}
    return Row(policy, told, "done", [], weights, policy == "easy")


def test_scores() -> None:
    values = {
        "easy": {"energy_kwh": 10.0, "co2e_kg": 4.0, "bounded_slowdown_mean": 2.0, "cost_eur": -1.0},
        "eco": {"energy_kwh": 5.0, "co2e_kg": 1.0, "bounded_slowdown_mean": 6.0, "cost_eur": -2.0},
    }
    weights = ({"energy": 1.0, "slowdown": 0.0}, {"energy": 0.5, "slowdown": 0.5}, {"carbon": 1.0}, {"cost_eur": 1.0})
    rows = [row(policy, chosen) for chosen in weights for policy in ("easy", "eco")]
    assert scored(rows, values) == [1.0, 0.5, 1.0, 1.75, 1.0, 0.25, 1.0, 2.0]
    # no EASY in the same case, no results, no weights
    assert scored([row("eco", weights[0])], values) == [None]
    assert scored([row("eco", weights[0], seed=1), row("easy", weights[0], seed=2)], values) == [None, 1.0]
    assert scored([row("easy", weights[0])], {}) == [None]
    assert scored([row("easy", {})], values) == [None]
    with pytest.raises(CampaignError, match="weights: 'comfort' is no figure of these runs; there are energy, carbon"):
        scored([row("easy", {"comfort": 1.0})], values)
