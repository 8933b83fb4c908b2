"""HTML pages from the templates of this room."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wattq.pages.html import render_page

__all__ = ["render_template"]

_FOLDER = Path(__file__).resolve().parent / "templates"


def render_template(name: str, **values: Any) -> str:
    """Return a page of one of this room's templates; see `wattq.pages.html.render_page`."""
    return render_page(_FOLDER / name, **values)
