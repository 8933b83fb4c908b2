"""What a feature is."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GROUPS", "Feature"]

GROUPS = ("request", "time", "user", "group", "similar", "system")
"""Groups of features, in the order of their columns."""


@dataclass(frozen=True)
class Feature:
    """One column of a table of features.

    Attributes:
        name: its name; times end in ``_s``.
        unit: ``s``, ``1`` (a count, a share or a ratio), ``h``, ``d`` or ``s*host``.
        group: one of `GROUPS`.
        doc: what it holds; where it is unknown the value is NaN.
    """

    name: str
    unit: str
    group: str
    doc: str
