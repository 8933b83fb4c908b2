"""Numbers that sort like job ids do, while ids keep coming.

Some policies break ties by the bytes of the full ids (`layout.job_view_t.id_rank`). Who reads the protocol learns of
the jobs one after the other, so a rank cannot be the place among all jobs: it is a number between those of the two
neighbours. Where no number is left between them, all are spread anew; their order stays the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from sortedcontainers import SortedList

__all__ = ["IdOrder"]

_MOST = 2**31 - 1
_STEP = 1024


class IdOrder:
    """The known ids, each with a rank.

    Args:
        most: the largest rank.

    Attributes:
        moved: whether ranks given before have changed; set to False by who has taken over the new ones.
    """

    def __init__(self, most: int = _MOST) -> None:
        self.moved = False
        self._most = most
        self._ids: SortedList = SortedList()
        self._rank: dict[str, int] = {}

    def add(self, full_id: str) -> int:
        """Return the rank of a new id."""
        ids = self._ids
        at = len(ids) if not ids or full_id > ids[-1] else ids.bisect_left(full_id)
        before = self._rank[ids[at - 1]] if at else -1
        # Ids mostly come in their order: a step at the end leaves room for many more.
        after = self._rank[ids[at]] if at < len(ids) else min(before + 2 * _STEP, self._most + 1)
        ids.add(full_id)
        rank = before + (after - before) // 2
        if rank == before:
            self._spread()
        else:
            self._rank[full_id] = rank
        return self._rank[full_id]

    def _spread(self) -> None:
        """Give every id a new rank, in the same order, with as much room between them as there is."""
        step = self._most // (len(self._ids) + 1)
        if step < 1:
            raise OverflowError("more ids than ranks")
        self._rank = {full_id: (k + 1) * step for k, full_id in enumerate(self._ids)}
        self.moved = True

    def ranks(self, full_ids: Sequence[str]) -> list[int]:
        """Return the ranks of ids."""
        return [self._rank[full_id] for full_id in full_ids]
