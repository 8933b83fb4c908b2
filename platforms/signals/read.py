"""Files of grid signals: the format is told by content, everything else by the file or by the caller."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattq.errors import SignalError
from wattq.files import decompress, read_plain, sha256_hex
from wattq.platforms.signals.clock import find_zone
from wattq.platforms.signals.csv_text import decode, header_of
from wattq.platforms.signals.electricitymaps import is_electricity_maps, parse_electricity_maps
from wattq.platforms.signals.energy_charts import is_energy_charts, parse_energy_charts
from wattq.platforms.signals.entsoe import is_entsoe_csv, parse_entsoe_csv
from wattq.platforms.signals.entsoe_parquet import is_parquet, parse_entsoe_parquet, region_of_name
from wattq.platforms.signals.gaps import assemble
from wattq.platforms.signals.gb_api import is_gb_api, parse_gb_api
from wattq.platforms.signals.interval_csv import is_interval_csv, parse_interval_csv
from wattq.platforms.signals.json_text import parse_json
from wattq.platforms.signals.lwa import is_lwa, parse_lwa
from wattq.platforms.signals.mix import mix_points
from wattq.platforms.signals.plain_csv import parse_plain_csv
from wattq.platforms.signals.points import Points, ReadOptions, unit_of
from wattq.platforms.signals.series import Signal
from wattq.platforms.signals.smard import is_smard, parse_smard

__all__ = ["SIGNAL_FORMATS", "SignalFormat", "parse_signal", "read_signal"]

MAX_SIGNAL_BYTES = 2**29
_VALUES = ("actual", "forecast")


@dataclass(frozen=True)
class SignalFormat:
    """One format of signal files.

    Attributes:
        description: what it is.
        told_by: how it is told from the others.
    """

    description: str
    told_by: str


SIGNAL_FORMATS: dict[str, SignalFormat] = {
    "wattq": SignalFormat("intervals with forecast and actual values", "headings `from,to` and `actual` or `forecast`"),
    "electricity-maps": SignalFormat(
        "Electricity Maps' yearly CSV, direct and life-cycle, UTC",
        "headings `Carbon Intensity gCO₂eq/kWh` and `Zone Id`",
    ),
    "gb-api": SignalFormat("answers of Great Britain's carbon-intensity API", "JSON with `data`"),
    "entsoe": SignalFormat(
        "ENTSO-E generation per kind, CSV or Parquet, by emission factors",
        "three headings that are kinds of generation",
    ),
    "smard": SignalFormat("day-ahead prices of SMARD, one column per zone", "`Date;Time of day` and `[€/MWh]`"),
    "energy-charts": SignalFormat("day-ahead prices of Energy-Charts", "JSON with `unix_seconds`"),
    "lwa": SignalFormat("intensities of Wiesner et al. 2021, UTC", "headings `Time,Carbon Intensity`"),
    "plain": SignalFormat("a column of dates and one of values", "any other CSV"),
}
"""The formats that `read_signal` knows, by name."""


def read_signal(
    path: str | Path,
    *,
    quantity: str | None = None,
    unit: str | None = None,
    region: str | None = None,
    column: str | None = None,
    time_zone: str | None = None,
    scope: str | None = None,
    gaps: str = "refuse",
    values: str = "actual",
    factors: Mapping[str, float] | None = None,
) -> Signal:
    """Read a grid signal from a file, plain, gzip or xz; its format is told by content (`SIGNAL_FORMATS`).

    What the caller says about quantity, unit and scope is checked against what the file says; it replaces nothing.

    Args:
        path: the file.
        quantity: ``carbon``, ``price``, ``pue`` or ``temperature``; by default what the file holds.
        unit: of the values, where the file does not say it.
        region: zone to take from a file of several, and the name of the region where the file has none.
        column: column of the values, where there are several.
        time_zone: IANA name; the zone of dates without UTC offset, and of the site.
        scope: ``direct`` or ``life-cycle``, where a file has both; by default life-cycle.
        gaps: what is done about missing values: ``refuse``, ``hold``, ``linear`` or ``same-hour`` (`GAP_RULES`).
        values: ``actual`` or ``forecast``, where a file has both.
        factors: emission factors (g/kWh) by ENTSO-E's kinds of generation, in place of or beside the table's.

    Raises:
        MissingFileError: when the file cannot be read.
        SignalError: when it cannot be understood; the message names file, line, value and rule.
        MissingDependencyError: for a Parquet file without pyarrow.
    """
    data = read_plain(path, limit=MAX_SIGNAL_BYTES, error=SignalError)
    return parse_signal(
        data, str(path), quantity=quantity, unit=unit, region=region, column=column, time_zone=time_zone, scope=scope,
        gaps=gaps, values=values, factors=factors,
    )  # fmt: skip


def parse_signal(data: bytes, source: str, *, gaps: str = "refuse", **words: Any) -> Signal:
    """Read a grid signal from bytes; `source` names them in messages, all else is as for `read_signal`.

    Raises:
        SignalError: as `read_signal` does.
    """
    data = decompress(data, source, limit=MAX_SIGNAL_BYTES, error=SignalError)
    options = ReadOptions(**{key: word for key, word in words.items() if word is not None})
    _check_options(options)
    points = _points(data, source, options)
    _check_agreement(points, options, source)
    points.region = points.region or options.region or ""
    if options.time_zone:
        points.time_zone = options.time_zone
    return assemble(points, source, gaps=gaps, sha256=sha256_hex(data))


def _check_options(options: ReadOptions) -> None:
    if options.time_zone is not None:
        find_zone(options.time_zone)
    if options.values not in _VALUES:
        raise SignalError(f"values {options.values[:60]!r}: there are {' and '.join(_VALUES)}")
    if options.scope not in (None, "direct", "life-cycle"):
        raise SignalError(f"scope {options.scope[:60]!r}: there are direct and life-cycle")


def _points(data: bytes, source: str, options: ReadOptions) -> Points:
    if is_parquet(data):
        generation = parse_entsoe_parquet(data, source)
        region = options.region or region_of_name(source)
        return mix_points(generation, source, dataclasses.replace(options, region=region))
    text = decode(data, source)
    if text.lstrip()[:1] in ("{", "["):
        return _json_points(parse_json(text, source), source, options)
    header = header_of(text)
    if is_entsoe_csv(header):
        return mix_points(parse_entsoe_csv(text, header, source, options), source, options)
    return _csv_parser(header)(text, source, options)


def _json_points(document: Any, source: str, options: ReadOptions) -> Points:
    if is_energy_charts(document):
        return parse_energy_charts(document, source, options)
    if is_gb_api(document):
        return parse_gb_api(document, source, options)
    raise SignalError(f"{source}: JSON without 'data' and 'unix_seconds'; known are the GB API and Energy-Charts")


def _csv_parser(header: str) -> Callable[[str, str, ReadOptions], Points]:
    if is_interval_csv(header):
        return parse_interval_csv
    if is_electricity_maps(header):
        return parse_electricity_maps
    if is_smard(header):
        return parse_smard
    if is_lwa(header):
        return parse_lwa
    return lambda text, source, options: parse_plain_csv(text, header, source, options)


def _check_agreement(points: Points, options: ReadOptions, source: str) -> None:
    if options.quantity is not None and options.quantity != points.quantity:
        raise SignalError(f"{source}: holds {points.quantity} ({points.unit}), not {options.quantity[:60]!r}")
    if options.unit is not None and unit_of(options.unit, source) != (points.quantity, points.unit):
        raise SignalError(
            f"{source}: values are in {points.unit}, not {options.unit[:60]!r}; nothing is converted, leave it out"
        )
    if options.region is not None and points.region not in ("", options.region):
        raise SignalError(f"{source}: values are of {points.region}, not {options.region[:60]!r}; leave the region out")
    if options.scope is not None and points.scope and options.scope != points.scope:
        raise SignalError(f"{source}: intensities are {points.scope}, not {options.scope!r}")
