"""Public series on this machine: found in a folder, in the cache, or downloaded and checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from wattq.errors import MissingFileError, SignalError, WorkloadError
from wattq.telemetry.series_catalogue import find_series_entry
from wattq.workloads.fetch import fetch_file, find_file

__all__ = ["find_series", "get_series", "locate_series", "series_dirs"]

T = TypeVar("T")
_ENDINGS = (".csv", ".json", ".parquet", ".gz", ".xz")


def series_dirs() -> list[Path]:
    """Return the folders searched first: ``data`` here, and ``shared/data/carbon`` and ``price`` beside a checkout."""
    here, checkout = Path.cwd(), Path(__file__).resolve().parent.parent
    shared = [root.parent / "shared" / "data" / kind for root in (here, checkout) for kind in ("carbon", "price")]
    return [place for place in dict.fromkeys([here / "data", *shared]) if place.is_dir()]


def find_series(name: str, data_dirs: Sequence[str | Path] = ()) -> Path | None:
    """Return the file of a series of the catalogue if it lies on this machine, checked, else None.

    Searched in turn: `data_dirs`, the folders of $WATTQ_DATA_PATH, the cache. Plain, gzip and xz files count.

    Raises:
        InvalidInputError: when the name is not in the catalogue.
        SignalError: when the file found is not the catalogue's.
    """
    entry = find_series_entry(name)
    return _as_signal_error(lambda: find_file(entry, data_dirs))


def get_series(name: str, *, data_dirs: Sequence[str | Path] = (), offline: bool = False) -> Path:
    """Return the file of a series, downloading it into the cache when it is not on this machine.

    Args:
        name: name in the catalogue, upper or lower case.
        data_dirs: folders searched first.
        offline: never download.

    Raises:
        InvalidInputError: when the name is not in the catalogue.
        MissingFileError: when the series is not here and cannot be fetched; the message says where to put it by hand.
        SignalError: when content differs from the catalogue's sha256.
    """
    entry = find_series_entry(name)
    return _as_signal_error(lambda: fetch_file(entry, data_dirs=data_dirs, offline=offline))


def locate_series(text: str | Path, *, data_dirs: Sequence[str | Path] = (), offline: bool = False) -> Path:
    """Return the file that a user means by a path or by a name of the catalogue; a file that exists wins.

    Raises:
        MissingFileError: when the path does not exist and looks like one, or the series cannot be fetched.
        InvalidInputError: when it is neither a file nor a name of the catalogue.
        SignalError: when a file of the catalogue has other content.
    """
    path = Path(text)
    if path.is_file():
        return path
    if os.sep in str(text) or path.name.endswith(_ENDINGS):
        raise MissingFileError(
            f"{text}: no such file; check the path, or give a name of the catalogue (wattq data list)"
        )
    return get_series(str(text), data_dirs=data_dirs, offline=offline)


def _as_signal_error(work: Callable[[], T]) -> T:
    try:
        return work()
    except WorkloadError as error:
        raise SignalError(str(error)) from None
