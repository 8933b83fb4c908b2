"""Files of YAML that come with wattq: found by path, or by the name of a shipped one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wattq.errors import MissingFileError

__all__ = ["KINDS", "find_file_or_shipped", "shipped_files"]

_HERE = Path(__file__).resolve().parent

KINDS = ("tune-", "campaign-", "evolve-")
"""What the names of files for other commands than `wattq compare` begin with."""


def shipped_files(prefix: str = "") -> dict[str, Path]:
    """Return the shipped files by name: those of one of `KINDS`, or the experiments, whose names have no such begin."""
    files = {path.stem: path for path in sorted(_HERE.glob(f"{prefix}*.yaml"))}
    return {name: path for name, path in files.items() if prefix or not name.startswith(KINDS)}


def find_file_or_shipped(
    name: Path | str, shipped: Mapping[str, Path], what: str, also: Mapping[str, Path] | None = None
) -> Path:
    """Return the path of a file, or of the shipped one of that name.

    Args:
        name: path or name.
        shipped: the shipped files by name; a message lists them.
        what: what kind of file is wanted, with its article.
        also: others that may be named, and that a message does not list.

    Raises:
        MissingFileError: neither a file nor shipped.
    """
    path = Path(name)
    known = {**(also or {}), **shipped}
    if path.is_file():
        return path
    if str(name) in known:
        return known[str(name)]
    raise MissingFileError(f"{path}: no such file; give {what}, or one of those shipped: {', '.join(shipped)}")
