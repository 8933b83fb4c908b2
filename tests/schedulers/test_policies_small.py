"""Each policy on a world small enough to plan by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wattq.schedulers import POLICIES, make_policy, policy_spec

# The others switch hosts, which takes energy and hosts that can sleep: tests/schedulers/test_energy_bf.py.
PLAIN = [name for name in POLICIES if not (policy_spec(name)[1].needs_energy or policy_spec(name)[1].needs)]

INF = math.inf

# Three hosts. Job 0 holds two of them until 10, job 1 needs all three, jobs 2 to 4 want the hole.
#                  submit hosts run walltime
HOLE = [(0, 2, 10, 10), (1, 3, 5, 5), (2, 1, 8, 8), (3, 1, 4, 4), (4, 1, 20, 20)]

# The same with job 2 one second longer: when job 0 ends, job 2 still runs, and who does not wait for job 1 passes it.
STARVED = [*HOLE[:2], (2, 1, 9, 9), *HOLE[3:]]

# Four hosts: job 0 holds three until 10; job 1 needs three, so that one host is left over at 10.
EXTRA = [(0, 3, 10, 10), (1, 3, 5, 5), (2, 1, 50, 50), (3, 1, 2, 2)]


@pytest.mark.parametrize(
    ("policy", "world", "n_hosts", "starts"),
    [
        ("fcfs", HOLE, 3, [0, 10, 15, 15, 15]),
        ("filler", STARVED, 3, [0, 30, 2, 10, 10]),
        ("easy", STARVED, 3, [0, 10, 15, 3, 15]),
        # Job 2 ends at 10 and may go first; then jobs 3 and 4 would outlast job 0's end.
        ("easy", HOLE, 3, [0, 10, 2, 15, 15]),
        ("easy-bf", HOLE, 3, [0, 10, 2, 15, 15]),
        ("easy-bf-fast", HOLE, 3, [0, 10, 2, 15, 15]),
        ("conservative", HOLE, 3, [0, 10, 2, 15, 15]),
        # The extra node: job 2 outlasts the reservation on a host that job 1 leaves over.
        ("easy", EXTRA, 4, [0, 10, 2, 15]),
        ("easy-bf", EXTRA, 4, [0, 10, 2, 15]),
        ("conservative", EXTRA, 4, [0, 10, 2, 15]),
        # Without the rule it waits for the priority job, and job 3 gets the host.
        ("easy-bf-fast", EXTRA, 4, [0, 10, 10, 3]),
        ("fcfs", EXTRA, 4, [0, 10, 10, 15]),
    ],
)
def test_start_dates(machine, job_type, policy, world, n_hosts, starts) -> None:
    out = machine(make_policy(policy), [job_type(*row) for row in world], n_hosts).play()
    assert out.start_s == starts


# One host; the queue builds up behind job 0. Areas: 8, 3, 6, 5; hosts 1 or 2.
QUEUE = [(0, 2, 10, 10), (1, 1, 8, 8), (2, 1, 3, 3), (3, 2, 3, 3), (4, 1, 5, 5)]


@pytest.mark.parametrize(
    ("policy", "first_to_last"),
    [
        ("fcfs", [1, 2, 3, 4]),
        ("lcfs", [4, 3, 2, 1]),
        ("sjf", [2, 3, 4, 1]),
        ("ljf", [1, 4, 2, 3]),
        ("smallest", [1, 2, 4, 3]),
        ("largest", [3, 1, 2, 4]),
        ("saf", [2, 4, 3, 1]),
        ("laf", [1, 3, 4, 2]),
    ],
)
def test_queue_orders(machine, job_type, policy, first_to_last) -> None:
    rows = [(s, 2 if k == 0 else 1, run, wall) for k, (s, _, run, wall) in enumerate(QUEUE)]
    jobs = [job_type(s, 2, run, wall) for s, _, run, wall in rows]
    player = machine(make_policy(policy), jobs, 2)
    # Sizes matter to the order only, so that one job runs at a time.
    player.v.jobs["hosts"] = [2, 1, 1, 2, 1]
    player.jobs = [job_type(s, h, run, wall) for (s, _, run, wall), h in zip(rows, [2, 1, 1, 2, 1], strict=True)]
    out = player.play()
    order = sorted(range(1, 5), key=lambda k: (out.start_s[k], first_to_last.index(k)))
    assert order == first_to_last


def test_orders_that_change_with_the_date(machine, job_type) -> None:
    # At 100, job 1 waited 99 s for 100 s, job 2 waited 50 s for 10 s: the expansion factors are 1.99 and 6.
    world = [(0, 1, 100, 100), (1, 1, 100, 100), (50, 1, 10, 10)]
    out = machine(make_policy("lxf"), [job_type(*row) for row in world], 1).play()
    assert out.start_s == [0, 110, 100]
    out = machine(make_policy("fcfs"), [job_type(*row) for row in world], 1).play()
    assert out.start_s == [0, 100, 200]


def test_backfill_order(machine, job_type) -> None:
    # One free host until 20. Jobs 2 and 3 both fit the hole, but not one after the other.
    world = [(0, 1, 20, 20), (0, 1, 4, 4), (1, 2, 5, 5), (2, 1, 15, 15), (3, 1, 9, 9)]
    jobs = [job_type(*row) for row in world]
    assert machine(make_policy("easy"), jobs, 2).play().start_s == [0, 0, 20, 4, 25]
    assert machine(make_policy("easy-sjbf"), jobs, 2).play().start_s == [0, 0, 20, 25, 4]
    assert machine(make_policy("easy", {"backfill": "sjf"}), jobs, 2).play().start_s == [0, 0, 20, 25, 4]
    assert machine(make_policy("easy", {"backfill": "ljf"}), jobs, 2).play().start_s == [0, 0, 20, 4, 25]


def test_reservations_follow_early_ends_in_easy_only(machine, job_type) -> None:
    # Job 0 was to end at 100 and job 1 at 20; the priority job's start was computed as 100. Job 0 ends at 10, so
    # textbook EASY knows from then on that job 2 starts at 20 and keeps job 3 back; the fast variant lets it pass.
    world = [(0, 1, 10, 100), (0, 1, 20, 20), (1, 2, 5, 5), (11, 1, 50, 50)]
    jobs = [job_type(*row) for row in world]
    assert machine(make_policy("easy"), jobs, 2).play().start_s == [0, 0, 20, 25]
    assert machine(make_policy("easy-bf-fast"), jobs, 2).play().start_s == [0, 0, 61, 11]


def test_conservative_protects_all_jobs_easy_only_the_first(machine, job_type) -> None:
    # Job 1 heads the queue, job 2 is next and would run at 20 after it. Job 3 fits beside job 1, but not job 2.
    world = [(0, 2, 10, 10), (1, 2, 10, 10), (2, 3, 5, 5), (3, 1, 30, 30)]
    jobs = [job_type(*row) for row in world]
    assert machine(make_policy("easy"), jobs, 3).play().start_s == [0, 10, 33, 3]
    assert machine(make_policy("conservative"), jobs, 3).play().start_s == [0, 10, 20, 25]


def test_rjms_delay_lengthens_the_plan(machine, job_type) -> None:
    # Jobs 1 and 2 run one after the other beside job 4, which asks for 24 s. They take 20 s in the plan, or 30 s when
    # each job is planned 5 s longer, job 4 then for 29 s.
    world = [(0, 3, 10, 10), (1, 2, 10, 10), (2, 2, 10, 10), (3, 3, 10, 10), (4, 1, 24, 24)]
    jobs = [job_type(*row) for row in world]
    assert machine(make_policy("conservative"), jobs, 3).play().start_s == [0, 10, 20, 30, 40]
    assert machine(make_policy("conservative-bf"), jobs, 3).play().start_s == [0, 10, 20, 34, 10]
    assert machine(make_policy("conservative-bf", {"rjms_delay": 0}), jobs, 3).play().start_s == [0, 10, 20, 30, 40]


@pytest.mark.parametrize("policy", sorted(PLAIN))
def test_jobs_larger_than_the_machine_are_rejected(machine, job_type, policy) -> None:
    jobs = [job_type(0, 3, 5, 5), job_type(0, 2, 5, 5), job_type(1, 0, 5, 5)]
    out = machine(make_policy(policy), jobs, 2).play()
    assert out.rejected == [0, 2]
    assert out.start_s[1] == 0


@pytest.mark.parametrize("policy", ["easy-bf", "conservative", "conservative-bf"])
def test_planning_policies_reject_jobs_without_walltime(machine, job_type, policy) -> None:
    out = machine(make_policy(policy), [job_type(0, 1, 5, INF), job_type(0, 1, 5, 5)], 2).play()
    assert out.rejected == [0]
    assert out.start_s[1] == 0


def test_easy_counts_jobs_without_walltime_as_endless(machine, job_type) -> None:
    # Job 0 never ends as far as EASY knows. Job 1 needs both hosts; job 2 ends in time, job 3 may be endless.
    world = [(0, 1, 10, INF), (1, 2, 5, 5), (2, 1, 3, 3), (3, 1, 4, INF)]
    out = machine(make_policy("easy"), [job_type(*row) for row in world], 2).play()
    assert out.start_s == [0, 10, 2, 15]


@pytest.mark.parametrize("policy", ["easy", "easy-bf", "conservative", "easy-bf-fast", "filler"])
def test_jobs_that_outlive_their_expected_end(machine, job_type, policy) -> None:
    # Job 0 is late (a prediction was wrong, say); every job runs in the end, and no host is used twice.
    world = [(0, 2, 30, 10), (1, 2, 10, 10), (5, 1, 5, 5), (12, 1, 3, 3), (20, 1, 100, 90), (25, 3, 5, 5)]
    out = machine(make_policy(policy), [job_type(*row) for row in world], 3).play()
    assert not np.isnan(out.start_s).any()


@pytest.mark.parametrize("policy", sorted(PLAIN))
def test_lowest_free_hosts_are_taken(machine, job_type, policy) -> None:
    world = [(0, 2, 10, 10), (1, 1, 4, 4), (2, 2, 10, 10), (6, 2, 3, 3)]
    out = machine(make_policy(policy), [job_type(*row) for row in world], 6).play()
    assert out.hosts == [[0, 1], [2], [3, 4], [2, 5]]
