"""What pages and pictures of all rooms have in common: `wattq.pages.figures` and `wattq.pages.html`."""

from __future__ import annotations

__all__: list[str] = []
