"""Tables of QoS classes: a YAML file, its rules, and how a job gets its class.

Keys of a class are those of Slurm's `sacctmgr` for a QOS. Which of them are known, and what they do, is said in
`QosClass`; any other key is refused by name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from wattq.schedulers.qos.words import nodes, seconds
from wattq.yaml_model import read_model

__all__ = ["QosClass", "QosRule", "QosTable", "read_table"]

_SHIPPED = Path(__file__).resolve().parent / "classes.yaml"
_WHAT = "a table of QoS classes is a mapping with keys such as 'classes' and 'queues'"
_MOST = 2**53

_Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
_Time = Annotated[float, BeforeValidator(seconds)]
_Nodes = Annotated[int, BeforeValidator(nodes)]
_Count = Annotated[int, Field(ge=1, le=_MOST)]
_Owner = Annotated[int, Field(ge=-1, le=_MOST)]


def _float(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class QosClass(_Strict):
    """One class, in the words of Slurm's `sacctmgr`; a limit that is not given does not hold.

    Attributes:
        priority: ``Priority``; the greater one comes first.
        usage_factor: ``UsageFactor``: one host-second of the class is charged as so many.
        max_wall_s: ``MaxWall``: longest walltime of a job.
        max_nodes_job, min_nodes_job: ``MaxTRESPerJob``, ``MinTRESPerJob``: most and fewest hosts of a job.
        max_jobs_user: ``MaxJobsPerUser``: jobs of one user that run at a time.
        max_submit_user: ``MaxSubmitJobsPerUser``: jobs of one user that wait or run.
        max_nodes_user: ``MaxTRESPerUser``: hosts of one user's running jobs.
        grp_jobs, grp_submit, grp_nodes: ``GrpJobs``, ``GrpSubmitJobs``, ``GrpTRES``: the same for the whole class.
        grp_node_mins: ``GrpTRESMins``: host-minutes of the class, charged with its usage factor, over the whole run
            (usage does not fade, as with Slurm's flag NoDecay).
        preempt: ``Preempt``: classes whose running jobs may be killed for a job of this one.
        preempt_mode: ``PreemptMode``: what happens to a job of this class that is preempted; ``cancel``: it is killed.
    """

    priority: int = Field(default=0, ge=0, le=10**9, alias="Priority")
    usage_factor: float = Field(default=1.0, ge=0, le=1e6, alias="UsageFactor")
    max_wall_s: _Time | None = Field(default=None, alias="MaxWall")
    max_nodes_job: _Nodes | None = Field(default=None, alias="MaxTRESPerJob")
    min_nodes_job: _Nodes | None = Field(default=None, alias="MinTRESPerJob")
    max_jobs_user: _Count | None = Field(default=None, alias="MaxJobsPerUser")
    max_submit_user: _Count | None = Field(default=None, alias="MaxSubmitJobsPerUser")
    max_nodes_user: _Nodes | None = Field(default=None, alias="MaxTRESPerUser")
    grp_jobs: _Count | None = Field(default=None, alias="GrpJobs")
    grp_submit: _Count | None = Field(default=None, alias="GrpSubmitJobs")
    grp_nodes: _Nodes | None = Field(default=None, alias="GrpTRES")
    grp_node_mins: _Nodes | None = Field(default=None, alias="GrpTRESMins")
    preempt: list[_Name] = Field(default_factory=list, max_length=1000, alias="Preempt")
    preempt_mode: Literal["cancel"] = Field(default="cancel", alias="PreemptMode")

    @field_validator("usage_factor", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        return _float(value)

    @field_validator("preempt_mode", mode="before")
    @classmethod
    def _known_mode(cls, value: Any) -> Any:
        mode = value.lower() if isinstance(value, str) else value
        if mode == "requeue":
            raise ValueError(
                "requeue is not done: it submits the killed job anew, and a policy can submit jobs on no backend but "
                "Batsim with dynamic registration; take cancel"
            )
        if mode != "cancel":
            raise ValueError("the one mode is cancel")
        return mode


class QosRule(_Strict):
    """Jobs for which all that is given holds are of a class.

    Attributes:
        qos: the class (key ``class``).
        queue, user, group: numbers; one of each that is given.
        hosts_min, hosts_max: hosts asked for, bounds included.
        walltime_min_s, walltime_max_s: requested time, bounds included; a job without one has an endless one.
    """

    qos: _Name = Field(alias="class")
    queue: list[_Owner] | None = None
    user: list[_Owner] | None = None
    group: list[_Owner] | None = None
    hosts_min: _Count | None = None
    hosts_max: _Count | None = None
    walltime_min_s: float | None = Field(default=None, gt=0)
    walltime_max_s: float | None = Field(default=None, gt=0)

    @field_validator("queue", "user", "group", mode="before")
    @classmethod
    def _one_number(cls, value: Any) -> Any:
        return [value] if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("walltime_min_s", "walltime_max_s", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        return _float(value)

    @model_validator(mode="after")
    def _says_something(self) -> QosRule:
        if len(self.model_fields_set) < 2:
            raise ValueError("a rule says which jobs it is about; give queue, user, group, hosts or walltime")
        return self

    def matches(self, hosts: int, walltime_s: float, user: int, group: int, queue: int) -> bool:
        """Return whether the rule is about such a job."""
        return (
            (self.queue is None or queue in self.queue)
            and (self.user is None or user in self.user)
            and (self.group is None or group in self.group)
            and (self.hosts_min is None or hosts >= self.hosts_min)
            and (self.hosts_max is None or hosts <= self.hosts_max)
            and (self.walltime_min_s is None or walltime_s >= self.walltime_min_s)
            and (self.walltime_max_s is None or walltime_s <= self.walltime_max_s)
        )


def _shipped_classes() -> dict[str, QosClass]:
    return read_table(None).classes


class QosTable(_Strict):
    """Classes, and how a job gets its own: the first rule that matches, else its queue, else the default.

    Attributes:
        classes: by name; the shipped ones when the file gives none.
        default: the class of jobs that neither a rule nor a queue gives one.
        queues: queue number -> class.
        rules: tried in order.
    """

    classes: dict[_Name, QosClass] = Field(default_factory=_shipped_classes, min_length=1, max_length=1000)
    default: _Name = "normal"
    queues: dict[int, _Name] = Field(default_factory=dict)
    rules: list[QosRule] = Field(default_factory=list, max_length=10_000)

    @field_validator("queues", mode="before")
    @classmethod
    def _numbers(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        bad = next(
            (key for key in value if not str(key).isascii() or not str(key).isdecimal() or len(str(key)) > 15), None
        )
        if bad is not None:
            raise ValueError(f"{bad!r} is no queue number; give whole numbers, 0 or more")
        if len({int(key) for key in value}) < len(value):
            raise ValueError("a queue number is given twice")
        return {int(key): qos for key, qos in value.items()}

    @model_validator(mode="after")
    def _consistent(self) -> QosTable:
        named = [("default", self.default)]
        named += [(f"queues.{queue}", qos) for queue, qos in self.queues.items()]
        named += [(f"rules[{k}]", rule.qos) for k, rule in enumerate(self.rules)]
        named += [(f"classes.{name}.Preempt", low) for name, qos in self.classes.items() for low in qos.preempt]
        for where, qos in named:
            if qos not in self.classes:
                raise ValueError(f"{where} names the class '{qos}', which does not exist; there are {self._names()}")
        for name, one in self.classes.items():
            for low in one.preempt:
                if self.classes[low].priority >= one.priority:
                    raise ValueError(f"class '{name}' preempts '{low}', whose Priority is not lower; lower it")
        return self

    def _names(self) -> str:
        return ", ".join(self.classes)

    def class_of(self, hosts: int, walltime_s: float, user: int, group: int, queue: int) -> str:
        """Return the class of a job: the first rule that matches, else that of its queue, else the default."""
        for rule in self.rules:
            if rule.matches(hosts, walltime_s, user, group, queue):
                return rule.qos
        return self.queues.get(queue, self.default)


def read_table(path: str | Path | None) -> QosTable:
    """Return the table in a file, or the shipped one.

    Raises:
        MissingFileError: the file cannot be read.
        InvalidInputError: it breaks a rule; the message names file, line, key, value and rule.
    """
    return read_model(_SHIPPED if path is None else path, QosTable, _WHAT)
