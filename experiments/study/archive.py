"""A study's numbers as JSON, written and read back: what playbooks and other programs start from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wattq.errors import InvalidInputError, MissingFileError, at
from wattq.experiments.study.bootstrap import Estimate
from wattq.experiments.study.summary import Group, Row

__all__ = ["FORMAT", "StudyNumbers", "numbers_json", "read_numbers"]

FORMAT = "wattq study 1"

_MOST_BYTES = 200_000_000


@dataclass(frozen=True)
class StudyNumbers:
    """The numbers of a study without the weeks behind them.

    Attributes:
        name, title, description: of the experiment.
        part: which weeks, ``test`` or ``tuning``.
        method: what the numbers rest on, in sentences.
        warnings: what a reader has to see first.
        policies: label -> name and parameters.
        groups: one per log and grid.
    """

    name: str
    title: str
    description: str
    part: str
    method: tuple[str, ...]
    warnings: tuple[str, ...]
    policies: Mapping[str, Mapping[str, Any]]
    groups: tuple[Group, ...]


def numbers_json(numbers: StudyNumbers, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``study.json`` holds: the numbers, and where they come from."""
    return {"format": FORMAT, **asdict(numbers), "provenance": dict(provenance)}


def read_numbers(place: Path | str) -> StudyNumbers:
    """Return the numbers of a study from its folder or its ``study.json``.

    Raises:
        MissingFileError: there is no such file.
        InvalidInputError: it is no study.
    """
    path = Path(place) / "study.json" if Path(place).is_dir() else Path(place)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InvalidInputError(f"{at(path)}: larger than {_MOST_BYTES:,} bytes; no study is")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MissingFileError(
            f"{at(path)}: cannot be read ({error.strerror or error}); give the folder of a study (wattq compare)"
        ) from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, InvalidInputError):
            raise
        raise InvalidInputError(f"{at(path)}: not JSON ({error})") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InvalidInputError(f"{at(path, key='format')}: no study of wattq; write it again by wattq compare")
    try:
        return _numbers(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInputError(f"{at(path)}: damaged ({error!r}); write it again by wattq compare") from error


def _numbers(content: Mapping[str, Any]) -> StudyNumbers:
    return StudyNumbers(
        name=str(content["name"]),
        title=str(content["title"]),
        description=str(content["description"]),
        part=str(content["part"]),
        method=tuple(map(str, content["method"])),
        warnings=tuple(map(str, content["warnings"])),
        policies=dict(content["policies"]),
        groups=tuple(_group(group) for group in content["groups"]),
    )


def _group(content: Mapping[str, Any]) -> Group:
    rows = tuple(_row(row) for row in content["rows"])
    fields = {**content, "rows": rows, "weeks": tuple(content["weeks"]), "season_d": tuple(content["season_d"])}
    return Group(**fields)


def _row(content: Mapping[str, Any]) -> Row:
    estimates = {
        name: {key: Estimate(**estimate) for key, estimate in content[name].items()} for name in ("values", "ratios")
    }
    return Row(**{**content, **estimates})
