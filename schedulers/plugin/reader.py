"""Messages of Batsim's JSON protocol, turned into events of the ledger (batsim-semantics.md, 1.2)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wattq.errors import InvalidInputError, WattqError
from wattq.schedulers.plugin.known_jobs import KnownJobs
from wattq.simulator import layout as c
from wattq.simulator.intervals import parse_intervals

__all__ = ["MessageReader", "Round", "parse_message"]

_MOST_DATE_S = 1e300
_NOTICES = {
    "no_more_static_job_to_submit": c.EV_NO_MORE_JOBS,
    "no_more_external_event_to_occur": c.EV_NO_MORE_EVENTS,
    "event_machine_available": c.EV_AVAILABLE,
    "event_machine_unavailable": c.EV_UNAVAILABLE,
}
_Pairs = list[tuple[int, int]]
_Handler = Callable[["Round", Any], tuple[float, int, int, int]]


def parse_message(text: str | bytes) -> Any:
    """Return a message as a JSON value.

    Raises:
        InvalidInputError: the text is not JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"Batsim's message is not JSON ({error}): {str(text[:80])!r}") from None


@dataclass(slots=True)
class Round:
    """A message as the ledger takes it.

    Attributes:
        now_s: its date.
        events: rows of `layout.event_t`.
        pairs: host intervals of the events.
        jobs: rows of `layout.job_view_t` of the jobs that it submits.
        begins: data of SIMULATION_BEGINS, if it is in the message.
        ends: whether it says that the simulation ends.
    """

    now_s: float
    events: list[tuple[Any, ...]] = field(default_factory=list)
    pairs: _Pairs = field(default_factory=list)
    jobs: list[tuple[Any, ...]] = field(default_factory=list)
    begins: Mapping[str, Any] | None = None
    ends: bool = False


class MessageReader:
    """Reads messages one after the other.

    Args:
        jobs: the jobs known so far; submissions are added.
    """

    def __init__(self, jobs: KnownJobs) -> None:
        self._jobs = jobs
        self._n_hosts = 0
        self._n_pstates = 0
        self._handlers: dict[str, _Handler] = {
            "JOB_SUBMITTED": self._submitted,
            "JOB_COMPLETED": self._completed,
            "JOB_KILLED": self._killed,
            "RESOURCE_STATE_CHANGED": self._state_changed,
            "REQUESTED_CALL": lambda found, data: (0.0, c.EV_CALL, -1, 0),
            "ANSWER": self._answer,
            "NOTIFY": self._notice,
            "FROM_JOB_MSG": lambda found, data: (0.0, c.EV_GENERIC, -1, 0),
            "SIMULATION_BEGINS": self._begins,
            "SIMULATION_ENDS": self._ends,
        }

    def machine_is(self, n_hosts: int, n_pstates: int) -> None:
        """Say how many compute hosts and power states there are; numbers beyond are refused or left out."""
        self._n_hosts = n_hosts
        self._n_pstates = n_pstates

    def read(self, message: Any) -> Round:
        """Return a message as the ledger takes it.

        Raises:
            InvalidInputError: the message breaks the protocol.
        """
        kind = ""
        try:
            now_s = float(message["now"])
            if not abs(now_s) < _MOST_DATE_S:
                raise InvalidInputError(f"its date {now_s} is not finite")
            found = Round(now_s)
            for event in message["events"]:
                kind = event["type"]
                self._read_event(found, kind, event["timestamp"], event["data"])
            if not found.events:
                raise InvalidInputError("it holds no event")
            return found
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            reason = str(error) if isinstance(error, WattqError) else f"{type(error).__name__}: {error}"
            raise InvalidInputError(
                f"Batsim's message{f', event {kind}' if kind else ''}: {reason}; "
                "this scheduler speaks the protocol of Batsim 4"
            ) from None

    def _read_event(self, found: Round, kind: str, timestamp: Any, data: Any) -> None:
        """Append an event."""
        time_s = float(timestamp)
        if not abs(time_s) < _MOST_DATE_S:
            raise InvalidInputError(f"its timestamp {time_s} is not finite")
        handler = self._handlers.get(kind)
        if handler is None:
            raise InvalidInputError("there is no such event")
        first = len(found.pairs)
        value, code, job, number = handler(found, data)
        n_iv = len(found.pairs) - first
        found.events.append((time_s, value, code, job, number, n_iv, first, n_iv))

    def _submitted(self, found: Round, data: Any) -> tuple[float, int, int, int]:
        number, row = self._jobs.submit(data["job_id"], data["job"])
        found.jobs.append(row)
        return 0.0, c.EV_SUBMITTED, number, 0

    def _completed(self, found: Round, data: Any) -> tuple[float, int, int, int]:
        number = self._jobs.number_of(data["job_id"])
        if number not in self._jobs.running:
            raise InvalidInputError(f"job '{data['job_id']}' ended, but this scheduler has not started it")
        self._jobs.running.remove(number)
        return 0.0, c.EV_COMPLETED, number, 0

    def _killed(self, found: Round, data: Any) -> tuple[float, int, int, int]:
        for job_id in data["job_ids"]:
            self._jobs.number_of(job_id)
        return 0.0, c.EV_KILLED, -1, 0

    def _state_changed(self, found: Round, data: Any) -> tuple[float, int, int, int]:
        pstate = int(data["state"])
        if not 0 <= pstate < self._n_pstates:
            raise InvalidInputError(
                f"power state {pstate} is unknown; it is not in the hosts' properties, so name the platform file "
                "by the option 'platform'"
            )
        self._hosts(found, data["resources"])
        return 0.0, c.EV_STATE_CHANGED, -1, pstate

    def _answer(self, found: Round, data: Any) -> tuple[float, int, int, int]:
        return float(data["consumed_energy"]), c.EV_ENERGY, -1, 0

    def _notice(self, found: Round, data: Any) -> tuple[float, int, int, int]:
        # Other notices are external events that Batsim forwards without knowing them.
        code = _NOTICES.get(data["type"], c.EV_GENERIC)
        if code in (c.EV_AVAILABLE, c.EV_UNAVAILABLE):
            self._hosts(found, data["resources"])
        return 0.0, code, -1, 0

    def _begins(self, found: Round, data: Any) -> tuple[float, int, int, int]:
        if self._n_hosts or found.begins is not None:
            raise InvalidInputError("the simulation has begun already; start a new scheduler for each simulation")
        found.begins = data
        return 0.0, c.EV_BEGINS, -1, 0

    def _ends(self, found: Round, data: Any) -> tuple[float, int, int, int]:
        found.ends = True
        return 0.0, c.EV_ENDS, -1, 0

    def _hosts(self, found: Round, text: Any) -> None:
        """Append the compute hosts of an interval string; storage hosts are none of a policy's."""
        last = self._n_hosts - 1
        pairs = parse_intervals(str(text), "key 'resources'")
        found.pairs.extend((first, min(end, last)) for first, end in pairs if first <= last)
