"""The protocol of a published table as data: traces, cleaning rules, sequences, columns, and the printed values."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from wattq.errors import InvalidInputError, MissingFileError, at
from wattq.strict_yaml import MAX_BYTES, Lines, load_yaml

__all__ = [
    "Block",
    "Cleaning",
    "PassSettings",
    "PickSettings",
    "Protocol",
    "Sequences",
    "Settings",
    "TraceSpec",
    "load_protocol",
    "parse_protocol",
    "shipped_protocols",
]

_HERE = Path(__file__).resolve().parent
_MOST_CELLS = 10_000

Printed = Annotated[str, Field(pattern=r"^\d{1,15}(\.\d{1,15})?$")]
"""A value as it is printed; its digits after the point count, hence a quoted text."""

_Name = Annotated[str, Field(min_length=1, max_length=80)]
_Texts = dict[_Name, dict[_Name, Printed]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class TraceSpec(_Strict):
    """One trace of a table.

    Attributes:
        files: names under which the plain file is known; ``.gz`` and ``.xz`` are tried too.
        sha256: digest of the plain content.
        origin: where to get it.
        processors: processors of the machine; MaxProcs of the header (else MaxNodes) when not given.
        nodes: nodes of the machine; MaxNodes of the header (else the processors) when not given.
    """

    files: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,200}$")]] = Field(min_length=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    origin: str = Field(min_length=1)
    processors: int | None = Field(default=None, ge=1, le=10_000_000)
    nodes: int | None = Field(default=None, ge=1, le=10_000_000)


class Cleaning(_Strict):
    """What becomes of the rows of a log; jobs whose run time is not positive in the end are dropped.

    Attributes:
        negative_run_s: what a negative run time becomes, s; dropped when not given.
        processors: the larger of allocated and requested, or the requested ones, else (not positive) the allocated
            ones. Jobs without processors are dropped.
        missing_request: what a requested time of -1 becomes: the run time as logged, or nothing (it stays).
        cap_run_at_request: whether run times end at the requested time.
    """

    negative_run_s: float | None = Field(default=None, gt=0)
    processors: Literal["larger", "requested_else_allocated"]
    missing_request: Literal["run_time", "stays"] = "stays"
    cap_run_at_request: bool = False


class Sequences(_Strict):
    """Sequences of consecutive jobs, each simulated alone; values are means over them.

    Attributes:
        length: jobs of a sequence.
        starts: indices of the first jobs, counted from 0 after cleaning.
    """

    length: int = Field(ge=1, le=10_000_000)
    starts: list[Annotated[int, Field(ge=0)]] = Field(min_length=1, max_length=10_000)


class PickSettings(_Strict):
    """Settings of `wattq.schedulers.rl.sc20.picks`: names in `SCORES`, `WAITS` and `BACKFILLS`."""

    score: Literal["fcfs", "sjf", "f1", "wfp3", "unicep"]
    waits: Literal["since_submission", "unset_start"] = "since_submission"
    backfill: Literal["none", "head_once"] = "none"


class PassSettings(_Strict):
    """Settings of `wattq.experiments.published.passes`.

    Attributes:
        order: order behind the head, one of `ORDERS`.
        estimate: what run times are estimated by.
        factor: what the estimate is multiplied by.
    """

    order: Literal["submission", "estimate"]
    estimate: Literal["requested", "run"] = "requested"
    factor: int = Field(default=1, ge=1, le=1000)


Settings = PickSettings | PassSettings
_MODELS: dict[str, type[PickSettings] | type[PassSettings]] = {"picks": PickSettings, "passes": PassSettings}


class Block(_Strict):
    """One table of values: a row per trace.

    Attributes:
        title: heading.
        metric: mean bounded slowdown, mean flow time (s), or number of jobs.
        settings: settings of all its columns.
        published: trace -> column -> value as printed in the publication.
        reference: the same for values that the publication does not have, from an independent computation.
        learned: trace -> value that the publication printed for its learned policy; no reproduction has its weights.
    """

    title: _Name
    metric: Literal["bounded_slowdown", "flow_time", "jobs"] = "bounded_slowdown"
    settings: dict[str, Any] = Field(default_factory=dict)
    published: _Texts
    reference: _Texts = Field(default_factory=dict)
    learned: dict[_Name, Printed] = Field(default_factory=dict)

    def printed(self, trace: str, column: str) -> str | None:
        """Return the value to compare with, or None where the table has none."""
        return self.published.get(trace, {}).get(column) or self.reference.get(trace, {}).get(column)


class Protocol(_Strict):
    """A published table and how its values come about.

    Attributes:
        title, source: what it is, and where it was published.
        simulation: ``picks`` or ``passes``, the module that simulates.
        bound_s: bound of the bounded slowdown, s.
        traces: traces by name, in order of the rows.
        cleaning: what becomes of their rows.
        sequences: parts that are simulated; each whole log when not given.
        columns: settings by name, in order of the columns.
        blocks: the tables.
        notes: sentences shown below the tables.
    """

    title: str = Field(min_length=1)
    source: str = Field(min_length=1)
    simulation: Literal["picks", "passes"]
    bound_s: float = Field(default=10.0, gt=0)
    traces: dict[_Name, TraceSpec] = Field(min_length=1)
    cleaning: Cleaning
    sequences: Sequences | None = None
    columns: dict[_Name, dict[str, Any]] = Field(min_length=1)
    blocks: list[Block] = Field(min_length=1)
    notes: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _known_names(self) -> Protocol:
        cells = [(block, *cell) for block in self.blocks for cell in _cells(block)]
        if len(cells) > _MOST_CELLS:
            raise ValueError(f"more than {_MOST_CELLS} values")
        for block, trace, column in cells:
            if trace not in self.traces:
                raise ValueError(f"block '{block.title}': trace '{trace}' is not among the traces")
            if column not in self.columns:
                raise ValueError(f"block '{block.title}': column '{column}' is not among the columns")
            self.settings(block, column)
        return self

    def settings(self, block: Block, column: str) -> Settings:
        """Return the settings of one column in one block; those of the column win.

        Raises:
            ValueError: when they are none of the simulation's.
        """
        try:
            return _MODELS[self.simulation].model_validate({**block.settings, **self.columns[column]})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join(map(str, first["loc"]))
            raise ValueError(f"block '{block.title}', column '{column}', setting '{key}': {first['msg']}") from None


def _cells(block: Block) -> list[tuple[str, str]]:
    return [
        (trace, column) for texts in (block.published, block.reference) for trace in texts for column in texts[trace]
    ]


def shipped_protocols() -> dict[str, Path]:
    """Return the protocol files that come with wattq, by name."""
    return {path.stem: path for path in sorted(_HERE.glob("*.yaml"))}


def load_protocol(name: Path | str) -> Protocol:
    """Return a shipped protocol by name, or the one of a file.

    Raises:
        MissingFileError: neither a shipped protocol nor a file.
        InvalidInputError: the file breaks a rule; the message names file, line and key.
    """
    path = shipped_protocols().get(str(name), Path(name))
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        names = ", ".join(shipped_protocols())
        why = getattr(error, "strerror", None) or str(error)
        raise MissingFileError(
            f"{str(name)!r}: no published table and no file ({why}); the tables are {names}"
        ) from None
    return parse_protocol(data, path.name)


def parse_protocol(text: bytes | str, source: str) -> Protocol:
    """Return the protocol of a YAML text; `source` names it in messages.

    Raises:
        InvalidInputError: as `load_protocol`.
    """
    content, lines = load_yaml(text, source)
    if not isinstance(content, dict):
        raise InvalidInputError(f"{at(source)}: a protocol is a mapping with keys such as 'traces' and 'blocks'")
    try:
        return Protocol.model_validate(content)
    except ValidationError as error:
        messages = [_message(dict(item), source, lines) for item in error.errors(include_url=False)]
        raise InvalidInputError("\n".join(messages[:10])) from None


def _message(error: dict[str, Any], source: str, lines: Lines) -> str:
    path = tuple(error["loc"])
    line = next((lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in lines), None)
    key = re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", ".".join(map(str, path)))
    value = error.get("input")
    shown = f"{str(value)[:60]!r}: " if isinstance(value, (str, int, float)) else ""
    rule = str(error["msg"]).removeprefix("Value error, ")
    return f"{at(source, line, key or None)}: {shown}{rule[:1].lower()}{rule[1:]}"
