"""Columns of what loggers write, and samples as rows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

__all__ = ["Cell", "Column", "Deltas", "Record", "Recorder", "Row", "Sample", "pct"]

Cell = float | str | None
Row = tuple[Cell, ...]
Record = Mapping[str, object]


@dataclass(frozen=True)
class Column:
    """A column of a log.

    Attributes:
        name: with its unit, as ``power_w``.
        kind: ``number``, ``whole`` for counts, or ``text``.
        digits: after the decimal point, at most.
    """

    name: str
    kind: Literal["number", "whole", "text"] = "number"
    digits: int = 3

    def text(self, cell: Cell) -> str:
        """Return a cell as text; empty where there is no reading, so that it cannot be taken for 0."""
        if cell is None:
            return ""
        if isinstance(cell, str):
            return cell
        text = f"{cell:.{0 if self.kind == 'whole' else self.digits}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text


class Sample(Protocol):
    """What a logger read at one date."""

    def rows(self) -> list[Row]:
        """Return its rows, one cell per column."""
        ...

    def records(self) -> dict[str, list[Record]]:
        """Return its rows for the store, by table."""
        ...


class Recorder(Protocol):
    """What a logger reads, and as what it is written."""

    @property
    def columns(self) -> Sequence[Column]:
        """Columns of its rows."""
        ...

    def sample(self, now_s: float) -> Sample:
        """Read everything.

        Args:
            now_s: the date, Unix s.
        """
        ...

    def close(self) -> None:
        """Close the meters."""
        ...


class Deltas:
    """Steps of counters from reading to reading, by name."""

    def __init__(self) -> None:
        self._before: dict[str, float | None] = {}

    def step(self, name: str, counter: float | None) -> float | None:
        """Return how far a counter went since its last reading; None at the first, and beside readings that failed."""
        before, self._before[name] = self._before.get(name), counter
        if before is None or counter is None or counter < before:
            return None
        return counter - before


def pct(share: float | None) -> float | None:
    """Return a share from 0 to 1 as a percentage."""
    return None if share is None else 100.0 * share
