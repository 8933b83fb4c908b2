"""HTML pages from templates: one file each, style included, the same for every room."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from wattq import __version__

__all__ = ["render_page"]

_HERE = Path(__file__).resolve().parent


def render_page(template: Path, **values: Any) -> str:
    """Return a page; ``style`` and ``version`` are known to every template, all other names must be given.

    A template extends ``frame.html``, which has head and style, and fills its block ``body``; ``title`` is the frame's.

    Args:
        template: a file of Jinja2.
        values: names of the template.
    """
    html: str = _template(template).render(style=_text(_HERE / "style.css"), version=__version__, **values)
    return html


@functools.cache
def _template(path: Path) -> Any:
    import jinja2

    loader = jinja2.FileSystemLoader(_HERE)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=False, undefined=jinja2.StrictUndefined
    )
    return environment.from_string(_text(path))


@functools.cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
