"""JSON as Batsim prints it: compact, integers as they are, every double with 6 decimals (batsim-semantics.md, 1.1)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

from wattq.workloads.rapid_numbers import forwarded_number

__all__ = ["as_forwarded", "forwarded_text", "json_text"]


def as_forwarded(value: Any) -> Any:
    """Return a JSON value whose doubles Batsim printed and read again on their way."""
    if isinstance(value, float):
        return forwarded_number(value)
    if isinstance(value, Mapping):
        return {key: as_forwarded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_forwarded(item) for item in value]
    return value


@lru_cache(4096)
def _key(name: str) -> str:
    """Return the name of a member with its colon."""
    return f"{encode_basestring(name)}:"


def _plain(value: Any) -> str:
    """Return a value that is no double and holds no others as text."""
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value)


def json_text(value: Any) -> str:
    """Return a JSON value as text; floats get 6 decimals, text stays UTF-8."""
    if isinstance(value, float):
        return f"{value:.6f}"
    if isinstance(value, Mapping):
        return "{" + ",".join([_key(str(key)) + json_text(item) for key, item in value.items()]) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join([json_text(item) for item in value]) + "]"
    return _plain(value)


def forwarded_text(value: Any, full_id: str) -> str:
    """Return a job's JSON value as Batsim forwards it: doubles read again, every key "id" holds the full id."""
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind is int:
        return str(value)
    if kind is float:
        return f"{forwarded_number(value):.6f}"
    if isinstance(value, Mapping):
        id_text = encode_basestring(full_id)
        members = [_key(k) + (id_text if k == "id" else forwarded_text(v, full_id)) for k, v in value.items()]
        return "{" + ",".join(members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join([forwarded_text(item, full_id) for item in value]) + "]"
    return _plain(value)
