"""A bundle's manifest for people and for programs."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from wattq.surrogates.bundle_manifest import Manifest, manifest_bytes, submission_date

__all__ = ["aligned", "figure_rows", "manifest_json", "manifest_lines", "training_lines"]

_RUNTIME = (
    ("MAE s", "mae_s", ",.0f"),
    ("MAPE", "mape", ".3g"),
    ("R2", "r2", ".3f"),
    ("Accuracy", "accuracy", ".3f"),
    ("Under", "under_rate", ".3f"),
    ("Coverage 90 %", "coverage", ".3f"),
    ("Upper under", "upper_under_rate", ".3f"),
    ("Upper / request", "upper_of_request", ".3f"),
)
_ENERGY = (
    ("Jobs", "jobs", ",d"),
    ("Power MAPE", "power_mape", ".1%"),
    ("Energy MAPE", "energy_mape", ".1%"),
    ("Coverage 90 %", "coverage", ".3f"),
    ("Width", "width", ".3f"),
)


def manifest_json(manifest: Manifest) -> str:
    """Return the manifest as JSON, as it lies in the bundle."""
    return manifest_bytes(manifest).decode().rstrip("\n")


def manifest_lines(manifest: Manifest) -> list[str]:
    """Return the manifest as lines of text."""
    rows = {
        "model": f"{manifest.model} ({manifest.meta.kind})",
        "features": f"{len(manifest.features)}: {', '.join(manifest.features)}",
        "log": _log(manifest),
        "log sha256": manifest.meta.data.sha256,
        "window": _window(manifest),
        "labels": manifest.meta.label_source,
        "seed": str(manifest.meta.seed),
        "made with": ", ".join(f"{name} {version}" for name, version in sorted(manifest.versions.items())),
        "arrays": str(len(manifest.arrays)),
        "digest": manifest.digest,
    }
    lines = []
    for name, words in rows.items():
        wrapped = textwrap.wrap(words, 100, break_long_words=False) or [""]
        lines += [f"{name if not place else '':<11}{line}" for place, line in enumerate(wrapped)]
    return [_printable(line) for line in (*lines, *_figure_lines(manifest))]


def training_lines(manifest: Manifest) -> list[str]:
    """Return what `train` prints: the window and the figures on the jobs held out."""
    learned = f"{manifest.model}: learned from {_log(manifest)}: {_window(manifest)}"
    figures = _figure_lines(manifest)
    lines = [learned, *(figures or ["no jobs were held out: nothing is known of how good it is"])]
    return [_printable(line) for line in lines]


def figure_rows(held_out: Mapping[str, Mapping[str, Any]], kind: str = "runtime") -> list[list[str]]:
    """Return a table of figures, headings first; figures that are not defined are ``n/a``."""
    columns = _ENERGY if kind == "energy" else _RUNTIME
    rows = [["Model", *(label for label, _, _ in columns)]]
    for model, figures in held_out.items():
        rows.append([model, *(_figure(figures.get(key), form) for _, key, form in columns)])
    return rows


def _printable(line: str) -> str:
    """Return a line without what would steer a terminal; a bundle of others may hold it."""
    return "".join(character if character.isprintable() else "?" for character in line)


def _figure(value: Any, form: str) -> str:
    try:
        return format(value, form)
    except (TypeError, ValueError, OverflowError):
        return "n/a"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows, the first one headings, as lines in columns; the first column left-aligned, the others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width) for place, (cell, width) in enumerate(pairs)
        ).rstrip()
        for pairs in (list(zip(row, widths, strict=True)) for row in rows)
    ]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def _figure_lines(manifest: Manifest) -> list[str]:
    """Return the figures on what was held out; a bundle of others may have none, or other ones."""
    metrics = manifest.meta.metrics
    held_out, count, by = (metrics.get(name) for name in ("held_out", "held_out_jobs", "held_out_by"))
    if not isinstance(held_out, dict) or not held_out:
        return []
    if not all(isinstance(figures, dict) for figures in held_out.values()):
        return []
    what = f"on {count:,} jobs submitted after that" if isinstance(count, int) else f"each {by} held out in turn"
    ordered = {name: held_out[name] for name in sorted(held_out, key=lambda name: (name != manifest.model, name))}
    return ["", what, *aligned(figure_rows(ordered, manifest.meta.kind))]


def _log(manifest: Manifest) -> str:
    return manifest.meta.data.source + (" (synthetic)" if manifest.meta.data.synthetic else "")


def _window(manifest: Manifest) -> str:
    data = manifest.meta.data
    if data.first_submit_s is None or data.last_submit_s is None:
        return f"{data.jobs:,} jobs"
    first, last = (submission_date(data, at) for at in (data.first_submit_s, data.last_submit_s))
    until = "" if data.until_s is None else f", ended before {submission_date(data, data.until_s)}"
    return f"{data.jobs:,} jobs, submitted {first} to {last}{until}"
