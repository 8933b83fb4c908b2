"""The keeper: one process on each node that watches its jobs from prolog to epilog and tells what became of them.

Nobody waits for it, so it may take its time: it asks Slurm, samples the node, delivers rows, tells the exporter, asks
for predictions and packs logs. Each of these may fail without harm to the others.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from threading import Event

from wattq.errors import WattqError
from wattq.telemetry.meters import node_power_of
from wattq.telemetry.slurm import outcome
from wattq.telemetry.slurm.ask import command_environment
from wattq.telemetry.slurm.controller import Controller
from wattq.telemetry.slurm.ending import Endings
from wattq.telemetry.slurm.facts import JobFacts
from wattq.telemetry.slurm.gpu_cap import DOCUMENT, GpuCaps
from wattq.telemetry.slurm.hook import Hook
from wattq.telemetry.slurm.job_log import JobLog, utc
from wattq.telemetry.slurm.keeper_process import beat, only_keeper
from wattq.telemetry.slurm.messages import Services, start_message
from wattq.telemetry.slurm.node_sampler import NodeSample, NodeSampler
from wattq.telemetry.slurm.rows import Rows
from wattq.telemetry.slurm.running import JobStats
from wattq.telemetry.slurm.thermal_watch import ThermalWatch
from wattq.telemetry.slurm.usage import JobMeter

__all__ = ["Keeper", "keep"]

_POLL_S = 0.5
_LINGER_S = 3.0
_FIRST_S = (1.0, 2.0, 4.0, 8.0, 16.0)
_ORPHAN_S = 600.0
_TIDY_S = 60.0


def keep(hook: Hook, stop: Event) -> None:
    """Be the keeper of this node until no job is left and all rows are delivered (or have been tried for long enough).

    Args:
        hook: with settings and environment.
        stop: ends it early; jobs stay for the next keeper.

    Raises:
        TelemetryError: the state of the node cannot be used.
    """
    while True:
        with only_keeper(hook.state.path) as held:
            if not held:
                return
            keeper = Keeper(hook)
            try:
                keeper.run(stop)
            finally:
                keeper.close()
        # A prolog that found the lock taken a moment ago began no keeper.
        if stop.is_set() or not keeper.waiting():
            return


class _Job:
    """A job that the keeper watches."""

    def __init__(self, facts: JobFacts, since_s: float, start_s: float, meter: JobMeter, log: JobLog) -> None:
        self.facts, self.since_s, self.start_s, self.meter, self.log = facts, since_s, start_s, meter, log
        self.row_s = start_s
        self.stats = JobStats()
        self.ticks = 0
        self.next_s = start_s + _FIRST_S[0]
        self.asked_s = 0.0


class Keeper:
    """Watches the jobs of this node.

    Args:
        hook: with settings and environment.

    Raises:
        TelemetryError: the state of the node cannot be used.
    """

    def __init__(self, hook: Hook) -> None:
        self._hook, self._state, self._log = hook, hook.state, hook.log
        self._settings = hook.settings.slurm
        self._rows = Rows(hook.settings, self._state.path / "spool", hook.log)
        self._jobs: dict[str, _Job] = {}
        self._sampler = self._make_sampler()
        self._watch = ThermalWatch(hook.node)
        self._tidy_s = 0.0
        self._bad: set[str] = set()
        self._over: set[str] = set()
        self._controller = Controller(hook)
        self._services = Services(hook.settings, {**command_environment(hook.environ), **_own(hook)})
        self._endings = Endings(hook, self._state, self._rows, self._controller, self._services)

    def _make_sampler(self) -> NodeSampler | None:
        try:
            return NodeSampler(self._hook.node, node_power_of(self._hook.settings.node), self._hook.root)
        except (WattqError, OSError) as error:
            self._log.say(f"{error}; the node is not sampled")
            return None

    def run(self, stop: Event) -> None:
        """Work until there is nothing left to do."""
        idle_since_s = time.time()
        while not stop.is_set():
            beat(self._state.path)
            self.step(time.time())
            if self.waiting():
                idle_since_s = time.time()
            idle_s = time.time() - idle_since_s
            if idle_s > _LINGER_S and (idle_s > self._settings.deliver_s or not self._rows.pending):
                return
            stop.wait(_POLL_S)

    def waiting(self) -> bool:
        """Return whether jobs run or wait to be finished."""
        return any(self._state.runs(job) or self._state.get(job, "ended") for job in self._state.jobs())

    def close(self) -> None:
        """Close meters and the way to the store."""
        if self._sampler is not None:
            self._sampler.close()
        self._rows.close(1.0)

    def step(self, now_s: float) -> None:
        """Look at every job once."""
        for job_id in self._state.jobs():
            try:
                self._look(job_id, now_s)
            except (WattqError, OSError, ValueError, TypeError, KeyError) as error:
                self._log.say(f"job {job_id}: {type(error).__name__}: {error}; it is left out")
                self._leave_out(job_id)
        if now_s > self._tidy_s:
            self._tidy_s = now_s + _TIDY_S
            with suppress(WattqError, OSError):
                self._state.tidy(now_s)
        due = [job for job_id, job in self._jobs.items() if now_s >= job.next_s and self._state.runs(job_id)]
        try:
            if due:
                self._sample(now_s, due)
        except (WattqError, OSError, ValueError, TypeError, KeyError) as error:
            self._log.say(f"sample: {type(error).__name__}: {error}")
            for job in due:
                job.next_s = now_s + self._settings.sample_s

    def _leave_out(self, job_id: str) -> None:
        self._bad.add(job_id)
        self._jobs.pop(job_id, None)
        if self._state.get(job_id, "ended") is not None:
            self._endings.give_up(job_id)

    def _look(self, job_id: str, now_s: float) -> None:
        running, ended = self._state.get(job_id, "running"), self._state.get(job_id, "ended")
        known = self._jobs.get(job_id)
        if ended is not None:
            if job_id not in self._over and self._sampler is not None:
                # Sensors that hooks do not read, being slow, are read soon after the end.
                self._over.add(job_id)
                self._see_node(self._sampler, now_s, job_id)
            if self._endings.finish(job_id, ended, known.stats if known else None, now_s):
                self._jobs.pop(job_id, None)
                self._bad.discard(job_id)
                self._over.discard(job_id)
        elif (
            running is not None
            and job_id not in self._bad
            and (known is None or known.since_s != running.get("since_s"))
        ):
            self._jobs[job_id] = self._begin(job_id, float(running["since_s"]))

    def _begin(self, job_id: str, since_s: float) -> _Job:
        """Take up a job: its facts, its row STARTING, its log, and a word to the exporter."""
        job = self._job(job_id, since_s)
        taken_up = self._state.get(job_id, "stats") is not None
        job.stats = JobStats.of_document(self._state.get(job_id, "stats"))
        if self._sampler is not None:
            self._see_node(self._sampler, time.time(), job_id)
        if not taken_up:
            self._keep_stats(job)
            job.log.begin({**job.facts.document(), "start": utc(job.start_s)})
            if job.facts.speaks:
                self._rows.write("job_metrics", [{**outcome.start_row(job.facts, job.row_s), "job_state": "STARTING"}])
                self._tell_start(job.facts)
        return job

    def _job(self, job_id: str, since_s: float) -> _Job:
        facts = JobFacts.of_document(self._state.get(job_id, "facts") or {})
        asked = self._controller.ask(facts)
        if asked is not None:
            # How it ends is not known yet; the number in its array only Slurm tells.
            began = replace(asked, state="", exit_code=None, signal=None, end_s=None)
            facts = replace(facts.filled(began), name=asked.name)
        self._state.put(job_id, "facts", facts.document())
        held = self._state.get(job_id, "holding") or {"start_s": since_s, "end_s": None}
        if not held.get("cores") and facts.cores:
            self._state.put(job_id, "holding", {**held, "cores": facts.cores, "gpus": list(facts.gpus)})
        meter = JobMeter(job_id, root=self._hook.root)
        job = _Job(facts, since_s, float(held["start_s"] or since_s), meter, JobLog(self._hook.log_dir, facts.name))
        kept = self._state.get(job_id, "row")
        # All nodes of a job write one row, whose key is the start that Slurm tells each of them.
        job.row_s = float(kept["time_s"]) if kept and kept.get("since_s") == since_s else facts.start_s or job.start_s
        self._state.put(job_id, "row", {"time_s": job.row_s, "since_s": since_s, "name": facts.name})
        return job

    def _tell_start(self, facts: JobFacts) -> None:
        try:
            self._services.tell("start", start_message(facts))
        except WattqError as error:
            self._log.say(f"job {facts.name}: {error}")

    def _sample(self, now_s: float, due: list[_Job]) -> None:
        if self._sampler is None:
            for job in due:
                self._later(job, now_s)
            return
        node = self._see_node(self._sampler, now_s, due[0].facts.job_id)
        for job in due:
            job.stats.add(job.meter.read(), node, job.start_s)
            job.log.add(
                {
                    "timestamp": utc(now_s),
                    "cpu_percent": node.cpu_percent,
                    "memory_percent": node.memory_percent,
                    "cpu_temp_c": node.cpu_c,
                    "power_w": node.power_w,
                }
            )
            self._keep_stats(job)
            self._later(job, now_s)
        self._until_now(due, now_s)

    def _see_node(self, sampler: NodeSampler, now_s: float, job_id: str) -> NodeSample:
        alone = next(iter(self._jobs.values())).facts.name if len(self._jobs) == 1 else None
        node, mark = sampler.sample(now_s, job_id)
        with suppress(OSError):
            self._state.mark(mark)
        self._rows.write("node_metrics", [node.row()])
        self._rows.write("thermal_events", self._watch.rows(node, alone))
        return node

    def _later(self, job: _Job, now_s: float) -> None:
        """Say when the job is looked at next: often at first, so that short jobs are seen, too."""
        job.ticks += 1
        age_s = now_s - job.start_s
        early = next((each for each in _FIRST_S if each > age_s and each < self._settings.sample_s), None)
        job.next_s = job.start_s + early if early is not None else now_s + self._settings.sample_s
        if job.ticks > 1 and now_s - job.asked_s > _ORPHAN_S:
            job.asked_s = now_s
            self._look_for_orphan(job, now_s)

    def _until_now(self, due: list[_Job], now_s: float) -> None:
        """Write the rows of jobs that run: their state, and their energy until now."""
        energies = outcome.energies_until_now(self._state, self._hook, now_s)
        rows = []
        for job in (each for each in due if each.facts.speaks):
            energy = energies.get(job.facts.job_id)
            columns = {} if energy is None else outcome.energy_columns(outcome.on_all_nodes(energy, job.facts))
            rows.append({"time": job.row_s, "job_id": job.facts.name, "job_state": "RUNNING", **columns})
        self._rows.write("job_metrics", rows)

    def _look_for_orphan(self, job: _Job, now_s: float) -> None:
        """End a job that Slurm says is over, though no epilog came."""
        asked = self._controller.ask(job.facts)
        job_id = job.facts.job_id
        if asked is None or asked.state.split("+")[0] not in outcome.FINAL or not self._state.runs(job_id):
            return
        self._log.say(f"job {job.facts.name}: is over ({asked.state}), but no epilog came")
        held = self._state.get(job_id, "holding") or {"start_s": job.start_s}
        ended = {**held, "end_s": asked.end_s or now_s, "facts": asked.filled(job.facts).document()}
        self._state.put(job_id, "holding", {**held, "end_s": ended["end_s"]})
        self._state.put(job_id, "ended", ended)
        self._state.drop(job_id, "running")
        if self._state.get(job_id, DOCUMENT):
            with suppress(WattqError):
                gpus = GpuCaps(self._state)
                gpus.restore(job_id)
                gpus.close()

    def _keep_stats(self, job: _Job) -> None:
        self._state.put(job.facts.job_id, "stats", job.stats.document())


def _own(hook: Hook) -> dict[str, str]:
    """Return the variables that a Python process of ours needs to find itself and its settings."""
    return {
        name: text for name, text in hook.environ.items() if name.startswith(("WATTQ_", "PYTHON")) or name == "HOME"
    }
