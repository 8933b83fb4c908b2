"""Simulations in Batsim itself: a policy runs as a pybatsim scheduler, both processes under watch."""

from __future__ import annotations

import math
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattq.errors import InvalidInputError, WattqError
from wattq.experiments.batsim import collecting
from wattq.experiments.batsim.commands import OPTIONS_FILE, Simulation, free_port, scheduler_options
from wattq.experiments.batsim.finding import Program, find_batsim, find_pybatsim
from wattq.experiments.batsim.robin_file import RobinFile, robin_text
from wattq.experiments.batsim.staging import check_inputs, stage
from wattq.experiments.batsim.supervise import TERMINATED, Outcome, supervise
from wattq.experiments.engines import clock_of, with_clock
from wattq.experiments.experiment_model import PolicySpec
from wattq.experiments.folders import json_text, write_text
from wattq.platforms.model import Platform
from wattq.workloads.model import Workload

__all__ = ["FOLDER", "BatsimEngine", "BatsimRunError", "BatsimStoppedError"]

FOLDER = "batsim"
"""Folder in a run directory: inputs, commands and logs of Batsim and the scheduler."""

_LOG_BYTES = 1 << 20
_SECOND = re.compile(r"; (?:Batsim|the scheduler) (?:was still running|ended with exit code|was ended by) ")
_ABORT = re.compile(r"/CRITICAL\]\s*(.+)|what\(\):\s*(.+)|^wattq-batsim: (.+)", re.MULTILINE)


class BatsimRunError(WattqError):
    """Raised when a simulation with Batsim has no results: a program failed, was stopped, or left half a file."""


class BatsimStoppedError(BatsimRunError):
    """Raised when SIGTERM ended a simulation with Batsim."""

    exit_code = 143


@dataclass(frozen=True)
class BatsimEngine:
    """Plays simulations with Batsim and pybatsim.

    Attributes:
        batsim: Batsim, or a program with its command line such as `wattq-batsim`.
        pybatsim: runs the policy.
        simulation_timeout_s: longest time that either of them may run, s.
        name: name of the engine.
    """

    batsim: Program
    pybatsim: Program
    simulation_timeout_s: float = RobinFile.simulation_timeout_s
    name: str = "batsim"

    @classmethod
    def found(cls, simulation_timeout_s: float | None = None, batsim: Program | None = None) -> BatsimEngine:
        """Return an engine with the programs of this machine.

        Args:
            simulation_timeout_s: longest time of one simulation, s; None is a week, as in robin.
            batsim: the program in place of what `find_batsim` finds.

        Raises:
            MissingDependencyError: Batsim or pybatsim is missing.
            UnsupportedError: a version is not accepted.
            InvalidInputError: a time-out that is no number of seconds above 0.
        """
        limit = RobinFile.simulation_timeout_s if simulation_timeout_s is None else simulation_timeout_s
        if not (limit > 0 and math.isfinite(limit)):
            raise InvalidInputError(f"simulation time-out {limit} s: give a finite number of seconds above 0")
        return cls(batsim or find_batsim(), find_pybatsim(), limit)

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Programs and versions."""
        return {"batsim": {**self._versions(), "path": str(self.batsim.path)}}

    def _versions(self) -> dict[str, str]:
        return {"program": self.batsim.name, "version": self.batsim.version, "pybatsim": self.pybatsim.version}

    def play(
        self,
        platform: Platform,
        workloads: Sequence[Workload],
        policy: PolicySpec,
        folder: Path,
        *,
        energy: bool,
        events: Path | None,
        target: Path,
    ) -> None:
        """Simulate with Batsim; see `wattq.experiments.engines.Engine.play`.

        The run directory gets Batsim's files, summary.json, and a folder ``batsim`` with inputs, commands and logs.
        When the simulation fails, that folder is kept as ``<target>.failed``, without result files.

        Raises:
            BatsimRunError: a program failed, ran into a time-out, or left half a file.
            BatsimStoppedError: SIGTERM was received; both programs were ended.
            InvalidInputError: the inputs break a rule, or ask for what Batsim does not do.
            PolicyError: there is no such policy, or a parameter breaks its rule.
        """
        from wattq.schedulers import make_policy

        check_inputs(platform, workloads, energy=energy)
        policy = with_clock(policy, clock_of(workloads))
        make_policy(policy.name, policy.params)
        work = folder / FOLDER
        simulation = Simulation(
            batsim=self.batsim,
            pybatsim=self.pybatsim,
            policy=policy,
            inputs=stage(platform, workloads, events, work),
            energy=energy,
            n_jobs=sum(workload.n_jobs for workload in workloads),
            port=free_port(),
            timeout_s=self.simulation_timeout_s,
        )
        _write_options(simulation, work, work)
        outcome = supervise(simulation.robin(work))
        try:
            results = _results(outcome, simulation, work, folder)
        except BatsimRunError as error:
            raise type(error)(self._explained(str(error), work, target)) from None
        _write_options(simulation, work, target / FOLDER)
        _keep_commands(simulation.robin(target / FOLDER), work)
        _drop(_failed(target))
        summary = self._summary(platform, workloads, policy) | results
        write_text(folder / "summary.json", json_text(summary))

    def _summary(self, platform: Platform, workloads: Sequence[Workload], policy: PolicySpec) -> dict[str, Any]:
        return {
            "engine": self.name,
            **self._versions(),
            "policy": policy.name,
            "params": dict(policy.params),
            "platform": platform.name,
            "workloads": [workload.name for workload in workloads],
            "synthetic": any(workload.synthetic for workload in workloads),
            "n_hosts": platform.n_compute,
        }

    def _explained(self, reason: str, work: Path, target: Path) -> str:
        """Keep commands, inputs and logs of a failed simulation, and return the message for the user."""
        kept = _failed(target)
        reason = _plain(reason, _abort_line(work / "log" / "batsim.log"))
        for path in work.glob(f"{collecting.PREFIX}_*"):
            path.unlink(missing_ok=True)
        _drop(kept)
        if kept.exists():
            kept = Path(tempfile.mkdtemp(prefix=f"{kept.name}-", dir=kept.parent)) / FOLDER
        with suppress(OSError):
            shutil.move(work, kept)
        reason = reason.replace(str(work.absolute()), str(kept))
        return f"simulation with {self.batsim.title}: {reason}; commands and logs are in {kept}"


def _plain(reason: str, abort: str) -> str:
    """Return what went wrong first, without what happened to the other program, and with Batsim's own words."""
    first = _SECOND.split(reason)[0]
    if abort and first.startswith("Batsim ended"):
        return f"{first.partition(' (last line of')[0]}: {abort}"
    return first


def _results(outcome: Outcome, simulation: Simulation, work: Path, folder: Path) -> dict[str, Any]:
    """Collect the files of a simulation and return what they tell for the summary.

    Batsim ends with code 0 too when no event can happen any more though jobs are left (a deadlock); it does not tell
    the scheduler then, which fails or is stopped. That is a result, as it is with the in-process engine.
    """
    if outcome.exit_code == TERMINATED:
        raise BatsimStoppedError(outcome.message)
    if outcome.batsim_exit != 0:
        raise BatsimRunError(outcome.message)
    try:
        schedule = collecting.collect(work, folder, energy=simulation.energy)
        counts = collecting.job_counts(folder / "jobs.csv")
    except collecting.IncompleteError as error:
        raise BatsimRunError(str(error)) from None
    unfinished = simulation.n_jobs - sum(counts.values())
    if outcome.exit_code != 0 and not unfinished:
        raise BatsimRunError(outcome.message)
    jobs = {"total": simulation.n_jobs, "ended": sum(counts.values()) - counts["rejected"], **counts}
    results = {
        "status": "deadlock" if unfinished else "finished",
        "jobs": {**jobs, "unfinished": unfinished},
        "scheduling_wall_s": float(schedule["scheduling_time"]),
        "simulation_wall_s": float(schedule["simulation_time"]),
    }
    return results | ({"consumed_joules": float(schedule["consumed_joules"])} if simulation.energy else {})


def _failed(target: Path) -> Path:
    """Return where the commands and logs of a failed simulation are kept."""
    return target.with_name(f"{target.name}.failed")


def _drop(kept: Path) -> None:
    """Remove what an earlier failure left, and nothing else of that name."""
    if (kept / "cmd").is_dir() and (kept / "log").is_dir():
        shutil.rmtree(kept, ignore_errors=True)


def _write_options(simulation: Simulation, work: Path, place: Path) -> None:
    """Write the scheduler's options for a simulation that lies in a place."""
    options = scheduler_options(simulation.policy, place / simulation.inputs.platform)
    write_text(work / OPTIONS_FILE, json_text(options))


def _keep_commands(instance: RobinFile, work: Path) -> None:
    """Write the commands as they can be given again, with the folder's final name."""
    write_text(work / "cmd" / "batsim.bash", instance.batcmd)
    write_text(work / "cmd" / "sched.bash", instance.schedcmd)
    write_text(work / "robin.yaml", robin_text(instance))


def _abort_line(log: Path) -> str:
    """Return what Batsim said when it aborted: the first critical message of its log."""
    try:
        with log.open("rb") as stream:
            text = stream.read(_LOG_BYTES).decode(errors="replace")
    except OSError:
        return ""
    match = _ABORT.search(text)
    return "" if match is None else next(filter(None, match.groups())).strip()[:300]
