"""The manifest of a bundle: a JSON object in one form only, signed by its digest, checked key by key."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from wattq.errors import InvalidInputError

__all__ = [
    "DIGEST",
    "DIGESTS",
    "MAYBE_NUMBER",
    "OBJECT",
    "TEXTS",
    "Rule",
    "broken",
    "digest_of",
    "is_number",
    "is_texts",
    "object_text",
    "parse_object",
    "shown",
]

Rule = tuple[Callable[[Any], bool], str]
"""Whether a value is allowed, and what is allowed, in words."""

_MAX_MANIFEST = 2**22
_AGAIN = "fetch the bundle again, or train it again"
_SHA = re.compile(r"[0-9a-f]{64}")

_ErrorKind = type[InvalidInputError]


def parse_object(data: bytes, place: str, *, error: _ErrorKind = InvalidInputError) -> dict[str, Any]:
    """Return the object of JSON bytes.

    Args:
        data: the bytes.
        place: names them in messages.
        error: class of the error.

    Raises:
        InvalidInputError: as `error`, when they are too many, or no JSON, or the JSON of no object.
    """
    if len(data) > _MAX_MANIFEST:
        raise error(f"{place}: {len(data)} bytes, more than the {_MAX_MANIFEST} of a manifest; {_AGAIN}")
    try:
        document = json.loads(data)
        if isinstance(document, dict):
            return document
        problem: object = "it is no object"
    except (ValueError, RecursionError) as wrong:
        problem = wrong
    raise error(f"{place}: not the JSON of a manifest ({str(problem)[:120]}); {_AGAIN}")


def object_text(document: Mapping[str, Any], *, error: _ErrorKind = InvalidInputError) -> bytes:
    """Return an object as JSON: sorted keys, no NaN, the same bytes for the same content.

    Raises:
        InvalidInputError: as `error`, when a value is none of JSON's.
    """
    try:
        return (json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()
    except (ValueError, TypeError, RecursionError) as wrong:
        raise error(f"manifest: a value that JSON does not hold ({str(wrong)[:120]}); use plain numbers") from None


def digest_of(document: Mapping[str, Any], *, error: _ErrorKind = InvalidInputError) -> str:
    """Return the sha256 of an object without its key ``digest``.

    Raises:
        InvalidInputError: as `error`, when a value is none of JSON's.
    """
    rest = {key: value for key, value in document.items() if key != "digest"}
    return hashlib.sha256(object_text(rest, error=error)).hexdigest()


def shown(value: object) -> str:
    """Return a value for a message, cut off where it is long."""
    return repr(value)[:60]


def is_number(value: Any) -> bool:
    """Return whether a value is a number of sensible size."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15


def is_texts(value: Any) -> bool:
    """Return whether a value is an object of texts."""
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


OBJECT: Rule = (lambda value: isinstance(value, dict), "an object")
DIGEST: Rule = (lambda value: isinstance(value, str) and bool(_SHA.fullmatch(value)), "64 hexadecimal digits")
DIGESTS: Rule = (
    lambda value: is_texts(value) and all(_SHA.fullmatch(text) for text in value.values()),
    "digests by name",
)
MAYBE_NUMBER: Rule = (lambda value: value is None or is_number(value), "a number or null")
TEXTS: Rule = (is_texts, "texts by name")


def broken(values: Mapping[str, Any], rules: Mapping[str, Rule], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield key and problem of what is against the rules: each key is there, no other is, and its value is allowed.

    Args:
        values: an object.
        rules: by key.
        above: what stands before the keys in messages.
    """
    for key in sorted({*values, *rules}):
        if key not in rules:
            yield above + key[:60], "unknown; no manifest has it"
        elif key not in values:
            yield above + key, "missing"
        elif not rules[key][0](values[key]):
            yield above + key, f"{shown(values[key])} is not {rules[key][1]}"
