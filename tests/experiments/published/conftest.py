"""A tiny protocol and its trace, made on the spot."""

from __future__ import annotations

import gzip
import hashlib
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

ROWS = ((1, 0, 10, 3, 10), (2, 1, 5, 3, 5), (3, 2, 20, 1, 20), (4, 30, -1, 2, -1), (5, 31, 0, 1, 5))
"""Number, submission, run time, processors, requested time."""

HEADER = "; MaxNodes: 4\n; MaxProcs: 4\n"

TEXT = """
title: A tiny table
source: this test
simulation: {simulation}
traces:
  Tiny:
    files: [tiny.swf]
    sha256: "{digest}"
    origin: the place of tiny traces
  Other:
    files: [other.swf]
    sha256: "{zeros}"
    origin: the place of other traces
cleaning: {{processors: larger, {cleaning}}}
{sequences}
columns:
  A: {{{settings}}}
blocks:
  - title: values
    metric: {metric}
    published:
      Tiny: {{A: "{value}"}}
      Other: {{A: "1.0"}}
"""


def swf(rows: tuple[tuple[int, ...], ...] = ROWS, header: str = HEADER) -> bytes:
    lines = [
        f"{number} {submit} -1 {run} {size} -1 -1 {size} {request} -1 1 1 1 1 1 1 -1 -1"
        for number, submit, run, size, request in rows
    ]
    return (header + "\n".join(lines) + "\n").encode()


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """Write a protocol and, in a folder, its trace; returns both paths."""

    def write(
        *,
        content: bytes | None = None,
        name: str = "tiny.swf",
        digest: str = "",
        simulation: str = "picks",
        settings: str = "score: fcfs, backfill: head_once",
        cleaning: str = "negative_run_s: 10.0, missing_request: run_time",
        sequences: str = "",
        metric: str = "flow_time",
        value: str = "18.00",
    ) -> tuple[Path, Path]:
        plain = swf() if content is None else content
        folder, protocol = tmp_path / "traces", tmp_path / "tiny.yaml"
        folder.mkdir(exist_ok=True)
        packed = (
            gzip.compress(plain) if name.endswith(".gz") else lzma.compress(plain) if name.endswith(".xz") else plain
        )
        (folder / name).write_bytes(packed)
        text = TEXT.format(
            simulation=simulation,
            digest=digest or hashlib.sha256(plain).hexdigest(),
            zeros="0" * 64,
            cleaning=cleaning,
            settings=settings,
            sequences=sequences,
            metric=metric,
            value=value,
        )
        protocol.write_text(text, encoding="utf-8")
        return protocol, folder

    return write
