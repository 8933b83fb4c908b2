"""The short cuts of the kernel give what the long way gives."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wattq.schedulers import make_policy
from wattq.simulator import Run, engine, simulate
from wattq.simulator.build import build

LINKS = '<link id="lo" bandwidth="{b}" latency="{lo}"/><link id="up" bandwidth="{b}" latency="{up}"/>'
LOOP = '<route src="master_host" dst="master_host"><link_ctn id="lo"/></route>'
UP = '<route src="master_host" dst="{host}"><link_ctn id="up"/></route>'
# Latencies of the master's own messages and of the hosts', and bandwidth; None: no routes at all.
NETWORKS = {
    "p2": None,
    "pz": ("0s", None, "1e300Bps"),
    "pl": ("1ms", "10ms", "498MBps"),
    "slow": ("300ms", "1s", "1kBps"),
}
SLEEPY = {"speed": "100Mf,50Mf,1f,0.5f,0.25f", "sleep": "2:3:4", "watts": "100:200,90:150,10:10,120:125,110:115"}


def routes(network: str, hosts: int) -> str:
    """Return the links and routes of a network."""
    numbers = NETWORKS[network]
    if numbers is None:
        return ""
    lo, up, bandwidth = numbers
    ups = "".join(UP.format(host=f"h{k}") for k in range(hosts)) if up else ""
    return LINKS.format(b=bandwidth, lo=lo, up=up or "0s") + LOOP + ups


def long_way(*args: Any, **kwargs: Any) -> Any:
    """Return a simulation that takes no short cuts."""
    s, v, nodes = build(*args, **kwargs)
    s.head["express"] = 0
    s.head["uniform"] = 0
    return s, v, nodes


# Joules and watts are sums: another order of adding may tip the last printed digit. Everything else is equal text.
SUMS = {"consumed_energy", "consumed_joules", "energy", "epower", "wattmin"}


def same_files(short: dict[str, str], long: dict[str, str]) -> None:
    """Compare output files cell by cell."""
    assert short.keys() == long.keys()
    for name in short:
        tables = [[row.split(",") for row in text.splitlines()] for text in (short[name], long[name])]
        assert [len(row) for row in tables[0]] == [len(row) for row in tables[1]], name
        header = tables[0][0] if name != "schedule.csv" else ["version", "consumed_joules", *tables[0][0][2:]]
        before = ""
        for row, other in zip(*tables, strict=True):
            for column, one, two in zip(header, row, other, strict=False):
                if one != two:
                    assert column in SUMS, (name, column, one, two)
                    if column == "epower" and row[0] == before:
                        continue  # a difference of two sums over next to no time
                    assert float(one) == pytest.approx(float(two), rel=1e-9, abs=2e-6), (name, column)
            before = row[0]


def same(kit: SimpleNamespace, play: Any) -> None:
    """Play both ways and compare files and energy."""
    short: Run = play()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "build", long_way)
        long: Run = play()
    same_files(kit.steady(short), kit.steady(long))
    assert short.deadlock == long.deadlock
    for key in ("end_s", "jobs", "messages"):
        assert short.summary[key] == long.summary[key]
    if short.energy:
        for name, energy_j in long.energy_by_state_j.items():
            assert short.energy_by_state_j[name] == pytest.approx(energy_j, rel=1e-9, abs=1e-6), name
        lazy_j = long.summary["energy_batsim_j"]
        assert short.summary["energy_batsim_j"] == pytest.approx(lazy_j, rel=1e-12, abs=1e-9)


POLICIES = ("fcfs", "easy", "filler", "conservative", "scatter")


@settings(deadline=None, max_examples=150)
@given(
    data=st.data(),
    policy=st.sampled_from(POLICIES),
    network=st.sampled_from([*NETWORKS, "p2"]),
    energy=st.booleans(),
    seed=st.integers(0, 99),
)
def test_random_worlds(
    kit: SimpleNamespace, data: st.DataObject, policy: str, network: str, energy: bool, seed: int
) -> None:
    world = data.draw(kit.worlds())
    machine, work = kit.build(world, routes=routes(network, len(world.hosts)))

    def play() -> Run:
        chosen = kit.Scatter(seed) if policy == "scatter" else make_policy(policy)
        return simulate(machine, [work], chosen, energy=energy)

    same(kit, play)


@settings(deadline=None, max_examples=100)
@example(seed=0, network="p2", count=2, stretch=1, alike=True)
@given(
    seed=st.integers(0, 10**6),
    network=st.sampled_from(["p2", "pz", "pl"]),
    count=st.integers(1, 5),
    stretch=st.sampled_from([1, 5, 30]),
    alike=st.booleans(),
)
def test_hosts_that_are_switched(
    kit: SimpleNamespace, seed: int, network: str, count: int, stretch: int, alike: bool
) -> None:
    hosts = [kit.host(f"h{k}", cores=1 if alike else 1 + k % 2, **SLEEPY) for k in range(count)]
    machine = kit.machine(*hosts, routes=routes(network, count))
    profiles = {"p": kit.compute(3e8 * stretch), "d": kit.delay(2.5 * stretch), "s": kit.composed("d", "p", repeat=2)}
    jobs = [kit.job(k, k * 1.5, 1 + k % count, "pds"[(k + seed) % 3], [None, 4.1 * stretch][k % 2]) for k in range(12)]
    work = kit.workload(jobs, profiles)
    same(kit, lambda: simulate(machine, [work], kit.Chaos(seed), energy=True))


@pytest.mark.parametrize("energy", [False, True])
def test_machines_that_leave(kit: SimpleNamespace, tmp_path: Any, energy: bool) -> None:
    path = tmp_path / "events.txt"
    path.write_text(
        '{"timestamp": 12, "type": "machine_unavailable", "resources": "0-1"}\n'
        '{"timestamp": 41.5, "type": "machine_available", "resources": "0"}\n'
        '{"timestamp": 60, "type": "machine_available", "resources": "1"}\n',
        encoding="utf-8",
    )
    machine = kit.machine(*[kit.host(f"h{k}") for k in range(3)])
    profiles = {"p": kit.compute(2e9), "d": kit.delay(17), "s": kit.composed("d", "p")}
    jobs = [kit.job(k, 5 * k, 1 + k % 2, "pds"[k % 3], [None, 19.3][k % 2]) for k in range(15)]
    work = kit.workload(jobs, profiles)

    same(kit, lambda: simulate(machine, [work], kit.Scatter(3), energy=energy, events=path))
