"""Networks without torch: compiled functions from an observation to logits, and from logits to an action."""

from __future__ import annotations

__all__: list[str] = []
