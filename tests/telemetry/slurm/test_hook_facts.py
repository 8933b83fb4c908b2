"""What hooks know of a job: slurmd's variables, scontrol's words, lists of nodes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import TelemetryError
from wattq.telemetry.slurm import JobFacts, classify, facts_from_environment, facts_from_scontrol, node_names

# As `scontrol show job --details` of Slurm 22.05 prints it; name and comment are the user's.
SHOWN = """\
JobId=3 ArrayJobId=2 ArrayTaskId=7 JobName=a b UserId=mallory(0)
   UserId=ada(1000) GroupId=ada(1000) MCS_label=N/A
   Priority=4294901759 Nice=0 Account=(null) QOS=low
   JobState=FAILED Reason=NonZeroExitCode Dependency=(null)
   Requeue=1 Restarts=0 BatchFlag=1 Reboot=0 ExitCode=3:0
   DerivedExitCode=0:0
   RunTime=00:00:03 TimeLimit=UNLIMITED TimeMin=N/A
   SubmitTime=2026-11-21T23:36:47 EligibleTime=2026-11-21T23:36:47
   AccrueTime=2026-11-21T23:36:47
   StartTime=2026-11-21T23:36:49 EndTime=2026-11-21T23:36:52 Deadline=N/A
   SuspendTime=None SecsPreSuspend=0 LastSchedEval=2026-11-21T23:36:49 Scheduler=Main
   Partition=debug AllocNode:Sid=localhost:21167
   ReqNodeList=(null) ExcNodeList=(null)
   NodeList=n[1-2]
   BatchHost=n1
   NumNodes=2 NumCPUs=6 NumTasks=2 CPUs/Task=1 ReqB:S:C:T=0:0:*:*
   TRES=cpu=6,mem=12G,node=2,billing=2
   Socks/Node=* NtasksPerN:B:S:C=0:0:*:* CoreSpec=*
   JOB_GRES=gpu:3
     Nodes=n1 CPU_IDs=0-3 Mem=0 GRES=gpu:a100:2(IDX:0-1)
     Nodes=n2 CPU_IDs=0,4 Mem=0 GRES=gpu:1(IDX:3)
   MinCPUsNode=1 MinMemoryNode=0 MinTmpDiskNode=0
   Command=(null)
   WorkDir=/tmp/x Partition=evil
   Comment=wattq:gpu_power_cap=250 UserId=x
"""


def test_scontrol() -> None:
    facts = facts_from_scontrol(SHOWN, "3", "n2")
    assert (facts.name, facts.title, facts.user, facts.qos) == ("2_7", "a b UserId=mallory(0)", "ada", "low")
    assert (facts.partition, facts.comment) == ("debug", "wattq:gpu_power_cap=250 UserId=x")
    assert (facts.node_list, facts.node_count, facts.cores, facts.all_cores) == ("n[1-2]", 2, 2, 6)
    assert (facts.gpus, facts.memory_mb) == ((3,), 12 * 1024.0)
    assert (facts.submit_s, facts.start_s, facts.end_s) == (1795304207.0, 1795304209.0, 1795304212.0)
    assert (facts.state, facts.exit_code, facts.signal, facts.account) == ("FAILED", 3, 0, "")
    assert facts_from_scontrol(SHOWN, "3", "n1").gpus == (0, 1)
    assert facts.walltime_s is None
    assert facts_from_scontrol(SHOWN.replace("UNLIMITED", "1-02:00:00"), "3", "n1").walltime_s == 93600.0


@pytest.mark.parametrize(
    "text", ["", "slurm_load_jobs error: Invalid job id specified", SHOWN.replace("JobId=3", "JobId=4")]
)
def test_scontrol_about_another_job(text: str) -> None:
    with pytest.raises(TelemetryError, match="scontrol show job 3: says nothing of it"):
        facts_from_scontrol(text, "3", "n1")


@settings(deadline=None, max_examples=60)
@given(st.text(), st.integers(0, len(SHOWN)))
def test_scontrol_never_fails_otherwise(noise: str, place: int) -> None:
    try:
        facts = facts_from_scontrol(SHOWN[:place] + noise + SHOWN[place:], "3", "n1")
    except TelemetryError:
        return
    assert JobFacts.of_document(facts.document()) == facts


def test_environment() -> None:
    environ = {
        "SLURM_JOB_ID": "31",
        "SLURM_ARRAY_JOB_ID": "30",
        "SLURM_ARRAY_TASK_ID": "2",
        "SLURM_JOB_USER": "ada",
        "SLURM_NODELIST": "n[1-4]",
        "SLURM_JOB_CPUS_PER_NODE": "4(x3),2",
        "SLURMD_NODENAME": "n4",
        "SLURM_JOB_GPUS": "0,2-3",
        "SLURM_JOB_EXIT_CODE2": "9:15",
        "SLURM_JOB_COMMENT": "wattq:job_type=cpu",
    }
    facts = facts_from_environment(environ, "other")
    assert (facts.name, facts.node, facts.cores, facts.all_cores, facts.node_count) == ("30_2", "n4", 2, 14, 4)
    assert (facts.gpus, facts.exit_code, facts.signal, facts.job_type) == ((0, 2, 3), 9, 15, "cpu_intensive")
    least = facts_from_environment({"SLURM_JOB_ID": "1"}, "here")
    assert (least.name, least.node, least.cores, least.exit_code, least.job_type) == ("1", "here", None, None, None)


@pytest.mark.parametrize("job", ["", "0", "17; rm -rf /", "../../x", "1" * 40])
def test_no_number_of_a_job(job: str) -> None:
    with pytest.raises(TelemetryError, match="SLURM_JOB_ID"):
        facts_from_environment({"SLURM_JOB_ID": job}, "n1")


def test_facts_fill_each_other() -> None:
    told = facts_from_environment({"SLURM_JOB_ID": "3", "SLURM_JOB_USER": "root", "SLURM_JOB_CPUS_PER_NODE": "4"}, "n1")
    facts = told.filled(facts_from_scontrol(SHOWN, "3", "n1"))
    assert (facts.user, facts.qos, facts.gpus) == ("root", "low", (0, 1))
    assert told.filled(None) == told
    with pytest.raises(TelemetryError, match="job_id"):
        JobFacts.of_document({})


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("n1", ("n1",)),
        ("n[1-3,7],gpu01", ("n1", "n2", "n3", "n7", "gpu01")),
        ("r[1-2]n[09-10]-ib", ("r1n09-ib", "r1n10-ib", "r2n09-ib", "r2n10-ib")),
        ("node[001-002]", ("node001", "node002")),
    ],
)
def test_lists_of_nodes(text: str, names: tuple[str, ...]) -> None:
    assert node_names(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "n[3-1]",
        "n[1-",
        "a b",
        "n;reboot",
        "-rf",
        "$(x)",
        "n[1-99999999]",
        "n[1-400][1-400]",
        "a,,b",
        "n[a]",
        "a,",
        "n[]",
    ],
)
def test_what_is_no_list_of_nodes(text: str) -> None:
    with pytest.raises(TelemetryError, match="list of nodes"):
        node_names(text)


@pytest.mark.parametrize(
    ("cpu", "memory", "io", "pattern"),
    [
        (71, 49, 0, "cpu_intensive"),
        (70, 49, 0, "mixed"),
        (70, 40, 0, "light"),
        (71, 50, 0, "mixed"),
        (49, 71, 60, "memory_intensive"),
        (50, 71, 0, "mixed"),
        (10, 10, 50.1, "io_intensive"),
        (10, 10, 50, "light"),
        (90, 10, 90, "cpu_intensive"),
        (41, 41, 0, "mixed"),
        (40, 41, 0, "light"),
        (None, None, None, "light"),
        (None, 80, None, "memory_intensive"),
    ],
)
def test_classes(cpu: float | None, memory: float | None, io: float | None, pattern: str) -> None:
    assert classify(cpu, memory, io) == pattern
