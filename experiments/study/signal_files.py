"""Files of grid series: found by path or beside the checkout, read, and written for policies."""

from __future__ import annotations

from pathlib import Path

from wattq.experiments.study.keys import GridSpec
from wattq.platforms.signals import Signal

__all__ = ["read_series", "write_series"]


def read_series(path: str, quantity: str, spec: GridSpec, base: Path | None) -> Signal:
    raise NotImplementedError


def write_series(signal: Signal, path: Path) -> None:
    raise NotImplementedError
