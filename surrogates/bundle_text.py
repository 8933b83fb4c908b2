"""A bundle's manifest for people and for programs."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from wattq.surrogates.bundle_manifest import Manifest, manifest_bytes, submission_date

__all__ = ["aligned", "figure_rows", "manifest_json", "manifest_lines", "training_lines"]

_COLUMNS = (
    ("MAE s", "mae_s", ",.0f"),
    ("MAPE", "mape", ".3g"),
    ("R2", "r2", ".3f"),
    ("Accuracy", "accuracy", ".3f"),
    ("Under", "under_rate", ".3f"),
    ("Coverage 90 %", "coverage", ".3f"),
    ("Upper under", "upper_under_rate", ".3f"),
    ("Upper / request", "upper_of_request", ".3f"),
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
    return [*lines, *_figure_lines(manifest.meta.metrics)]


def training_lines(manifest: Manifest) -> list[str]:
    """Return what `train` prints: the window and the figures on the jobs held out."""
    learned = f"{manifest.model}: learned from {_window(manifest)} of {manifest.meta.data.source}"
    figures = _figure_lines(manifest.meta.metrics)
    return [learned, *(figures or ["no jobs were held out: nothing is known of how good it is"])]


def figure_rows(held_out: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Return a table of figures, headings first; figures that are not defined are ``n/a``."""
    rows = [["Model", *(label for label, _, _ in _COLUMNS)]]
    for model, figures in held_out.items():
        values = ((figures.get(key), form) for _, key, form in _COLUMNS)
        rows.append([model, *("n/a" if value is None else format(value, form) for value, form in values)])
    return rows


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


def _figure_lines(metrics: Mapping[str, Any]) -> list[str]:
    held_out, count = metrics.get("held_out"), metrics.get("held_out_jobs")
    if not isinstance(held_out, dict) or not held_out or not isinstance(count, int):
        return []
    if not all(isinstance(figures, dict) for figures in held_out.values()):
        return []
    return ["", f"on {count:,} jobs submitted after that", *aligned(figure_rows(held_out))]


def _log(manifest: Manifest) -> str:
    return manifest.meta.data.source + (" (synthetic)" if manifest.meta.data.synthetic else "")


def _window(manifest: Manifest) -> str:
    data = manifest.meta.data
    first, last = (submission_date(data, at) for at in (data.first_submit_s, data.last_submit_s))
    until = "" if data.until_s is None else f", ended before {submission_date(data, data.until_s)}"
    return f"{data.jobs:,} jobs, submitted {first} to {last}{until}"
