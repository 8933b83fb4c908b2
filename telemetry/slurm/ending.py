"""Jobs that have ended: finished one by one, as soon as Slurm knows how they ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from wattq.errors import WattqError
from wattq.telemetry.slurm import outcome
from wattq.telemetry.slurm.controller import Controller
from wattq.telemetry.slurm.facts import JobFacts
from wattq.telemetry.slurm.hook import Hook
from wattq.telemetry.slurm.job_log import JobLog, utc
from wattq.telemetry.slurm.messages import Services, end_message
from wattq.telemetry.slurm.rows import Rows
from wattq.telemetry.slurm.running import JobStats
from wattq.telemetry.slurm.state import StateFolder

__all__ = ["Endings"]

_FINAL_S = 20.0
_UNASKED_S = 2.0
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


class Endings:
    """Finishes jobs: row, message, prediction, archive. What fails of these does not keep the others.

    Args:
        hook: with settings, environment and log.
        state: of this node.
        rows: where rows go.
        controller: asked how jobs ended.
        services: told of ends and asked for predictions.
    """

    def __init__(self, hook: Hook, state: StateFolder, rows: Rows, controller: Controller, services: Services) -> None:
        self._hook, self._state, self._rows = hook, state, rows
        self._controller, self._services = controller, services
        self._since_s: dict[str, float] = {}

    def finish(self, job_id: str, ended: Mapping[str, Any], stats: JobStats | None, now_s: float) -> bool:
        """Finish a job, or leave it for later, while Slurm does not know yet how it ended.

        Args:
            job_id: the job.
            ended: what the epilog wrote.
            stats: of its samples; those kept on disk when None.
            now_s: the date, Unix s.

        Returns:
            Whether it is finished.

        Raises:
            TelemetryError, KeyError, TypeError, ValueError: what the epilog wrote is damaged.
        """
        facts = self._facts(job_id, ended, now_s)
        if facts is None:
            return False
        self._since_s.pop(job_id, None)
        known_s = ended.get("start_s")
        start_s = float(known_s or facts.start_s or ended["end_s"])
        held = {"start_s": start_s, "end_s": float(ended["end_s"]), "cores": ended.get("cores") or facts.cores or 1}
        held["gpus"] = ended.get("gpus") or []
        self._close(self._job(job_id, held, facts, stats, now_s))
        for name in ("ended", "stats", "row"):
            self._state.drop(job_id, name)
        self._state.retire(job_id, held if known_s else None)
        return True

    def give_up(self, job_id: str) -> None:
        """Forget a job that cannot be finished."""
        self._state.drop(job_id, "ended")
        with suppress(OSError):
            self._state.retire(job_id, None)

    def _facts(self, job_id: str, ended: Mapping[str, Any], now_s: float) -> JobFacts | None:
        """Return what is known in the end; None while it is worth waiting for Slurm's word."""
        facts = JobFacts.of_document(ended["facts"])
        asked = self._controller.ask(facts)
        final = asked is not None and asked.state.split("+")[0] in outcome.FINAL
        waited_s = now_s - self._since_s.setdefault(job_id, now_s)
        if not final and waited_s < (_FINAL_S if asked is not None else _UNASKED_S):
            return None
        # Slurm's word of now and the epilog's exit code count more than what was known at the start.
        begun = (self._state.get(job_id, "row") or {}).get("name")
        name = str(begun) if begun else facts.name if asked is None else asked.name
        return replace(facts.filled(asked), name=name, state=facts.state if asked is None else asked.state)

    def _job(
        self, job_id: str, held: Mapping[str, Any], facts: JobFacts, stats: JobStats | None, now_s: float
    ) -> outcome.EndedJob:
        kept = self._state.get(job_id, "row") or {}
        row_s = float(kept.get("time_s") or facts.start_s or held["start_s"])
        stats = stats or JobStats.of_document(self._state.get(job_id, "stats"))
        energy = self._safely(facts, lambda: outcome.job_energy(self._state, self._hook, now_s, held, facts))
        return outcome.EndedJob(facts, held["start_s"], held["end_s"], row_s, energy, stats)

    def _close(self, job: outcome.EndedJob) -> None:
        row = outcome.final_row(job)
        predicted = None
        if job.facts.speaks:
            self._rows.write("job_metrics", [row])
            message = end_message(job.facts, row, job.energy)
            self._safely(job.facts, lambda: self._services.tell("complete", message))
            predicted = self._safely(job.facts, lambda: self._predict(job))
        self._archive(job, row, predicted)

    def _predict(self, job: outcome.EndedJob) -> dict[str, Any] | None:
        answer = self._services.predict(outcome.prediction_question(job))
        if answer is None:
            return None
        row = outcome.prediction_row(job, answer)
        self._rows.write("energy_predictions", [row])
        share = outcome.accuracy_percent(row["predicted_energy_j"], None if job.energy is None else job.energy.energy_j)
        key = {"time": job.row_s, "job_id": job.facts.name}
        self._rows.write("job_metrics", [{**key, "prediction_accuracy": share}])
        return row

    def _archive(self, job: outcome.EndedJob, row: Mapping[str, object], predicted: Mapping[str, Any] | None) -> None:
        log = JobLog(self._hook.log_dir, job.facts.name)
        told = {key: row.get(key) for key in _TOLD}
        if predicted is not None:
            told["predicted_energy_j"] = predicted["predicted_energy_j"]
            if job.energy is not None and job.energy.energy_j:
                error = predicted["predicted_energy_j"] / job.energy.energy_j - 1.0
                told["prediction_error_percent"] = 100.0 * error
        log.end({"end": utc(job.end_s), **told})
        with suppress(WattqError):
            log.archive()

    def _safely(self, facts: JobFacts, what: Callable[[], Any]) -> Any:
        try:
            return what()
        except (WattqError, OSError, ValueError, TypeError, KeyError) as error:
            self._hook.log.say(f"job {facts.name}: {error}")
            return None
