"""Power states in a YAML file, with where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from wattq.errors import PlatformError, at
from wattq.platforms.make import ComputeState, SleepState
from wattq.yaml_model import parse_model, read_model

__all__ = ["States", "parse_states", "read_states", "states_yaml", "write_states"]

_Number = Annotated[float, Field(ge=0, lt=1e300, allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=1e-300, lt=1e300, allow_inf_nan=False)]
_WHAT = "a file of power states is a mapping with the key 'states', a list of {speed_flops, idle_w, full_w}"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _State(_Strict):
    speed_flops: _Positive
    idle_w: _Number
    epsilon_w: _Number | None = None
    full_w: _Number
    setting: str = ""
    speed_error: _Number | None = None
    idle_error_w: _Number | None = None
    epsilon_error_w: _Number | None = None
    full_error_w: _Number | None = None


class _Sleep(_Strict):
    power_w: _Number
    off_s: _Positive
    off_w: _Number | None = None
    off_j: _Number | None = None
    on_s: _Positive
    on_w: _Number | None = None
    on_j: _Number | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> _Sleep:
        if (self.off_w is None) == (self.off_j is None) or (self.on_w is None) == (self.on_j is None):
            raise ValueError("give one of off_w and off_j, and one of on_w and on_j")
        return self


class States(_Strict):
    """What a file of power states holds.

    Attributes:
        source: where the numbers come from.
        sha256: digest of the file that they were computed from.
        notes: method and assumptions.
        states: computing states, the fastest first by custom.
        sleep: sleep states; switches are given by power (``off_w``, ``on_w``) or by energy (``off_j``, ``on_j``).
    """

    source: str = ""
    sha256: str = ""
    notes: list[str] = Field(default_factory=list, max_length=1000)
    states: list[_State] = Field(min_length=1, max_length=1000)
    sleep: list[_Sleep] = Field(default_factory=list, max_length=1000)

    def compute_states(self) -> tuple[ComputeState, ...]:
        """Return the computing states for `make_platform`."""
        return tuple(ComputeState(s.speed_flops, s.idle_w, s.full_w, s.epsilon_w) for s in self.states)

    def sleep_states(self) -> tuple[SleepState, ...]:
        """Return the sleep states for `make_platform`."""
        return tuple(
            SleepState(
                s.power_w,
                off_s=s.off_s,
                off_w=s.off_w if s.off_w is not None else (s.off_j or 0.0) / s.off_s,
                on_s=s.on_s,
                on_w=s.on_w if s.on_w is not None else (s.on_j or 0.0) / s.on_s,
            )
            for s in self.sleep
        )

    def provenance(self) -> tuple[str, ...]:
        """Return the notes for `make_platform`."""
        told = [f"States: {self.source}"] if self.source else []
        told += [f"sha256 of the measurements: {self.sha256}"] if self.sha256 else []
        return (*told, *self.notes)


def read_states(path: str | Path) -> States:
    """Return the power states of a YAML file.

    Raises:
        MissingFileError: when it cannot be read.
        InvalidInputError: when it breaks a rule; the message names file, line, key and rule.
    """
    return read_model(path, States, _WHAT)


def parse_states(text: str, source: str) -> States:
    """Return the power states of a YAML text; `source` names it in messages.

    Raises:
        InvalidInputError: as `read_states`.
    """
    return parse_model(text, source, States, _WHAT)


def states_yaml(
    states: Sequence[Mapping[str, Any]], *, source: str = "", sha256: str = "", notes: Sequence[str] = ()
) -> str:
    """Return the text of a file of power states; keys of a state are those of the file, None and NaN are left out."""
    content = {"source": source, "sha256": sha256, "notes": list(notes)}
    kept = {key: value for key, value in content.items() if value}
    rows = [{k: _rounded(v) for k, v in state.items() if v is not None and v == v} for state in states]
    return yaml.safe_dump(kept | {"states": rows}, sort_keys=False, allow_unicode=True, width=120)


def _rounded(value: Any) -> Any:
    # Nothing measured is known to more than six digits.
    return float(f"{value:.6g}") if isinstance(value, float) else value


def write_states(path: str | Path, text: str) -> None:
    """Write a file of power states; it appears whole or not at all.

    Raises:
        PlatformError: when it cannot be written.
    """
    path = Path(path)
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise PlatformError(f"{at(path)}: cannot write ({error.strerror}); check the folder") from None
