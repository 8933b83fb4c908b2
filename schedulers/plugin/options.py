"""Options of the plugin: which policy with which parameters, on what platform.

They come from two places. The scheduler's own command line (``pybatsim -o``, ``wattq-scheduler``) wins, key by key and
parameter by parameter, over Batsim's ``--sched-cfg``, which reaches the scheduler in SIMULATION_BEGINS.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattq.errors import InvalidInputError, MissingFileError, PolicyError
from wattq.schedulers.estimate_parameters import COMMON
from wattq.schedulers.registry import make_policy, policy_spec

if TYPE_CHECKING:
    from wattq.simulator.interface import CompiledPolicy, Policy

__all__ = [
    "SILENCE_LIMIT_S",
    "Options",
    "options_text",
    "policy_of",
    "read_options",
    "read_sched_config",
    "with_defaults",
]

SILENCE_LIMIT_S = 300.0
"""How long Batsim may take for one step, s, unless the option ``silence_limit_s`` says otherwise."""

_MOST_BYTES = 1 << 20
_OWN = ("params", "platform", "silence_limit_s")


@dataclass(frozen=True)
class Options:
    """What a user asked for.

    Attributes:
        policy: name in the registry, ``path/to/file.py:Class`` or ``package.module:Class``; None when not said yet.
        params: parameters of the policy.
        platform: platform file or preset that Batsim was given, None when not said.
        silence_limit_s: how long Batsim may be silent, s; None when not said.
    """

    policy: str | None = None
    params: Mapping[str, object] = field(default_factory=dict)
    platform: str | None = None
    silence_limit_s: float | None = None


def options_text(argument: str) -> tuple[Any, str]:
    """Return the JSON value of a command-line argument (JSON, or ``@file``) and the place to name in messages.

    Raises:
        MissingFileError: the file cannot be read.
        InvalidInputError: the text is not JSON.
    """
    if not argument.startswith("@"):
        return _json(argument, "the options"), "the options"
    path = argument[1:]
    try:
        with Path(path).open("rb") as file:
            text = file.read(_MOST_BYTES)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise MissingFileError(f"options file '{path}': cannot be read ({reason}); check the path") from None
    return _json(text, f"options file '{path}'"), f"options file '{path}'"


def _json(text: str | bytes, place: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f'{place}: not JSON ({error}); write an object such as {{"order": "sjf"}}') from None


def read_options(given: Any, place: str, fixed: str | None = None) -> Options:
    """Return options from a JSON value.

    Args:
        given: the object; keys are ``params``, ``platform``, ``silence_limit_s``; without a fixed policy ``policy``,
            with one the names of its parameters.
        place: where it stands, for messages.
        fixed: the policy that the user named otherwise (``wattq-easy``), None when the options name it.

    Raises:
        InvalidInputError: a key is unknown, or a value breaks its rule.
    """
    if not isinstance(given, Mapping):
        raise InvalidInputError(f'{place}: {given!r:.60} is not an object; write one such as {{"order": "sjf"}}')
    own = [parameter.name for parameter in (*policy_spec(fixed)[1].parameters, *COMMON)] if fixed else []
    keys = [*_OWN, *own] if fixed else ["policy", *_OWN]
    for key in given:
        if key not in keys:
            near = difflib.get_close_matches(str(key), keys, 2)
            hint = f"did you mean {' or '.join(near)}? The keys are" if near else "the keys are"
            raise InvalidInputError(f"{place}, key '{key}': unknown; {hint} {', '.join(keys)}")
    params = given.get("params", {})
    if not isinstance(params, Mapping):
        raise InvalidInputError(f"{place}, key 'params': {params!r:.60} is not an object of parameters by name")
    twice = [name for name in own if name in given and name in params]
    if twice:
        raise InvalidInputError(f"{place}, key '{twice[0]}': given twice, also in 'params'; leave one out")
    return Options(
        policy=fixed or _text(given, "policy", place),
        params=dict(params) | {name: given[name] for name in own if name in given},
        platform=_text(given, "platform", place),
        silence_limit_s=_limit(given, place),
    )


def _text(given: Mapping[str, Any], key: str, place: str) -> str | None:
    """Return a text, None when it is not given."""
    value = given.get(key)
    if key in given and (not isinstance(value, str) or not value):
        raise InvalidInputError(f"{place}, key '{key}': {value!r:.60} is not a text")
    return value


def _limit(given: Mapping[str, Any], place: str) -> float | None:
    """Return the limit of silence, None when it is not given."""
    value = given.get("silence_limit_s")
    if "silence_limit_s" not in given:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise InvalidInputError(f"{place}, key 'silence_limit_s': {value!r:.60} is not a number of seconds above 0")
    return float(value)


def read_sched_config(text: str, fixed: str | None = None) -> Options:
    """Return the options in Batsim's ``--sched-cfg``; a text that is no JSON object holds none.

    Raises:
        InvalidInputError: the text begins like an object, and is none, or breaks a rule of `read_options`.
    """
    place = "sched-config (Batsim's --sched-cfg)"
    if not text.lstrip().startswith("{"):
        return read_options({}, place, fixed)
    return read_options(_json(text, place), place, fixed)


def with_defaults(options: Options, defaults: Options) -> Options:
    """Return options in which what is not said is taken from others."""
    limit = defaults.silence_limit_s if options.silence_limit_s is None else options.silence_limit_s
    return Options(
        policy=options.policy or defaults.policy,
        params={**defaults.params, **options.params},
        platform=options.platform or defaults.platform,
        silence_limit_s=limit,
    )


def policy_of(options: Options) -> Policy | CompiledPolicy:
    """Return the policy that was asked for.

    Raises:
        PolicyError: no policy was named, or the one that was cannot be made.
    """
    if options.policy is None:
        raise PolicyError(
            "no policy was named; give one by the option 'policy': a built-in one such as \"easy\", "
            'or your own as "path/to/file.py:Class"'
        )
    return make_policy(options.policy, options.params)
