"""The Lublin-Feitelson model: parameters as published, distributions as in a file of the authors' program."""

from __future__ import annotations

import dataclasses
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from wattq.errors import InvalidInputError
from wattq.workloads import LUBLIN_CLASSES, LublinParameters, generate_lublin, lublin_jobs
from wattq.workloads.lublin import JOB_TYPES, daily_cycle
from wattq.workloads.lublin_parameters import adapted

_NAMES = [
    "serial",
    "pow2",
    "ulow",
    "umed",
    "uhi",
    "uprob",
    "a1",
    "b1",
    "a2",
    "b2",
    "pa",
    "pb",
    "aarr",
    "barr",
    "anum",
    "bnum",
    "arar",
]
_PUBLISHED = {
    "all": """0.244 0.576 0.8 4.5 7 0.86   4.2 0.94 312 0.03 -0.0054 0.78
        10.2303 0.4871 8.1737 3.9631 1.0225""",
    "batch": """0.2927 0.6686 1.2 5 7 0.875   6.57 0.823 639.1 0.0156 -0.003 0.6986
        6.0415 0.8531 6.1271 5.2740 1.0519""",
    "interactive": """0.1541 0.625 1 3 5.5 0.705   3.8351 0.6605 7.073 0.6856 -0.0118 0.9156
        6.5510 0.6621 8.9186 3.6680 0.9797""",
}


@pytest.mark.parametrize("kind", list(_PUBLISHED))
def test_parameters_are_the_published_ones(kind: str) -> None:
    names = [field.name for field in dataclasses.fields(LublinParameters)]
    assert names[:6] == ["serial", "pow2", "ulow", "umed", "uhi", "uprob"]
    assert names[6:] == ["a1", "b1", "a2", "b2", "pa", "pb", "aarr", "barr", "anum", "bnum", "arar"]
    assert list(dataclasses.astuple(LUBLIN_CLASSES[kind])) == list(map(float, _PUBLISHED[kind].split()))
    assert adapted(LUBLIN_CLASSES[kind], 128, {}) == LUBLIN_CLASSES[kind]


def test_sizes_follow_the_machine() -> None:
    stages = {n: adapted(LUBLIN_CLASSES["all"], n, {}) for n in (256, 8, 4, 1)}
    assert [(p.ulow, p.umed, p.uhi) for p in stages.values()] == [
        (0.8, 5.5, 8),
        (0.8, 1.5, 3),
        (0.8, 1.4, 2),
        (0, 0, 0),
    ]
    assert adapted(LUBLIN_CLASSES["batch"], 256, {"umed": 4.0, "pa": 0.0}).umed == 4.0
    with pytest.raises(InvalidInputError, match="no parameter 'umid'"):
        adapted(LUBLIN_CLASSES["all"], 256, {"umid": 4.0})


@pytest.fixture(scope="module")
def reference(shared_dir: Path) -> NDArray[np.float64]:
    """Submit time, run time and size of 10,000 jobs that the authors' program drew for 256 nodes."""
    with gzip.open(shared_dir / "data/swf/lublin_256.swf.gz", "rt") as lines:
        rows = [line.split() for line in lines if line.strip() and not line.startswith(";")]
    return np.array([[row[1], row[3], row[4]] for row in rows], dtype=np.float64)


@pytest.mark.parametrize("seed", [0, 1])
def test_distributions_agree_with_the_authors_program(reference: NDArray[np.float64], seed: int) -> None:
    """The file is told apart neither by sizes, nor by run times, nor by gaps; run times also within serial jobs."""
    jobs = lublin_jobs(10_000, 256, seed)
    submit, run, size = reference.T
    pairs = {
        "size": (jobs.nodes, size),
        "run time": (jobs.duration_s, run),
        "run time of serial jobs": (jobs.duration_s[jobs.nodes == 1], run[size == 1]),
        "run time of large jobs": (jobs.duration_s[jobs.nodes > 64], run[size > 64]),
        "gap": (np.diff(jobs.submit_s), np.diff(submit)),
    }
    for name, (ours, theirs) in pairs.items():
        found = ks_2samp(ours, theirs)
        assert found.statistic < (0.02 if ours.size > 5000 else 0.07), name
        assert found.pvalue > 0.01, name
    assert (jobs.nodes == 1).mean() == pytest.approx((size == 1).mean(), abs=0.02)


@pytest.mark.parametrize("change", [{"serial": 0.30}, {"pow2": 0.40}, {"pb": 0.6}, {"arar": 1.0}, {"umed": 4.5}])
def test_another_parameter_would_be_noticed(reference: NDArray[np.float64], change: dict[str, float]) -> None:
    jobs = lublin_jobs(10_000, 256, 0, parameters=change)
    submit, run, size = reference.T
    pairs = ((jobs.nodes, size), (jobs.duration_s, run), (np.diff(jobs.submit_s), np.diff(submit)))
    assert min(ks_2samp(ours, theirs).pvalue for ours, theirs in pairs) < 0.01


def test_daily_cycle_agrees_with_the_authors_program(reference: NDArray[np.float64]) -> None:
    """Gaps of up to days make the arrivals of a file far from independent: this model's own draws differ by 0.05."""
    theirs = np.bincount((reference[:, 0] % 86_400 // 1800).astype(int), minlength=48) / len(reference)
    expected = daily_cycle(LUBLIN_CLASSES["all"]) / 48
    assert np.abs(np.cumsum(theirs) - np.cumsum(expected)).max() < 0.06
    assert np.corrcoef(theirs, expected)[0, 1] > 0.95
    assert expected.sum() == pytest.approx(1)
    # the gamma distribution has its mode at 28.4 half hours, which is the half hour from 13:30 on
    assert int(np.argmax(expected)) == 27


def test_long_arrivals_follow_the_daily_cycle() -> None:
    jobs = lublin_jobs(400_000, 128, 3)
    found = np.bincount(jobs.submit_s % 86_400 // 1800, minlength=48) / jobs.n_jobs
    assert np.abs(np.cumsum(found) - np.cumsum(daily_cycle(LUBLIN_CLASSES["all"]) / 48)).max() < 0.01


def test_both_types_arrive_in_their_queues() -> None:
    jobs = lublin_jobs(20_000, 128, 1, job_type="both")
    assert set(jobs.queue.tolist()) == {0, 1}
    assert np.all(np.diff(jobs.submit_s) >= 0)
    # of an interactive job the largest size is 2**5.5, rounded
    assert jobs.nodes[jobs.queue == 0].max() == 45
    batch, interactive = (jobs.duration_s[jobs.queue == queue] for queue in (1, 0))
    assert np.median(batch) > 3 * np.median(interactive)
    alone = lublin_jobs(100, 128, 1, job_type="batch")
    assert set(alone.queue.tolist()) == {1}


@pytest.mark.parametrize("load", [0.3, 0.9])
@pytest.mark.parametrize("job_type", ["all", "both"])
def test_load_is_reached(load: float, job_type: str) -> None:
    jobs = lublin_jobs(20_000, 128, 2, job_type=job_type, load=load)
    work = float(np.sum(jobs.nodes * jobs.duration_s))
    assert work / (128 * jobs.submit_s[-1]) == pytest.approx(load, rel=0.02)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 300), st.integers(1, 5000), st.integers(0, 2**32), st.sampled_from(list(JOB_TYPES)), st.floats(1, 9)
)
def test_bounds_hold_and_the_seed_decides(n_jobs: int, n_hosts: int, seed: int, job_type: str, factor: float) -> None:
    made = generate_lublin(n_jobs, n_hosts, seed, job_type=job_type, walltime_factor=factor)
    again = lublin_jobs(n_jobs, n_hosts, seed, job_type=job_type)
    assert made.synthetic
    assert made.n_jobs == n_jobs
    assert made.hosts.min() >= 1
    assert made.hosts.max() <= n_hosts
    assert np.all(np.diff(made.submit_s) >= 0)
    assert made.submit_s.min() >= 0
    assert again.duration_s.min() >= 1
    assert again.duration_s.max() <= np.exp(12)
    np.testing.assert_array_equal(made.hosts, again.nodes)
    np.testing.assert_array_equal(made.walltime_s, np.ceil(again.duration_s * factor) + 1)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"n_jobs": 0}, "n_jobs: 0"),
        ({"n_hosts": 0}, "n_hosts: 0"),
        ({"seed": -1}, "seed -1"),
        ({"job_type": "night"}, "one of all, batch"),
        ({"load": 0.0}, "load: 0.0"),
        ({"load": float("nan")}, "load: nan"),
        ({"walltime_factor": 0.5}, "walltime factor 0.5"),
        ({"parameters": {"serial": 1.5}}, "parameter serial: 1.5"),
        ({"parameters": {"serial": 0.9}}, "parameter pow2: 0.576"),
        ({"parameters": {"a1": float("nan")}}, "parameter a1: nan"),
        ({"parameters": {"a2": 900.0}}, "at most 12"),
        ({"parameters": {"aarr": 40.0}}, "at most 13"),
        ({"parameters": {"umed": 9.0}}, "parameter umed: 9.0"),
    ],
)
def test_arguments_outside_their_range_are_named(wrong: dict[str, object], words: str) -> None:
    arguments: dict[str, Any] = {"n_jobs": 5, "n_hosts": 128} | wrong
    with pytest.raises(InvalidInputError, match=words):
        generate_lublin(**arguments)
