"""What users did before, as the features of run times need it: the jobs of the store, in the order of events."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from wattq.surrogates.features import FEATURES
from wattq.surrogates.history.describe import describe
from wattq.surrogates.history.live import LiveHistory

__all__ = ["MOST_PAST_JOBS", "JobStore", "Past", "past_of", "read_past"]

MOST_PAST_JOBS = 20_000
"""Latest jobs of the store that the past is made of."""

_NOBODY = object()


class JobStore(Protocol):
    """What the API reads from; `wattq.telemetry.store.Store` is one."""

    def read(
        self,
        name: str,
        *,
        since_s: float | None = None,
        until_s: float | None = None,
        where: Mapping[str, object] | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[dict[str, object]]:
        """Return rows of a table."""
        ...


class Past(LiveHistory):
    """A past that can be asked about a job that was not submitted, and stays as it was.

    Args:
        clock_s: offset of the site's clock from UTC, s; dates are Unix seconds.
    """

    def __init__(self, clock_s: float = 0.0) -> None:
        super().__init__(clock_s)
        self._lock = threading.Lock()
        self.until_s = -math.inf
        self._names: dict[tuple[str, object], int] = {}
        self._strange = {kind: self._number(kind, _NOBODY) for kind in ("users", "groups", "applications", "pairs")}

    def code(self, kind: str, name: object) -> int:
        """Return the number of a name, a new one where it is new; -1 for None."""
        return -1 if name is None else self._names.setdefault((kind, str(name)), len(self._names))

    def features(
        self,
        now_s: float,
        hosts: int,
        request_s: float,
        *,
        user: object = None,
        group: object = None,
        queue: int = -1,
        application: object = None,
    ) -> NDArray[np.float32]:
        """Return the features of a job that would be submitted at a date, shape (len(FEATURES),).

        Names that the past does not know stand for somebody without one, and are not kept.

        Args:
            now_s: submission, Unix s; one before the last event counts as that.
            hosts: nodes requested.
            request_s: requested time, s; NaN without one.
            user: name of the user.
            group: name of the group.
            queue: number of the queue in the log, -1 unknown.
            application: name of the application.
        """
        row: NDArray[np.float32] = np.empty(len(FEATURES), dtype=np.float32)
        with self._lock:
            date_s = max(now_s, self._now_s)
            self._catch_up(date_s)
            people = {"users": user, "groups": group, "applications": application}
            numbers = {kind: self._find(kind, name) for kind, name in people.items()}
            pair = (hosts, request_s if request_s == request_s else -1.0)
            numbers["pairs"] = self._numbers["pairs"].get(pair, self._strange["pairs"])
            job = self._enter(numbers, queue, hosts, request_s)
            describe(self.history, job, date_s, row)
            self.n_jobs -= 1
        return row

    def _find(self, kind: str, name: object) -> int:
        if name is None:
            return self._numbers[kind].get(-1, self._strange[kind])
        code = self._names.get((kind, str(name)))
        return self._strange[kind] if code is None else self._numbers[kind].get(code, self._strange[kind])


def past_of(rows: Sequence[Mapping[str, Any]], *, clock_s: float = 0.0) -> Past:
    """Return the past that rows of ``job_metrics`` tell; rows without a date are left out.

    Args:
        rows: of the table, in any order.
        clock_s: offset of the site's clock from UTC, s.
    """
    past = Past(clock_s)
    dated = [(float(row.get("submit_time") or row["time"]), row) for row in rows if row.get("time") is not None]
    for submit_s, row in sorted(dated, key=lambda each: (each[0], float(each[1]["time"]), str(each[1]["job_id"]))):
        _tell(past, submit_s, row)
    return past


def _tell(past: Past, submit_s: float, row: Mapping[str, Any]) -> None:
    start_s, run_s = max(float(row["time"]), submit_s), row.get("duration_seconds")
    job, _ = past.submitted(
        submit_s,
        max(int(row.get("node_count") or 1), 1),
        float(row.get("walltime_seconds") or math.nan),
        user=past.code("users", row.get("user_id")),
        group=past.code("groups", row.get("account")),
        application=past.code("applications", row.get("job_name")),
    )
    past.started(job, start_s)
    ended = row.get("end_time") is not None and run_s is not None and float(run_s) >= 0.0
    if ended:
        past.ended(job, start_s + float(run_s or 0.0), float(run_s or 0.0))
    past.until_s = max(past.until_s, start_s + (float(run_s or 0.0) if ended else 0.0))


def read_past(store: JobStore) -> Past:
    """Return the past that a store tells, by the clock of this machine.

    Raises:
        WattqError: when the store does not answer.
    """
    rows = store.read("job_metrics", limit=MOST_PAST_JOBS, newest_first=True)
    return past_of(rows, clock_s=float(time.localtime().tm_gmtoff))
