"""A cleaning report in words."""

from __future__ import annotations

from wattq.workloads.model import CleaningReport

__all__ = ["report_lines"]


def report_lines(report: CleaningReport) -> list[str]:
    """Return the lines of a report for people: totals, each reason with its count, warnings."""
    lines = [f"{report.source} (sha256 {report.sha256}): {report.n_read} rows read, {report.n_kept} jobs kept"]
    for title, counts in (("dropped", report.dropped), ("repaired", report.repaired)):
        lines += [f"  {title} {count:>9,}  {reason}" for reason, count in counts.items()]
    lines += [f"  note: {warning}" for warning in report.warnings]
    return lines
