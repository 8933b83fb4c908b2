"""What a metric is: name, kind, labels, unit, help, and the other names under which it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Alias", "Exporter", "Kind", "Metric"]

Kind = Literal["gauge", "counter", "histogram", "info"]
Exporter = Literal["node", "slurm", "api"]


@dataclass(frozen=True)
class Alias:
    """Another name for a metric, such as the one that existing dashboards ask for.

    Attributes:
        name: the name as it is scraped, ``_total`` and ``_info`` included.
        labels: its labels, one for each label of the metric and in that order; those of the metric when empty.
            An empty text leaves that label out: values that then have the same labels are added.
        factor: value of the alias over value of the metric, such as 100 where a ratio becomes a percentage.
    """

    name: str
    labels: tuple[str, ...] = ()
    factor: float = 1.0


@dataclass(frozen=True)
class Metric:
    """A metric of one exporter.

    Attributes:
        name: canonical name as it is scraped, ``_total`` and ``_info`` included; histograms without ``_bucket``.
        kind: gauge, counter, histogram, or info (always 1, what it says is in its labels).
        exporter: who shows it.
        labels: names of its labels; an info may have any.
        unit: base unit of its value; empty where it counts or is a state.
        help: what it is, one line.
        aliases: its other names.
        buckets: upper bounds of a histogram, in `unit`, without +Inf.
    """

    name: str
    kind: Kind
    exporter: Exporter
    labels: tuple[str, ...]
    unit: str
    help: str
    aliases: tuple[Alias, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The canonical name and the aliases."""
        return (self.name, *(alias.name for alias in self.aliases))

    def alias_labels(self, alias: Alias) -> tuple[str, ...]:
        """Return the labels of an alias, in the order of the metric's; an empty one is left out."""
        return alias.labels or self.labels
