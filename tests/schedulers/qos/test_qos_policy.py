"""Classes of service on worlds small enough to plan by hand, and their rules on random ones."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import WattqError
from wattq.platforms import make_platform
from wattq.schedulers import check_policy, make_policy
from wattq.schedulers.plugin import Bridge, Options
from wattq.schedulers.qos import Qos, QosTable, read_table
from wattq.simulator import Run, simulate
from wattq.simulator.conversation import converse
from wattq.workloads.batsim_json import parse_batsim_json
from wattq.workloads.model import Workload

SHIPPED = (
    "normal high low debug energy_efficient cpu_intensive memory_intensive io_intensive gpu long interactive benchmark "
    "energy_research preemptible emergency"
)
NORMAL, EMERGENCY = 0, 1

# Job: submit date, hosts, run time, queue, user; its walltime is its run time.
Row = tuple[float, int, float, int, int]


def work(rows: list[Row]) -> Workload:
    jobs = [
        {"id": str(k), "subtime": s, "res": h, "walltime": run + 0.5, "profile": f"d{run}", "queue": q, "user": u}
        for k, (s, h, run, q, u) in enumerate(rows)
    ]
    profiles = {f"d{row[2]}": {"type": "delay", "delay": row[2]} for row in rows}
    return parse_batsim_json(
        json.dumps({"nb_res": 4, "jobs": jobs, "profiles": profiles}).encode(), "w0.json", name="w0"
    )


def outcome(run: Run) -> dict[int, tuple[str, float | None, float | None]]:
    """Return final state, start and end of each job."""
    rows = csv.DictReader(io.StringIO(run.files()["jobs.csv"]))
    return {
        int(row["job_id"]): (
            row["final_state"].removeprefix("COMPLETED_"),
            *(float(row[key]) if row[key] else None for key in ("starting_time", "finish_time")),
        )
        for row in rows
    }


def table(**classes: dict[str, Any]) -> QosTable:
    names = list(classes)
    return QosTable.model_validate(
        {"classes": classes, "default": names[0], "queues": {str(k): name for k, name in enumerate(names)}}
    )


def play(rows: list[Row], classes: QosTable, n_hosts: int = 4, within: str = "usage") -> dict[int, Any]:
    return outcome(simulate(make_platform(n_hosts), [work(rows)], Qos(classes, within, 604800.0)))


def test_emergency_preempts_normal() -> None:
    # All four hosts run normal jobs; the emergency needs two. Of the jobs that started last, one suffices.
    rows: list[Row] = [(0, 1, 100, NORMAL, 1), (1, 1, 100, NORMAL, 2), (2, 2, 100, NORMAL, 3), (10, 2, 5, EMERGENCY, 4)]
    params = {"queues": "0:normal,1:emergency"}
    got = outcome(simulate(make_platform(4), [work(rows)], make_policy("qos", params)))
    assert got[2] == ("KILLED", 2.0, 10.0)
    assert got[3] == ("SUCCESSFULLY", 10.0, 15.0)
    assert [got[k][0] for k in (0, 1)] == ["SUCCESSFULLY"] * 2
    # Where the emergency may not preempt, it waits for the first end.
    mild = table(normal={"Priority": 1}, emergency={"Priority": 9})
    assert play(rows, mild)[3] == ("SUCCESSFULLY", 101.0, 106.0)


def test_nobody_is_killed_in_vain() -> None:
    classes = table(normal={"Priority": 5}, emergency={"Priority": 9, "Preempt": ["low"]}, low={"Priority": 1})
    # Three hosts are needed; killing the low job gives two, and normal jobs are not to be killed.
    rows: list[Row] = [(0, 2, 50, 2, 1), (1, 2, 100, 0, 2), (10, 3, 5, 1, 3)]
    assert play(rows, classes)[0] == ("SUCCESSFULLY", 0.0, 50.0)
    # The job of the lowest class dies, though the other started later; what is not needed is spared.
    both = table(normal={"Priority": 5}, emergency={"Priority": 9, "Preempt": ["low", "normal"]}, low={"Priority": 1})
    got = play([(0, 1, 50, 2, 1), (1, 1, 60, 2, 1), (2, 2, 70, 0, 2), (10, 3, 5, 1, 3)], both)
    assert [got[k][0] for k in range(4)] == ["SUCCESSFULLY", "KILLED", "KILLED", "SUCCESSFULLY"]
    assert got[3][1] == 10.0


@pytest.mark.parametrize(
    ("limit", "starts"),
    [
        # Six one-host jobs of 10 s by turns of users 1 and 2 on four hosts.
        ({}, [0, 0, 0, 0, 10, 10]),
        ({"MaxJobsPerUser": 1}, [0, 0, 10, 10, 20, 20]),
        ({"MaxTRESPerUser": "node=1"}, [0, 0, 10, 10, 20, 20]),
        ({"GrpJobs": 3}, [0, 0, 0, 10, 10, 10]),
        ({"GrpTRES": "node=2"}, [0, 0, 10, 10, 20, 20]),
        ({"MaxSubmitJobsPerUser": 2}, [0, 0, 0, 0, None, None]),
        ({"GrpSubmitJobs": 5}, [0, 0, 0, 0, 10, None]),
        ({"MaxWall": "00:00:10"}, [None] * 6),
        ({"MaxWall": "00:00:11"}, [0, 0, 0, 0, 10, 10]),
        ({"MinTRESPerJob": "node=2"}, [None] * 6),
        # A minute of one host: each job is charged 10 s and sets 10.5 s aside; the last one would make it 60.5 s.
        ({"GrpTRESMins": "node=1"}, [0, 0, 0, 0, 10, None]),
        ({"GrpTRESMins": "node=1", "UsageFactor": 3}, [0, None, None, None, None, None]),
    ],
)
def test_limits(limit: dict[str, Any], starts: list[float | None]) -> None:
    rows: list[Row] = [(0, 1, 10, 0, 1 + k % 2) for k in range(6)]
    got = play(rows, table(normal={"Priority": 1, **limit}), within="fcfs")
    assert [got[k][1] for k in range(6)] == starts


def test_a_job_held_back_keeps_nobody_else() -> None:
    classes = table(normal={"Priority": 1}, high={"Priority": 9, "MaxJobsPerUser": 1})
    # Job 1 has the higher class, but its user runs one job of it; job 2 passes.
    got = play([(0, 1, 10, 1, 1), (1, 1, 10, 1, 1), (2, 1, 10, 0, 1)], classes)
    assert [got[k][1] for k in range(3)] == [0, 10, 2]


def test_priority_then_usage_then_submission() -> None:
    classes = table(normal={"Priority": 1}, high={"Priority": 9, "UsageFactor": 0.5})
    # One host. User 1 used 10 s when the queue is sorted at 10, user 2 nothing; the high job of user 1 is first.
    rows: list[Row] = [(0, 1, 10, 0, 1), (1, 1, 10, 0, 1), (2, 1, 10, 0, 2), (3, 1, 10, 1, 1)]
    got = play(rows, classes, 1)
    assert [got[k][1] for k in range(4)] == [0, 30, 20, 10]
    assert [play(rows, classes, 1, "fcfs")[k][1] for k in range(4)] == [0, 20, 30, 10]


def test_the_factor_weighs_usage() -> None:
    # Users 1 and 2 both used 10 host-seconds, of which a cheap class charged user 1 but 1.
    classes = table(normal={"Priority": 1}, cheap={"Priority": 1, "UsageFactor": 0.1})
    rows: list[Row] = [(0, 1, 10, 1, 1), (0, 1, 10, 0, 2), (1, 2, 10, 0, 3), (2, 2, 10, 0, 2), (3, 2, 10, 0, 1)]
    assert [play(rows, classes, 2)[k][1] for k in range(5)] == [0, 0, 10, 30, 20]


def test_lower_classes_are_backfilled_behind_the_head() -> None:
    classes = table(normal={"Priority": 1}, high={"Priority": 9})
    # The high job needs the machine at 10; a normal job that ends by then goes first, one that does not waits.
    got = play([(0, 3, 10, 0, 1), (1, 4, 5, 1, 2), (2, 1, 20, 0, 3), (3, 1, 4, 0, 4)], classes)
    assert [got[k][1] for k in range(4)] == [0, 10, 15, 3]


def test_without_classes_it_is_easy(shared_dir: Path) -> None:
    from wattq.platforms import load_platform
    from wattq.workloads import read_workload

    golden = shared_dir / "golden" / "policies" / "workloads" / "kth3k-delay.json.xz"
    machine, jobs = load_platform("kth-sp2"), read_workload(golden)
    ours = simulate(machine, [jobs], make_policy("qos", {"within": "fcfs"}))
    assert ours.files()["jobs.csv"] == simulate(machine, [jobs], make_policy("easy")).files()["jobs.csv"]


FULL = {
    "normal": {"Priority": 5, "GrpTRES": "node=3"},
    "emergency": {"Priority": 9, "Preempt": ["normal", "spare"], "GrpJobs": 2},
    "spare": {"Priority": 1, "MaxJobsPerUser": 2, "MaxTRESPerUser": "node=3", "UsageFactor": 0.25},
    "short": {"Priority": 5, "MaxWall": "00:00:09", "MaxSubmitJobsPerUser": 3, "GrpTRESMins": "node=2"},
}


class Watched(Qos):
    """The policy with a look at every round."""

    n_killed = 0

    def decide(self, view: Any, actions: Any) -> None:
        before = set(view.running.tolist())
        queue = view.queue.tolist()
        super().decide(view, actions)
        self.look(view, before, queue)

    def look(self, view: Any, before: set[int], queue: list[int]) -> None:
        def name(job: int) -> str:
            return list(FULL)[int(view.jobs[job]["queue"])]

        running = view.running.tolist()
        jobs, hosts = Counter(map(name, running)), Counter()
        for job in running:
            hosts[name(job)] += view.hosts_of(job)
        users = Counter((name(job), int(view.jobs[job]["user"])) for job in running)
        user_hosts: Counter[tuple[str, int]] = Counter()
        for job in running:
            user_hosts[name(job), int(view.jobs[job]["user"])] += view.hosts_of(job)
        assert hosts["normal"] <= 3
        assert jobs["emergency"] <= 2
        assert all(n <= 2 for (qos, _), n in users.items() if qos == "spare")
        assert all(n <= 3 for (qos, _), n in user_hosts.items() if qos == "spare")
        assert all(view.walltime_of(job) <= 9 for job in running if name(job) == "short")
        started = set(running) - before
        left = [job for job in view.queue.tolist() if not self._book.holds_back(self._find(job))]
        head = min(left, key=lambda job: self._rank(self._find(job)), default=None)
        if head is not None:
            # The first job that no limit holds back does not fit, so that nobody passed it who took its place.
            assert view.hosts_of(head) > view.n_free
        dying = [job for job in self._running.values() if job.dying]
        assert all(job.name in ("normal", "spare") for job in dying)
        assert not started & {job.number for job in dying}

    def _find(self, number: int) -> Any:
        return next(job for job in self._waiting if job.number == number)


def random_rows() -> st.SearchStrategy[list[Row]]:
    row = st.tuples(
        st.sampled_from([0, 0, 1, 3, 3.5, 7]),
        st.integers(1, 5),
        st.sampled_from([2, 4, 8, 20]),
        st.integers(0, 3),
        st.integers(-1, 2).map(lambda user: max(user, 0)),
    )
    return st.lists(row, min_size=1, max_size=25)


@settings(deadline=None, max_examples=60)
@given(rows=random_rows(), within=st.sampled_from(["usage", "fcfs"]))
def test_limits_hold_at_any_time_and_the_first_job_is_not_passed(rows: list[Row], within: str) -> None:
    classes = table(**FULL)
    run = simulate(make_platform(4), [work(rows)], Watched(classes, within, 10.0))
    got = outcome(run)
    assert len(got) == len(rows)  # every job ends: nothing waits for ever
    for number, (state, _, _) in got.items():
        assert state != "KILLED" or list(FULL)[rows[number][3]] in ("normal", "spare")
        assert state in ("SUCCESSFULLY", "KILLED", "REJECTED")
    used = sum(
        (end - start) * rows[k][1] for k, (_, start, end) in got.items() if rows[k][3] == 3 and start is not None
    )
    assert used <= 120
    bridge = Bridge(Options("qos"), policy=Qos(classes, within, 10.0), capacity=1)
    told = converse(make_platform(4), [work(rows)], bridge.reply)
    assert told.files()["jobs.csv"] == run.files()["jobs.csv"]


def test_it_keeps_the_contract_of_policies(tmp_path: Path) -> None:
    path = tmp_path / "classes.yaml"
    path.write_text(json.dumps({"classes": FULL, "rules": [{"class": "emergency", "hosts_max": 1}]}))
    check_policy("qos", {"classes": str(path)})


def test_shipped_classes() -> None:
    shipped = read_table(None)
    assert " ".join(shipped.classes) == SHIPPED
    assert shipped.default == "normal"
    assert shipped.classes["emergency"].priority == max(one.priority for one in shipped.classes.values())
    assert "normal" in shipped.classes["emergency"].preempt
    assert shipped.classes["high"].max_wall_s == 2 * 86400
    assert shipped.classes["debug"].max_wall_s == 1800


def test_the_class_of_a_job(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "default: low\nqueues: {4: gpu}\nrules:\n- {class: debug, hosts_max: 2, walltime_max_s: 600}\n"
        "- {class: high, user: [7, 9]}\n"
    )
    mine = read_table(path)
    assert len(mine.classes) == 15
    assert mine.class_of(hosts=2, walltime_s=600, user=7, group=-1, queue=4) == "debug"
    assert mine.class_of(hosts=3, walltime_s=600, user=7, group=-1, queue=4) == "high"
    assert mine.class_of(hosts=2, walltime_s=float("inf"), user=8, group=-1, queue=4) == "gpu"
    assert mine.class_of(hosts=3, walltime_s=600, user=8, group=-1, queue=5) == "low"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("classes:\n  a: {Prioritty: 1}\ndefault: a\n", ["line 2", "classes.a.Prioritty", "did you mean 'Priority'"]),
        ("classes:\n  a: {PreemptMode: requeue}\n", ["line 2", "requeue is not done", "take cancel"]),
        ("classes:\n  a: {PreemptMode: suspend}\n", ["line 2", "'suspend'", "the one mode is cancel"]),
        ("classes:\n  a: {MaxTRESPerUser: cpu=4}\n", ["line 2", "'cpu=4'", "node=N"]),
        ("classes:\n  a: {MaxWall: soon}\n", ["line 2", "'soon'", "no time limit"]),
        ("classes:\n  a: {MaxJobsPerUser: 0}\n", ["line 2", "MaxJobsPerUser", "greater than or equal to 1"]),
        ("default: urgent\n", ["default names the class 'urgent'", "emergency"]),
        ("queues: {x: low}\n", ["line 1", "queues", "'x' is no queue number"]),
        ("rules: [{class: low}]\n", ["line 1", "a rule says which jobs"]),
        (
            "default: a\nclasses:\n  a: {Priority: 5, Preempt: [b]}\n  b: {Priority: 5}\n",
            ["'a' preempts 'b'", "not lower"],
        ),
        ("- 1\n", ["a table of QoS classes is a mapping"]),
    ],
)
def test_what_is_wrong_in_a_table_is_said(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(WattqError) as caught:
        make_policy("qos", {"classes": str(path)})
    assert all(word in str(caught.value) for word in [str(path), *words]), str(caught.value)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"classes": "nowhere.yaml"}, ["nowhere.yaml", "cannot be read"]),
        ({"queues": "1:urgent"}, ["'queues'", "'urgent'", "emergency"]),
        ({"queues": "one:high"}, ["'queues'", "pairs of queue number"]),
        ({"within": "size"}, ["'within'", "usage or fcfs"]),
        ({"clases": "x"}, ["unknown parameter 'clases'", "'classes'"]),
    ],
)
def test_bad_parameters(params: dict[str, object], words: list[str]) -> None:
    with pytest.raises(WattqError) as caught:
        make_policy("qos", params)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_half_lives_long_past() -> None:
    policy = make_policy("qos", {"half_life": 1.0})
    rows: list[Row] = [(float(400 * k), 1, 300.0, 0, k % 2) for k in range(10)]
    assert len(outcome(simulate(make_platform(1), [work(rows)], policy))) == 10
