"""Carbon intensity of a mix of generation: what is counted, what is left out, what counts as missing."""

from __future__ import annotations

import numpy as np

from wattq.errors import SignalError
from wattq.platforms.signals.emission_factors import STORAGE, FactorTable, factor_table
from wattq.platforms.signals.entsoe import FloatArray, Generation
from wattq.platforms.signals.points import Points, ReadOptions

__all__ = ["mix_points"]

_LEFT_OUT = 0.10
_MINOR = 0.05
_UNREPORTED_S = 86_400.0


def mix_points(generation: Generation, path: str, options: ReadOptions) -> Points:
    """Return the intensity of generated electricity: emissions of all kinds over their energy, row by row.

    Pumped storage and batteries are left out (what they return was counted when it was generated), imports are not
    known, and negative generation (a station's own use) counts as zero. Kinds without an emission factor are left out
    of both sums and named in the notes. A row in which a kind is missing is a missing value, unless the kind is
    not reported for a day or longer and gives less than 5 % while it is: it is left out of those rows, and named.

    Raises:
        SignalError: when kinds without a factor give more than 10 % of the energy, or nothing is left.
    """
    scope, table = factor_table(options.scope, options.factors)
    notes = list(generation.notes)
    if options.scope is None:
        notes.append("life-cycle factors are taken; the scope 'direct' takes emissions of the plants alone")
    power = _counted(generation, table, path, notes)
    _leave_unreported(power, generation, notes)
    total = np.sum(list(power.values()), axis=0)
    emitted = np.sum([table.factors[kind] * series for kind, series in power.items()], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(total > 0.0, emitted / total, np.nan)
    notes.append(f"emission factors: {table.source}; imports are not counted")
    return Points(
        start_s=generation.start_s,
        value=[float(number) for number in value],
        line=generation.line,
        quantity="carbon",
        unit="g/kWh",
        region=options.region or "",
        kind="average",
        scope=scope,
        source="ENTSO-E generation per kind",
        time_zone=generation.time_zone,
        notes=notes,
        word=generation.word,
    )


def _counted(generation: Generation, table: FactorTable, path: str, notes: list[str]) -> dict[str, FloatArray]:
    reported = {kind: series for kind, series in generation.power_mw.items() if not np.isnan(series).all()}
    negative = [kind for kind, series in reported.items() if kind not in STORAGE and (series < 0.0).any()]
    if negative:
        notes.append(f"negative generation of {', '.join(negative)} counts as zero")
    clipped = {kind: np.where(series < 0.0, 0.0, series) for kind, series in reported.items() if kind not in STORAGE}
    energy = {kind: float(np.nansum(series)) for kind, series in clipped.items()}
    without = {kind: energy[kind] for kind in clipped if kind not in table.factors and energy[kind] > 0.0}
    whole = sum(energy.values())
    if not whole - sum(without.values()) > 0.0:
        raise SignalError(f"{path}: no generation with an emission factor; choose another file, or give factors")
    share = sum(without.values()) / whole
    if share > _LEFT_OUT:
        raise SignalError(
            f"{path}: {', '.join(without)} have no emission factor and give {share:.0%} of the energy, more than "
            f"{_LEFT_OUT:.0%}; give factors (factors, --factor 'Other=700'), or take the scope 'direct'"
        )
    if without:
        notes.append(f"left out for want of an emission factor: {', '.join(without)} ({share:.2%} of the energy)")
    return {kind: series for kind, series in clipped.items() if kind in table.factors}


def _leave_unreported(power: dict[str, FloatArray], generation: Generation, notes: list[str]) -> None:
    """Set long holes of minor kinds to zero: a kind that is not reported yet must not make the row missing."""
    starts = np.asarray(generation.start_s)
    whole = np.nansum(list(power.values()), axis=0)
    for kind, series in power.items():
        missing = np.isnan(series)
        if not missing.any() or float(series[~missing].sum()) > _MINOR * float(whole[~missing].sum()):
            continue
        edges = np.flatnonzero(np.diff(np.concatenate(([False], missing, [False]))))
        count = 0
        for first, last in edges.reshape(-1, 2):
            step = starts[1] - starts[0] if len(starts) > 1 else 3600.0
            if starts[last - 1] + step - starts[first] >= _UNREPORTED_S:
                series[first:last] = 0.0
                count += int(last - first)
        if count:
            notes.append(f"{kind} is not reported in {count} rows, a day or longer: left out of the mix there")
