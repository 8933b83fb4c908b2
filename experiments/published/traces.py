"""Traces of a published table on this machine, told by their sha256."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from wattq.errors import MissingFileError, WattqError, WorkloadError
from wattq.experiments.inputs import data_dirs
from wattq.experiments.published.protocol import TraceSpec
from wattq.workloads.fetch import cache_dir
from wattq.workloads.files import plain_name, read_plain, sha256_hex

__all__ = ["TraceFinder"]

_ENDINGS = ("", ".gz", ".xz")
_MOST_FILES = 1000
_MOST_BYTES = 2**28


class TraceFinder:
    """Looks for traces: by name in the folders given, by digest there, then by name where `wattq data` looks.

    Args:
        folders: folders of the user.

    Raises:
        MissingFileError: when one of them is no folder.
    """

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        for folder in folders:
            if not folder.is_dir():
                raise MissingFileError(f"--data {folder}: no such folder")
        self._given = list(folders)
        self._digests: dict[str, Path] | None = None

    def find(self, name: str, spec: TraceSpec) -> tuple[Path, bytes]:
        """Return the file of a trace and its plain content.

        Raises:
            MissingFileError: when it is nowhere; the message says where to get it.
            WorkloadError: when a file with its name has another sha256, or is damaged.
        """
        for path in _named(spec, self._given):
            return path, _checked(name, spec, path)
        known = self._by_digest().get(spec.sha256)
        if known is not None:
            return known, _checked(name, spec, known)
        for path in _named(spec, _default_folders()):
            return path, _checked(name, spec, path)
        files = " or ".join(spec.files)
        raise MissingFileError(
            f"{name}: {files} (plain, .gz or .xz) is not here; get it from {spec.origin}, and name its folder by --data"
        )

    def _by_digest(self) -> Mapping[str, Path]:
        """Return the files of the given folders by the digest of their plain content, read once."""
        if self._digests is None:
            self._digests = {}
            for path in _candidates(self._given):
                with suppress(WattqError):
                    self._digests.setdefault(sha256_hex(read_plain(path, limit=_MOST_BYTES)), path)
        return self._digests


def _candidates(folders: Sequence[Path]) -> Iterator[Path]:
    """Yield the files that may be logs: named ``.swf``, ``.txt`` or without ending."""
    for folder in folders:
        paths = sorted(folder.iterdir())[:_MOST_FILES]
        yield from (path for path in paths if Path(plain_name(path)).suffix in ("", ".swf", ".txt") and path.is_file())


def _named(spec: TraceSpec, folders: Sequence[Path]) -> Iterator[Path]:
    paths = (folder / (file + ending) for folder in folders for file in spec.files for ending in _ENDINGS)
    return (path for path in paths if path.is_file())


def _default_folders() -> list[Path]:
    listed = [Path(folder).expanduser() for folder in os.environ.get("WATTQ_DATA_PATH", "").split(os.pathsep) if folder]
    return [*data_dirs(), *listed, cache_dir()]


def _checked(name: str, spec: TraceSpec, path: Path) -> bytes:
    plain = read_plain(path)
    found = sha256_hex(plain)
    if found != spec.sha256:
        raise WorkloadError(
            f"{path}: not the {name} of the publication (sha256 {found}, expected {spec.sha256}); "
            f"remove the file, and get the trace from {spec.origin}"
        )
    return plain
