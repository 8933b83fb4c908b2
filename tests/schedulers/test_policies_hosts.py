"""Policies on a machine whose hosts leave and come back."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import PolicyError
from wattq.platforms import make_platform
from wattq.schedulers import POLICIES, make_policy, policy_spec
from wattq.simulator import simulate
from wattq.workloads import generate_saturated

# The others switch hosts, which takes energy and hosts that can sleep: tests/schedulers/test_energy_bf.py.
PLAIN = [name for name in POLICIES if not (policy_spec(name)[1].needs_energy or policy_spec(name)[1].needs)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):  # type: ignore[no-untyped-def]
    return tmp_path_factory.mktemp("events")


@pytest.mark.parametrize("name", sorted(PLAIN))
@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000), hosts=st.sets(st.integers(0, 69), min_size=1, max_size=30), n=st.integers(1, 4))
def test_hosts_leave_and_come_back(folder, name, seed, hosts, n) -> None:
    work = generate_saturated(40, 70, seed, form="delay")
    span = float(work.submit_s.max())
    where = " ".join(str(host) for host in sorted(hosts))
    lines = [
        {"timestamp": span * (2 * k + half) / (2 * n), "type": f"machine_{kind}", "resources": where}
        for k in range(n)
        for half, kind in ((0.25, "unavailable"), (1, "available"))
    ]
    path = folder / f"{name}.txt"
    path.write_text("\n".join(json.dumps(line) for line in lines))
    # The engine aborts when a job is started on a host that is away or busy.
    run = simulate(make_platform(70), [work], make_policy(name), events=path)
    assert not run.deadlock
    assert run.summary["jobs"]["succeeded"] == 40
    assert np.all(run.kernel.jobs["start_s"] >= work.submit_s)


def test_a_plan_that_outgrows_its_memory_stops_with_an_error() -> None:
    policy = make_policy("conservative")

    def too_little(n_jobs: int, n_hosts: int, n_words: int) -> tuple[int, int, tuple[int, int]]:
        len_i, len_f, (rows, _) = policy.memory(n_jobs, n_hosts, n_words)
        return len_i - 2 * (rows - 8), len_f - (rows - 8), (8, n_words)

    short = dataclasses.replace(policy, memory=too_little)
    with pytest.raises(PolicyError, match="outgrew its memory"):
        simulate(make_platform(8), [generate_saturated(60, 8, form="delay", load=3.0)], short)


def test_large_plans_ask_for_bounded_memory() -> None:
    _, _, (rows, words) = make_policy("conservative").memory(10_000_000, 9408, 147)
    assert rows * words * 8 <= 2**30
