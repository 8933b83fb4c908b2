"""From robin files back to an experiment; what an experiment cannot hold is refused by name."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from wattq.errors import InvalidInputError, UnsupportedError, at
from wattq.experiments.batsim.plain_command import KEEP, options_of, words_of
from wattq.experiments.batsim.robin_file import quoted_yaml, read_robin
from wattq.experiments.experiment_file import parse_experiment
from wattq.experiments.experiment_model import Experiment
from wattq.experiments.folders import folder_name

__all__ = ["NOT_CARRIED", "experiment_from_robin", "experiment_text"]

NOT_CARRIED = "output-dir, time-outs, sockets, verbosity and the place of the results"
"""What a robin file says about processes and not about the simulation; an experiment has no place for it."""

_BATSIM_VALUED = {
    **dict.fromkeys(("-p", "--platform"), "platform"),
    **dict.fromkeys(("-w", "--workload"), "workload"),
    **dict.fromkeys(("-m", "--master-host"), "master"),
    **dict.fromkeys(("-s", "--socket-endpoint"), "socket"),
    **dict.fromkeys(("-e", "--export"), "prefix"),
    **dict.fromkeys(("-v", "--verbosity"), "verbosity"),
}
_BATSIM_FLAGS = {
    **dict.fromkeys(("-E", "--energy"), "energy"),
    **dict.fromkeys(("-q", "--quiet"), "verbosity"),
    **dict.fromkeys(("--disable-schedule-tracing", "--disable-machine-state-tracing"), "traces"),
}
_PYBATSIM_VALUED = {
    **dict.fromkeys(("-o", "--scheduler-options"), "options"),
    **dict.fromkeys(("-s", "--socket-endpoint"), "socket"),
    **dict.fromkeys(("-t", "--timeout"), "timeout"),
}
_OURS = "wattq"


@dataclass(frozen=True)
class _Run:
    """What a robin file simulates."""

    path: Path
    platform: str
    workload: str
    energy: bool
    policy: Mapping[str, Any]


def experiment_from_robin(
    paths: Sequence[Path | str], *, name: str | None = None, beside: Path | None = None
) -> Experiment:
    """Return the experiment whose runs are those of some robin files.

    `NOT_CARRIED` is left out. The files' relative paths refer to the working directory, as they do for robin.

    Args:
        paths: robin files; several must be all policies on all workloads, on one platform.
        name: name of the experiment; when None that of the file, or of the first workload with several files.
        beside: directory that the experiment's paths shall refer to; the working directory when None.

    Raises:
        InvalidInputError: a file breaks a rule.
        UnsupportedError: a file asks for what an experiment cannot hold.
        PolicyError: the scheduler is no policy of wattq.
    """
    if not paths:
        raise InvalidInputError("no robin file was given; name at least one")
    runs = [_run(Path(path)) for path in paths]
    for other in runs[1:]:
        _check_alike(runs[0], other)
    workloads = list(dict.fromkeys(run.workload for run in runs))
    policies = list({json.dumps(run.policy, sort_keys=True): run.policy for run in runs}.values())
    _check_product(runs, len(workloads) * len(policies))
    folder = (beside or Path()).absolute()
    content = {
        "name": name or (_label(workloads[0]) if len(runs) > 1 else folder_name(runs[0].path.stem).lstrip("=_+")),
        "platform": _moved(runs[0].platform, folder),
        "workloads": [{"source": _moved(path, folder), "label": _label(path)} for path in workloads],
        "policies": policies,
        "energy": runs[0].energy,
    }
    return parse_experiment(quoted_yaml(content), f"experiment from {runs[0].path}")


def experiment_text(experiment: Experiment) -> str:
    """Return an experiment file's text; `parse_experiment` gives the same experiment back."""
    return quoted_yaml(experiment.model_dump(exclude_defaults=True))


def _run(path: Path) -> _Run:
    instance = read_robin(path)
    place = at(path, key="batcmd")
    options, rest = options_of(
        words_of(instance.batcmd, place, ("batsim", "wattq-batsim")),
        place,
        valued=_BATSIM_VALUED,
        flags=_BATSIM_FLAGS,
    )
    if rest:
        raise UnsupportedError(f"{place}: {rest[0]!r} is no option and cannot be carried over; {KEEP}")
    if options.get("master", ["master_host"]) != ["master_host"]:
        raise UnsupportedError(f"{place}: -m {options['master'][0]} cannot be carried over; {KEEP}")
    platform = _single(options, "platform", place)
    return _Run(
        path,
        platform,
        _single(options, "workload", place),
        "energy" in options,
        _policy(instance.schedcmd, at(path, key="schedcmd"), platform),
    )


def _single(options: Mapping[str, Sequence[str]], name: str, place: str) -> str:
    values = options.get(name, [])
    if len(values) != 1:
        raise UnsupportedError(
            f"{place}: {len(values)} options --{name}; an experiment simulates one {name} at a time; {KEEP}"
        )
    return values[0]


def _policy(schedcmd: str, place: str, platform: str) -> dict[str, Any]:
    """Return the policy of a call of pybatsim, as an experiment file has it."""
    from wattq.schedulers.plugin.options import options_text, read_options
    from wattq.schedulers.registry import policy_spec

    options, rest = options_of(words_of(schedcmd, place, ("pybatsim",)), place, valued=_PYBATSIM_VALUED, flags={})
    if len(rest) != 1 or not (rest[0] == _OURS or rest[0].startswith(f"{_OURS}-")):
        raise UnsupportedError(
            f"{place}: pybatsim's scheduler {' '.join(rest)!r} is no policy of wattq and cannot be carried over; {KEEP}"
        )
    fixed = None if rest[0] == _OURS else policy_spec(rest[0].removeprefix(f"{_OURS}-"))[0]
    content, where = options_text(options.get("options", ["{}"])[-1])
    said = read_options(content, f"{place}, {where}", fixed)
    if said.policy is None:
        raise InvalidInputError(f"{place}, {where}: no 'policy'; name one, or call pybatsim wattq-easy or another one")
    if said.platform not in (None, platform):
        raise UnsupportedError(
            f"{place}: the scheduler's platform {said.platform} is another one than Batsim's, {platform}; {KEEP}"
        )
    for key, value in said.params.items():
        if not isinstance(value, (bool, int, float, str)):
            raise InvalidInputError(f"{place}: parameter {key!r} is neither a number, a text, true nor false")
    return {"name": said.policy, "params": dict(said.params)} if said.params else {"name": said.policy}


def _check_alike(first: _Run, other: _Run) -> None:
    if other.energy != first.energy:
        raise UnsupportedError(f"{other.path}: counts energy and {first.path} does not, or the reverse; {_APART}")
    if other.platform != first.platform and _content(other.platform) != _content(first.platform):
        raise UnsupportedError(f"{other.path}: platform {other.platform} is another one than in {first.path}; {_APART}")


_APART = "an experiment has one platform and one choice of energy; make an experiment of each"


def _content(path: str) -> bytes:
    from wattq.workloads.files import read_plain

    return read_plain(path)


def _check_product(runs: Sequence[_Run], count: int) -> None:
    seen: dict[str, Path] = {}
    for run in runs:
        key = json.dumps([run.workload, run.policy], sort_keys=True)
        if key in seen:
            raise InvalidInputError(f"{run.path}: simulates the same as {seen[key]}; give one of the two")
        seen[key] = run.path
    if len(runs) != count:
        raise UnsupportedError(
            f"{len(runs)} robin files, but an experiment runs every policy on every workload, {count} runs; give the "
            "missing files, or make an experiment of each workload"
        )


def _moved(path: str, folder: Path) -> str:
    """Return a path of the working directory as one that refers to a folder."""
    return path if PurePath(path).is_absolute() else os.path.relpath(path, folder)


def _label(workload: str) -> str:
    """Return a name for tables: the file's, or its folder's where `write_robin` wrote it."""
    path = PurePath(workload)
    named = path.parent.parent if path.name == "workload.json" and path.parent.name == "w0" else path
    text = re.sub(r"(\.(gz|xz|swf|json))+$", "", named.name)
    return folder_name(text).lstrip("=_+") or "workload"
