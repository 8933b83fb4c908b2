"""SWF logs: 18 columns of numbers below a header of comments.

The format is that of the Parallel Workloads Archive, version 2.2. Well-formed files are read by pandas' C parser; on
any doubt an exact parser reads line by line and names the first line that breaks a rule.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import WorkloadError, at
from wattq.workloads.cleaning import clean_table
from wattq.workloads.files import sha256_hex
from wattq.workloads.model import Workload
from wattq.workloads.options import CleaningOptions
from wattq.workloads.swf_header import SwfHeader, parse_header

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FIELDS", "SwfTable", "parse_swf", "parse_swf_table", "refuse_strangers"]

FIELDS = (
    *("number", "submit", "wait", "run", "allocated", "cpu", "memory", "requested", "request_s", "request_memory"),
    *("status", "user", "group", "executable", "queue", "partition", "preceding", "think"),
)
"""Names of the 18 columns."""

_COMMENT = re.compile(rb"^[ \t]*;([^\n]*)", re.MULTILINE)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_BLANKS = re.compile(r"[ \t]+")
_LARGEST = 2.0**53 - 1
_MOST_PROCESSORS = 2.0**31 - 1
_PROCESSOR_COLUMNS = (FIELDS.index("allocated"), FIELDS.index("requested"))
_SHORT = 40


@dataclass(frozen=True)
class SwfTable:
    """The rows of a log as they stand.

    Attributes:
        source: name of the file.
        sha256: digest of the plain content.
        header: what the comments say.
        columns: shape (18, n_rows), float64, in the order of `FIELDS`; every value is finite.
        ids: ids that are no numbers, length n_rows; empty where ``number`` is the id.
        unit: what the sizes of another format count (``core``, ``node``, ...); empty for SWF, whose header tells.
        fractions: whether sizes are fractions of a machine.
        sizes: other measures of size by the word of the option: ``nodes``, ``gpus``, length n_rows each, NaN unknown.
        set_aside: reason -> rows of the file that are no rows here (steps of jobs, events).
        repairs: rows changed while reading, and why.
        notes: sentences about the file.
        names: ``user``, ``group``, ``queue`` -> names by number, of formats that have names.
    """

    source: str
    sha256: str
    header: SwfHeader
    columns: NDArray[np.float64]
    ids: tuple[str, ...] = ()
    unit: str = ""
    fractions: bool = False
    sizes: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    set_aside: Mapping[str, int] = field(default_factory=dict)
    repairs: tuple[tuple[NDArray[np.bool_], str], ...] = ()
    notes: tuple[str, ...] = ()
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.columns.shape[1])

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one column, length n_rows."""
        values: NDArray[np.float64] = self.columns[FIELDS.index(name)]
        return values


def parse_swf(
    data: bytes,
    source: str,
    *,
    name: str = "w0",
    options: CleaningOptions | None = None,
    form: str = "parallel_homogeneous",
    speed_flops: float = 1e9,
) -> Workload:
    """Return the workload of a log given as plain bytes.

    Args:
        data: the content, decompressed.
        source: name of the file, for messages and the report.
        name: Batsim's name of the workload.
        options: what is dropped, repaired and changed.
        form: profile of the jobs: ``parallel_homogeneous`` (draws computing power) or ``delay`` (draws idle power).
        speed_flops: speed of a host, flop/s; a ``parallel_homogeneous`` job computes run time x this on each host.

    Raises:
        WorkloadError: when a line breaks the format (named with its number), or no job is left.
    """
    table = parse_swf_table(data, source)
    return clean_table(table, options or CleaningOptions(), name=name, form=form, speed_flops=speed_flops)


def parse_swf_table(data: bytes, source: str) -> SwfTable:
    """Return header and rows of a log given as plain bytes; nothing is cleaned.

    Raises:
        WorkloadError: as `parse_swf`.
    """
    digest = sha256_hex(data)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    comments = [match.group(1).decode("latin-1") for match in _COMMENT.finditer(data)]
    body = _COMMENT.sub(b"", data)
    if not body.strip():
        refuse_strangers(data, source)
        raise WorkloadError(
            f"{source}: no jobs; an SWF log has one line of 18 numbers for each job, is this the whole file?"
        )
    columns = _fast_columns(body)
    if columns is None:
        columns = _exact_columns(body, data, source)
    return SwfTable(source, digest, parse_header(comments), columns)


def _fast_columns(body: bytes) -> NDArray[np.float64] | None:
    """Return the 18 columns, or None when anything at all is unusual."""
    try:
        frame = _frame(body)
        if not frame[18].isna().all() or any(frame[column].dtype.kind not in "if" for column in range(18)):
            return None
        columns = np.ascontiguousarray(frame[list(range(18))].to_numpy(dtype=np.float64).T)
        fractional = [column for column in range(18) if frame[column].dtype.kind == "f"]
        if fractional:
            # pandas' own float parser may be off in the last digit; Python's is exact.
            texts = _frame(body, dtype=dict.fromkeys(fractional, str))
            for column in fractional:
                columns[column] = list(map(float, texts[column]))
    except (ValueError, OverflowError, MemoryError):
        return None
    return columns if _within_limits(columns) else None


def _frame(body: bytes, **how: Any) -> pd.DataFrame:
    import pandas as pd  # JSON alone must not cost its start

    # A 19th column catches rows that are too long; rows that are too short end in NaN.
    frame: pd.DataFrame = pd.read_csv(
        io.BytesIO(body),
        sep=r"\s+",
        header=None,
        names=list(range(19)),
        quoting=csv.QUOTE_NONE,
        keep_default_na=False,
        na_values=[""],
        encoding="latin-1",
        low_memory=False,
        **how,
    )
    return frame


def _within_limits(columns: NDArray[np.float64]) -> bool:
    if not np.isfinite(columns).all() or np.abs(columns).max(initial=0.0) > _LARGEST:
        return False
    return bool(columns[list(_PROCESSOR_COLUMNS)].max(initial=0.0) <= _MOST_PROCESSORS)


def _exact_columns(body: bytes, data: bytes, source: str) -> NDArray[np.float64]:
    rows: list[list[float]] = []
    for number, line in _lines(body):
        if not line:
            continue
        words = _BLANKS.split(line)  # str.split() would also take exotic spaces
        if len(words) != 18:
            if not rows:
                refuse_strangers(data, source)
            found = f"{len(words)} columns ({_short(line)!r})"
            raise WorkloadError(f"{at(source, number)}: {found}; an SWF row has 18 numbers, mend or remove the line")
        rows.append([_value(word, column, number, source) for column, word in enumerate(words)])
    return np.array(rows, dtype=np.float64).T.copy()


def _lines(body: bytes) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(body.split(b"\n"), start=1):
        yield number, line.decode("latin-1").strip(" \t")


def _value(word: str, column: int, number: int, source: str) -> float:
    value = float(word) if _NUMBER.fullmatch(word) else float("nan")
    most = _MOST_PROCESSORS if column in _PROCESSOR_COLUMNS else _LARGEST
    if -_LARGEST <= value <= most:
        return value
    rule = f"not exceed {most:.0f}" if value == value else "be a finite number, -1 where unknown"
    place = f"{at(source, number)}: column {column + 1} ({FIELDS[column]}) is {_short(word)!r}"
    raise WorkloadError(f"{place}; it must {rule}; mend or remove the line")


def _short(text: str) -> str:
    return text if len(text) <= _SHORT else text[:_SHORT] + "..."


def refuse_strangers(data: bytes, source: str) -> None:
    """Name the usual impostors: an error page saved as a log, and the placeholder of a large file."""
    start = data.lstrip()[:200].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise WorkloadError(f"{source}: a web page, not a log; the download failed, fetch the file again")
    if start.startswith(b"version https://git-lfs"):
        raise WorkloadError(
            f"{source}: the placeholder of a large file, not a log; run 'git lfs pull' or fetch the file"
        )
