"""Grid series of a training: by path, or by a name that someone told how to find."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from wattq.errors import MissingFileError
from wattq.platforms.signals import Signal, read_signal
from wattq.schedulers.rl.training.backfill_options import SignalFile

__all__ = ["find_series_by", "read_series"]

Finder = Callable[[str], Mapping[str, str]]
"""From a name to the keys of a `SignalFile`, ``file`` among them."""

_finders: list[Finder] = []


def find_series_by(finder: Finder) -> None:
    """Let names of series be found by a function; the command line gives that of the catalogue.

    A training is told names rather than places, so that its settings and its card mean the same on every machine.
    """
    _finders[:] = [finder]


def read_series(spec: SignalFile, quantity: str) -> Signal:
    """Return the signal of a file or a name.

    Args:
        spec: the file, and what has to be said of it.
        quantity: ``carbon`` or ``price``.

    Raises:
        MissingFileError: there is no such file, nor a series of that name.
        SignalError: it is no series of that quantity, or breaks its format.
    """
    told = {key: value for key, value in spec.model_dump().items() if value is not None}
    if not Path(spec.file).is_file():
        if not _finders:
            raise MissingFileError(
                f"key 'options.{quantity}': {spec.file}: no such file; give a path (the command line knows names, too)"
            )
        del told["file"]
        told = {**_finders[0](spec.file), **told}
    return read_signal(told.pop("file"), quantity=quantity, **told)
