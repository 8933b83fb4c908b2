"""Rows of a Slurm ``sacct`` print: parsable with a separator, fixed width below dashes, or words between blanks.

``sacct --parsable`` neither quotes nor escapes. A cell that holds the separator or a line end is told by these rules:

- A line that begins with a job id begins a row; any other line goes on with the row before it. A row is whole when it
  has a cell for every column of the header.
- A row with more cells than columns has separators inside a free text (JobName, SubmitLine, WorkDir, Comment, ...). The
  surplus goes where all other columns still hold what they must. One way to do so, or several that differ in free
  texts alone, is taken; otherwise the row is refused.

Source: sacct(1), https://slurm.schedmd.com/sacct.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations_with_replacement, pairwise

from wattq.errors import WorkloadError, at
from wattq.workloads.files import sha256_hex
from wattq.workloads.text_table import TextTable, decode, header_names, read_csv, table_of

__all__ = ["FREE_TEXTS", "JOB_ID", "is_sacct", "read_rows", "sacct_separator"]

FREE_TEXTS = frozenset(
    (
        *("jobname", "submitline", "workdir", "comment", "admincomment", "systemcomment", "extra", "wckey"),
        *("constraints", "container", "failednode", "reason", "stdout", "stderr", "stdin"),
    )
)
"""Columns that may hold any text."""

JOB_ID = re.compile(r"(?P<job>\d{1,15}(?:_(?:\d{1,15}|\[[^\]|]*\])|\+\d{1,15})?)(?P<step>\.[\w+]{1,40})?", re.ASCII)
"""A job (17), a task of an array (17_3, or 17_[4-9] while they wait), a part of a heterogeneous job (17+1), a step."""

_BEGIN = re.compile(r"\d{1,15}(?:[_+.][^|,;\t]{0,1000})?", re.ASCII)
_MOST_LINES = 1000
_MOST_WAYS = 500
_Check = Mapping[str, Callable[[str], bool]]


def is_sacct(first_line: str) -> bool:
    """Return whether the first line of a text is the header of a sacct print."""
    names = header_names(re.split(r"[|,;\t ]+", first_line.strip()))
    return "jobid" in names and bool({"state", "submit", "start", "elapsed", "elapsedraw"} & set(names))


def sacct_separator(first_line: str) -> str:
    """Return the separator of a header line, empty for blanks."""
    return next((sign for sign in "|,;\t" if sign in first_line), "")


def read_rows(data: bytes, source: str, checks: _Check) -> TextTable:
    """Return the rows of a print.

    Args:
        data: the plain content.
        source: name of the file.
        checks: column -> whether a text may stand there; what places surplus cells.

    Raises:
        WorkloadError: names the line that cannot be told apart.
    """
    lines = decode(data, source).split("\n")
    first = next((k for k, line in enumerate(lines) if line.strip()), 0)
    separator = sacct_separator(lines[first])
    if separator == ",":
        return read_csv(data, source, separator=separator)
    second = lines[first + 1] if first + 1 < len(lines) else ""
    if separator:
        names, rows = _parsable(lines, first, separator, checks, source)
    elif re.fullmatch(r"\s*-+(\s+-+)*\s*", second):
        names, rows = _fixed(lines, first, second, source)
    else:
        names, rows = _words(lines, first, source)
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise WorkloadError(f"{at(source, first + 1)}: column {repeated[:40]!r} is named twice; name each column once")
    return table_of(source, sha256_hex(data), names, [cells for _, cells in rows], [line for line, _ in rows])


def _parsable(
    lines: list[str], first: int, separator: str, checks: _Check, source: str
) -> tuple[tuple[str, ...], list[tuple[int, Sequence[str]]]]:
    head = lines[first].split(separator)
    trailing = head[-1].strip() == ""
    names = header_names(head[:-1] if trailing else head)
    width = len(names) + trailing
    rows: list[tuple[int, Sequence[str]]] = []
    for number, text in _joined(lines, first + 1, separator, width, names, source):
        cells = text.split(separator)
        if len(cells) > width:
            cells = _placed(cells, width, names, separator, checks, at(source, number))
        rows.append((number, cells[: len(names)]))
    return names, rows


def _joined(
    lines: list[str], start: int, separator: str, width: int, names: tuple[str, ...], source: str
) -> Iterator[tuple[int, str]]:
    """Yield the first line's number and the text of each row, lines of one row joined."""
    led = names[0] == "jobid"
    begun, parts, cells = 0, list[str](), 0
    for number in range(start, len(lines)):
        line = lines[number]
        count = line.count(separator) + 1
        begins = bool(line.strip()) and (not led or _BEGIN.fullmatch(line.partition(separator)[0].strip()) is not None)
        if not parts and not line.strip():
            continue
        if parts and cells >= width and begins:
            yield begun, "\n".join(parts)
            parts = []
        elif (parts and begins and led and count >= width) or len(parts) > _MOST_LINES:
            raise _too_few(begun, cells, width, source)
        cells = cells + count - 1 if parts else count
        begun = begun if parts else number + 1
        parts.append(line)
    if parts and cells < width:
        raise _too_few(begun, cells, width, source)
    if parts:
        yield begun, "\n".join(parts)


def _too_few(line: int, cells: int, width: int, source: str) -> WorkloadError:
    return WorkloadError(
        f"{at(source, line)}: {cells} cells, and the header has {width}; the row ends early, mend or remove it"
    )


def _placed(
    cells: list[str], width: int, names: tuple[str, ...], separator: str, checks: _Check, place: str
) -> list[str]:
    """Return `width` cells, the surplus separators put back into free texts."""
    free = [k for k, name in enumerate(names) if name in FREE_TEXTS]
    found: dict[tuple[str, ...], list[str]] = {}
    for tried, way in enumerate(combinations_with_replacement(free, len(cells) - width)):
        if tried >= _MOST_WAYS:
            break
        merged = _merged(cells, way, separator, width)
        if all(checks[name](text.strip()) for name, text in zip(names, merged, strict=False) if name in checks):
            found.setdefault(tuple(text for k, text in enumerate(merged) if k not in free), merged)
    if len(found) == 1:
        return next(iter(found.values()))
    why = "in more than one place" if found else "nowhere"
    raise WorkloadError(
        f"{place}: {len(cells)} cells, and the header has {width}; the surplus '{separator}' fit {why} into free texts "
        f"({', '.join(names[k] for k in free) or 'there is no such column'}); print again with another --delimiter"
    )


def _merged(cells: list[str], way: tuple[int, ...], separator: str, width: int) -> list[str]:
    merged: list[str] = []
    taken = 0
    for column in range(width):
        more = way.count(column)
        merged.append(separator.join(cells[taken : taken + more + 1]))
        taken += more + 1
    return merged


def _fixed(
    lines: list[str], first: int, dashes: str, source: str
) -> tuple[tuple[str, ...], list[tuple[int, Sequence[str]]]]:
    spans = [match.span() for match in re.finditer("-+", dashes)]
    names = header_names([lines[first][start:stop] for start, stop in spans])
    rows: list[tuple[int, Sequence[str]]] = []
    for number, line in enumerate(lines[first + 2 :], start=first + 3):
        if not line.strip():
            continue
        gaps = [line[stop : after[0]] for (_, stop), after in pairwise(spans)]
        if any(gap.strip() for gap in gaps) or line[spans[-1][1] :].strip():
            raise WorkloadError(
                f"{at(source, number)}: the cells do not stand below the dashes; a text of several lines or of wide "
                "letters moves them, print again with --parsable2"
            )
        rows.append(
            (number, [_uncut(line, *span, name, source, number) for span, name in zip(spans, names, strict=True)])
        )
    return names, rows


def _uncut(line: str, start: int, stop: int, name: str, source: str, number: int) -> str:
    """Return a cell; sacct marks a cut one by a plus in its last place."""
    text = line[start:stop].strip()
    if len(text) == stop - start and text.endswith("+") and name not in FREE_TEXTS and name != "state":
        raise WorkloadError(
            f"{at(source, number)}: column {name!r} is {text!r}, cut by sacct; print again with --parsable2, or with "
            f"a wider column such as {name}%30"
        )
    return text


def _words(lines: list[str], first: int, source: str) -> tuple[tuple[str, ...], list[tuple[int, Sequence[str]]]]:
    names = header_names(lines[first].split())
    rows: list[tuple[int, Sequence[str]]] = []
    for number, line in enumerate(lines[first + 1 :], start=first + 2):
        cells = line.split()
        if cells and len(cells) != len(names):
            raise WorkloadError(
                f"{at(source, number)}: {len(cells)} words, and the header has {len(names)}; without separators every "
                "cell is one word, print again with --parsable2"
            )
        if cells:
            rows.append((number, cells))
    return names, rows
