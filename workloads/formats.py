"""The formats of logs: how each is told by its content, and what reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wattq.errors import InvalidInputError, WorkloadError
from wattq.workloads.alibaba2018 import is_batch_task, parse_alibaba2018_table
from wattq.workloads.alibaba_gpu import NODE_COLUMNS, POD_COLUMNS, parse_alibaba_gpu_table, parse_node_list
from wattq.workloads.gaia import GAIA_COLUMNS, parse_gaia_table
from wattq.workloads.google2011 import is_job_events, parse_google2011_table
from wattq.workloads.google2019 import GOOGLE2019_COLUMNS, parse_google2019_table
from wattq.workloads.jobs_table import JOBS_COLUMNS, parse_jobs_table
from wattq.workloads.options import CleaningOptions
from wattq.workloads.reader import is_json
from wattq.workloads.sacct import parse_sacct_table
from wattq.workloads.sacct_nrel import NREL_COLUMNS, parse_nrel_table
from wattq.workloads.sacct_rows import is_sacct
from wattq.workloads.swf import SwfTable, parse_swf_table
from wattq.workloads.table_file import is_table

__all__ = ["FORMATS", "Format", "find_format", "tell_format"]

_HEAD = 2**16


@dataclass(frozen=True)
class Format:
    """A format of workload files.

    Attributes:
        description: what it is, in one line.
        told_by: how a file of it is recognised.
        parse: plain bytes, name of the file and options to the rows of a log; None for formats that need no cleaning.
    """

    description: str
    told_by: str
    parse: Callable[[bytes, str, CleaningOptions], SwfTable] | None = None


def _swf(data: bytes, source: str, options: CleaningOptions) -> SwfTable:
    return parse_swf_table(data, source)


FORMATS: Mapping[str, Format] = {
    "swf": Format("Standard Workload Format 2.2", "anything that is none of the others", _swf),
    "json": Format("Batsim's workload JSON", "a brace first, or a name that ends in .json"),
    "table": Format("all that a workload holds, as CSV", "the first line"),
    "parquet": Format("all that a workload holds, as Parquet", "the first four bytes"),
    "jobs": Format("a table of jobs made by hand", "columns " + ", ".join(JOBS_COLUMNS), parse_jobs_table),
    "sacct": Format("print of Slurm's sacct", "a column JobID between |, commas, tabs or blanks", parse_sacct_table),
    "nrel": Format("accounting of NREL Eagle", "columns " + ", ".join(NREL_COLUMNS), parse_nrel_table),
    "google2011": Format("job_events of Google's 2011 trace", "the form of its rows", parse_google2011_table),
    "google2019": Format(
        "jobs of Google's 2019 trace by query", "columns " + ", ".join(GOOGLE2019_COLUMNS), parse_google2019_table
    ),
    "alibaba2018": Format("batch_task of Alibaba's 2018 trace", "the form of its rows", parse_alibaba2018_table),
    "alibaba-gpu": Format(
        "pods of Alibaba's 2023 GPU trace", "columns " + ", ".join(POD_COLUMNS[:5]), parse_alibaba_gpu_table
    ),
    "gaia": Format("job list of GAIA", "columns " + ", ".join(GAIA_COLUMNS), parse_gaia_table),
}
"""The formats by the word that ``--format`` takes."""

_BY_COLUMNS = (
    ("jobs", JOBS_COLUMNS),
    ("nrel", NREL_COLUMNS),
    ("google2019", GOOGLE2019_COLUMNS),
    ("alibaba-gpu", POD_COLUMNS[:5]),
    ("gaia", GAIA_COLUMNS),
)


def find_format(word: str) -> str:
    """Return the word of a format.

    Raises:
        InvalidInputError: when there is no such format; the message lists them.
    """
    if word.lower() in FORMATS:
        return word.lower()
    raise InvalidInputError(f"--format {word[:40]!r}: no such format; give one of {', '.join(FORMATS)}")


def tell_format(data: bytes, source: str) -> str:
    """Return the word of the format of plain content.

    Raises:
        WorkloadError: when the file is a known one that holds no jobs (the list of nodes of Alibaba's GPU trace).
    """
    if data.startswith(b"PAR1"):
        return "parquet"
    if is_table(data):
        return "table"
    if is_json(data, source):
        return "json"
    first = _first_line(data)
    names = {cell.strip().strip('"').lower() for cell in first.split(",")}
    for word, columns in _BY_COLUMNS:
        if set(columns) <= names:
            return word
    if set(NODE_COLUMNS) <= names:
        _refuse_nodes(data, source)
    tests = (("sacct", is_sacct), ("google2011", is_job_events), ("alibaba2018", is_batch_task))
    return next((word for word, test in tests if test(first)), "swf")


def _first_line(data: bytes) -> str:
    """Return the first line that is not blank, without a byte-order mark."""
    lines = data[:_HEAD].removeprefix(b"\xef\xbb\xbf").replace(b"\r", b"\n").split(b"\n")
    return next((line.decode("latin-1") for line in lines if line.strip()), "")


def _refuse_nodes(data: bytes, source: str) -> None:
    nodes = parse_node_list(data, source)
    raise WorkloadError(
        f"{source}: a list of {nodes.summary()}, not of jobs; read the list of pods (openb_pod_list_*.csv), with "
        f"--n-hosts {int(nodes.cores.sum())} for one host per core"
    )
