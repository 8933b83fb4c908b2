"""From an experiment to robin files: one for each run, with the inputs as Batsim reads them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wattq.errors import InvalidInputError, UnsupportedError
from wattq.experiments.batsim.collecting import PREFIX
from wattq.experiments.batsim.commands import SILENCE_S, scheduler_name
from wattq.experiments.batsim.robin_file import RobinFile, robin_text
from wattq.experiments.batsim.staging import Inputs, check_inputs, stage
from wattq.experiments.engines import clock_of, with_clock
from wattq.experiments.experiment_model import Experiment, PolicySpec
from wattq.experiments.folders import folder_name, write_text
from wattq.experiments.inputs import find_platform, find_workload
from wattq.experiments.runner import Job, jobs_of
from wattq.experiments.windows import cut
from wattq.workloads.model import Workload

__all__ = ["RobinOptions", "case_name", "robin_files", "write_robin"]


_TIMES = RobinFile("batsim", "out", "")
"""Robin's own time-outs."""


@dataclass(frozen=True)
class RobinOptions:
    """What robin files say beside the experiment.

    Attributes:
        inputs: folder of the inputs and, below it, of each run's results; it goes into the command lines as it is,
            so a relative one holds where robin is run from the directory it refers to.
        batsim: command of Batsim.
        port: TCP port on which Batsim and the scheduler meet.
        times: a robin file whose time-outs are taken.
    """

    inputs: str
    batsim: str = "batsim"
    port: int = 28000
    times: RobinFile = _TIMES

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise InvalidInputError(f"port {self.port}: a TCP port is a number from 1 to 65535; 28000 is Batsim's own")
        if not self.batsim.strip():
            raise InvalidInputError("the command of Batsim is empty; give one, such as batsim or wattq-batsim")


def robin_files(
    experiment: Experiment, options: RobinOptions, clocks: Mapping[str, float | None] | None = None
) -> dict[str, RobinFile]:
    """Return the robin files of an experiment by file name, one for each of its runs. Nothing is read or written.

    Args:
        experiment: what to simulate.
        options: where the inputs go, and what the command lines say.
        clocks: what the site's clock shows at date 0 of each case, by `case_name`; predictors are told.

    Raises:
        InvalidInputError: two runs would have one file name, or a name cannot be written.
        UnsupportedError: the experiment is a study.
        PolicyError: there is no such policy.
    """
    if experiment.is_study:
        raise UnsupportedError(
            f"experiment {experiment.name}: weeks of a study are not written as robin files; run it by wattq compare, "
            "or give 'windows' in place of 'weeks'"
        )
    files: dict[str, RobinFile] = {}
    for job in jobs_of(experiment):
        name = f"{case_name(experiment, job)}-{folder_name(job.policy.title)}.yaml"
        if name in files:
            raise InvalidInputError(
                f"experiment {experiment.name}: two runs would be written to {name}; give workloads and policies "
                "labels that differ in letters or digits"
            )
        policy = with_clock(job.policy, (clocks or {}).get(case_name(experiment, job)))
        files[name] = _robin_file(experiment, replace(job, policy=policy), job.policy.title, options)
    return files


def case_name(experiment: Experiment, job: Job) -> str:
    """Return the name of a run's workload, window and seed; it is the name of the folder of their inputs."""
    parts = [job.spec.name]
    parts += [job.window.name] if job.window is not None else []
    parts += [f"seed{job.seed}"] if len(experiment.seeds) > 1 and job.spec.generate is not None else []
    return "-".join(folder_name(part) for part in parts)


def _robin_file(experiment: Experiment, job: Job, title: str, options: RobinOptions) -> RobinFile:
    case = Path(options.inputs) / case_name(experiment, job)
    place = case / folder_name(title)
    endpoint = ["-s", f"tcp://127.0.0.1:{options.port}"]
    # what `stage` writes for one workload
    inputs = Inputs("platform.xml", ("w0/workload.json",))
    batsim = ["-p", str(case / inputs.platform), "-w", str(case / inputs.workloads[0])]
    batsim += ["-E"] if experiment.energy else []
    batsim += [*endpoint, "-e", str(place / PREFIX), "--disable-schedule-tracing", "-q"]
    return replace(
        options.times,
        batcmd=f"{options.batsim.strip()} {shlex.join(batsim)}",
        output_dir=str(place),
        schedcmd=shlex.join([*_scheduler(job.policy, str(case / inputs.platform)), *endpoint]),
    )


def _scheduler(policy: PolicySpec, platform: str) -> list[str]:
    """Return pybatsim's command; the options are those of `wattq.schedulers.plugin.options.read_options`."""
    name = scheduler_name(policy.name)
    options: dict[str, Any] = {"policy": policy.name} if name == "wattq" else {}
    options |= {"params": dict(policy.params)} if policy.params else {}
    options |= {"platform": platform, "silence_limit_s": SILENCE_S}
    return ["pybatsim", name, "-t", str(1000 * SILENCE_S), "-o", json.dumps(options)]


def write_robin(
    experiment: Experiment, folder: Path, options: RobinOptions, *, base: Path | None = None
) -> Mapping[Path, RobinFile]:
    """Write an experiment's robin files, and the platform and workloads that they name.

    Workloads are written as the simulator gets them: cleaned, cut to their window, generated from their seed.

    Args:
        experiment: what to write.
        folder: folder of the robin files.
        options: where the inputs go, and what the command lines say.
        base: directory that relative paths of the experiment refer to first.

    Returns:
        The robin files by path.

    Raises:
        WattqError: an input is missing or breaks a rule, a policy is unknown, or a file cannot be written.
    """
    for instance in robin_files(experiment, options).values():
        robin_text(instance)
    _check_policies(experiment)
    clocks = _write_inputs(experiment, Path(options.inputs), base)
    files = {folder / name: instance for name, instance in robin_files(experiment, options, clocks).items()}
    texts = {path: robin_text(instance) for path, instance in files.items()}
    for path, text in texts.items():
        write_text(path, text)
    return files


def _check_policies(experiment: Experiment) -> None:
    from wattq.schedulers import make_policy

    for policy in experiment.policies:
        make_policy(policy.name, policy.params)


def _write_inputs(experiment: Experiment, inputs: Path, base: Path | None) -> dict[str, float | None]:
    """Write platform and workload of each case; return what the site's clock shows at its date 0."""
    clocks: dict[str, float | None] = {}
    wholes: dict[tuple[int, int], Workload] = {}
    for job in jobs_of(experiment):
        case = case_name(experiment, job)
        if case in clocks:
            continue
        key = (job.workload, job.seed)
        if key not in wholes:
            wholes = {key: find_workload(job.spec, 0, seed=job.seed, base=base)}
        part = wholes[key] if job.window is None else cut(wholes[key], job.window)
        clocks[case] = clock_of([part])
        platform = find_platform(experiment.platform_of(job.spec), base)
        check_inputs(platform, [part], energy=experiment.energy)
        stage(platform, [part], None, inputs / case)
    return clocks
