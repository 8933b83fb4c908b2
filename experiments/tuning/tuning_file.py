"""Tuning files: YAML in, a validated `Tuning` out, every error with file, line, key, value and rule."""

from __future__ import annotations

from pathlib import Path

from wattq.errors import MissingFileError
from wattq.experiments.tuning.keys import Tuning
from wattq.yaml_model import parse_model, read_model

__all__ = ["find_tuning", "load_tuning", "parse_tuning", "shipped_tunings"]

_HERE = Path(__file__).resolve().parent.parent
_WHAT = "a tuning file is a mapping with keys such as 'policies' and 'objectives'"


def shipped_tunings() -> dict[str, Path]:
    """Return the tuning files that come with wattq, by name."""
    return {path.stem: path for path in sorted(_HERE.glob("tune-*.yaml"))}


def find_tuning(name: Path | str) -> Path:
    """Return the path of a tuning file, or of the shipped one of that name.

    Raises:
        MissingFileError: neither a file nor a shipped one.
    """
    path = Path(name)
    if path.is_file():
        return path
    shipped = shipped_tunings()
    if str(name) in shipped:
        return shipped[str(name)]
    raise MissingFileError(f"{path}: no such file; give a tuning file, or one of those shipped: {', '.join(shipped)}")


def load_tuning(path: Path | str) -> Tuning:
    """Read a tuning file.

    Raises:
        MissingFileError: the file does not exist or cannot be read.
        InvalidInputError: it breaks a rule; the message names file, line, key, value and rule.
    """
    return read_model(path, Tuning, _WHAT)


def parse_tuning(text: bytes | str, source: str) -> Tuning:
    """Return what a YAML text describes; ``source`` names it in messages.

    Raises:
        InvalidInputError: as `load_tuning`.
    """
    return parse_model(text, source, Tuning, _WHAT)
