"""The search space of a tuning file: which policy, with which knobs; checked against what policies take."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from wattq.errors import TuningError
from wattq.experiments.experiment_model import PolicySpec
from wattq.experiments.study.plan import GRID_PARAMETERS
from wattq.experiments.tuning.keys import CANDIDATE, TunedPolicy, Tuning
from wattq.experiments.tuning.knobs import NUMBER, Chooser, Knob, Value, assignments, choose
from wattq.schedulers.estimate_parameters import COMMON
from wattq.schedulers.parameters import Parameter
from wattq.schedulers.registry import policy_spec

__all__ = ["Choice", "check_space", "choice_of", "combinations", "defaults_of", "has_defaults", "starts"]

POLICY = "policy"
"""What a trial's choice among several policies is called."""

_TRAIN = "train."


@dataclass(frozen=True)
class Choice:
    """What a trial chose.

    Attributes:
        tuned: the policy as the file describes it.
        params: its parameters, those of the file included.
        training: options of the training that were chosen; empty without one.
    """

    tuned: TunedPolicy
    params: Mapping[str, Value]
    training: Mapping[str, Value] = field(default_factory=dict)

    def policy(self, more: Mapping[str, Value] | None = None, label: str = CANDIDATE) -> PolicySpec:
        """Return it as a policy of an experiment, with more parameters where a model was trained."""
        return PolicySpec(name=self.tuned.name, params={**self.params, **(more or {})}, label=label)


def _prefix(tuning: Tuning, tuned: TunedPolicy) -> str:
    return f"{tuned.title}." if len(tuning.policies) > 1 else ""


def choice_of(tuning: Tuning, chooser: Chooser) -> Choice:
    """Let a trial choose a policy and its knobs."""
    title = tuning.policies[0].title
    if len(tuning.policies) > 1:
        title = chooser.suggest_categorical(POLICY, [policy.title for policy in tuning.policies])
    tuned = next(policy for policy in tuning.policies if policy.title == title)
    prefix = _prefix(tuning, tuned)
    training = {} if tuned.train is None else choose(chooser, tuned.train.knobs, f"{prefix}{_TRAIN}")
    return Choice(tuned, {**tuned.params, **choose(chooser, tuned.knobs, prefix)}, training)


def defaults_of(tuned: TunedPolicy) -> Choice:
    """Return the policy with what the file fixes, and nothing else."""
    return Choice(tuned, dict(tuned.params))


def has_defaults(tuned: TunedPolicy) -> bool:
    """Return whether a policy can run with what the file fixes alone: nothing to train, and nothing that it needs."""
    if tuned.train is not None:
        return False
    if _parameters(tuned.name) is None:
        return True
    needed = policy_spec(tuned.name)[1].needs
    return all(name in tuned.params or name in GRID_PARAMETERS for name in needed)


def starts(tuning: Tuning) -> list[dict[str, Value]]:
    """Return the trials that a search begins with: defaults that lie in the space, then what the file names.

    Raises:
        TuningError: a start of the file names no knob of its policy, or lies outside of the space.
    """
    found = []
    for tuned in tuning.policies:
        first: dict[str, Value] = {POLICY: tuned.title} if len(tuning.policies) > 1 else {}
        prefix = _prefix(tuning, tuned)
        values = _start(tuned, prefix, {})
        found += [] if values is None else [{**first, **values}]
        found += [{**first, **_given(tuned, prefix, given)} for given in tuned.starts]
    return found


def _given(tuned: TunedPolicy, prefix: str, given: Mapping[str, Value]) -> dict[str, Value]:
    """Return a start of the file as a trial's parameters."""
    unknown = next((name for name in given if name not in tuned.knobs), None)
    if unknown is not None:
        raise TuningError(f"policy '{tuned.title}', key 'starts': there is no knob '{unknown}'")
    for name, value in given.items():
        if _in_space(tuned.knobs[name], value) is None:
            raise TuningError(
                f"policy '{tuned.title}', key 'starts': {name} = {value!r} is not in the space: "
                f"{tuned.knobs[name].words}"
            )
    values = _start(tuned, prefix, given)
    if values is None:
        raise TuningError(f"policy '{tuned.title}', key 'starts': a knob without default is missing; name all of them")
    return values


def _start(tuned: TunedPolicy, prefix: str, given: Mapping[str, Value]) -> dict[str, Value] | None:
    """Return the parameters of a trial with these values and defaults; None where a default is not in the space."""
    known = {p.name: p for p in _parameters(tuned.name) or ()}
    if tuned.train is not None and tuned.train.knobs:
        return None
    chosen: dict[str, Value] = {}
    found: dict[str, Value] = {}
    for name, knob in tuned.knobs.items():
        if not knob.applies(chosen):
            continue
        default = given[name] if name in given else _default(known, name, {**tuned.params, **given})
        there = None if default is None else _in_space(knob, default)
        if there is None:
            return None
        chosen[name] = there[0]
        if knob.others:
            found[f"{prefix}{name}?"] = there[0]
        if knob.choice is not None or there[0] == NUMBER:
            found[f"{prefix}{name}"] = there[1]
    return found


def _default(known: Mapping[str, Parameter], name: str, params: Mapping[str, Value]) -> Value | None:
    """Return the default of a parameter; that of another one where it stands for its value."""
    if name not in known:
        return None
    value: Value = known[name].default
    return params.get(str(value), known[str(value)].default) if str(value) in known else value


def _in_space(knob: Knob, default: Value) -> tuple[Value, Value] | None:
    """Return what conditions see of a default, and its value in the trial; None where it lies outside."""
    if knob.choice is not None:
        return (default, default) if default in knob.choice else None
    if default in knob.others:
        return default, default
    low, high = knob.ends
    if isinstance(default, str | bool) or knob.suffix or not low <= default <= high:
        return None
    number = int(default) if knob.whole is not None else float(default)
    steps = (number - low) / knob.step if knob.step is not None else 0.0
    fits = number == default and abs(steps - round(steps)) < 1e-9
    return (NUMBER, number) if fits else None


def combinations(tuning: Tuning, most: int) -> Iterator[dict[str, Value]]:
    """Yield every combination of the space, at most so many.

    Raises:
        TuningError: a knob has infinitely many values.
    """
    endless = next((name for name, knob in _knobs(tuning) if knob.finite() is None), None)
    if endless is not None:
        raise TuningError(f"sampler 'grid', knob '{endless}': a range of numbers needs a 'step', or give a 'choice'")
    yield from itertools.islice(_all(tuning), most)


def _all(tuning: Tuning) -> Iterator[dict[str, Value]]:
    for tuned in tuning.policies:
        prefix = _prefix(tuning, tuned)
        first: dict[str, Value] = {POLICY: tuned.title} if len(tuning.policies) > 1 else {}
        training = [{}] if tuned.train is None else list(assignments(tuned.train.knobs, f"{prefix}{_TRAIN}"))
        for options in training:
            for knobs in assignments(tuned.knobs, prefix):
                yield {**first, **options, **knobs}


def _knobs(tuning: Tuning) -> Iterator[tuple[str, Knob]]:
    for tuned in tuning.policies:
        yield from tuned.knobs.items()
        yield from tuned.train.knobs.items() if tuned.train is not None else ()


def _parameters(name: str) -> tuple[Parameter, ...] | None:
    """Return the parameters of a built-in policy; None for a policy of the user's own, whose are not known."""
    if ":" in name or name.endswith(".py"):
        return None
    return (*policy_spec(name)[1].parameters, *COMMON)


def check_space(tuning: Tuning) -> None:
    """Refuse knobs that a policy does not have, and values that it does not take.

    Raises:
        TuningError: the message names policy, knob, value and rule.
        PolicyError: there is no such policy.
    """
    for tuned in tuning.policies:
        parameters = _parameters(tuned.name)
        if parameters is None:
            continue
        known = {parameter.name: parameter for parameter in parameters}
        for name in (*tuned.params, *tuned.knobs):
            if name not in known:
                near = difflib.get_close_matches(name, known, 3, 0.5)
                hint = f"did you mean {', '.join(near)}?" if near else f"it has {', '.join(known)}"
                raise TuningError(f"policy '{tuned.title}', knob '{name}': the policy has no such parameter; {hint}")
        for name, knob in tuned.knobs.items():
            _check_values(tuned.title, known[name], knob)
    starts(tuning)


def _check_values(title: str, parameter: Parameter, knob: Knob) -> None:
    values = list(knob.choice) if knob.choice is not None else [*knob.others, *(knob.value(n) for n in knob.ends)]
    for value in values:
        if isinstance(value, str) and (knob.suffix or value in ("carbon", "price")):
            continue  # what the runner turns into watts or into the file of a series
        try:
            parameter.number(value)
        except ValueError:
            raise TuningError(
                f"policy '{title}', knob '{parameter.name}': {value!r} is not valid; give {parameter.rule}"
            ) from None
