"""SWF logs without identities: ids hashed, header of numbers only, times and sizes by tier, small groups suppressed."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wattq import __version__
from wattq.errors import InvalidInputError, WorkloadError
from wattq.workloads.anonymize_groups import Groups, group_rows
from wattq.workloads.anonymize_hash import Pseudonyms
from wattq.workloads.anonymize_options import AnonymizeOptions
from wattq.workloads.anonymize_report import Anonymized, AnonymizeReport
from wattq.workloads.anonymize_rounding import coarse_dates, coarse_sizes, coarse_spans, floor_to
from wattq.workloads.anonymize_search import ids_named_in
from wattq.workloads.profiles import number_text
from wattq.workloads.swf import FIELDS, SwfTable, parse_swf_table
from wattq.workloads.swf_header import GENERATED_NOTE, first_integer

__all__ = ["anonymize_swf"]

_Numbers = NDArray[np.float64]

_HASHED = {"user": "user", "group": "group", "executable": "executable"}
_NAMELESS = ("user", "group", "executable", "queue", "partition", "preceding", "think")
"""Columns that tier bronze leaves unknown."""
_SIZES = ("allocated", "requested", "memory", "request_memory")
_QUASI = ("requested", "allocated", "queue", "partition")
_NUMBERS_OF_GOLD = ("MaxRuntime", "MaxMemory")
_REFUSED_QUASI = {"user": "it is what the size of a group counts", "number": "rows are numbered afresh"}


def anonymize_swf(data: bytes, source: str, pseudonyms: Pseudonyms, options: AnonymizeOptions) -> Anonymized:
    """Return a log without identities.

    Users, groups and executables get pseudonyms, jobs are numbered afresh, queues and partitions stay numbers without
    names (tier bronze writes none of these). The header keeps numbers and the time zone; its free texts are left out
    unless `options.keep` names their key.

    Args:
        data: the plain content.
        source: name of the file, for messages.
        pseudonyms: of the salt.
        options: choices.

    Raises:
        WorkloadError: the log breaks its format, nothing is left of it, or a kept text names an id.
        InvalidInputError: a quasi-identifier or a key to keep is not there.
    """
    table = parse_swf_table(data, source)
    columns = _coarse_columns(table, options)
    for name, kind in _HASHED.items():
        columns[name] = _hashed(columns[name], kind, pseudonyms, f"{source}: column {name}")
    quasi = _quasi(options)
    groups = _groups(table, columns, quasi, options)
    kept = ~np.array(groups.suppressed, dtype=bool)
    if not kept.any():
        raise WorkloadError(
            f"{source}: every group has fewer than {options.k} {groups.counted}, nothing is left; "
            "name fewer quasi-identifiers, or choose a coarser tier or a smaller k"
        )
    columns = {name: values[kept] for name, values in columns.items()}
    _renumber(columns)
    ids = _ids(table)
    header, left_out = _header(table, options, int(kept.sum()), ids)
    rows = "\n".join(map(" ".join, zip(*(_texts(columns[name]) for name in FIELDS), strict=True)))
    return Anonymized("\n".join([*header, rows, ""]), _report(table, kept, groups, quasi, left_out), ids)


def _ids(table: SwfTable) -> frozenset[str]:
    values = np.unique(np.concatenate([table.column(name) for name in _HASHED]))
    return frozenset(number_text(value) for value in values.tolist() if value >= 0)


def _coarse_columns(table: SwfTable, options: AnonymizeOptions) -> dict[str, _Numbers]:
    columns = {name: table.column(name).copy() for name in FIELDS}
    if options.tier == "gold":
        return columns
    columns |= _coarse_times(table, options)
    for name in ("cpu", "think"):
        known = columns[name] > 0
        down = floor_to(columns[name], options.step_s) if options.tier == "silver" else None
        columns[name] = (
            np.where(known, down, columns[name]) if down is not None else coarse_spans(columns[name], options)
        )
    columns["request_s"] = coarse_spans(columns["request_s"], options)
    if options.tier == "bronze":
        for name in _SIZES:
            # no job larger than the machine, which the largest job does not exceed
            columns[name] = coarse_sizes(columns[name], options, most=float(columns[name].max(initial=0)))
        columns |= {name: np.full(table.n_rows, -1.0) for name in _NAMELESS}
    return columns


def _coarse_times(table: SwfTable, options: AnonymizeOptions) -> dict[str, _Numbers]:
    submit, wait, run = (_known(table.column(name)) for name in ("submit", "wait", "run"))
    new_submit, new_start, new_end = coarse_dates(submit, submit + wait, submit + wait + run, options)
    # durations whose dates are not known are rounded by themselves
    new_wait = np.where(np.isnan(submit + wait), coarse_spans(wait, options), new_start - new_submit)
    new_run = np.where(np.isnan(submit + wait + run), coarse_spans(run, options), new_end - new_start)
    times = {"submit": new_submit, "wait": new_wait, "run": new_run}
    return {name: np.nan_to_num(values, nan=-1.0) for name, values in times.items()}


def _known(values: _Numbers) -> _Numbers:
    known: _Numbers = np.where(values >= 0, values, np.nan)
    return known


def _hashed(values: _Numbers, kind: str, pseudonyms: Pseudonyms, place: str) -> _Numbers:
    different, index = np.unique(values, return_inverse=True)
    if not np.all(different == np.floor(different)):
        wrong = number_text(float(different[different != np.floor(different)][0]))
        raise WorkloadError(f"{place} holds {wrong}; ids are whole numbers, mend the rows")
    made = [float(pseudonyms.text(kind, number_text(value))) if value >= 0 else -1.0 for value in different.tolist()]
    return np.array(made, dtype=np.float64)[index]


def _quasi(options: AnonymizeOptions) -> tuple[str, ...]:
    unknown = _NAMELESS if options.tier == "bronze" else ()
    if not options.quasi:
        return tuple(name for name in _QUASI if name not in unknown)
    for name in options.quasi:
        if name not in FIELDS:
            raise InvalidInputError(f"--quasi '{name}': no column of SWF; the columns are {', '.join(FIELDS)}")
        why = _REFUSED_QUASI.get(name) or (f"tier {options.tier} does not write it" if name in unknown else None)
        if why:
            raise InvalidInputError(f"--quasi '{name}': cannot be a quasi-identifier, {why}; name another column")
    return tuple(dict.fromkeys(options.quasi))


def _groups(
    table: SwfTable, columns: Mapping[str, _Numbers], quasi: tuple[str, ...], options: AnonymizeOptions
) -> Groups:
    keys = list(zip(*(columns[name].tolist() for name in quasi), strict=True))
    people = [user if user >= 0 else None for user in table.column("user").tolist()]
    return group_rows(keys, people, options.k)


def _renumber(columns: dict[str, _Numbers]) -> None:
    """Number the rows from 1, and let the preceding jobs follow; those that are not written become unknown."""
    new: dict[float, int] = {}
    for row, number in enumerate(columns["number"].tolist(), start=1):
        new.setdefault(number, row)
    preceding = [new.get(number, -1) if number > 0 else -1 for number in columns["preceding"].tolist()]
    columns["number"] = np.arange(1.0, len(columns["number"]) + 1)
    columns["preceding"] = np.array(preceding, dtype=np.float64)
    columns["think"] = np.where(columns["preceding"] > 0, columns["think"], -1.0)


def _header(
    table: SwfTable, options: AnonymizeOptions, n_rows: int, ids: frozenset[str]
) -> tuple[list[str], tuple[str, ...]]:
    fields: list[tuple[str, str]] = [("Version", "2.2"), ("MaxJobs", str(n_rows)), ("MaxRecords", str(n_rows))]
    fields += _safe_fields(table, options)
    if table.header.synthetic:
        fields.append(("Note", GENERATED_NOTE))
    step = f", step {options.step_s} s" if options.tier == "silver" else ""
    fields.append(("Note", f"anonymized by wattq {__version__}: tier {options.tier}{step}, k {options.k}"))
    fields += [field for field in _kept_fields(table, options, ids) if field not in fields]
    left_out = tuple(key for key in table.header.fields if key not in dict(fields))
    return [f"; {key}: {value}" for key, value in fields], left_out


def _safe_fields(table: SwfTable, options: AnonymizeOptions) -> list[tuple[str, str]]:
    header = table.header
    found: list[tuple[str, str]] = []
    unix_start = header.integer("UnixStartTime")
    if unix_start is not None:
        found.append(("UnixStartTime", str(unix_start // options.step_s * options.step_s)))
    offset = first_integer(header.text("TimeZone"))
    if offset is not None and abs(offset) <= 86400:
        found.append(("TimeZone", str(offset)))
    if _is_zone(header.text("TimeZoneString").strip()):
        found.append(("TimeZoneString", header.text("TimeZoneString").strip()))
    numbers = ("MaxNodes", "MaxProcs", *(_NUMBERS_OF_GOLD if options.tier == "gold" else ()))
    return found + [(key, str(value)) for key in numbers if (value := header.integer(key)) is not None]


def _is_zone(name: str) -> bool:
    try:
        return bool(name) and bool(ZoneInfo(name).key)
    except (LookupError, ValueError, OSError):
        return False


def _kept_fields(table: SwfTable, options: AnonymizeOptions, ids: frozenset[str]) -> list[tuple[str, str]]:
    found = []
    for key in dict.fromkeys(options.keep):
        if key not in table.header.fields:
            there = ", ".join(table.header.fields) or "none"
            raise InvalidInputError(f"--keep '{key}': the header has no such key; its keys are {there}")
        for value in table.header.fields[key]:
            if named := ids_named_in(value, ids):
                raise WorkloadError(
                    f"--keep '{key}': the text names the id {named[0]} of the log; leave the key out, or mend the text"
                )
            found.append((key, "\n;   ".join(value.split("\n"))))
    return found


def _report(
    table: SwfTable, kept: NDArray[np.bool_], groups: Groups, quasi: tuple[str, ...], left_out: tuple[str, ...]
) -> AnonymizeReport:
    size = np.maximum(table.column("allocated"), table.column("requested"))
    work = np.maximum(table.column("run"), 0) * np.maximum(size, 0)
    total = float(work.sum())
    return AnonymizeReport(
        form="swf",
        n_read=table.n_rows,
        n_written=int(kept.sum()),
        n_suppressed=int((~kept).sum()),
        n_groups=groups.n_groups,
        n_small_groups=groups.n_small,
        counted=groups.counted,
        quasi=quasi,
        columns_left_out=left_out,
        work_suppressed=float(work[~kept].sum()) / total if total > 0 else None,
    )


def _texts(values: _Numbers) -> list[str]:
    if np.all(values == np.floor(values)):
        return list(map(str, values.astype(np.int64).tolist()))
    return [number_text(value) for value in values.tolist()]
