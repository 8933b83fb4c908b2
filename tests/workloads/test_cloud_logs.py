"""NREL, Google, Alibaba, GAIA and hand-made tables from small fixtures; how each is told; wrong cells are named."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from wattq.errors import InvalidInputError, WorkloadError
from wattq.workloads import FORMATS, CleaningOptions, Workload, google2019_query, parse_workload
from wattq.workloads.alibaba_gpu import parse_node_list
from wattq.workloads.formats import tell_format
from wattq.workloads.writer import job_runtimes_s

NREL = """\
job_id,user,account,partition,wallclock_req,nodes_req,processors_req,gpus_req,submit_time,start_time,run_time,state
7,u2,a1,short,3600.0,2,72,0,2019-01-01 08:00:00,2019-01-01 08:00:05,100.0,COMPLETED
9,u1,a1,gpu,3600.0,1,18,2,2019-01-01 07:59:00,2019-01-01 08:00:05,50.0,TIMEOUT
"""
GOOGLE2011 = """0,,1,0,ann,3,n,l
0,,1,1,ann,3,n,l
600000000,,2,0,bob,2,n,l
601500000,,2,1,bob,2,n,l
602000000,,3,0,ann,0,n,l
603000000,,2,2,bob,2,n,l
603000000,,2,0,bob,2,n,l
604000000,2,2,1,bob,2,n,l
605000000,,4,4,bob,2,n,l
606000000,,5,0,ann,1,n,l
606500000,,5,5,ann,1,n,l
611750000,,2,4,bob,2,n,l
612000000,,2,8,bob,2,n,l
613000000,,1,4,ann,3,n,l
"""
GOOGLE2019 = """collection_id,user,scheduling_class,priority,submit_us,start_us,end_us,final_event,instances,cpus,memory
11,ann,2,100,600000000,601000000,661000000,6,3,0.75,0.1
12,bob,0,200,600500000,602000000,632000000,5,1,0.01,0.1
13,bob,0,200,0,602000000,632000000,6,1,0.01,0.1
14,bob,0,200,600500000,,,0,1,0.01,0.1
15,bob,0,200,600500000,602000000,9223372036854775807,3,1,0.01,0.1
"""
ALIBABA2018 = """M1,10,j_1,1,Terminated,100,160,50,0.5
R2_1,1,j_1,1,Terminated,160,170,250,0.5
task_abc,2,j_2,2,Failed,90,95,100,0.5
M1,1,j_3,1,Running,100,0,100,0.5
M1,1,j_4,1,Waiting,0,0,100,0.5
M1,1,j_5,1,Terminated,0,50,100,0.5
"""
PODS = """name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time
pod-0,12000,16384,1,1000,,LS,Running,0,1000,10
pod-1,3152,5600,1,460,V100M16|V100M32,BE,Failed,5,65,5
pod-2,8000,5600,8,1000,,BE,Pending,7,70,
pod-3,8000,5600,0,0,,Burstable,Succeeded,8,108,8
"""
NODES = "sn,cpu_milli,memory_mib,gpu,model\nnode-0,32000,262144,0,\nnode-1,96000,786432,8,V100M32\n"
GAIA = "arrival_time,length,cpus\n0.0,6302.0,1\n68.0,1000.0,3\n"
JOBS = "job_id,submit_s,hosts,run_s,walltime_s,user,colour\nb,5,2,60,100,ann,red\na,0,1,30.5,,bob,blue\n"
LOGS = {
    "nrel": NREL,
    "google2011": GOOGLE2011,
    "google2019": GOOGLE2019,
    "alibaba2018": ALIBABA2018,
    "alibaba-gpu": PODS,
    "gaia": GAIA,
    "jobs": JOBS,
}


def read(text: str, **options: object) -> Workload:
    return parse_workload(text.encode(), "log.csv", options=CleaningOptions(**options))


def runs(workload: Workload) -> list[float]:
    return job_runtimes_s(workload).tolist()


@pytest.mark.parametrize("word", LOGS)
def test_each_is_told_by_its_content_and_by_name(word: str) -> None:
    text = LOGS[word]
    assert tell_format(text.encode(), "log.csv") == word
    assert tell_format(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(), "x") == word
    options = CleaningOptions(machine_cores=100 if word == "google2019" else None)
    told = parse_workload(gzip.compress(text.encode()), "log.gz", options=options)
    named = parse_workload(text.encode(), "log.csv", options=options, file_format=word.upper())
    assert told.job_id == named.job_id
    report = told.report
    assert report.n_read == told.n_jobs + sum(report.dropped.values())
    assert report.sha256
    assert (told.walltime_s > job_runtimes_s(told)).all()


def test_other_formats_are_told_too() -> None:
    assert set(FORMATS) >= set(LOGS)
    cases = {"PAR1xxx": "parquet", "# wattq workload {}\n": "table", ' {"nb_res": 1}': "json", "1 2 3": "swf"}
    for text, word in cases.items():
        assert tell_format(text.encode(), "log") == word
    assert (
        tell_format(b"JobID|State|Submit\n", "log") == tell_format(b"\n JobID  State\n----- -----\n", "log") == "sacct"
    )
    with pytest.raises(InvalidInputError, match="--format 'xls': no such format; give one of swf, json"):
        parse_workload(b"", "x", file_format="xls")


def test_nrel() -> None:
    workload = read(NREL)
    assert workload.job_id == ("9", "7")
    assert (workload.hosts.tolist(), runs(workload)) == ([18, 72], [50, 100])
    assert (workload.user.tolist(), workload.queue.tolist()) == ([1, 0], [1, 0])
    assert workload.submit_s.tolist() == [0, 60]
    assert workload.outcome is not None
    assert workload.outcome.status.tolist() == [0, 1]
    assert read(NREL, processors="nodes").hosts.tolist() == [1, 2]
    assert read(NREL, processors="gpus").job_id == ("9",)
    assert read(NREL, processors_per_host=36).hosts.tolist() == [1, 2]


def test_google_2011() -> None:
    workload = read(GOOGLE2011)
    assert workload.job_id == ("2",)
    assert (runs(workload), workload.hosts.tolist(), workload.queue.tolist()) == ([10.25], [1], [2])
    assert workload.unix_start_s == 1304290200 + 600
    assert workload.report.dropped == {
        "further events of a job": 9,
        "submitted before the slice (no SUBMIT event)": 1,
        "submitted before the trace (time 0)": 1,
        "never started": 1,
        "no end in the slice": 1,
    }
    assert workload.report.repaired["ran more than once: from its first start to its last end"] == 1
    assert "1 events were filled in by the publisher (missing info)" in workload.report.warnings


def test_google_2019_needs_a_machine() -> None:
    with pytest.raises(WorkloadError, match=r"fractions of its largest machine; say how many .* --machine-cores N"):
        read(GOOGLE2019)
    workload = read(GOOGLE2019, machine_cores=64)
    assert workload.job_id == ("11", "12")
    assert (workload.hosts.tolist(), runs(workload)) == ([48, 1], [60, 30])
    assert workload.outcome is not None
    assert workload.outcome.status.tolist() == [1, 0]
    assert workload.report.dropped == {
        "submitted before or after the trace": 1,
        "never started in the trace": 1,
        "no end in the trace": 1,
    }
    for column in ("collection_id", "submit_us", "start_us", "end_us", "cpus", "memory", "final_event"):
        assert column in google2019_query()


def test_alibaba_2018() -> None:
    workload = read(ALIBABA2018)
    assert workload.job_id == ("j_2.task_abc", "j_1.M1", "j_1.R2_1")
    assert (workload.hosts.tolist(), runs(workload)) == ([2, 5, 3], [5, 60, 10])
    assert workload.report.dropped == {
        "never started": 1,
        "running still at the end of the trace": 1,
        "started outside the trace": 1,
    }
    assert workload.report.repaired["no submit time in the trace: its start taken"] == 3
    assert workload.report.repaired["fractional processors rounded up"] == 1
    header = "task_name,inst_num,job_name,task_type,status,start_time,end_time,plan_cpu,plan_mem\n"
    assert read(header + ALIBABA2018).hosts.tolist() == [2, 5, 3]


def test_alibaba_gpu() -> None:
    workload = read(PODS)
    assert workload.job_id == ("pod-0", "pod-1", "pod-3")
    assert (workload.hosts.tolist(), runs(workload)) == ([12, 4, 8], [990, 60, 100])
    assert workload.report.dropped == {"never started (no scheduled_time)": 1}
    assert read(PODS, processors="gpus").hosts.tolist() == [1, 1]
    nodes = parse_node_list(NODES.encode(), "nodes.csv")
    assert nodes.summary() == "2 nodes with 128 cores and 8 GPUs"
    with pytest.raises(WorkloadError, match="a list of 2 nodes with 128 cores and 8 GPUs, not of jobs"):
        read(NODES)
    with pytest.raises(WorkloadError, match=r"line 2: a node has cores, memory and GPUs"):
        parse_node_list(NODES.replace("32000", "").encode(), "nodes.csv")


def test_gaia() -> None:
    workload = read(GAIA)
    assert (workload.hosts.tolist(), runs(workload), workload.submit_s.tolist()) == ([1, 3], [6302, 1000], [0, 68])
    assert workload.unix_start_s is None
    with pytest.raises(WorkloadError, match="no calendar dates"):
        read(GAIA, time_zone="UTC")
    assert read("id,user,arrival_time,length,cpus\nx,ann,0,5,1\n").job_id == ("x",)


def test_a_table_made_by_hand() -> None:
    workload = read(JOBS)
    assert workload.job_id == ("a", "b")
    assert (workload.hosts.tolist(), runs(workload)) == ([1, 2], [30.5, 60])
    assert "columns passed over: colour" in workload.report.warnings
    numbers = read("submit_s,hosts,run_s,user,logged_start_s\n0,1,5,42,3\n1,1,5,,\n")
    assert numbers.user.tolist() == [42, -1]
    assert numbers.outcome is not None
    np.testing.assert_array_equal(numbers.outcome.start_s, [3, np.nan])


@pytest.mark.parametrize(
    ("word", "old", "new", "words"),
    [
        ("nrel", ",72,", ",many,", "log.csv, line 2: column 'processors_req' is 'many'; it must be a whole number"),
        ("nrel", "07:59:00,", "noon,", "line 3: column 'submit_time' is '2019-01-01 noon'"),
        ("nrel", ",100.0,", ",inf,", "line 2: column 'run_time' is 'inf'"),
        ("nrel", ",COMPLETED", "", "line 2: 11 cells; every row has 12"),
        (
            "google2011",
            "601500000,,2,1",
            "601500000,,2,9",
            "line 4: column 'event' is '9'; it must be an event from 0 to 8",
        ),
        ("google2011", "601500000", "6015000000000000000", "line 4: column 'time'"),
        ("google2019", "0.75", "-2", "line 2: column 'cpus' is '-2'"),
        ("google2019", "661000000", "later", "line 2: column 'end_us' is 'later'"),
        ("alibaba2018", "160,50,", "160,x,", "line 1: column 'plan_cpu' is 'x'"),
        ("alibaba2018", "Failed", "Lost", "line 3: column 'status' is 'Lost'; it must be Terminated, Failed, Running"),
        ("alibaba-gpu", "3152", "3.x", "line 3: column 'cpu_milli' is '3.x'"),
        ("alibaba-gpu", ",scheduled_time", ",scheduled", "line 1: no column 'scheduled_time'"),
        ("gaia", ",3", ",99999999999", "line 3: requested is 1e+11; it must not exceed 2147483647"),
        ("jobs", "5,2,60", "5,2.5,60", "line 2: column 'hosts' is '2.5'; it must be a whole number of hosts"),
        ("jobs", "run_s", "Hosts", "line 1: column 'hosts' is named twice"),
        ("jobs", "red", '"red', "unexpected end of data"),
    ],
)
def test_wrong_cells_are_named(word: str, old: str, new: str, words: str) -> None:
    text = LOGS[word].replace(old, new, 1)
    cores = 100.0 if word == "google2019" else None
    with pytest.raises(WorkloadError) as caught:
        parse_workload(text.encode(), "log.csv", options=CleaningOptions(machine_cores=cores), file_format=word)
    assert words in str(caught.value)


def test_ids_that_batsim_cannot_take_become_positions() -> None:
    for text in ("a,b", "a!b", "a b", "w0x", "é" * 201, ""):
        workload = read(f'job_id,submit_s,hosts,run_s\n"{text}",0,1,5\nz,1,1,5\n')
        assert workload.job_id == ("0", "1"), text
        assert "job numbers repeat or are missing: ids are positions in submission order" in workload.report.warnings
    assert read("job_id,submit_s,hosts,run_s\nz,0,1,5\ny,0,1,5\n").job_id == ("y", "z")
    assert read("job_id,submit_s,hosts,run_s\nz,0,1,5\ny,0,1,5\n", ids="sequence").job_id == ("0", "1")


def test_files_that_hold_no_jobs() -> None:
    for text, words in ((GAIA.splitlines()[0], "no jobs left of 0 rows"), ("\0" + GAIA, "binary data")):
        with pytest.raises(WorkloadError, match=words):
            parse_workload(text.encode(), "log.csv", file_format="gaia")
