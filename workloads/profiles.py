"""Profiles: those of logged jobs, the rules of Batsim's JSON forms, and run times read back from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError, UnsupportedError, WorkloadError
from wattq.workloads.model import Profile

__all__ = [
    "FORMS",
    "SUPPORTED",
    "check_form",
    "check_profile",
    "convert_profile",
    "number_text",
    "profile_runtime_s",
    "runtime_profiles",
    "whole",
]

FORMS = ("parallel_homogeneous", "delay")
"""Profile types in which a run time can be written."""

SUPPORTED = ("delay", "parallel", "parallel_homogeneous", "parallel_homogeneous_total", "composed", "usage_trace")
"""Profile types that the simulator knows."""

_INT_LIMIT = 2**31


def check_form(form: str, speed_flops: float) -> None:
    """Refuse a profile form or a speed that cannot be used.

    Raises:
        InvalidInputError: when `form` is not one of `FORMS`, or the speed is not a positive finite number.
    """
    if form not in FORMS:
        raise InvalidInputError(f"profile form {form!r}: not one of {', '.join(FORMS)}; choose one of them")
    if not 0 < speed_flops <= 1e24:
        raise InvalidInputError(
            f"speed {speed_flops!r} flop/s: it must be greater than 0 and at most 1e24; give a host's speed"
        )


def whole(value: float) -> int | float:
    """Return an int where the value is whole and exact, so that files show 172 and not 172.0."""
    value = float(value)
    return int(value) if value.is_integer() and abs(value) <= 2**53 else value


def number_text(value: float) -> str:
    """Return the shortest text that reads back as the same number."""
    return repr(whole(value))


def runtime_profiles(
    run_s: NDArray[np.float64], form: str, speed_flops: float
) -> tuple[NDArray[np.int64], tuple[Profile, ...]]:
    """Return the profile index of each job and one profile for each distinct run time.

    A profile is named by its run time in seconds: ``d3477`` (delay) or ``p3477`` (parallel_homogeneous, where each host
    computes run time x `speed_flops` and nothing is sent).

    Args:
        run_s: run times, s, length n_jobs, positive.
        form: one of `FORMS`.
        speed_flops: speed of a host, flop/s.
    """
    distinct, index = np.unique(run_s, return_inverse=True)
    return index.astype(np.int64), tuple(_runtime_profile(run, form, speed_flops) for run in distinct.tolist())


def _runtime_profile(run_s: float, form: str, speed_flops: float) -> Profile:
    if form == "delay":
        return Profile("d" + number_text(run_s), form, {"type": form, "delay": whole(run_s)})
    return Profile("p" + number_text(run_s), form, {"type": form, "cpu": run_s * speed_flops, "com": 0})


def profile_runtime_s(profile: Profile, speed_flops: float = 1e9) -> float:
    """Return how long a profile runs on hosts of one speed, NaN where that takes more than the profile to know.

    Known are ``delay``, and ``parallel_homogeneous`` and ``parallel`` without communication.
    """
    description = profile.description
    if profile.type == "delay":
        return float(description["delay"])
    if profile.type == "parallel_homogeneous" and not description["com"]:
        return float(description["cpu"]) / speed_flops
    if profile.type == "parallel" and not any(description["com"]):
        return float(max(description["cpu"])) / speed_flops
    return float("nan")


def convert_profile(profile: Profile, form: str, speed_flops: float) -> dict[str, Any]:
    """Return the description of a profile in another form; extra keys such as ``ret`` stay.

    Raises:
        UnsupportedError: when the profile has no run time of its own (communication, per-host work, sequences).
    """
    description = dict(profile.description)
    if profile.type == form:
        return description
    if profile.type not in FORMS or description.get("com", 0):
        raise UnsupportedError(
            f"profile {profile.name!r}: a {profile.type} profile cannot be written as {form} without changing what it "
            "does; write the workload without choosing a form"
        )
    run_s = profile_runtime_s(profile, speed_flops)
    kept = {key: value for key, value in description.items() if key not in ("type", "delay", "cpu", "com")}
    if form == "delay":
        if not run_s > 0:
            raise UnsupportedError(
                f"profile {profile.name!r}: no work, and a delay must last more than 0 s; keep its form"
            )
        return {"type": form, "delay": whole(run_s), **kept}
    return {"type": form, "cpu": run_s * speed_flops, "com": 0, **kept}


def check_profile(name: str, description: object, source: str) -> Profile:
    """Return a profile of Batsim's JSON once its own rules hold (batsim-semantics, section 5.1).

    Types that the simulator does not know pass: they are refused where a job uses them.

    Raises:
        WorkloadError: when a rule is broken.
    """
    place = f"{source}, profile {name!r}"
    if not isinstance(description, Mapping):
        raise WorkloadError(f"{place}: {_show(description)} is not an object; a profile is an object with a 'type'")
    kind = description.get("type")
    if not isinstance(kind, str):
        raise WorkloadError(f"{place}, key 'type': {_show(kind)} is not a text; give one of {', '.join(SUPPORTED)}")
    if "ret" in description and not _is_int(description["ret"]):
        raise WorkloadError(
            f"{place}, key 'ret': {_show(description['ret'])} is not a 32-bit integer; give a return code"
        )
    if kind == "delay":
        _number(description, "delay", place, strictly=True)
    elif kind in ("parallel_homogeneous", "parallel_homogeneous_total"):
        _number(description, "cpu", place)
        _number(description, "com", place)
    elif kind == "parallel":
        _check_vectors(description, place)
    elif kind == "composed":
        _check_sequence(description, place)
    elif kind == "usage_trace" and not isinstance(description.get("trace"), str):
        raise WorkloadError(
            f"{place}, key 'trace': {_show(description.get('trace'))} is not a text; name the trace file"
        )
    return Profile(name, kind, description)


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_INT_LIMIT <= value < _INT_LIMIT


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e300


def _show(value: object) -> str:
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**30 else "a huge number"
    return text if len(text) <= 60 else text[:60] + "..."


def _number(description: Mapping[str, Any], key: str, place: str, *, strictly: bool = False) -> None:
    value = description.get(key)
    if not _is_amount(value) or (strictly and value == 0):
        rule = "greater than 0" if strictly else "0 or more"
        found = _show(value) if key in description else "missing"
        raise WorkloadError(f"{place}, key '{key}': {found}; it must be a finite number {rule}")


def _check_vectors(description: Mapping[str, Any], place: str) -> None:
    sizes = []
    for key in ("cpu", "com"):
        vector = description.get(key)
        if not isinstance(vector, list) or not all(_is_amount(value) for value in vector):
            raise WorkloadError(
                f"{place}, key '{key}': {_show(vector)}; it must be a list of finite numbers, 0 or more"
            )
        sizes.append(len(vector))
    if not sizes[0] or sizes[1] != sizes[0] ** 2:
        raise WorkloadError(
            f"{place}, key 'com': {sizes[1]} numbers for {sizes[0]} in 'cpu'; "
            "n hosts take n amounts of work, n >= 1, and n x n of bytes"
        )


def _check_sequence(description: Mapping[str, Any], place: str) -> None:
    repeat = description.get("repeat", 1)
    if not _is_int(repeat) or repeat < 1:
        raise WorkloadError(f"{place}, key 'repeat': {_show(repeat)}; it must be an integer of at least 1")
    parts = description.get("seq")
    if not isinstance(parts, list) or not parts or not all(isinstance(part, str) for part in parts):
        raise WorkloadError(f"{place}, key 'seq': {_show(parts)}; it must be a list of at least one profile name")
