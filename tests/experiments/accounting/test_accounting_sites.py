"""Accounts of machines that stand at several sites."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.errors import InvalidInputError, SignalError
from wattq.experiments import RunResults, read_run
from wattq.experiments.accounting import Tariff, account, account_history, reconstruct
from wattq.experiments.accounting.sites import account_sites, site_hosts, split_history
from wattq.platforms import ComputeState, Platform, SleepState, join_platforms, make_platform
from wattq.platforms.signals import Signal
from wattq.schedulers import make_policy
from wattq.simulator import simulate
from wattq.workloads import generate_saturated
from wattq.workloads.batsim_json import parse_batsim_json
from wattq.workloads.model import Workload

HOUR = 3600.0


def series(values: list[float], *, unit: str = "g/kWh") -> Signal:
    starts = HOUR * np.arange(len(values))
    quantity = "carbon" if unit == "g/kWh" else "price"
    return Signal(starts, float(starts[-1] + HOUR), np.array(values, dtype=float), quantity, unit)


def machine(idle_w: float, full_w: float, n: int = 2) -> Platform:
    return make_platform(n, [ComputeState(1e9, idle_w, full_w)], [SleepState(10, 5, 125, 64, 115)])


@pytest.fixture
def two() -> Platform:
    return join_platforms({"a": machine(100.0, 200.0), "b": machine(50.0, 400.0)})


def work(rows: list[tuple[float, int, float]]) -> Workload:
    jobs = [
        {"id": str(k), "subtime": submit_s, "res": hosts, "walltime": run_s + 1, "profile": f"c{run_s}"}
        for k, (submit_s, hosts, run_s) in enumerate(rows)
    ]
    profiles = {f"c{run_s}": {"type": "parallel_homogeneous", "cpu": run_s * 1e9, "com": 0} for _, _, run_s in rows}
    document = {"nb_res": 4, "jobs": jobs, "profiles": profiles}
    return parse_batsim_json(json.dumps(document).encode(), "w0.json", name="w0")


def played(platform: Platform, workload: Workload, folder: Path, policy: Any) -> RunResults:
    simulate(platform, [workload], policy, energy=True).write(folder)
    return read_run(folder)


def test_two_hours_at_two_sites(two: Platform, tmp_path: Path) -> None:
    # b is cleaner in both hours: the first job takes both its hosts, the second goes to a.
    params = {"sites": "a=300;b=100", "machine": str(tmp_path / "two.xml")}
    from wattq.platforms import write_platform

    write_platform(two, tmp_path / "two.xml")
    run = played(two, work([(0, 2, 2 * HOUR), (0, 1, HOUR)]), tmp_path / "run", make_policy("sites", params))
    tariffs = {
        "a": Tariff(carbon=series([300, 500, 0]), price=series([-50, 150, 0], unit="EUR/MWh")),
        "b": Tariff(carbon=series([100, 200, 0]), price=series([100, 100, 0], unit="EUR/MWh"), pue=1.5),
    }
    found = account_sites(run, two, tariffs, window=(0.0, 2 * HOUR))
    a, b = found.sites["a"], found.sites["b"]
    # a: (200 + 100) W in the first hour, 200 W idle in the second; b: 800 W in both.
    assert a.total.energy_kwh == pytest.approx(0.5, rel=1e-12)
    assert b.total.energy_kwh == pytest.approx(1.6, rel=1e-12)
    assert a.total.carbon_g == pytest.approx(0.3 * 300 + 0.2 * 500, rel=1e-12)
    assert b.total.carbon_g == pytest.approx(1.5 * (0.8 * 100 + 0.8 * 200), rel=1e-12)
    assert a.total.cost == pytest.approx((-50 * 0.3 + 150 * 0.2) / 1000, rel=1e-12)
    assert found.total.carbon_g == pytest.approx(190 + 360, rel=1e-12)
    assert found.total.cost == pytest.approx(0.015 + 0.24, rel=1e-12)
    assert found.total.facility_kwh == pytest.approx(0.5 + 2.4, rel=1e-12)
    # Each job is charged at its own site; rows are by date of end.
    assert a.jobs.computing["energy_j"].tolist() == pytest.approx([0.2 * 3.6e6, 0.0])
    assert b.jobs.computing["energy_j"].tolist() == pytest.approx([0.0, 1.6 * 3.6e6])
    assert a.parts["idle"].energy_kwh == pytest.approx(0.3)


@pytest.mark.parametrize("policy", ["sites", "sleeper"])
def test_sites_sum_to_the_whole(policy: str, tmp_path: Path, repo_dir: Path) -> None:
    platform = join_platforms({"x": machine(100.0, 200.0, 6), "y": machine(60.0, 90.0, 4)})
    hosts = site_hosts(platform)
    assert {name: numbers.tolist() for name, numbers in hosts.items()} == {"x": [*range(6)], "y": [*range(6, 10)]}
    workload = generate_saturated(150, 4, seed=3)
    made = make_policy("sites", {"sites": "0-5=2;6-9=1"})
    if policy == "sleeper":
        made = make_policy(f"{repo_dir}/docs/examples/sleeper.py:Sleeper", {"idle_s": 30, "state": 1})
        workload = work([(40.0 * k, 1, 20.0 + k % 50) for k in range(80)])
    run = played(platform, workload, tmp_path / "run", made)
    whole = reconstruct(run, platform)
    parts = split_history(whole, hosts)
    for part, joules in whole.energy_j().items():
        assert sum(one.energy_j()[part] for one in parts.values()) == pytest.approx(joules, rel=1e-9)
    hours = int(whole.end_s // HOUR) + 1
    grid = series([100.0 + 7 * (k % 24) for k in range(hours)])
    one = account(run, platform, carbon=grid, pue=1.2)
    both = account_sites(run, platform, {name: Tariff(carbon=grid, pue=1.2) for name in hosts})
    assert both.total.energy_j == pytest.approx(one.total.energy_j, rel=1e-9)
    assert both.total.carbon_g == pytest.approx(one.total.carbon_g, rel=1e-9)
    computing = sum(site.jobs.computing["carbon_g"] for site in both.sites.values())
    assert computing == pytest.approx(one.jobs.computing["carbon_g"], rel=1e-9)
    for name, site in both.sites.items():
        jobs = site.jobs.computing["energy_j"].sum() + site.jobs.overhead["energy_j"].sum()
        assert jobs + site.unattributed.energy_j == pytest.approx(site.total.energy_j, rel=1e-9)
        assert account_history(parts[name]).total.energy_j == pytest.approx(site.total.energy_j, rel=1e-12)


def test_what_cannot_be_accounted(two: Platform, tmp_path: Path) -> None:
    run = played(two, work([(0, 3, 60.0)]), tmp_path / "run", make_policy("easy"))
    carbon, euro, pound = series([1.0]), series([1.0], unit="EUR/MWh"), series([1.0], unit="GBP/MWh")
    plain = {"a": Tariff(), "b": Tariff()}
    with pytest.raises(InvalidInputError, match="'w0!0' ran at the sites 'a' and 'b'"):
        account_sites(run, two, plain)
    with pytest.raises(SignalError, match="several currencies"):
        account_sites(run, two, {"a": Tariff(price=euro), "b": Tariff(price=pound)})
    with pytest.raises(SignalError, match="'b' has no carbon"):
        account_sites(run, two, {"a": Tariff(carbon=carbon), "b": Tariff()})
    with pytest.raises(InvalidInputError, match="but not both"):
        account_sites(run, two, {"a": Tariff()})
    for hosts, words in [
        ({"a": [0, 1], "b": [2]}, "host 3 belongs to no site"),
        ({"a": [0, 1, 2], "b": [2, 3]}, "host 2 belongs to another"),
        ({"a": [0, 1], "b": [2, 3, 4]}, "host 4, but"),
    ]:
        with pytest.raises(InvalidInputError, match=words):
            account_sites(run, two, plain, hosts=hosts)
    with pytest.raises(InvalidInputError, match="no property 'site'"):
        site_hosts(machine(1.0, 2.0))
