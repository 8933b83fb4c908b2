"""A live queue simulated on from now: by hand, under every policy, and what waiting saves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_slurm import FakeJob, FakeSlurm

from wattq.cli import main
from wattq.errors import PlatformError, SlurmError
from wattq.platforms import make_platform
from wattq.platforms.make import ComputeState, SleepState
from wattq.platforms.node import NodePower
from wattq.platforms.signals import Signal, read_signal, write_signal
from wattq.schedulers.registry import POLICIES, make_policy
from wattq.schedulers.slurm.advise import play_on
from wattq.schedulers.slurm.grid import constant, known_now, read_grid, read_published
from wattq.schedulers.slurm.jobs import Job, Node, Snapshot
from wattq.schedulers.slurm.machine import Expected, Scene, limits_only, platform_of, scene_of
from wattq.schedulers.slurm.pools import Pool, pools_of
from wattq.schedulers.slurm.reading import read_snapshot
from wattq.schedulers.slurm.recorded import Recorded, record_answers
from wattq.schedulers.slurm.shifting import shift_saving
from wattq.surrogates import MODELS
from wattq.surrogates.bundle import save_bundle
from wattq.surrogates.bundle_manifest import BundleMeta, TrainingData

NOW_S = 1_000_000_800.0


def node(name: str, *partitions: str, state: str = "idle", cpus: int = 8) -> Node:
    return Node(name, state, cpus=cpus, partitions=partitions)


def job(number: int, **given: Any) -> Job:
    known: dict[str, Any] = {
        "state": "PENDING", "submit_s": NOW_S - 600, "eligible_s": NOW_S - 600, "limit_s": 3600.0,
        "partitions": ("a",), "exclusive": True, "priority": 1000.0 - number, "user": "ann",
    }  # fmt: skip
    return Job(number, str(number), **(known | given))


def running(number: int, nodes: str, since_s: float = 1800.0, **given: Any) -> Job:
    count = len(nodes.split(","))
    return job(number, state="RUNNING", node_list=nodes, nodes=count, start_s=NOW_S - since_s, **given)


def pool_of(*jobs: Job, nodes: int = 4, unit: str = "auto") -> Pool:
    names = tuple(node(f"n{k}", "a") for k in range(nodes))
    return pools_of(Snapshot(NOW_S, jobs, names), unit)[0][0]


def scene(pool: Pool, expected: Expected | None = None) -> Scene:
    platform = platform_of(pool, NodePower())
    return scene_of(pool, platform, NOW_S, expected or limits_only(pool, NOW_S, 86400.0), 86400.0)


def starts(at: Scene, policy: str, **params: object) -> dict[str, float]:
    played = play_on(at, make_policy(policy, params))
    rows = range(at.workload.n_jobs)
    return {at.task_of(row).label: round(float(played.start_s[row]) - NOW_S, 1) for row in rows}


def test_easy_goes_on_from_the_machine_as_it_is() -> None:
    # 2 of 4 nodes are busy for 30 min more. The first job needs 3 of them and is promised 30 min from now; a job of
    # 20 min may pass it, one of an hour on two nodes may not, and one on a single node takes the extra one.
    at = scene(
        pool_of(
            running(1, "n0,n1"),
            job(2, nodes=3),
            job(3, nodes=2, limit_s=3600.0),
            job(4, nodes=1, limit_s=1200.0),
            job(5, nodes=1, limit_s=3600.0),
        )
    )
    assert starts(at, "easy") == {"1": -1.0, "2": 1800.0, "3": 5400.0, "4": 0.0, "5": 0.0}
    assert starts(at, "fcfs") == {"1": -1.0, "2": 1800.0, "3": 5400.0, "4": 5400.0, "5": 5400.0}


def test_slurms_order_of_priorities_is_that_of_the_queue() -> None:
    at = scene(pool_of(running(1, "n0,n1,n2,n3"), job(2, nodes=4, priority=1.0), job(3, nodes=4, priority=5.0)))
    assert starts(at, "easy") == {"1": -1.0, "3": 1800.0, "2": 5400.0}


def test_begin_times_limits_and_late_jobs() -> None:
    late = running(1, "n0,n1,n2,n3", since_s=4000.0)
    begins = job(2, nodes=4, eligible_s=NOW_S + 300)
    endless = job(3, nodes=4, limit_s=np.inf, eligible_s=NOW_S + 400)
    after = job(4, nodes=4, eligible_s=NOW_S + 500)
    # One that is past its limit is given a minute more.
    assert starts(scene(pool_of(late)), "easy") == {"1": -1.0}
    at = scene(pool_of(late, begins, endless, after))
    assert starts(at, "easy") == {"1": -1.0, "2": 300.0, "3": 3900.0, "4": 90300.0}


def test_expected_run_times_are_played_and_planned_with() -> None:
    pool = pool_of(running(1, "n0,n1,n2"), job(2, nodes=4), job(3, nodes=1, limit_s=3600.0))
    assert starts(scene(pool), "easy") == {"1": -1.0, "2": 1800.0, "3": 5400.0}
    known = Expected((600.0,), (3600.0, 500.0), "predicted by hand")
    assert starts(scene(pool, known), "easy") == {"1": -1.0, "2": 600.0, "3": 0.0}


def test_jobs_that_share_nodes_take_cores() -> None:
    shared = {"exclusive": False}
    jobs = (running(1, "n0", cpus=3, **shared), job(2, cpus=30, **shared), job(3, cpus=29, limit_s=1200.0, **shared))
    pool = pool_of(*jobs)
    assert (pool.unit, pool.hosts) == ("core", 32)
    assert starts(scene(pool), "easy") == {"1": -1.0, "3": 0.0, "2": 1800.0}
    platform = platform_of(pool, NodePower())
    assert platform.full_w[:, 0].sum() == pytest.approx(4 * 450.0)
    assert platform.idle_w[:, 0].sum() == pytest.approx(4 * 150.0)


def test_machines_are_nodes_that_share_partitions() -> None:
    nodes = (node("a1", "a"), node("a2", "a", "b"), node("c1", "c"), node("d1", "d", state="drained"))
    jobs = (job(1, nodes=2), job(2, partitions=("b",)), job(3, partitions=("c",)), job(4, partitions=("d",)))
    pools, left = pools_of(Snapshot(NOW_S, jobs, nodes))
    assert [(pool.name, pool.hosts, [task.label for task in pool.waiting]) for pool in pools] == [
        ("a+b", 2, ["1", "2"]), ("c", 1, ["3"]),
    ]  # fmt: skip
    assert {(one.what, one.why) for one in left} == {
        ("node d1", "drained"), ("job 4", "no node of its partition takes jobs now"),
    }  # fmt: skip


def test_what_cannot_be_simulated_is_left_out_by_name() -> None:
    pool = pool_of(
        job(1, priority=0.0),
        job(2, dependency="afterok:9(unfulfilled)", eligible_s=None),
        job(3, reservation="course"),
        job(4, licenses="matlab:1"),
        job(5, nodes=9),
        running(6, "m1"),
        running(7, "n0"),
        running(8, "n0,n1,n2,n3"),
        job(9, state="SUSPENDED", node_list="n0", start_s=NOW_S),
        unit="node",
    )
    assert [task.label for task in pool.running] == ["7"]
    assert pool.waiting == ()
    assert {one.what: one.why for one in pool.left_out} == {
        "job 1": "held by its user or an administrator",
        "job 2": "waits for other jobs (afterok:9(unfulfilled))",
        "job 3": "waits for reservation course",
        "job 4": "asks for licences (matlab:1)",
        "job 5": "asks for 9 nodes, 4 take jobs now",
        "job 6": "its nodes take no jobs now",
        "job 8": "shares its nodes with other jobs",
        "job 9": "it is suspended",
    }


def test_arrays_are_tasks_and_heterogeneous_jobs_are_one() -> None:
    array = replace(job(1), label="1_[4-6%2]", tasks=(4, 5, 6))
    parts = [replace(job(7 + k, nodes=1 + k, het=7, limit_s=600.0 * (k + 1)), label=f"7+{k}") for k in range(2)]
    pool = pool_of(array, *parts)
    assert [(task.label, task.hosts, task.limit_s) for task in pool.waiting] == [
        ("1_4", 1, 3600.0), ("1_5", 1, 3600.0), ("1_6", 1, 3600.0), ("7", 3, 1200.0),
    ]  # fmt: skip


def machine() -> Any:
    return make_platform(4, [ComputeState(1e9, 150, 450), ComputeState(9e8, 150, 350)], [SleepState(5, 10, 50, 20, 60)])


@pytest.mark.parametrize("name", [name for name in POLICIES if name not in ("rl", "eco-learned")])
def test_every_policy_goes_on_from_a_machine_at_work(name: str, tmp_path: Path) -> None:
    pool = pool_of(
        running(1, "n0,n1"),
        running(2, "n2", since_s=60.0),
        job(3, nodes=3),
        job(4, nodes=1, limit_s=1200.0),
        job(5, nodes=2),
    )
    at = scene_of(pool, machine(), NOW_S, limits_only(pool, NOW_S, 86400.0), 86400.0)
    price = write_signal(constant(100.0, "price", "EUR/MWh", NOW_S, 40 * 86400.0), tmp_path / "price.csv")
    needs = {"signal": str(price), "origin": at.origin_s}
    params = {"power-cap": {"cap": 1800}, "defer": needs, "carbon-gate": needs}.get(name, {})
    played = play_on(at, make_policy(name, params))
    found = {at.task_of(row).label: float(played.start_s[row]) - NOW_S for row in range(at.workload.n_jobs)}
    assert found["1"] == found["2"] == -1.0
    assert all(date >= 0 for label, date in found.items() if label not in ("1", "2"))
    ends = played.run.kernel.jobs["end_s"][:2] - 1.0
    # Jobs run on until their limits, whatever the policy does.
    assert sorted(ends) == pytest.approx([1800.0, 3540.0], abs=1.0)


def test_a_platform_of_identical_hosts_is_drawn_out_and_others_are_refused() -> None:
    pool = pool_of(job(1), nodes=6)
    assert platform_of(pool, NodePower(), machine()).n_compute == 6
    assert platform_of(pool, NodePower(), machine()).full_w[5, 1] == 350.0
    odd = machine()
    speeds = odd.speed_flops.copy()
    speeds[1, 0] = 5e8
    with pytest.raises(PlatformError, match=r"it has 4 hosts that differ, the partition has 6 nodes"):
        platform_of(pool, NodePower(), replace(odd, speed_flops=speeds))


def test_what_a_shift_saves() -> None:
    hours = NOW_S + 3600.0 * np.arange(4)
    carbon = Signal(start_s=hours, end_s=hours[-1] + 7200, value=[300, 200, 100, 100], quantity="carbon", unit="g/kWh")
    price = constant(100.0, "price", "EUR/MWh", NOW_S, 86400.0)
    found = shift_saving(carbon, price, 300.0, 1.5, 5400.0, NOW_S, NOW_S + 7200.0)
    # 0.45 kW for 1.5 h: 300 and half an hour of 200 against 100 all the time.
    assert found.carbon_g == pytest.approx(0.45 * (300 + 100 - 150))
    assert found.carbon_share == pytest.approx(250 / 400)
    assert found.cost == pytest.approx(0.0)


def test_forecasts_of_the_file_count_beyond_its_last_actual_value(tmp_path: Path) -> None:
    path = tmp_path / "gb.csv"
    path.write_text(
        "from,to,forecast,actual,region\n2026-11-21T22:00Z,2026-11-21T23:00Z,290,300,GB\n"
        "2026-11-21T23:00Z,2026-11-22T00:00Z,240,,GB\n2026-11-22T00:00Z,2026-11-22T01:00Z,110,,GB\n",
        encoding="utf-8",
    )
    signal = read_published(str(path), "carbon")
    assert signal.value.tolist() == [300.0, 240.0, 110.0]
    now_s = float(signal.start_s[0]) + 1800.0
    issued, notes = known_now(signal, now_s, 3 * 3600.0)
    assert issued.at(now_s) == 300.0
    assert issued.start_s[0] == signal.start_s[0] - 3600.0
    assert notes == ("it ends 2026-11-22T01:00:00Z; its last 24 h are repeated from there",)
    past, _ = known_now(signal, now_s, 3 * 3600.0, "persistence")
    assert set(past.value.tolist()) == {300.0}


def test_nothing_is_known_of_the_grid_by_a_file_that_has_ended(prices: Path) -> None:
    end_s = read_signal(prices).end_s
    with pytest.raises(Exception, match=r"does not cover the present .*fetch it anew"):
        read_grid("", str(prices), now_s=end_s + 10.0, horizon_s=3600.0)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Answers of a fake Slurm with a running and two waiting jobs, in a folder."""
    slurm = FakeSlurm(4, NOW_S)
    slurm.add(FakeJob(1, nodes=3, submit_s=NOW_S - 60, limit_min=60))
    slurm.schedule()
    slurm.add(FakeJob(2, nodes=2, limit_min=60))
    slurm.add(FakeJob(3, nodes=1, limit_min=30, comment="wattq:defer=12h"))
    record_answers(slurm, tmp_path / "kept", slurm.clock)
    monkeypatch.setenv("WATTQ_CONFIG", str(tmp_path / "wattq.yaml"))
    (tmp_path / "wattq.yaml").write_text("{}\n", encoding="utf-8")
    return tmp_path / "kept"


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run the command line in this process; returns exit code and output."""

    def run(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main(words)
        printed = capsys.readouterr()
        return int(end.value.code or 0), printed.out + printed.err

    return run


def test_advice_adds_up(call: Callable[..., tuple[int, str]], kept: Path, prices: Path) -> None:
    code, text = call("slurm", "advise", "--recorded", str(kept), "--price", str(prices), "--json", "--hours", "1,12")
    assert code == 0
    advice = json.loads(text)
    (one,) = advice["machines"]
    jobs = {job["label"]: job for job in one["jobs"]}
    assert jobs["2"]["base_s"] == NOW_S + 3600.0
    assert jobs["3"]["base_s"] == NOW_S
    # Ten hours from now the price falls from 250 to 10; the policy waits for that, and so does the hold at 12 h.
    assert jobs["3"]["start_s"] == NOW_S + 36000.0
    assert jobs["3"]["shift"]["cost"] == pytest.approx(0.3 * 0.5 * 0.24)
    assert [held["cost"] for held in jobs["3"]["held"]] == pytest.approx([0.0, 0.3 * 0.5 * 0.24])
    base, policy = one["base"], one["policy"]
    assert base["kwh"] == pytest.approx(policy["kwh"])
    saved = sum(job["shift"]["cost"] for job in jobs.values())
    assert base["cost"] - policy["cost"] == pytest.approx(saved)
    # 4 nodes idle at 150 W all the time, and 300 W more on each that works.
    hours = (one["measured_until_s"] - NOW_S) / 3600.0
    assert base["kwh"] == pytest.approx(0.6 * hours + 0.3 * (3 + 2 + 0.5), rel=1e-6)


def test_advice_by_predicted_run_times(call: Callable[..., tuple[int, str]], kept: Path, tmp_path: Path) -> None:
    meta = BundleMeta("runtime", TrainingData("log.swf", "0" * 64, False, 10), "log")
    save_bundle(tmp_path / "asked.wattq", MODELS["requested"](), meta)
    words = ("slurm", "advise", "--policy", "easy", "--recorded", str(kept), "--model", str(tmp_path / "asked.wattq"))
    code, text = call(*words)
    assert code == 0, text
    assert "run times: predicted by asked.wattq" in text


def test_bad_words_are_refused(call: Callable[..., tuple[int, str]], kept: Path) -> None:
    words = ("slurm", "advise", "--recorded", str(kept))
    assert call(*words, "--hours", "x") == (
        2,
        "wattq: error: --hours 'x': give hours from 0 to 720, such as 1-24 or 2,6,12\n",
    )
    assert call(*words, "--unit", "rack")[1].startswith("wattq: error: unit 'rack' is none of auto, node, core")
    code, text = call(*words, "--policy", "esay")
    assert (code, "did you mean easy" in text) == (2, True)
    code, text = call("slurm", "hold", "--once", "--report")
    assert (code, "exclude each other" in text) == (2, True)


def test_an_empty_queue(tmp_path: Path, call: Callable[..., tuple[int, str]]) -> None:
    slurm = FakeSlurm(2, NOW_S)
    record_answers(slurm, tmp_path / "kept", slurm.clock)
    code, text = call("slurm", "advise", "--policy", "easy", "--recorded", str(tmp_path / "kept"))
    assert (code, text.splitlines()[0]) == (0, "Nothing waits and nothing runs.")


def test_recorded_answers_of_a_real_slurm(recorded: Path) -> None:
    answers = Recorded(recorded)
    pools, left = pools_of(read_snapshot(answers, answers.clock))
    assert [(pool.name, pool.unit, pool.hosts) for pool in pools] == [("debug+short", "core", 4)]
    assert [task.label for task in pools[0].waiting] == [
        "2_5",
        "2_6",
        "2_7",
        "2_8",
        "2_9",
        "5",
        "10_1",
        "10_2",
        "10_3",
        "13",
    ]
    assert [one.what for one in left] == ["node gone01", "node gone02", "job 6"]


def test_a_list_of_nodes_that_is_none() -> None:
    with pytest.raises(SlurmError, match=r"list of nodes 'n\[1-' cannot be understood"):
        pool_of(running(1, "n[1-"))
