"""Germany's generation of 2020, where it is on this machine, against a plain loop and the published intensity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wattq.platforms.signals import read_signal
from wattq.telemetry import find_series, series_dirs

FACTORS = {
    "Biomass": 18, "Fossil Brown coal/Lignite": 1001, "Fossil Gas": 469, "Fossil Hard coal": 1001, "Fossil Oil": 840,
    "Geothermal": 45, "Hydro Run-of-river and poundage": 4, "Hydro Water Reservoir": 4, "Nuclear": 16, "Solar": 46,
    "Wind Offshore": 12, "Wind Onshore": 12,
}  # fmt: skip


@pytest.fixture
def generation() -> Path:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    path = find_series("entsoe-DE-2020", series_dirs())
    if path is None:
        pytest.skip("the series entsoe-DE-2020 is not on this machine (wattq data get entsoe-DE-2020)")
    return path


def test_intensity_is_that_of_a_plain_loop(generation: Path) -> None:
    import pyarrow.parquet

    rows = pyarrow.parquet.read_table(generation).to_pylist()
    signal = read_signal(generation)
    assert signal.value.size == len(rows) == 366 * 96
    assert (signal.region, signal.time_zone) == ("DE", "Europe/Berlin")
    for k in range(0, len(rows), 97):
        power = {kind: max(rows[k][kind], 0.0) for kind in FACTORS}
        emitted = sum(FACTORS[kind] * power[kind] for kind in FACTORS)
        assert signal.value[k] == pytest.approx(emitted / sum(power.values()), rel=1e-12)
        assert signal.start_s[k] == rows[k]["__index_level_0__"].timestamp()


def test_it_follows_the_published_intensity(generation: Path) -> None:
    path = find_series("lwa-DE-2020", series_dirs())
    if path is None:
        pytest.skip("the series lwa-DE-2020 is not on this machine")
    ours, theirs = read_signal(generation), read_signal(path, gaps="linear")
    hours = np.arange(ours.start_s[0], ours.end_s, 900.0)
    one, other = ours.at(hours), theirs.at(hours)
    assert (round(float(one.mean())), round(float(other.mean()))) == (330, 313)
    assert round(float(np.corrcoef(one, other)[0, 1]), 3) == 0.993
    # the dates of the file are UTC: read as the clock on Berlin's walls, it follows worse
    berlin = read_signal(path, gaps="linear", time_zone="Europe/Berlin").at(hours)
    assert round(float(np.corrcoef(one, berlin)[0, 1]), 3) == 0.964
