"""The first 2,000 jobs of KTH-SP2: reasons add up to the wait, and changes are those of a run that has them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wattq.experiments.experiment_model import PolicySpec
from wattq.experiments.explain import Explanation, Recorded, explain_recorded, open_run
from wattq.experiments.explain.levers import LeverOut, job_levers
from wattq.experiments.explain.scene import set_scene
from wattq.experiments.explain.search import smallest
from wattq.experiments.runner import run_once
from wattq.platforms import load_platform
from wattq.schedulers import make_policy
from wattq.simulator import simulate
from wattq.workloads import CleaningOptions, read_workload
from wattq.workloads.model import Workload

POLICIES = ("easy", "conservative")


@pytest.fixture(scope="module")
def opened(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Recorded]:
    """Return the runs by policy."""
    path = shared_dir / "data" / "swf" / "KTH-SP2-1996-2.1-cln.swf.gz"
    work = read_workload(path, options=CleaningOptions(max_jobs=2000))
    made: dict[str, Recorded] = {}

    def of(policy: str) -> Recorded:
        if policy not in made:
            folder = tmp_path_factory.mktemp("kth") / policy
            run_once(load_platform("kth-sp2"), [work], PolicySpec(name=policy), folder)
            made[policy] = open_run(folder)
        return made[policy]

    return of


def waiting(run: Recorded, count: int) -> list[str]:
    """Return jobs that waited for half an hour to ten, spread over the log."""
    wait_s = run.start_s - run.world.joined("submit_s")
    hits = np.flatnonzero((wait_s > 1800) & (wait_s < 36000))
    return [run.world.keys[job] for job in hits[:: max(len(hits) // count, 1)][:count]]


def start_with(run: Recorded, key: str, **changed: float) -> float:
    """Return the start of a job in the whole run, simulated anew with another request of this job."""
    (work,) = run.world.workloads
    row = work.job_id.index(key.partition("!")[2])
    profiles, profile = work.profiles, work.profile.copy()
    columns = {}
    for name, value in changed.items():
        columns[name] = getattr(work, name).copy()
        columns[name][row] = value
    if "hosts" in changed:
        old = work.profiles[int(profile[row])]
        cpu = old.description["cpu"] * work.hosts[row] / changed["hosts"]
        profiles = (*profiles, dataclasses.replace(old, name="changed", description={**old.description, "cpu": cpu}))
        profile[row] = len(profiles) - 1
        columns["walltime_s"] = work.walltime_s.copy()
        columns["walltime_s"][row] *= work.hosts[row] / changed["hosts"]
    new: Workload = dataclasses.replace(work, profiles=profiles, profile=profile, **columns)
    played = simulate(run.world.platform, [new], make_policy(run.policy))
    return float(played.kernel.jobs["start_s"][row])


def check(run: Recorded, key: str, found: Explanation) -> int:
    """Hold an explanation against the run and against whole runs; return how many changes were checked."""
    stretches = found.scene.timeline.stretches
    assert stretches[0].from_s == found.scene.submit_s
    assert sum(stretch.duration_s for stretch in stretches) == pytest.approx(found.scene.wait_s, abs=1e-3)
    by_kind = {finding.kind: finding for finding in found.findings if finding.found}
    checked = 0
    for kind, column in (("walltime", "walltime_s"), ("hosts", "hosts")):
        if kind in by_kind:
            assert start_with(run, key, **{column: by_kind[kind].value}) == pytest.approx(
                by_kind[kind].start_s, abs=1e-3
            )
            assert by_kind[kind].start_s <= found.goal_s + 1e-3
            assert by_kind[kind].past_changed == 0
            checked += 1
    return checked


@pytest.mark.parametrize("policy", POLICIES)
def test_waits_and_changes(opened: Callable[[str], Recorded], policy: str) -> None:
    run = opened(policy)
    keys = waiting(run, 4)
    assert len(keys) == 4
    assert sum(check(run, key, explain_recorded(run, key)) for key in keys) > 0


def test_the_smallest_walltime_and_one_second_more(opened: Callable[[str], Recorded]) -> None:
    run = opened("easy")
    for key in waiting(run, 200):
        scene = set_scene(run, run.world.keys.index(key))
        lever = next(iter(job_levers(scene)))
        if scene.timeline.stretches[0].cause.reason != "reservation" or isinstance(lever, LeverOut):
            continue
        shorter = smallest(scene, lever, scene.submit_s, 100, lambda: None)
        if shorter.found:
            assert shorter.exact
            assert start_with(run, key, walltime_s=shorter.value) <= scene.submit_s + 1e-3
            assert start_with(run, key, walltime_s=shorter.value + 1) > scene.submit_s + 1e-3
            return
    pytest.fail("no job would have started at once with a shorter walltime")
