"""The power states of a host: speeds, powers, and which states compute, sleep or switch.

Rules of Batsim 4.2 and SimGrid 3.34: ``wattage_per_state`` holds ``Idle:AllCores`` or ``Idle:Epsilon:AllCores`` for
each power state; ``sleep_pstates`` holds ``sleep:off:on`` triplets, the second state being the one used to switch off.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from wattq.platforms.model import PstateKind

__all__ = ["StateTable", "power_property", "read_states"]

_WATTS = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_NAN = math.nan
Fail = Callable[[str], None]


@dataclass(frozen=True)
class StateTable:
    """The power states of a host, one entry per state in each tuple; units and meanings as in `Platform`."""

    speed_flops: tuple[float, ...]
    idle_w: tuple[float, ...]
    epsilon_w: tuple[float, ...]
    full_w: tuple[float, ...]
    kind: tuple[int, ...]
    off_pstate: tuple[int, ...]
    on_pstate: tuple[int, ...]

    @property
    def has_power(self) -> bool:
        """Whether the host states its powers."""
        return not math.isnan(self.idle_w[0])


def power_property(props: Mapping[str, str]) -> str:
    """Return the name of the property that holds the powers (the current or the older one); '' without any."""
    return next((name for name in ("wattage_per_state", "watt_per_state") if name in props), "")


def read_states(speeds: Sequence[float], props: Mapping[str, str], fail: Fail, *, computes: bool = True) -> StateTable:
    """Return the table of power states; each broken rule is told to ``fail``, which may raise.

    Storage hosts and the master do not compute, so that their speed may be 0.
    """
    n = len(speeds)
    kind = [int(PstateKind.COMPUTE)] * n
    off, on = [-1] * n, [-1] * n
    if "sleep_pstates" in props:
        _read_sleep(props["sleep_pstates"], kind, off, on, fail)
    _check_speeds(speeds, kind, computes, fail)
    name = power_property(props)
    powers = _read_powers(name, props[name], n, fail) if name else [(_NAN, _NAN, _NAN)] * n
    idle, epsilon, full = zip(*powers, strict=True)
    _check_number("wattage_off", props.get("wattage_off", "0"), fail)
    return StateTable(tuple(speeds), idle, epsilon, full, tuple(kind), tuple(off), tuple(on))


def _read_sleep(text: str, kind: list[int], off: list[int], on: list[int], fail: Fail) -> None:
    for part in re.split(",+", text):
        states = [field.strip() for field in re.split(":+", part)]
        if len(states) != 3 or not all(field.isascii() and field.isdigit() and len(field) < 9 for field in states):
            fail(f"sleep_pstates '{part}' is not of the form sleep:off:on (a sleep state and its two virtual states)")
            continue
        sleep, switch_off, switch_on = (int(field) for field in states)
        problem = _sleep_problem(part, (sleep, switch_off, switch_on), kind)
        if problem:
            fail(problem)
            continue
        kind[sleep] = int(PstateKind.SLEEP)
        kind[switch_off] = int(PstateKind.SWITCH_OFF)
        kind[switch_on] = int(PstateKind.SWITCH_ON)
        off[sleep], on[sleep] = switch_off, switch_on


def _sleep_problem(part: str, states: tuple[int, int, int], kind: list[int]) -> str:
    sleep, *virtual = states
    absent = [state for state in states if state >= len(kind)]
    if absent:
        return f"sleep_pstates '{part}' names state {absent[0]}, but the speeds make states 0 to {len(kind) - 1} only"
    if sleep in virtual or kind[sleep] != PstateKind.COMPUTE:
        return (
            f"sleep_pstates '{part}': state {sleep} has a second role; a sleep state cannot be used for anything else"
        )
    if any(kind[state] == PstateKind.SLEEP for state in virtual):
        return f"sleep_pstates '{part}': a virtual state is also a sleep state; each needs a state of its own"
    return ""


def _check_speeds(speeds: Sequence[float], kind: list[int], computes: bool, fail: Fail) -> None:
    for state, (speed, what) in enumerate(zip(speeds, kind, strict=True)):
        if speed > 0 or what == PstateKind.SLEEP:
            continue
        if what == PstateKind.COMPUTE:
            if not computes:
                continue
            fail(f"computing state {state} has speed 0, and Batsim aborts; give it a speed or name it in sleep_pstates")
        else:
            fail(f"virtual state {state} has speed 0, so that switching never ends; use 1/(seconds of the switch)")


def _read_powers(name: str, text: str, n: int, fail: Fail) -> list[tuple[float, float, float]]:
    parts = text.split(",")
    if len(parts) != n:
        fail(
            f"{name} has powers for {len(parts)} states, but there are {n} speeds, and SimGrid aborts; make them equal"
        )
        parts = (parts + [parts[-1]] * n)[:n]
    return [_read_power(name, part, state, fail) for state, part in enumerate(parts)]


def _read_power(name: str, part: str, state: int, fail: Fail) -> tuple[float, float, float]:
    fields = part.split(":")
    if len(fields) not in (2, 3):
        fail(f"{name} '{part}' of state {state} is not of the form Idle:AllCores or Idle:Epsilon:AllCores")
        return _NAN, _NAN, _NAN
    values = [_check_number(f"{name} of state {state}", field, fail) for field in fields]
    return (values[0], values[0], values[1]) if len(values) == 2 else (values[0], values[1], values[2])


def _check_number(what: str, text: str, fail: Fail) -> float:
    if not _WATTS.fullmatch(text):
        fail(f"{what}: '{text}' is not a number of watts (SimGrid takes no unit, and no blank after a number)")
        return _NAN
    value = float(text)
    if not math.isfinite(value) or value < 0:
        fail(f"{what}: '{text}' W; a power must be finite and not negative")
        return _NAN
    return value
