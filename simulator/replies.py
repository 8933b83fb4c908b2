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
from wattq.workloads.rapid_numbers import parse_number

__all__ = ["ReplyReader"]

_DO_ABORT = c.DO_REGISTER_PROFILE + 1
_INTERVAL = re.compile(r"^(\d{1,9})(?:-(\d{1,9}))?$", re.ASCII)
_STATE = re.compile(r"^-?\d{1,8}$", re.ASCII)
_MAX_DATE_S = 1e300


class _RefusedError(Exception):
    """Raised when a decision is malformed; Batsim aborts when it comes to it."""

    def __init__(self, reason: int = x.AB_UNKNOWN_DECISION, job: int = -1) -> None:
        super().__init__()
        self.reason = reason
        self.job = job


def _date(value: Any) -> float:
    """Return a date, in s; refuse what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _MAX_DATE_S:
        raise _RefusedError
    return float(value)


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number")


def _parsed(reply: str) -> Any:
    """Return a reply as Batsim's JSON library reads it."""
    return json.loads(reply, parse_float=parse_number, parse_constant=_no_constant)


def _alloc(text: Any) -> list[tuple[int, int]]:
    """Read an allocation as Batsim does: intervals separated by blanks; what follows a comma is not seen."""
    if not isinstance(text, str):
        raise _RefusedError
    pairs = []
    for part in text.split():
        match = _INTERVAL.match(part.split(",")[0])
        if match is None:
            raise _RefusedError
        pairs.append((int(match[1]), int(match[2] or match[1])))
    if not pairs or any(last < first for first, last in pairs):
        raise _RefusedError
    return merge_intervals(pairs)


def _refuse_later_features(kind: str, data: Any) -> None:
    """Refuse by name what Batsim does and this engine does not."""
    if kind == "EXECUTE_JOB" and isinstance(data, Mapping):
        for key in ("mapping", "storage_mapping", "additional_io_job"):
            if key in data:
                raise UnsupportedError(
                    f"the scheduler's EXECUTE_JOB of '{data.get('job_id')}', key '{key}': not simulated; leave it out, "
                    "or run real Batsim"
                )
    if kind in ("REGISTER_JOB", "REGISTER_PROFILE"):
        raise _RefusedError(x.AB_REGISTRATION)


class ReplyReader:
    """Reads replies into the decisions of a ledger.

    Args:
        full_ids: full id of each job.
        metadata: filled with the texts of SET_JOB_METADATA, by job number.
    """

    def __init__(self, full_ids: Sequence[str], metadata: dict[int, str]) -> None:
        self._numbers = {full_id: number for number, full_id in enumerate(full_ids)}
        self._metadata = metadata
        self._handlers: dict[str, Callable[[c.Ledger, Any, Mapping[str, Any]], bool]] = {
            "EXECUTE_JOB": self._execute,
            "REJECT_JOB": self._reject,
            "KILL_JOB": self._kill,
            "CALL_ME_LATER": self._call,
            "SET_RESOURCE_STATE": self._set_state,
            "QUERY": self._query,
            "SET_JOB_METADATA": self._set_metadata,
            "NOTIFY": self._notify,
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
        except _RefusedError:
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

    def _read_event(self, v: c.Ledger, event: Any, now: float) -> None:
        """Append the decision of one event."""
        head = v.head[0]
        if head["n_decisions"] >= len(v.decisions):
            raise InvalidInputError(f"the scheduler's reply holds more than {len(v.decisions)} decisions")
        d = v.decisions[head["n_decisions"]]
        for name in ("iv", "n_iv", "a", "b", "n_map"):
            d[name] = 0
        d["job"] = d["map"] = -1
        try:
            if not isinstance(event, Mapping) or not {"timestamp", "type", "data"} <= event.keys():
                raise _RefusedError
            date = _date(event["timestamp"])
            if date > now:
                raise _RefusedError(x.AB_DATE)
            _refuse_later_features(str(event["type"]), event["data"])
            handler = self._handlers.get(str(event["type"]))
            if handler is None or not isinstance(event["data"], Mapping):
                raise _RefusedError
            d["time_s"] = date
            if not handler(v, d, event["data"]):
                return
        except _RefusedError as refused:
            d["time_s"] = -1.0
            d["kind"], d["a"], d["job"] = _DO_ABORT, refused.reason, refused.job
        head["n_decisions"] += 1

    def _job(self, job_id: Any) -> int:
        number = self._numbers.get(job_id) if isinstance(job_id, str) else None
        if number is None:
            raise _RefusedError(x.AB_UNKNOWN_JOB)
        return number

    @staticmethod
    def _write_alloc(v: c.Ledger, d: Any, pairs: list[tuple[int, int]]) -> None:
        head = v.head[0]
        first = int(head["n_iv"])
        if first + len(pairs) > len(v.iv):
            raise InvalidInputError("the scheduler's reply names too many host intervals; mend the scheduler")
        v.iv[first : first + len(pairs)] = pairs
        d["iv"], d["n_iv"] = first, len(pairs)
        head["n_iv"] = first + len(pairs)

    def _execute(self, v: c.Ledger, d: Any, data: Mapping[str, Any]) -> bool:
        if set(data) != {"job_id", "alloc"}:
            raise _RefusedError
        d["kind"], d["job"] = c.DO_EXECUTE, self._job(data["job_id"])
        self._write_alloc(v, d, _alloc(data["alloc"]))
        return True

    def _reject(self, v: c.Ledger, d: Any, data: Mapping[str, Any]) -> bool:
        if set(data) != {"job_id"}:
            raise _RefusedError
        d["kind"], d["job"] = c.DO_REJECT, self._job(data["job_id"])
        return True

    def _kill(self, v: c.Ledger, d: Any, data: Mapping[str, Any]) -> bool:
        ids = data.get("job_ids")
        if not isinstance(ids, list) or not ids:
            raise _RefusedError
        head = v.head[0]
        first = int(head["n_kill"])
        if first + len(ids) > len(v.kill_list):
            raise InvalidInputError("the scheduler's reply kills too many jobs; mend the scheduler")
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
            raise _RefusedError
        d["kind"], d["a"] = c.DO_SET_STATE, int(state)
        self._write_alloc(v, d, _alloc(data.get("resources")))
        return True

    def _query(self, v: c.Ledger, d: Any, data: Mapping[str, Any]) -> bool:
        if data.get("requests") != {"consumed_energy": {}}:
            raise _RefusedError
        d["kind"] = c.DO_QUERY_ENERGY
        return True

    def _set_metadata(self, v: c.Ledger, d: Any, data: Mapping[str, Any]) -> bool:
        text = data.get("metadata")
        if not isinstance(text, str) or '"' in text:
            raise _RefusedError
        d["kind"], d["job"] = c.DO_METADATA, self._job(data.get("job_id"))
        self._metadata[int(d["job"])] = text
        return True

    def _notify(self, v: c.Ledger, d: Any, data: Mapping[str, Any]) -> bool:
        kinds = {
            "registration_finished": c.DO_REGISTRATION_FINISHED,
            "continue_registration": c.DO_CONTINUE_REGISTRATION,
        }
        kind = kinds.get(str(data.get("type")))
        if kind is None:
            raise _RefusedError
        d["kind"] = kind
        return True
