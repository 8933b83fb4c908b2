"""What a column, a table, a roll-up and a view of the store are; plain descriptions that need no library."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["DAY_S", "HOUR_S", "Field", "Kind", "Table"]

HOUR_S = 3600
DAY_S = 86400

Kind = Literal["time", "text", "real", "int", "bool"]
"""Kinds of columns; a ``time`` is Unix seconds (UTC) in Python and SQLite, a timestamp with time zone in PostgreSQL."""


@dataclass(frozen=True)
class Field:
    """A column.

    Attributes:
        name: its name in every database.
        kind: kind of its values.
        unit: their unit; empty where there is none.
        doc: what it holds.
        computed: the SQL expression that the database computes it by; empty where it is written.
        choices: the only texts that it may hold; empty where any may stand.
    """

    name: str
    kind: Kind
    unit: str
    doc: str
    computed: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table, a roll-up or a view.

    Attributes:
        name: its name in every database.
        doc: what a row is.
        fields: its columns, in order.
        key: the columns of the primary key; empty for a view.
        clock: the column that periods are chosen by; empty where there is none.
        kept_days: days that rows are kept; 0 for ever.
        indexes: columns of each index beside the key's.
    """

    name: str
    doc: str
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ()
    clock: str = ""
    kept_days: int = 0
    indexes: tuple[tuple[str, ...], ...] = field(default=())

    def __getitem__(self, name: str) -> Field:
        """Return a column by name; KeyError when there is none."""
        for column in self.fields:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.name for column in self.fields)

    @property
    def written(self) -> tuple[Field, ...]:
        """The columns that a row may bring."""
        return tuple(column for column in self.fields if not column.computed)
