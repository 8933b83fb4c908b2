"""The keeper: one process on each node that watches its jobs from prolog to epilog and tells what became of them.

Nobody waits for it, so it may take its time: it asks Slurm, samples the node, delivers rows, tells the exporter, asks
for predictions and packs logs. Each of these may fail without harm to the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from threading import Event
from typing import Any

from wattq.errors import WattqError
from wattq.telemetry.meters import node_power_of
from wattq.telemetry.slurm import finish
from wattq.telemetry.slurm.ask import ask_scontrol, command_environment
from wattq.telemetry.slurm.facts import JobFacts
from wattq.telemetry.slurm.gpu_cap import DOCUMENT, GpuCaps
from wattq.telemetry.slurm.hook import Hook
from wattq.telemetry.slurm.job_log import JobLog, utc
from wattq.telemetry.slurm.keeper_process import beat, only_keeper
from wattq.telemetry.slurm.messages import predict, tell_exporter
from wattq.telemetry.slurm.node_sampler import NodeSampler
from wattq.telemetry.slurm.rows import Rows
from wattq.telemetry.slurm.running import JobStats
from wattq.telemetry.slurm.thermal_watch import ThermalWatch
from wattq.telemetry.slurm.usage import JobMeter

__all__ = ["Keeper", "keep"]

_POLL_S = 0.5
_LINGER_S = 3.0
_FINAL_S = 20.0
_UNASKED_S = 2.0
_FIRST_S = (1.0, 2.0, 4.0, 8.0, 16.0)
_ASK_S = 3.0
_ASK_AGAIN_S = 60.0
_ORPHAN_S = 600.0


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
        self._ask_s = 0.0
        self._waits_since_s: dict[str, float] = {}

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
                self._log.say(f"job {job_id}: {type(error).__name__}: {error}")
        due = [job for job_id, job in self._jobs.items() if now_s >= job.next_s and self._state.runs(job_id)]
        if due:
            self._sample(now_s, due)

    def _look(self, job_id: str, now_s: float) -> None:
        running, ended = self._state.get(job_id, "running"), self._state.get(job_id, "ended")
        known = self._jobs.get(job_id)
        if ended is not None:
            self._end(job_id, ended, now_s)
        elif running is not None and (known is None or known.since_s != running.get("since_s")):
            self._jobs[job_id] = self._begin(job_id, float(running["since_s"]))
        elif running is None and known is None:
            self._state.tidy(now_s)

    def _begin(self, job_id: str, since_s: float) -> _Job:
        """Take up a job: its facts, its row STARTING, its log, and a word to the exporter."""
        job = self._job(job_id, since_s)
        taken_up = self._state.get(job_id, "stats") is not None
        job.stats = JobStats.of_document(self._state.get(job_id, "stats"))
        if not taken_up:
            self._keep_stats(job)
            job.log.begin({**job.facts.document(), "start": utc(job.start_s)})
            self._rows.write("job_metrics", [{**finish.start_row(job.facts, job.row_s), "job_state": "STARTING"}])
            if _speaks(job.facts):
                self._tell("start", job.facts, _named(job.facts))
        return job

    def _job(self, job_id: str, since_s: float) -> _Job:
        facts = JobFacts.of_document(self._state.get(job_id, "facts") or {})
        asked = self._ask(facts)
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

    def _ask(self, facts: JobFacts) -> JobFacts | None:
        """Return what the controller says; one that does not answer is left alone for a while."""
        if time.time() < self._ask_s:
            return None
        try:
            return ask_scontrol(facts.job_id, facts.node, self._hook.environ, _ASK_S)
        except WattqError as error:
            self._ask_s = time.time() + (_ASK_AGAIN_S if "no answer" in str(error) else 1.0)
            self._log.say(f"job {facts.name}: {error}")
            return None

    def _tell(self, event: str, facts: JobFacts, message: dict[str, object]) -> None:
        try:
            tell_exporter(self._hook.settings, event, message)
        except WattqError as error:
            self._log.say(f"job {facts.name}: exporter is not told of its {event}: {error}")

    def _sample(self, now_s: float, due: list[_Job]) -> None:
        if self._sampler is None:
            for job in due:
                self._later(job, now_s)
            return
        alone = due[0].facts.name if len(self._jobs) == 1 else None
        node, mark = self._sampler.sample(now_s, due[0].facts.job_id)
        with suppress(OSError):
            self._state.mark(mark)
        self._rows.write("node_metrics", [node.row()])
        self._rows.write("thermal_events", self._watch.rows(node, alone))
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
            self._until_now(job, now_s)
            self._later(job, now_s)

    def _later(self, job: _Job, now_s: float) -> None:
        """Say when the job is looked at next: often at first, so that short jobs are seen, too."""
        job.ticks += 1
        age_s = now_s - job.start_s
        early = next((each for each in _FIRST_S if each > age_s and each < self._settings.sample_s), None)
        job.next_s = job.start_s + early if early is not None else now_s + self._settings.sample_s
        if job.ticks > 1 and now_s - job.asked_s > _ORPHAN_S:
            job.asked_s = now_s
            self._look_for_orphan(job, now_s)

    def _until_now(self, job: _Job, now_s: float) -> None:
        """Write the row of a job that runs: its state, and its energy until now."""
        energy = finish.job_energies(self._state, self._hook, now_s, None, job.facts)
        columns = {} if energy is None else finish.energy_columns(energy)
        key = {"time": job.row_s, "job_id": job.facts.name, "job_state": "RUNNING"}
        self._rows.write("job_metrics", [{**key, **(columns if _speaks(job.facts) else {})}])

    def _look_for_orphan(self, job: _Job, now_s: float) -> None:
        """End a job that Slurm says is over, though no epilog came."""
        asked = self._ask(job.facts)
        job_id = job.facts.job_id
        if asked is None or asked.state.split("+")[0] not in finish.FINAL or not self._state.runs(job_id):
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

    def _end(self, job_id: str, ended: dict[str, Any], now_s: float) -> None:
        """Finish a job, as soon as Slurm knows how it ended, or after a while without that."""
        facts = JobFacts.of_document(ended["facts"])
        asked = self._ask(replace(facts, state=""))
        final = asked is not None and asked.state.split("+")[0] in finish.FINAL
        waited_s = now_s - self._waits_since_s.setdefault(job_id, now_s)
        if not final and waited_s < (_FINAL_S if asked is not None else _UNASKED_S):
            return
        self._waits_since_s.pop(job_id, None)
        facts = facts.filled(asked)
        # The epilog's exit code and Slurm's word of now count more than what was known at the start.
        begun = (self._state.get(job_id, "row") or {}).get("name")
        name = str(begun) if begun else asked.name if asked is not None else facts.name
        facts = replace(facts, name=name, state=asked.state if asked is not None else facts.state)
        self._finish(job_id, ended, facts, now_s)
        self._jobs.pop(job_id, None)
        for name in ("ended", "stats", "row", "facts"):
            self._state.drop(job_id, name)

    def _finish(self, job_id: str, ended: dict[str, Any], facts: JobFacts, now_s: float) -> None:
        known = self._jobs.get(job_id)
        start_s = float(ended.get("start_s") or (known.start_s if known else None) or facts.start_s or ended["end_s"])
        kept = self._state.get(job_id, "row") or {}
        row_s = float(kept.get("time_s") or facts.start_s or start_s)
        stats = known.stats if known else JobStats.of_document(self._state.get(job_id, "stats"))
        timed = {**ended, "start_s": start_s, "cores": ended.get("cores") or facts.cores}
        energy = self._safely(facts, lambda: finish.job_energies(self._state, self._hook, now_s, timed, facts))
        job = finish.EndedJob(facts, start_s, float(ended["end_s"]), row_s, energy, stats)
        if not _speaks(facts):
            # Of a job on several nodes, the first one writes the row; the others write what they know of themselves.
            self._archive(job, {}, None)
            return
        row = finish.final_row(job)
        self._rows.write("job_metrics", [row])
        self._tell("complete", facts, {**_named(facts), **_complete(job, row)})
        predicted = self._safely(facts, lambda: self._predict(job))
        self._archive(job, row, predicted)

    def _predict(self, job: finish.EndedJob) -> dict[str, object] | None:
        environ = {**command_environment(self._hook.environ), **_own(self._hook)}
        answer = predict(self._hook.settings, finish.prediction_question(job), environ)
        if answer is None:
            return None
        row = finish.prediction_row(job, answer)
        self._rows.write("energy_predictions", [row])
        actual_j = None if job.energy is None else job.energy.energy_j
        share = finish.accuracy_percent(float(str(row["predicted_energy_j"])), actual_j)
        key = {"time": job.row_s, "job_id": job.facts.name}
        self._rows.write("job_metrics", [{**key, "prediction_accuracy": share}])
        return row

    def _archive(self, job: finish.EndedJob, row: dict[str, object], predicted: dict[str, object] | None) -> None:
        log = JobLog(self._hook.log_dir, job.facts.name)
        told = {key: row.get(key) for key in _TOLD}
        if predicted is not None:
            told["predicted_energy_j"] = predicted["predicted_energy_j"]
            if job.energy is not None and job.energy.energy_j:
                error = float(str(predicted["predicted_energy_j"])) / job.energy.energy_j - 1.0
                told["prediction_error_percent"] = 100.0 * error
        log.end({"end": utc(job.end_s), **told})
        with suppress(WattqError):
            log.archive()

    def _safely(self, facts: JobFacts, what: Callable[[], Any]) -> Any:
        try:
            return what()
        except (WattqError, OSError, ValueError, TypeError, KeyError) as error:
            self._log.say(f"job {facts.name}: {error}")
            return None


_TOLD = (
    "job_state",
    "exit_code",
    "duration_seconds",
    "avg_power_watts",
    "peak_power_watts",
    "energy_j",
    "energy_source",
    "energy_meter",
    "energy_coverage",
    "cpu_usage",
    "memory_usage",
    "io_read_mbps",
    "io_write_mbps",
    "workload_pattern",
)


def _speaks(facts: JobFacts) -> bool:
    """Return whether this node is the one of the job's nodes that speaks for it: the first."""
    from wattq.telemetry.slurm.hostlist import expand_nodes

    try:
        nodes = expand_nodes(facts.node_list)
    except WattqError:
        return True
    return not nodes or nodes[0] == facts.node or facts.node not in nodes


def _named(facts: JobFacts) -> dict[str, object]:
    return {
        "job_id": facts.name,
        "raw_id": facts.job_id,
        "partition": facts.partition,
        "job_type": facts.job_type,
    }


def _complete(job: finish.EndedJob, row: dict[str, object]) -> dict[str, object]:
    energy = {} if job.energy is None else {"energy_joules": job.energy.energy_j, "energy_source": job.energy.source}
    return {
        "state": row["job_state"],
        "duration_seconds": row["duration_seconds"],
        "start_s": job.row_s,
        "end_s": job.end_s,
        "job_type": job.facts.job_type or job.pattern,
        **energy,
    }


def _own(hook: Hook) -> dict[str, str]:
    """Return the variables that a Python process of ours needs to find itself and its settings."""
    return {
        name: text for name, text in hook.environ.items() if name.startswith(("WATTQ_", "PYTHON")) or name == "HOME"
    }
