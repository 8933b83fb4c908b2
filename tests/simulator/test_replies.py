"""Replies of a scheduler: what is refused, and how."""

from __future__ import annotations

import json
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import InvalidInputError, SimulationAbortError, UnsupportedError, WattqError
from wattq.simulator import Run
from wattq.simulator.conversation import converse
from wattq.simulator.protocol import ProtocolOptions


@pytest.fixture(scope="module")
def world(kit: SimpleNamespace) -> SimpleNamespace:
    host = {"speed": "100Mf,50Mf,1f,0.2f,0.1f", "watts": "100:200,90:150,10:10,120:125,110:115", "sleep": "2:3:4"}
    machine = kit.machine(*[kit.host(f"h{k}", **host) for k in range(3)])
    work = kit.workload([kit.job("a", 0, 1, "d"), kit.job("b", 0, 2, "d")], {"d": kit.delay(10)})

    def answer(text: str) -> Run:
        """Answer every message with the same text."""
        return converse(machine, [work], lambda _: text, energy=True)

    def decide(kind: Any, data: Any) -> Run:
        """Answer the first submission with one decision."""
        asked: list[str] = []

        def scheduler(text: str) -> Any:
            asked.append(text)
            return kit.reply(text, *[(kind, data)] * (len(asked) == 2))

        return converse(machine, [work], scheduler, energy=True)

    return SimpleNamespace(answer=answer, decide=decide)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not an object with 'now' and 'events'"),
        ("nonsense", "not an object"),
        ("null", "not an object"),
        ("[]", "not an object"),
        ("{}", "not an object .*'now'"),
        ('{"now": 0}', "not an object .*'events'"),
        ('{"now": "0", "events": []}', "needs a number 'now' and a list 'events'"),
        ('{"now": true, "events": []}', "needs a number"),
        ('{"now": null, "events": []}', "needs a number"),
        ('{"now": 0, "events": {}}', "needs a number 'now' and a list"),
        ('{"now": 1e999, "events": []}', "too large for a double"),
        ('{"now": 0, "events": ' + "[" * 100_000, "not an object"),
    ],
)
def test_a_reply_that_is_none_is_refused(world: SimpleNamespace, text: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=f"^the scheduler's reply .*{words}.*mend the scheduler$"):
        world.answer(text)


MALFORMED = [
    ("EXECUTE_JOB", {"job_id": "w0!a"}),
    ("EXECUTE_JOB", {"job_id": "w0!a", "alloc": ""}),
    ("EXECUTE_JOB", {"job_id": "w0!a", "alloc": 0}),
    ("EXECUTE_JOB", {"job_id": "w0!a", "alloc": "x"}),
    ("EXECUTE_JOB", {"job_id": "w0!a", "alloc": "-1"}),
    ("EXECUTE_JOB", {"job_id": "w0!a", "alloc": "2-1"}),
    ("EXECUTE_JOB", {"job_id": "w0!a", "alloc": "0", "colour": 1, "size": 2}),
    ("EXECUTE_JOB", {"job_id": 1, "alloc": "0"}),
    ("EXECUTE_JOB", {"job_id": "w0!a", "alloc": "0", "mapping": {}}),
    ("EXECUTE_JOB", {"job_id": "w0!a", "alloc": "0", "mapping": [0]}),
    ("EXECUTE_JOB", {"job_id": "w0!a", "alloc": "0", "mapping": {"0": "x"}}),
    ("EXECUTE_JOB", {"job_id": "w0!a", "alloc": "0", "mapping": {"0": True}}),
    ("EXECUTE_JOB", {"job_id": "w0!a", "alloc": "0", "mapping": {"0": 1}}),
    ("EXECUTE_JOB", {"job_id": "w0!a", "alloc": "0", "mapping": {"0": -1}}),
    ("EXECUTE_JOB", {"job_id": "w0!a", "alloc": "0", "mapping": {"1": 0}}),
    ("EXECUTE_JOB", {"job_id": "w0!a", "alloc": "0", "mapping": {"0": 0, "1": 0}}),
    ("EXECUTE_JOB", {"job_id": ["w0!a"], "alloc": "0"}),
    ("EXECUTE_JOB", "w0!a"),
    ("EXECUTE_JOB", {"job_id": "w0!a", "alloc": "0-2000000000"}),
    ("REJECT_JOB", {}),
    ("REJECT_JOB", {"job_id": "w0!a", "why": "too large"}),
    ("KILL_JOB", {"job_ids": []}),
    ("KILL_JOB", {"job_ids": "w0!a"}),
    ("KILL_JOB", {}),
    ("CALL_ME_LATER", {}),
    ("CALL_ME_LATER", {"timestamp": "5"}),
    ("CALL_ME_LATER", {"timestamp": True}),
    ("SET_RESOURCE_STATE", {"resources": "0", "state": 1}),
    ("SET_RESOURCE_STATE", {"resources": "0", "state": ""}),
    ("SET_RESOURCE_STATE", {"resources": "0", "state": "x1"}),
    ("SET_RESOURCE_STATE", {"resources": "0", "state": "-1"}),
    ("SET_RESOURCE_STATE", {"resources": "0", "state": "99999999999"}),
    ("SET_RESOURCE_STATE", {"resources": "0-5", "state": "1"}),
    ("SET_RESOURCE_STATE", {"state": "1"}),
    ("QUERY", {}),
    ("QUERY", {"requests": {"air_temperature": {}}}),
    ("SET_JOB_METADATA", {"job_id": "w0!a"}),
    ("SET_JOB_METADATA", {"job_id": "w0!a", "metadata": 'a"b'}),
    ("SET_JOB_METADATA", {"job_id": "w0!zz", "metadata": "x"}),
    ("NOTIFY", {"type": "hello"}),
    ("NOTIFY", {}),
    ("REGISTER_JOB", {"job_id": "w0!n", "job": {"profile": "d", "res": 1, "id": "w0!n", "subtime": 0}}),
    ("REGISTER_PROFILE", {"workload_name": "w0", "profile_name": "x", "profile": {"type": "delay", "delay": 1}}),
    ("CHANGE_JOB_STATE", {"job_id": "w0!a", "job_state": "COMPLETED_KILLED"}),
    ("", {}),
    (None, {}),
    (7, {}),
]


@pytest.mark.parametrize(("kind", "data"), MALFORMED)
def test_a_malformed_decision_aborts(world: SimpleNamespace, kind: Any, data: Any) -> None:
    with pytest.raises(SimulationAbortError, match=r"^the simulation aborts at 0\.000000 s: "):
        world.decide(kind, data)


@pytest.mark.parametrize("key", ["storage_mapping", "additional_io_job"])
def test_what_is_not_simulated_is_refused_by_name(world: SimpleNamespace, key: str) -> None:
    with pytest.raises(UnsupportedError, match=f"^the scheduler's EXECUTE_JOB of 'w0!a', key '{key}': not simulated; "):
        world.decide("EXECUTE_JOB", {"job_id": "w0!a", "alloc": "0", key: {"0": "0"}})


def test_the_decisions_before_a_malformed_one_act(kit: SimpleNamespace) -> None:
    machine = kit.machine(kit.host("h0"))
    work = kit.workload([kit.job("a", 3, 1, "d")], {"d": kit.delay(10)})

    def scheduler(text: str) -> Any:
        start = ("EXECUTE_JOB", {"job_id": "w0!a", "alloc": "0"})
        return kit.reply(text, *[start, ("REJECT_JOB", {"job_id": "w0!a"})] * ("JOB_SUBMITTED" in text))

    with pytest.raises(SimulationAbortError, match=r"3\.000000 s: job 'w0!a' cannot be rejected: its state is RUNNING"):
        converse(machine, [work], scheduler)


def test_metadata_reach_the_file(kit: SimpleNamespace) -> None:
    machine = kit.machine(kit.host("h0"))
    work = kit.workload([kit.job("a", 3, 1, "d")], {"d": kit.delay(10)})

    def scheduler(text: str) -> Any:
        start = ("EXECUTE_JOB", {"job_id": "w0!a", "alloc": "0"})
        note = ("SET_JOB_METADATA", {"job_id": "w0!a", "metadata": "one, two\u00e9"})
        return kit.reply(text, *[start, note] * ("JOB_SUBMITTED" in text))

    run = converse(machine, [work], scheduler)
    assert run.files()["jobs.csv"].splitlines()[1].endswith(',"one, two\u00e9"')


BROKEN = [
    ("EXECUTE_JOB", {"job_id": "w0!a", "alloc": "99999999999"}),
    ("SET_RESOURCE_STATE", {"resources": "0", "state": "--5"}),
    ("CALL_ME_LATER", {"timestamp": 10**400}),
    ("NOTIFY", {"type": []}),
]


@pytest.mark.parametrize(("kind", "data"), BROKEN)
def test_values_out_of_range_abort(world: SimpleNamespace, kind: str, data: Any) -> None:
    with pytest.raises(SimulationAbortError):
        world.decide(kind, data)


@pytest.mark.parametrize("now", ["NaN", "Infinity", "1" + "0" * 400])
def test_dates_that_are_no_doubles_are_refused(world: SimpleNamespace, now: str) -> None:
    try:
        world.answer(f'{{"now": {now}, "events": []}}')
    except InvalidInputError:
        return
    except OverflowError:
        pass
    pytest.fail(f"a reply dated {now[:9]} was not refused")


def test_dynamic_jobs_are_not_taken_for_static_ones(kit: SimpleNamespace) -> None:
    """Until the scheduler says that registration is over, Batsim does not end; wattq may refuse the option instead."""
    machine = kit.machine(kit.host("h0"))
    work = kit.workload([kit.job("a", 0, 1, "d")], {"d": kit.delay(10)})

    def scheduler(text: str) -> Any:
        return kit.reply(text, *[("REJECT_JOB", {"job_id": "w0!a"})] * ("JOB_SUBMITTED" in text))

    with suppress(UnsupportedError):
        assert converse(machine, [work], scheduler, options=ProtocolOptions(dynamic_jobs=True)).deadlock


def is_text(value: Any) -> bool:
    return not isinstance(value, list | dict)


SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 9),
    st.floats(-5, 20),
    st.sampled_from(["", "0", "1", "2", "0-1", "1 2", "w0!a", "w0!b", "w0!c", "x", "consumed_energy"]),
)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.sampled_from(["consumed_energy", "a"]), SCALARS)
KEYS = st.sampled_from(
    ["job_id", "alloc", "job_ids", "timestamp", "resources", "state", "requests", "metadata", "type", "mapping"]
)
# A list as the type of a NOTIFY is among the broken ones above.
DATA = st.dictionaries(KEYS, VALUES, max_size=3).filter(lambda data: is_text(data.get("type")))
KINDS = st.sampled_from(sorted({kind for kind, _ in MALFORMED if isinstance(kind, str)}))


@settings(deadline=None, max_examples=300)
@given(kind=KINDS, data=DATA)
def test_any_decision_gives_a_result_or_a_clear_error(world: SimpleNamespace, kind: str, data: dict[str, Any]) -> None:
    with suppress(WattqError):
        json.dumps(world.decide(kind, data).summary)
