"""Energy of jobs from marks: exact counters, wrap-around, shared nodes, GPUs, sensors, the model."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.platforms import NodePower
from wattq.telemetry.slurm import Device, Holding, Mark, energy_of_jobs
from wattq.telemetry.slurm.marks import parse_marks

NODE = NodePower(node_idle_w=100.0, node_full_w=300.0)
RANGE_J = 1000.0


def rapl(time_s: float, package_j: float, dram_j: float = 0.0, wraps_j: float | None = None) -> Mark:
    devices = (
        Device("rapl", "package-0", package_j, None, wraps_j),
        Device("rapl", "dram-0", dram_j, None, wraps_j),
        Device("rapl", "core-0", 7.0 * package_j, None, wraps_j, adds=False),
    )
    return Mark(time_s, "tick", "1", devices, (time_s * 2.0, time_s * 4.0))


def test_counters_of_one_job_are_exact() -> None:
    marks = [rapl(10.0, 100.0, 10.0), rapl(12.5, 350.5, 20.0), rapl(30.0, 900.0, 60.0), rapl(40.0, 999.0, 99.0)]
    found = energy_of_jobs(marks, {"1": Holding(10.0, 30.0, 4.0)}, NODE, 30.0)["1"]
    assert found.energy_j == pytest.approx(850.0, rel=1e-12)
    assert (found.source, found.meter, found.coverage) == ("measured", "rapl", 1.0)
    assert found.mean_w == pytest.approx(42.5)
    assert found.peak_w == pytest.approx(260.5 / 2.5)


def test_a_counter_that_begins_anew() -> None:
    marks = [rapl(0.0, 900.0, wraps_j=RANGE_J), rapl(0.5, 100.0, wraps_j=RANGE_J), rapl(1.0, 150.0, wraps_j=RANGE_J)]
    found = energy_of_jobs(marks, {"1": Holding(0.0, 1.0, 1.0)}, NODE, 30.0)["1"]
    assert found.energy_j == pytest.approx(250.0, rel=1e-6)
    # Further apart than it takes to go round: nobody knows how often it did, so that the model counts.
    far = [rapl(0.0, 900.0, wraps_j=RANGE_J), rapl(50.0, 100.0, wraps_j=RANGE_J)]
    found = energy_of_jobs(far, {"1": Holding(0.0, 50.0, 1.0)}, NODE, 30.0)["1"]
    assert (found.source, found.energy_j) == ("modelled", pytest.approx(200.0 * 50.0))


def test_shared_nodes_by_cores() -> None:
    marks = [rapl(0.0, 0.0), rapl(10.0, 100.0), rapl(20.0, 400.0), rapl(30.0, 500.0)]
    held = {"a": Holding(0.0, 20.0, 3.0), "b": Holding(10.0, 30.0, 1.0), "c": Holding(10.0, math.inf, 1.0)}
    found = energy_of_jobs(marks, held, NODE, 30.0)
    assert set(found) == {"a", "b"}
    assert found["a"].energy_j == pytest.approx(100.0 + 300.0 * 3 / 5)
    assert found["b"].energy_j == pytest.approx(300.0 / 5 + 100.0 / 2)


Job = tuple[int, int, int]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40), st.integers(1, 64)), min_size=1, max_size=6),
    st.lists(st.floats(0.0, 1e4), min_size=91, max_size=91),
)
def test_parts_sum_to_the_whole(jobs: Sequence[Job], steps: Sequence[float]) -> None:
    """While any job runs, what the node draws is somebody's."""
    counters = [sum(steps[:k]) for k in range(91)]
    marks = [rapl(float(k), counters[k]) for k in range(91)]
    held = {str(k): Holding(float(s), float(s + run), float(cores)) for k, (s, run, cores) in enumerate(jobs)}
    busy = [any(s <= k < s + run for s, run, _ in jobs) for k in range(90)]
    node_j = sum(step for step, one in zip(steps, busy, strict=False) if one)
    total_j = sum(one.energy_j for one in energy_of_jobs(marks, held, NODE, 30.0).values())
    assert total_j == pytest.approx(node_j, rel=1e-9, abs=1e-6)


def gpus(time_s: float, *joules: float) -> Mark:
    devices = tuple(Device("nvml", f"gpu{k}", each, 50.0) for k, each in enumerate(joules))
    return Mark(time_s, "gpu", "1", devices)


def test_gpus_belong_to_who_holds_them() -> None:
    marks = [rapl(0.0, 0.0), gpus(0.0, 0.0, 0.0), rapl(10.0, 100.0), gpus(10.0, 1000.0, 60.0)]
    marks += [rapl(20.0, 200.0), gpus(20.0, 3000.0, 120.0)]
    held = {"g": Holding(0.0, 20.0, 1.0, (0,)), "c": Holding(0.0, 20.0, 3.0)}
    found = energy_of_jobs(marks, held, NODE, 30.0)
    # Package by cores; GPU 0 is g's; GPU 1 is nobody's, so that it goes by cores.
    assert found["g"].energy_j == pytest.approx(3000.0 + 200.0 / 4 + 120.0 / 4)
    assert found["c"].energy_j == pytest.approx(200.0 * 3 / 4 + 120.0 * 3 / 4)
    assert found["g"].meter == "rapl+nvml"


def test_a_sensor_of_the_whole_node_counts_alone() -> None:
    def whole(time_s: float, power_w: float) -> Mark:
        psu = Device("ipmi", "psu", None, power_w, whole=True)
        return Mark(time_s, "tick", "1", (psu, Device("rapl", "package-0", 5.0 * time_s, None)), None)

    marks = [whole(0.0, 100.0), whole(10.0, 200.0), whole(20.0, 200.0)]
    found = energy_of_jobs(marks, {"1": Holding(0.0, 20.0, 1.0)}, NODE, 30.0)["1"]
    assert (found.meter, found.energy_j) == ("ipmi", pytest.approx(150.0 * 10 + 200.0 * 10))
    # It was asked once only in the time of a short job, whose packages are known.
    short = energy_of_jobs([whole(0.0, 100.0), rapl(1.0, 50.0)], {"1": Holding(0.0, 1.0, 1.0)}, NODE, 30.0)["1"]
    assert short.meter == "rapl"


def test_the_model_where_nothing_measures() -> None:
    def only(time_s: float, busy_s: float) -> Mark:
        return Mark(time_s, "tick", "1", (), (busy_s, 4.0 * time_s))

    marks = [only(0.0, 0.0), only(10.0, 40.0), only(10.01, 40.0), only(20.0, 50.0)]
    found = energy_of_jobs(marks, {"1": Holding(0.0, 20.0, 1.0)}, NODE, 30.0)["1"]
    assert (found.source, found.meter, found.coverage) == ("modelled", "model", 1.0)
    assert found.energy_j == pytest.approx(300.0 * 10 + 150.0 * 10)
    assert energy_of_jobs([], {"1": Holding(0.0, 20.0, 1.0)}, NODE, 30.0) == {}
    assert energy_of_jobs(marks, {}, NODE, 30.0) == {}


def test_coverage() -> None:
    marks = [rapl(5.0, 0.0), rapl(10.0, 50.0)]
    found = energy_of_jobs(marks, {"1": Holding(0.0, 10.0, 1.0)}, NODE, 30.0)["1"]
    # Half of it was measured; the rest counts with the mean power of that half.
    assert (found.coverage, found.energy_j) == (pytest.approx(0.5), pytest.approx(100.0))


def test_marks_survive_what_happens_to_files() -> None:
    marks = [rapl(2.0, 1.5, wraps_j=RANGE_J), gpus(1.0, 2.0), Mark(3.0, "end", "17")]
    text = "".join(mark.line() for mark in marks)
    assert parse_marks(text) == sorted(marks, key=lambda mark: mark.time_s)
    assert parse_marks(text[:-9] + "\nnoise\n[]\n{}\n" + text) == sorted([*marks[:2], *marks], key=lambda m: m.time_s)
