"""Values of metrics, and the text that Prometheus scrapes."""

from __future__ import annotations

import math
import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, TypeVar

from wattq.errors import TelemetryError
from wattq.telemetry.exporters.vocabulary import Alias, Exporter, Metric, metrics_of
from wattq.telemetry.extras import need

if TYPE_CHECKING:
    from prometheus_client.core import Metric as Family

__all__ = ["Book", "Key", "Labels", "render"]

Labels = tuple[str, ...]
Key = TypeVar("Key", bound=Labels)


class Book:
    """The values of one exporter's metrics, which several threads may write and read.

    Only names of the vocabulary can be written. What was never set is absent from the text, not 0.

    Args:
        exporter: whose metrics these are.
        aliases: show the other names too.

    Attributes:
        version: grows with each change.
    """

    def __init__(self, exporter: Exporter, *, aliases: bool = True) -> None:
        self.metrics = {metric.name: metric for metric in metrics_of(exporter)}
        self.aliases = aliases
        self.version = 0
        self._values: dict[str, dict[Labels, float]] = {name: {} for name in self.metrics}
        self._counts: dict[str, dict[Labels, list[float]]] = {name: {} for name in self.metrics}
        self._lock = threading.Lock()

    def set(self, name: str, value: float, labels: Sequence[object] = ()) -> None:
        """Set a gauge or an info (to 1); NaN and infinite values are no readings and are left out."""
        key = self._key(name, ("gauge", "info"), labels)
        if math.isfinite(value):
            with self._lock:
                self.version += 1
                self._values[name][key] = 1.0 if self.metrics[name].kind == "info" else float(value)

    def replace(self, name: str, values: Mapping[Key, float]) -> None:
        """Replace all values of a gauge, or of a counter that something else counts: label sets not named go."""
        kinds = ("gauge", "counter")
        keyed = {self._key(name, kinds, key): float(value) for key, value in values.items() if math.isfinite(value)}
        with self._lock:
            self.version += self._values[name] != keyed
            self._values[name] = keyed

    def add(self, name: str, amount: float = 1.0, labels: Sequence[object] = ()) -> None:
        """Count further; an amount of 0 makes the counter appear.

        Raises:
            TelemetryError: the amount is negative or not finite.
        """
        key = self._key(name, ("counter",), labels)
        if not 0 <= amount < math.inf:
            raise TelemetryError(f"metric '{name}': {amount} to add; a counter never falls")
        with self._lock:
            self.version += 1
            self._values[name][key] = self._values[name].get(key, 0.0) + amount

    def observe(self, name: str, value: float, labels: Sequence[object] = ()) -> None:
        """Put a value into a histogram."""
        key = self._key(name, ("histogram",), labels)
        bounds = self.metrics[name].buckets
        with self._lock:
            self.version += 1
            counts = self._counts[name].setdefault(key, [0.0] * (len(bounds) + 1))
            counts[bisect_left(bounds, value)] += 1
            self._values[name][key] = self._values[name].get(key, 0.0) + value

    def value(self, name: str, labels: Sequence[object] = ()) -> float | None:
        """Return a value (the sum of a histogram); None where it was never set."""
        with self._lock:
            return self._values[name].get(tuple(map(str, labels)))

    def dump(self, names: Sequence[str]) -> dict[str, list[Any]]:
        """Return counters and histograms as JSON values, for `restore`."""
        with self._lock:
            return {
                name: [[list(key), value, self._counts[name].get(key, [])] for key, value in self._values[name].items()]
                for name in names
            }

    def restore(self, saved: Mapping[str, Sequence[Any]]) -> None:
        """Take over what `dump` returned.

        Raises:
            TelemetryError: it is not what `dump` returns.
        """
        self.version += 1
        try:
            for name, rows in saved.items():
                width = len(self.metrics[name].buckets) + 1
                for key, value, counts in rows:
                    if counts and len(counts) != width:
                        raise ValueError(f"{len(counts)} buckets of '{name}', not {width}")
                    labels = self._key(name, ("counter", "histogram"), key)
                    self._values[name][labels] = float(value)
                    if counts:
                        self._counts[name][labels] = [float(count) for count in counts]
        except (KeyError, TypeError, ValueError) as error:
            raise TelemetryError(f"saved counters cannot be read ({error}); remove the file to begin at 0") from None

    def collect(self) -> Iterator[Family]:
        """Yield the metrics that have values, each followed by its aliases (prometheus_client's protocol)."""
        with self._lock:
            values = {name: dict(found) for name, found in self._values.items() if found}
            counts = {name: {key: list(row) for key, row in self._counts[name].items()} for name in values}
        for name, found in values.items():
            metric = self.metrics[name]
            yield _family(metric, metric.name, metric.labels, metric.help, found, counts[name])
            for alias in metric.aliases if self.aliases else ():
                yield _alias_family(metric, alias, found, counts[name])

    def _key(self, name: str, kinds: Sequence[str], labels: Sequence[object]) -> Labels:
        metric = self.metrics.get(name)
        if metric is None or metric.kind not in kinds:
            raise TelemetryError(f"metric '{name}': no {' or '.join(kinds)} of this exporter; see its vocabulary")
        if len(labels) != len(metric.labels):
            raise TelemetryError(f"metric '{name}': {len(labels)} labels; it has {', '.join(metric.labels) or 'none'}")
        return tuple(map(str, labels))


def render(book: Book, accept: str = "") -> tuple[bytes, str]:
    """Return the text of a book and its content type, in the format that `accept` (an HTTP header) asks for.

    Raises:
        MissingDependencyError: prometheus_client is not installed.
    """
    need("prometheus_client", "telemetry", "an exporter")
    from prometheus_client.exposition import choose_encoder

    encode, content_type = choose_encoder(accept)
    return encode(book), content_type


def _alias_family(
    metric: Metric, alias: Alias, found: Mapping[Labels, float], counts: Mapping[Labels, list[float]]
) -> Family:
    names = metric.alias_labels(alias)
    values: dict[Labels, float] = {}
    for key, value in found.items():
        kept = tuple(text for name, text in zip(names, key, strict=True) if name)
        scaled = 1.0 if metric.kind == "info" else value * alias.factor
        values[kept] = scaled if metric.kind == "info" else values.get(kept, 0.0) + scaled
    labels = tuple(name for name in names if name)
    return _family(metric, alias.name, labels, f"Alias of {metric.name}: {metric.help}", values, counts)


def _family(
    metric: Metric,
    name: str,
    labels: Labels,
    text: str,
    values: Mapping[Labels, float],
    counts: Mapping[Labels, list[float]],
) -> Family:
    from prometheus_client.core import Metric as Family

    ending = {"counter": "_total", "info": "_info"}.get(metric.kind, "")
    family = Family(name.removesuffix(ending), text, metric.kind)
    for key, value in values.items():
        shown = dict(zip(labels, key, strict=True))
        if metric.kind == "histogram":
            _add_buckets(family, name, shown, metric.buckets, counts[key], value)
        else:
            family.add_sample(name, shown, value)
    return family


def _add_buckets(
    family: Family,
    name: str,
    labels: dict[str, str],
    bounds: Sequence[float],
    counts: Sequence[float],
    total: float,
) -> None:
    for bound, count in zip((*bounds, math.inf), accumulate(counts), strict=True):
        text = "+Inf" if bound == math.inf else repr(float(bound))
        family.add_sample(f"{name}_bucket", {**labels, "le": text}, count)
    family.add_sample(f"{name}_sum", labels, total)
    family.add_sample(f"{name}_count", labels, sum(counts))
