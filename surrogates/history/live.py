"""The past of a scheduler at work: jobs and people turn up one by one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.history.describe import FEATURES, describe
from wattq.surrogates.history.events import note_ended, note_started, note_submitted, note_withdrawn
from wattq.surrogates.history.layout import History, grown, new_history

__all__ = ["LiveHistory"]

_END, _START, _WITHDRAWAL = 0, 1, 2


class LiveHistory:
    """Features of jobs as they are submitted, equal to those of a replay of the same events.

    Starts and ends of a date become known to submissions of later dates only, ends first, whatever the order in which
    a simulator tells them.

    Args:
        clock_s: see `wattq.surrogates.history.layout.new_history`.
        room: jobs that the arrays hold at first; they grow.
    """

    def __init__(self, clock_s: float = 0.0, room: int = 1024) -> None:
        self.history: History = new_history(room, clock_s=clock_s)
        self.n_jobs = 0
        self._now_s = -np.inf
        self._pending: list[tuple[float, int, int, float]] = []
        self._numbers: dict[str, dict[object, int]] = {
            "users": {},
            "groups": {-1: -1},
            "applications": {-1: -1},
            "pairs": {},
        }

    def submitted(
        self,
        now_s: float,
        hosts: int,
        request_s: float,
        *,
        user: int = -1,
        group: int = -1,
        queue: int = -1,
        application: int = -1,
    ) -> tuple[int, NDArray[np.float32]]:
        """Note a submission; return the job's number here and its features, shape (len(FEATURES),).

        Args:
            now_s: date of the submission, s.
            hosts: hosts requested.
            request_s: requested time, s; NaN, or anything not above 0, where there is none.
            user: number of the user, -1 unknown.
            group: number of the group, -1 unknown.
            queue: number of the queue, -1 unknown.
            application: number of the application, -1 unknown.

        Raises:
            SurrogateError: when the date lies before that of an earlier submission.
        """
        if not now_s >= self._now_s:
            raise SurrogateError(f"submission at {now_s:g} s after one at {self._now_s:g} s; tell them by date")
        self._now_s = now_s
        self._catch_up(now_s)
        request_s = request_s if request_s > 0.0 else float("nan")
        people = {"users": user, "groups": group, "applications": application}
        known = request_s if request_s == request_s else -1.0
        values: dict[str, object] = {key: max(number, -1) for key, number in people.items()}
        values["pairs"] = (hosts, known)
        job = self._enter({key: self._number(key, value) for key, value in values.items()}, queue, hosts, request_s)
        row: NDArray[np.float32] = np.empty(len(FEATURES), dtype=np.float32)
        describe(self.history, job, now_s, row)
        note_submitted(self.history, job, now_s)
        return job, row

    def started(self, job: int, now_s: float) -> None:
        """Note that a job started."""
        self._pending.append((now_s, _START, job, 0.0))

    def ended(self, job: int, now_s: float, run_s: float) -> None:
        """Note that a job ended after so many seconds on its hosts."""
        self._pending.append((now_s, _END, job, run_s))

    def withdrawn(self, job: int, now_s: float) -> None:
        """Note that a job was rejected, or left the queue without running."""
        self._pending.append((now_s, _WITHDRAWAL, job, 0.0))

    def _catch_up(self, now_s: float) -> None:
        """Apply what happened before a date, in the order of a replay: by date, ends first, by number."""
        self._pending.sort()
        n = 0
        for date_s, what, job, run_s in self._pending:
            if date_s >= now_s:
                break
            n += 1
            if what == _END:
                note_ended(self.history, job, date_s, run_s)
            elif what == _START:
                note_started(self.history, job, date_s)
            else:
                note_withdrawn(self.history, job)
        del self._pending[:n]

    def _number(self, kind: str, value: object) -> int:
        numbers = self._numbers[kind]
        if value not in numbers:
            numbers[value] = len(numbers) - (-1 in numbers and kind != "users")
            self.history = grown(self.history, **{kind: len(numbers)})
        return numbers[value]

    def _enter(self, numbers: dict[str, int], queue: int, hosts: int, request_s: float) -> int:
        job = self.n_jobs
        self.n_jobs += 1
        self.history = grown(self.history, jobs=self.n_jobs)
        record = self.history.jobs[job]
        for field in ("user", "group", "application", "pair"):
            record[field] = numbers[field + "s"]
        record["queue"], record["hosts"], record["request_s"] = queue, hosts, request_s
        return job
