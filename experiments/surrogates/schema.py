"""What ``metrics.json`` holds, as a schema that it is read by."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from wattq.json_model import read_json_model

__all__ = ["MetricsFile", "read_metrics"]

Share = float | None
Figures = dict[str, float | None]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class Estimated(_Strict):
    """A figure, with the ends of its 95 % interval where it has one; null where it is not defined."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Brief(_Strict):
    """Figures over some jobs."""

    jobs: int = Field(ge=0)
    weeks: int = Field(ge=0)
    figures: dict[str, Estimated]


class DecileRow(_Strict):
    """A tenth of the users."""

    decile: int = Field(ge=1, le=10)
    users: int
    least_jobs: int
    most_jobs: int
    jobs: int
    figures: Figures


class PeriodRow(_Strict):
    """Four weeks."""

    begin_s: float
    jobs: int
    figures: Figures


class Prequential(Brief):
    """A prequential run."""

    calibration: list[Share]
    deciles: list[DecileRow]
    periods: list[PeriodRow]


class Split(_Strict):
    """The plain split, and the prequential run on the same jobs."""

    learned_once: Brief
    prequential: Brief


class ModelFigures(_Strict):
    """One model on one log."""

    prequential: Prequential
    split: Split


class AblationFigures(Brief):
    """A model without some features."""

    left_out: list[str]
    label: str


class TrialRow(_Strict):
    """One trial of a search."""

    trial: int
    settings: dict[str, float | int]
    validation: float | None


class SearchFigures(_Strict):
    """A search."""

    model: str
    objective: str
    jobs: dict[Literal["learn", "validation", "test"], int]
    trials: list[TrialRow]
    best: int
    test: dict[Literal["default", "best"], Figures]


class LogFigures(_Strict):
    """One log."""

    source: str
    sha256: str
    synthetic: bool
    jobs: int
    models: dict[str, ModelFigures]
    schedule: list[dict[str, Any]] | None
    ablation: list[AblationFigures]
    search: SearchFigures | None


class CellFigures(_Strict):
    """A cell of the matrix."""

    model: str
    train: str
    test: str
    learned: int
    jobs: int
    figures: Figures


class AskedFor(_Strict):
    """What was asked for."""

    first: int
    split: float
    seed: int
    parts: list[str]
    trials: int
    simulated: int


class MetricsFile(_Strict):
    """The whole file; its JSON schema is ``MetricsFile.model_json_schema()``."""

    format: Literal["wattq-surrogate-evaluation-1"]
    settings: AskedFor
    models: list[str]
    study_model: str
    not_run: dict[str, str]
    levels: list[float]
    logs: dict[str, LogFigures]
    matrix: list[CellFigures]


def read_metrics(path: Path) -> MetricsFile:
    """Return the content of a ``metrics.json``.

    Raises:
        MissingFileError: it cannot be read.
        InvalidInputError: it breaks the schema; the message names the first key that does.
    """
    return read_json_model(path, MetricsFile)
