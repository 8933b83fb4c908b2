"""The same policy, machine and work on every backend: in this process, `wattq-batsim` over a socket, real Batsim."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wattq.errors import SimulationAbortError, UnsupportedError
from wattq.experiments.batsim.collecting import job_counts
from wattq.experiments.batsim.comparing import Difference, energy_gap, first_difference
from wattq.experiments.batsim.engine import BatsimEngine, BatsimRunError, BatsimStoppedError
from wattq.experiments.batsim.finding import Program
from wattq.experiments.engines import Embedded, Engine
from wattq.experiments.experiment_model import PolicySpec
from wattq.experiments.folders import folder_name
from wattq.experiments.table import aligned
from wattq.platforms.model import Platform
from wattq.schedulers import POLICIES, policy_spec
from wattq.workloads.model import Workload

__all__ = ["Check", "table_of", "verify"]

OURS = "in process"
"""What messages call the in-process engine."""


@dataclass(frozen=True)
class Check:
    """A backend against the in-process engine.

    Attributes:
        policy: title of the policy.
        energy: whether energy was counted.
        backend: program and version.
        jobs: number of rows of the in-process engine's jobs.csv.
        embedded_s: wall-clock time of the in-process engine, s.
        backend_s: wall-clock time of the backend, its start included, s.
        difference: the first difference, None without one.
        failure: why the backend has no results; empty when it has.
        energy_gap: relative difference of the consumed energy; None when it was not counted.
    """

    policy: str
    energy: bool
    backend: str
    jobs: int
    embedded_s: float
    backend_s: float
    difference: Difference | None = None
    failure: str = ""
    energy_gap: float | None = None

    @property
    def equal(self) -> bool:
        """Whether the backend did the same."""
        return self.difference is None and not self.failure

    @property
    def text(self) -> str:
        """What differs, in words; empty when nothing does."""
        if self.equal:
            return ""
        said = self.failure if self.difference is None else self.difference.text(OURS, self.backend)
        return f"{self.policy}, {'with' if self.energy else 'without'} energy: {said}"


def verify(
    platform: Platform,
    workloads: Sequence[Workload],
    policies: Sequence[PolicySpec],
    programs: Sequence[Program],
    folder: Path,
    *,
    energies: Sequence[bool] = (False, True),
    simulation_timeout_s: float | None = None,
) -> Iterator[Check]:
    """Yield one check for each policy, energy and program, in this order.

    Args:
        platform: the machine.
        workloads: w0, w1, ... in this order.
        policies: what is compared.
        programs: backends that take Batsim's command line.
        folder: exists; the run directories stay in it.
        energies: with and without energy; policies that switch hosts are compared with energy only.
        simulation_timeout_s: longest time of one simulation of a backend, s.

    Raises:
        WattqError: the in-process engine refuses the input, or a program is missing.
    """
    engines = [BatsimEngine.found(simulation_timeout_s, program) for program in programs]
    for policy in policies:
        for energy in energies_of(policy, energies):
            place = folder / folder_name(policy.title) / ("energy" if energy else "plain")
            ours = place / "embedded"
            embedded_s = _play(Embedded(), platform, workloads, policy, ours, energy)
            jobs = sum(job_counts(ours / "jobs.csv").values())
            for engine in engines:
                begin = time.perf_counter()
                difference, failure, gap = _against(engine, platform, workloads, policy, ours, energy)
                spent_s = time.perf_counter() - begin
                title = engine.batsim.title
                yield Check(policy.title, energy, title, jobs, embedded_s, spent_s, difference, failure, gap)


def energies_of(policy: PolicySpec, energies: Sequence[bool]) -> list[bool]:
    """Return those of the energies that a policy can be compared with: Batsim switches no host without counting."""
    return [energy for energy in energies if energy or not _switches(policy)]


def _switches(policy: PolicySpec) -> bool:
    """Return whether a policy switches hosts; of a learned one, its model tells."""
    if policy.name not in POLICIES:
        return False
    name, spec = policy_spec(policy.name)
    if name != "rl" or "model" not in policy.params:
        return spec.needs_energy
    from wattq.schedulers.rl.backfill.pack import switches_hosts

    return switches_hosts(str(policy.params["model"]))


def _against(
    engine: BatsimEngine,
    platform: Platform,
    workloads: Sequence[Workload],
    policy: PolicySpec,
    ours: Path,
    energy: bool,
) -> tuple[Difference | None, str, float | None]:
    """Return the first difference, the failure and the gap in energy of a backend."""
    theirs = ours.with_name(folder_name(engine.batsim.title))
    try:
        _play(engine, platform, workloads, policy, theirs, energy)
    except BatsimStoppedError:
        raise
    except (BatsimRunError, UnsupportedError, SimulationAbortError) as error:
        return None, str(error), None
    gap = energy_gap(ours, theirs) if energy else None
    return first_difference(ours, theirs, energy=energy), "", gap


def _play(
    engine: Engine,
    platform: Platform,
    workloads: Sequence[Workload],
    policy: PolicySpec,
    folder: Path,
    energy: bool,
) -> float:
    """Simulate into a folder and return the wall-clock time, s."""
    folder.mkdir(parents=True)
    begin = time.perf_counter()
    engine.play(platform, workloads, policy, folder, energy=energy, events=None, target=folder)
    return time.perf_counter() - begin


def table_of(checks: Sequence[Check]) -> str:
    """Return checks as aligned text."""
    rows = [["Policy", "Energy", "Against", "Jobs", "Result", "Joules", "In process", "Backend"]]
    for check in checks:
        gap = "" if check.energy_gap is None else f"{check.energy_gap:.1e}"
        result = "equal" if check.equal else "failed" if check.failure else "different"
        times = [f"{check.embedded_s:.2f} s", f"{check.backend_s:.1f} s"]
        rows.append(
            [check.policy, "yes" if check.energy else "no", check.backend, f"{check.jobs:,}", result, gap, *times]
        )
    return aligned(rows)
