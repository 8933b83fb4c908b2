"""The controller as the keeper asks it: one that does not answer is left alone for a while."""

from __future__ import annotations

from wattq.errors import WattqError
from wattq.telemetry.slurm.ask import ask_scontrol
from wattq.telemetry.slurm.facts import JobFacts
from wattq.telemetry.slurm.hook import Hook
from wattq.telemetry.slurm.patience import Patience

__all__ = ["Controller"]

_LIMIT_S = 3.0
_REFUSED_S = 1.0


class Controller:
    """Asks `scontrol` for jobs.

    Args:
        hook: with environment and log.
    """

    def __init__(self, hook: Hook) -> None:
        self._hook = hook
        self._patience = Patience("scontrol", _LIMIT_S, _REFUSED_S)

    def ask(self, facts: JobFacts) -> JobFacts | None:
        """Return what the controller knows of a job; None where it does not answer, or did not a moment ago."""
        if not self._patience.ready:
            return None
        try:
            return self._patience.call(lambda: ask_scontrol(facts.job_id, facts.node, self._hook.environ, _LIMIT_S))
        except WattqError as error:
            self._hook.log.say(f"job {facts.name}: {error}")
            return None
