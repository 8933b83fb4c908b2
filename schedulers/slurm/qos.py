"""QoS classes of a cluster as commands of Slurm's `sacctmgr`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel, model_validator

from wattq.schedulers.qos.words import seconds
from wattq.yaml_model import read_model

__all__ = ["ClusterQos", "ClusterQosTable", "qos_script", "read_cluster_qos"]

_SHIPPED = Path(__file__).resolve().parent / "qos.yaml"
_WHAT = "a table of QoS classes is a mapping of names to limits such as MaxJobsPerUser"

_Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
_Count = Annotated[int, Field(strict=True, ge=1, le=2**31 - 2)]
_Time = Annotated[float, BeforeValidator(seconds)]


class ClusterQos(BaseModel):
    """One class, with the fields of a QOS in Slurm's accounting; a limit that is not given is taken away.

    Attributes:
        priority, usage_factor: ``Priority`` and ``UsageFactor``.
        grace_s: ``GraceTime``: between the warning of a preempted job and its end, s.
        max_wall_s, grp_wall_s: ``MaxWallDurationPerJob`` and ``GrpWall``, s.
        max_jobs_user, max_submit_user: ``MaxJobsPerUser`` and ``MaxSubmitJobsPerUser``.
        grp_jobs, grp_submit: ``GrpJobs`` and ``GrpSubmitJobs``.
        grp_cpus, grp_memory_mb, grp_nodes: ``GrpTRES``; memory in MB.
        max_cpus_job, max_nodes_job, min_cpus_job: ``MaxTRESPerJob`` and ``MinTRESPerJob``.
        preempt: ``Preempt``: classes whose jobs give way.
        preempt_mode: ``PreemptMode``: what becomes of jobs of this class that give way; the cluster's when empty.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    priority: int = Field(default=0, ge=0, le=10**9, alias="Priority")
    usage_factor: float = Field(default=1.0, ge=0, le=1e6, alias="UsageFactor")
    grace_s: _Time | None = Field(default=None, alias="GraceTime")
    max_wall_s: _Time | None = Field(default=None, alias="MaxWallDurationPerJob")
    grp_wall_s: _Time | None = Field(default=None, alias="GrpWall")
    max_jobs_user: _Count | None = Field(default=None, alias="MaxJobsPerUser")
    max_submit_user: _Count | None = Field(default=None, alias="MaxSubmitJobsPerUser")
    grp_jobs: _Count | None = Field(default=None, alias="GrpJobs")
    grp_submit: _Count | None = Field(default=None, alias="GrpSubmitJobs")
    grp_cpus: _Count | None = Field(default=None, alias="GrpCPUs")
    grp_memory_mb: _Count | None = Field(default=None, alias="GrpMemory")
    grp_nodes: _Count | None = Field(default=None, alias="GrpNodes")
    max_cpus_job: _Count | None = Field(default=None, alias="MaxCPUsPerJob")
    max_nodes_job: _Count | None = Field(default=None, alias="MaxNodesPerJob")
    min_cpus_job: _Count | None = Field(default=None, alias="MinCPUsPerJob")
    preempt: list[_Name] = Field(default_factory=list, max_length=1000, alias="Preempt")
    preempt_mode: Literal["", "CANCEL", "REQUEUE", "SUSPEND", "GANG"] = Field(default="", alias="PreemptMode")

    def settings(self) -> list[str]:
        """Return what follows ``sacctmgr modify qos NAME set``, without `preempt`; -1 takes a limit away."""
        return [
            f"Priority={self.priority}",
            f"UsageFactor={self.usage_factor:g}",
            f"GraceTime={_whole(self.grace_s, none=0)}",
            f"MaxWall={_time(self.max_wall_s)}",
            f"GrpWall={_time(self.grp_wall_s)}",
            f"MaxJobsPerUser={_count(self.max_jobs_user)}",
            f"MaxSubmitJobsPerUser={_count(self.max_submit_user)}",
            f"GrpJobs={_count(self.grp_jobs)}",
            f"GrpSubmitJobs={_count(self.grp_submit)}",
            f"GrpTRES={_tres(cpu=self.grp_cpus, mem=self.grp_memory_mb, node=self.grp_nodes)}",
            f"MaxTRESPerJob={_tres(cpu=self.max_cpus_job, node=self.max_nodes_job)}",
            f"MinTRESPerJob={_tres(cpu=self.min_cpus_job)}",
            f"PreemptMode={self.preempt_mode or 'cluster'}",
        ]


class ClusterQosTable(RootModel[dict[_Name, ClusterQos]]):
    """Classes by name."""

    @model_validator(mode="after")
    def _consistent(self) -> ClusterQosTable:
        for name, one in self.root.items():
            for low in one.preempt:
                if low not in self.root:
                    raise ValueError(f"{name}.Preempt names '{low}', which does not exist")
        return self


def read_cluster_qos(path: str | Path | None) -> dict[str, ClusterQos]:
    """Return the classes of a file, or the shipped ones.

    Raises:
        MissingFileError: the file cannot be read.
        InvalidInputError: it breaks a rule; the message names file, line, key, value and rule.
    """
    return read_model(_SHIPPED if path is None else path, ClusterQosTable, _WHAT).root


def qos_script(classes: Mapping[str, ClusterQos]) -> str:
    """Return a shell script that makes a cluster's QOS such as `classes`; run again it changes nothing.

    Classes come first and who gives way last, for a QOS can only preempt one that exists. ``--dry-run`` shows the
    commands and needs no Slurm.
    """
    adds = [f"add {shlex.quote(name)}" for name in classes]
    limits = [f"limit {shlex.join([name, *one.settings()])}" for name, one in classes.items()]
    ways = [
        f"preempt {shlex.quote(name)} {shlex.quote(','.join(one.preempt))}" if one.preempt else f"spare {name}"
        for name, one in classes.items()
    ]
    return "\n".join([_SCRIPT, *adds, *limits, *ways, ""])


_SCRIPT = """\
#!/bin/sh
# QoS classes of this cluster through sacctmgr; made by `wattq slurm qos`. Run it again after a change: what is there
# is changed, what is missing is added, nothing is removed. --dry-run shows what would be run.
set -eu
dry=no
case ${1:-} in
--dry-run) dry=yes ;;
'') ;;
*)
    echo "usage: $0 [--dry-run]" >&2
    exit 2
    ;;
esac

run() {
    if [ "$dry" = yes ]; then
        echo "sacctmgr -i $*"
    else
        sacctmgr -i "$@" >/dev/null
    fi
}

value() {
    sacctmgr -n -P show qos where name="$1" format="$2"
}

add() {
    if [ "$dry" = yes ] || [ -z "$(value "$1" name)" ]; then
        run add qos "$1"
    fi
}

limit() {
    name=$1
    shift
    run modify qos "$name" set "$@"
}

preempt() {
    run modify qos "$1" set "Preempt=$2"
}

# An empty list is never set: Slurm 22.05 takes it for a class that preempts, and then refuses lists that name it.
spare() {
    if [ "$dry" = no ] && [ -n "$(value "$1" preempt)" ]; then
        run modify qos "$1" set "Preempt-=$(value "$1" preempt)"
    fi
}
"""


def _count(value: int | None) -> int:
    return -1 if value is None else value


def _whole(value: float | None, *, none: int) -> int:
    return none if value is None else round(value)


def _time(value: float | None) -> str:
    if value is None:
        return "-1"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest:02d}"


def _tres(**limits: int | None) -> str:
    return ",".join(f"{name}={_count(value)}" for name, value in limits.items())
