"""A scheduler's JSON reply, turned into decisions of the ledger (batsim-semantics.md, 1.3)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from wattq.errors import InvalidInputError, UnsupportedError
from wattq.simulator import codes as x
from wattq.simulator import layout as c
from wattq.simulator.intervals import merge_intervals
from wattq.simulator.refusal import RefusedError
from wattq.simulator.registration import Registrations
from wattq.simulator.room import make_reply_room
from wattq.workloads.rapid_numbers import parse_number

__all__ = ["Reply", "ReplyReader", "put_reply"]

_DO_ABORT = c.DO_REGISTER_PROFILE + 1
# Batsim reads numbers with std::stoi, which skips blanks before them and stops at what follows them.
_INTERVAL = re.compile(r"\s*\+?(\d{1,9})(?!\d)[^-]*(?:-\s*\+?(\d{1,9})(?!\d)[^-]*)?\Z", re.ASCII)
_LEADING_INT = re.compile(r"^\s*[+-]?\d{1,9}", re.ASCII)
_STATE = re.compile(r"\s*([+-]?\d{1,8})(?!\d)", re.ASCII)
_MAX_DATE_S = 1e300
# Replies as most of them are: nothing but EXECUTE_JOB, dates whose nearest double is also Batsim's.
_DATE = r"(0|[1-9]\d{0,8}|(?:0|[1-9]\d{0,8})\.\d{1,6})"
_PLAIN = re.compile(r'\{"now": ?' + _DATE + r', ?"events": ?\[(.*)\]\}\s*\Z', re.ASCII | re.DOTALL)
_PLAIN_EVENT = re.compile(
    r'\{"timestamp": ?' + _DATE + r', ?"type": ?"EXECUTE_JOB", ?"data": ?\{"job_id": ?"([^"\\\x00-\x1f]*)", ?'
    r'"alloc": ?"(\d{1,9}(?:-\d{1,9})?(?: \d{1,9}(?:-\d{1,9})?)*)"\}\}(?:, ?(?=.)|\Z)',
    re.ASCII,
)


class Reply(NamedTuple):
    """A reply, read.

    Attributes:
        now_s: its date.
        decisions: rows of `layout.decision_t`.
        rows: host intervals that the decisions name, both ends included.
        kills: jobs of kill decisions.
    """

    now_s: float
    decisions: list[tuple[float, float, int, int, int, int, int, int, int, int]]
    rows: list[tuple[int, int]]
    kills: list[int]


class _Decision(NamedTuple):
    """What a decision says, but for its date; see `layout.decision_t`."""

    kind: int
    job: int = -1
    a: int = 0
    b: int = 0
    iv: int = 0
    n_iv: int = 0
    map: int = -1
    n_map: int = 0
    target_s: float = 0.0


def _date(value: Any) -> float:
    """Return a date, in s; refuse what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _MAX_DATE_S:
        raise RefusedError
    return float(value)


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number")


# Reads a reply as Batsim's JSON library does.
_DECODER = json.JSONDecoder(parse_float=parse_number, parse_constant=_no_constant)


def _alloc(text: Any) -> list[tuple[int, int]]:
    """Read an allocation as Batsim does: intervals separated by one blank each; what follows a comma is not seen."""
    if not isinstance(text, str):
        raise RefusedError(why="hosts are not named by a text such as '0-1 3'")
    pairs = [_interval(part) for part in text.split(" ")]
    return merge_intervals(pairs) if len(pairs) > 1 else pairs


def _interval(part: str) -> tuple[int, int]:
    """Read one interval of hosts."""
    match = _INTERVAL.match(part)
    if match is None:
        raise RefusedError(why=f"'{part[:60]}' is not a host or an interval; write them like '0-1 3', one blank apart")
    first, last = match.groups()
    low = int(first)
    high = int(last) if last else low
    if high < low:
        raise RefusedError(why=f"interval '{part}' runs backwards")
    return low, high


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
    """Reads replies into decisions.

    Args:
        full_ids: full id of each job.
        notes: filled with the texts of SET_JOB_METADATA.
        registrations: takes the jobs and profiles that the scheduler registers.

    Attributes:
        why: what is wrong with the first decision of the last reply that is refused, in words.
    """

    def __init__(self, full_ids: Sequence[str], notes: list[str], registrations: Registrations) -> None:
        self.why = ""
        self._numbers = {full_id: number for number, full_id in enumerate(full_ids)}
        self._notes = notes
        self._registrations = registrations
        self._rows: list[tuple[int, int]] = []
        self._kills: list[int] = []
        self._n_iv = 0
        self._handlers: dict[str, Callable[[Mapping[str, Any]], _Decision]] = {
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

    def read(self, reply: str | Mapping[str, Any], n_iv: int) -> Reply:
        """Return the decisions of a reply.

        A decision that Batsim refuses while it parses becomes an abort at its place, so that the ones before it
        still act.

        Args:
            reply: the text of the reply, or the object that it stands for.
            n_iv: number of host intervals in the ledger, after which those of the reply will stand.

        Raises:
            InvalidInputError: the reply as a whole is not an object with ``now`` and ``events``.
        """
        self._rows, self._kills, self._n_iv = [], [], n_iv
        if isinstance(reply, str) and (plain := self._plain(reply)) is not None:
            self._registrations.forget_reported()
            return plain
        self._rows.clear()
        now_s, events = _content(reply)
        decisions = []
        for event in events:
            decisions.append(self._read_event(event, now_s))
            self._registrations.forget_reported()
        self._registrations.forget_reported()
        return Reply(now_s, decisions, self._rows, self._kills)

    def _plain(self, reply: str) -> Reply | None:
        """Return a reply that holds nothing but sound EXECUTE_JOB; None leaves it to the long way."""
        match = _PLAIN.match(reply)
        if match is None:
            return None
        now_s, body = float(match[1]), match[2]
        decisions = []
        at = 0
        while at < len(body):
            event = _PLAIN_EVENT.match(body, at)
            if event is None:
                return None
            date, job_id, alloc = event.groups()
            job, date_s = self._numbers.get(job_id), float(date)
            if job is None or date_s > now_s:
                return None
            try:
                iv, n_iv = self._add_rows(_alloc(alloc))
            except RefusedError:
                return None
            decisions.append((date_s, 0.0, c.DO_EXECUTE, job, 0, 0, iv, n_iv, -1, 0))
            at = event.end()
        return Reply(now_s, decisions, self._rows, [])

    def _read_event(self, event: Any, now_s: float) -> tuple[float, float, int, int, int, int, int, int, int, int]:
        """Return the decision of one event."""
        try:
            date, kind, data = _parts(event)
            if date > now_s:
                raise RefusedError(x.AB_DATE)
            handler = self._handlers.get(kind)
            if kind == "TO_JOB_MSG":
                raise UnsupportedError("the scheduler's TO_JOB_MSG: jobs that receive messages are not simulated")
            if handler is None:
                raise RefusedError(why=f"a decision is of type '{kind[:60]}', which Batsim does not know")
            d = handler(data)
        except RefusedError as refused:
            self.why = self.why or refused.why
            date, d = -1.0, _Decision(_DO_ABORT, refused.job, refused.reason)
        return date, d.target_s, d.kind, d.job, d.a, d.b, d.iv, d.n_iv, d.map, d.n_map

    def _job(self, job_id: Any) -> int:
        number = self._numbers.get(job_id) if isinstance(job_id, str) else None
        if number is None:
            known = f"job '{job_id}' does not exist" if isinstance(job_id, str) else "a job is not named by a text"
            raise RefusedError(x.AB_UNKNOWN_JOB, why=known)
        return number

    def _job_named(self, job_id: Any) -> int:
        """Return a job, or -1: Batsim asks for its existence only when the decision has travelled to the server."""
        if not isinstance(job_id, str) or job_id.count("!") != 1:
            raise RefusedError(x.AB_UNKNOWN_JOB, why="a job is not named by a text such as 'w0!7'")
        return self._numbers.get(job_id, -1)

    def _add_rows(self, pairs: list[tuple[int, int]]) -> tuple[int, int]:
        """Append host intervals; return the first row and their number."""
        first = self._n_iv + len(self._rows)
        self._rows.extend(pairs)
        return first, len(pairs)

    def _execute(self, data: Mapping[str, Any]) -> _Decision:
        if len(data) > 2:
            _refuse_storage(data)
        if "alloc" not in data or "job_id" not in data or len(data) > 3:
            raise RefusedError(why="EXECUTE_JOB holds 'job_id', 'alloc' and, if need be, 'mapping'")
        job = self._job(data["job_id"])
        pairs = _alloc(data["alloc"])
        iv, n_iv = self._add_rows(pairs)
        if "mapping" not in data:
            return _Decision(c.DO_EXECUTE, job, iv=iv, n_iv=n_iv)
        first, n_map = self._add_rows(_mapped(data["mapping"], pairs))
        return _Decision(c.DO_EXECUTE, job, iv=iv, n_iv=n_iv, map=first, n_map=n_map)

    def _reject(self, data: Mapping[str, Any]) -> _Decision:
        if set(data) != {"job_id"}:
            raise RefusedError(why="REJECT_JOB holds 'job_id' and nothing else")
        return _Decision(c.DO_REJECT, self._job_named(data["job_id"]))

    def _kill(self, data: Mapping[str, Any]) -> _Decision:
        ids = data.get("job_ids")
        if not isinstance(ids, list) or not ids or len(data) > 1:
            raise RefusedError(why="KILL_JOB holds 'job_ids', a list of at least one job, and nothing else")
        first = len(self._kills)
        self._kills.extend([self._job_named(job_id) for job_id in ids])
        return _Decision(c.DO_KILL, a=first, b=len(ids))

    def _call(self, data: Mapping[str, Any]) -> _Decision:
        if len(data) > 1:
            raise RefusedError(why="CALL_ME_LATER holds 'timestamp' and nothing else")
        return _Decision(c.DO_CALL, target_s=_date(data.get("timestamp")))

    def _set_state(self, data: Mapping[str, Any]) -> _Decision:
        state = data.get("state")
        match = _STATE.match(state) if isinstance(state, str) else None
        if match is None or len(data) > 2:
            raise RefusedError(why="SET_RESOURCE_STATE holds 'resources' and 'state', a text that holds an integer")
        iv, n_iv = self._add_rows(_alloc(data.get("resources")))
        return _Decision(c.DO_SET_STATE, a=int(match[1]), iv=iv, n_iv=n_iv)

    def _query(self, data: Mapping[str, Any]) -> _Decision:
        if data != {"requests": {"consumed_energy": {}}}:
            raise RefusedError(why="QUERY can ask for 'consumed_energy' alone")
        return _Decision(c.DO_QUERY_ENERGY)

    def _set_metadata(self, data: Mapping[str, Any]) -> _Decision:
        text = data.get("metadata")
        if not isinstance(text, str) or '"' in text or len(data) > 2:
            raise RefusedError(why="SET_JOB_METADATA holds 'job_id' and 'metadata', a text without quotation marks")
        job = self._job_named(data.get("job_id"))
        self._notes.append(text)
        return _Decision(c.DO_METADATA, job, a=len(self._notes))

    def _notify(self, data: Mapping[str, Any]) -> _Decision:
        kind = data.get("type")
        if kind == "registration_finished":
            matters, decision = self._registrations.close(), c.DO_REGISTRATION_FINISHED
        elif kind == "continue_registration":
            matters, decision = self._registrations.reopen(), c.DO_CONTINUE_REGISTRATION
        else:
            raise RefusedError(why="NOTIFY is 'registration_finished' or 'continue_registration'")
        # Without dynamic registration it takes the time of a message and changes nothing.
        return _Decision(decision if matters else c.DO_REGISTER_PROFILE)

    def _register_profile(self, data: Mapping[str, Any]) -> _Decision:
        self._registrations.add_profile(data)
        return _Decision(c.DO_REGISTER_PROFILE)

    def _register_job(self, data: Mapping[str, Any]) -> _Decision:
        self._registrations.add_job(data, self._numbers)
        job = self._registrations.n_jobs - 1
        self._numbers[data["job_id"]] = job
        return _Decision(c.DO_REGISTER_JOB, job)


def _content(reply: str | Mapping[str, Any]) -> tuple[float, list[Any]]:
    """Return date and events of a reply."""
    try:
        message = _DECODER.decode(reply) if isinstance(reply, str) else reply
        now, events = message["now"], message["events"]
    except (ValueError, RecursionError, TypeError, KeyError) as error:
        raise InvalidInputError(
            f"the scheduler's reply is not an object with 'now' and 'events' ({error}); mend the scheduler"
        ) from None
    try:
        now_s = _date(now)
    except RefusedError:
        events = None
    if not isinstance(events, list):
        raise InvalidInputError("the scheduler's reply needs a number 'now' and a list 'events'; mend the scheduler")
    return now_s, events


def _parts(event: Any) -> tuple[float, str, Mapping[str, Any]]:
    """Return date, type and data of an event."""
    if not isinstance(event, dict):
        raise RefusedError(why="an event of the reply is no object")
    try:
        date, kind, data = event["timestamp"], event["type"], event["data"]
    except KeyError as error:
        raise RefusedError(why=f"an event of the reply lacks {error}") from None
    if not isinstance(data, dict):
        raise RefusedError(why=f"the 'data' of a decision of type '{str(kind)[:60]}' is no object")
    return _date(date), str(kind), data


def put_reply(s: c.Kernel, v: c.Ledger, reply: Reply) -> tuple[c.Kernel, c.Ledger]:
    """Return the two bundles with the decisions of a reply, with arrays as long as they need."""
    head = v.head
    first, n = head["n_iv"].item(), len(reply.decisions)
    head["reply_now_s"][0], head["n_decisions"][0], head["n_kill"][0] = reply.now_s, n, len(reply.kills)
    if n == 0:
        return s, v
    last = first + len(reply.rows)
    if n > len(v.decisions) or last > len(v.iv) or len(reply.kills) > len(v.kill_list):
        s, v = make_reply_room(s, v, n, len(reply.rows), len(reply.kills))
    v.head["n_iv"][0] = last
    v.decisions[:n] = reply.decisions
    if reply.rows:
        v.iv[first:last] = reply.rows
    if reply.kills:
        v.kill_list[: len(reply.kills)] = reply.kills
    return s, v
