"""A signal in a few words and numbers, for people."""

from __future__ import annotations

from collections import Counter

import numpy as np

from wattq.platforms.signals.clock import iso_text
from wattq.platforms.signals.series import Signal

__all__ = ["signal_summary"]

_GAP_WORDS = "filled by the rule"


def signal_summary(signal: Signal) -> dict[str, str | int | float | bool]:
    """Return quantity, unit, region, span, steps, mean over time, range, filled gaps, zone and origin of a signal.

    Numbers keep six significant digits; the mean is that over time, not over rows.
    """
    start, end = float(signal.start_s[0]), signal.end_s
    negative = float(np.diff(signal.edges_s)[signal.value < 0].sum()) / 3600
    gaps = [note for note in signal.notes if _GAP_WORDS in note]
    return {
        "quantity": signal.quantity,
        "unit": signal.unit,
        "region": signal.region,
        "kind": " ".join(word for word in (signal.kind, signal.scope) if word),
        "source": signal.source,
        "from": iso_text(start),
        "to": iso_text(end),
        "time zone": signal.time_zone,
        "values": int(signal.value.size),
        "hours": _digits((end - start) / 3600),
        "steps": _steps(signal),
        "mean": _digits(signal.mean(start, end)),
        "min": _digits(float(signal.value.min())),
        "max": _digits(float(signal.value.max())),
        "negative hours": _digits(negative),
        "gaps": gaps[0].partition(";")[0] + ", filled" if gaps else "none",
        "sha256": signal.sha256,
        "synthetic": signal.synthetic,
    }


def _steps(signal: Signal) -> str:
    counted = Counter(np.round(np.diff(signal.edges_s) / 60, 3).tolist()).most_common(4)
    words = [f"{count} of {minutes:g} min" for minutes, count in counted]
    return ", ".join(words)


def _digits(number: float) -> float:
    return float(f"{number:.6g}")
