"""Every log of the shared data, against counts made by plain loops over the raw file; its work through a simulation."""

from __future__ import annotations

import csv
import datetime
import gzip
import math
from pathlib import Path

import pytest

from wattq.errors import WorkloadError
from wattq.platforms import make_platform
from wattq.schedulers import make_policy
from wattq.simulator import simulate
from wattq.workloads import CleaningOptions, Workload, read_node_list, read_workload
from wattq.workloads.writer import job_runtimes_s

_SWF = (
    *("KTH-SP2-1996-2.1-cln", "KTH-SP2-predictsim-filtered", "LLNL-Atlas-2006-2.1-cln", "NASA-iPSC-1993-3.1-cln"),
    *("SDSC-SP2-1998-4.2-cln", "lublin_256"),
)
_GOOGLE = tuple(f"google2011_job_events_part-0000{part}-of-00500.csv.gz" for part in range(3))
_FILES = (
    *(f"swf/{name}.swf.gz" for name in _SWF),
    *("slurm/nrel-eagle_first1000_2019.csv", "slurm/ubccr_sacct_simple.log"),
    *(f"cloud/{name}" for name in ("alibaba_gpu_v2023_openb_pod_list_default.csv", *_GOOGLE)),
)


def _work(workload: Workload) -> float:
    """Return hosts x run time over all jobs, s."""
    return math.fsum(workload.hosts * job_runtimes_s(workload))


def _text(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()


@pytest.mark.parametrize("name", _SWF)
def test_swf(shared_dir: Path, name: str) -> None:
    path = shared_dir / f"data/swf/{name}.swf.gz"
    per_host = 8 if "Atlas" in name else 1
    rows, jobs, work = 0, 0, 0.0
    dropped = {"no processors known": 0, "run time negative (unknown)": 0, "run time 0": 0}
    for line in _text(path).splitlines():
        words = line.split()
        if not words or words[0].startswith(";"):
            continue
        rows += 1
        run, allocated, requested = float(words[3]), float(words[4]), float(words[7])
        processors = requested if requested > 0 else allocated
        if processors <= 0:
            dropped["no processors known"] += 1
        elif run < 0:
            dropped["run time negative (unknown)"] += 1
        elif run == 0:
            dropped["run time 0"] += 1
        else:
            jobs += 1
            work += math.ceil(processors / per_host) * run
    workload = read_workload(path)
    report = workload.report
    assert (report.n_read, workload.n_jobs) == (rows, jobs)
    assert report.dropped == {reason: count for reason, count in dropped.items() if count}
    assert _work(workload) == pytest.approx(work, rel=1e-12)


def test_nrel_eagle(shared_dir: Path) -> None:
    path = shared_dir / "data/slurm/nrel-eagle_first1000_2019.csv"
    rows, cores, nodes, gpus, asked = 0, 0, 0, 0, 0
    first = None
    for line in path.read_text().splitlines()[1:]:
        words = line.split(",")
        rows += 1
        run = int(float(words[13]))
        cores += int(words[7]) * run
        nodes += int(words[6]) * run
        gpus += int(words[8]) * run
        asked += words[8] != "0"
        first = min(first or words[10], words[10])
    workload = read_workload(path)
    assert (workload.report.n_read, workload.n_jobs, workload.report.dropped) == (rows, rows, {})
    assert _work(workload) == cores
    assert _work(read_workload(path, options=CleaningOptions(processors="nodes"))) == nodes
    by_gpu = read_workload(path, options=CleaningOptions(processors="gpus"))
    assert (by_gpu.n_jobs, _work(by_gpu)) == (asked, gpus)
    assert by_gpu.report.dropped == {"no processors known": rows - asked}
    denver = read_workload(path, options=CleaningOptions(time_zone="America/Denver"))
    begin = datetime.datetime.fromisoformat(f"{first}-07:00").timestamp()
    assert (denver.unix_start_s, denver.utc_offset_s) == (begin, -7 * 3600)
    assert workload.unix_start_s == begin - 7 * 3600


def test_ubccr_sacct(shared_dir: Path) -> None:
    path = shared_dir / "data/slurm/ubccr_sacct_simple.log"
    rows, cores, nodes = 0, 0, 0
    for line in path.read_text().splitlines()[1:]:
        words = line.split("|")
        rows += 1
        begin, end = (datetime.datetime.fromisoformat(words[column]) for column in (11, 12))
        cores += int(words[17]) * int((end - begin).total_seconds())
        nodes += int(words[16]) * int((end - begin).total_seconds())
    workload = read_workload(path)
    assert (workload.report.n_read, workload.n_jobs, workload.report.dropped) == (rows, rows, {})
    assert _work(workload) == cores
    assert _work(read_workload(path, options=CleaningOptions(processors="nodes"))) == nodes


def test_alibaba_pods(shared_dir: Path) -> None:
    path = shared_dir / "data/cloud/alibaba_gpu_v2023_openb_pod_list_default.csv"
    rows, jobs, waiting, cores, gpus, with_gpu = 0, 0, 0, 0, 0, 0
    for line in path.read_text().splitlines()[1:]:
        words = line.split(",")
        rows += 1
        if words[10] == "":
            waiting += 1
            continue
        jobs += 1
        run = int(float(words[9])) - int(float(words[10]))
        cores += -(-int(words[1]) // 1000) * run
        gpus += -(-int(words[3]) * int(words[4]) // 1000) * run
        with_gpu += int(words[3]) * int(words[4]) > 0
    workload = read_workload(path)
    assert (workload.report.n_read, workload.n_jobs) == (rows, jobs)
    assert workload.report.dropped == {"never started (no scheduled_time)": waiting}
    assert _work(workload) == cores
    by_gpu = read_workload(path, options=CleaningOptions(processors="gpus"))
    assert (by_gpu.n_jobs, _work(by_gpu)) == (with_gpu, gpus)


def test_alibaba_nodes_are_a_machine_and_no_jobs(shared_dir: Path) -> None:
    path = shared_dir / "data/cloud/alibaba_gpu_v2023_openb_node_list_all_node.csv"
    lines = [line.split(",") for line in path.read_text().splitlines()[1:]]
    cores, gpus = sum(int(words[1]) for words in lines) // 1000, sum(int(words[3]) for words in lines)
    nodes = read_node_list(path)
    assert nodes.summary() == f"{len(lines)} nodes with {cores} cores and {gpus} GPUs"
    assert [nodes.model.count(kind) for kind in ("", "G2", "T4")] == [
        sum(words[4] == kind for words in lines) for kind in ("", "G2", "T4")
    ]
    with pytest.raises(WorkloadError, match=rf"a list of {len(lines)} nodes .*not of jobs; .*--n-hosts {cores}"):
        read_workload(path)


@pytest.mark.parametrize("parts", [(0,), (1,), (2,), (0, 1, 2)])
def test_google_2011(shared_dir: Path, tmp_path: Path, parts: tuple[int, ...]) -> None:
    path = tmp_path / "job_events.csv.gz"  # files may be chained, and a job that ends in the next one is whole then
    path.write_bytes(b"".join((shared_dir / "data/cloud" / _GOOGLE[part]).read_bytes() for part in parts))
    events = 0
    found: dict[str, list[tuple[int, int]]] = {}
    for line in _text(path).splitlines():
        words = line.split(",")
        events += 1
        found.setdefault(words[2], []).append((int(words[0]), int(words[3])))
    dropped = dict.fromkeys(
        (
            *("further events of a job", "submitted before the slice (no SUBMIT event)"),
            *("submitted before the trace (time 0)", "never started", "no end in the slice"),
        ),
        0,
    )
    dropped["further events of a job"] = events - len(found)
    jobs, microseconds = 0, 0
    for log in found.values():
        submits, starts = [time for time, kind in log if kind == 0], [time for time, kind in log if kind == 1]
        last = [(time, kind) for time, kind in log if kind < 7][-1]
        if not submits:
            dropped["submitted before the slice (no SUBMIT event)"] += 1
        elif min(submits) == 0:
            dropped["submitted before the trace (time 0)"] += 1
        elif last[1] < 2:
            dropped["no end in the slice"] += 1
        elif not starts:
            dropped["never started"] += 1
        else:
            jobs += 1
            microseconds += last[0] - min(starts)
    workload = read_workload(path)
    assert (workload.report.n_read, workload.n_jobs) == (events, jobs)
    assert workload.report.dropped == {reason: count for reason, count in dropped.items() if count}
    assert workload.report.repaired["job events hold no size: 1 processor taken"] == jobs
    assert _work(workload) == pytest.approx(microseconds / 1e6, rel=1e-12)


@pytest.mark.parametrize("name", _FILES)
@pytest.mark.parametrize("form", ["delay", "parallel_homogeneous"])
def test_work_is_conserved_through_a_simulation(shared_dir: Path, tmp_path: Path, name: str, form: str) -> None:
    workload = read_workload(shared_dir / "data" / name, form=form)
    size = int(max(workload.nb_res, workload.hosts.max()))
    run = simulate(make_platform(size), [workload], make_policy("fcfs"))
    run.write(tmp_path)
    served, states = [], set()
    with (tmp_path / "jobs.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            states.add(row["final_state"])
            served.append(int(row["requested_number_of_resources"]) * float(row["execution_time"]))
    assert states == {"COMPLETED_SUCCESSFULLY"}
    assert len(served) == workload.n_jobs
    # dates have six decimals in jobs.csv, and so each run time may be off by a microsecond
    assert math.fsum(served) == pytest.approx(_work(workload), abs=2e-6 * float(workload.hosts.sum()))
    assert workload.report.n_read == workload.n_jobs + sum(workload.report.dropped.values())
