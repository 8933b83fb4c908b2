"""One knob of a search space: numbers between two ends, or one of some values, perhaps only under a condition."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Protocol

from pydantic import ConfigDict, Field, model_validator

from wattq.experiments.experiment_model import Scalar
from wattq.experiments.study.keys import Strict

__all__ = ["NUMBER", "Chooser", "Knob", "KnobName", "Value", "assignments", "choose"]

KnobName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[a-z][a-z0-9_]*$")]
Value = bool | int | float | str

NUMBER = "number"
"""What the choice between a number and the words of ``or`` calls the number."""

_MOST_OPTIONS = 1000
_Number = Annotated[int | float, Field(ge=-1e15, le=1e15)]


class Chooser(Protocol):
    """What chooses values: a trial of Optuna."""

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None = ..., log: bool = ...) -> float:
        """Return a number."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int = ..., log: bool = ...) -> int:
        """Return a whole number."""

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """Return one of the choices."""


class Knob(Strict):
    """What a search may choose for one parameter.

    Attributes:
        real: ends of a range of numbers (key ``float``).
        whole: ends of a range of whole numbers (key ``int``).
        choice: values to choose from; one of the three is given.
        log: whether a factor counts rather than a difference.
        step: distance between the numbers that are tried.
        others: values that stand beside the numbers, such as ``never`` (key ``or``).
        suffix: text after the number, such as `` % of peak``.
        when: other knob -> value or values under which this one matters.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True, populate_by_name=True)

    real: list[_Number] | None = Field(default=None, alias="float", min_length=2, max_length=2)
    whole: list[int] | None = Field(default=None, alias="int", min_length=2, max_length=2)
    choice: list[Scalar] | None = Field(default=None, min_length=1, max_length=_MOST_OPTIONS)
    log: bool = False
    step: _Number | None = Field(default=None, gt=0)
    others: list[Scalar] = Field(default_factory=list, alias="or", max_length=100)
    suffix: str = Field(default="", max_length=100)
    when: dict[str, Scalar | list[Scalar]] = Field(default_factory=dict, max_length=100)

    @model_validator(mode="after")
    def _one_kind(self) -> Knob:
        if sum(part is not None for part in (self.real, self.whole, self.choice)) != 1:
            raise ValueError("give one of 'float', 'int' and 'choice'")
        if self.choice is not None:
            if self.log or self.step is not None or self.others or self.suffix:
                raise ValueError("'log', 'step', 'or' and 'suffix' are for numbers; leave them out of a 'choice'")
            if len({repr(value) for value in self.choice}) != len(self.choice):
                raise ValueError("'choice' holds one value twice")
            return self
        low, high = self.ends
        if not low < high:
            raise ValueError(f"the first end must be less than the second; they are {low:g} and {high:g}")
        if self.log and (low <= 0 or self.step is not None):
            raise ValueError("'log' needs ends above 0 and no 'step'")
        if self.whole is not None and self.step is not None and float(self.step) != int(self.step):
            raise ValueError("the 'step' of whole numbers is a whole number")
        return self

    @property
    def ends(self) -> tuple[float, float]:
        """Ends of the numbers."""
        low, high = self.real or self.whole or (0, 0)
        return low, high

    @property
    def options(self) -> list[Scalar]:
        """What another knob's condition may name."""
        return list(self.choice) if self.choice is not None else [*self.others, NUMBER] if self.others else []

    @property
    def conditions(self) -> dict[str, list[Scalar]]:
        """Other knob -> the values under which this one matters."""
        return {name: value if isinstance(value, list) else [value] for name, value in self.when.items()}

    @property
    def words(self) -> str:
        """The space in words: ``10 to 3600, by factors, or never``."""
        if self.choice is not None:
            return " or ".join(str(value) for value in self.choice)
        low, high = self.ends
        parts = [f"{low:g} to {high:g}{self.suffix}", *(["by factors"] if self.log else [])]
        parts += [f"in steps of {self.step:g}"] if self.step is not None else []
        return ", ".join([*parts, *(f"or {word}" for word in self.others)])

    def applies(self, chosen: Mapping[str, Value]) -> bool:
        """Return whether the knob matters, given what was chosen for those above it (words or ``number``)."""
        return all(name in chosen and chosen[name] in values for name, values in self.conditions.items())

    def value(self, number: Value) -> Value:
        """Return a chosen number as the policy's parameter takes it."""
        return f"{number:.6f}{self.suffix}" if self.suffix and isinstance(number, int | float) else number

    def finite(self) -> list[Value] | None:
        """Return all values, None where there are infinitely many."""
        if self.choice is not None:
            return list(self.choice)
        low, high = self.ends
        if self.step is None and self.real is not None:
            return None
        step = self.step or 1
        count = math.floor((high - low) / step + 1e-9) + 1
        numbers = itertools.islice((low + index * step for index in itertools.count()), min(count, _MOST_OPTIONS + 1))
        return [*self.others, *(int(number) if self.whole is not None else float(number) for number in numbers)]


def choose(chooser: Chooser, knobs: Mapping[str, Knob], prefix: str) -> dict[str, Value]:
    """Let a trial choose the knobs that matter, in their order, and return the parameters.

    Args:
        chooser: a trial.
        knobs: by name.
        prefix: what stands before their names in the trial.
    """
    chosen: dict[str, Value] = {}
    found: dict[str, Value] = {}
    for name, knob in knobs.items():
        if not knob.applies(chosen):
            continue
        word, value = _chosen(chooser, knob, f"{prefix}{name}")
        chosen[name], found[name] = word, knob.value(value)
    return found


def _chosen(chooser: Chooser, knob: Knob, name: str) -> tuple[Value, Value]:
    """Return what conditions see of a choice, and the value itself."""
    if knob.choice is not None:
        value: Value = chooser.suggest_categorical(name, list(knob.choice))
        return value, value
    if knob.others:
        word: Value = chooser.suggest_categorical(f"{name}?", [*knob.others, NUMBER])
        if word != NUMBER:
            return word, word
    low, high = knob.ends
    if knob.whole is not None:
        number: Value = chooser.suggest_int(name, int(low), int(high), step=int(knob.step or 1), log=knob.log)
    else:
        step = None if knob.step is None else float(knob.step)
        number = chooser.suggest_float(name, float(low), float(high), step=step, log=knob.log)
    return NUMBER, number


def assignments(knobs: Mapping[str, Knob], prefix: str) -> Iterator[dict[str, Value]]:
    """Yield every combination of finite knobs as parameters of a trial, those that do not matter left out."""
    seen: set[str] = set()
    spaces = [[(name, value) for value in knob.finite() or []] for name, knob in knobs.items()]
    for combination in itertools.product(*spaces):
        found = _kept(knobs, dict(combination), prefix)
        if repr(found) not in seen:
            seen.add(repr(found))
            yield found


def _kept(knobs: Mapping[str, Knob], values: Mapping[str, Value], prefix: str) -> dict[str, Value]:
    chosen: dict[str, Value] = {}
    found: dict[str, Value] = {}
    for name, knob in knobs.items():
        if not knob.applies(chosen):
            continue
        value = values[name]
        word = value if knob.choice is not None or value in knob.others else NUMBER
        chosen[name] = word
        if knob.others:
            found[f"{prefix}{name}?"] = word
        if knob.choice is not None or word == NUMBER:
            found[f"{prefix}{name}"] = value
    return found
