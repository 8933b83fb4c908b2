"""Accounts of wattq's own runs, from library and command line."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable

import pytest

from wattq.cli import main
from wattq.experiments import PolicySpec, read_run, run_once
from wattq.experiments.accounting import account, reconstruct
from wattq.platforms import ComputeState, SleepState, load_platform, make_platform, read_platform
from wattq.workloads import generate_saturated, read_workload

MACHINE = make_platform(
    16, [ComputeState(1e9, 97.3, 203.1), ComputeState(0.75e9, 90, 150)], [SleepState(9.7, 6.1, 125, 150.3, 101)]
)
EASY = PolicySpec(name="easy")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """EASY and FCFS on generated jobs, with energy."""
    folder = tmp_path_factory.mktemp("runs")
    work = generate_saturated(200, 16, 3)
    for name in ("easy", "fcfs"):
        run_once(MACHINE, [work], PolicySpec(name=name), folder / name, energy=True)
    days = ["from,to,actual,region"]
    values = []
    for hour in range(24 * 40):
        day, at = divmod(hour, 24)
        month, date = divmod(day, 28)
        values.append(100 + 7 * (hour % 13))
        first = f"2021-{month + 1:02}-{date + 1:02}T{at:02}:00Z"
        day, at = divmod(hour + 1, 24)
        month, date = divmod(day, 28)
        days.append(f"{first},2021-{month + 1:02}-{date + 1:02}T{at:02}:00Z,{values[-1]},GB")
    text = "\n".join(day for day in days if "2021-01" in day.split(",")[1] or day is days[0])
    (folder / "carbon.csv").write_text(text + "\n")
    (folder / "price.csv").write_text(
        text.replace("actual,region", "actual,region,unit").replace(",GB", ",GB,EUR/MWh") + "\n"
    )
    return folder


@pytest.mark.parametrize("policy", ["easy", "fcfs"])
def test_the_total_is_the_exact_energy_of_the_run(runs, policy):
    run = read_run(runs / policy)
    assert not run.summary["energy_counts_differ"]
    machine = read_platform(runs / policy / "platform.xml")
    found = account(run, machine)
    assert found.total.energy_j == pytest.approx(run.summary["energy_exact_j"], rel=1e-12)
    by_state = run.summary["energy_by_state_j"]
    assert {name: part.energy_j for name, part in found.parts.items()} == pytest.approx(
        {name: by_state[name] for name in found.parts}, rel=1e-12
    )
    # the files alone, without what the simulator says of itself, agree up to the rounding of dates
    del run.summary["energy_by_state_j"]
    assert account(run, machine).total.energy_j == pytest.approx(run.summary["energy_exact_j"], rel=1e-8)


def test_the_lazy_count_is_replaced_by_the_exact_one(tmp_path):
    text = {
        "nb_res": 2,
        "jobs": [{"id": "1", "subtime": 0, "res": 2, "walltime": 100, "profile": "both"}],
        "profiles": {
            "both": {"type": "composed", "seq": ["wait", "work"]},
            "wait": {"type": "delay", "delay": 10},
            "work": {"type": "parallel_homogeneous", "cpu": 1e10, "com": 0},
        },
    }
    (tmp_path / "lazy.json").write_text(json.dumps(text))
    machine = make_platform(2, [ComputeState(1e9, 100, 200)])
    run = run_once(machine, [read_workload(tmp_path / "lazy.json")], EASY, tmp_path / "lazy", energy=True)
    found = account(run, machine)
    assert found.total.energy_j == pytest.approx(6000.0, rel=1e-9)
    assert "lazy count" in found.notes[0]


def test_the_platform_of_another_run_is_refused(runs):
    with pytest.raises(ValueError, match=r"summary\.json counts"):
        reconstruct(read_run(runs / "easy"), make_platform(16, [ComputeState(1e9, 90, 203.1)]))


def test_real_traces_are_accounted(tmp_path, shared_dir):
    folder = shared_dir / "golden" / "policies"
    machine = load_platform(folder / "platforms" / "h100.xml")
    run = run_once(
        machine, [read_workload(folder / "workloads" / "kth3k-ptask.json.xz")], EASY, tmp_path / "r", energy=True
    )
    found = account(run, machine)
    assert found.total.energy_j == pytest.approx(run.summary["energy_exact_j"], rel=1e-12)
    del run.summary["energy_by_state_j"]
    assert account(run, machine).total.energy_j == pytest.approx(found.total.energy_j, rel=1e-9)


@pytest.fixture
def wattq(capsys) -> Callable[..., tuple[int, str]]:
    """Return a caller of the command line: exit code and what was printed."""

    def call(*words: object) -> tuple[int, str]:
        code = 0
        try:
            main([str(word) for word in words])
        except SystemExit as end:
            code = int(end.code or 0)
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return call


def test_account_on_the_command_line(runs, tmp_path, wattq):
    signals = ["--carbon", runs / "carbon.csv", "--price", runs / "price.csv", "--origin", "2021-01-02T00:00Z"]
    out = ["--json", tmp_path / "a.json", "--csv", tmp_path / "a.csv"]
    code, printed = wattq("account", runs / "easy", *signals, "--pue", "1.3", "--by", "user", *out)
    assert code == 0, printed
    assert "Facility kWh" in printed
    assert "2021-01-02 00:00 UTC to" in printed
    content = json.loads((tmp_path / "a.json").read_text())
    assert content["pue"] == 1.3
    assert content["total"]["facility_kwh"] == pytest.approx(1.3 * content["total"]["energy_kwh"], rel=1e-12)
    assert content["carbon"]["sha256"]
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    assert sum(float(row["total_cost_eur"]) for row in rows) == pytest.approx(content["total"]["cost_eur"], rel=1e-9)
    assert sum(int(row["jobs"]) for row in rows) == 200
    code, printed = wattq(
        "account", runs / "easy", "--by", "job", "--from", 100, "--to", 1000, "--csv", tmp_path / "b.csv"
    )
    assert code == 0, printed
    assert "and 180 more" in printed
    assert (tmp_path / "b.csv").read_text().startswith("job,jobs,computing_energy_kwh,")
    code, printed = wattq("account", runs / "easy", "--csv", tmp_path / "c.csv", "--horizon", 10**7)
    assert code == 0, printed
    assert [line.split(",")[0] for line in (tmp_path / "c.csv").read_text().splitlines()][-1] == "total"


def test_decompose_on_the_command_line(runs, tmp_path, wattq):
    out = ["--json", tmp_path / "d.json", "--csv", tmp_path / "d.csv"]
    pair = ["decompose", runs / "fcfs", runs / "easy"]
    code, printed = wattq(*pair, "--horizon", "common", *out)
    assert code == 0, printed
    assert "cannot depend on the schedule" in printed
    content = json.loads((tmp_path / "d.json").read_text())
    assert content["energy_bound"] is True
    assert content["change"]["energy_kwh"] == pytest.approx(0.0, abs=1e-6)
    signals = ["--carbon", runs / "carbon.csv", "--price", runs / "price.csv", "--origin", "2021-01-02T00:00Z"]
    code, printed = wattq(*pair, *signals, "--pue", "1.5", *out)
    assert code == 0, printed
    rows = {
        row["term"]: float(row["cost_eur"]) for row in csv.DictReader((tmp_path / "d.csv").read_text().splitlines())
    }
    change = rows.pop("change")
    a, b = rows.pop("a"), rows.pop("b")
    assert b - a == pytest.approx(change)
    assert sum(rows.values()) == pytest.approx(change)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["account", "{runs}/easy", "--by", "colour"], "no such grouping"),
        (["account", "{runs}/easy", "--carbon", "{runs}/carbon.csv"], "--origin: is needed"),
        (["account", "{runs}/easy", "--carbon", "{runs}/carbon.csv", "--origin", "2021-01-30"], "has no zone"),
        (
            ["account", "{runs}/easy", "--carbon", "{runs}/carbon.csv", "--origin", "2022-01-30T00:00Z"],
            "nothing is known",
        ),
        (["account", "{runs}/easy", "--price", "{runs}/carbon.csv", "--origin", "0"], "price"),
        (["account", "{runs}/easy", "--pue", "0.5"], "PUE"),
        (["account", "{runs}/easy", "--savings"], "by month"),
        (["account", "{runs}/easy", "--savings", "--origin", "0", "--time-zone", "Middle/Earth"], "IANA"),
        (["account", "{runs}/easy", "--pue", "nowhere.csv", "--origin", "0"], "nowhere.csv"),
        (["account", "{runs}/easy", "--horizon", "1"], "before the end"),
        (["account", "{runs}/easy", "-p", "kth-sp2"], "16 compute hosts"),
        (["account", "{runs}"], "jobs.csv"),
        (["decompose", "{runs}/easy", "{runs}/fcfs", "--horizon", "soon"], "neither a number"),
        (["estimate", "--power", "-1", "--hours", "1"], "power"),
    ],
)
def test_bad_input_is_one_message(runs, wattq, words, message):
    code, printed = wattq(*(word.format(runs=runs) for word in words))
    assert code == 2
    assert message in printed
    assert "Traceback" not in printed


def test_a_run_without_its_platform_needs_one_named(make_run, wattq):
    code, printed = wattq("account", make_run([], hosts=1))
    assert code == 2
    assert "has no platform.xml" in printed


def test_estimate_on_the_command_line(wattq):
    assert wattq("estimate", "--power", 400, "--hours", 10, "--hosts", 4) == (
        0,
        "16.000 kWh, 8.000 kg CO2e, 1.92 USD\n",
    )


def test_a_policy_that_sleeps_and_wakes_is_accounted_from_its_files(tmp_path, repo_dir):
    policy = PolicySpec(name=f"{repo_dir / 'docs' / 'examples' / 'sleeper.py'}:Sleeper", params={"idle_s": 30.5})
    run = run_once(MACHINE, [generate_saturated(200, 16, 5)], policy, tmp_path / "r", energy=True)
    by_state = run.summary.pop("energy_by_state_j")
    found = account(run, MACHINE)
    parts = {name: part.energy_j for name, part in found.parts.items()}
    assert min(parts["sleeping"], parts["switching_on"], parts["switching_off"]) > 0
    assert parts == pytest.approx({name: by_state[name] for name in parts}, rel=1e-7)
    assert found.total.energy_j == pytest.approx(run.summary["energy_exact_j"], rel=1e-9)
