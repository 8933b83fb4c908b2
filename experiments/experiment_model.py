"""What an experiment file may say, as strict pydantic models; `wattq.experiments.experiment_file` reads the YAML."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from wattq.experiments.study.keys import CalendarName, GridSpec, Name, Strict, WeeksSpec, seconds

__all__ = [
    "EngineName",
    "Experiment",
    "GeneratedWorkload",
    "Outputs",
    "PolicySpec",
    "Scalar",
    "Window",
    "WorkloadSpec",
]

EngineName = Literal["embedded", "batsim"]
Scalar = bool | int | float | str

_Share = Annotated[int | float, Field(ge=0, le=1)]


class GeneratedWorkload(Strict):
    """A generated workload; the seed comes from the experiment's ``seeds``.

    Attributes:
        jobs: number of jobs.
        hosts: number of hosts that it saturates.
        load: offered load, work per time over the hosts; above 1 the queue grows.
    """

    jobs: int = Field(ge=1, le=10_000_000)
    hosts: int = Field(ge=1, le=10_000_000)
    load: float = Field(default=1.1, gt=0, le=1000)

    _load = field_validator("load", mode="before")(seconds)


class WorkloadSpec(Strict):
    """One workload: a file or a name of the catalogue, or a generated one. A bare text is ``source``.

    Attributes:
        source: path (relative to the experiment file) of an SWF or Batsim JSON file, or a name of `wattq data list`.
        generate: parameters of a generated workload; either this or ``source``.
        label: name in tables; the source's stem when not given.
        cleaning: fields of `wattq.workloads.CleaningOptions`.
        platform: the machine that it runs on, in place of the experiment's.
        walltime_factor: walltimes are multiplied by this, for every policy alike: slower power states make jobs
            longer, and a walltime asked for at full speed would kill them.
        time_zone: IANA name of the site's zone, for the calendar of weeks; the log's offset when not given.
        weeks: in place of the experiment's.
        beta: sensitivity of the jobs' run times to the speed of their hosts, from 0 to 1: one number, or one for each
            queue (`wattq.workloads.with_beta`); what the file says when not given.
    """

    source: str | None = Field(default=None, min_length=1)
    generate: GeneratedWorkload | None = None
    label: Name | None = None
    cleaning: dict[str, Scalar | None] = Field(default_factory=dict)
    platform: str | None = Field(default=None, min_length=1)
    walltime_factor: float = Field(default=1.0, ge=1.0, le=1000.0)
    time_zone: str | None = Field(default=None, min_length=1, max_length=100)
    weeks: WeeksSpec | None = None

    _factor = field_validator("walltime_factor", mode="before")(seconds)
    beta: _Share | dict[int, _Share] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"source": value} if isinstance(value, str) else value

    @field_validator("beta", mode="before")
    @classmethod
    def _queue_numbers(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if not all(re.fullmatch(r"-?\d{1,18}", str(queue), re.ASCII) for queue in value):
            raise ValueError("a mapping has the numbers of queues as keys")
        return {int(queue): beta for queue, beta in value.items()}

    @model_validator(mode="after")
    def _one_origin(self) -> WorkloadSpec:
        if (self.source is None) == (self.generate is None):
            raise ValueError("give either 'source' or 'generate'")
        return self

    @property
    def name(self) -> str:
        """Name in tables."""
        if self.label is not None:
            return self.label
        if self.generate is not None:
            return f"generated-{self.generate.jobs}x{self.generate.hosts}"
        stem = Path(str(self.source)).name
        for suffix in (".gz", ".xz", ".swf", ".json"):
            stem = stem.removesuffix(suffix)
        return stem


class PolicySpec(Strict):
    """One policy with its parameters. A bare text is ``name``.

    Attributes:
        name: name in `wattq.schedulers.POLICIES`.
        params: its parameters.
        label: name in tables; name and parameters when not given.
    """

    name: str = Field(min_length=1)
    params: dict[str, Scalar] = Field(default_factory=dict)
    label: Name | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @property
    def title(self) -> str:
        """Name in tables."""
        parts = [f"{key}={value}" for key, value in sorted(self.params.items())]
        return self.label or " ".join([self.name, *parts])


class Window(Strict):
    """A part of a workload: jobs submitted in [start_s, end_s), or ``n_jobs`` jobs from job number ``first_job`` on.

    The part is moved so that its start (or first submission) becomes date 0.
    """

    start_s: float | None = Field(default=None, ge=0)
    end_s: float | None = Field(default=None, gt=0)
    first_job: int | None = Field(default=None, ge=0)
    n_jobs: int | None = Field(default=None, ge=1)

    _seconds = field_validator("start_s", "end_s", mode="before")(seconds)

    @model_validator(mode="after")
    def _one_kind(self) -> Window:
        by_date = self.start_s is not None and self.end_s is not None
        by_jobs = self.first_job is not None and self.n_jobs is not None
        given = sum(value is not None for value in (self.start_s, self.end_s, self.first_job, self.n_jobs))
        if given != 2 or not (by_date or by_jobs):
            raise ValueError("give 'start_s' and 'end_s', or 'first_job' and 'n_jobs'")
        if by_date and not float(self.start_s or 0.0) < float(self.end_s or 0.0):
            raise ValueError("'start_s' must be less than 'end_s'")
        return self

    @property
    def name(self) -> str:
        """Short name for tables and directories."""
        if self.first_job is not None:
            return f"jobs {self.first_job}-{self.first_job + (self.n_jobs or 0) - 1}"
        return f"{self.start_s:g}-{self.end_s:g} s"


class Outputs(Strict):
    """Where results go.

    Attributes:
        directory: folder for tables, report and runs, relative to the working directory.
        report: whether ``report.html`` is written.
    """

    directory: str | None = Field(default=None, min_length=1)
    report: bool = True


class Experiment(Strict):
    """An experiment: every policy on every workload, window and seed; with ``weeks``, a study.

    Attributes:
        name: name of the experiment.
        title: heading of the report; the name when not given.
        description: one or two sentences for the report.
        platform: preset or path of a SimGrid XML file (relative to the experiment file); of the workloads that name
            none of their own.
        workloads: at least one.
        policies: at least one; 'easy' is what savings are measured against.
        engine: what runs the policies: ``embedded``, the in-process simulator, or ``batsim``, Batsim with pybatsim.
        simulation_timeout_s: with the engine ``batsim``, longest time that Batsim and the scheduler may run, s; a
            week, as in robin, when not given.
        energy: whether energy is counted.
        tau_s: bound of the bounded slowdown, s.
        windows: parts of each workload; the whole of it when empty.
        weeks: which weeks of each log are simulated one by one; makes the experiment a study.
        signals: the grids that a study's machines are set on, by name.
        calendar: where a week is set on a grid's calendar: ``season``, the nearest week of the year that the series
            cover, or ``recorded``, the log's own dates.
        bounds: whether lower bounds of a study's energy, CO2e and cost are computed.
        seeds: one generated workload each.
        outputs: where results go.
    """

    name: Name
    title: str = Field(default="", max_length=200)
    description: str = Field(default="", max_length=2000)
    platform: str | None = Field(default=None, min_length=1)
    workloads: list[WorkloadSpec] = Field(min_length=1, max_length=1000)
    policies: list[PolicySpec] = Field(min_length=1, max_length=1000)
    engine: EngineName = "embedded"
    simulation_timeout_s: float | None = Field(default=None, gt=0)
    energy: bool = False
    tau_s: float = Field(default=10.0, gt=0)
    windows: list[Window] = Field(default_factory=list, max_length=10_000)
    weeks: WeeksSpec | None = None
    signals: dict[Name, GridSpec] = Field(default_factory=dict, max_length=100)
    calendar: CalendarName = "season"
    bounds: bool = False
    seeds: list[Annotated[int, Field(ge=0, lt=2**32)]] = Field(default=[0], min_length=1, max_length=10_000)
    outputs: Outputs = Field(default_factory=Outputs)

    _seconds = field_validator("tau_s", "simulation_timeout_s", mode="before")(seconds)

    @property
    def is_study(self) -> bool:
        """Whether weeks are simulated one by one."""
        return self.weeks is not None or any(workload.weeks is not None for workload in self.workloads)

    def platform_of(self, workload: WorkloadSpec) -> str:
        """Return preset or path of the machine that a workload runs on."""
        return str(workload.platform or self.platform)

    def weeks_of(self, workload: WorkloadSpec) -> WeeksSpec:
        """Return the weeks of a workload of a study."""
        found = workload.weeks or self.weeks
        assert found is not None, "validated: every workload of a study has weeks"
        return found

    @model_validator(mode="after")
    def _a_machine_for_each(self) -> Experiment:
        lonely = next((w.name for w in self.workloads if self.platform is None and w.platform is None), None)
        if lonely is not None:
            raise ValueError(f"'platform' is missing, and workload '{lonely}' names none of its own; give one")
        return self

    @model_validator(mode="after")
    def _a_study_or_not(self) -> Experiment:
        if not self.is_study:
            if self.signals:
                raise ValueError("'signals' need 'weeks': a log is set on a grid's calendar week by week")
            if self.bounds:
                raise ValueError("'bounds' need 'weeks'")
            return self
        if self.windows:
            raise ValueError("'windows' and 'weeks' exclude each other; keep one")
        if len(self.seeds) > 1:
            raise ValueError("a study takes one seed; its samples are weeks")
        lonely = next((w.name for w in self.workloads if w.weeks is None and self.weeks is None), None)
        if lonely is not None:
            raise ValueError(f"workload '{lonely}' has no 'weeks'; give them for it or for the experiment")
        if (self.signals or self.bounds) and not self.energy:
            raise ValueError("'signals' and 'bounds' need 'energy: true'")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Experiment:
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("'seeds' holds one seed twice")
        if self.simulation_timeout_s is not None and self.engine != "batsim":
            raise ValueError("'simulation_timeout_s' is for the engine 'batsim'; leave it out, or take that engine")
        if len(self.seeds) > 1 and all(workload.generate is None for workload in self.workloads):
            raise ValueError("several 'seeds' change nothing: no workload of this experiment is generated")
        for what, names in (
            ("policies", [policy.title for policy in self.policies]),
            ("workloads", [workload.name for workload in self.workloads]),
        ):
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise ValueError(f"two entries of '{what}' are called '{twice}'; give them different labels")
        return self
