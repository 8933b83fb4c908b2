"""Halves of surrogate pairs in JSON: Python reads them, Batsim's JSON library does not, and UTF-8 has none."""

from __future__ import annotations

import json

__all__ = ["has_half_pair"]


def has_half_pair(text: str) -> bool:
    """Return whether a JSON text escapes half of a surrogate pair; a text that is no JSON has none."""
    if "\\u" not in text:
        return False
    try:
        json.dumps(json.loads(text), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        return False
    return False
