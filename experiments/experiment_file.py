"""Experiment files: YAML in, a validated `Experiment` out, every error with file, line, key, value and rule."""

from __future__ import annotations

from pathlib import Path

from wattq.experiments.experiment_model import Experiment
from wattq.experiments.shipped import find_file_or_shipped, shipped_files
from wattq.yaml_model import parse_model, read_model

__all__ = ["find_experiment", "load_experiment", "parse_experiment", "shipped_experiments"]

_WHAT = "an experiment is a mapping with keys such as 'platform' and 'policies'"


def shipped_experiments() -> dict[str, Path]:
    """Return the experiment files that come with wattq, by name; not files of other commands."""
    return shipped_files()


def find_experiment(name: Path | str) -> Path:
    """Return the path of an experiment file, or of the shipped experiment of that name.

    Raises:
        MissingFileError: neither a file nor a shipped experiment.
    """
    return find_file_or_shipped(name, shipped_experiments(), "an experiment file")


def load_experiment(path: Path | str) -> Experiment:
    """Read an experiment file.

    Raises:
        MissingFileError: the file does not exist or cannot be read.
        InvalidInputError: it breaks a rule; the message names file, line, key, value and rule.
    """
    return read_model(path, Experiment, _WHAT)


def parse_experiment(text: bytes | str, source: str) -> Experiment:
    """Return the experiment that a YAML text describes; ``source`` names it in messages.

    Raises:
        InvalidInputError: as `load_experiment`.
    """
    return parse_model(text, source, Experiment, _WHAT)
