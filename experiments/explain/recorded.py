"""A run directory as something that can be played again: its machine, its jobs, its policy, its dates."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError, MissingFileError
from wattq.experiments.experiment_model import WorkloadSpec
from wattq.experiments.explain.world import World, rows_of
from wattq.experiments.inputs import data_dirs
from wattq.experiments.reading import read_run
from wattq.experiments.results import RunResults, SubmittedJobs
from wattq.platforms import read_platform
from wattq.simulator.interface import CompiledPolicy, Policy
from wattq.workloads.model import Workload
from wattq.workloads.options import CleaningOptions

__all__ = ["Recorded", "find_job", "open_run"]

_RECIPE = re.compile(
    r"generate_saturated\(n_jobs=(\d{1,8}), n_hosts=(\d{1,8}), seed=(\d{1,10}), load=(\d{1,9}(?:\.\d{1,17})?), "
    r"users=(\d{1,7})\)"
)


@dataclass(frozen=True)
class Recorded:
    """A run, ready to be played again.

    Attributes:
        results: what its files say.
        world: what it began with.
        policy: name of its policy.
        params: parameters of its policy.
        start_s: recorded start of each job, by job number; NaN for one that did not start.
        rejected: whether each job was rejected, by job number.
    """

    results: RunResults
    world: World
    policy: str
    params: Mapping[str, Any]
    start_s: NDArray[np.float64]
    rejected: NDArray[np.bool_]

    @property
    def predicts(self) -> bool:
        """Whether the policy expects what a predictor says, not walltimes."""
        return self.params.get("estimate") == "predictor"

    def make_policy(self, *, by_walltimes: bool = False, **changed: object) -> CompiledPolicy | Policy:
        """Return the policy of the run.

        Args:
            by_walltimes: whether it goes without its predictor.
            changed: parameters that are other ones.
        """
        from wattq.schedulers import make_policy

        params = {**self.params, **changed}
        if by_walltimes:
            params = {key: value for key, value in params.items() if not key.startswith(("estimate", "predictor"))}
        return make_policy(self.policy, params)


def open_run(
    directory: Path,
    *,
    workloads: Sequence[str] = (),
    events: Path | None = None,
    params: Mapping[str, Any] | None = None,
    options: CleaningOptions | None = None,
    beta: Any = None,
) -> Recorded:
    """Open a run that `wattq run` or `compare` wrote.

    Args:
        directory: folder of the run.
        workloads: files of its workloads, where those that it names are not found.
        events: its file of external events; by default what its command names.
        params: parameters of its policy to replace, such as the path of a signal that has moved.
        options: cleaning of its logs; by default none but the usual.
        beta: sensitivity to speed, as the run was given it, where it is not the same for all jobs.

    Raises:
        InvalidInputError: the directory is no run of wattq, or its inputs are not what they were.
        MissingFileError: a file is not there.
    """
    results = read_run(directory)
    said = results.provenance
    xml = Path(directory) / "platform.xml"
    if not said or results.submitted is None or not xml.is_file():
        raise InvalidInputError(
            f"{directory}: provenance.json, submitted.csv or platform.xml is missing, so the run cannot be played "
            "again; give a folder that 'wattq run' or 'wattq compare' wrote"
        )
    policy, described = _described(directory, said)
    if workloads and len(workloads) != len(described):
        raise InvalidInputError(f"-w: the run has {len(described)} workloads, and {len(workloads)} are given; name all")
    found = tuple(
        _workload(directory, results.submitted, entry, index, workloads[index] if workloads else None, options, beta)
        for index, entry in enumerate(described)
    )
    world = World(read_platform(xml), found, bool(said.get("energy")), _event_lines(events, said))
    start_s, rejected = _dates(results, world.keys)
    return Recorded(results, world, policy["name"], {**policy["params"], **(params or {})}, start_s, rejected)


def _described(directory: Path, said: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what provenance.json says of the policy and the workloads, after a look at its form."""
    policy, workloads = said.get("policy"), said.get("workloads")
    fits = isinstance(policy, dict) and isinstance(policy.get("name"), str) and isinstance(policy.get("params"), dict)
    if fits and isinstance(workloads, list) and workloads and all(isinstance(entry, dict) for entry in workloads):
        return dict(policy or {}), workloads
    raise InvalidInputError(
        f"{directory / 'provenance.json'}: keys 'policy' (name, params) and 'workloads' are not as 'wattq run' writes "
        "them; give a run as it was written"
    )


def _betas(entry: Mapping[str, Any]) -> tuple[float, float]:
    """Return the smallest and the largest sensitivity to speed of a workload's jobs; 1 where it does not say."""
    said = entry.get("beta")
    if isinstance(said, list) and len(said) == 2 and all(isinstance(value, int | float) for value in said):
        return float(said[0]), float(said[1])
    return 1.0, 1.0


def find_job(run: Recorded, name: str) -> int:
    """Return the number of a job from its id, such as ``w0!42`` or ``42``; zeros in front may be left out.

    Raises:
        InvalidInputError: no job has this id, or several workloads have one.
    """
    keys = run.world.keys
    by_key = {key: number for number, key in enumerate(keys)}
    if name in by_key:
        return by_key[name]
    workload, mark, short = name.rpartition("!")
    wanted = short.lstrip("0") or "0"
    hits = [
        k
        for k in keys
        if (k.rpartition("!")[2].lstrip("0") or "0") == wanted and (not mark or k.startswith(f"{workload}!"))
    ]
    if len(hits) == 1:
        return by_key[hits[0]]
    if hits:
        raise InvalidInputError(f"job '{name}': there are {', '.join(hits[:5])}; name one of them")
    near = difflib.get_close_matches(name, keys, 3, 0.6) or [*keys[:1], *keys[-1:]]
    raise InvalidInputError(f"job '{name}': the run has no such job; there are, for example, {', '.join(near)}")


def _dates(results: RunResults, keys: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return recorded starts and rejections by job number."""
    row_of = {key: row for row, key in enumerate(results.jobs.key)}
    rows = np.array([row_of.get(key, -1) for key in keys], dtype=np.int64)
    start_s = np.where(rows >= 0, results.jobs.start_s[rows], np.nan) if len(row_of) else np.full(len(keys), np.nan)
    rejected = (rows >= 0) & results.jobs.rejected[rows] if len(row_of) else np.zeros(len(keys), dtype=bool)
    return start_s, rejected


def _event_lines(path: Path | None, said: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the lines of the run's events files: those given, else those that the run's command names."""
    words = said.get("command")
    command = [str(word) for word in words] if isinstance(words, list) else []
    named = [after for word, after in pairwise(command) if word == "--events"]
    named += [word.partition("=")[2] for word in command if word.startswith("--events=")]
    lines: list[str] = []
    for name in [str(path)] if path is not None else named:
        try:
            lines += Path(name).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise MissingFileError(
                f"{name}: the run's events cannot be read ({error}); name them by --events"
            ) from None
    return tuple(line for line in lines if line.strip())


def _workload(
    directory: Path,
    submitted: SubmittedJobs,
    entry: Mapping[str, Any],
    index: int,
    path: str | None,
    options: CleaningOptions | None,
    beta: Any,
) -> Workload:
    """Return a workload of a run: the file's jobs, cut and changed as the run's list of jobs says."""
    read = _source(directory, entry, index, path, options)
    if path is None and entry.get("sha256") and read.report.sha256 != entry["sha256"]:
        raise InvalidInputError(
            f"{entry['source']}: has changed since the run (sha256 {read.report.sha256[:12]}..., the run read "
            f"{entry['sha256'][:12]}...); restore the file, or name a copy by -w"
        )
    return _with_beta(_as_submitted(read, submitted, f"w{index}"), entry, beta)


def _source(
    directory: Path, entry: Mapping[str, Any], index: int, path: str | None, options: CleaningOptions | None
) -> Workload:
    from wattq.experiments.inputs import find_workload
    from wattq.workloads import generate_saturated

    source = str(entry.get("source") or "unknown")
    recipe = _RECIPE.fullmatch(source)
    if path is None and recipe is not None:
        jobs, hosts, seed, load, users = recipe.groups()
        return generate_saturated(
            int(jobs), int(hosts), int(seed), name=f"w{index}", load=float(load), users=int(users)
        )
    places = [directory.parent, directory.parent.parent, *data_dirs()]
    near = next((str(place / Path(source).name) for place in places if (place / Path(source).name).is_file()), source)
    try:
        return find_workload(
            WorkloadSpec(source=path or (source if Path(source).is_file() else near)), index, options=options
        )
    except MissingFileError as error:
        raise MissingFileError(f"{error}; name the workload of the run by -w") from None


def _as_submitted(read: Workload, submitted: SubmittedJobs, name: str) -> Workload:
    """Return the jobs of a workload that a run submitted, with the dates and requests that it submitted them with."""
    mine = [row for row, key in enumerate(submitted.key) if key.startswith(f"{name}!")]
    ids = [submitted.key[row].partition("!")[2] for row in mine]
    row_of = {job: row for row, job in enumerate(read.job_id)}
    lost = next((job for job in ids if job not in row_of), None)
    if lost is not None:
        raise InvalidInputError(
            f"{read.report.source}: has no job '{lost}', which the run submitted; give the workload of the run by -w, "
            "and the options of cleaning that it was read with"
        )
    kept = rows_of(read, np.array([row_of[job] for job in ids], dtype=np.int64))
    rows = np.array(mine, dtype=np.int64)
    # The list has 6 decimals; where it says the same as the file, the file is exact.
    columns: dict[str, Any] = {
        field: np.where(np.abs(own - listed) <= 1e-6, own, listed).astype(own.dtype)
        for field, own, listed in (
            ("submit_s", kept.submit_s, submitted.submit_s[rows]),
            ("hosts", kept.hosts, submitted.hosts[rows]),
            ("walltime_s", kept.walltime_s, submitted.requested_s[rows]),
        )
    }
    unix_s = kept.unix_start_s
    if unix_s is not None and len(rows):  # a window has a date 0 of its own
        unix_s += float(np.round(kept.submit_s[0] - columns["submit_s"][0], 6))
    return dataclasses.replace(kept, unix_start_s=unix_s, **columns)


def _with_beta(workload: Workload, entry: Mapping[str, Any], beta: Any) -> Workload:
    """Return a workload with the sensitivity to speed that its run had."""
    from wattq.workloads import with_beta

    if beta is not None:
        return with_beta(workload, beta)
    low, high = _betas(entry)
    own = (float(workload.beta.min()), float(workload.beta.max())) if workload.n_jobs else (low, high)
    if own == (low, high):
        return workload
    if low != high:
        raise InvalidInputError(
            f"{entry.get('source')}: the run gave its jobs betas from {low:g} to {high:g}; say by --beta how"
        )
    return with_beta(workload, low)
