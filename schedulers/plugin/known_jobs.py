"""The jobs that a scheduler was told of: full ids by number, in the order of submission."""

from __future__ import annotations

from typing import Any

from wattq.errors import InvalidInputError
from wattq.schedulers.plugin.id_order import IdOrder
from wattq.workloads.batsim_json import whole_number

__all__ = ["KnownJobs"]

_MOST_HOSTS = 2**31 - 1


class KnownJobs:
    """Numbers of jobs and what is known of each.

    Attributes:
        full_ids: full id (``w0!7``) by number.
        running: numbers of the jobs that were started and have not ended.
    """

    def __init__(self) -> None:
        self.full_ids: list[str] = []
        self.running: set[int] = set()
        self._numbers: dict[str, int] = {}
        self._order = IdOrder()

    def number_of(self, full_id: object) -> int:
        """Return the number of a job.

        Raises:
            InvalidInputError: the job was never submitted.
        """
        number = self._numbers.get(full_id) if isinstance(full_id, str) else None
        if number is None:
            raise InvalidInputError(f"job {full_id!r} was never submitted")
        return number

    def submit(self, full_id: object, job: Any) -> tuple[int, tuple[Any, ...]]:
        """Number a new job.

        Args:
            full_id: its id.
            job: its JSON object, ``res`` and ``subtime`` at least.

        Returns:
            Its number and its row of the ledger's table, `layout.job_view_t`.

        Raises:
            InvalidInputError: the id is known already, or a value breaks its rule.
        """
        if not isinstance(full_id, str) or full_id in self._numbers:
            raise InvalidInputError(f"job {full_id!r} was submitted before, or its id is no text")
        hosts, walltime_s = job["res"], float(job.get("walltime", -1.0))
        submit_s = float(job["subtime"])
        if type(hosts) is not int or not 0 <= hosts <= _MOST_HOSTS or not abs(submit_s) < 1e300:
            raise InvalidInputError(f"job '{full_id}': res {hosts!r}, subtime {submit_s}: not valid")
        if job.get("beta", 1) != 1:
            raise InvalidInputError(
                f"job '{full_id}': beta {str(job['beta'])[:40]}, which Batsim does not simulate; use the in-process "
                "engine, or write the workload with beta='class-mean'"
            )
        if not 0.0 < walltime_s < 1e300:
            walltime_s = -1.0
        number = len(self.full_ids)
        self._numbers[full_id] = number
        self.full_ids.append(full_id)
        rank = self._order.add(full_id)
        estimate_s = walltime_s if walltime_s > 0.0 else float("inf")
        told = tuple(whole_number(job.get(key)) for key in ("user", "group", "queue", "application"))
        row = (submit_s, 0.0, walltime_s, estimate_s, 0.0, 0.0, 1.0, hosts, 0, -1, rank, 0, 0, *told, 0)
        return number, row

    def moved_ranks(self) -> list[int]:
        """Return the ranks of all jobs by number when ranks given before have changed; else nothing."""
        if not self._order.moved:
            return []
        self._order.moved = False
        return self._order.ranks(self.full_ids)
