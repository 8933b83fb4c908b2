"""Each format told by content and read exactly, on small files in the shape of the real ones."""

from __future__ import annotations

import gzip
import json
import lzma
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import MissingFileError, SignalError
from wattq.platforms.signals import SIGNAL_FORMATS, Signal, parse_signal, read_signal, write_signal
from wattq.platforms.signals.points import unit_of

MAPS = (
    "Datetime (UTC),Country,Zone Name,Zone Id,Carbon Intensity gCO₂eq/kWh (direct),Carbon Intensity gCO₂eq/kWh (LCA),"
    "Low Carbon Percentage,Renewable Percentage,Data Source,Data Estimated,Data Estimation Method\n"
    "2021-01-01 00:00:00,Great Britain,Great Britain,GB,156.03,233.76,59.0,32.25,a; b,false,\n"
    "2021-01-01 01:00:00,Great Britain,Great Britain,GB,152.52,229.73,59.98,32.48,a; b,true,MEASURED\n"
)
GB_ANSWER = {
    "data": [
        {
            "from": "2018-01-20T12:00Z",
            "to": "2018-01-20T12:30Z",
            "intensity": {"forecast": 266, "actual": 263, "index": "moderate"},
        },
        {
            "from": "2018-01-20T12:30Z",
            "to": "2018-01-20T13:00Z",
            "intensity": {"forecast": 270, "actual": None, "index": "moderate"},
        },
    ]
}
CHARTS = {
    "license_info": "CC BY 4.0",
    "unix_seconds": [1672527600, 1672531200, 1672534800],
    "price": [-5.17, None, 0.0],
    "unit": "EUR / MWh",
    "deprecated": False,
}
SMARD = (
    "\ufeffDate;Time of day;Germany/Luxembourg[€/MWh];France[€/MWh];Austria[€/MWh];Germany/Austria/Luxembourg[€/MWh]\n"
    "Sep 30, 2018;10:00 PM;-;67.19;-;65.08\n"
    "Sep 30, 2018;11:00 PM;-;61.19;-;60.87\n"
    "Oct 1, 2018;12:00 AM;59.53;-59.5;58;-\n"
    "Oct 1, 2018;1:00 AM;56.1;1,056.1;57;-\n"
)


def read(content: str | bytes | dict[str, object], **words: object) -> Signal:
    data = json.dumps(content) if isinstance(content, dict) else content
    return parse_signal(data.encode() if isinstance(data, str) else data, "file", **words)


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_electricity_maps() -> None:
    signal = read(MAPS)
    assert (signal.quantity, signal.unit, signal.region, signal.scope) == ("carbon", "g/kWh", "GB", "life-cycle")
    assert signal.value.tolist() == [233.76, 229.73]
    assert signal.start_s.tolist() == [unix("2021-01-01T00:00Z"), unix("2021-01-01T01:00Z")]
    assert signal.end_s == unix("2021-01-01T02:00Z")
    assert signal.notes[1] == "1 of 2 values are estimates of Electricity Maps"
    assert read(MAPS, scope="direct").value.tolist() == [156.03, 152.52]
    assert read(MAPS.replace("(LCA)", "(Life cycle)")).value.tolist() == [233.76, 229.73]


def test_electricity_maps_of_two_zones() -> None:
    both = MAPS + MAPS.partition("\n")[2].replace(",GB,", ",FR,")
    with pytest.raises(SignalError, match=r"2 zones \(GB, FR\); name one"):
        read(both)
    assert read(both, region="FR").region == "FR"
    with pytest.raises(SignalError, match=r"no rows of the zone 'DE'; it has GB, FR"):
        read(both, region="DE")
    with pytest.raises(SignalError, match="no column of the scope 'direct'; there are life-cycle"):
        read(MAPS.replace("(direct)", "(other)"), scope="direct")


def test_gb_api_and_its_newest_value() -> None:
    signal = read(GB_ANSWER)
    assert signal.value.tolist() == [263]
    assert (signal.start_s[0], signal.end_s) == (unix("2018-01-20T12:00Z"), unix("2018-01-20T12:30Z"))
    assert (signal.region, signal.kind, signal.scope, signal.time_zone) == ("GB", "average", "direct", "Europe/London")
    assert "1 missing values after the last one left out" in signal.notes[0]
    forecast = read(GB_ANSWER, values="forecast")
    assert forecast.value.tolist() == [266, 270]
    assert "not what was known" in forecast.notes[0]


def test_gb_api_of_a_region() -> None:
    half_hour = {"from": "2018-01-20T12:00Z", "to": "2018-01-20T12:30Z", "intensity": {"forecast": 66}}
    answer = {"data": {"regionid": 13, "shortname": "London", "data": [half_hour]}}
    signal = read(answer, values="forecast")
    assert (signal.region, signal.value.tolist()) == ("London", [66])
    with pytest.raises(SignalError, match="all 1 values are missing"):
        read(answer)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"data": "x"}, "no list 'data'"),
        ({"data": [{"from": 3}]}, "entry 1: an interval has"),
        ({"data": [{"from": "2018-01-20", "intensity": {}}]}, "entry 1, key 'from': '2018-01-20' is no date in UTC"),
        ({"x": 1}, "JSON without 'data' and 'unix_seconds'"),
        ("{", "line 1: no JSON"),
        ('{"data": ' + "[" * 100_000, "no usable JSON"),
        ({**CHARTS, "price": [1]}, "must be lists of one length"),
        ({**CHARTS, "unix_seconds": [1.5, 2, 3]}, "entry 1, key 'unix_seconds': '1.5' is no Unix time"),
        ({**CHARTS, "unit": "ct/kWh"}, "unit 'ct/kWh' is unknown; known are EUR/MWh"),
        ({**CHARTS, "price": [True, 1, 2]}, "entry 1, key 'price': 'True' is no usable number"),
    ],
)
def test_json_that_is_wrong(content: dict[str, object] | str, message: str) -> None:
    with pytest.raises(SignalError, match=message):
        read(content)


def test_energy_charts() -> None:
    signal = read(CHARTS, gaps="hold", region="DE-LU")
    assert (signal.unit, signal.region) == ("EUR/MWh", "DE-LU")
    assert signal.value.tolist() == [-5.17, 0.0]
    assert signal.at(1672531200 + 5) == -5.17
    with pytest.raises(SignalError, match="file, entry 1: 1 gap, 1 h in all"):
        read(CHARTS)


def test_smard_stitches_germany_on_the_first_of_october() -> None:
    signal = read(SMARD, column="DE")
    assert signal.value.tolist() == [65.08, 60.87, 59.53, 56.1]
    assert signal.start_s[0] == unix("2018-09-30T20:00Z")
    assert signal.notes == (
        "column 'Germany/Austria/Luxembourg' before 2018-10-01, 'Germany/Luxembourg' from then on (the zone was split)",
    )
    assert read(SMARD, region="AT").value.tolist() == [65.08, 60.87, 58, 57]
    assert read(SMARD, column="france").value.tolist() == [67.19, 61.19, -59.5, 1056.1]
    assert read(SMARD, column="France[€/MWh]").value.tolist() == [67.19, 61.19, -59.5, 1056.1]
    assert read(SMARD, region="FR").region == "FR"
    assert read(SMARD, column="Germany/Luxembourg").value.tolist() == [59.53, 56.1]


def test_smard_asks_for_the_column() -> None:
    with pytest.raises(SignalError, match=r"4 columns of prices .*name one, or DE"):
        read(SMARD)
    with pytest.raises(SignalError, match="no column of 'Narnia'"):
        read(SMARD, column="Narnia")
    with pytest.raises(SignalError, match="have different units; choose one column"):
        read(SMARD.replace("Germany/Luxembourg[€", "Germany/Luxembourg[£"), column="DE")


def test_smard_in_its_newer_shapes() -> None:
    english = (
        "Start date;End date;Germany/Luxembourg [€/MWh] Original resolutions\n"
        "Jan 1, 2023 12:00 AM;Jan 1, 2023 1:00 AM;-5.17\nJan 1, 2023 1:00 AM;Jan 1, 2023 2:00 AM;-1.07\n"
    )
    german = (
        "\ufeffDatum von;Datum bis;Deutschland/Luxemburg [€/MWh] Originalauflösungen\n"
        "01.01.2023 00:00;01.01.2023 01:00;-5,17\n01.01.2023 01:00;01.01.2023 02:00;-1,07\n"
    )
    for text in (english, german):
        signal = read(text)
        assert signal.value.tolist() == [-5.17, -1.07]
        assert signal.start_s[0] == unix("2022-12-31T23:00Z")


def test_lwa_is_utc() -> None:
    signal = read("Time,Carbon Intensity\n2019-12-20 00:00:00,218.25\n2019-12-20 00:15:00,217.5\n")
    assert signal.start_s[0] == unix("2019-12-20T00:00Z")
    assert (signal.unit, signal.end_s) == ("g/kWh", unix("2019-12-20T00:30Z"))


@pytest.mark.parametrize(
    ("heading", "words", "unit"),
    [
        ("Price (EUR/MWh)", {}, "EUR/MWh"),
        ("Day-ahead price [£/MWh]", {}, "GBP/MWh"),
        ("price EUR/MWh", {}, "EUR/MWh"),
        ("intensity (gCO2eq/kWh)", {}, "g/kWh"),
        ("intensity (kgCO2/MWh)", {}, "g/kWh"),
        ("spot", {"unit": "USD/MWh"}, "USD/MWh"),
        ("ci", {"quantity": "carbon"}, "g/kWh"),
        ("outside", {"unit": "degC"}, "degC"),
    ],
)
def test_units_of_plain_csv(heading: str, words: dict[str, str], unit: str) -> None:
    signal = read(f"Datetime,{heading}\n2021-06-01T00:00Z,4\n2021-06-01T00:30Z,5\n", **words)
    assert signal.unit == unit
    assert np.diff(signal.edges_s).tolist() == [1800, 1800]


def test_units_that_are_wrong() -> None:
    text = "Datetime,spot\n2021-06-01T00:00Z,4\n2021-06-01T00:30Z,5\n"
    for words, message in (
        ({}, r"column 'spot': the unit is not known; name it \(unit, --unit\)"),
        ({"unit": "EUR/kg"}, "unit 'EUR/kg' is unknown"),
        ({"unit": "EUR/MWh", "quantity": "carbon"}, r"holds price \(EUR/MWh\), not 'carbon'"),
    ):
        with pytest.raises(SignalError, match=message):
            read(text, **words)
    with pytest.raises(SignalError, match="values are in EUR/MWh, not 'GBP/MWh'; nothing is converted"):
        read(text.replace("spot", "spot (EUR/MWh)"), unit="GBP/MWh")
    assert unit_of("€ / MWh", "") == ("price", "EUR/MWh")


def test_mixed_currencies_are_refused_by_line() -> None:
    text = "Datetime,Price,Currency\n2021-06-01T00:00Z,4,EUR\n2021-06-01T01:00Z,5,EUR\n2021-06-01T02:00Z,5,GBP\n"
    with pytest.raises(SignalError, match="file, line 4: 'GBP' after 'EUR': one file holds one unit"):
        read(text)
    own = "from,to,forecast,actual,region,unit\n2021-06-01T00:00Z,2021-06-01T01:00Z,,4,DE,EUR/MWh\n"
    with pytest.raises(SignalError, match="line 3: the unit changes from 'EUR/MWh' to 'GBP/MWh'"):
        read(own + "2021-06-01T01:00Z,2021-06-01T02:00Z,,4,DE,GBP/MWh\n")


def test_regions_are_not_renamed() -> None:
    own = "from,to,forecast,actual,region\n2021-06-01T00:00Z,2021-06-01T01:00Z,,4,{}\n"
    assert read(own.format("DE"), region="DE").region == "DE"
    assert read(own.format(""), region="DE").region == "DE"
    with pytest.raises(SignalError, match="no rows of the region 'FR'"):
        read(own.format("DE"), region="FR")
    with pytest.raises(SignalError, match="values are of GB, not 'FR'"):
        read(GB_ANSWER, region="FR")


def test_columns_of_plain_csv() -> None:
    text = "Time;Low [EUR/MWh];High [EUR/MWh]\n2021-06-01T00:00Z;4;1,400.5\n2021-06-01T01:00Z;5;6\n"
    with pytest.raises(SignalError, match="2 columns beside the dates"):
        read(text)
    assert read(text, column="high [eur/mwh]").value.tolist() == [1400.5, 6]
    with pytest.raises(SignalError, match="no columns 'x'"):
        read(text, column="x")
    with pytest.raises(SignalError, match="no column of dates among 'a', 'b'"):
        read("a,b\n1,2\n")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xfe\x00", "line 1: not UTF-8 text"),
        (b'Time,Price (EUR/MWh)\n2021-06-01T00:00Z,"4\n', "not CSV"),
        (b"PAR1 and nothing", "damaged Parquet data|need pyarrow"),
        (lzma.compress(b"x")[:-4], "the xz data ends early"),
    ],
)
def test_data_that_is_damaged(data: bytes, message: str) -> None:
    from wattq.errors import WattqError

    with pytest.raises(WattqError, match=message):
        read(data)


def test_words_that_are_wrong() -> None:
    for words, message in (
        ({"scope": "scope3"}, "scope 'scope3': there are direct and life-cycle"),
        ({"values": "median"}, "values 'median': there are actual and forecast"),
        ({"time_zone": "x/../y"}, "no IANA name"),
    ):
        with pytest.raises(SignalError, match=message):
            read(MAPS, **words)
    with pytest.raises(SignalError, match="intensities are direct, not 'life-cycle'"):
        read(GB_ANSWER, scope="life-cycle")


def test_files_plain_and_packed(tmp_path: Path) -> None:
    plain = tmp_path / "a.csv"
    plain.write_text(MAPS, encoding="utf-8")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    (tmp_path / "a.csv.xz").write_bytes(lzma.compress(plain.read_bytes()))
    signals = [read_signal(path) for path in sorted(tmp_path.iterdir())]
    assert len({signal.sha256 for signal in signals}) == 1
    assert all(signal.value.tolist() == [233.76, 229.73] for signal in signals)
    with pytest.raises(MissingFileError, match="cannot be read"):
        read_signal(tmp_path / "b.csv")


def test_every_format_has_words() -> None:
    assert list(SIGNAL_FORMATS) == [
        *("wattq", "electricity-maps", "gb-api", "entsoe", "smard", "energy-charts", "lwa", "plain"),
    ]


@settings(deadline=None, max_examples=50)
@given(
    values=st.lists(st.floats(-1e6, 1e6, width=64), min_size=1, max_size=20),
    steps=st.lists(st.sampled_from([900, 1800, 3600, 0.5]), min_size=20, max_size=20),
    notes=st.lists(st.text(max_size=20), max_size=2),
    ending=st.sampled_from(["csv", "csv.gz", "csv.xz"]),
)
def test_own_csv_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], steps: list[float], notes: list[str], ending: str
) -> None:
    edges = np.cumsum([1e9, *steps[: len(values)]])
    signal = Signal(
        edges[:-1],
        float(edges[-1]),
        np.array(values),
        "price",
        "GBP/MWh",
        region="GB",
        source="a, b",
        notes=tuple(notes),
    )
    path = write_signal(signal, tmp_path_factory.mktemp("own") / f"a.{ending}")
    again = read_signal(path)
    assert again.edges_s.tolist() == signal.edges_s.tolist()
    assert again.value.tolist() == signal.value.tolist()
    for name in ("quantity", "unit", "region", "source", "kind", "scope", "time_zone", "synthetic", "notes"):
        assert getattr(again, name) == getattr(signal, name), name
