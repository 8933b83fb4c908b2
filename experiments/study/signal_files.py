"""Files of grid series: found by path or beside the checkout, read, and written for policies."""

from __future__ import annotations

from pathlib import Path

from wattq.errors import MissingFileError
from wattq.experiments.study.keys import GridSpec
from wattq.platforms.signals import Signal

__all__ = ["find_series", "read_series", "series_dirs"]


def series_dirs() -> list[Path]:
    """Return the folders searched for series: ``data`` here, and ``shared/data`` beside a checkout."""
    here, checkout = Path.cwd(), Path(__file__).resolve().parents[2]
    roots = [here / "data", *(root.parent / "shared" / "data" for root in (here, checkout))]
    places = [root / name for root in roots for name in ("", "carbon", "price")]
    return [place for place in dict.fromkeys(places) if place.is_dir()]


def find_series(name: str, base: Path | None) -> Path:
    """Return the path of a series: beside the experiment file, as given, or in one of `series_dirs`.

    Raises:
        MissingFileError: there is no such file in any of these places.
    """
    places = [*([base] if base is not None else []), Path(), *series_dirs()]
    found = next((place / name for place in places if (place / name).is_file()), None)
    if found is None:
        looked = ", ".join(dict.fromkeys(str(place) for place in places))
        raise MissingFileError(f"series {name}: no such file in {looked}; put it there, or give its path")
    return found


def read_series(name: str, quantity: str, spec: GridSpec, base: Path | None) -> Signal:
    """Return one series of a grid.

    Raises:
        MissingFileError: there is no such file.
        SignalError: it is no series of that quantity, or breaks its format.
    """
    from wattq.platforms.signals import read_signal

    scope = spec.scope if quantity == "carbon" else None
    return read_signal(find_series(name, base), quantity=quantity, region=spec.region, scope=scope, gaps=spec.gaps)
