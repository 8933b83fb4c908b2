"""What is known of a job: from the variables that slurmd gives to hooks, and from ``scontrol show job``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from wattq.errors import TelemetryError
from wattq.telemetry.slurm.hostlist import node_names
from wattq.workloads.sacct_values import duration_s

__all__ = ["JobFacts", "facts_from_environment", "facts_from_scontrol", "job_name_of"]

_ID = re.compile(r"[1-9][0-9]{0,18}")
_COUNTS = re.compile(r"(\d{1,9})(?:\(x(\d{1,9})\))?")
_EXIT = re.compile(r"(\d{1,5}):(\d{1,5})")
_MEGABYTES = {"K": 1 / 1024, "M": 1.0, "G": 1024.0, "T": 1024.0**2, "P": 1024.0**3}
_TYPES = ("cpu_intensive", "memory_intensive", "io_intensive", "mixed")
_WORD = re.compile(r"wattq:job_type=([a-z]{1,20}(?:_intensive)?)")


@dataclass(frozen=True)
class JobFacts:
    """A job on this node; None or an empty text for what nobody told.

    Attributes:
        job_id: number of the job, ``SLURM_JOB_ID``.
        name: how people know it: the same, or ``17_3`` for a task of an array.
        node: this node.
        title: name that the user gave.
        user, account, qos, partition, comment: as submitted.
        node_list: all its nodes, as Slurm writes them.
        node_count: how many.
        cores: cores that it holds on this node.
        all_cores: cores on all nodes.
        memory_mb: memory on all nodes, MiB.
        gpus: indices of its GPUs on this node.
        walltime_s: how long it may run, s.
        submit_s, start_s, end_s: dates, Unix s.
        state: in Slurm's words.
        exit_code, signal: how it ended.
    """

    job_id: str
    name: str
    node: str
    title: str = ""
    user: str = ""
    account: str = ""
    qos: str = ""
    partition: str = ""
    comment: str = ""
    node_list: str = ""
    node_count: int | None = None
    cores: int | None = None
    all_cores: int | None = None
    memory_mb: float | None = None
    gpus: tuple[int, ...] = ()
    walltime_s: float | None = None
    submit_s: float | None = None
    start_s: float | None = None
    end_s: float | None = None
    state: str = ""
    exit_code: int | None = None
    signal: int | None = None

    def document(self) -> dict[str, Any]:
        """Return all of it as JSON can hold it."""
        return asdict(self)

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> JobFacts:
        """Return what `document` gave; keys that are not known are left out.

        Raises:
            TelemetryError: when it does not name a job.
        """
        known = {field.name: document[field.name] for field in fields(cls) if field.name in document}
        if not {"job_id", "name", "node"} <= set(known):
            raise TelemetryError("facts of a job: no job_id, name and node in them; remove the file")
        return replace(cls(**known), gpus=tuple(known.get("gpus", ())))

    def filled(self, other: JobFacts | None) -> JobFacts:
        """Return these facts, with those of `other` where these have none."""
        if other is None:
            return self
        empty = ("", None, ())
        names = [field.name for field in fields(self)]
        return replace(self, **{n: getattr(other, n) for n in names if getattr(self, n) in empty})

    @property
    def speaks(self) -> bool:
        """Whether this node speaks for the job: the first of its nodes does, lest its row be written by several."""
        nodes = _nodes(self.node_list)
        return not nodes or nodes[0] == self.node or self.node not in nodes

    @property
    def job_type(self) -> str | None:
        """What kind of job it is said to be: ``wattq:job_type=...`` in its comment, else a QoS of that name."""
        said = _WORD.search(self.comment)
        kind = said[1] if said else self.qos
        kind = f"{kind}_intensive" if f"{kind}_intensive" in _TYPES else kind
        return kind if kind in _TYPES else None


def job_name_of(environ: Mapping[str, str]) -> str:
    """Return how people know the job of these variables: ``17``, or ``17_3`` for a task of an array.

    Raises:
        TelemetryError: there is no number of a job.
    """
    job = environ.get("SLURM_JOB_ID", "")
    if _ID.fullmatch(job) is None:
        raise TelemetryError(f"environment, SLURM_JOB_ID: {job[:30]!r} is no number of a job; slurmd sets it for hooks")
    array, task = environ.get("SLURM_ARRAY_JOB_ID", ""), environ.get("SLURM_ARRAY_TASK_ID", "")
    return f"{array}_{task}" if _ID.fullmatch(array) and task.isdecimal() and len(task) < 12 else job


def facts_from_environment(environ: Mapping[str, str], node: str) -> JobFacts:
    """Return what slurmd's variables tell of a job.

    Args:
        environ: the variables.
        node: name of this node, where ``SLURMD_NODENAME`` does not say it.

    Raises:
        TelemetryError: there is no number of a job.
    """
    name = job_name_of(environ)
    node = environ.get("SLURMD_NODENAME") or node
    node_list = environ.get("SLURM_JOB_NODELIST") or environ.get("SLURM_NODELIST", "")
    nodes = _nodes(node_list)
    counts = _per_node(environ.get("SLURM_JOB_CPUS_PER_NODE", ""))
    place = nodes.index(node) if node in nodes else 0
    exit_code, signal = _exit(environ.get("SLURM_JOB_EXIT_CODE2", ""))
    return JobFacts(
        job_id=environ["SLURM_JOB_ID"],
        name=name,
        node=node,
        user=environ.get("SLURM_JOB_USER", ""),
        account=environ.get("SLURM_JOB_ACCOUNT", ""),
        partition=environ.get("SLURM_JOB_PARTITION", ""),
        comment=environ.get("SLURM_JOB_COMMENT", ""),
        node_list=node_list,
        node_count=_whole(environ.get("SLURM_JOB_NUM_NODES", "")) or len(nodes) or None,
        cores=counts[place] if place < len(counts) else None,
        all_cores=sum(counts) or None,
        gpus=_gpus(environ),
        exit_code=exit_code,
        signal=signal,
    )


def facts_from_scontrol(text: str, job_id: str, node: str) -> JobFacts:
    """Return what ``scontrol show job --details`` says of a job, run with ``TZ=UTC``.

    A line that begins with a key that users write (name, comment) is that key alone, so that nothing in it is taken
    for another.

    Raises:
        TelemetryError: the text is about another job, or none.
    """
    values = _values(text)
    if values.get("JobId") != job_id:
        raise TelemetryError(f"scontrol show job {job_id}: says nothing of it: {text.strip()[:60]!r}")
    array, task = values.get("ArrayJobId", ""), values.get("ArrayTaskId", "")
    exit_code, signal = _exit(values.get("ExitCode", ""))
    cores, gpus = _details(text, node)
    return JobFacts(
        job_id=job_id,
        name=f"{array}_{task}" if array and task.isdecimal() else job_id,
        node=node,
        title=values.get("JobName", ""),
        user=values.get("UserId", "").partition("(")[0],
        account=values.get("Account", ""),
        qos=values.get("QOS", ""),
        partition=values.get("Partition", ""),
        comment=values.get("Comment", ""),
        node_list=values.get("NodeList", ""),
        node_count=_whole(values.get("NumNodes", "").partition("-")[0]),
        cores=cores,
        all_cores=_whole(values.get("NumCPUs", "").partition("-")[0]),
        memory_mb=_memory(values.get("TRES", "")),
        gpus=gpus,
        walltime_s=_limit(values.get("TimeLimit", "")),
        submit_s=_date(values.get("SubmitTime", "")),
        start_s=_date(values.get("StartTime", "")),
        end_s=_date(values.get("EndTime", "")),
        state=values.get("JobState", ""),
        exit_code=exit_code,
        signal=signal,
    )


_FREE = ("JobName", "Command", "WorkDir", "Comment", "AdminComment", "SystemComment", "StdErr", "StdIn", "StdOut")
_NOTHING = ("(null)", "N/A", "None", "Unknown")


def _values(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for line in text.splitlines():
        words = line.strip()
        if words.startswith("JobId="):
            head, _, words = words.partition(" ")
            values.setdefault("JobId", head.removeprefix("JobId="))
        if words.startswith("Array"):
            parts = words.split(" JobName=", 1)
            values.update(_pairs(parts[0], values))
            words = "JobName=" + parts[1] if len(parts) > 1 else ""
        key, _, rest = words.partition("=")
        found = {key: rest.strip()} if key in _FREE else _pairs(words, values)
        values.update({k: v for k, v in found.items() if v not in _NOTHING and k not in values})
    return values


def _pairs(words: str, known: Mapping[str, str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words.split()]
    return {key: value for key, equals, value in pairs if equals and key not in known}


def _details(text: str, node: str) -> tuple[int | None, tuple[int, ...]]:
    """Return cores and GPUs of the line of ``--details`` that is about this node."""
    for line in text.splitlines():
        found = re.match(r"\s+Nodes=(\S+) CPU_IDs=([0-9,\-]+) Mem=\d+ GRES=(\S*)", line)
        if found and node in _nodes(found[1]):
            index = re.search(r"gpu(?::[^(,]*)?\(IDX:([0-9,\-]+)\)", found[3])
            return len(_indices(found[2])), _indices(index[1]) if index else ()
    return None, ()


def _indices(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(name) for name in node_names(f"[{text}]"))
    except TelemetryError:
        return ()


def _gpus(environ: Mapping[str, str]) -> tuple[int, ...]:
    text = environ.get("SLURM_JOB_GPUS", "")
    return _indices(text) if re.fullmatch(r"[0-9,\-]{1,1000}", text) else ()


def _nodes(text: str) -> tuple[str, ...]:
    try:
        return node_names(text)
    except TelemetryError:
        return ()


def _per_node(text: str) -> list[int]:
    counts: list[int] = []
    for each in text.split(",") if text else ():
        found = _COUNTS.fullmatch(each)
        if found is None or len(counts) + int(found[2] or 1) > 65_536:
            return []
        counts += [int(found[1])] * int(found[2] or 1)
    return counts


def _exit(text: str) -> tuple[int | None, int | None]:
    found = _EXIT.fullmatch(text)
    return (int(found[1]), int(found[2])) if found else (None, None)


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 12 else None


def _memory(tres: str) -> float | None:
    found = re.search(r"(?:^|,)mem=(\d{1,15}(?:\.\d{1,6})?)([KMGTP]?)", tres)
    return float(found[1]) * _MEGABYTES[found[2] or "M"] if found else None


def _limit(text: str) -> float | None:
    seconds = duration_s(text)
    return seconds if seconds is not None and seconds > 0 else None


def _date(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
