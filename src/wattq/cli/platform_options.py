"""Options of ``wattq platform`` that are written as short texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from wattq.platforms import ComputeState, SleepState
    from wattq.platforms.measured import MeasuredCurves, PowerCurve

__all__ = [
    "compute_state",
    "curve_named",
    "host_properties",
    "numbers",
    "pick",
    "sleep_state",
    "watts",
]

T = TypeVar("T")


def compute_state(text: str) -> ComputeState:
    """Return the state of ``SPEED``, ``SPEED:IDLE_W:FULL_W`` or ``SPEED:IDLE_W:EPSILON_W:FULL_W``."""
    from wattq.errors import InvalidInputError
    from wattq.platforms import ComputeState
    from wattq.platforms.units_text import parse_speed

    speed, *watts = text.split(":")
    if len(watts) not in (0, 2, 3):
        raise InvalidInputError(f"--state '{text}': write SPEED, SPEED:IDLE_W:FULL_W or SPEED:IDLE_W:EPSILON_W:FULL_W")
    try:
        flops = parse_speed(speed)
    except ValueError as error:
        raise InvalidInputError(f"--state '{text}': {error}") from None
    if not watts:
        return ComputeState(flops)
    idle, *epsilon, full = numbers("--state", text, watts)
    return ComputeState(flops, idle, full, epsilon[0] if epsilon else None)


def sleep_state(text: str) -> SleepState:
    """Return the state of ``POWER_W:OFF_S:OFF_W:ON_S:ON_W``, or with energies as ``10:5:625J:64:7360J``."""
    from wattq.errors import InvalidInputError
    from wattq.platforms import SleepState

    parts = text.split(":")
    if len(parts) != 5:
        raise InvalidInputError(f"--sleep '{text}': write POWER_W:OFF_S:OFF_W:ON_S:ON_W, as 10:5:125:64:115")
    joules = [part.endswith("J") for part in parts]
    if any(joules):
        if joules != [False, False, True, False, True]:
            raise InvalidInputError(f"--sleep '{text}': energies end both switches: POWER_W:OFF_S:OFF_J:ON_S:ON_J")
        power_w, off_s, off_j, on_s, on_j = numbers("--sleep", text, [part.removesuffix("J") for part in parts])
        return SleepState.from_energy(power_w, off_s=off_s, off_j=off_j, on_s=on_s, on_j=on_j)
    return SleepState(*numbers("--sleep", text, parts))


def numbers(option: str, text: str, parts: Sequence[str]) -> list[float]:
    """Return the fields of an option as numbers."""
    from wattq.errors import InvalidInputError

    try:
        return [float(part) for part in parts]
    except ValueError:
        raise InvalidInputError(f"{option} '{text}': every field but the speed is a plain number (W or s)") from None


def host_properties(pairs: Sequence[str]) -> dict[str, str]:
    """Return the properties of ``KEY=VALUE`` texts."""
    from wattq.errors import InvalidInputError

    properties = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or not key:
            raise InvalidInputError(f"--prop '{pair}': write KEY=VALUE")
        properties[key] = value
    return properties


def watts(option: str, text: str, least: int, most: int) -> list[float]:
    """Return the fields of ``W:W...``, as many as the option takes."""
    from wattq.errors import InvalidInputError

    parts = text.split(":")
    if not least <= len(parts) <= most:
        raise InvalidInputError(f"{option} '{text}': write {least} to {most} powers in W, with ':' between them")
    return numbers(option, text, parts)


def curve_named(text: str) -> tuple[MeasuredCurves, PowerCurve]:
    """Return the source and the curve of ``SOURCE`` (the mean of its classes) or ``SOURCE:CLASS``."""
    from wattq.platforms.measured import measured_curves

    name, _, app_class = text.partition(":")
    source = pick("--curve", name, measured_curves())
    return source, pick(f"--curve {name}:CLASS", app_class or "all", source.curves)


def pick(option: str, name: str, among: Mapping[str, T]) -> T:
    """Return the entry of a name, or say which names are near."""
    import difflib

    from wattq.errors import InvalidInputError

    if name not in among:
        near = difflib.get_close_matches(name, among, n=3) or list(among)[:12]
        raise InvalidInputError(f"{option} '{name}': there is none of this name; there are {', '.join(near)}")
    return among[name]
