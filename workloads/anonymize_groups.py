"""k-anonymity by suppression: who is alone with the values of its quasi-identifiers is not told.

Rule: rows with equal quasi-identifiers, as they are written, form a group (Sweeney, "k-anonymity: a model for
protecting privacy", 2002); groups smaller than k are left out whole. A log holds many rows of one person, so the size
of a group is the number of different users in it, not of rows: k rows of one user would hide nobody.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

__all__ = ["Groups", "group_rows"]


@dataclass(frozen=True)
class Groups:
    """Groups of rows.

    Attributes:
        suppressed: for each row, whether its group is too small.
        n_groups: number of groups.
        n_small: groups that are too small.
        counted: ``users``, or ``rows`` where no row names its user.
    """

    suppressed: list[bool]
    n_groups: int
    n_small: int
    counted: str


def group_rows(keys: Sequence[Hashable], people: Sequence[Hashable | None], k: int) -> Groups:
    """Return which rows are suppressed.

    Args:
        keys: quasi-identifiers of each row.
        people: the user of each row, None where unknown; all unknown users count as one, because they may be one. When
            no user is known, each row counts.
        k: fewest users of a group that stays.
    """
    by_rows = all(person is None for person in people)
    members: dict[Hashable, set[Hashable | None]] = {}
    for row, (key, person) in enumerate(zip(keys, people, strict=True)):
        members.setdefault(key, set()).add(row if by_rows else person)
    small = {key for key, group in members.items() if len(group) < k}
    return Groups([key in small for key in keys], len(members), len(small), "rows" if by_rows else "users")
