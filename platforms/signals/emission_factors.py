"""Emission factors of electricity by kind of generation, g CO2 per kWh, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wattq.errors import SignalError

__all__ = ["EMISSION_FACTORS", "GENERATION_TYPES", "STORAGE", "FactorTable", "factor_table"]

GENERATION_TYPES = (
    "Biomass", "Energy storage", "Fossil Brown coal/Lignite", "Fossil Coal-derived gas", "Fossil Gas",
    "Fossil Hard coal", "Fossil Oil", "Fossil Oil shale", "Fossil Peat", "Geothermal", "Hydro Pumped Storage",
    "Hydro Run-of-river and poundage", "Hydro Water Reservoir", "Marine", "Nuclear", "Other", "Other renewable",
    "Solar", "Waste", "Wind Offshore", "Wind Onshore",
)  # fmt: skip
"""Kinds of generation as ENTSO-E names them."""

STORAGE = frozenset(("Hydro Pumped Storage", "Energy storage"))
"""Kinds that give back what was generated before; they are left out of the mix."""


@dataclass(frozen=True)
class FactorTable:
    """Factors of one scope.

    Attributes:
        factors: g/kWh by kind of generation; kinds without a factor are left out of the mix.
        source: where the numbers come from.
    """

    factors: Mapping[str, float]
    source: str


_LIFE_CYCLE = {
    "Biomass": 18.0, "Fossil Brown coal/Lignite": 1001.0, "Fossil Coal-derived gas": 1001.0, "Fossil Gas": 469.0,
    "Fossil Hard coal": 1001.0, "Fossil Oil": 840.0, "Geothermal": 45.0, "Hydro Run-of-river and poundage": 4.0,
    "Hydro Water Reservoir": 4.0, "Marine": 8.0, "Nuclear": 16.0, "Solar": 46.0, "Wind Offshore": 12.0,
    "Wind Onshore": 12.0,
}  # fmt: skip

# One coal stands in the source: lignite, peat and oil shale follow it by the ratio of the fuels' default factors
# (kg CO2 per TJ) in the IPCC 2006 Guidelines, volume 2, table 2.2.
_COAL, _HARD_COAL_KG_TJ = 937.0, 94_600.0
_DIRECT = {
    "Biomass": 120.0, "Fossil Brown coal/Lignite": _COAL * 101_000.0 / _HARD_COAL_KG_TJ,
    "Fossil Coal-derived gas": _COAL, "Fossil Gas": 394.0, "Fossil Hard coal": _COAL, "Fossil Oil": 935.0,
    "Fossil Oil shale": _COAL * 107_000.0 / _HARD_COAL_KG_TJ, "Fossil Peat": _COAL * 106_000.0 / _HARD_COAL_KG_TJ,
    "Geothermal": 0.0, "Hydro Run-of-river and poundage": 0.0, "Hydro Water Reservoir": 0.0, "Marine": 0.0,
    "Nuclear": 0.0, "Other": 300.0, "Other renewable": 0.0, "Solar": 0.0, "Waste": 300.0, "Wind Offshore": 0.0,
    "Wind Onshore": 0.0,
}  # fmt: skip

EMISSION_FACTORS: dict[str, FactorTable] = {
    "life-cycle": FactorTable(
        _LIFE_CYCLE,
        "medians of IPCC SRREN 2011, Annex II, table A.II.4 (coal for lignite and coal-derived gas)",
    ),
    "direct": FactorTable(
        _DIRECT,
        "National Energy System Operator, Carbon Intensity Forecast Methodology 2024 (after Staffell, Energy Policy "
        "102, 2017); lignite, peat and oil shale in the ratio of the default fuel factors of the IPCC 2006 Guidelines; "
        "waste as 'other'",
    ),
}
"""The tables by scope."""


def factor_table(scope: str | None, own: Mapping[str, float]) -> tuple[str, FactorTable]:
    """Return the scope and its table, with the caller's own factors in place of, or beside, the table's.

    Raises:
        SignalError: for an unknown scope or kind of generation, or a factor that is negative or not finite.
    """
    name = scope or "life-cycle"
    table = EMISSION_FACTORS.get(name)
    if table is None:
        raise SignalError(f"scope {name[:60]!r}: no table of emission factors; there are {', '.join(EMISSION_FACTORS)}")
    for kind, factor in own.items():
        if kind not in GENERATION_TYPES:
            raise SignalError(f"emission factor of {kind[:60]!r}: no kind of generation; {', '.join(GENERATION_TYPES)}")
        if not 0.0 <= factor <= 1e5:
            raise SignalError(f"emission factor of {kind}: {factor} g/kWh; it is a number from 0 to 100000")
    if not own:
        return name, table
    words = ", ".join(f"{kind} {factor:g}" for kind, factor in own.items())
    return name, FactorTable({**table.factors, **own}, f"{table.source}; given: {words}")
