"""What a feature is, and what none may be."""

from __future__ import annotations

from dataclasses import dataclass

from wattq.errors import SurrogateError

__all__ = ["FORBIDDEN", "GROUPS", "Feature"]

GROUPS = ("request", "time", "user", "group", "similar", "system")
"""Groups of features, in the order of their columns."""

FORBIDDEN = frozenset(
    (
        *("start_s", "run_s", "end_s", "wait_s", "status", "cpu_s", "runtime_s", "turnaround_s", "slowdown"),
        *("start", "run", "end", "wait", "cpu", "runtime", "memory", "allocated", "energy_j", "power_w", "killed"),
    )
)
"""Names of outcomes of the job itself: no feature may have one of them."""


@dataclass(frozen=True)
class Feature:
    """One column of a table of features.

    Attributes:
        name: its name; times end in ``_s``.
        unit: ``s``, ``1`` (a count, a share or a ratio), ``h``, ``d`` or ``s*host``.
        group: one of `GROUPS`.
        doc: what it holds; where it is unknown the value is NaN.

    Raises:
        SurrogateError: when it is named like an outcome, or its group is unknown.
    """

    name: str
    unit: str
    group: str
    doc: str

    def __post_init__(self) -> None:
        if self.name in FORBIDDEN:
            raise SurrogateError(f"feature {self.name!r}: an outcome of the job, which its submission does not know")
        if self.group not in GROUPS:
            raise SurrogateError(f"feature {self.name!r}, group {self.group!r}: it must be one of {', '.join(GROUPS)}")
