"""The controller as the keeper asks it: one that does not answer is left alone for a while."""

from __future__ import annotations

import time

from wattq.errors import WattqError
from wattq.telemetry.slurm.ask import ask_scontrol
from wattq.telemetry.slurm.facts import JobFacts
from wattq.telemetry.slurm.hook import Hook

__all__ = ["Controller"]

_LIMIT_S = 3.0
_SILENT_S = 60.0
_REFUSED_S = 1.0


class Controller:
    """Asks `scontrol` for jobs.

    Args:
        hook: with environment and log.
    """

    def __init__(self, hook: Hook) -> None:
        self._hook = hook
        self._again_s = 0.0

    def ask(self, facts: JobFacts) -> JobFacts | None:
        """Return what the controller knows of a job; None where it does not answer, or did not a moment ago."""
        if time.monotonic() < self._again_s:
            return None
        begun_s = time.monotonic()
        try:
            return ask_scontrol(facts.job_id, facts.node, self._hook.environ, _LIMIT_S)
        except WattqError as error:
            now_s = time.monotonic()
            self._again_s = now_s + (_SILENT_S if now_s - begun_s >= _LIMIT_S else _REFUSED_S)
            self._hook.log.say(f"job {facts.name}: {error}")
            return None
