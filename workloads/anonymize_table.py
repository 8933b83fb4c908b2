"""Accounting tables (sacct, CSV) without identities, column by column; columns of no known use are not written."""

from __future__ import annotations

from wattq.errors import InvalidInputError, WorkloadError
from wattq.workloads.anonymize_columns import FREE_TEXT, HASHED, ROLES, VOCABULARY, plain
from wattq.workloads.anonymize_frame import TableFrame, written_cells
from wattq.workloads.anonymize_groups import Groups, group_rows
from wattq.workloads.anonymize_hash import Pseudonyms
from wattq.workloads.anonymize_options import AnonymizeOptions
from wattq.workloads.anonymize_report import Anonymized, AnonymizeReport
from wattq.workloads.anonymize_rows import RawTable, parse_table, table_text
from wattq.workloads.anonymize_search import IdSearch

__all__ = ["anonymize_table"]

_SINGLE = ("submit", "eligible", "start", "end")
_NOT_IN = {
    "gold": frozenset[str](),
    "silver": frozenset({"spent"}),
    "bronze": frozenset({*HASHED, "eligible", "spent", "tres"}),
}
"""Roles of columns that a tier does not write; what was spent tells the run time to the second."""
_STEPS = "steps of jobs"
_MISFITS = "lines that do not fit the header"
_WORK_SIZES = ("ncpus", "alloccpus", "processorsreq", "reqcpus", "nnodes", "allocnodes", "nodesreq", "hosts")
_LEAST_NAME = 8


def anonymize_table(data: bytes, source: str, pseudonyms: Pseudonyms, options: AnonymizeOptions) -> Anonymized:
    """Return a table without identities, in the form of the one that is given.

    Args:
        data: the plain content: what ``sacct --parsable2`` or ``--parsable`` prints, or CSV with a header.
        source: name of the file, for messages.
        pseudonyms: of the salt.
        options: choices; `keep` and `quasi` name columns, in any case and with or without underscores.

    Raises:
        WorkloadError: the table breaks its format, nothing is left of it, or a kept column holds an original id.
        InvalidInputError: a column that is named is not there, or not written.
    """
    table = parse_table(data, source)
    roles = _roles(table, options)
    if not set(roles.values()) - {"keep"}:
        raise WorkloadError(
            f"{source}: no column of the header is known ({', '.join(table.names)[:200]}); "
            "columns are named as sacct does, such as User, Submit, Start, End, NCPUS"
        )
    frame, left_out = _frame(table, roles)
    if not frame.n_rows:
        raise WorkloadError(f"{source}: no jobs; a table has one row for each job below its header")
    written, emptied = written_cells(frame, pseudonyms, options)
    quasi = _quasi(table, roles, options)
    groups = _groups(frame, written, quasi, options)
    if all(groups.suppressed):
        raise WorkloadError(
            f"{source}: every group has fewer than {options.k} {groups.counted}, nothing is left; "
            "name fewer quasi-identifiers, or choose a coarser tier or a smaller k"
        )
    _search(frame)
    written = {name: _left(cells, groups) for name, cells in written.items()}
    if options.tier == "bronze":
        written |= {name: _counted(cells) for name, cells in written.items() if roles[name] == "job"}
    rows = list(zip(*written.values(), strict=True))
    text = table_text(list(written), rows, table.delimiter, trailing=table.trailing)
    return Anonymized(text, _report(table, frame, groups, quasi, left_out, emptied), _ids(frame))


def _roles(table: RawTable, options: AnonymizeOptions) -> dict[str, str]:
    """Return the role of each column that is written, in the order of the table."""
    kept = {_find(name, table, "--keep") for name in options.keep}
    roles: dict[str, str] = {}
    for name in table.names:
        role = ROLES.get(plain(name))
        if name in kept:
            if role in HASHED or role == "job":
                raise InvalidInputError(f"--keep '{name}': the column holds ids, which are written as pseudonyms alone")
            roles[name] = "keep"
        elif role and role not in _NOT_IN[options.tier] and not (role in _SINGLE and role in roles.values()):
            roles[name] = role
    return roles


def _find(wanted: str, table: RawTable, option: str) -> str:
    for name in table.names:
        if plain(name) == plain(wanted):
            return name
    raise InvalidInputError(f"{option} '{wanted}': no such column; the columns are {', '.join(table.names)}")


def _frame(table: RawTable, roles: dict[str, str]) -> tuple[TableFrame, dict[str, int]]:
    jobs = [place for place, name in enumerate(table.names) if ROLES.get(plain(name)) == "job"]
    rows: list[tuple[str, ...]] = []
    left_out = {_STEPS: 0, _MISFITS: 0}
    for row in table.rows:
        if row.cells is None:
            left_out[_MISFITS] += 1
        elif any("." in row.cells[place] for place in jobs):
            left_out[_STEPS] += 1
        else:
            rows.append(row.cells)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(table.names)
    all_roles = {name: ROLES.get(plain(name), "") for name in table.names}
    return TableFrame(dict(zip(table.names, columns, strict=True)), all_roles, roles), left_out


def _quasi(table: RawTable, roles: dict[str, str], options: AnonymizeOptions) -> tuple[str, ...]:
    if not options.quasi:
        found = tuple(name for name, role in roles.items() if role in ("size", "queue"))
        if found or options.k == 1:
            return found
        raise InvalidInputError("--quasi: the table has no column of sizes or queues; name its quasi-identifiers")
    names = tuple(dict.fromkeys(_find(name, table, "--quasi") for name in options.quasi))
    for name in names:
        why = "it is not written" if name not in roles else None
        if roles.get(name) == "user":
            why = "it is what the size of a group counts"
        if roles.get(name) == "job":
            why = "it is different in each row"
        if why:
            raise InvalidInputError(f"--quasi '{name}': cannot be a quasi-identifier, {why}; name another column")
    return names


def _left(cells: list[str], groups: Groups) -> list[str]:
    return [cell for cell, lost in zip(cells, groups.suppressed, strict=True) if not lost]


def _counted(cells: list[str]) -> list[str]:
    return [str(row) for row in range(1, len(cells) + 1)]


def _groups(
    frame: TableFrame, written: dict[str, list[str]], quasi: tuple[str, ...], options: AnonymizeOptions
) -> Groups:
    keys = list(zip(*(written[name] for name in quasi), strict=True)) if quasi else [()] * frame.n_rows
    return group_rows(keys, frame.people(), options.k)


def _ids(frame: TableFrame) -> frozenset[str]:
    wanted = [name for name, role in frame.all_roles.items() if role in ("user", "group", "node", "nodes")]
    return frozenset(word for name in wanted for word in frame.different_ids(name))


def _search(frame: TableFrame) -> None:
    """Refuse columns that are kept as they are and hold an id of another column."""
    kept = [name for name, role in frame.roles.items() if role == "keep"]
    if not kept:
        return
    search = IdSearch(_sought(frame))
    for name in kept:
        texts = [name, *dict.fromkeys(frame.columns[name])]
        for text in texts:
            if found := search.find(text):
                raise WorkloadError(
                    f"--keep '{name}': the original id '{found}' stands in '{text[:80]}'; leave the column out"
                )


def _sought(frame: TableFrame) -> set[str]:
    """Return the ids of all columns, written or not; short job names are ordinary words and not sought."""
    found: set[str] = set()
    for name, role in frame.all_roles.items():
        if role in HASHED:
            ids = frame.different_ids(name)
            found |= {word for word in ids if len(word) >= _LEAST_NAME} if plain(name) in FREE_TEXT else ids
    return found - VOCABULARY["unknown"]


def _report(
    table: RawTable,
    frame: TableFrame,
    groups: Groups,
    quasi: tuple[str, ...],
    left_out: dict[str, int],
    emptied: dict[str, int],
) -> AnonymizeReport:
    work = frame.work(_WORK_SIZES)
    total = sum(work) if work else 0.0
    lost = sum(value for value, gone in zip(work or (), groups.suppressed, strict=False) if gone)
    n_suppressed = sum(groups.suppressed)
    return AnonymizeReport(
        form="table",
        n_read=len(table.rows),
        n_written=frame.n_rows - n_suppressed,
        n_suppressed=n_suppressed,
        n_groups=groups.n_groups,
        n_small_groups=groups.n_small,
        counted=groups.counted,
        quasi=quasi,
        left_out=left_out,
        emptied=emptied,
        columns_left_out=tuple(name for name in table.names if name not in frame.roles),
        work_suppressed=lost / total if total > 0 else None,
    )
