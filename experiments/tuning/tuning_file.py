"""Tuning files: YAML in, a validated `Tuning` out, every error with file, line, key, value and rule."""

from __future__ import annotations

from pathlib import Path

from wattq.experiments.shipped import find_file_or_shipped, shipped_files
from wattq.experiments.tuning.keys import Tuning
from wattq.yaml_model import parse_model, read_model

__all__ = ["find_tuning", "load_tuning", "parse_tuning", "shipped_tunings"]

_WHAT = "a tuning file is a mapping with keys such as 'policies' and 'objectives'"


def shipped_tunings() -> dict[str, Path]:
    """Return the tuning files that come with wattq, by name."""
    return shipped_files("tune-")


def find_tuning(name: Path | str) -> Path:
    """Return the path of a tuning file, or of the shipped one of that name.

    Raises:
        MissingFileError: neither a file nor a shipped one.
    """
    return find_file_or_shipped(name, shipped_tunings(), "a tuning file")


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
