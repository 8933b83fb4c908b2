"""What a file of `wattq rl evolve` may say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from wattq.experiments.experiment_model import Scalar
from wattq.experiments.shipped import find_file_or_shipped, shipped_files
from wattq.experiments.study.keys import Name, Strict, seconds
from wattq.yaml_model import read_model

__all__ = ["MOVES", "EvolveFile", "find_evolve", "load_evolve"]

MOVES = ("age_run", "age_area", "slowdown", "min_area", "min_gain", "run_share", "max_wait")
"""Parameters of `eco` that are learned along with the network; each by a factor."""

_Week = Annotated[int, Field(ge=0, le=5200)]


class EvolveFile(Strict):
    """One training.

    Attributes:
        name: of the training.
        study: study whose machines, calendar and grids are used; a file, or the name of a shipped one.
        workload: label of the log in it.
        weeks: weeks to learn from; none of the study's test weeks. Its tuning weeks when not given.
        grids: names of the study's signals to learn on; the weeks are dealt out to them in turn.
        start: parameters of `eco` to begin with.
        population: candidates of a generation.
        generations: how many there are.
        sigma: first step size.
        p95_limit: longest p95 wait, as a share of that of the start.
        p95_weight: cost of one natural logarithm of p95 wait beyond the limit, where the aim's start counts 1.
        service_weight: the same for p99 wait and mean bounded slowdown beyond the start's.
    """

    name: Name
    study: str = Field(min_length=1)
    workload: Name
    weeks: list[_Week] = Field(default_factory=list, max_length=1000)
    grids: list[Name] = Field(min_length=1, max_length=100)
    start: dict[str, Scalar] = Field(default_factory=dict)
    population: int = Field(default=16, ge=4, le=1000)
    generations: int = Field(default=60, ge=1, le=100_000)
    sigma: float = Field(default=0.3, gt=0, le=10)
    p95_limit: float = Field(default=1.0, gt=0, le=100)
    p95_weight: float = Field(default=2.0, ge=0, le=1e6)
    service_weight: float = Field(default=0.01, ge=0, le=1e6)

    _numbers = field_validator("sigma", "p95_limit", "p95_weight", "service_weight", mode="before")(seconds)


def find_evolve(name: str) -> Path:
    """Return the path of a training file, or of the shipped one of that name.

    Raises:
        MissingFileError: neither a file nor a shipped training.
    """
    return find_file_or_shipped(name, shipped_files("evolve-"), "a training file")


def load_evolve(path: Path) -> EvolveFile:
    """Return a training from its YAML file.

    Raises:
        MissingFileError: there is no such file.
        InvalidInputError: it breaks a rule; the message names file, line, key, value and rule.
    """
    return read_model(path, EvolveFile, "a training is a mapping with keys such as 'study' and 'workload'")
