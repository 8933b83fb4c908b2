"""A learned policy in one file ``NAME.wattq``: weights, what they read and choose, and how they were learned.

The file is a zip archive of a manifest (JSON) and arrays (``.npy``), as bundles of surrogates are: no code, nothing
pickled, same policy, same bytes. What it takes to run it is numpy and numba; torch is for training alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from wattq import __version__
from wattq.bundles.document import (
    DIGEST,
    DIGESTS,
    OBJECT,
    TEXTS,
    Rule,
    broken,
    digest_of,
    object_text,
    parse_object,
    shown,
)
from wattq.bundles.reading import ENDING, MANIFEST, array_members, arrays_of, bundle_of, members_of, read_bytes
from wattq.errors import LearningError
from wattq.files import write_whole
from wattq.schedulers.rl.network import ACTIVATIONS, ARCHITECTURES, Network, NetworkShape

__all__ = [
    "FORMAT_VERSION",
    "LEARNED_TASKS",
    "SIGNALS",
    "Learned",
    "learned_bytes",
    "load_learned",
    "parse_learned",
    "save_learned",
]

FORMAT_VERSION = 1
"""Version of the file format; another one is refused."""

LEARNED_TASKS = ("backfill", "eco", "node-power", "sc20")
"""What a policy decides on."""

SIGNALS = ("carbon", "price")
"""Grid signals that a policy can have been trained with."""

_FORMAT = "wattq bundle"
_KIND = "policy"
_REMEDY = "give a file of `wattq rl train`"
_AGAIN = "fetch the file again, or train the policy again"
_LIBRARIES = ("numpy", "numba")


@dataclass(frozen=True, eq=False)
class Learned:
    """A learned policy.

    Attributes:
        task: one of `LEARNED_TASKS`.
        network: from observations to actions.
        observation: names of the numbers that it reads: those about the whole, then the features of a slot once.
        options: options of the environment that it learned in, as JSON values.
        machine: the machine that it learned on: ``hosts``, ``states`` (computing power states, each with
            ``speed_flops``, ``idle_w``, ``full_w``) and what else the task tells.
        signals: the `SIGNALS` that it needs.
        card: data, seeds, cost and results of the training, as JSON values.
        versions: versions of wattq and of the libraries that made it.
        digest: sha256 of the manifest, which holds those of the arrays; empty for one that was not read from a file.
    """

    task: str
    network: Network
    observation: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)
    signals: tuple[str, ...] = ()
    card: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""


def save_learned(path: str | Path, learned: Learned) -> Learned:
    """Write a learned policy as one file, which appears whole or not at all; return it as it is read from there.

    Args:
        path: file to write; its name ends with ``.wattq``.
        learned: the policy.

    Raises:
        LearningError: the name ends otherwise, or `load_learned` would refuse the file.
        MissingFileError: the folder cannot be written.
    """
    path = Path(path)
    if path.suffix != ENDING:
        raise LearningError(f"{path}: the name of a learned policy ends with {ENDING}; call it {path.stem}{ENDING}")
    data = learned_bytes(learned)
    again = parse_learned(data, str(path))
    write_whole(path, data)
    return again


def learned_bytes(learned: Learned) -> bytes:
    """Return the bytes of the file of a learned policy.

    Raises:
        LearningError: when it holds what is no value of JSON, or is too large.
    """
    members, digests = array_members(learned.network.arrays, error=LearningError)
    document = {
        "format": _FORMAT,
        "format_version": FORMAT_VERSION,
        "kind": _KIND,
        "task": learned.task,
        "network": {
            "architecture": learned.network.architecture,
            "activation": learned.network.activation,
            **asdict(learned.network.shape),
            "blocks": list(learned.network.shape.blocks),
        },
        "observation": list(learned.observation),
        "options": dict(learned.options),
        "machine": dict(learned.machine),
        "signals": list(learned.signals),
        "card": dict(learned.card),
        "versions": _versions_here() | dict(learned.versions),
        "arrays": digests,
    }
    document["digest"] = digest_of(document, error=LearningError)
    return bundle_of(object_text(document, error=LearningError), members, error=LearningError)


def load_learned(path: str | Path, *, task: str | None = None) -> Learned:
    """Return the learned policy of a file.

    Args:
        path: the file.
        task: one of `LEARNED_TASKS` where only a policy for this one will do.

    Raises:
        MissingFileError: the file cannot be read.
        LearningError: it is damaged, truncated, changed, of another format version or kind, of another task, or its
            weights make no network.
    """
    data = read_bytes(path, remedy=f"check the path, or {_REMEDY}", error=LearningError)
    return parse_learned(data, str(path), task=task)


def parse_learned(data: bytes, source: str, *, task: str | None = None) -> Learned:
    """Return a learned policy from bytes; like `load_learned` without the disk, `source` names them in messages."""
    text, members = members_of(data, source, remedy=_REMEDY, error=LearningError)
    document = _document(text, f"{source}, {MANIFEST}")
    if task is not None and document["task"] != task:
        raise LearningError(
            f"{source}: a policy for the task '{document['task']}', where one for '{task}' is needed; give another one"
        )
    arrays = arrays_of(members, document["arrays"], source, error=LearningError)
    words = dict(document["network"])
    architecture, activation = words.pop("architecture"), words.pop("activation")
    try:
        shape = NetworkShape(**(words | {"blocks": tuple(words["blocks"])}))
        network = Network.from_arrays(architecture, shape, arrays, activation)
    except LearningError as error:
        raise LearningError(f"{source}: {error}") from None
    _check_names(document["observation"], network, source)
    return Learned(
        task=document["task"],
        network=network,
        observation=tuple(document["observation"]),
        signals=tuple(document["signals"]),
        **{name: document[name] for name in ("options", "machine", "card", "versions", "digest")},
    )


def _versions_here() -> dict[str, str]:
    return {"wattq": __version__} | {name: version(name) for name in _LIBRARIES}


def _document(text: bytes, place: str) -> dict[str, Any]:
    """Return the manifest; every key is there, no other is, and the digest is that of the content."""
    document = parse_object(text, place, error=LearningError)
    told = (document.get("format"), document.get("format_version"))
    if told != (_FORMAT, FORMAT_VERSION):
        raise LearningError(
            f"{place}: format {shown(told[0])}, version {shown(told[1])}; this wattq ({__version__}) reads '{_FORMAT}' "
            f"version {FORMAT_VERSION}; train the policy again with it"
        )
    if document.get("kind") != _KIND:
        raise LearningError(
            f"{place}: a bundle of kind {shown(document.get('kind'))}, where a learned policy is needed; {_REMEDY}"
        )
    problems = [*broken(document, _RULES)]
    problems = problems or [*broken(document["network"], _NETWORK_RULES, "network.")]
    if problems:
        raise LearningError(f"{place}, key '{problems[0][0]}': {problems[0][1]}; {_AGAIN}")
    whole = object_text(document, error=LearningError) == text
    if not whole or document["digest"] != digest_of(document, error=LearningError):
        raise LearningError(f"{place}, key 'digest': the content is not what was written; {_AGAIN}")
    return document


def _check_names(names: list[str], network: Network, source: str) -> None:
    """Refuse names that are not one for each number about the whole and each feature of a slot."""
    expected = network.shape.globals_ + (network.shape.features if network.shape.slots else 0)
    if len(names) != expected:
        raise LearningError(
            f"{source}, key 'observation': {len(names)} names for {network.shape.globals_} numbers about the whole and "
            f"{expected - network.shape.globals_} features of a slot; {_AGAIN}"
        )


_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")


def _is_names(value: Any) -> bool:
    """Return whether a value is a list of different names."""
    plain = isinstance(value, list) and all(isinstance(name, str) and _NAME.fullmatch(name) for name in value)
    return plain and len(set(value)) == len(value)


_COUNT: Rule = (lambda value: type(value) is int and 0 <= value < 2**31, "a whole number from 0")
_RULES: dict[str, Rule] = {
    "format": (lambda value: value == _FORMAT, repr(_FORMAT)),
    "format_version": (lambda value: type(value) is int and value == FORMAT_VERSION, str(FORMAT_VERSION)),
    "kind": (lambda value: value == _KIND, repr(_KIND)),
    "task": (lambda value: value in LEARNED_TASKS, "one of " + ", ".join(LEARNED_TASKS)),
    "network": OBJECT,
    "observation": (_is_names, "names, each once"),
    "options": OBJECT,
    "machine": OBJECT,
    "signals": (
        lambda value: isinstance(value, list) and value == [signal for signal in SIGNALS if signal in value],
        "a list of " + ", ".join(SIGNALS),
    ),
    "card": OBJECT,
    "versions": TEXTS,
    "arrays": DIGESTS,
    "digest": DIGEST,
}
_NETWORK_RULES: dict[str, Rule] = {
    "architecture": (lambda value: value in ARCHITECTURES, "one of " + ", ".join(ARCHITECTURES)),
    "activation": (lambda value: value in ACTIVATIONS, "one of " + ", ".join(ACTIVATIONS)),
    **dict.fromkeys(("globals_", "slots", "features", "choices", "others"), _COUNT),
    "blocks": (
        lambda value: isinstance(value, list) and len(value) < 100 and all(map(_COUNT[0], value)),
        "a list of whole numbers from 0",
    ),
}
