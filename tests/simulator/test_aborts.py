"""What is said when Batsim would abort."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from wattq.errors import SimulationAbortError
from wattq.simulator import codes
from wattq.simulator.aborts import abort_message
from wattq.simulator.build import build
from wattq.simulator.conversation import converse
from wattq.simulator.external import ExternalEvents, parse_events

EXECUTE, SET, CALL = "EXECUTE_JOB", "SET_RESOURCE_STATE", "CALL_ME_LATER"
START_A = (EXECUTE, {"job_id": "w0!a", "alloc": "0"})
SLEEP_1 = (SET, {"resources": "1", "state": "2"})
WAKE_1 = (SET, {"resources": "1", "state": "0"})
Events = list[tuple[str, Mapping[str, Any]]]


@pytest.fixture
def play(kit: SimpleNamespace) -> Any:
    """Return a function that answers the messages at given dates, and returns what the abort says."""
    host = {"speed": "100Mf,50Mf,1f,0.2f,0.1f", "watts": "100:200,90:150,10:10,120:125,110:115", "sleep": "2:3:4"}
    machine = kit.machine(*[kit.host(f"h{k}", **host) for k in range(3)])
    profiles = {"d": kit.delay(10), "v": kit.parallel(1e8, 1e8)}
    jobs = [kit.job("a", 0, 1, "d"), kit.job("b", 0, 2, "d"), kit.job("late", 500, 1, "d"), kit.job("v", 0, 2, "v")]
    work = kit.workload(jobs, profiles)

    def run(acts: Mapping[float, Events], *, energy: bool = True, external: str = "") -> str:
        left = dict(acts)

        def scheduler(text: str) -> Mapping[str, Any]:
            message = json.loads(text)
            kinds = {event["type"] for event in message["events"]}
            if "JOB_SUBMITTED" in kinds and message["now"] == 0:
                calls = [(CALL, {"timestamp": date}) for date in left if date > 0]
                reply: Mapping[str, Any] = kit.reply(text, *left.pop(0, []), *calls)
                return reply
            dates = [date for date in left if 0 < date <= message["now"]] if "REQUESTED_CALL" in kinds else []
            return kit.reply(text, *[event for date in dates for event in left.pop(date)])  # type: ignore[no-any-return]

        externals = parse_events(external.encode(), "e", 3) if external else None
        with pytest.raises(SimulationAbortError) as caught:
            converse(machine, [work], scheduler, energy=energy, externals=externals)
        return str(caught.value)

    return run


def away(date: float, kind: str = "machine_unavailable") -> str:
    return json.dumps({"timestamp": date, "type": kind, "resources": "1"})


CASES: dict[str, tuple[Mapping[float, Events], str]] = {
    "job not submitted yet": (
        {0: [(EXECUTE, {"job_id": "w0!late", "alloc": "0"})]},
        "0.000000 s: job 'w0!late' cannot be executed: its state is NOT_SUBMITTED, not SUBMITTED",
    ),
    "job started twice": (
        {0: [START_A, START_A]},
        "0.000000 s: job 'w0!a' cannot be executed: its state is RUNNING, not SUBMITTED",
    ),
    "unknown machine": ({0: [(EXECUTE, {"job_id": "w0!a", "alloc": "3"})]}, "0.000000 s: machine 3 does not exist"),
    "busy machine": (
        {0: [START_A], 4: [(EXECUTE, {"job_id": "w0!b", "alloc": "0-1"})]},
        "4.000000 s: job 'w0!b' was given machine 0 ('h0'), which is computing another job",
    ),
    "machine falling asleep": (
        {0: [SLEEP_1, (EXECUTE, {"job_id": "w0!a", "alloc": "1"})]},
        "0.000000 s: job 'w0!a' was given machine 1 ('h1'), which is switching_off",
    ),
    "sleeping machine": (
        {0: [SLEEP_1], 6: [(EXECUTE, {"job_id": "w0!a", "alloc": "1"})]},
        "6.000000 s: job 'w0!a' was given machine 1 ('h1'), which is sleeping",
    ),
    "waking machine": (
        {0: [SLEEP_1], 6: [WAKE_1], 7: [(EXECUTE, {"job_id": "w0!a", "alloc": "1"})]},
        "7.000000 s: job 'w0!a' was given machine 1 ('h1'), which is switching_on",
    ),
    "too many machines": (
        {0: [(EXECUTE, {"job_id": "w0!a", "alloc": "0-2"})]},
        "0.000000 s: job 'w0!a' was given 3 machines, not the number that it asked for",
    ),
    "rejected after its start": (
        {0: [START_A, ("REJECT_JOB", {"job_id": "w0!a"})]},
        "0.000000 s: job 'w0!a' cannot be rejected: its state is RUNNING",
    ),
    "killed before its start": (
        {0: [("KILL_JOB", {"job_ids": ["w0!b"]})]},
        "0.000000 s: job 'w0!b' cannot be killed: it was not started",
    ),
    "killed after its end": (
        {0: [START_A], 20: [("KILL_JOB", {"job_ids": ["w0!a"]})]},
        "20.000000 s: job 'w0!a' does not exist (any more)",
    ),
    "call in the past": (
        {3: [(CALL, {"timestamp": 3})]},
        "3.000000 s: a call was asked for at a date that is not in the future",
    ),
    "sleep state of a sleeping machine": (
        {0: [SLEEP_1], 6: [SLEEP_1]},
        "6.000000 s: machine 1 ('h1') sleeps and was asked for power state 2, which does not compute",
    ),
    "sleep of a busy machine": (
        {0: [START_A], 5: [(SET, {"resources": "0", "state": "2"})]},
        "5.000000 s: jobs are running on machine 0 ('h0'), which was asked to sleep",
    ),
    "unknown power state": (
        {0: [(SET, {"resources": "2", "state": "5"})]},
        "0.000000 s: machine 2 ('h2') has no power state 5",
    ),
    "unknown decision": (
        {0: [("REBOOT", {})]},
        "0.000000 s: a decision is of type 'REBOOT', which Batsim does not know",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_message_names_date_subject_and_rule(play: Any, case: str) -> None:
    acts, message = CASES[case]
    assert play(acts) == f"the simulation aborts at {message}"


def test_power_states_need_energy(play: Any) -> None:
    rule = "a power state or an energy was asked for in a simulation without energy"
    assert play({0: [SLEEP_1]}, energy=False) == f"the simulation aborts at 0.000000 s: {rule}"
    query: tuple[str, Mapping[str, Any]] = ("QUERY", {"requests": {"consumed_energy": {}}})
    assert play({2: [query]}, energy=False) == f"the simulation aborts at 2.000000 s: {rule}"


def test_external_events_that_contradict_the_machine(play: Any) -> None:
    twice = play({}, external=away(3) + "\n" + away(4))
    assert twice == "the simulation aborts at 4.000000 s: machine 1 ('h1') became unavailable twice"
    there = play({}, external=away(3, "machine_available"))
    assert there == "the simulation aborts at 3.000000 s: machine 1 ('h1') became available while it was"
    gone = play({5: [(EXECUTE, {"job_id": "w0!a", "alloc": "1"})]}, external=away(3))
    assert gone == "the simulation aborts at 5.000000 s: job 'w0!a' was given machine 1 ('h1'), which is unavailable"


def test_a_decision_from_the_future(kit: SimpleNamespace) -> None:
    machine = kit.machine(kit.host("h0"))
    work = kit.workload([kit.job("a", 0, 1, "d")], {"d": kit.delay(10)})
    reply = {"now": 0, "events": [{"timestamp": 1, "type": CALL, "data": {"timestamp": 5}}]}
    with pytest.raises(SimulationAbortError, match=r"0\.000000 s: a decision is dated after the reply that holds it"):
        converse(machine, [work], lambda text: reply)


def test_a_call_after_the_end(kit: SimpleNamespace) -> None:
    machine = kit.machine(kit.host("h0"))
    work = kit.workload([kit.job("a", 2, 1, "d")], {"d": kit.delay(10)})

    def scheduler(text: str) -> Any:
        if "JOB_SUBMITTED" in text:
            return kit.reply(text, START_A)
        return kit.reply(text, *[(CALL, {"timestamp": 100})] * ("SIMULATION_ENDS" in text))

    with pytest.raises(SimulationAbortError, match=r"12\.000000 s: a call was asked for after the end"):
        converse(machine, [work], scheduler)


def test_a_machine_that_begins_asleep_takes_no_job(kit: SimpleNamespace) -> None:
    host = kit.host("h0", "100Mf,1f,0.2f,0.1f", "100:200,10:10,120:125,110:115", sleep="1:2:3", pstate=1)
    work = kit.workload([kit.job("a", 2, 1, "d")], {"d": kit.delay(10)})

    def scheduler(text: str) -> Any:
        return kit.reply(text, *[START_A] * ("JOB_SUBMITTED" in text))

    with pytest.raises(SimulationAbortError, match=r"machine 0 \('h0'\), which is in no computing power state"):
        converse(kit.machine(host), [work], scheduler, energy=True)


def test_jobs_of_later_workloads_are_named(kit: SimpleNamespace) -> None:
    profiles = {"d": kit.delay(10)}
    first = kit.workload([kit.job("a", 0, 1, "d"), kit.job("b", 0, 1, "d")], profiles)
    second = kit.workload([kit.job("a", 0, 1, "d")], profiles, name="w1")

    def scheduler(text: str) -> Any:
        return kit.reply(text, *[("KILL_JOB", {"job_ids": ["w1!a"]})] * ("JOB_SUBMITTED" in text))

    with pytest.raises(SimulationAbortError, match="job 'w1!a' cannot be killed: it was not started"):
        converse(kit.machine(kit.host("h0")), [first, second], scheduler)


def unknown_job(kit: SimpleNamespace) -> str:
    work = kit.workload([kit.job("a", 0, 1, "d")], {"d": kit.delay(10)})

    def scheduler(text: str) -> Any:
        return kit.reply(text, *[("REJECT_JOB", {"job_id": "w0!nobody"})] * ("JOB_SUBMITTED" in text))

    with pytest.raises(SimulationAbortError) as caught:
        converse(kit.machine(kit.host("h0")), [work], scheduler)
    return str(caught.value)


def test_a_job_that_never_was_aborts(kit: SimpleNamespace) -> None:
    assert "does not exist" in unknown_job(kit)


def test_a_job_that_never_was_is_not_taken_for_another(kit: SimpleNamespace) -> None:
    assert "w0!a" not in unknown_job(kit)


REASONS = {name: value for name, value in vars(codes).items() if name.startswith("AB_")}


@pytest.mark.parametrize("name", REASONS)
def test_every_reason_has_a_sentence(kit: SimpleNamespace, name: str) -> None:
    machine = kit.machine(kit.host("h0"))
    work = kit.workload([kit.job("a", 0, 1, "d")], {"d": kit.delay(10)})
    s, _, _ = build(machine, [work], energy=False, externals=ExternalEvents.none())
    s.head["abort"], s.head["abort_a"], s.head["abort_b"], s.head["clock_s"] = REASONS[name], 0, 0, 1.5
    message = abort_message(s, machine, [work])
    assert message.startswith("the simulation aborts at 1.500000 s: ")
    assert len(message) > len("the simulation aborts at 1.500000 s: ") + 20


def test_a_profile_cannot_return_less_than_a_kill_does(kit: SimpleNamespace) -> None:
    work = kit.workload([kit.job("a", 2, 1, "d")], {"d": kit.compute(1e8) | {"ret": -3}})

    def scheduler(text: str) -> Any:
        return kit.reply(text, *[START_A] * ("JOB_SUBMITTED" in text))

    with pytest.raises(SimulationAbortError, match=r"3\.000000 s: job 'w0!a' ended with code -3"):
        converse(kit.machine(kit.host("h0")), [work], scheduler)


def test_a_job_that_never_was_is_missed_when_its_rejection_arrives(kit: SimpleNamespace) -> None:
    assert unknown_job(kit).startswith("the simulation aborts at 0.000000 s: a job was named that does not exist")
