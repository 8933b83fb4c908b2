"""Sites whose grids change."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from wattq.errors import SignalError, WattqError
from wattq.platforms import join_platforms, make_platform, read_platform, write_platform
from wattq.platforms.signals import write_signal
from wattq.platforms.signals.series import Signal
from wattq.schedulers import make_policy
from wattq.schedulers.outlook import Outlook
from wattq.schedulers.plugin import Bridge, Options
from wattq.schedulers.sites import Site, Sites
from wattq.simulator import Run, simulate
from wattq.simulator.conversation import converse
from wattq.workloads.batsim_json import parse_batsim_json
from wattq.workloads.model import Workload

HOUR = 3600.0
MARCH = 1614556800.0
Row = tuple[float, int, float]


def series(values: list[float], **words: str) -> Signal:
    starts = MARCH + HOUR * np.arange(len(values))
    fields = {"quantity": "carbon", "unit": "g/kWh"} | words
    return Signal(starts, float(starts[-1] + HOUR), np.array(values, dtype=float), **fields)


def work(rows: list[Row]) -> Workload:
    jobs = [
        {"id": str(k), "subtime": submit_s, "res": hosts, "walltime": run_s + 1, "profile": f"d{run_s}"}
        for k, (submit_s, hosts, run_s) in enumerate(rows)
    ]
    profiles = {f"d{run_s}": {"type": "delay", "delay": run_s} for _, _, run_s in rows}
    return parse_batsim_json(
        json.dumps({"nb_res": 4, "jobs": jobs, "profiles": profiles}).encode(), "w0.json", name="w0"
    )


def starts(run: Run) -> dict[int, tuple[float, str]]:
    rows = csv.DictReader(io.StringIO(run.files()["jobs.csv"]))
    return {int(row["job_id"]): (float(row["starting_time"]), row["allocated_resources"]) for row in rows}


def two(first: Signal, second: Signal, **options: object) -> Sites:
    forecast = str(options.get("forecast", "perfect"))
    sites = [
        Site("a", np.arange(4), Outlook(first, MARCH, forecast)),
        Site("b", np.arange(4, 8), Outlook(second, MARCH, forecast)),
    ]
    return Sites(sites, {None: float(str(options.get("max_wait", 0)))})


def test_the_mean_over_the_run_decides_not_the_value_of_now() -> None:
    # A is clean for an hour, then dirty; B is between. Short jobs go to A, long ones to B.
    policy = two(series([100, 500, 500, 500]), series([200, 200, 200, 200]))
    rows: list[Row] = [(0, 1, 0.5 * HOUR), (0, 1, 2 * HOUR), (HOUR, 1, 0.5 * HOUR)]
    got = starts(simulate(make_platform(8), [work(rows)], policy))
    assert got == {0: (0.0, "0"), 1: (0.0, "4"), 2: (HOUR, "5")}


def test_what_cannot_be_foreseen_does_not_decide() -> None:
    # Only yesterday is known: A was clean then, and is dirty today from the second hour on.
    yesterday, today = [100.0] * 24, [100.0] + [500.0] * 23
    a, b = series(yesterday + today), series([200.0] * 48)
    rows: list[Row] = [(86400.0, 1, 3 * HOUR)]
    for forecast, hosts in (("persistence", "0"), ("perfect", "4")):
        got = starts(simulate(make_platform(8), [work(rows)], two(a, b, forecast=forecast)))
        assert got[0] == (86400.0, hosts)


def test_waiting_looks_at_the_time_when_the_job_would_run() -> None:
    # A is full for 2 h; it is cleaner than B until then, and dirtier afterwards: nobody waits for it.
    rows: list[Row] = [(0, 4, 2 * HOUR - 1), (1, 1, HOUR)]
    policy = two(series([100, 100, 300, 300, 300]), series([200] * 5), max_wait=86400)
    assert starts(simulate(make_platform(8), [work(rows)], policy))[1] == (1.0, "4")
    policy = two(series([100, 100, 100, 100, 300]), series([200] * 5), max_wait=86400)
    assert starts(simulate(make_platform(8), [work(rows)], policy))[1] == (2 * HOUR - 1, "0")


def test_a_signal_must_cover_every_date_at_which_a_job_may_start() -> None:
    policy = two(series([100, 100]), series([200, 200, 200, 200]))
    with pytest.raises(SignalError, match=r"site 'a', at 7200.0 s: .*2021-03-01T02:00:00Z"):
        simulate(make_platform(8), [work([(0, 1, 10), (2 * HOUR, 1, 10)])], policy)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A machine of two sites and the files of their grids: de is dirtier but at noon."""
    machines = {"gb": make_platform(4), "de": make_platform(6)}
    write_platform(join_platforms(machines), tmp_path / "both.xml")
    hours = [float(hour % 24) for hour in range(72)]
    write_signal(series([200.0] * 72), tmp_path / "gb.csv")
    write_signal(series([100.0 if 10 <= hour < 14 else 400.0 for hour in hours]), tmp_path / "de.csv.xz")
    write_signal(series([50.0] * 72, quantity="price", unit="EUR/MWh"), tmp_path / "price.csv")
    write_signal(series([50.0] * 72, kind="marginal"), tmp_path / "marginal.csv")
    return tmp_path


def test_signals_and_sites_from_files(files: Path) -> None:
    params = {
        "sites": f"gb={files}/gb.csv;de={files}/de.csv.xz",
        "machine": f"{files}/both.xml",
        "origin": "2021-03-01T00:00Z",
    }
    rows: list[Row] = [(9 * HOUR, 1, 0.5 * HOUR), (10 * HOUR, 1, HOUR), (13 * HOUR, 1, 5 * HOUR)]
    platform = read_platform(files / "both.xml")
    run = simulate(platform, [work(rows)], make_policy("sites", params))
    # Hosts 0 to 5 are in Germany: its name comes first.
    assert starts(run) == {0: (9 * HOUR, "6"), 1: (10 * HOUR, "0"), 2: (13 * HOUR, "6")}
    bridge = Bridge(Options(policy="sites", params=params))
    assert converse(platform, [work(rows)], bridge.reply).files()["jobs.csv"] == run.files()["jobs.csv"]
    numbers = params | {"sites": f"6-9={files}/gb.csv;0-5={files}/de.csv.xz"}
    del numbers["machine"]
    again = simulate(platform, [work(rows)], make_policy("sites", numbers))
    assert again.files()["jobs.csv"] == run.files()["jobs.csv"]
    with pytest.raises(SignalError, match=r"site 'de', at 259200.0 s"):
        simulate(platform, [work([(72 * HOUR, 1, 5.0)])], make_policy("sites", params))
    noisy = [make_policy("sites", params | {"forecast": "noisy:120", "seed": seed}) for seed in (1, 1, 2)]
    many: list[Row] = [(1200.0 * k, 1, 3000.0 + 60 * (k % 70)) for k in range(200)]
    one, other, third = (simulate(platform, [work(many)], policy).files()["jobs.csv"] for policy in noisy)
    assert one == other
    assert one != third


@pytest.mark.parametrize(
    ("sites", "words"),
    [
        ("0-3={}/gb.csv;4-9={}/price.csv", "quantity 'carbon', that of site '4-9' 'price'"),
        ("0-3={}/gb.csv;4-9={}/nothing.csv", "nothing.csv"),
        ("fr={}/gb.csv", r"'fr'.*de, gb"),
    ],
)
def test_signals_and_sites_that_do_not_fit(files: Path, sites: str, words: str) -> None:
    params = {"sites": sites.replace("{}", str(files)), "origin": MARCH}
    if sites.startswith("fr"):
        params["machine"] = f"{files}/both.xml"
    with pytest.raises(WattqError, match=words):
        make_policy("sites", params)


def test_average_and_marginal_intensities_are_not_compared(files: Path) -> None:
    write_signal(series([50.0] * 72, kind="average"), files / "average.csv")
    params = {"sites": f"0-3={files}/average.csv;4-9={files}/marginal.csv", "origin": MARCH}
    with pytest.raises(SignalError, match="has kind 'average', that of site '4-9' 'marginal'"):
        make_policy("sites", params)
