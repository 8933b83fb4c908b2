"""A scheduler's JSON reply, turned into decisions of the ledger (batsim-semantics.md, 1.3)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from wattq.errors import InvalidInputError, UnsupportedError
from wattq.simulator import codes as x
from wattq.simulator import layout as c
from wattq.simulator.intervals import merge_intervals
from wattq.simulator.refusal import RefusedError
from wattq.simulator.registration import Registrations
from wattq.workloads.rapid_numbers import parse_number

__all__ = ["ReplyReader"]

_DO_ABORT = c.DO_REGISTER_PROFILE + 1
_INTERVAL = re.compile(r"^(\d{1,9})(?:-(\d{1,9}))?$", re.ASCII)
_LEADING_INT = re.compile(r"^\s*[+-]?\d{1,9}", re.ASCII)
_STATE = re.compile(r"^-?\d{1,8}$", re.ASCII)
_MAX_DATE_S = 1e300


def _date(value: Any) -> float:
    """Return a date, in s; refuse what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _MAX_DATE_S:
        raise RefusedError
    return float(value)


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number")


def _parsed(reply: str) -> Any:
    """Return a reply as Batsim's JSON library reads it."""
    return json.loads(reply, parse_float=parse_number, parse_constant=_no_constant)


def _alloc(text: Any) -> list[tuple[int, int]]:
    """Read an allocation as Batsim does: intervals separated by blanks; what follows a comma is not seen."""
    if not isinstance(text, str):
        raise RefusedError
    pairs = []
    for part in text.split():
        match = _INTERVAL.match(part.split(",")[0])
        if match is None:
            raise RefusedError
        pairs.append((int(match[1]), int(match[2] or match[1])))
    if not pairs or any(last < first for first, last in pairs):
        raise RefusedError
    return merge_intervals(pairs)


def _number(value: Any) -> int:
    """Return an integer that Batsim's mappings may hold as text, too."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise RefusedError(why=f"{value!r} in a mapping is no integer")
    match = _LEADING_INT.match(str(value))
    if match is None:
        raise RefusedError(why=f"{value!r} in a mapping is no integer")
    return int(match[0])


def _mapped(mapping: Any, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the host of each executor, as intervals of one host: executor -> index in the sorted allocation."""
    if not isinstance(mapping, Mapping) or not mapping:
        raise RefusedError(why="'mapping' must be an object that names at least one executor")
    n_hosts = sum(last - first + 1 for first, last in pairs)
    places = {_number(executor): _number(index) for executor, index in mapping.items()}
    rows = []
    for executor in range(len(places)):
        index = places.get(executor)
        if index is None:
            raise RefusedError(why=f"'mapping' holds no executor {executor}")
        if not 0 <= index < n_hosts:
            raise RefusedError(why=f"'mapping' puts executor {executor} on host {index} of {n_hosts} allocated ones")
        rows.append(_nth_host(pairs, index))
    return rows


def _nth_host(pairs: list[tuple[int, int]], index: int) -> tuple[int, int]:
    """Return the host at a place of a sorted allocation, as an interval."""
    for first, last in pairs:
        if index <= last - first:
            return first + index, first + index
        index -= last - first + 1
    raise IndexError(index)


def _refuse_storage(data: Mapping[str, Any]) -> None:
    """Refuse by name what Batsim does with storage hosts and this engine does not."""
    for key in ("storage_mapping", "additional_io_job"):
        if key in data:
            raise UnsupportedError(
                f"the scheduler's EXECUTE_JOB of '{data.get('job_id')}', key '{key}': not simulated; leave it out, "
                "or run real Batsim"
            )


class ReplyReader:
    """Reads replies into the decisions of a ledger.

    Args:
        full_ids: full id of each job.
        metadata: filled with the texts of SET_JOB_METADATA, by job number.
        registrations: takes the jobs and profiles that the scheduler registers.

    Attributes:
        why: what is wrong with the first decision of the last reply that is refused, in words.
    """

    def __init__(self, full_ids: Sequence[str], metadata: dict[int, str], registrations: Registrations) -> None:
        self.why = ""
        self._numbers = {full_id: number for number, full_id in enumerate(full_ids)}
        self._metadata = metadata
        self._registrations = registrations
        self._handlers: dict[str, Callable[[c.Ledger, Any, Mapping[str, Any]], bool]] = {
            "EXECUTE_JOB": self._execute,
            "REJECT_JOB": self._reject,
            "KILL_JOB": self._kill,
            "CALL_ME_LATER": self._call,
            "SET_RESOURCE_STATE": self._set_state,
            "QUERY": self._query,
            "SET_JOB_METADATA": self._set_metadata,
            "NOTIFY": self._notify,
            "REGISTER_JOB": self._register_job,
            "REGISTER_PROFILE": self._register_profile,
        }

    def read(self, v: c.Ledger, reply: str | Mapping[str, Any]) -> None:
        """Write the decisions of a reply into the ledger.

        A decision that Batsim refuses while it parses becomes an abort at its place, so that the ones before it
        still act.

        Raises:
            InvalidInputError: the reply as a whole is not an object with ``now`` and ``events``.
        """
        try:
            message = (
                json.loads(reply, parse_float=parse_number, parse_constant=_no_constant)
                if isinstance(reply, str)
                else reply
            )
            now, events = message["now"], message["events"]
        except (ValueError, RecursionError, TypeError, KeyError) as error:
            raise InvalidInputError(
                f"the scheduler's reply is not an object with 'now' and 'events' ({error}); mend the scheduler"
            ) from None
        try:
            now = _date(now)
        except RefusedError:
            events = None
        if not isinstance(events, list):
            raise InvalidInputError(
                "the scheduler's reply needs a number 'now' and a list 'events'; mend the scheduler"
            )
        head = v.head[0]
        head["n_decisions"] = head["n_kill"] = 0
        head["reply_now_s"] = float(now)
        for event in events:
            self._read_event(v, event, float(now))
            self._registrations.forget_reported()
        self._registrations.forget_reported()

    def _read_event(self, v: c.Ledger, event: Any, now: float) -> None:
        """Append the decision of one event."""
        head = v.head[0]
        d = v.decisions[head["n_decisions"]]
        for name in ("iv", "n_iv", "a", "b", "n_map"):
            d[name] = 0
        d["job"] = d["map"] = -1
        try:
            if not isinstance(event, Mapping) or not {"timestamp", "type", "data"} <= event.keys():
                raise RefusedError
            date = _date(event["timestamp"])
            if date > now:
                raise RefusedError(x.AB_DATE)
            handler = self._handlers.get(str(event["type"]))
            if handler is None or not isinstance(event["data"], Mapping):
                raise RefusedError
            d["time_s"] = date
            if not handler(v, d, event["data"]):
                return
        except RefusedError as refused:
            d["time_s"] = -1.0
            d["kind"], d["a"], d["job"] = _DO_ABORT, refused.reason, refused.job
            self.why = self.why or refused.why
        head["n_decisions"] += 1

    def _job(self, job_id: Any) -> int:
        number = self._numbers.get(job_id) if isinstance(job_id, str) else None
        if number is None:
            raise RefusedError(x.AB_UNKNOWN_JOB)
        return number

    @staticmethod
    def _write_rows(v: c.Ledger, pairs: list[tuple[int, int]]) -> tuple[int, int]:
        """Append host intervals; return the first row and their number."""
        head = v.head[0]
        first = int(head["n_iv"])
        v.iv[first : first + len(pairs)] = pairs
        head["n_iv"] = first + len(pairs)
        return first, len(pairs)

    def _execute(self, v: c.Ledger, d: Any, data: Mapping[str, Any]) -> bool:
        if len(data) > 2:
            _refuse_storage(data)
        if not {"job_id", "alloc"} <= set(data) <= {"job_id", "alloc", "mapping"}:
            raise RefusedError(why="EXECUTE_JOB holds 'job_id', 'alloc' and, if need be, 'mapping'")
        d["kind"], d["job"] = c.DO_EXECUTE, self._job(data["job_id"])
        pairs = _alloc(data["alloc"])
        d["iv"], d["n_iv"] = self._write_rows(v, pairs)
        if "mapping" in data:
            d["map"], d["n_map"] = self._write_rows(v, _mapped(data["mapping"], pairs))
        return True

    def _reject(self, v: c.Ledger, d: Any, data: Mapping[str, Any]) -> bool:
        if set(data) != {"job_id"}:
            raise RefusedError
        d["kind"], d["job"] = c.DO_REJECT, self._job(data["job_id"])
        return True

    def _kill(self, v: c.Ledger, d: Any, data: Mapping[str, Any]) -> bool:
        ids = data.get("job_ids")
        if not isinstance(ids, list) or not ids:
            raise RefusedError
        head = v.head[0]
        first = int(head["n_kill"])
        d["kind"], d["a"], d["b"] = c.DO_KILL, first, len(ids)
        v.kill_list[first : first + len(ids)] = [self._job(job_id) for job_id in ids]
        head["n_kill"] = first + len(ids)
        return True

    def _call(self, v: c.Ledger, d: Any, data: Mapping[str, Any]) -> bool:
        d["kind"], d["target_s"] = c.DO_CALL, _date(data.get("timestamp"))
        return True

    def _set_state(self, v: c.Ledger, d: Any, data: Mapping[str, Any]) -> bool:
        state = data.get("state")
        if not isinstance(state, str) or not _STATE.match(state):
            raise RefusedError
        d["kind"], d["a"] = c.DO_SET_STATE, int(state)
        d["iv"], d["n_iv"] = self._write_rows(v, _alloc(data.get("resources")))
        return True

    def _query(self, v: c.Ledger, d: Any, data: Mapping[str, Any]) -> bool:
        if data.get("requests") != {"consumed_energy": {}}:
            raise RefusedError
        d["kind"] = c.DO_QUERY_ENERGY
        return True

    def _set_metadata(self, v: c.Ledger, d: Any, data: Mapping[str, Any]) -> bool:
        text = data.get("metadata")
        if not isinstance(text, str) or '"' in text:
            raise RefusedError
        d["kind"], d["job"] = c.DO_METADATA, self._job(data.get("job_id"))
        self._metadata[int(d["job"])] = text
        return True

    def _notify(self, v: c.Ledger, d: Any, data: Mapping[str, Any]) -> bool:
        kind = data.get("type")
        if kind == "registration_finished":
            matters, d["kind"] = self._registrations.close(), c.DO_REGISTRATION_FINISHED
        elif kind == "continue_registration":
            matters, d["kind"] = self._registrations.reopen(), c.DO_CONTINUE_REGISTRATION
        else:
            raise RefusedError(why="NOTIFY is 'registration_finished' or 'continue_registration'")
        if not matters:
            d["kind"] = c.DO_REGISTER_PROFILE  # takes the time of a message and changes nothing
        return True

    def _register_profile(self, v: c.Ledger, d: Any, data: Mapping[str, Any]) -> bool:
        self._registrations.add_profile(data)
        d["kind"] = c.DO_REGISTER_PROFILE
        return True

    def _register_job(self, v: c.Ledger, d: Any, data: Mapping[str, Any]) -> bool:
        self._registrations.add_job(data, self._numbers)
        d["kind"], d["job"] = c.DO_REGISTER_JOB, self._registrations.n_jobs - 1
        self._numbers[data["job_id"]] = int(d["job"])
        return True
