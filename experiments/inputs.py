"""From the names in an experiment to a platform, workloads and policies."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wattq.errors import InvalidInputError, at
from wattq.experiments.experiment_model import WorkloadSpec
from wattq.platforms.model import Platform
from wattq.workloads.model import Workload
from wattq.workloads.options import CleaningOptions

__all__ = ["beside", "cleaning_options", "data_dirs", "find_platform", "find_workload", "with_longer_walltimes"]


def beside(name: str, base: Path | None) -> str:
    """Return a path relative to a directory when it exists there, else the name as it is."""
    if base is not None and not Path(name).is_absolute() and (base / name).is_file():
        return str(base / name)
    return name


def data_dirs() -> list[Path]:
    """Return the folders searched for traces first: ``data`` here, and ``shared/data/swf`` beside a checkout.

    The folders of $WATTQ_DATA_PATH and the cache are searched after them.
    """
    here, checkout = Path.cwd(), Path(__file__).resolve().parent.parent
    places = [here / "data", *(root.parent / "shared" / "data" / "swf" for root in (here, checkout))]
    return [place for place in dict.fromkeys(places) if place.is_dir()]


def find_platform(name: str, base: Path | None = None) -> Platform:
    """Return the platform of a preset name or XML file; relative paths are looked up below ``base`` first."""
    from wattq.platforms import load_platform

    return load_platform(beside(name, base))


def find_workload(
    spec: WorkloadSpec,
    index: int,
    *,
    seed: int = 0,
    base: Path | None = None,
    options: CleaningOptions | None = None,
) -> Workload:
    """Return one workload of an experiment, named ``w<index>`` as Batsim does.

    Args:
        spec: where it comes from.
        index: its position among the workloads of one simulation.
        seed: seed of a generated workload.
        base: directory that relative paths refer to first.
        options: cleaning of a log; by default what ``spec.cleaning`` says.

    Raises:
        WattqError: the file or catalogue entry is missing or breaks its format.
    """
    from wattq.workloads import with_beta

    workload = _found(spec, index, seed, base, options)
    return workload if spec.beta is None else with_beta(workload, spec.beta)


def _found(spec: WorkloadSpec, index: int, seed: int, base: Path | None, options: CleaningOptions | None) -> Workload:
    """Return a workload as its file or generator has it."""
    from wattq.workloads import generate_saturated, locate_workload, read_workload

    if spec.generate is not None:
        asked = spec.generate
        made = generate_saturated(asked.jobs, asked.hosts, seed, load=asked.load, name=f"w{index}")
        return with_longer_walltimes(made, spec.walltime_factor)
    path = locate_workload(beside(str(spec.source), base), data_dirs=data_dirs())
    if spec.cleaning and options is None:
        options = cleaning_options(spec.cleaning, f"workload {spec.name}")
    return with_longer_walltimes(read_workload(path, name=f"w{index}", options=options), spec.walltime_factor)


def with_longer_walltimes(workload: Workload, factor: float) -> Workload:
    """Return the workload with its walltimes multiplied; jobs without one keep none. The report counts them."""
    if factor == 1.0:
        return workload
    has = workload.walltime_s > 0
    walltime_s = np.where(has, workload.walltime_s * factor, workload.walltime_s)
    extra = workload.extra
    if extra is not None:
        pairs = zip(extra, walltime_s.tolist(), has.tolist(), strict=True)
        extra = tuple({**job, "walltime": wall} if given else job for job, wall, given in pairs)
    repaired = {**workload.report.repaired, f"walltime times {factor:g}": int(has.sum())}
    report = dataclasses.replace(workload.report, repaired=repaired)
    return dataclasses.replace(workload, walltime_s=walltime_s, extra=extra, report=report)


def cleaning_options(values: Mapping[str, Any], place: str) -> CleaningOptions:
    """Return cleaning options from names and values; whole numbers stand for seconds and factors too.

    Raises:
        InvalidInputError: an unknown name (the nearest one is shown) or a value of the wrong type or range.
    """
    fields = {field.name: field for field in dataclasses.fields(CleaningOptions)}
    checked: dict[str, Any] = {}
    for name, value in values.items():
        if name not in fields:
            close = difflib.get_close_matches(name, fields, n=1, cutoff=0.5)
            hint = f"did you mean '{close[0]}'?" if close else f"there are {', '.join(fields)}"
            raise InvalidInputError(f"{at(place, key=name)}: no cleaning option; {hint}")
        checked[name] = _typed(name, value, str(fields[name].type), place)
    return CleaningOptions(**checked)


def _typed(name: str, value: Any, kind: str, place: str) -> Any:
    words = kind.replace(" ", "").split("|")
    if value is None and "None" in words:
        return None
    if isinstance(value, bool) == ("bool" in words):
        if "float" in words and isinstance(value, (int, float)):
            return float(value)
        if words[0] in ("bool", "int", "str") and isinstance(value, {"bool": bool, "int": int, "str": str}[words[0]]):
            return value
        if kind.startswith("tuple[int"):
            return _codes(name, value, place)
    raise InvalidInputError(f"{at(place, key=name)}: {value!r} is not of type {kind}")


def _codes(name: str, value: Any, place: str) -> tuple[int, ...]:
    """Return status codes from a number or a text such as '2,3,4'; an empty text is none."""
    try:
        return tuple(int(word) for word in str(value).split(",") if word.strip())
    except ValueError:
        raise InvalidInputError(f"{at(place, key=name)}: {value!r} is no list of codes such as '2,3,4'") from None
