"""JSON as Batsim prints it: compact, integers as they are, every double with 6 decimals (batsim-semantics.md, 1.1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from wattq.workloads.rapid_numbers import forwarded_number

__all__ = ["as_forwarded", "json_text"]


def as_forwarded(value: Any) -> Any:
    """Return a JSON value whose doubles Batsim printed and read again on their way."""
    if isinstance(value, float):
        return forwarded_number(value)
    if isinstance(value, Mapping):
        return {key: as_forwarded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_forwarded(item) for item in value]
    return value


def json_text(value: Any) -> str:
    """Return a JSON value as text; floats get 6 decimals, text stays UTF-8."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, float):
        return f"{value:.6f}"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        members = (f"{json.dumps(str(k), ensure_ascii=False)}:{json_text(v)}" for k, v in value.items())
        return "{" + ",".join(members) + "}"
    return "[" + ",".join(json_text(item) for item in value) + "]"
