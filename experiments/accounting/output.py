"""Accounts and decompositions as text, JSON and CSV."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Sequence
from typing import Any

from wattq.experiments.accounting.account import Account, Amounts
from wattq.experiments.accounting.decompose import TERMS, Decomposition
from wattq.experiments.accounting.history import PARTS
from wattq.experiments.accounting.owners import Owner, owners
from wattq.experiments.folders import json_text
from wattq.experiments.table import aligned
from wattq.platforms.signals import Signal
from wattq.units import JOULES_PER_KWH

__all__ = [
    "account_csv",
    "account_json",
    "account_text",
    "decomposition_csv",
    "decomposition_json",
    "decomposition_text",
]

_MOST_ROWS = 20
_UNITS = {"energy_j": JOULES_PER_KWH, "facility_j": JOULES_PER_KWH, "carbon_g": 1000.0, "cost": 1.0}


def _columns(amounts: Amounts, currency: str) -> dict[str, float]:
    """Return the amounts by column, in kWh, kg and the currency; columns end in the unit."""
    values = {"energy_kwh": amounts.energy_kwh, "facility_kwh": amounts.facility_kwh}
    if amounts.carbon_kg is not None:
        values["co2e_kg"] = amounts.carbon_kg
    if amounts.cost is not None:
        values[f"cost_{currency.lower()}"] = amounts.cost
    return values


def _heading(column: str) -> str:
    words, _, unit = column.rpartition("_")
    unit = {"kwh": "kWh", "kg": "kg"}.get(unit, unit.upper())
    return f"{words.replace('co2e', 'CO2e').capitalize() if words != 'co2e' else 'CO2e'} {unit}"


def _number(value: float) -> str:
    if abs(value) < 5e-4:
        return "0.000"
    return f"{value:,.3f}" if abs(value) < 1e4 else f"{value:,.0f}"


def account_text(account: Account, by: str = "") -> str:
    """Return an account as aligned text: its parts, then who is charged, largest first, then notes."""
    currency = account.currency
    names = [name for name in _columns(account.total, currency) if account.tariff.pue != 1.0 or name != "facility_kwh"]
    rows = [["", *map(_heading, names)]]
    for name in (*PARTS, "total"):
        amounts = account.total if name == "total" else account.parts[name]
        rows.append([name.replace("_", " "), *_cells(amounts, currency, names)])
    blocks = [f"{account.history.run.directory.as_posix()}: {_span(account)}", aligned(rows)]
    if by:
        found = sorted(owners(account, by), key=lambda owner: -owner.total.energy_j)
        rows = [[by, "Jobs", "Of it overhead kWh", *map(_heading, names)]]
        rows += [_owner_row(owner, currency, names) for owner in found[:_MOST_ROWS]]
        blocks.append(aligned(rows))
        if len(found) > _MOST_ROWS:
            blocks.append(f"and {len(found) - _MOST_ROWS:,} more; write all with --csv or --json")
    blocks += [f"note: {note}" for note in account.notes]
    return "\n\n".join(blocks)


def _owner_row(owner: Owner, currency: str, names: Sequence[str]) -> list[str]:
    overhead = _number(owner.overhead.energy_kwh)
    return [owner.name, f"{owner.jobs:,}", overhead, *_cells(owner.total, currency, names)]


def _cells(amounts: Amounts, currency: str, names: Sequence[str]) -> list[str]:
    columns = _columns(amounts, currency)
    return [_number(columns[name]) for name in names]


def _span(account: Account) -> str:
    span = f"{account.start_s:,.0f} s to {account.end_s:,.0f} s"
    if account.tariff.carbon is None and account.tariff.price is None:
        return span
    dates = [account.tariff.origin_s + date for date in (account.start_s, account.end_s)]
    return f"{span}, {' to '.join(map(_date, dates))}"


def _date(unix_s: float) -> str:
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=round(unix_s))
    return f"{moment.isoformat(sep=' ', timespec='minutes')} UTC"


def account_csv(account: Account, by: str = "") -> str:
    """Return an account as CSV: one row per part, or per job, user or class with computing, overhead and total."""
    currency = account.currency
    if not by:
        rows = [(name, account.parts[name]) for name in PARTS] + [("total", account.total)]
        header = ["part", *_columns(account.total, currency)]
        return _csv(header, [[name, *_columns(amounts, currency).values()] for name, amounts in rows])
    found = owners(account, by)
    kinds = ("computing", "overhead", "total")
    columns = list(_columns(account.total, currency))
    header = [by, "jobs", *(f"{kind}_{column}" for kind in kinds for column in columns)]
    return _csv(header, [_owner_cells(owner, kinds, currency) for owner in found])


def _owner_cells(owner: Owner, kinds: Sequence[str], currency: str) -> list[Any]:
    amounts = (getattr(owner, kind) for kind in kinds)
    return [owner.name, owner.jobs, *(value for each in amounts for value in _columns(each, currency).values())]


def _csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([[repr(cell) if isinstance(cell, float) else cell for cell in row] for row in rows])
    return stream.getvalue()


def account_json(account: Account, by: str = "") -> str:
    """Return an account as JSON, signals with their digests included."""
    currency, tariff = account.currency, account.tariff
    content: dict[str, Any] = {
        "run": account.history.run.directory.as_posix(),
        "platform": account.history.platform.name,
        "start_s": account.start_s,
        "end_s": account.end_s,
        "origin_unix_s": tariff.origin_s,
        "carbon": _described(tariff.carbon),
        "price": _described(tariff.price),
        "pue": _described(tariff.pue) if isinstance(tariff.pue, Signal) else tariff.pue,
        "total": _columns(account.total, currency),
        "parts": {name: _columns(amounts, currency) for name, amounts in account.parts.items()},
        "unattributed": _columns(account.unattributed, currency),
        "notes": list(account.notes),
    }
    if by:
        content[f"by_{by}"] = [
            {
                by: owner.name,
                "jobs": owner.jobs,
                **{kind: _columns(getattr(owner, kind), currency) for kind in ("computing", "overhead", "total")},
            }
            for owner in owners(account, by)
        ]
    return json_text(content)


def _described(signal: Signal | None) -> dict[str, Any] | None:
    if signal is None:
        return None
    names = ("quantity", "unit", "region", "kind", "scope", "source", "sha256", "synthetic")
    return {name: getattr(signal, name) for name in names} | {"notes": list(signal.notes)}


def _table(found: Decomposition, currency: str) -> tuple[list[str], list[tuple[str, list[float]]]]:
    """Return columns, and rows of run A, each term, run B, and the change."""
    columns = ["energy_kwh", "facility_kwh", "co2e_kg", f"cost_{currency.lower()}"]
    shown = [(column, name) for column, name in zip(columns, _UNITS, strict=True) if name in found.measures]

    def values(pick: str) -> list[float]:
        differences = [(found.measures[name], _UNITS[name]) for _, name in shown]
        return [(each.terms[pick] if pick in TERMS else getattr(each, pick)) / unit for each, unit in differences]

    names = ("a", *TERMS, "b", "change")
    return [column for column, _ in shown], [(name, values(name)) for name in names]


def decomposition_text(found: Decomposition, currency: str = "") -> str:
    """Return a decomposition as aligned text: totals, terms, and what follows; terms that are 0 are left out."""
    columns, table = _table(found, currency)
    if found.measures["facility_j"].terms == found.measures["energy_j"].terms:
        columns, table = _without(columns, table, "facility_kwh")
    rows = [["", *map(_heading, columns), "What it is"]]
    for name, values in table:
        if any(abs(value) >= 5e-4 for value in values) or name not in TERMS:
            form = _signed if name in TERMS or name == "change" else _number
            label = {"a": "run A", "b": "run B"}.get(name, name)
            rows.append([label, *map(form, values), TERMS.get(name, "")])
    width = max(len(row[-1]) for row in rows)
    rows = [[*row[:-1], row[-1].ljust(width)] for row in rows]
    return "\n".join([aligned(rows), *(f"\n{sentence}" for sentence in found.words)])


def _without(
    columns: Sequence[str], table: Sequence[tuple[str, list[float]]], name: str
) -> tuple[list[str], list[tuple[str, list[float]]]]:
    place = columns.index(name)
    cut = [(row, [*values[:place], *values[place + 1 :]]) for row, values in table]
    return [column for column in columns if column != name], cut


def _signed(value: float) -> str:
    return f"{'+' if value >= 5e-4 else ''}{_number(value)}"


def decomposition_csv(found: Decomposition, currency: str = "") -> str:
    """Return a decomposition as CSV: rows a, each term, b, change."""
    columns, table = _table(found, currency)
    return _csv(["term", *columns], [[name, *values] for name, values in table])


def decomposition_json(found: Decomposition, currency: str = "") -> str:
    """Return a decomposition as JSON."""
    columns, table = _table(found, currency)
    content: dict[str, Any] = {name: dict(zip(columns, values, strict=True)) for name, values in table}
    terms = {name: content.pop(name) for name in TERMS}
    content |= {"terms": terms, "served_less": found.served_less, "served_more": found.served_more}
    return json_text({**content, "energy_bound": found.bound, "words": list(found.words)})
