"""HTML pages from the templates of this room: one file each, style included."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from wattq import __version__

__all__ = ["render_template"]

_FOLDER = Path(__file__).resolve().parent / "templates"


def render_template(name: str, **values: Any) -> str:
    """Return a page; ``style`` and ``version`` are known to every template, all other names must be given."""
    html: str = _template(name).render(style=_text("style.css"), version=__version__, **values)
    return html


@functools.cache
def _template(name: str) -> Any:
    import jinja2

    environment = jinja2.Environment(autoescape=True, trim_blocks=False, undefined=jinja2.StrictUndefined)
    return environment.from_string(_text(name))


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
