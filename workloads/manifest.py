"""The manifest of an anonymised log: what was done, and a digest to check what arrived.

It is handed on with the data, so it holds nothing of the original: no salt and no digest of it (a short salt could be
tried out), no digest of the input (who has a log could prove that it is this one), no name of the input.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from errno import EISDIR
from pathlib import Path
from typing import Any

from wattq import __version__
from wattq.errors import MissingFileError
from wattq.workloads.anonymize_options import AnonymizeOptions
from wattq.workloads.anonymize_report import AnonymizeReport
from wattq.workloads.files import sha256_hex

__all__ = ["FORMAT", "manifest_path", "manifest_text", "refreshed_manifest", "write_pair"]

FORMAT = "wattq-anonymized-1"
"""First value of a manifest."""


def manifest_path(out: Path) -> Path:
    """Return where the manifest of a file lies: beside it, with ``.manifest.json`` after its name."""
    return out.with_name(out.name + ".manifest.json")


def manifest_text(out: Path, data: bytes, report: AnonymizeReport, options: AnonymizeOptions) -> str:
    """Return the manifest of a file; the same input, salt and choices give the same text.

    Args:
        out: the file; its name alone is written.
        data: its content as it is stored (compressed, where it is).
        report: counts.
        options: choices.
    """
    content: dict[str, Any] = {
        "format": FORMAT,
        "tool": f"wattq {__version__}",
        "output": {"file": out.name, "bytes": len(data), "sha256": sha256_hex(data), "rows": report.n_written},
        "parameters": _parameters(report, options),
        "counts": _counts(report),
    }
    return json.dumps(content, indent=1) + "\n"


def _parameters(report: AnonymizeReport, options: AnonymizeOptions) -> dict[str, Any]:
    return {
        "form": report.form,
        "tier": options.tier,
        "date_step_s": options.step_s,
        "k": options.k,
        "group_size_counts": report.counted,
        "quasi_identifiers": list(report.quasi),
        "kept": list(options.keep),
        "hash": "HMAC-SHA256 with a secret salt",
    }


def _counts(report: AnonymizeReport) -> dict[str, Any]:
    return {
        "rows_read": report.n_read,
        "rows_written": report.n_written,
        "rows_suppressed": report.n_suppressed,
        "groups": report.n_groups,
        "groups_suppressed": report.n_small_groups,
        "rows_left_out": dict(report.left_out),
        "cells_emptied": sum(report.emptied.values()),
        # names of columns that are not written could themselves tell something
        "columns_left_out": len(report.columns_left_out),
    }


def refreshed_manifest(text: str, data: bytes, rows: int, note: Mapping[str, Any]) -> str | None:
    """Return a manifest for new content of its file, or None when the text is no manifest.

    Args:
        text: the manifest as it is.
        data: the new content as it is stored.
        rows: rows in it.
        note: what happened; added to the list ``purged``.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or content.get("format") != FORMAT or not isinstance(content.get("output"), dict):
        return None
    content["output"] |= {"bytes": len(data), "sha256": sha256_hex(data), "rows": rows}
    before = content.get("purged")
    content["purged"] = [*(before if isinstance(before, list) else []), dict(note)]
    return json.dumps(content, indent=1) + "\n"


def write_pair(out: Path, data: bytes, manifest: str) -> None:
    """Write a file and its manifest; both are complete on the disk before either gets its name.

    Raises:
        MissingFileError: the folder cannot be written; neither file is there then, or both are as they were.
    """
    places = [(manifest_path(out), manifest.encode()), (out, data)]
    parts = [path.with_name(path.name + ".part") for path, _ in places]
    try:
        for path, _ in places:
            if path.is_dir():  # a rename would fail after the first of the two
                raise IsADirectoryError(EISDIR, "Is a directory")
        out.parent.mkdir(parents=True, exist_ok=True)
        for part, (_, content) in zip(parts, places, strict=True):
            part.write_bytes(content)
        for part, (path, _) in zip(parts, places, strict=True):
            part.replace(path)
    except OSError as error:
        for part in parts:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        raise MissingFileError(f"{out}: cannot be written ({error.strerror or error}); choose another place") from None
