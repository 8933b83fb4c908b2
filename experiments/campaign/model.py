"""What a campaign file may say: an experiment, factors that vary its keys, and where its cells run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from wattq.experiments.experiment_file import shipped_experiments
from wattq.experiments.experiment_model import Experiment, Scalar
from wattq.experiments.shipped import find_file_or_shipped, shipped_files
from wattq.experiments.study.keys import Name, Strict, seconds
from wattq.yaml_model import read_model

__all__ = [
    "Campaign",
    "Factor",
    "MachineSpec",
    "SiteSpec",
    "SlurmSpec",
    "find_campaign",
    "load_campaign",
    "shipped_campaigns",
]


_WHAT = "a campaign is a mapping with keys such as 'platform', 'policies' and 'factors'"
_FACTOR = re.compile(r"[A-Za-z][A-Za-z0-9_.*-]{0,99}")

RESERVED = ("workload", "policy", "window", "week", "grid", "seed", "key", "status", "cell", "score", "error")
"""Columns of every table of results; no factor may have such a name."""


class MachineSpec(Strict):
    """A machine made of the hosts of a homogeneous platform.

    Attributes:
        nodes: number of hosts; the platform's when not given.
        cores: cores of each host; the platform's when not given. A job puts one executor on a host, which loads one.
    """

    nodes: int | None = Field(default=None, ge=1, le=1_000_000)
    cores: int | None = Field(default=None, ge=1, le=1_000_000)


class SiteSpec(Strict):
    """The building: its PUE by outside temperature, as `wattq.platforms.signals.PueModel` has it.

    Attributes:
        ambient_c: constant outside temperature, degC.
        temperature: file of outside temperatures, in place of a constant.
        shift_c: added to the temperatures of the file, degC.
        other_overhead: watts of all but cooling per watt of the computers.
    """

    ambient_c: float | None = Field(default=None, ge=-60, le=60)
    temperature: str | None = Field(default=None, min_length=1)
    shift_c: float = Field(default=0.0, ge=-60, le=60)
    other_overhead: float = Field(default=0.0, ge=0, le=100)

    _numbers = field_validator("ambient_c", "shift_c", "other_overhead", mode="before")(seconds)

    @model_validator(mode="after")
    def _one_source(self) -> SiteSpec:
        if (self.ambient_c is None) == (self.temperature is None):
            raise ValueError("give either 'ambient_c' or 'temperature'")
        if self.shift_c and self.temperature is None:
            raise ValueError("'shift_c' shifts the temperatures of a file; give 'temperature', or change 'ambient_c'")
        return self


class Factor(Strict):
    """What varies: values of one key (or of several alike), weights of a simplex, or named cases. A list is ``values``.

    Attributes:
        key: dotted path of the key, or several that get the same value; the factor's name when not given.
        values: one level each.
        labels: what tables call the values; the values themselves when not given.
        simplex: names of weights that sum to 1.
        step: distance between weights.
        fixed: weights that stay; the others share the rest.
        cases: name of each level and what it sets, keys to values.
    """

    key: str | list[str] | None = None
    values: list[Any] | None = Field(default=None, min_length=1, max_length=100_000)
    labels: list[Name] | None = None
    simplex: list[Name] | None = Field(default=None, min_length=2, max_length=20)
    step: float = Field(default=0.5, gt=0, le=1)
    fixed: dict[str, float] = Field(default_factory=dict)
    cases: dict[Name, dict[str, Any]] | None = Field(default=None, min_length=1, max_length=10_000)

    _step = field_validator("step", mode="before")(seconds)

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        return {"values": value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _one_kind(self) -> Factor:
        kinds = [name for name in ("values", "simplex", "cases") if getattr(self, name) is not None]
        if len(kinds) != 1:
            raise ValueError("give one of 'values', 'simplex' and 'cases', or a list")
        for name, kind in (("labels", "values"), ("step", "simplex"), ("fixed", "simplex")):
            if name in self.model_fields_set and kinds[0] != kind:
                raise ValueError(f"'{name}' goes with '{kind}'")
        if kinds[0] == "cases" and self.key is not None:
            raise ValueError("each of 'cases' names its keys; leave 'key' out")
        if self.labels is not None and self.values is not None and len(self.labels) != len(self.values):
            raise ValueError(f"{len(self.labels)} 'labels' for {len(self.values)} 'values'; give one for each")
        return self


class SlurmSpec(Strict):
    """Pilot jobs on Slurm: each runs many cells, one after the other on each of its processes.

    Attributes:
        partition: where they are submitted; Slurm's default when not given.
        account: what they are charged to.
        cores: cores of a job; each runs one cell at a time.
        memory: of a job, such as ``4GB``.
        walltime: of a job, ``HH:MM:SS`` or ``D-HH:MM:SS``; quote it.
        interface: network interface by which workers reach the scheduler, such as ``ib0``.
        directives: further lines of ``#SBATCH``, such as ``--exclusive``.
        prologue: shell lines before the worker starts, such as ``module load python``.
        python: interpreter on the nodes; the one that runs the campaign when not given.
    """

    partition: str | None = Field(default=None, min_length=1, max_length=200)
    account: str | None = Field(default=None, min_length=1, max_length=200)
    cores: int = Field(default=1, ge=1, le=10_000)
    memory: str = Field(default="2GB", pattern=r"^\d+(\.\d+)? ?[KMGT]?i?B$")
    walltime: str = Field(default="01:00:00", pattern=r"^(\d+-)?\d{1,3}:\d\d:\d\d$")
    interface: str | None = Field(default=None, min_length=1, max_length=100)
    directives: list[str] = Field(default_factory=list, max_length=100)
    prologue: list[str] = Field(default_factory=list, max_length=100)
    python: str | None = Field(default=None, min_length=1)


class Campaign(Experiment):
    """An experiment with factors. Without them it is an experiment by itself; each cell is one run of it.

    Attributes:
        machine: another number of hosts or cores, for every platform.
        site: the building; needs ``energy``.
        origin: date 0 of runs that are set on ``signals`` or on temperatures without ``weeks``: ``series`` (their
            begin), ``recorded`` (the log's own date), or a date, ISO 8601 with its zone.
        weights: of what ``score`` adds up: energy, carbon, cost, wait, slowdown, or a metric by its name, each over
            what EASY has in the same case.
        factors: what varies, by name.
        exclude: combinations that are left out: column to value, or to several.
        slurm: pilot jobs of the executor ``slurm``.
    """

    machine: MachineSpec = Field(default_factory=MachineSpec)
    site: SiteSpec | None = None
    origin: str = Field(default="series", min_length=1, max_length=60)
    weights: dict[Name, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict, max_length=20)
    factors: dict[str, Factor] = Field(default_factory=dict, max_length=30)
    exclude: list[dict[str, Scalar | list[Scalar]]] = Field(default_factory=list, max_length=10_000)
    slurm: SlurmSpec = Field(default_factory=SlurmSpec)

    @field_validator("weights", mode="before")
    @classmethod
    def _whole_weights(cls, value: Any) -> Any:
        return {key: seconds(weight) for key, weight in value.items()} if isinstance(value, dict) else value

    @field_validator("factors")
    @classmethod
    def _names(cls, value: dict[str, Factor]) -> dict[str, Factor]:
        for name in value:
            if name in RESERVED or not _FACTOR.fullmatch(name):
                raise ValueError(f"'{name}' cannot name a factor: letters, digits, '_', '-', '.' and '*', and none of "
                                 f"{', '.join(RESERVED)}")  # fmt: skip
        return value

    @model_validator(mode="after")
    def _a_study_or_not(self) -> Campaign:
        if self.is_study and self.windows:
            raise ValueError("'windows' and 'weeks' exclude each other; keep one")
        if self.bounds:
            raise ValueError("'bounds' are for studies; run them by wattq compare")
        if (self.signals or self.site) and not self.energy:
            raise ValueError("'signals' and 'site' need 'energy: true'")
        lonely = next((w.name for w in self.workloads if w.weeks is None and self.weeks is None), None)
        if self.is_study and lonely is not None:
            raise ValueError(f"workload '{lonely}' has no 'weeks'; give them for it or for the campaign")
        return self


def shipped_campaigns() -> dict[str, Path]:
    """Return the campaign files that come with wattq, by name."""
    return shipped_files("campaign-")


def find_campaign(name: Path | str) -> Path:
    """Return the path of a campaign file, or of the shipped campaign or experiment of that name.

    Raises:
        MissingFileError: neither a file nor shipped.
    """
    return find_file_or_shipped(name, shipped_campaigns(), "a campaign file", also=shipped_experiments())


def load_campaign(path: Path | str) -> Campaign:
    """Read a campaign file.

    Raises:
        MissingFileError: the file does not exist or cannot be read.
        InvalidInputError: it breaks a rule; the message names file, line, key, value and rule.
    """
    return read_model(path, Campaign, _WHAT)
