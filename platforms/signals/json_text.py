"""JSON documents of grid services, read without surprises."""

from __future__ import annotations

import json
from typing import Any

from wattq.errors import SignalError

__all__ = ["parse_json"]


def parse_json(text: str, path: str) -> Any:
    """Return a JSON document.

    Raises:
        SignalError: when it is cut off, damaged, or nested too deep.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise SignalError(f"{path}, line {error.lineno}: no JSON ({error.msg}); fetch the file again") from None
    except (RecursionError, ValueError) as error:
        raise SignalError(f"{path}: no usable JSON ({str(error)[:80]}); fetch the file again") from None
