"""A learned policy of the task `backfill`: from network, options and machine to its file, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.bundles.document import Rule, broken, is_number, shown
from wattq.errors import LearningError
from wattq.platforms.model import Platform
from wattq.schedulers.rl.backfill import slots as p
from wattq.schedulers.rl.backfill import table as t
from wattq.schedulers.rl.backfill.config import Options, chosen_states, computing_states
from wattq.schedulers.rl.model_file import Learned, load_learned
from wattq.schedulers.rl.network import Network, NetworkShape

__all__ = ["TASK", "Surroundings", "backfill_policy", "backfill_shape", "check_fits", "load_backfill", "options_of"]

TASK = "backfill"

_NAMES = t.feature_names(1)
_AGAIN = "train the policy again"


@dataclass(frozen=True)
class Surroundings:
    """What a policy learned to expect of the machine and the calendar.

    Attributes:
        n_computing: number of power states in which a host computes.
        speed: per state to choose from, least and largest speed of the hosts relative to the first such state.
        full_w: the same for the power under load.
        utc_offset_s: what the clock of the site is ahead of UTC, s.
        calendar: whether the dates of its episodes were known.
    """

    n_computing: int
    speed: tuple[tuple[float, float], ...]
    full_w: tuple[tuple[float, float], ...]
    utc_offset_s: float = 0.0
    calendar: bool = False


def backfill_shape(options: Options, n_states: int) -> NetworkShape:
    """Return the numbers of observations and actions: a start in each state and the holds are ways to act on a slot."""
    holds, switches = len(options.hold_s), 2 * options.sleep
    blocks = (n_states, 1, holds, switches) if holds else ()
    return NetworkShape(t.N_GLOBAL, options.window, t.N_SLOT, n_states + holds, 1 + switches, blocks)


def backfill_policy(
    network: Network,
    options: Options,
    platform: Platform,
    *,
    signals: Sequence[str] = (),
    utc_offset_s: float = 0.0,
    calendar: bool = False,
    card: Mapping[str, Any] | None = None,
) -> Learned:
    """Return a learned policy, ready to be saved.

    Args:
        network: what was learned, of the shape that `backfill_shape` gives.
        options: those of the environment.
        platform: the machine of the environment.
        signals: which of ``carbon`` and ``price`` the environment had.
        utc_offset_s: what the clock of the site was ahead of UTC, s.
        calendar: whether the dates of the episodes were known; they are wherever there is a signal.
        card: data, seeds, cost and results of the training.

    Raises:
        LearningError: network, options and platform do not go together.
    """
    states = chosen_states(options, platform)
    learned = Learned(
        task=TASK,
        network=network,
        observation=_NAMES,
        options=_plain(options, states),
        machine=_machine(platform, states, utc_offset_s, calendar or bool(signals)),
        signals=tuple(signals),
        card=dict(card or {}),
    )
    options_of(learned, "the policy")
    return learned


def load_backfill(path: str | Path) -> tuple[Learned, Options, Surroundings]:
    """Return the policy of a file, its options with the power states by number, and what it learned to expect.

    Raises:
        MissingFileError: the file cannot be read.
        LearningError: it holds no policy of this task and of this version.
    """
    learned = load_learned(path, task=TASK)
    options = options_of(learned, str(path))
    return learned, options, _surroundings(learned, options, str(path))


def options_of(learned: Learned, source: str) -> Options:
    """Return the options that a policy learned with, after a look whether its network fits them.

    Args:
        learned: a policy of this task.
        source: names it in messages.

    Raises:
        LearningError: the options break a rule, or the network reads or gives other numbers.
    """
    _check(learned.options, _OPTION_RULES, f"{source}, key 'options")
    values: dict[str, Any] = dict(learned.options)
    values |= {name: tuple(values[name]) for name in ("states", "hold_s")}
    values |= {name: math.inf if values[name] is None else values[name] for name in ("cap_w", "call_s")}
    try:
        options = Options(**values)
    except LearningError as error:
        raise LearningError(f"{source}: {error}") from None
    shape, own = backfill_shape(options, len(values["states"])), learned.network.shape
    if (own.inputs, own.actions) != (shape.inputs, shape.actions) or (
        learned.network.architecture == "slots" and own != shape
    ):
        raise LearningError(
            f"{source}: its network reads {own.inputs} numbers and chooses from {own.actions} actions; an agent with "
            f"its options (window {options.window}) sees {shape.inputs} and has {shape.actions}; {_AGAIN}"
        )
    if learned.observation != _NAMES:
        raise LearningError(
            f"{source}, key 'observation': not the {len(_NAMES)} numbers that this version shows to an agent; {_AGAIN}"
        )
    return options


def check_fits(learned: Learned, options: Options, platform: Platform, source: str) -> None:
    """Refuse a policy that learned with other options than those of an environment, or with other power states.

    Args:
        learned: a policy of this task.
        options: those of the environment.
        platform: its machine.
        source: names the policy in messages.

    Raises:
        LearningError: naming the first option that differs.
    """
    own, here = asdict(options_of(learned, source)), asdict(options)
    here["states"] = chosen_states(options, platform)
    for name in own:
        if own[name] != here[name]:
            raise LearningError(
                f"{source}: learned with option {name} {shown(own[name])}, and the environment has "
                f"{shown(here[name])}; give it the same options, or another policy"
            )


def _plain(options: Options, states: Sequence[int]) -> dict[str, Any]:
    """Return options as values of JSON."""
    values = asdict(options) | {"states": list(states), "hold_s": list(options.hold_s)}
    return {name: None if value == math.inf else value for name, value in values.items()}


def _machine(platform: Platform, states: Sequence[int], utc_offset_s: float, calendar: bool) -> dict[str, Any]:
    """Return what is written down of the machine."""
    n = platform.n_compute
    speed, full_w = platform.speed_flops[:n][:, list(states)], platform.full_w[:n][:, list(states)]
    return {
        "platform": platform.name,
        "hosts": n,
        "computing_states": len(computing_states(platform)),
        "states": [
            {
                "state": state,
                "speed_flops": float(speed[:, k].mean()),
                "full_w": float(full_w[:, k].mean()),
                "relative_speed": _range(speed[:, k] / speed[:, 0]),
                "relative_full_w": _range(full_w[:, k] / full_w[:, 0]),
            }
            for k, state in enumerate(states)
        ],
        "utc_offset_s": float(utc_offset_s),
        "calendar": calendar,
    }


def _range(ratios: NDArray[np.float64]) -> list[float]:
    return [float(ratios.min()), float(ratios.max())]


def _surroundings(learned: Learned, options: Options, source: str) -> Surroundings:
    """Return what a policy learned to expect."""
    machine, place = learned.machine, f"{source}, key 'machine"
    _check(machine, _MACHINE_RULES, place)
    for state in machine["states"]:
        _check(state, _STATE_RULES, f"{place}.states")
    numbers = tuple(state["state"] for state in machine["states"])
    if numbers != options.states:
        raise LearningError(f"{place}.states': {numbers}, and the options name {options.states}; {_AGAIN}")
    return Surroundings(
        n_computing=machine["computing_states"],
        speed=tuple((low, high) for low, high in (state["relative_speed"] for state in machine["states"])),
        full_w=tuple((low, high) for low, high in (state["relative_full_w"] for state in machine["states"])),
        utc_offset_s=float(machine["utc_offset_s"]),
        calendar=machine["calendar"],
    )


def _check(values: Mapping[str, Any], rules: Mapping[str, Rule], place: str) -> None:
    """Refuse values that break a rule."""
    for key, problem in broken(values, rules):
        raise LearningError(f"{place}.{key}': {problem}; {_AGAIN}")


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and all(map(is_number, value))


_WHOLE: Rule = (lambda value: type(value) is int and 0 <= value < 2**31, "a whole number from 0")
_TRUTH: Rule = (lambda value: isinstance(value, bool), "true or false")
_NUMBER: Rule = (is_number, "a number")
_OPEN: Rule = (lambda value: value is None or is_number(value), "a number or null")
_RATIOS: Rule = (
    lambda value: _numbers(value) and len(value) == 2 and 0 < value[0] <= value[1],
    "two numbers above 0, the smaller one first",
)
_OPTION_RULES: dict[str, Rule] = {
    "window": _WHOLE,
    "states": (
        lambda value: (
            isinstance(value, list)
            and 1 <= len(set(map(str, value))) == len(value) <= p.MAX_STATES
            and all(map(_WHOLE[0], value))
        ),
        f"1 to {p.MAX_STATES} numbers of power states, each once",
    ),
    "backfill": (lambda value: isinstance(value, str), "easy or any"),
    "wait": _TRUTH,
    "hold_s": (_numbers, "a list of seconds"),
    "max_hold_s": _NUMBER,
    "sleep": _TRUTH,
    "cap_w": _OPEN,
    "call_s": _OPEN,
}
_MACHINE_RULES: dict[str, Rule] = {
    "platform": (lambda value: isinstance(value, str), "a text"),
    "hosts": _WHOLE,
    "computing_states": _WHOLE,
    "states": (
        lambda value: isinstance(value, list) and all(isinstance(state, dict) for state in value),
        "a list of objects",
    ),
    "utc_offset_s": _NUMBER,
    "calendar": _TRUTH,
}
_STATE_RULES: dict[str, Rule] = {
    "state": _WHOLE,
    "speed_flops": _NUMBER,
    "full_w": _NUMBER,
    "relative_speed": _RATIOS,
    "relative_full_w": _RATIOS,
}
