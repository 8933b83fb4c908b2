"""Policies on a machine whose hosts leave and come back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.platforms import make_platform
from wattq.schedulers import POLICIES, make_policy
from wattq.simulator import simulate
from wattq.workloads import generate_saturated


@pytest.fixture(scope="module")
def folder(tmp_path_factory):  # type: ignore[no-untyped-def]
    return tmp_path_factory.mktemp("events")


@pytest.mark.parametrize("name", sorted(POLICIES))
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
