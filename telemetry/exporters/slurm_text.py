"""What the commands of Slurm print in machine formats, as records; bad lines are errors, never guesses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from wattq.errors import SlurmError
from wattq.telemetry.exporters.vocabulary import JOB_STATE_CODES
from wattq.workloads.sacct_values import duration_s

__all__ = [
    "ENDED_STATES",
    "QUEUE_FIELDS",
    "SEPARATOR",
    "EndedJob",
    "QueuedJob",
    "Usage",
    "parse_config",
    "parse_ended",
    "parse_node_states",
    "parse_partition_cpus",
    "parse_queue",
    "parse_usage",
    "plain_state",
]

SEPARATOR = "\x1f"
"""Stands between fields: no name that Slurm takes can hold it."""

QUEUE_FIELDS = (
    "JobArrayID",
    "JobID",
    "State",
    "UserName",
    "Partition",
    "NumCPUs",
    "NodeList",
    "SubmitTime",
    "StartTime",
    "EndTime",
    "TimeUsed",
    "tres-alloc",
    "Name",
)
"""Fields asked of squeue, in this order."""

ENDED_STATES = tuple(name for name in JOB_STATE_CODES if name not in ("PENDING", "RUNNING", "SUSPENDED"))
"""Final states of jobs."""

_WAITING = ("REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD")
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40, "P": 2**50}
_MOST_LABEL_CHARS = 128


@dataclass(frozen=True)
class QueuedJob:
    """A job of the queue, ended ones that the controller still knows included.

    Attributes:
        job_id: as people name it: ``17``, or ``17_3`` of an array.
        raw_id: its own number, which differs for tasks of arrays.
        state: a key of `JOB_STATE_CODES`.
        user: who submitted it.
        partition: where it runs, or the first of those where it may.
        name: its name.
        cpus: allocated, or asked for.
        gpus: allocated.
        node_list: its nodes in Slurm's short form; empty while it waits.
        submit_s: submission, Unix s; None where Slurm does not say, as for the next two.
        start_s: begin of the run, or when it is expected to.
        end_s: end.
        run_s: how long it has run without times of suspension, s.
    """

    job_id: str
    raw_id: str
    state: str
    user: str
    partition: str
    name: str
    cpus: int
    gpus: int
    node_list: str
    submit_s: float | None
    start_s: float | None
    end_s: float | None
    run_s: float

    @property
    def running(self) -> bool:
        """Whether it holds nodes."""
        return self.state in ("RUNNING", "SUSPENDED")

    @property
    def ended(self) -> bool:
        """Whether its state is final."""
        return self.state in ENDED_STATES


@dataclass(frozen=True)
class EndedJob:
    """A job that ended, as the accounting remembers it; `end_s` and `run_s` in s."""

    job_id: str
    raw_id: str
    state: str
    partition: str
    end_s: float
    run_s: float


@dataclass(frozen=True)
class Usage:
    """What a running job used until now: CPU seconds, bytes, and joules where nodes gather energy."""

    cpu_s: float
    memory_bytes: float
    energy_j: float | None


def parse_queue(text: str) -> list[QueuedJob]:
    """Return the jobs that squeue printed with `QUEUE_FIELDS`.

    Raises:
        SlurmError: a line has other fields, or a number is none.
    """
    return [_queued(dict(zip(QUEUE_FIELDS, cells, strict=True))) for cells in _cells(text, len(QUEUE_FIELDS), "squeue")]


def _queued(cell: Mapping[str, str]) -> QueuedJob:
    return QueuedJob(
        job_id=cell["JobArrayID"],
        raw_id=cell["JobID"],
        state=plain_state(cell["State"]),
        user=_label(cell["UserName"]),
        partition=_label(cell["Partition"].partition(",")[0]),
        name=_label(cell["Name"]),
        cpus=_count(cell["NumCPUs"].partition("-")[0], "squeue"),
        gpus=_gpus(cell["tres-alloc"]),
        node_list=_label(cell["NodeList"]),
        submit_s=_date(cell["SubmitTime"]),
        start_s=_date(cell["StartTime"]),
        end_s=_date(cell["EndTime"]),
        run_s=_duration(cell["TimeUsed"]),
    )


def plain_state(text: str) -> str:
    """Return a state as a key of `JOB_STATE_CODES`: ``CANCELLED by 7`` is CANCELLED, COMPLETING is RUNNING."""
    word = text.split()[0].rstrip("+") if text.split() else ""
    if word in JOB_STATE_CODES:
        return word
    if word == "REVOKED":
        return "CANCELLED"
    return "PENDING" if word in _WAITING else "RUNNING"


def parse_ended(text: str) -> list[EndedJob]:
    """Return the jobs that ``sacct -nPX -o JobID,JobIDRaw,State,Partition,End,ElapsedRaw`` printed, if they ended.

    Raises:
        SlurmError: a line has other fields, or a number is none.
    """
    jobs = []
    for job_id, raw_id, state, partition, end, elapsed in _cells(text, 6, "sacct"):
        end_s = _date(end)
        if end_s is not None and plain_state(state) in ENDED_STATES:
            run_s = float(_count(elapsed or "0", "sacct"))
            jobs.append(EndedJob(job_id, raw_id, plain_state(state), _label(partition), end_s, run_s))
    return jobs


def parse_usage(text: str) -> dict[str, Usage]:
    """Return what running jobs used, by raw id, as ``sstat -nP --noconvert -o JobID,TRESUsageInTot`` printed it.

    CPU time and memory of a job are sums over its steps. Slurm counts the energy of whole nodes once per step: the
    steps of one job overlap, so that its energy is that of its batch step or of all other steps, whichever is more.

    Raises:
        SlurmError: a line has other fields, or a number is none.
    """
    steps: dict[str, list[tuple[str, Mapping[str, str]]]] = {}
    for name, usage in _cells(text, 2, "sstat"):
        job_id, _, step = name.partition(".")
        pairs = (part.partition("=") for part in usage.split(",") if part)
        steps.setdefault(job_id, []).append((step, {key: value for key, _, value in pairs}))
    return {job_id: _usage(found) for job_id, found in steps.items()}


def _usage(steps: Sequence[tuple[str, Mapping[str, str]]]) -> Usage:
    cpu = sum(_duration(used.get("cpu", "")) for _, used in steps)
    memory = sum(_size(used.get("mem", "0")) for _, used in steps)
    joules = {step: _size(used.get("energy", "0")) for step, used in steps}
    own = sum(value for step, value in joules.items() if step.isdigit())
    energy = max([own, *(value for step, value in joules.items() if not step.isdigit())])
    return Usage(cpu, memory, energy if energy > 0 else None)


def parse_node_states(text: str) -> dict[str, int]:
    """Return how many nodes are in each state, as ``sinfo -o '%T<separator>%D'`` printed it; marks such as * go."""
    states: dict[str, int] = {}
    for state, count in _cells(text, 2, "sinfo"):
        plain = re.sub(r"[^a-z_]+$", "", state.lower())
        states[plain] = states.get(plain, 0) + _count(count, "sinfo")
    return states


def parse_partition_cpus(text: str) -> dict[str, int]:
    """Return the CPUs of a node of each partition, as ``sinfo -o '%R<separator>%c'`` printed it; the most of several.

    Raises:
        SlurmError: a line has other fields, or a number is none.
    """
    cpus: dict[str, int] = {}
    for partition, count in _cells(text, 2, "sinfo"):
        cpus[partition] = max(cpus.get(partition, 0), _count(count.rstrip("+"), "sinfo"))
    return cpus


def parse_config(text: str) -> dict[str, str]:
    """Return the values that ``scontrol show config`` printed, by key."""
    lines = (line.partition("=") for line in text.splitlines())
    return {key.strip(): value.strip() for key, sign, value in lines if sign}


def _cells(text: str, count: int, command: str) -> Iterator[list[str]]:
    separator = "|" if command in ("sacct", "sstat") else SEPARATOR
    for line in text.split("\n"):
        if line.strip():
            cells = [cell.strip() for cell in line.split(separator)]
            # squeue ends each field with the separator, the last one too
            cells = cells[:-1] if len(cells) == count + 1 and not cells[-1] else cells
            if len(cells) != count:
                raise SlurmError(f"{command}: '{line[:80]}': {len(cells)} fields, not {count}; is this Slurm 20.11+?")
            yield cells


def _label(text: str) -> str:
    return "" if text in ("(null)", "N/A", "None assigned") else text[:_MOST_LABEL_CHARS]


def _count(text: str, command: str) -> int:
    try:
        return round(_size(text))
    except SlurmError:
        raise SlurmError(f"{command}: '{text[:40]}': not a number") from None


def _size(text: str) -> float:
    match = re.fullmatch(r"(\d{1,18}(?:\.\d{1,9})?)([KMGTP]?)", text)
    if match is None:
        raise SlurmError(f"sstat: '{text[:40]}': not a number")
    return float(match[1]) * _UNITS[match[2]]


def _gpus(tres: str) -> int:
    counts = re.findall(r"(?:^|,)gres/gpu(:[^=,]+)?=(\d{1,9})", tres)
    plain = [int(count) for kind, count in counts if not kind]
    return plain[0] if plain else sum(int(count) for _, count in counts)


def _date(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _duration(text: str) -> float:
    """Return the seconds of ``1-02:03:04``, ``02:03`` or ``00:00:01.500``; 0 for anything else, such as INVALID."""
    seconds = duration_s(text)
    return seconds if seconds is not None and seconds == seconds else 0.0
