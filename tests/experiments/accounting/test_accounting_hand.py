"""Accounts that anyone can check by hand."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from wattq.errors import InvalidInputError, PlatformError, SignalError
from wattq.experiments import read_run
from wattq.experiments.accounting import (
    Amounts,
    Tariff,
    account,
    account_history,
    account_week,
    decompose,
    estimate,
    owners,
    reconstruct,
    savings,
    savings_text,
)
from wattq.platforms import ComputeState, SleepState, make_platform

MW = make_platform(1, [ComputeState(1e9, 0, 1e6)])
PAIR = make_platform(2, [ComputeState(1e9, 100, 200)])


def job(number, submit, start, run, hosts, joules=-1.0, state="COMPLETED_SUCCESSFULLY"):
    times = f"{start:.6f},{run:.6f},{start + run:.6f},0.000000,0.000000,1.000000"
    return f'{number},w0,p,{submit:.6f},1,-1.000000,1,{state},{times},{hosts},{joules:.6f},""'


@pytest.fixture
def megawatt(make_run):
    """Return the maker of a run that draws 1 MW for some time."""
    return lambda seconds, name="run": read_run(
        make_run([job(1, 0, 0, seconds, "0", 1e6 * seconds)], hosts=1, name=name)
    )


def test_two_hours_at_two_intensities(make_run, series):
    run = read_run(make_run([job(1, 0, 0, 3600, "0", 720000)], hosts=2))
    carbon = series("carbon", [0, 3600], 7200, [100, 300])
    found = account(run, PAIR, carbon=carbon, horizon_s=7200)
    # hour 1: 200 W computing and 100 W idle at 100 g/kWh; hour 2: 200 W idle at 300 g/kWh
    assert found.parts["computing"].carbon_g == pytest.approx(20.0, rel=1e-15)
    assert found.parts["idle"].carbon_g == pytest.approx(10.0 + 60.0, rel=1e-15)
    assert found.total.energy_kwh == pytest.approx(0.5, rel=1e-15)
    assert found.total.carbon_kg == pytest.approx(0.09, rel=1e-15)
    assert found.jobs.overhead["carbon_g"].tolist() == pytest.approx([70.0], rel=1e-15)


def test_a_megawatt_hour_at_minus_50_euros_costs_minus_50_euros(megawatt, series):
    found = account(megawatt(3600), MW, price=series("price", [0], 3600, [-50.0]))
    assert found.total.cost == pytest.approx(-50.0, rel=1e-15)
    assert found.currency == "EUR"
    assert account(megawatt(3600, "b"), MW, price=series("price", [0], 3600, [-50.0]), pue=1.5).total.cost == -75.0


@pytest.mark.parametrize("zone", ["Europe/London", "Europe/Berlin", "UTC"])
def test_a_constant_megawatt_over_a_local_year_costs_the_mean_of_the_series(megawatt, series, zone):
    begin, end = (datetime(year, 1, 1, tzinfo=ZoneInfo(zone)).timestamp() for year in (2021, 2022))
    hours = np.arange(begin, end, 3600.0)
    assert len(hours) == 8760
    rng = np.random.default_rng(7)
    grams, euros = rng.uniform(30, 400, len(hours)), rng.uniform(-60, 300, len(hours))
    run = megawatt(end - begin)
    terms = Tariff(series("carbon", hours, end, grams), series("price", hours, end, euros), 1.0, begin)
    found = account_history(reconstruct(run, MW), terms)
    assert found.total.cost == pytest.approx(euros.mean() * 8760, rel=1e-12)
    assert found.total.carbon_kg == pytest.approx(grams.mean() * 8760, rel=1e-12)
    # the day on which clocks go forward has 23 hours where they do
    day = datetime(2021, 3, 28, tzinfo=ZoneInfo(zone))
    since, until = day.timestamp() - begin, (day + timedelta(days=1)).replace(tzinfo=ZoneInfo(zone)).timestamp() - begin
    first, last = int(since // 3600), int(until // 3600)
    assert last - first == (24 if zone == "UTC" else 23)
    part = account_history(reconstruct(run, MW), terms, window=(since, until))
    assert part.total.cost == pytest.approx(euros[first:last].sum(), rel=1e-12)


def test_pue_may_change_over_time(megawatt, series):
    pue = series("pue", [0, 1800], 3600, [1.2, 1.6])
    price = series("price", [0, 900], 3600, [10.0, 20.0])
    found = account(megawatt(3600), MW, price=price, pue=pue)
    assert found.total.energy_kwh == pytest.approx(1000.0, rel=1e-15)
    assert found.total.facility_kwh == pytest.approx(1400.0, rel=1e-15)
    assert found.total.cost == pytest.approx(0.25 * 1.2 * 10 + 0.25 * 1.2 * 20 + 0.5 * 1.6 * 20, rel=1e-15)


def test_overhead_is_shared_by_hosts_and_idle_instants_by_energy(make_run):
    machine = make_platform(4, [ComputeState(1e9, 100, 200)])
    # job 1 on one host for 10 s; then job 2 on three hosts for 20 s; 10 s of nothing in between
    lines = [job(1, 0, 0, 10, "0", 2000), job(2, 0, 20, 20, "1-3", 12000)]
    users = ["1,w0,0.000000,1,-1.000000,5", "2,w0,0.000000,3,-1.000000,6"]
    found = account(read_run(make_run(lines, submitted=users)), machine)
    # idle: 300 W x 10 s to job 1, 100 W x 20 s to job 2, 400 W x 10 s by energy, 2000 to 12000
    assert found.jobs.overhead["energy_j"].tolist() == pytest.approx([3000 + 4000 / 7, 2000 + 24000 / 7], rel=1e-14)
    assert found.jobs.idle_share_j.tolist() == [1000.0, 6000.0]
    assert found.total.energy_j == 23000.0
    rows = {owner.name: (owner.jobs, owner.computing.energy_j) for owner in owners(found, "user")}
    assert rows == {"5": (1, 2000.0), "6": (1, 12000.0)}
    assert [owner.name for owner in owners(found, "class")] == ["unknown"]


def test_overhead_of_a_run_without_jobs_is_shown_as_unattributed(make_run):
    lines = ['1,w0,p,0.000000,9,-1.000000,0,REJECTED,,,,,,,,,""']
    found = account(read_run(make_run(lines, hosts=2)), PAIR, horizon_s=10)
    assert found.unattributed.energy_j == found.total.energy_j == 2000.0
    assert [(owner.name, owner.jobs) for owner in owners(found, "job")] == [("unattributed", 0)]


def test_a_week_counts_its_jobs_wherever_they_run(make_run):
    # job 1 is submitted in week 0 and runs into week 1
    run = read_run(make_run([job(1, 5, 8, 7, "0", 1400), job(2, 12, 15, 5, "0-1", 2000)], hosts=2))
    history = reconstruct(run, PAIR)
    first, second = (account_week(history, None, window) for window in ((0, 10), (10, 20)))
    assert first.parts["computing"].energy_j == 1400.0
    assert first.parts["idle"].energy_j == 8 * 200 + 2 * 100
    assert second.parts["computing"].energy_j == 2000.0
    assert second.parts["idle"].energy_j == 5 * 100
    inside = account_history(history, window=(0, 10))
    assert inside.parts["computing"].energy_j == pytest.approx(400.0, rel=1e-15)
    assert first.jobs.overhead["energy_j"].tolist() == pytest.approx([1800.0, 0.0], rel=1e-15)


def test_energy_that_was_not_counted_is_taken_from_full_load_and_said(make_run):
    found = account(read_run(make_run([job(1, 0, 0, 10, "0-1")], hosts=2)), PAIR)
    assert found.total.energy_j == 4000.0
    assert found.notes == ("energy of 1 job was not counted: full load is assumed",)


def test_jobs_that_last_no_time_draw_nothing(make_run):
    found = account(read_run(make_run([job(1, 0, 5, 1e-5, "0", 0.0), job(2, 0, 5, 5, "1", 500.0)], hosts=2)), PAIR)
    assert found.total.energy_j == 2000.0
    assert found.jobs.computing["energy_j"].tolist() == [0.0, 500.0]


def test_sleep_and_switches_by_hand(make_run):
    machine = make_platform(2, [ComputeState(1e9, 100, 200)], [SleepState(10, 5, 125, 10, 115)])
    states = "time,machine_id,new_pstate\n0,0-1,0\n2,1,-2\n7,1,1\n20,1,-1\n30,1,0\n"
    rows = "".join(f"{t:.6f},0.000000,p,0.000000,NA\n" for t in (2.25, 7.25, 20.25, 30.25))
    files = {
        "pstate_changes.csv": states.replace("\n2,", "\n2.25,").replace("\n7,", "\n7.25,").replace("20,", "20.25,")
        .replace("\n30,", "\n30.25,"),
        "consumed_energy.csv": "time,energy,event_type,wattmin,epower\n" + rows,
        "summary.json": '{"end_s": 40}',
    }  # fmt: skip
    with pytest.raises(InvalidInputError, match="counts 0 J"):
        account(read_run(make_run([job(1, 0, 0, 40, "0", 8000)], hosts=2, files=files, name="wrong")), machine)
    total = 8000 + 2.25 * 100 + 5 * 125 + 13 * 10 + 10 * 115 + 9.75 * 100
    files["consumed_energy.csv"] += f"40.000000,{total:.6f},e,0.000000,NA\n"
    found = account(read_run(make_run([job(1, 0, 0, 40, "0", 8000)], hosts=2, files=files)), machine)
    parts = {name: amounts.energy_j for name, amounts in found.parts.items()}
    assert parts == {
        "computing": 8000.0,
        "idle": 2.25 * 100 + 9.75 * 100,
        "sleeping": 130.0,
        "switching_on": 1150.0,
        "switching_off": 625.0,
    }
    assert found.total.energy_j == total


def test_a_series_that_does_not_cover_the_run_is_an_error(megawatt, series):
    run, short = megawatt(3600), series("carbon", [0], 3599, [100])
    with pytest.raises(SignalError, match="nothing is known outside"):
        account(run, MW, carbon=short)
    assert account(run, MW, carbon=short, window=(0, 3599)).total.carbon_g == pytest.approx(1e5 * 3599 / 3600)
    with pytest.raises(SignalError):
        account(run, MW, carbon=short, origin_s=-1.0)
    with pytest.raises(SignalError):
        account(run, MW, pue=series("pue", [1], 7200, [1.2]))


@pytest.mark.parametrize("pue", [0.99, float("nan"), float("inf")])
def test_a_pue_below_1_is_refused(megawatt, pue):
    with pytest.raises(SignalError, match="PUE"):
        account(megawatt(10), MW, pue=pue)


def test_wrong_words_are_refused(megawatt, series):
    run = megawatt(10)
    with pytest.raises(SignalError, match="series of price is given as carbon"):
        account(run, MW, carbon=series("price", [0], 10, [1]))
    with pytest.raises(InvalidInputError, match="before the end"):
        account(run, MW, horizon_s=9)
    with pytest.raises(InvalidInputError, match="empty"):
        account(run, MW, window=(5, 5))
    with pytest.raises(InvalidInputError, match="1 compute hosts"):
        account(run, PAIR)
    with pytest.raises(PlatformError, match="no powers"):
        account(run, make_platform(1))
    with pytest.raises(InvalidInputError, match="no such grouping"):
        owners(account(run, MW), "colour")


def test_energy_that_cannot_depend_on_the_schedule_is_said_so(make_run, series):
    a = read_run(make_run([job(1, 0, 0, 10, "0-1", 4000), job(2, 0, 10, 10, "0", 2000)], hosts=2, name="a"))
    b = read_run(make_run([job(1, 0, 10, 10, "0-1", 4000), job(2, 0, 0, 10, "1", 2000)], hosts=2, name="b"))
    price = series("price", [0, 10], 20, [36e6, 72e6])
    first, second = (account(run, PAIR, price=price) for run in (a, b))
    found = decompose(first, second)
    assert found.bound
    assert found.words[0].endswith("their energy cannot depend on the schedule.")
    assert found.words[1] == "Carbon and cost can differ only through the dates at which the energy is drawn."
    assert first.total.cost == pytest.approx(40 + 60)
    assert second.total.cost == pytest.approx(30 + 80)
    assert found.measures["cost"].terms["timing"] == pytest.approx(10.0)
    assert sum(map(abs, found.measures["energy_j"].terms.values())) == 0.0
    later = decompose(account(a, PAIR), account(b, PAIR, horizon_s=25))
    assert "5 s later in B" in later.words[0]
    assert later.measures["energy_j"].terms["idle"] == 1000.0


def test_frequency_placement_and_work_not_served(make_run):
    machine = make_platform(2, [ComputeState(1e9, 100, 200), ComputeState(0.5e9, 80, 120)])
    machine = dataclasses.replace(machine, full_w=machine.full_w * np.array([[1.0], [0.9]]))
    slow = {
        "pstate_changes.csv": "time,machine_id,new_pstate\n0,0-1,0\n0,0,-1\n0,0,1\n",
        "consumed_energy.csv": "time,energy,event_type,wattmin,epower\n"
        + "0.000000,0.000000,p,0.000000,NA\n" * 2
        + "20.000000,4400.000000,e,0.000000,NA\n",
    }
    base = account(read_run(make_run([job(1, 0, 0, 10, "0", 2000)], hosts=2, name="a")), machine, horizon_s=20)
    other = account(read_run(make_run([job(1, 0, 0, 10, "1", 1800)], hosts=2, name="b")), machine, horizon_s=20)
    half = account(read_run(make_run([job(1, 0, 0, 20, "0", 2400)], hosts=2, name="c", files=slow)), machine)
    moved = decompose(base, other).measures["energy_j"].terms
    assert (moved["placement"], moved["frequency"], moved["idle"]) == (-200.0, 0.0, 0.0)
    slowed = decompose(base, half).measures["energy_j"].terms
    assert (slowed["placement"], slowed["frequency"], slowed["idle"]) == (0.0, 400.0, 2000.0 - 3000.0)
    killed = account(
        read_run(make_run([job(1, 0, 0, 5, "0", 1000, "COMPLETED_KILLED")], hosts=2, name="d")), machine, horizon_s=20
    )
    with pytest.raises(InvalidInputError, match="served 1 of the 1 jobs"):
        decompose(base, killed)
    found = decompose(base, killed, allow_less_work=True)
    assert found.served_less == 1
    assert found.measures["energy_j"].terms["served"] == -1000.0
    assert "what it saves is not a saving" in " ".join(found.words)


def test_accounts_in_different_currencies_do_not_compare(megawatt, series):
    run = megawatt(10)
    euros = account(run, MW, price=series("price", [0], 10, [1.0]))
    pounds = account(run, MW, price=dataclasses.replace(series("price", [0], 10, [1.0]), unit="GBP/MWh"))
    with pytest.raises(InvalidInputError, match="EUR and GBP"):
        decompose(euros, pounds)
    week = account_week(reconstruct(run, MW), euros.tariff, (0, 10))
    with pytest.raises(InvalidInputError, match="not comparable"):
        decompose(euros, week)


def test_estimate_of_a_job():
    assert estimate(400, 10, 4) == Amounts(16 * 3.6e6, 16 * 3.6e6, 8000.0, pytest.approx(1.92))
    assert estimate(1000, 1, price_per_kwh=-0.05, carbon_kg_per_kwh=0.2, pue=1.5).cost == pytest.approx(-0.075)
    for wrong in ({"power_w": -1.0}, {"hours": float("nan")}, {"pue": 0.9}, {"price_per_kwh": float("inf")}):
        with pytest.raises(InvalidInputError):
            estimate(**{"power_w": 1.0, "hours": 1.0, **wrong})


def test_savings_by_month_against_always_on_and_idle_for_free(make_run, series):
    machine = make_platform(1, [ComputeState(1e9, 100, 200)], [SleepState(10, 5, 125, 10, 115)])
    day = 86400.0
    dates = (10 * day, 10 * day + 5, 40 * day - 10, 40 * day)
    total = 10 * day * 200 + 5 * 125 + (30 * day - 15) * 10 + 10 * 115 + 5 * day * 200
    files = {
        "pstate_changes.csv": "time,machine_id,new_pstate\n0,0,0\n"
        + "".join(f"{date:g},0,{state}\n" for date, state in zip(dates, (-2, 1, -1, 0), strict=True)),
        "consumed_energy.csv": "time,energy,event_type,wattmin,epower\n"
        + "".join(f"{date:.6f},0.000000,p,0.000000,NA\n" for date in dates)
        + f"{45 * day:.6f},{total:.6f},e,0.000000,NA\n",
        "summary.json": f'{{"end_s": {45 * day}}}',
    }
    lines = [job(1, 0, 0, 10 * day, "0", 2000 * day), job(2, 0, 40 * day, 5 * day, "0", 1000 * day)]
    history = reconstruct(read_run(make_run(lines, hosts=1, files=files)), machine)
    begin = datetime(2021, 1, 17, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    price = series("price", [begin], begin + 45 * day, [50.0])
    found = savings(history, Tariff(None, price, 1.0, begin), time_zone="Europe/Berlin")
    assert [month.month for month in found.months] == ["2021-01", "2021-02", "2021-03"]
    assert found.always_on["facility_j"] == 15 * day * 200 + 30 * day * 100
    assert found.run["facility_j"] == pytest.approx(total, rel=1e-12)
    assert found.idle_free["facility_j"] == 15 * day * 200
    # January: 15 days from the 17th on, of which 10 compute and 5 (less the switch) are spent asleep
    january = found.months[0]
    assert january.always_on["facility_j"] - january.run["facility_j"] == pytest.approx(
        5 * day * 90 - 5 * 115, rel=1e-12
    )
    for name in ("facility_j", "cost"):
        assert sum(month.run[name] for month in found.months) == pytest.approx(found.run[name], rel=1e-9)
        assert sum(month.always_on[name] for month in found.months) == pytest.approx(found.always_on[name], rel=1e-9)
    saved = 30 * day * 100 - (30 * day - 15) * 10 - 5 * 125 - 10 * 115
    assert found.saved("facility_j") == pytest.approx(saved, rel=1e-9)
    assert found.effective("facility_j") == pytest.approx(saved / (30 * day * 100), rel=1e-9)
    assert found.per_year("cost") == pytest.approx(found.saved("cost") / 45 * 365.2425, rel=1e-9)
    heading = " ".join(savings_text(found, "EUR").splitlines()[0].split())
    assert heading == "Against always on Saved energy kWh % Saved cost EUR %"
    with pytest.raises(InvalidInputError, match="IANA"):
        savings(history, time_zone="Middle/Earth")
