"""Every policy decides from messages as it does in process."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.platforms.model import Platform
from wattq.schedulers import POLICIES, make_policy, policy_spec
from wattq.schedulers.plugin import Bridge, Options
from wattq.schedulers.plugin.id_order import IdOrder
from wattq.schedulers.plugin.memory import rank_again
from wattq.simulator import Run, simulate
from wattq.simulator.conversation import converse
from wattq.simulator.external import ExternalEvents, read_events
from wattq.workloads.model import Workload

# The others switch hosts, which takes energy and hosts that can sleep: tests/schedulers/test_energy_bf.py.
PLAIN = [name for name in POLICIES if not (policy_spec(name)[1].needs_energy or policy_spec(name)[1].needs)]

Trace = Callable[[str], tuple[Platform, Workload]]
EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "examples"
PLANS = ("conservative", "conservative-bf")


def talk(
    platform: Platform,
    workloads: Sequence[Workload],
    options: Options,
    *,
    energy: bool = False,
    externals: ExternalEvents | None = None,
    capacity: int = 1024,
) -> Run:
    """Play a simulation by messages."""
    bridge = Bridge(options, capacity=capacity)
    run = converse(platform, workloads, bridge.reply, energy=energy, externals=externals)
    assert bridge.ended != run.deadlock
    assert bool(bridge.left_over()) == run.deadlock
    return run


def same(say: SimpleNamespace, a: Run, b: Run) -> bool:
    return bool(say.dates(a) == say.dates(b))


@pytest.mark.parametrize(("name", "energy"), [("synsmall-ptask", False), ("synsmall-delay", True)])
@pytest.mark.parametrize("policy", PLAIN)
def test_every_policy_with_arrays_that_grow(
    trace: Trace, say: SimpleNamespace, policy: str, name: str, energy: bool
) -> None:
    platform, work = trace(name)
    ours = simulate(platform, [work], make_policy(policy), energy=energy)
    theirs = talk(platform, [work], Options(policy), energy=energy, capacity=1)
    assert same(say, ours, theirs)


@pytest.mark.parametrize("policy", [name for name in PLAIN if name not in PLANS])
def test_every_policy_under_saturation(trace: Trace, say: SimpleNamespace, policy: str) -> None:
    platform, work = trace("syn-ptask")
    assert same(say, simulate(platform, [work], make_policy(policy)), talk(platform, [work], Options(policy)))


@pytest.mark.parametrize("policy", ["easy", "fcfs", "filler", "easy-bf", "easy-bf-fast", "conservative-bf"])
def test_each_kind_of_policy_on_a_real_trace(trace: Trace, say: SimpleNamespace, policy: str) -> None:
    platform, work = trace("kth3k-ptask")
    ours = simulate(platform, [work], make_policy(policy), energy=True)
    assert same(say, ours, talk(platform, [work], Options(policy), energy=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kth3k-delay", "kth3k-ptask", "syn-delay", "syn-ptask", "sdsc3k-ptask"])
@pytest.mark.parametrize("policy", PLAIN)
def test_every_policy_on_every_trace(trace: Trace, say: SimpleNamespace, policy: str, name: str) -> None:
    platform, work = trace(name)
    for energy in (False, True):
        ours = simulate(platform, [work], make_policy(policy), energy=energy)
        assert same(say, ours, talk(platform, [work], Options(policy), energy=energy))


@pytest.mark.parametrize("policy", ["easy-sjbf", "filler", "easy-bf", "conservative"])
def test_parameters_reach_the_policy(trace: Trace, say: SimpleNamespace, policy: str) -> None:
    platform, work = trace("synsmall-ptask")
    params = {"order": "largest"}
    ours = simulate(platform, [work], make_policy(policy, params))
    assert same(say, ours, talk(platform, [work], Options(policy, params)))
    assert not same(say, ours, simulate(platform, [work], make_policy(policy)))


@st.composite
def works(draw: st.DrawFn) -> list[list[dict[str, object]]]:
    """Draw one or two workloads; many jobs come at one date, so that ids and their order matter."""
    ids = draw(st.lists(st.text("0129aZé", max_size=4), min_size=1, max_size=30, unique=True))
    cut = draw(st.integers(0, len(ids)))
    job = st.fixed_dictionaries(
        {"subtime": st.sampled_from([0, 0, 4, 4.25]), "res": st.integers(0, 6), "run": st.sampled_from([3, 4, 8])},
        optional={"walltime": st.sampled_from([2, 5, 9, -1])},
    )
    jobs = [{"id": full_id} | draw(job) for full_id in ids]
    return [part for part in (jobs[:cut], jobs[cut:]) if part]


@settings(deadline=None, max_examples=25)
@given(works=works(), seed=st.integers(0, 99))
def test_any_ids_and_equal_dates(say: SimpleNamespace, works: list[list[dict[str, object]]], seed: int) -> None:
    platform = say.machine(4)
    workloads = [say.workload(jobs, name=f"w{k}") for k, jobs in enumerate(works)]
    policy = random.Random(seed).choice(PLAIN)
    ours = simulate(platform, workloads, make_policy(policy))
    assert same(say, ours, talk(platform, workloads, Options(policy), capacity=1))


@pytest.mark.parametrize("policy", ["filler", "easy-bf", "conservative"])
def test_ranks_are_spread_while_jobs_wait(say: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, policy: str) -> None:
    draw = random.Random(5)
    ids = [str(k) for k in range(300)]
    draw.shuffle(ids)
    jobs = [
        {"id": one, "subtime": k // 4, "res": draw.choice([1, 2, 3]), "run": draw.choice([6, 9]), "walltime": 10}
        for k, one in enumerate(ids)
    ]
    work, platform = say.workload(jobs), say.machine(4)
    params = {"order": "smallest"}
    ours = simulate(platform, [work], make_policy(policy, params))
    assert same(say, ours, talk(platform, [work], Options(policy, params), capacity=2))
    spreads = []

    def count(*args: Any) -> None:
        spreads.append(args)
        rank_again(*args)

    monkeypatch.setattr("wattq.schedulers.plugin.bridge.rank_again", count)
    monkeypatch.setattr("wattq.schedulers.plugin.known_jobs.IdOrder", lambda: IdOrder(most=400))
    assert same(say, ours, talk(platform, [work], Options(policy, params), capacity=2))
    assert len(spreads) > 20


@pytest.mark.parametrize("policy", PLAIN)
def test_machines_that_leave_and_come_back(say: SimpleNamespace, tmp_path: Path, policy: str) -> None:
    events = tmp_path / "events.txt"
    events.write_text(
        '{"timestamp": 5, "type": "machine_unavailable", "resources": "0 2-3"}\n'
        '{"timestamp": 25, "type": "machine_available", "resources": "2"}\n'
        '{"timestamp": 40, "type": "machine_available", "resources": "0 3"}\n'
    )
    jobs = [{"id": str(k), "subtime": 2 * k, "res": 1 + k % 4, "run": 7, "walltime": 8} for k in range(20)]
    work, platform = say.workload(jobs), say.machine(4)
    ours = simulate(platform, [work], make_policy(policy), events=events)
    externals = read_events([events], platform.n_hosts)
    assert same(say, ours, talk(platform, [work], Options(policy), externals=externals, capacity=1))


@pytest.mark.parametrize(("place", "name"), [("easy.py:Easy", "kth3k-ptask"), ("sleeper.py:Sleeper", "synsmall-ptask")])
def test_a_policy_of_a_user(trace: Trace, say: SimpleNamespace, place: str, name: str) -> None:
    platform, work = trace(name)
    ours = simulate(platform, [work], make_policy(str(EXAMPLES / place)), energy=True)
    options = Options(str(EXAMPLES / place))
    assert same(say, ours, talk(platform, [work], options, energy=True, capacity=1))


def test_hosts_that_begin_asleep_are_known_from_the_platform_file(say: SimpleNamespace) -> None:
    platform = say.machine(3, energy=True, pstate=2)
    work = say.workload([{"id": str(k), "subtime": k, "res": 1, "run": 4} for k in range(5)])
    place = str(EXAMPLES / "sleeper.py:Sleeper")
    params = {"idle_s": 3}
    ours = simulate(platform, [work], make_policy(place, params), energy=True)
    options = Options(place, params, platform=str(say.platform_file))
    assert same(say, ours, talk(platform, [work], options, energy=True))
    assert ours.summary["energy_by_state_j"]["sleeping"] > 0


def test_jobs_nobody_starts_are_left_over(say: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "lazy.py").write_text("class Lazy:\n    def decide(self, view, actions):\n        pass\n")
    work = say.workload([{"id": str(k), "subtime": k, "res": 1, "run": 4} for k in range(7)])
    bridge = Bridge(Options(f"{tmp_path}/lazy.py:Lazy"))
    run = converse(say.machine(3), [work], bridge.reply)
    assert run.deadlock
    assert bridge.left_over() == "7 jobs neither started nor rejected (w0!0, w0!1, w0!2, w0!3, w0!4 and 2 more)"
    assert bridge.counts() == {"submitted": 7, "ended": 0, "rejected": 0}
