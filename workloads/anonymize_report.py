"""What an anonymisation did, as numbers and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wattq.workloads.anonymize_options import TIERS, AnonymizeOptions

__all__ = ["AnonymizeReport", "Anonymized", "anonymize_lines"]


@dataclass(frozen=True)
class AnonymizeReport:
    """Counts of an anonymisation.

    Attributes:
        form: ``swf`` or ``table``.
        n_read: rows read.
        n_written: rows written.
        n_suppressed: rows of groups that were too small.
        n_groups: groups of equal quasi-identifiers.
        n_small_groups: those that were suppressed.
        counted: what the size of a group counts: ``users``, or ``rows`` where the log names none.
        quasi: names of the quasi-identifiers.
        left_out: reason -> rows that are not written for another reason than their group.
        emptied: column -> cells that did not hold what the column is for, and were emptied.
        columns_left_out: names of the columns, or header keys, that were not written.
        work_suppressed: share of the core-seconds that was suppressed; None where the log does not say.
    """

    form: str
    n_read: int
    n_written: int
    n_suppressed: int
    n_groups: int
    n_small_groups: int
    counted: str
    quasi: tuple[str, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)
    emptied: Mapping[str, int] = field(default_factory=dict)
    columns_left_out: tuple[str, ...] = ()
    work_suppressed: float | None = None


@dataclass(frozen=True)
class Anonymized:
    """An anonymised log before it is written.

    Attributes:
        text: the whole content.
        report: counts.
        ids: the original users, groups and nodes, written or not, for the check of the file's name.
    """

    text: str
    report: AnonymizeReport
    ids: frozenset[str] = frozenset()


def anonymize_lines(report: AnonymizeReport, options: AnonymizeOptions) -> list[str]:
    """Return the lines of a report for people."""
    step = f", step {options.step_s} s" if options.tier == "silver" else ""
    lines = [f"tier {options.tier}: {TIERS[options.tier]}{step}"]
    lines.append(f"{report.n_read:,} rows read, {report.n_written:,} written")
    work = "" if report.work_suppressed is None else f", {report.work_suppressed:.1%} of the core-seconds"
    small = f"{report.n_small_groups:,} of {report.n_groups:,} groups have fewer than {options.k} {report.counted}"
    lines.append(f"  suppressed {report.n_suppressed:>9,}  {small}{work}")
    lines += [f"  left out   {count:>9,}  {reason}" for reason, count in report.left_out.items() if count]
    lines += [f"  emptied    {count:>9,}  cells of {name}" for name, count in report.emptied.items() if count]
    lines.append(f"  quasi-identifiers: {', '.join(report.quasi)}")
    if report.columns_left_out:
        lines.append(f"  not written: {', '.join(report.columns_left_out)}")
    return lines
