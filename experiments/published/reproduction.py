"""Reproduction of a published table: every value computed, then compared with what was printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from wattq.errors import MissingFileError, WattqError
from wattq.experiments.published.computing import Values
from wattq.experiments.published.jobs import cut, job_table
from wattq.experiments.published.protocol import Protocol
from wattq.experiments.published.traces import TraceFinder
from wattq.workloads.swf import parse_swf_table

__all__ = ["Cell", "Reproduction", "reproduce"]


@dataclass(frozen=True)
class Cell:
    """One value of a table.

    Attributes:
        block, metric, trace, column: where it stands.
        printed: the value as it was printed.
        published: whether the publication has it; else it is a reference value from an independent computation.
        computed: what was computed here, or None without the trace.
    """

    block: str
    metric: str
    trace: str
    column: str
    printed: str
    published: bool
    computed: float | None

    @property
    def text(self) -> str:
        """The computed value with as many digits as were printed; empty without one."""
        digits = len(self.printed.partition(".")[2])
        return "" if self.computed is None else f"{self.computed:.{digits}f}"

    @property
    def equal(self) -> bool | None:
        """Whether the computed value has the printed digits; None without one."""
        return None if self.computed is None else self.text == self.printed

    @property
    def difference(self) -> float | None:
        """Computed minus printed; None without a computed value."""
        return None if self.computed is None else self.computed - float(self.printed)


@dataclass(frozen=True)
class Reproduction:
    """A table reproduced.

    Attributes:
        protocol: what was done.
        cells: every value of the table, in the order of blocks, traces and columns.
        missing: trace -> where to get it.
        refused: trace -> what is wrong with it.
        files: trace -> file that was read.
    """

    protocol: Protocol
    cells: list[Cell] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    @property
    def computed(self) -> list[Cell]:
        """The cells that have a computed value."""
        return [cell for cell in self.cells if cell.computed is not None]

    @property
    def exit_code(self) -> int:
        """0: all computed values are equal; 1: one differs; 2: a trace was refused, or none was there."""
        if self.refused or not self.computed:
            return 2
        return 0 if all(cell.equal for cell in self.computed) else 1


def reproduce(protocol: Protocol, finder: TraceFinder, on_trace: Callable[[str], None] | None = None) -> Reproduction:
    """Return a table computed from the traces that are here; a trace that is not does not fail the others.

    Args:
        protocol: what to do.
        finder: where traces are.
        on_trace: called with the name of each trace before its values are computed.
    """
    done = Reproduction(protocol)
    values: dict[str, Values] = {}
    for name in protocol.traces:
        if on_trace is not None:
            on_trace(name)
        try:
            values[name] = _values(done, name, finder)
        except MissingFileError as error:
            done.missing[name] = str(error)
        except WattqError as error:
            done.refused[name] = str(error)
    computed = {name: _computed(done, name, values[name]) for name in values}
    done.cells.extend(_cells(protocol, {name: cells for name, cells in computed.items() if cells is not None}))
    return done


_Place = tuple[int, str]


def _values(done: Reproduction, name: str, finder: TraceFinder) -> Values:
    """Return the source of values of one trace; its file is noted."""
    protocol = done.protocol
    spec = protocol.traces[name]
    path, plain = finder.find(name, spec)
    table = job_table(parse_swf_table(plain, path.name), spec, protocol.cleaning)
    done.files[name] = str(path)
    return Values(cut(table, protocol.sequences), protocol.bound_s)


def _computed(done: Reproduction, name: str, values: Values) -> dict[_Place, float] | None:
    """Return the values of one trace by block and column, or None when a job breaks the protocol (which is noted)."""
    found: dict[_Place, float] = {}
    try:
        for index, block in enumerate(done.protocol.blocks):
            for column in done.protocol.columns:
                if block.printed(name, column) is not None:
                    found[index, column] = values.value(done.protocol.settings(block, column), block.metric)
    except WattqError as error:
        done.refused[name] = str(error)
        return None
    return found


def _cells(protocol: Protocol, computed: dict[str, dict[_Place, float]]) -> list[Cell]:
    cells = []
    for index, block in enumerate(protocol.blocks):
        for trace in protocol.traces:
            for column in protocol.columns:
                printed = block.printed(trace, column)
                if printed is not None:
                    published = column in block.published.get(trace, {})
                    value = computed.get(trace, {}).get((index, column))
                    cells.append(Cell(block.title, block.metric, trace, column, printed, published, value))
    return cells
