"""The documentation page: made of the service's own OpenAPI description, in one file without scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import FastAPI

__all__ = ["page"]

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "code,pre{background:#f4f4f4;border-radius:4px}code{padding:.1em .3em}pre{padding:.8rem;overflow:auto}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ddd;padding:.3rem .6rem;text-align:left;"
    "vertical-align:top}h2{margin-top:2.5rem}"
)
_EXAMPLE = """curl -H 'Content-Type: application/json' -H 'Authorization: Bearer TOKEN' \\
     -d '{"duration_seconds": 3600, "cpu_usage_percent": 80, "cpu_cores": 16}' ADDRESS/predict"""


def page(app: FastAPI) -> str:
    """Return the page of an application as HTML."""
    description = app.openapi()
    body = "".join((*_routes(description["paths"]), *_fields(description["components"]["schemas"])))
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>wattq API</title><style>{_STYLE}</style>"
        f"<h1>wattq API {escape(app.version)}</h1><p>{escape(app.description)}</p><pre>{escape(_EXAMPLE)}</pre>"
        "<p>Machine-readable: <a href=/openapi.json>/openapi.json</a>. "
        "Every route also begins with <code>/v1</code>.</p>"
        f"{body}</html>"
    )


def _routes(paths: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Routes</h2><table><tr><th>route<th>what<th>answers</tr>"
    for path, methods in paths.items():
        if path.startswith("/v1"):
            continue
        for method, about in methods.items():
            codes = ", ".join(sorted(about["responses"]))
            what = escape(str(about.get("summary", "")))
            yield f"<tr><td><code>{method.upper()} {escape(path)}</code><td>{what}<td>{codes}</tr>"
    yield "</table>"


def _fields(schemas: Mapping[str, Any]) -> Iterator[str]:
    for name in ("JobRequest", "RecommendRequest", "Prediction", "Recommendation"):
        yield f"<h2>{name}</h2><table><tr><th>field<th>what</tr>"
        for field, about in schemas[name]["properties"].items():
            yield f"<tr><td><code>{escape(field)}</code><td>{escape(str(about.get('description', '')))}</tr>"
        yield "</table>"
