"""Refusals as answers: one form for all of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

__all__ = ["problem_bytes", "without_values"]


def problem_bytes(detail: str | Sequence[dict[str, Any]], request_id: str) -> bytes:
    """Return a refusal as JSON in ASCII: `wattq.telemetry.api.answers.Problem`."""
    return json.dumps({"detail": detail, "request_id": request_id}).encode()


def without_values(errors: Sequence[Any]) -> list[dict[str, Any]]:
    """Return validation errors as field, rule and words, without the values, which may be anything."""
    return [
        {
            "loc": [part if isinstance(part, int) else str(part) for part in error["loc"]],
            "msg": str(error["msg"]),
            "type": str(error["type"]),
        }
        for error in errors[:20]
    ]
