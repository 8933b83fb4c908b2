"""Alibaba's GPU cluster of 2023: its list of pods as jobs, and its list of nodes.

A pod asks for thousandths of a core and for GPUs, one of them possibly in thousandths. It runs from ``scheduled_time``
to ``deletion_time``; pods that were never scheduled have no such date. Times are seconds on an axis of the trace.

Source: github.com/alibaba/clusterdata, cluster-trace-gpu-v2023/README.md (Weng and others, USENIX ATC 2023).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wattq.errors import WorkloadError
from wattq.workloads.files import read_plain
from wattq.workloads.log_table import LogRows
from wattq.workloads.options import CleaningOptions
from wattq.workloads.swf import SwfTable
from wattq.workloads.text_table import amount, read_csv, whole_number

__all__ = ["NODE_COLUMNS", "POD_COLUMNS", "NodeList", "parse_alibaba_gpu_table", "parse_node_list", "read_node_list"]

POD_COLUMNS = ("name", "cpu_milli", "num_gpu", "gpu_milli", "pod_phase", "creation_time", "deletion_time")
"""Columns of every list of pods (``scheduled_time`` too)."""

NODE_COLUMNS = ("sn", "cpu_milli", "memory_mib", "gpu", "model")
"""Columns of the list of nodes."""

_STATUS = {"succeeded": 1.0, "failed": 0.0, "running": -1.0, "pending": -1.0, "unknown": -1.0}


@dataclass(frozen=True)
class NodeList:
    """The nodes of the cluster.

    Attributes:
        names: serial names.
        cores: cores, length n_nodes.
        memory_mib: main memory, MiB.
        gpus: number of GPUs.
        model: kind of GPU, empty for none.
        sha256: digest of the plain content.
    """

    names: tuple[str, ...]
    cores: NDArray[np.float64]
    memory_mib: NDArray[np.float64]
    gpus: NDArray[np.int64]
    model: tuple[str, ...]
    sha256: str

    def summary(self) -> str:
        """Return the totals in words."""
        cores, gpus = int(self.cores.sum()), int(self.gpus.sum())
        return f"{len(self.names)} nodes with {cores} cores and {gpus} GPUs"


def parse_alibaba_gpu_table(data: bytes, source: str, options: CleaningOptions) -> SwfTable:
    """Return the pods in the columns of an SWF log; nothing is cleaned. The class of service is the queue.

    Sizes are cores, rounded up for each pod; the option ``processors`` = ``gpus`` takes whole GPUs instead.

    Raises:
        WorkloadError: names line, column, value and rule.
    """
    table = read_csv(data, source)
    table.require(*POD_COLUMNS, "scheduled_time", what="a pod needs it")
    seconds = "a number of seconds"
    scheduled = table.convert("scheduled_time", amount, seconds)
    started = ~np.isnan(scheduled)
    aside = {"never started (no scheduled_time)": int(np.count_nonzero(~started))}
    table = table.select(started)
    submit, end = (table.convert(name, amount, seconds) for name in ("creation_time", "deletion_time"))
    start = scheduled[started]
    fields = {"submit": submit, "start": start, "run": end - start}
    fields["requested"] = table.convert("cpu_milli", amount, "a number of thousandths of a core") / 1000
    phase = "Succeeded, Failed, Running or Pending"
    fields["status"] = table.convert("pod_phase", lambda text: _STATUS.get(text.lower()), phase)
    count = table.convert("num_gpu", whole_number, "a whole number of GPUs")
    share = table.convert("gpu_milli", amount, "a number of thousandths of a GPU")
    rows = LogRows(table, fields, "core", set_aside=aside, ids=table.column("name"))
    rows.sizes["gpus"] = np.ceil(count * share / 1000)
    rows.number("queue", table.column("qos"))
    cut = int(np.count_nonzero(np.char.lower(table.column("pod_phase").astype(str)) == "running"))
    if cut:
        rows.notes.append(f"{cut} pods were marked Running: they ran until they were deleted or the trace ended")
    return rows.build()


def read_node_list(path: str | Path) -> NodeList:
    """Return the nodes of a list, plain, gzip or xz.

    Raises:
        MissingFileError: when the file cannot be read.
        WorkloadError: names line, column, value and rule.
    """
    return parse_node_list(read_plain(path), str(path))


def parse_node_list(data: bytes, source: str) -> NodeList:
    """Return the nodes of a list given as plain bytes; see `read_node_list`."""
    table = read_csv(data, source)
    table.require(*NODE_COLUMNS, what="a node needs it")
    milli = table.convert("cpu_milli", amount, "a number of thousandths of a core")
    memory = table.convert("memory_mib", amount, "a number of MiB")
    gpus = table.convert("gpu", whole_number, "a whole number of GPUs")
    bad = np.flatnonzero(np.isnan(milli + memory + gpus) | (gpus > 2**31))
    if bad.size:
        line = int(table.lines[bad[0]])
        raise WorkloadError(f"{source}, line {line}: a node has cores, memory and GPUs, all as numbers; mend the line")
    return NodeList(
        names=tuple(map(str, table.column("sn"))),
        cores=milli / 1000,
        memory_mib=memory,
        gpus=gpus.astype(np.int64),
        model=tuple(map(str, table.column("model"))),
        sha256=table.sha256,
    )
