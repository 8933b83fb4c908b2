"""Prints of sacct: separators, fixed width and words; steps, arrays, dates and durations; what cannot be told."""

from __future__ import annotations

import numpy as np
import pytest

from wattq.errors import WorkloadError
from wattq.workloads import CleaningOptions, Workload, parse_workload
from wattq.workloads.sacct_values import count, duration_s, memory_kb, minutes_s, state, tres
from wattq.workloads.writer import job_runtimes_s
from wattq.workloads.zones import Clock, find_zone

_HEAD = "JobID|JobName|User|Account|Partition|Submit|Start|End|Elapsed|Timelimit|NNodes|AllocCPUS|ReqCPUS|ReqMem|State"
_TAIL = "|2024-05-01T10:00:00|2024-05-01T10:01:00|2024-05-01T10:31:00|00:30:00|01:00:00|2|16|16|4Gn|COMPLETED"


def row(job_id: str, name: str = "job", **changes: str) -> str:
    cells = dict(zip(_HEAD.split("|"), f"{job_id}||ann|chem|big{_TAIL}".split("|"), strict=True))
    return "|".join((cells | changes | {"JobName": name}).values())


def read(*rows: str, head: str = _HEAD, **options: object) -> Workload:
    text = "\n".join([head, *rows, ""])
    return parse_workload(text.encode(), "s.log", options=CleaningOptions(**options))


def refusal(*rows: str, head: str = _HEAD, **options: object) -> str:
    with pytest.raises(WorkloadError) as caught:
        read(*rows, head=head, **options)
    return str(caught.value)


def test_a_job_and_what_is_kept_of_it() -> None:
    workload = read(row("17"), row("9", User="bob", State="FAILED"))
    assert workload.job_id == ("09", "17")
    assert workload.hosts.tolist() == [16, 16]
    assert workload.walltime_s.tolist() == [3600, 3600]
    assert job_runtimes_s(workload).tolist() == [1800, 1800]
    assert (workload.user.tolist(), workload.group.tolist(), workload.queue.tolist()) == ([1, 0], [0, 0], [0, 0])
    assert workload.unix_start_s == 1714557600
    assert workload.outcome is not None
    assert workload.outcome.start_s.tolist() == [60, 60]
    assert workload.outcome.status.tolist() == [0, 1]
    notes = workload.report.warnings
    assert "2 users, 1 groups, 1 queues: numbered in order of appearance, names are not kept" in notes
    assert "dates carry no time zone: read as UTC; --time-zone names the site's" in notes
    assert "one host stands for one core; --processors-per-host N makes hosts of N" in notes


def test_steps_waiting_and_running_rows_are_counted_and_left_out() -> None:
    workload = read(
        row("1"),
        *(row(f"1.{step}") for step in ("batch", "extern", "0", "12", "interactive")),
        row("2.batch"),
        row("3_[4-9%2]", State="PENDING", Start="Unknown", End="Unknown", Elapsed="00:00:00"),
        row("4", State="CANCELLED by 1000", Start="None", Elapsed="00:00:00"),
        row("5", State="RUNNING", End="Unknown"),
        row("6", State="CANCELLED by 1000"),
        row("7", Elapsed="00:00:00"),
    )
    assert workload.job_id == ("1", "6")
    assert workload.report.n_read == 12
    assert workload.report.dropped == {
        "step of a job whose row holds it": 5,
        "step without the row of its job": 1,
        "never started": 2,
        "running still when the log was printed (no end)": 1,
        "run time 0": 1,
    }
    assert workload.outcome is not None
    assert workload.outcome.status.tolist() == [1, 5]


def test_arrays_and_heterogeneous_jobs_are_jobs_in_numeric_order() -> None:
    workload = read(*(row(job) for job in ("8_10", "8_2", "12+1", "12+0", "7")))
    assert workload.job_id == ("07", "08_02", "08_10", "12+00", "12+01")
    assert any(text.startswith("2 parts of heterogeneous jobs") for text in workload.report.warnings)


def test_a_separator_at_the_end_of_each_row() -> None:
    text = "\n".join(line + "|" for line in (_HEAD, row("1"), row("2")))
    assert parse_workload(text.encode(), "s.log").job_id == ("1", "2")
    cut = f"{_HEAD}|\n{row('1')}\n"
    with pytest.raises(WorkloadError, match=r"line 2: 15 cells, and the header has 16"):
        parse_workload(cut.encode(), "s.log")


def test_separators_inside_names_go_where_the_rest_fits() -> None:
    workload = read(row("1", "a|b"), row("2", "|x||"), row("3"))
    assert workload.n_jobs == 3
    assert workload.user.tolist() == [0, 0, 0]
    two = "JobID|JobName|SubmitLine|User|Submit|ElapsedRaw|NCPUS|State"
    tail = "|ann|2024-05-01T10:00:00|60|4|COMPLETED"
    ambiguous_in_text_only = read("1|a|b|sbatch x" + tail, head=two)
    assert ambiguous_in_text_only.hosts.tolist() == [4]
    message = refusal(row("1", State="COMPLETED|x"))
    assert "line 2: 16 cells, and the header has 15" in message
    assert "fit nowhere into free texts (jobname); print again with another --delimiter" in message
    apart = "JobID|JobName|User|Comment|Submit|ElapsedRaw|NCPUS"
    message = refusal("1|a|b|c|d|2024-05-01T10:00:00|60|4", head=apart)
    assert "fit in more than one place" in message


def test_lines_inside_cells() -> None:
    head = "JobID|User|SubmitLine|Submit|ElapsedRaw|NCPUS"
    tail = "|2024-05-01T10:00:00|60|4"
    workload = read("1|ann|sbatch a\n--wrap='x\n\n7 b'" + tail, "2|bob|srun b" + tail, head=head)
    assert workload.job_id == ("1", "2")
    last = "JobID|User|Submit|ElapsedRaw|NCPUS|Comment"
    workload = read("1|ann|2024-05-01T10:00:00|60|4|one\ntwo", "2|ann|2024-05-01T10:00:00|60|4|", head=last)
    assert workload.job_id == ("1", "2")
    message = refusal("1|ann|sbatch", "2|bob|srun b" + tail, head=head)
    assert "line 2: 3 cells, and the header has 6; the row ends early" in message
    assert "line 3: 2 cells" in refusal("1|ann|srun" + tail, "2|ann", head=head)


def test_fixed_width() -> None:
    text = (
        "       JobID    JobName     User              Submit   Elapsed  AllocCPUS      State \n"
        "------------ ---------- -------- ------------------- --------- ---------- ---------- \n"
        "          17 a|long na+      ann 2024-05-01T10:00:00  00:10:00          4 CANCELLED+ \n"
        "    17.batch      batch          2024-05-01T10:00:00  00:10:00          4  COMPLETED \n"
        "          18                 bob 2024-05-01T10:05:00  00:20:00         2K  COMPLETED \n"
    )
    workload = parse_workload(text.encode(), "s.txt")
    assert workload.job_id == ("17", "18")
    assert workload.hosts.tolist() == [4, 2048]
    assert workload.outcome is not None
    assert workload.outcome.status.tolist() == [5, 1]
    with pytest.raises(WorkloadError, match=r"line 3: column 'user' is 'ann4567\+', cut by sacct"):
        parse_workload(text.replace("     ann 2024", "ann4567+ 2024").encode(), "s.txt")
    with pytest.raises(WorkloadError, match="line 3: the cells do not stand below the dashes"):
        parse_workload(text.replace("a|long na+      ann", "a|long name and more  x").encode(), "s.txt")


def test_words_and_commas() -> None:
    head = "JobID User Partition Submit Start End ElapsedRaw NCPUS NNodes"
    rows = (
        "1 ann big 2024-05-01T10:00:00 2024-05-01T10:00:00 2024-05-01T10:01:00 60 4 1",
        "2 ann big 2024-05-01T10:00:00 None 2024-05-01T10:01:00 0 4 1",
        "3 ann big 2024-05-01T10:00:00 2024-05-01T10:00:00 2024-05-01T10:00:00 0 4 1",
    )
    for separator in (" ", ",", "\t", ";"):
        text = "\n".join(line.replace(" ", separator) for line in (head, *rows))
        workload = parse_workload(text.encode(), "s.csv")
        assert workload.report.dropped == {"never started": 1, "run time 0": 1}
        assert workload.job_id == ("1",)
    with pytest.raises(WorkloadError, match="line 2: 10 words, and the header has 9"):
        parse_workload(f"{head}\n{rows[0]} x\n".encode(), "s.txt")


def test_sizes_by_option() -> None:
    rows = (row("1", NNodes="2", AllocCPUS="40", ReqCPUS="16"), row("2", NNodes="3", AllocCPUS="0", ReqCPUS="5"))
    assert read(*rows).hosts.tolist() == [16, 5]
    assert read(*rows, processors="allocated").hosts.tolist() == [40, 5]
    assert read(*rows, processors="nodes").hosts.tolist() == [2, 3]
    assert read(*rows, processors_per_host=8).hosts.tolist() == [2, 1]
    assert "leave out --processors-per-host 8" in refusal(*rows, processors="nodes", processors_per_host=8)
    assert "does not record gpus; give --processors one of requested, allocated, max, nodes" in refusal(
        *rows, processors="gpus"
    )
    assert "not fractions of a machine" in refusal(*rows, machine_cores=8)
    head = "JobID|Submit|ElapsedRaw|AllocTRES"
    resources = "1|2024-05-01T10:00:00|60|billing=8,cpu=8,gres/gpu=4,mem=2G,node=2"
    for option, hosts in (("requested", 8), ("nodes", 2), ("gpus", 4)):
        assert read(resources, head=head, processors=option).hosts.tolist() == [hosts]


def test_walltimes_without_a_limit_are_never_the_run_time() -> None:
    rows = [row(str(k)) for k in range(1, 3)]
    workload = read(*rows, row("3", Timelimit="UNLIMITED"), row("4", Timelimit="Partition_Limit"))
    assert workload.walltime_s.tolist() == [3600] * 4
    reason = "no requested time: the usual maximum of the queue (99th percentile of its requests)"
    assert workload.report.repaired == {reason: 2}


def test_time_zones() -> None:
    winter = read(row("1", Submit="2024-01-01T10:00:00"), time_zone="Europe/Berlin")
    assert (winter.unix_start_s, winter.utc_offset_s) == (1704099600, 3600)
    stated = read(row("1", Submit="2024-01-01T10:00:00+02:00", Start="2024-01-01T08:00:30Z"))
    assert stated.unix_start_s == 1704096000
    assert stated.outcome is not None
    assert stated.outcome.start_s.tolist() == [30]
    clock = Clock(find_zone("Europe/Berlin"))
    assert clock.unix_s("2024-10-27T02:30:00") == 1729989000
    assert clock.unix_s("2024-10-27T03:30:00") == 1729996200
    assert clock.notes()[0].startswith("1 dates stand in an hour that the wall clock shows twice")
    assert clock.unix_s("1714557600") == 1714557600
    assert all(np.isnan(clock.unix_s(text) or 0) for text in ("Unknown", "None", ""))
    assert (
        clock.unix_s("yesterday") is clock.unix_s("2024-13-01T00:00:00") is clock.unix_s("1969-01-01T00:00:00") is None
    )
    assert find_zone("Mars/Olympus") is find_zone("../etc/passwd") is None


def test_elapsed_wins_over_end_minus_start() -> None:
    workload = read(row("1", Elapsed="00:20:00"))
    assert job_runtimes_s(workload).tolist() == [1200]
    assert any("Elapsed other than End - Start" in text for text in workload.report.warnings)
    early = read(row("1", Start="2024-05-01T09:00:00"))
    assert early.report.repaired == {"recorded start before the submission: start unknown": 1}


def test_cpu_time_per_processor() -> None:
    head = "JobID|Submit|ElapsedRaw|NCPUS|TotalCPU"
    workload = read("1|2024-05-01T10:00:00|60|4|03:20.500", head=head)
    assert workload.outcome is not None
    assert workload.outcome.cpu_s.tolist() == [200.5 / 4]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12:34:56", 45296),
        ("3-00:00:00", 259200),
        ("1-02:03:04", 93784),
        ("02:03.250", 123.25),
        ("90:00", 5400),
        ("1-12", 129600),
        ("1-12:30", 131400),
        ("100:00:00", 360000),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


def test_cells() -> None:
    assert all(duration_s(text) is None for text in ("12", "1:2:3:4", "00:61:00", "00:00:61", "-1:00:00", "x"))
    assert np.isnan(duration_s("UNLIMITED") or 0)
    assert (minutes_s("90"), minutes_s("x")) == (5400, None)
    assert (count("36"), count("2K"), count("1.5K"), count("x")) == (36, 2048, 1536, None)
    assert (memory_kb("4Gc", 8, 2), memory_kb("4Gn", 8, 2), memory_kb("4G", 8, 2)) == (4 * 2**20, 2**20, 2**19)
    assert (memory_kb("512", 1, 1), memory_kb("512x", 1, 1)) == (512 * 1024, None)
    assert (state("COMPLETED"), state("CANCELLED by 12"), state("OUT_OF_ME+"), state("DONE"), state("")) == (
        1,
        5,
        0,
        None,
        -1,
    )
    assert state("RE+") is None
    assert tres("cpu=8,node=2", "node") == 2
    assert np.isnan(tres("cpu=8", "node") or 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"JobID": "17x"}, "line 2: column 'jobid' is '17x'; it must be a job id such as 17, 17_3, 17+1"),
        ({"Submit": "soon"}, "line 2: column 'submit' is 'soon'; it must be a date such as"),
        ({"Elapsed": "1h"}, "line 2: column 'elapsed' is '1h'; it must be a duration such as 12:30:00"),
        ({"Timelimit": "long"}, "line 2: column 'timelimit' is 'long'"),
        ({"State": "DONE"}, "line 2: column 'state' is 'DONE'; it must be a state of Slurm"),
        ({"ReqCPUS": "-4"}, "line 2: column 'reqcpus' is '-4'; it must be a count such as 36 or 2K"),
        ({"ReqMem": "lots"}, "line 2: column 'reqmem' is 'lots'; it must be an amount of memory"),
        ({"AllocCPUS": "9000000000"}, "line 2: allocated is 9e+09; it must not exceed 2147483647"),
    ],
)
def test_wrong_cells_are_named(change: dict[str, str], words: str) -> None:
    assert words in refusal(row(job_id=change.pop("JobID", "1"), **change))


def test_missing_columns_are_named() -> None:
    head = "JobID|State|Elapsed"
    assert "line 1: no column 'submit' (there are jobid, state, elapsed)" in refusal("1|COMPLETED|00:01:00", head=head)
    head = "JobID|Submit|Elapsed"
    message = refusal("1|2024-05-01T10:00:00|00:01:00", head=head)
    assert "no column 'alloccpus'" in message
    assert "also taken from ncpus, reqcpus, alloctres" in message
    assert "named twice" in refusal("1|2|3", head="JobID|Submit|Submit")
    assert "no jobs that ended, of 1" in refusal(row("1", State="PENDING"))
