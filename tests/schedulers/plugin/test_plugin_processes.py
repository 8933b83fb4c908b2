"""The scheduler as a process, under pybatsim and on its own, with a Batsim on the other side of a socket."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import zmq

from wattq.platforms.model import Platform
from wattq.schedulers import make_policy
from wattq.simulator import simulate
from wattq.simulator.conversation import converse
from wattq.workloads.model import Workload

EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "examples"
Start = Callable[..., Any]
Words = tuple[str, ...]


@pytest.fixture(params=["pybatsim", "direct"])
def words(request: pytest.FixtureRequest) -> Callable[..., list[str]]:
    """Return a function from policy and options to the words that start a scheduler, in either way."""
    program: Words = request.getfixturevalue(request.param)

    def make(policy: str, options: Any = None) -> list[str]:
        given = [] if options is None else ["-o", json.dumps(options)]
        if request.param == "pybatsim":
            return [*program, policy if policy == "wattq" else f"wattq-{policy}", *given]
        return [*program, *([] if policy == "wattq" else ["--policy", policy]), *given]

    return make


@pytest.fixture
def lazy(tmp_path: Path) -> dict[str, Any]:
    """Options that name a policy that never starts a job."""
    path = tmp_path / "lazy.py"
    path.write_text("class Lazy:\n    def decide(self, view, actions):\n        pass\n")
    return {"policy": f"{path}:Lazy"}


def test_schedules_are_those_of_the_engine(
    say: SimpleNamespace, trace: Callable[[str], tuple[Platform, Workload]], scheduler: Start, words: Any
) -> None:
    platform, work = trace("synsmall-ptask")
    process = scheduler(*words("easy"))
    run = converse(platform, [work], process.ask, energy=True)
    ended = process.end()
    assert (ended.code, ended.err) == (0, "")
    assert say.dates(run) == say.dates(simulate(platform, [work], make_policy("easy"), energy=True))


def test_options_reach_the_policy(
    say: SimpleNamespace,
    trace: Callable[[str], tuple[Platform, Workload]],
    scheduler: Start,
    pybatsim: Words,
    tmp_path: Path,
) -> None:
    platform, work = trace("synsmall-delay")
    path = tmp_path / "options.json"
    path.write_text('{"order": "sjf"}')
    process = scheduler(*pybatsim, "wattq-fcfs", "-o", f"@{path}")
    run = converse(platform, [work], process.ask)
    assert process.end().code == 0
    assert say.dates(run) == say.dates(simulate(platform, [work], make_policy("fcfs", {"order": "sjf"})))


def test_a_policy_of_a_user_with_power_states(say: SimpleNamespace, scheduler: Start, pybatsim: Words) -> None:
    platform = say.machine(4, energy=True)
    work = say.workload([{"id": str(k), "subtime": 60 * k, "res": 1 + k % 4, "run": 20} for k in range(12)])
    place, params = str(EXAMPLES / "sleeper.py:Sleeper"), {"idle_s": 30}
    process = scheduler(*pybatsim, "wattq", "-o", json.dumps({"policy": place, "params": params}))
    run = converse(platform, [work], process.ask, energy=True)
    assert process.end().code == 0
    ours = simulate(platform, [work], make_policy(place, params), energy=True)
    assert say.dates(run) == say.dates(ours)
    assert ours.summary["energy_by_state_j"]["sleeping"] > 0


def test_the_example_of_the_documentation(
    say: SimpleNamespace, trace: Callable[[str], tuple[Platform, Workload]], scheduler: Start, pybatsim: Words
) -> None:
    platform, work = trace("synsmall-ptask")
    process = scheduler(*pybatsim, "wattq", "-o", json.dumps({"policy": str(EXAMPLES / "easy.py:Easy")}))
    run = converse(platform, [work], process.ask)
    assert process.end().code == 0
    assert say.dates(run) == say.dates(simulate(platform, [work], make_policy("easy")))


def test_kills_calls_queries_and_rejections_pass_through(
    say: SimpleNamespace, scheduler: Start, words: Any, tmp_path: Path
) -> None:
    path = tmp_path / "busy.py"
    path.write_text(
        "from wattq.simulator.ledger import ask_energy\n"
        "class Busy:\n"
        "    def decide(self, view, actions):\n"
        "        if view.submitted:\n"
        "            first, second = view.submitted\n"
        "            actions.start(first)\n            actions.reject(second)\n"
        "            actions.wake_me_at(2.5)\n            actions.set_power_state([1], 1)\n"
        "            ask_energy(view._v)\n"
        "        elif view.called:\n            actions.kill(int(view.running[0]))\n"
    )
    say.machine(2, energy=True)
    begins = json.loads(say.begins())
    for host in begins["events"][0]["data"]["compute_resources"]:
        host["properties"]["wattage_per_state"] = "1:2,1:2"
    process = scheduler(*words("wattq", {"policy": f"{path}:Busy"}))
    assert say.acts(process.ask(json.dumps(begins))) == []
    assert say.acts(process.ask(say.submitted(1.0, "w0!a", "w0!b"))) == [
        ("EXECUTE_JOB", {"job_id": "w0!a", "alloc": "0"}),
        ("REJECT_JOB", {"job_id": "w0!b"}),
        ("CALL_ME_LATER", {"timestamp": 2.5}),
        ("SET_RESOURCE_STATE", {"resources": "1", "state": "1"}),
        ("QUERY", {"requests": {"consumed_energy": {}}}),
    ]
    changed = ("RESOURCE_STATE_CHANGED", {"resources": "1", "state": "1"})
    assert say.acts(process.ask(say.message(1.0, changed, ("ANSWER", {"consumed_energy": 3.0})))) == []
    call = say.message(2.5, ("REQUESTED_CALL", {}))
    assert say.acts(process.ask(call)) == [("KILL_JOB", {"job_ids": ["w0!a"]})]
    done = {"job_id": "w0!a", "job_state": "COMPLETED_KILLED", "return_code": -1, "alloc": "0"}
    killed = {"job_ids": ["w0!a"], "job_progress": {"w0!a": {"profile_name": "d", "progress": 0.1}}}
    assert say.acts(process.ask(say.message(3.0, ("JOB_COMPLETED", done), ("JOB_KILLED", killed)))) == []
    notices = [
        ("NOTIFY", {"type": "event_machine_unavailable", "resources": "0"}),
        ("NOTIFY", {"type": "event_machine_available", "resources": "0"}),
        ("NOTIFY", {"type": "no_more_external_event_to_occur"}),
        ("NOTIFY", {"type": "no_more_static_job_to_submit"}),
    ]
    assert say.acts(process.ask(say.message(4.0, *notices))) == []
    assert say.acts(process.ask(say.message(4.0, ("SIMULATION_ENDS", {})))) == []
    ended = process.end()
    assert (ended.code, ended.err) == (0, "")


def last_line(text: str) -> str:
    return text.strip().split("\n")[-1]


def test_batsim_goes_away_with_jobs_that_nobody_started(
    say: SimpleNamespace, scheduler: Start, words: Any, lazy: dict[str, Any]
) -> None:
    work = say.workload([{"id": str(k), "subtime": k, "res": 1, "run": 4} for k in range(3)])
    process = scheduler(*words("wattq", lazy))
    assert converse(say.machine(2), [work], process.ask).deadlock
    process.hang_up()
    ended = process.end()
    assert ended.code == 1
    assert last_line(ended.err).endswith(
        "error: Batsim went away at 2.0 s, before the end of the simulation; "
        "3 jobs neither started nor rejected (w0!0, w0!1, w0!2)"
    )
    assert "Traceback" not in ended.err


def test_the_simulation_ends_with_jobs_left_over(
    say: SimpleNamespace, scheduler: Start, words: Any, lazy: dict[str, Any]
) -> None:
    process = scheduler(*words("wattq", lazy))
    process.ask(say.begins())
    process.ask(say.submitted(1.0, "w0!a"))
    assert json.loads(process.ask(say.message(5.0, ("SIMULATION_ENDS", {})))) == {"now": 5.0, "events": []}
    ended = process.end()
    assert ended.code == 1
    assert last_line(ended.err).endswith(
        "error: the simulation ended at 5.0 s with jobs left over: 1 job neither started nor rejected (w0!a)"
    )


def test_batsim_falls_silent(say: SimpleNamespace, scheduler: Start, words: Any) -> None:
    process = scheduler(*words("easy", {"silence_limit_s": 0.2}))
    process.ask(say.begins())
    process.ask(say.submitted(1.0, "w0!a"))
    ended = process.end()
    assert ended.code == 1
    assert last_line(ended.err).endswith(
        "error: Batsim has been silent for 0.2 s of real time since the reply at 1.0 s; if it needs longer for one "
        "step, raise the option 'silence_limit_s'; 1 job still running (w0!a)"
    )


def test_a_pause_within_the_limit_is_no_silence(say: SimpleNamespace, scheduler: Start, pybatsim: Words) -> None:
    process = scheduler(*pybatsim, "wattq-easy", "-t", "20")
    process.ask(say.begins())
    time.sleep(1.2)
    assert say.acts(process.ask(say.submitted(1.0, "w0!a"))) == [("EXECUTE_JOB", {"job_id": "w0!a", "alloc": "0"})]
    process.ask(say.completed(3.0, "w0!a"))
    process.ask(say.message(4.0, ("SIMULATION_ENDS", {})))
    assert process.end().code == 0


def test_batsim_that_goes_away_is_noticed_without_a_time_out(
    say: SimpleNamespace, scheduler: Start, pybatsim: Words
) -> None:
    process = scheduler(*pybatsim, "wattq-easy", "-t", "-1")
    process.ask(say.begins())
    process.hang_up()
    ended = process.end()
    assert ended.code == 1
    assert ended.err == "wattq: error: Batsim went away at 0.0 s, before the end of the simulation\n"


def test_a_message_that_breaks_the_protocol(say: SimpleNamespace, scheduler: Start, words: Any) -> None:
    process = scheduler(*words("easy"))
    process.ask(say.begins())
    process.say("{")
    ended = process.end()
    assert ended.code == 2
    assert "error: Batsim's message is not JSON" in last_line(ended.err)
    assert "Traceback" not in ended.err


def test_a_policy_that_fails(say: SimpleNamespace, scheduler: Start, words: Any, tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("class Broken:\n    def decide(self, view, actions):\n        view.queue[0]\n")
    process = scheduler(*words("wattq", {"policy": f"{path}:Broken"}))
    process.say(say.begins())
    ended = process.end()
    assert ended.code == 2
    assert f"error: policy {path}:Broken: it raised IndexError at 0.0 s" in last_line(ended.err)
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("policy", "options", "words_of_error"),
    [
        ("wattq-easy", '{"oder": "sjf"}', "key 'oder': unknown; did you mean order?"),
        ("wattq-easy", '{"order": "up"}', "parameter 'order': 'up' is not valid"),
        ("wattq", '{"policy": "nowhere.py:Mine"}', "policy file 'nowhere.py' does not exist"),
        ("wattq", "[]", "the scheduler's options (-o): [] is not an object"),
    ],
)
def test_bad_options_end_before_batsim_is_awaited(
    scheduler: Start, pybatsim: Words, policy: str, options: str, words_of_error: str
) -> None:
    ended = scheduler(*pybatsim, policy, "-o", options).end()
    assert ended.code == 2
    assert ended.err.startswith("wattq: error: ")
    assert words_of_error in ended.err
    assert ended.err.count("\n") == 1


def test_bad_options_in_sched_config(say: SimpleNamespace, scheduler: Start, pybatsim: Words) -> None:
    process = scheduler(*pybatsim, "wattq-easy")
    process.say(say.begins(**{"sched-config": '{"params": {"order": "up"}}'}))
    ended = process.end()
    assert ended.code == 2
    assert "parameter 'order': 'up' is not valid" in last_line(ended.err)


def test_the_port_is_in_use(scheduler: Start, words: Any) -> None:
    with zmq.Context() as context, context.socket(zmq.REP) as taken:
        port = taken.bind_to_random_port("tcp://127.0.0.1")
        ended = scheduler(*words("fcfs"), endpoint=f"tcp://127.0.0.1:{port}").end()
    assert ended.code in (1, 2)
    assert "free the port, or name another one by -s" in last_line(ended.err)
    assert "Traceback" not in ended.err


def test_two_names_of_one_policy(scheduler: Start, direct: Words) -> None:
    ended = scheduler(*direct, "--policy", "easy", "-o", '{"policy": "fcfs"}').end()
    assert ended.code == 2
    assert "--policy easy, but the options name 'fcfs'; leave one out" in ended.err


def test_an_options_file_that_is_not_there(scheduler: Start, direct: Words) -> None:
    ended = scheduler(*direct, "--policy", "easy", "-o", "@nowhere.json").end()
    assert ended.code == 2
    assert "options file 'nowhere.json': cannot be read" in ended.err


def test_interrupted(say: SimpleNamespace, scheduler: Start, words: Any) -> None:
    process = scheduler(*words("easy"))
    process.ask(say.begins())
    process._process.send_signal(signal.SIGINT)
    ended = process.end()
    assert ended.code == 130
    assert ended.err in ("wattq: interrupted\n", "wattq-scheduler: interrupted\n")


def test_what_is_said_at_the_end(say: SimpleNamespace, scheduler: Start, direct: Words) -> None:
    process = scheduler(*direct, "--policy", "easy")
    for text in (say.begins(), say.submitted(1.0, "w0!a", "w0!b", res=3), say.message(2.0, ("SIMULATION_ENDS", {}))):
        process.ask(text)
    ended = process.end()
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("wattq-scheduler: jobs: 2 submitted, 0 ended, 2 rejected; 3 messages answered in ")
