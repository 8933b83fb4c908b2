"""Jobs and profiles that a scheduler registers: what is taken, what is refused, and what is forgotten."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from wattq.errors import SimulationAbortError, UnsupportedError
from wattq.simulator import Run
from wattq.simulator.conversation import converse
from wattq.simulator.protocol import ProtocolOptions

Decision = tuple[str, Any]
OPEN = ProtocolOptions(dynamic_jobs=True)
FINISHED: Decision = ("NOTIFY", {"type": "registration_finished"})
CONTINUED: Decision = ("NOTIFY", {"type": "continue_registration"})
DELAY = {"type": "delay", "delay": 2}


def profile(name: str, described: Any, workload: str = "dyn") -> Decision:
    return "REGISTER_PROFILE", {"workload_name": workload, "profile_name": name, "profile": described}


def job(full_id: str, name: str, hosts: int = 1, **keys: Any) -> Decision:
    described = {"id": full_id, "subtime": 0, "res": hosts, "profile": name} | keys
    return "REGISTER_JOB", {"job_id": full_id, "job": described}


def start(full_id: str, alloc: str) -> Decision:
    return "EXECUTE_JOB", {"job_id": full_id, "alloc": alloc}


@pytest.fixture
def play(kit: SimpleNamespace) -> Any:
    """Play decisions by number of the message; three hosts, and one static job of one host at 50 s."""
    machine = kit.machine(*[kit.host(f"h{k}", "100Mf") for k in range(3)])
    profiles = {
        "d": kit.delay(10),
        "unused": kit.delay(1),
        "com": {"type": "parallel_homogeneous", "cpu": 1e9, "com": 8},
        "two": kit.composed("d", "com"),
    }
    work = kit.workload([kit.job("0", 50, 1, "two")], profiles)

    def run(*steps: list[Decision], options: ProtocolOptions = OPEN) -> Run:
        asked: list[str] = []

        def scheduler(text: str) -> Any:
            asked.append(text)
            decisions = steps[len(asked) - 1] if len(asked) <= len(steps) else []
            submitted = "JOB_SUBMITTED" in text and '"w0!0"' in text
            return kit.reply(text, *decisions, *[start("w0!0", "0")] * submitted)

        return converse(machine, [work], scheduler, options=options)

    return run


def test_many_registered_jobs_outgrow_every_array(play: Any, kit: SimpleNamespace) -> None:
    jobs = [job(f"dyn!{k}", "p", walltime=k + 1) for k in range(700)]
    rejected = [("REJECT_JOB", {"job_id": f"dyn!{k}"}) for k in range(2, 700)]
    first = [profile("p", DELAY), *jobs, start("dyn!1", "1"), start("dyn!0", "2"), *rejected, FINISHED]
    run = play(first)
    rows = {row["job_id"]: row for row in kit.rows(run) if row["workload_name"] == "dyn"}
    assert len(rows) == 700
    assert rows["1"]["final_state"] == "COMPLETED_WALLTIME_REACHED"
    assert rows["1"]["execution_time"] == "2.000000"
    assert rows["699"]["requested_time"] == "700.000000"


def test_registered_jobs_run_beside_static_ones(play: Any, kit: SimpleNamespace) -> None:
    vector = {"type": "parallel", "cpu": [1e8, 4e8], "com": [0, 0, 0, 0]}
    run = play([profile("v", vector, "w0"), job("w0!n", "v", 2), start("w0!n", "1-2"), FINISHED])
    rows = kit.by_id(run)
    assert rows["n"]["execution_time"] == "4.000000"
    assert rows["n"]["profile"] == "v"
    assert rows["0"]["starting_time"] == "50.000000"
    assert run.summary["jobs"]["total"] == 2
    assert run.summary["workloads"] == ["w0"]


def test_a_registered_job_may_use_a_static_sequence(play: Any, kit: SimpleNamespace) -> None:
    rows = kit.by_id(play([job("w0!n", "two"), start("w0!n", "1"), FINISHED]))
    assert rows["n"]["execution_time"] == "20.000000"


def test_a_profile_is_forgotten_after_the_first_event_of_the_reply(play: Any, kit: SimpleNamespace) -> None:
    begin = [profile("p", DELAY), job("dyn!0", "p"), start("dyn!0", "0")]
    again = [job("dyn!1", "p"), start("dyn!1", "0"), FINISHED]
    assert kit.by_id(play(begin, again))["1"]["finish_time"] == "4.000000"
    with pytest.raises(SimulationAbortError, match="existed some time ago but is no longer accessible"):
        play(begin, [CONTINUED, *again])
    reuse = ProtocolOptions(dynamic_jobs=True, profile_reuse=True)
    assert kit.by_id(play(begin, [CONTINUED, *again], options=reuse))["1"]["finish_time"] == "4.000000"


def test_a_sequence_is_forgotten_with_its_parts(play: Any) -> None:
    begin = [job("w0!n", "two"), start("w0!n", "1")]
    with pytest.raises(SimulationAbortError, match="profile 'd', which existed some time ago"):
        play(begin, [CONTINUED, job("w0!m", "d")])


@pytest.mark.parametrize(
    ("decisions", "words"),
    [
        ([profile("p", DELAY), profile("p", DELAY)], "profile 'p' of workload 'dyn' was registered twice"),
        ([profile("d", DELAY, "w0")], "profile 'd' of workload 'w0' was registered twice"),
        ([profile("p", {"type": "delay", "delay": 0})], "profile 'p', key 'delay'"),
        ([("REGISTER_PROFILE", {"workload_name": "x"})], "REGISTER_PROFILE needs texts"),
        ([("REGISTER_JOB", {"job_id": "w0!1"})], "REGISTER_JOB needs a text 'job_id' and an object 'job'"),
        ([job("n", "d")], "job_id 'n' is not of the form 'workload!job'"),
        ([job("w0!n!m", "d")], "job_id 'w0!n!m' is not of the form"),
        ([job("no!n", "d")], "in workload 'no', which does not exist"),
        ([job("w0!n", "nope")], "names the profile 'nope', which does not exist"),
        ([job("w0!n", "unused")], "profile 'unused', which existed some time ago"),
        ([job("w0!0", "d")], "job 'w0!0' was registered twice"),
        ([job("w0!n", "d"), job("w0!n", "d")], "job 'w0!n' was registered twice"),
        ([job("w0!n", "d", id="w0!m")], "its description has the id 'm'"),
        ([job("w0!n", "d", walltime=0)], "key 'walltime' is 0; it must be greater than 0 s"),
        ([job("w0!n", "d", res=1.0)], "key 'res'"),
        ([profile("v", {"type": "parallel", "cpu": [1], "com": [0]}), job("dyn!n", "v", 2)], "describes 1"),
    ],
)
def test_what_batsim_refuses_aborts(play: Any, decisions: list[Decision], words: str) -> None:
    with pytest.raises(SimulationAbortError) as caught:
        play(decisions)
    assert words in str(caught.value)
    assert str(caught.value).startswith("the simulation aborts at 0.000000 s: ")


def test_what_is_not_simulated_is_refused_by_name(play: Any) -> None:
    with pytest.raises(UnsupportedError, match="registered the composed profile 'c', which makes Batsim crash"):
        play([profile("c", {"type": "composed", "seq": ["d"]}, "w0")])
    with pytest.raises(UnsupportedError, match="profile 'com', key 'com': communication between hosts"):
        play([job("w0!n", "two", 2)])
    with pytest.raises(UnsupportedError, match=r"job w0!n: beta 0\.5, which Batsim's protocol cannot express"):
        play([job("w0!n", "two", beta=0.5)])


def test_continuing_a_registration_that_is_off_changes_nothing(play: Any) -> None:
    run = play([CONTINUED], options=ProtocolOptions())
    assert not run.deadlock


def test_an_acknowledged_job_is_told_with_its_profile(play: Any, kit: SimpleNamespace) -> None:
    options = ProtocolOptions(dynamic_jobs=True, acknowledge_dynamic_jobs=True, forward_profiles=True)
    told: list[Any] = []
    machine = kit.machine(kit.host("h0"))
    work = kit.workload([kit.job("0", 5, 1, "d")], {"d": kit.delay(1)})

    def scheduler(text: str) -> Any:
        told.extend(e["data"] for e in json.loads(text)["events"] if e["type"] == "JOB_SUBMITTED")
        if "SIMULATION_BEGINS" in text:
            return kit.reply(
                text, profile("p", {"type": "delay", "delay": 2.5}), job("dyn!a", "p", 1, user=7), FINISHED
            )
        return kit.reply(
            text, *[("REJECT_JOB", {"job_id": e["job_id"]}) for e in told[len(told) - 1 :] if "JOB_S" in text]
        )

    converse(machine, [work], scheduler, options=options)
    assert told[0] == {
        "job_id": "dyn!a",
        "job": {"id": "dyn!a", "subtime": 0, "res": 1, "profile": "p", "user": 7},
        "profile": {"type": "delay", "delay": 2.5},
    }


def test_a_workload_without_jobs_leaves_room_for_registered_ones(kit: SimpleNamespace) -> None:
    begin = [profile("p", DELAY), job("dyn!0", "p"), start("dyn!0", "0"), FINISHED]

    def scheduler(text: str) -> Any:
        return kit.reply(text, *begin * ("SIMULATION_BEGINS" in text))

    work = kit.workload([], {"d": kit.delay(10)})
    run = converse(kit.machine(kit.host("h0")), [work], scheduler, options=OPEN)
    assert len(kit.by_id(run)) == 1
