"""``python -m wattq.experiments.bench``: ours, the reference and the ratio for each speed budget of the design.

It ends with exit code 1 when a budget is missed. Times are the best of several repetitions, because other work on a
shared machine only ever adds to them.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.simulator.interface import Actions, View

__all__ = ["PlainFcfs", "Result", "format_results", "main"]

_MILLION = "--million"


@dataclass(frozen=True)
class Result:
    """One measurement against its budget.

    Attributes:
        name: what was measured.
        ours: the value.
        budget: the limit; an upper one, or a lower one where ``more_is_better``; None for a part of another row.
        unit: unit of both.
        reference: the named reference, in words.
        reference_value: its value in the same unit, None where there is none.
        more_is_better: whether the budget is a least value.
    """

    name: str
    ours: float
    budget: float | None
    unit: str
    reference: str = ""
    reference_value: float | None = None
    more_is_better: bool = False

    @property
    def met(self) -> bool:
        """Whether the budget holds."""
        if self.budget is None:
            return True
        return self.ours >= self.budget if self.more_is_better else self.ours <= self.budget

    @property
    def ratio(self) -> str:
        """How many times better than the reference."""
        if self.reference_value is None:
            return "-"
        times = self.ours / self.reference_value if self.more_is_better else self.reference_value / self.ours
        return f"{times:,.0f} x" if times >= 10 else f"{times:.2f} x"


def format_results(results: Iterable[Result]) -> str:
    """Return the results as aligned text."""
    from wattq.experiments.table import aligned

    rows = [["measurement", "ours", "budget", "", "reference", "ratio"]]
    for result in results:
        sign = ">=" if result.more_is_better else "<="
        reference = "-"
        if result.reference_value is not None:
            reference = f"{_number(result.reference_value, result.unit)} ({result.reference})"
        budget = "-" if result.budget is None else f"{sign} {_number(result.budget, result.unit)}"
        verdict = "-" if result.budget is None else "ok" if result.met else "MISSED"
        rows.append([result.name, _number(result.ours, result.unit), budget, verdict, reference, result.ratio])
    return aligned(rows)


def _number(value: float, unit: str) -> str:
    if unit == "s" and value < 1:
        return f"{value * 1e3:.3g} ms"
    return f"{value:,.0f} {unit}" if value >= 1000 else f"{value:.3g} {unit}"


def _best(work: Callable[[], Any], repeat: int) -> float:
    times = []
    for _ in range(repeat):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


def bench_easy() -> list[Result]:
    """EASY, compiled, energy on, 10,000 saturated jobs on 256 hosts, after warm-up; whole call of `simulate`."""
    from wattq.schedulers import make_policy
    from wattq.simulator import simulate
    from wattq.workloads import generate_saturated

    machine, workload = _machine(256), generate_saturated(10_000, 256)
    policy = make_policy("easy")
    simulate(machine, [workload], policy, energy=True)
    loops: list[float] = []
    ours = _best(lambda: loops.append(simulate(machine, [workload], policy, energy=True).simulation_s), 9)
    name = "EASY, energy, 10,000 jobs, 256 hosts"
    return [
        Result(name, ours, 0.020, "s", "real Batsim, fastest C++ scheduler", 7.0),
        Result(name, ours, 0.020, "s", "real Batsim, its plain EASY", 201.0),
        Result(f"{name}: the loop alone", min(loops), None, "s", "a bare compiled loop", 0.005),
    ]


def bench_million() -> list[Result]:
    """A million jobs on 9,408 hosts with EASY, in a process of its own so that its peak memory is its own."""
    done = subprocess.run([sys.executable, "-m", __spec__.name, _MILLION], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    name = f"{found['jobs']:,} jobs, 9,408 hosts, load {found['load']:g}"
    return [
        Result(f"{name}: time", found["seconds"], 10.0, "s"),
        Result(f"{name}: peak memory", found["peak_bytes"] / 1e9, 2.0, "GB"),
    ]


def _million() -> None:
    """Simulate in this process and print time and peak memory as JSON."""
    from wattq.platforms import load_platform
    from wattq.schedulers import make_policy
    from wattq.simulator import simulate
    from wattq.workloads import generate_saturated

    jobs, load = 1_000_000, 0.9
    machine, policy = load_platform("exascale-9408"), make_policy("easy")
    simulate(machine, [generate_saturated(1000, machine.n_compute)], policy)
    workload = generate_saturated(jobs, machine.n_compute, load=load)
    seconds = _best(lambda: simulate(machine, [workload], policy), 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"jobs": jobs, "load": load, "seconds": seconds, "peak_bytes": peak}))


class PlainFcfs:
    """First come, first served, as a user would write it; counts its decision points and starts."""

    def __init__(self) -> None:
        self.calls = 0
        self.starts = 0

    def decide(self, view: View, actions: Actions) -> None:
        """Start waiting jobs in order until one does not fit."""
        self.calls += 1
        for job in view.queue:
            if view.hosts_of(job) > view.n_free:
                break
            actions.start(job)
            self.starts += 1


def bench_python_policy() -> list[Result]:
    """FCFS in plain Python: decision points and jobs per second."""
    from wattq.simulator import simulate
    from wattq.workloads import generate_saturated

    machine, workload = _machine(256), generate_saturated(10_000, 256)
    simulate(machine, [workload], PlainFcfs())
    policies = [PlainFcfs() for _ in range(5)]
    waiting = iter(policies)
    seconds = _best(lambda: simulate(machine, [workload], next(waiting)), len(policies))
    points, jobs = policies[0].calls / seconds, policies[0].starts / seconds
    return [
        Result("plain-Python FCFS: decision points", points, 50_000.0, "/s", more_is_better=True),
        Result("plain-Python FCFS: jobs", jobs, 1400.0, "/s", "pybatsim with Batsim", 1400.0, more_is_better=True),
    ]


def bench_start() -> list[Result]:
    """Import of wattq and ``wattq --help``, each in a fresh process."""
    words = {
        "python -c 'import wattq'": ["-c", "import wattq"],
        "wattq --help": ["-c", "from wattq.cli import main; main(['--help'])"],
    }
    return [Result(name, _best(partial(_python, call), 7), 0.5, "s") for name, call in words.items()]


def _python(words: list[str]) -> None:
    subprocess.run([sys.executable, *words], check=True, capture_output=True)


def _machine(hosts: int) -> Any:
    from wattq.platforms import ComputeState, make_platform

    return make_platform(hosts, [ComputeState(1e9, 100.0, 200.0)])


def main(argv: list[str]) -> int:
    """Run every measurement, print the table, return 1 when a budget is missed."""
    if argv == [_MILLION]:
        _million()
        return 0
    from wattq.experiments.bench_api import bench_api
    from wattq.experiments.bench_node_power import bench_node_power
    from wattq.experiments.bench_policy import bench_policy
    from wattq.experiments.bench_rl import bench_rl
    from wattq.experiments.bench_server import bench_server
    from wattq.experiments.bench_surrogates import bench_surrogates
    from wattq.experiments.bench_training import bench_training

    results = []
    rooms = (bench_surrogates, bench_node_power, bench_policy, bench_training, bench_server, bench_rl, bench_api)
    for measure in (bench_start, bench_easy, bench_python_policy, bench_million, *rooms):
        print(f"measuring: {(measure.__doc__ or '').splitlines()[0]}", file=sys.stderr)
        results += measure()
    print(format_results(results))
    return 0 if all(result.met for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
