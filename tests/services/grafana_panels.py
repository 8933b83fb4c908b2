"""Dashboards as Grafana reads them: panels, and queries with variables and macros filled in as Grafana does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wattq.telemetry import ops

__all__ = ["DASHBOARDS", "OPS", "Target", "dashboards", "filled_promql", "filled_sql", "targets"]

OPS = Path(ops.__file__).parent
DASHBOARDS = sorted((OPS / "grafana" / "dashboards").glob("*.json"))

_STEPS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Target:
    """A query of a panel."""

    dashboard: str
    panel: str
    data_source: str
    query: str
    content: Mapping[str, Any]

    @property
    def place(self) -> str:
        return f"{self.dashboard}: {self.panel}"


def dashboards() -> dict[str, dict[str, Any]]:
    """Return the dashboards by the names of their files."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in DASHBOARDS}


def targets(data_source: str) -> Iterator[Target]:
    """Yield every query that panels put to a data source, by its uid."""
    for name, content in dashboards().items():
        for panel in content["panels"]:
            for target in panel["targets"]:
                if target["datasource"]["uid"] == data_source:
                    query = target.get("expr") or target["rawSql"]
                    yield Target(name, panel["title"], data_source, query, target)


def filled_promql(expr: str, values: Mapping[str, Sequence[str]]) -> str:
    """Return PromQL with ``$name`` replaced: a regular expression of the values, or ``.*`` where there are none.

    Backslashes are doubled, because the expression stands in quotes.
    """
    for name, chosen in values.items():
        text = f"({'|'.join(_escaped(value) for value in chosen)})" if chosen else ".*"
        expr = re.sub(rf"\$(?:{name}\b|\{{{name}(?::regex)?\}})", lambda match, text=text: text, expr)
    return expr


def _escaped(value: str) -> str:
    return re.sub(r"[.*+?^${}()|\[\]\\]", lambda match: "\\\\" + match[0], value)


def filled_sql(sql: str, values: Mapping[str, Sequence[str]], since_s: float, until_s: float) -> str:
    """Return SQL with variables and macros as Grafana's PostgreSQL data source replaces them."""
    for name, chosen in values.items():
        quoted = ",".join("'" + value.replace("'", "''") + "'" for value in chosen)
        sql = sql.replace(f"${{{name}:sqlstring}}", quoted)
    sql = sql.replace("$__interval", "5m")
    begin, end = (datetime.fromtimestamp(date, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for date in (since_s, until_s))
    sql = re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 BETWEEN '{begin}' AND '{end}'", sql)
    return re.sub(r"\$__timeGroup(Alias)?\((\w+), *'?(\d+)([smhd])'?\)", _group, sql)


def _group(match: re.Match[str]) -> str:
    alias, column, count, unit = match.groups()
    step = int(count) * _STEPS[unit]
    return f"floor(extract(epoch from {column})/{step})*{step}" + (' AS "time"' if alias else "")
