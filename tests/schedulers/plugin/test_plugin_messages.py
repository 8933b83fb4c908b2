"""Single messages: what is understood, what is refused, and that nothing else happens, whatever is sent."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import InvalidInputError, MissingFileError, PlatformError, PolicyError, WattqError
from wattq.platforms import load_platform
from wattq.schedulers import POLICIES, policy_spec
from wattq.schedulers.plugin import Bridge, Options
from wattq.schedulers.plugin.id_order import IdOrder
from wattq.simulator import Actions, View
from wattq.simulator import layout as c


class Note:
    """A policy that keeps what it sees and does what it is told."""

    def __init__(self, act: Any = None) -> None:
        self.views: list[View] = []
        self.act = act

    def decide(self, view: View, actions: Actions) -> None:
        self.views.append(view)
        if self.act is not None:
            self.act(view, actions)


def begun(say: SimpleNamespace, policy: Any, n_hosts: int = 2, **config: Any) -> Bridge:
    bridge = Bridge(Options(), policy=policy)
    bridge.reply(say.begins(n_hosts, **config))
    return bridge


def test_a_job_as_it_is_submitted(say: SimpleNamespace) -> None:
    bridge = begun(say, Note())
    bridge.reply(say.submitted(1.5, "w0!a", res=2, walltime=30, user=7, group="x"))
    bridge.reply(say.submitted(2.0, "w0!b", "w1!ä", walltime=-1, queue=3))
    names = ["submit_s", "seen_s", "walltime_s", "estimate_s", "hosts", "state", "q_pos", "user", "group", "queue"]
    rows = bridge.ledger.jobs[names][:3].tolist()
    assert rows == [
        (1.5, 1.5, 30.0, 30.0, 2, c.SUBMITTED, 0, 7, -1, -1),
        (2.0, 2.0, -1.0, np.inf, 1, c.SUBMITTED, 1, -1, -1, 3),
        (2.0, 2.0, -1.0, np.inf, 1, c.SUBMITTED, 2, -1, -1, 3),
    ]
    ranks = bridge.ledger.jobs["id_rank"][:3].tolist()
    assert ranks == sorted(ranks)
    assert bridge.jobs.full_ids == ["w0!a", "w0!b", "w1!ä"]
    assert bridge.ledger.head[0]["n_jobs"] == 3
    assert bridge.ledger.jobs["beta"].tolist() == [1.0] * len(bridge.ledger.jobs)


def test_a_job_that_batsim_would_run_otherwise_is_refused(say: SimpleNamespace) -> None:
    bridge = begun(say, Note())
    bridge.reply(say.submitted(1.0, "w0!a", beta=1))
    with pytest.raises(InvalidInputError, match=r"job 'w0!b': beta 0\.5, which Batsim does not simulate"):
        bridge.reply(say.submitted(2.0, "w0!b", beta=0.5))


def test_the_date_of_the_queue_is_that_of_the_last_event(say: SimpleNamespace) -> None:
    bridge = begun(say, Note())
    two = json.loads(say.submitted(3.0, "w0!a", "w0!b"))
    two["now"], two["events"][1]["timestamp"] = 5.0, 4.25
    reply = json.loads(bridge.reply(json.dumps(two)))
    assert reply == {"now": 5.0, "events": []}
    assert bridge.ledger.jobs["seen_s"][:2].tolist() == [4.25, 4.25]


def test_decisions_as_events(say: SimpleNamespace) -> None:
    def act(view: View, actions: Actions) -> None:
        if len(view.submitted) == 3:
            first, second, third = view.submitted
            actions.start(first, hosts=[3, 0, 1])
            actions.reject(second)
            actions.wake_me_at(12.5)
            actions.start(third)
            actions.kill(first)

    bridge = begun(say, Note(act), n_hosts=5)
    jobs = json.loads(say.submitted(2.0, "w0!a", "w0!b", 'w0!"é'))
    jobs["events"][0]["data"]["job"]["res"] = 3
    reply = json.loads(bridge.reply(json.dumps(jobs)))
    assert {event["timestamp"] for event in reply["events"]} == {reply["now"]} == {2.0}
    assert say.acts(json.dumps(reply)) == [
        ("EXECUTE_JOB", {"job_id": "w0!a", "alloc": "0-1 3"}),
        ("REJECT_JOB", {"job_id": "w0!b"}),
        ("CALL_ME_LATER", {"timestamp": 12.5}),
        ("EXECUTE_JOB", {"job_id": 'w0!"é', "alloc": "2"}),
        ("KILL_JOB", {"job_ids": ["w0!a"]}),
    ]


def test_dynamic_registration_is_declared_over_at_once(say: SimpleNamespace) -> None:
    bridge = Bridge(Options("fcfs"))
    reply = bridge.reply(say.begins(**{"dynamic-jobs-enabled": True}))
    assert say.acts(reply) == [("NOTIFY", {"type": "registration_finished"})]
    assert say.acts(bridge.reply(say.submitted(1.0, "dyn!0"))) == [("EXECUTE_JOB", {"job_id": "dyn!0", "alloc": "0"})]


def test_events_that_only_the_policy_knows_what_to_do_with(say: SimpleNamespace) -> None:
    policy = Note(lambda view, actions: kinds.append(view._message()["kind"].tolist()))
    kinds: list[list[int]] = []
    bridge = begun(say, policy)
    events = [
        ("ANSWER", {"consumed_energy": 12.5}),
        ("NOTIFY", {"type": "no_more_static_job_to_submit"}),
        ("NOTIFY", {"type": "no_more_external_event_to_occur"}),
        ("NOTIFY", {"type": "something_else", "x": 1}),
        ("FROM_JOB_MSG", {"job_id": "w0!a", "msg": 1}),
        ("REQUESTED_CALL", {}),
    ]
    bridge.reply(say.message(3.0, *events))
    assert kinds[1] == [c.EV_ENERGY, c.EV_NO_MORE_JOBS, c.EV_NO_MORE_EVENTS, c.EV_GENERIC, c.EV_GENERIC, c.EV_CALL]
    assert bridge.ledger.events["value"][0] == 12.5
    assert policy.views[-1].no_more_jobs


def test_machines_that_leave_storage_left_out(say: SimpleNamespace) -> None:
    policy = Note()
    bridge = begun(say, policy, n_hosts=3)
    bridge.reply(say.message(1.0, ("NOTIFY", {"type": "event_machine_unavailable", "resources": "1-7"})))
    assert policy.views[-1].free_hosts.tolist() == [0]
    bridge.reply(say.message(2.0, ("NOTIFY", {"type": "event_machine_available", "resources": "2 5"})))
    assert policy.views[-1].free_hosts.tolist() == [0, 2]


def with_properties(say: SimpleNamespace, **properties: str) -> str:
    message = json.loads(say.begins())
    for host in message["events"][0]["data"]["compute_resources"]:
        host["properties"] |= properties
    return json.dumps(message)


def test_power_states_from_properties(say: SimpleNamespace) -> None:
    bridge = Bridge(Options(), policy=Note())
    bridge.reply(with_properties(say, wattage_per_state="100:200,10:10:10,120:125,110:115", sleep_pstates="1:2:3"))
    states = bridge.ledger.pstates
    assert states.shape == (1, 4)
    assert states["kind"][0].tolist() == [c.PS_COMPUTE, c.PS_SLEEP, c.PS_OFF, c.PS_ON]
    assert states["idle_w"][0].tolist() == [100.0, 10.0, 120.0, 110.0]
    assert states["full_w"][0].tolist() == [200.0, 10.0, 125.0, 115.0]
    assert states["speed_flops"][0].tolist() == [0.0] * 4
    assert (states["off"][0, 1], states["on"][0, 1]) == (2, 3)


def test_power_states_without_powers(say: SimpleNamespace) -> None:
    bridge = Bridge(Options(), policy=Note())
    bridge.reply(with_properties(say, sleep_pstates="1:2:3,4:5:6"))
    assert bridge.ledger.pstates["kind"][0].tolist() == [0, 1, 2, 3, 1, 2, 3]


def test_power_states_from_the_platform_file(say: SimpleNamespace) -> None:
    say.machine(2, energy=True, pstate=1)
    bridge = Bridge(Options(platform=str(say.platform_file)), policy=Note())
    bridge.reply(say.begins())
    assert bridge.ledger.pstates["speed_flops"][0].tolist() == [1e8, 5e7, 1.0, 0.2, 0.1]
    assert bridge.ledger.hosts["pstate"].tolist() == [1, 1]


def test_power_states_from_a_preset(say: SimpleNamespace) -> None:
    preset = load_platform("kth-sp2")
    message = json.loads(say.begins())
    for k, host in enumerate(message["events"][0]["data"]["compute_resources"]):
        host["name"] = preset.host_names[k]
    bridge = Bridge(Options(platform="kth-sp2"), policy=Note())
    bridge.answer(message)
    assert bridge.ledger.pstates["speed_flops"][0].tolist() == preset.speed_flops[0].tolist()


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"wattage_per_state": "x"}, "host 'h0', as Batsim announced it: wattage_per_state 'x' of state 0"),
        ({"sleep_pstates": "1:2"}, "sleep_pstates '1:2' is not of the form sleep:off:on"),
        ({"sleep_pstates": "99999:1:2"}, "names state 99999"),
    ],
)
def test_properties_that_break_a_rule(say: SimpleNamespace, properties: dict[str, str], words: str) -> None:
    with pytest.raises(PlatformError, match=words):
        Bridge(Options(), policy=Note()).reply(with_properties(say, **properties))


def test_a_platform_file_of_another_machine(say: SimpleNamespace) -> None:
    say.machine(2)
    bridge = Bridge(Options(platform=str(say.platform_file)), policy=Note())
    with pytest.raises(PlatformError, match=r"no host 'h2', which Batsim announced \(1 of 3 hosts are missing\)"):
        bridge.reply(say.begins(3))
    with pytest.raises(MissingFileError, match=r"nowhere\.xml"):
        Bridge(Options(platform="nowhere.xml"), policy=Note()).reply(say.begins())


def refused(bridge: Bridge, text: str) -> str:
    with pytest.raises(InvalidInputError) as caught:
        bridge.reply(text)
    return str(caught.value)


def test_what_is_no_message(say: SimpleNamespace) -> None:
    assert "is not JSON" in refused(Bridge(Options("easy")), "{")
    assert "is not JSON" in refused(Bridge(Options("easy")), "[" * 100_000)
    assert "message: TypeError" in refused(Bridge(Options("easy")), "[]")
    assert "KeyError: 'events'" in refused(Bridge(Options("easy")), '{"now": 1}')
    assert "holds no event" in refused(Bridge(Options("easy")), '{"now": 1, "events": []}')
    assert "is not finite" in refused(Bridge(Options("easy")), '{"now": NaN, "events": []}')
    assert "first message is not SIMULATION_BEGINS" in refused(Bridge(Options("easy")), say.submitted(1.0, "w0!a"))


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (("JOB_SUBMITTED", {"job_id": "w0!a", "job": {"subtime": 0, "res": 1}}), "submitted before"),
        (("JOB_SUBMITTED", {"job_id": 3, "job": {"subtime": 0, "res": 1}}), "its id is no text"),
        (("JOB_SUBMITTED", {"job_id": "w0!z", "job": {"subtime": 0, "res": -1}}), "res -1"),
        (("JOB_SUBMITTED", {"job_id": "w0!z", "job": {"subtime": 0, "res": 1.5}}), "res 1.5"),
        (("JOB_SUBMITTED", {"job_id": "w0!z", "job": {"res": 1}}), "KeyError: 'subtime'"),
        (("JOB_COMPLETED", {"job_id": "w0!z"}), "job 'w0!z' was never submitted"),
        (("JOB_COMPLETED", {"job_id": "w0!a"}), "this scheduler has not started it"),
        (("JOB_KILLED", {"job_ids": ["w0!z"], "job_progress": {}}), "never submitted"),
        (("RESOURCE_STATE_CHANGED", {"resources": "0", "state": "1"}), "power state 1 is unknown.*'platform'"),
        (("RESOURCE_STATE_CHANGED", {"resources": "0,1", "state": "0"}), "'0,1' is not a host or an interval"),
        (("RESOURCE_STATE_CHANGED", {"resources": "0", "state": "x"}), "ValueError"),
        (("SIMULATION_BEGINS", {}), "begun already"),
        (("WORK_HARDER", {}), "event WORK_HARDER: there is no such event"),
    ],
)
def test_events_that_are_refused(say: SimpleNamespace, event: tuple[str, Any], words: str) -> None:
    bridge = begun(say, Note())
    bridge.reply(say.submitted(1.0, "w0!a"))
    with pytest.raises(InvalidInputError, match=words):
        bridge.reply(say.message(2.0, event))


def test_a_job_that_ends_twice_in_one_message(say: SimpleNamespace) -> None:
    bridge = Bridge(Options("fcfs"))
    bridge.reply(say.begins())
    bridge.reply(say.submitted(1.0, "w0!a"))
    assert "has not started it" in refused(bridge, say.completed(2.0, "w0!a", "w0!a"))


def test_what_a_policy_may_not_do_ends_the_conversation(say: SimpleNamespace) -> None:
    bridge = begun(say, Note(lambda view, actions: [actions.start(job, [5]) for job in view.submitted]))
    with pytest.raises(PolicyError, match="there is no host 5"):
        bridge.reply(say.submitted(1.0, "w0!a"))
    bridge = begun(say, Note(lambda view, actions: 1 / len(view.submitted) if view.now else None))
    with pytest.raises(PolicyError, match=r"policy Note: it raised ZeroDivisionError at 3.0 s"):
        bridge.reply(say.message(3.0, ("REQUESTED_CALL", {})))


def test_a_ledger_with_little_room(say: SimpleNamespace) -> None:
    bridge = Bridge(Options("filler"), capacity=1)
    bridge.reply(say.begins(2))
    away = "event_machine_unavailable"
    notices = [("NOTIFY", {"type": away, "resources": "0 1"})] * 700
    bridge.reply(say.message(1.0, *notices))
    bridge.reply(say.submitted(2.0, *[f"w0!{k}" for k in range(900)]))
    back = say.message(3.0, ("NOTIFY", {"type": "event_machine_available", "resources": "0-1"}))
    assert len(say.acts(bridge.reply(back))) == 2
    rejected = say.submitted(4.0, *[f"w0!x{k}" for k in range(1000)], res=9)
    assert len(say.acts(bridge.reply(rejected))) == 1000
    for now in range(5, 300):
        running = [bridge.jobs.full_ids[k] for k in sorted(bridge.jobs.running)]
        assert len(say.acts(bridge.reply(say.completed(now, *running)))) == 2
    assert bridge.counts() == {"submitted": 1900, "ended": 590, "rejected": 1000}


@settings(deadline=None, max_examples=50)
@given(ids=st.lists(st.text("ab1", max_size=6), unique=True, max_size=80), most=st.integers(100, 300))
def test_ranks_sort_as_ids_do(ids: list[str], most: int) -> None:
    order = IdOrder(most)
    for number, one in enumerate(ids, 1):
        order.add(one)
        ranks = dict(zip(ids[:number], order.ranks(ids[:number]), strict=True))
        assert sorted(ranks, key=ranks.__getitem__) == sorted(ranks)
        assert len(set(ranks.values())) == number
        assert min(ranks.values()) >= 0
        assert max(ranks.values()) <= most


SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5)
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=3), v, max_size=3))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths to all parts of a JSON value."""
    found = [path] if path else []
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    for key in keys:
        found += places(value[key], (*path, key))
    return found


def conversation(say: SimpleNamespace) -> list[Any]:
    """Return a conversation in which every kind of event comes."""
    powers = {"wattage_per_state": "100:200,10:10:10,120:125,110:115", "sleep_pstates": "1:2:3"}
    texts = [
        with_properties(say, **powers),
        say.submitted(1.0, "w0!a", "w0!b", walltime=20),
        say.message(2.0, ("NOTIFY", {"type": "event_machine_unavailable", "resources": "1"})),
        say.completed(3.0, "w0!a"),
        say.message(4.0, ("RESOURCE_STATE_CHANGED", {"resources": "0-1", "state": "0"}), ("REQUESTED_CALL", {})),
        say.message(5.0, ("NOTIFY", {"type": "event_machine_available", "resources": "1"})),
        say.message(6.0, ("ANSWER", {"consumed_energy": 1.5}), ("NOTIFY", {"type": "no_more_static_job_to_submit"})),
        say.message(7.0, ("JOB_KILLED", {"job_ids": ["w0!b"], "job_progress": {}})),
        say.submitted(8.0, "w0!c", res=2, walltime=5),
        say.message(9.0, ("SIMULATION_ENDS", {})),
    ]
    return [json.loads(text) for text in texts]


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_mutated_messages_are_answered_or_refused(say: SimpleNamespace, data: st.DataObject) -> None:
    messages = copy.deepcopy(conversation(say))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(messages)))
        part: Any = messages
        try:
            for key in path[:-1]:
                part = part[key]
            if data.draw(st.integers(0, 3)) == 0:
                del part[path[-1]]
            else:
                part[path[-1]] = data.draw(VALUES)
        except (KeyError, IndexError, TypeError):
            continue
    bridge = Bridge(
        Options(data.draw(st.sampled_from([name for name in POLICIES if not policy_spec(name)[1].needs]))), capacity=1
    )
    with suppress(WattqError):
        for message in messages:
            reply = json.loads(bridge.reply(json.dumps(message)))
            assert set(reply) == {"now", "events"}


def test_a_session_ends_with_its_last_message(say: SimpleNamespace) -> None:
    bridge = Bridge(Options("easy"))
    assert bridge.left_over() == ""
    assert bridge.counts() == {"submitted": 0, "ended": 0, "rejected": 0}
    for message in conversation(say)[:1] + conversation(say)[-1:]:
        bridge.answer(message)
    assert bridge.ended
    assert bridge.n_messages == 2
