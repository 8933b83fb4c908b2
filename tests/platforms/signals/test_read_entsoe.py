"""Generation per kind turned into an intensity: by hand, and what is left out or missing."""

from __future__ import annotations

import io

import pytest

from wattq.errors import MissingDependencyError, SignalError
from wattq.platforms.signals import EMISSION_FACTORS, Signal, parse_signal

KINDS = ("Fossil Hard coal", "Fossil Gas", "Nuclear")
HEAD = ",".join(["MTU", *(f"{kind}  - Actual Aggregated [MW]" for kind in KINDS)])


def mtu(hour: int) -> str:
    return f"01.06.2021 {hour:02d}:00 - 01.06.2021 {hour + 1:02d}:00 (UTC)"


def table(rows: list[str], head: str = HEAD) -> str:
    return "\n".join([head, *(f"{mtu(hour)},{row}" for hour, row in enumerate(rows))]) + "\n"


def read(text: str, **words: object) -> Signal:
    return parse_signal(text.encode(), "gen.csv", **words)


def test_a_mix_by_hand() -> None:
    signal = read(table(["100,200,700", "0,0,500"]))
    assert signal.value.tolist() == [pytest.approx((1001 * 100 + 469 * 200 + 16 * 700) / 1000), 16.0]
    assert (signal.quantity, signal.kind, signal.scope) == ("carbon", "average", "life-cycle")
    assert "medians of IPCC SRREN 2011" in signal.notes[-1]
    direct = read(table(["100,200,700", "0,0,500"]), scope="direct")
    assert direct.value.tolist() == [pytest.approx((937 * 100 + 394 * 200) / 1000), 0.0]
    assert "National Energy System Operator" in direct.notes[-1]


def test_own_factors() -> None:
    signal = read(table(["100,200,700"]), factors={"Nuclear": 0.0, "Fossil Gas": 500.0})
    assert signal.value.tolist() == [pytest.approx((1001 * 100 + 500 * 200) / 1000)]
    assert "given: Nuclear 0, Fossil Gas 500" in signal.notes[-1]
    for factors, message in (({"Wind": 1.0}, "no kind of generation"), ({"Solar": -1.0}, "it is a number from 0")):
        with pytest.raises(SignalError, match=message):
            read(table(["100,200,700"]), factors=factors)


def test_storage_consumption_and_own_use_are_no_generation() -> None:
    head = HEAD + ",Hydro Pumped Storage  - Actual Aggregated [MW],Nuclear  - Actual Consumption [MW],Solar"
    signal = read(table(["100,200,700,900,50,-4"], head))
    assert signal.value.tolist() == [pytest.approx((1001 * 100 + 469 * 200 + 16 * 700) / 1000)]
    assert signal.notes[1] == "negative generation of Solar counts as zero"


def test_kinds_without_a_factor() -> None:
    few = read(table(["100,200,700,50"], HEAD + ",Other"))
    assert few.value.tolist() == [pytest.approx((1001 * 100 + 469 * 200 + 16 * 700) / 1000)]
    assert "Other (4.76% of the energy)" in few.notes[1]
    with pytest.raises(SignalError, match="Other have no emission factor and give 33% of the energy, more than 10%"):
        read(table(["100,200,700,500"], HEAD + ",Other"))
    assert read(table(["0,0,500,500"], HEAD + ",Other"), factors={"Other": 700.0}).value.tolist() == [358.0]


def test_a_missing_kind_makes_the_row_a_gap() -> None:
    rows = ["100,200,700", "100,n/e,700", "100,200,700"]
    with pytest.raises(SignalError, match="line 2: 1 gap, 1 h in all; the first one from 2021-06-01T01:00"):
        read(table(rows))
    assert read(table(rows), gaps="hold").value.size == 2


def test_a_minor_kind_that_is_not_reported_for_a_day_is_left_out() -> None:
    def csv(kinds: list[tuple[float, float, str]]) -> str:
        lines = ["Time (UTC),Fossil Gas,Nuclear,Solar"]
        for k, (gas, nuclear, solar) in enumerate(kinds):
            lines.append(f"2021-06-{1 + k // 24:02d}T{k % 24:02d}:00Z,{gas},{nuclear},{solar}")
        return "\n".join(lines)

    minor = read(csv([(500, 500, "")] * 24 + [(500, 500, "10")] * 24))
    assert minor.value[:24].tolist() == [242.5] * 24
    assert "Solar is not reported in 24 rows, a day or longer" in minor.notes[1]
    short = csv([(500, 500, "10")] * 12 + [(500, 500, "")] * 23 + [(500, 500, "10")] * 12)
    with pytest.raises(SignalError, match="23 h in all"):
        read(short)
    major = csv([(500, 500, "100")] * 12 + [(500, 500, "")] * 24 + [(500, 500, "100")] * 12)
    with pytest.raises(SignalError, match="24 h in all"):
        read(major)


def test_shapes_of_headings_and_dates() -> None:
    pairs = (
        "Time (UTC),\"('Fossil Gas', 'Actual Aggregated')\",\"('Fossil Gas', 'Actual Consumption')\",Nuclear,Solar\n"
    )
    text = pairs + "2021-06-01T00:00+02:00,500,9,500,0\n2021-06-01T00:15+02:00,500,9,500,0\n"
    assert read(text).value.tolist() == [242.5, 242.5]
    brussels = (
        "Area,MTU (CET/CEST),Fossil Gas,Nuclear,Solar\nBE,01.06.2021 00:00 - 01.06.2021 01:00,500,500,0\n"
        "BE,01.06.2021 01:00 - 01.06.2021 02:00,0,500,0\n"
    )
    signal = read(brussels)
    assert signal.time_zone == "Europe/Brussels"
    assert signal.span.startswith("from 2021-05-31T22:00:00Z")
    with pytest.raises(SignalError, match="two columns of 'Solar'"):
        read(text.replace("Nuclear,Solar", "Solar,Solar"))
    with pytest.raises(SignalError, match="no generation with an emission factor"):
        read(table(["0,0,0"]))


def test_factors_are_those_of_their_sources() -> None:
    life, direct = (EMISSION_FACTORS[scope].factors for scope in ("life-cycle", "direct"))
    for kind, whole, burnt in (
        ("Fossil Hard coal", 1001, 937), ("Fossil Gas", 469, 394), ("Fossil Oil", 840, 935), ("Biomass", 18, 120),
        ("Nuclear", 16, 0), ("Wind Onshore", 12, 0), ("Solar", 46, 0), ("Hydro Water Reservoir", 4, 0),
    ):  # fmt: skip
        assert (life[kind], direct[kind]) == (whole, burnt)
    assert direct["Fossil Brown coal/Lignite"] == pytest.approx(1000.4, abs=0.1)


def test_parquet() -> None:
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    times = arrow.array([0, 900_000, 1_800_000], arrow.timestamp("ms", tz="Europe/Berlin"))
    columns = {"Fossil Gas": [500.0, 500.0, 0.0], "Nuclear": [500.0, 500.0, 500.0], "__index_level_0__": times}
    out = io.BytesIO()
    parquet.write_table(arrow.table(columns), out)
    signal = parse_signal(out.getvalue(), "folder/2020_DE_gen_entsoe.parquet")
    assert signal.value.tolist() == [242.5, 242.5, 16.0]
    assert (signal.region, signal.time_zone, signal.end_s) == ("DE", "Europe/Berlin", 2700.0)
    bare = io.BytesIO()
    parquet.write_table(arrow.table({"Nuclear": [1.0]}), bare)
    with pytest.raises(SignalError, match="0 columns of times with a zone"):
        parse_signal(bare.getvalue(), "x.parquet")
    for cut in (4, 40, len(out.getvalue()) // 2):
        with pytest.raises(SignalError, match="damaged Parquet data"):
            parse_signal(out.getvalue()[:-cut], "x.parquet")


def test_parquet_without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"wattq\[parquet\]"):
        parse_signal(b"PAR1....PAR1", "x.parquet")
