"""The command lines of Batsim and of the scheduler, as a robin file holds them."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattq.experiments.batsim.collecting import PREFIX
from wattq.experiments.batsim.finding import Program
from wattq.experiments.batsim.robin_file import RobinFile
from wattq.experiments.batsim.staging import Inputs
from wattq.experiments.experiment_model import PolicySpec
from wattq.schedulers import policy_spec

__all__ = ["OPTIONS_FILE", "SILENCE_S", "Simulation", "free_port", "scheduler_name", "scheduler_options"]

OPTIONS_FILE = "options.json"
"""Name of the file with the scheduler's options."""

SILENCE_S = 600
"""Time without a message from Batsim after which the scheduler gives up, s."""

READY_S = 10.0
"""Longest wait until the port is free, s."""

FAILURE_S = 5.0
"""Time that one program has to end once the other one failed, s."""

_LAST_WORK_S = 30.0
_JOBS_PER_S = 5000.0


@dataclass(frozen=True)
class Simulation:
    """What goes into the command lines of one simulation.

    Attributes:
        batsim: Batsim, or a program that takes its options.
        pybatsim: runs the policy.
        policy: name and parameters.
        inputs: files, relative to the folder of the simulation.
        energy: whether energy is counted.
        n_jobs: number of jobs of all workloads.
        port: TCP port on this machine, on which the two programs meet.
        timeout_s: longest time that either program may run, s.
    """

    batsim: Program
    pybatsim: Program
    policy: PolicySpec
    inputs: Inputs
    energy: bool
    n_jobs: int
    port: int
    timeout_s: float

    def robin(self, place: Path) -> RobinFile:
        """Return robin's description of the simulation, with its files in a folder."""
        place = place.absolute()
        return RobinFile(
            batcmd=shlex.join(self._batsim_words(place)),
            output_dir=str(place),
            schedcmd=shlex.join(self._scheduler_words(place)),
            simulation_timeout_s=self.timeout_s,
            ready_timeout_s=READY_S,
            failure_timeout_s=FAILURE_S,
            # what is left to do once the other one has ended: files to write, or a Python to shut down
            success_timeout_s=_LAST_WORK_S + self.n_jobs / _JOBS_PER_S,
        )

    def _batsim_words(self, place: Path) -> list[str]:
        words = [str(self.batsim.path), "-p", str(place / self.inputs.platform)]
        for workload in self.inputs.workloads:
            words += ["-w", str(place / workload)]
        if self.inputs.events is not None:
            words += ["--events", str(place / self.inputs.events)]
        words += ["-E"] if self.energy else []
        return [*words, "-s", self._endpoint, "-e", str(place / PREFIX), "--disable-schedule-tracing", "-q"]

    def _scheduler_words(self, place: Path) -> list[str]:
        options = f"@{place / OPTIONS_FILE}"
        return [str(self.pybatsim.path), scheduler_name(self.policy.name), "-s", self._endpoint, "-o", options]

    @property
    def _endpoint(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"


def scheduler_name(policy: str) -> str:
    """Return the name under which pybatsim finds a policy.

    Raises:
        PolicyError: there is no such policy.
    """
    return "wattq" if _is_users(policy) else f"wattq-{policy_spec(policy)[0]}"


def scheduler_options(policy: PolicySpec, platform: Path) -> Mapping[str, Any]:
    """Return the options that pybatsim hands to a policy; see `wattq.schedulers.plugin.read_options`.

    Args:
        policy: name and parameters.
        platform: the file that Batsim reads.
    """
    options = {"params": dict(policy.params), "platform": str(platform.absolute()), "silence_limit_s": SILENCE_S}
    if not _is_users(policy.name):
        return options
    where, _, name = policy.name.rpartition(":")
    place = f"{Path(where).absolute()}:{name}" if where.endswith(".py") else policy.name
    return {"policy": place, **options}


def _is_users(policy: str) -> bool:
    """Return whether a name is the place of a policy of the user, as `wattq.schedulers.make_policy` decides."""
    return ":" in policy or policy.endswith(".py")


def free_port() -> int:
    """Return a TCP port that nobody uses on this machine's loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
