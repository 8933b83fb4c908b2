"""A Slurm that is not there: it answers commands, keeps state, and starts and ends jobs by its clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from wattq.errors import SlurmError

__all__ = ["FakeJob", "FakeSlurm", "Killed"]


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


@dataclass
class FakeJob:
    """A job of the fake: whole nodes, with what squeue tells of it."""

    number: int
    nodes: int = 1
    limit_min: int | None = 60
    run_s: float = 600.0
    submit_s: float = 0.0
    begin_s: float | None = None
    comment: str = ""
    qos: str = ""
    user: str = "ann"
    priority: int = 1000
    held: bool = False
    dependency: str = ""
    het: int = 0
    start_s: float | None = None
    end_s: float | None = None
    tasks: str = ""
    begun: list[float] = field(default_factory=list)

    @property
    def state(self) -> str:
        if self.start_s is None:
            return "PENDING"
        return "RUNNING" if self.end_s is None else "COMPLETED"

    @property
    def eligible_s(self) -> float | None:
        """When it may start; None while it is held or waits for another one."""
        if self.held or self.dependency:
            return None
        return max(self.submit_s, self.begin_s or 0.0)


class FakeSlurm:
    """Answers commands; `now_s` is its clock, `before` is called before each command and may raise."""

    def __init__(self, nodes: int = 4, now_s: float = 1_000_000_000.0, cpus: int = 8) -> None:
        self.nodes, self.now_s, self.cpus = nodes, now_s, cpus
        self.jobs: dict[int, FakeJob] = {}
        self.commands: list[tuple[str, ...]] = []
        self.before: Callable[[tuple[str, ...]], None] = lambda words: None
        self.after: Callable[[tuple[str, ...]], None] = lambda words: None

    def add(self, job: FakeJob) -> FakeJob:
        self.jobs[job.number] = job
        if not job.submit_s:
            job.submit_s = self.now_s
        return job

    def clock(self) -> float:
        return self.now_s

    def free(self) -> int:
        return self.nodes - sum(job.nodes for job in self.jobs.values() if job.state == "RUNNING")

    def advance(self, seconds: float, step_s: float = 60.0) -> None:
        """Let time pass: jobs end, and those that are eligible start in the order of their priorities."""
        until = self.now_s + seconds
        while self.now_s < until:
            self.now_s = min(self.now_s + step_s, until)
            self.schedule()

    def schedule(self) -> None:
        for job in self.jobs.values():
            if job.state == "RUNNING" and self.now_s >= (job.start_s or 0.0) + job.run_s:
                job.end_s = (job.start_s or 0.0) + job.run_s
        for job in sorted(self.jobs.values(), key=lambda job: (-job.priority, job.number)):
            eligible = job.eligible_s
            if job.state == "PENDING" and eligible is not None and eligible <= self.now_s and job.nodes <= self.free():
                job.start_s = self.now_s

    def __call__(self, words: Sequence[str]) -> str:
        command = tuple(words)
        self.before(command)
        self.commands.append(command)
        answer = self._answer(command)
        self.after(command)
        return answer

    def _answer(self, words: tuple[str, ...]) -> str:
        if words[0] == "squeue" and "--json" in words:
            return json.dumps({"jobs": [self._row(job) for job in self.jobs.values() if job.state != "COMPLETED"]})
        if words[0] == "sinfo":
            return "".join(f"n{k}|mixed|0/{self.cpus}/0/{self.cpus}|all|up|infinite\n" for k in range(self.nodes))
        if words[:4] == ("scontrol", "-o", "show", "reservation"):
            return "No reservations in the system\n"
        if words[:4] == ("scontrol", "-o", "show", "job"):
            return self._show(int(words[4]))
        if words[:2] == ("scontrol", "update"):
            return self._update(dict(word.split("=", 1) for word in words[2:]))
        raise SlurmError(f"{' '.join(words)}: the fake does not know it")

    def _row(self, job: FakeJob) -> dict[str, object]:
        eligible = job.eligible_s
        waits = job.state == "PENDING"
        names = [f"n{k}" for k in range(self.nodes)]
        return {
            "job_id": job.number,
            "array_job_id": job.number if job.tasks else 0,
            "array_task_string": job.tasks,
            "het_job_id": job.het,
            "job_state": job.state,
            "state_reason": self._reason(job) if waits else "None",
            "priority": 0 if job.held else job.priority,
            "submit_time": int(job.submit_s),
            "eligible_time": 0 if eligible is None else int(eligible),
            "start_time": int(job.start_s or 0),
            "time_limit": job.limit_min,
            "node_count": job.nodes,
            "cpus": job.nodes * self.cpus,
            "nodes": "" if waits else ",".join(names[: job.nodes]),
            "partition": "all",
            "user_name": job.user,
            "qos": job.qos,
            "comment": job.comment,
            "dependency": job.dependency,
            "shared": "none",
            "name": "work",
        }

    def _reason(self, job: FakeJob) -> str:
        if job.held:
            return "JobHeldUser"
        if job.dependency:
            return "Dependency"
        return "BeginTime" if (job.eligible_s or 0.0) > self.now_s else "Resources"

    def _show(self, number: int) -> str:
        job = self.jobs.get(number)
        if job is None:
            raise SlurmError("slurm_load_jobs error: Invalid job id specified")
        dates = {"SubmitTime": job.submit_s, "StartTime": job.start_s, "EndTime": job.end_s}
        texts = [f"{key}={self._text(date)}" for key, date in dates.items()]
        return f"JobId={number} JobName=a b JobState={job.state} {' '.join(texts)}\n"

    @staticmethod
    def _text(date_s: float | None) -> str:
        if date_s is None:
            return "Unknown"
        return datetime.fromtimestamp(date_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")

    def _update(self, values: dict[str, str]) -> str:
        number = int(values["JobId"].partition("_")[0])
        job = self.jobs[number]
        if job.state != "PENDING":
            raise SlurmError("slurm_update error: Job is no longer pending execution")
        begin = values["StartTime"]
        date_s = self.now_s if begin == "now" else datetime.fromisoformat(begin).replace(tzinfo=UTC).timestamp()
        # As Slurm does: a date in the past becomes now.
        job.begin_s = max(date_s, self.now_s)
        job.begun.append(job.begin_s)
        return ""
