"""Holding jobs of a Slurm that is not there: what is held until when, what is never touched, and what is written."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_slurm import FakeJob, FakeSlurm

from wattq.errors import SlurmError
from wattq.schedulers.slurm.hold_text import totals_text
from wattq.schedulers.slurm.holder import Holder, Look, hold_lock
from wattq.schedulers.slurm.outcomes import totals_by_user, totals_of
from wattq.schedulers.slurm.watching import watch

Make = Callable[..., Holder]
HOUR_S = 3600.0


@pytest.fixture
def slurm(start_s: float) -> FakeSlurm:
    """Four nodes, of which a job that did not agree to anything keeps one."""
    fake = FakeSlurm(4, start_s)
    fake.add(FakeJob(1, submit_s=start_s - 60, limit_min=1440, run_s=86000))
    fake.schedule()
    return fake


def kinds(look: Look) -> dict[str, str]:
    return {one.job.label: one.kind for one in look.decisions}


def why(look: Look, label: str) -> str:
    return next(one.why for one in look.decisions if one.job.label == label)


def test_a_job_that_agreed_waits_for_the_cheap_hours(slurm: FakeSlurm, holder: Make, start_s: float) -> None:
    job = slurm.add(FakeJob(7, comment="wattq:defer=18h"))
    look = holder(slurm).look(apply=True)
    # Ten hours from the start the price falls from 250 to 10.
    assert kinds(look) == {"7": "hold"}
    assert job.begin_s == start_s + 10 * HOUR_S
    slurm.advance(9.9 * HOUR_S)
    assert job.state == "PENDING"
    slurm.advance(0.2 * HOUR_S)
    assert job.state == "RUNNING"
    # 300 W more than idle for an hour, at 240 EUR/MWh less.
    assert look.decisions[0].shift is not None
    assert look.decisions[0].shift.cost == pytest.approx(0.3 * 0.24)


def test_a_dry_run_changes_nothing(slurm: FakeSlurm, holder: Make) -> None:
    job = slurm.add(FakeJob(7, comment="wattq:defer=18h"))
    made = holder(slurm)
    look = made.look(apply=False)
    assert kinds(look) == {"7": "hold"}
    assert look.done == 0
    assert job.begin_s is None
    assert not made.folder.exists()
    assert all(command[:2] != ("scontrol", "update") for command in slurm.commands)


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (FakeJob(7), "it did not agree to wait"),
        (FakeJob(7, comment="wattq:defer=18h", held=True), "held by its user or an administrator"),
        (FakeJob(7, comment="wattq:defer=18h", dependency="afterok:1(unfulfilled)"), "not eligible yet"),
        (FakeJob(7, comment="wattq:defer=18h", limit_min=None), "it has no time limit"),
        (FakeJob(7, comment="wattq:defer=18h", het=7), "part of a heterogeneous job"),
        (FakeJob(7, comment="wattq:defer=8h"), "no time up to its latest start is better enough than price 250"),
        (FakeJob(7, comment="wattq:defer=18h", nodes=9), "it is not part of the model"),
        (FakeJob(7, comment="wattq:defer=1h", submit_s=1_000_000_800.0 - 7200), "its latest start has come"),
    ],
)
def test_who_is_not_held(slurm: FakeSlurm, holder: Make, job: FakeJob, said: str) -> None:
    slurm.add(job)
    look = holder(slurm).look(apply=True)
    assert kinds(look) == {job.number and ("7+0" if job.het else "7"): "skip"}
    assert why(look, "7+0" if job.het else "7").startswith(said)
    assert job.begun == []


def test_a_begin_time_of_the_users_own_is_kept(slurm: FakeSlurm, holder: Make, start_s: float) -> None:
    job = slurm.add(FakeJob(7, comment="wattq:defer=18h", begin_s=start_s + 7200))
    late = slurm.add(FakeJob(8, comment="wattq:defer=18h", begin_s=start_s + 12 * HOUR_S))
    no = slurm.add(FakeJob(9, begin_s=start_s + 7200))
    made = holder(slurm)
    assert kinds(made.look(apply=True)) == {"7": "hold", "8": "skip", "9": "skip"}
    assert job.begin_s == start_s + 10 * HOUR_S
    assert made.log.read()[0]["numbers"]["could_start_s"] == start_s + 7200
    assert kinds(made.release_all("test")) == {"7": "release", "8": "skip", "9": "skip"}
    assert job.begin_s == start_s + 7200
    assert late.begun == no.begun == []


def test_a_qos_may_say_that_jobs_wait(slurm: FakeSlurm, holder: Make, start_s: float) -> None:
    job = slurm.add(FakeJob(7, qos="green"))
    holder(slurm, qos="green=18h").look(apply=True)
    assert job.begin_s == start_s + 10 * HOUR_S


def test_a_deadline_is_for_the_end(slurm: FakeSlurm, holder: Make) -> None:
    # 12:00 is 10 h after the start; the job may run for an hour.
    late = slurm.add(FakeJob(7, comment="wattq:deadline=2001-09-09T13:00:00+00:00"))
    early = slurm.add(FakeJob(8, comment="wattq:deadline=2001-09-09T12:59:00+00:00"))
    look = holder(slurm).look(apply=True)
    assert kinds(look) == {"7": "hold", "8": "skip"}
    assert late.begin_s is not None
    assert early.begin_s is None


def test_once_let_go_never_held_again(slurm: FakeSlurm, holder: Make, start_s: float) -> None:
    job = slurm.add(FakeJob(7, nodes=2, comment="wattq:defer=23h"))
    made = holder(slurm)
    made.look(apply=True)
    slurm.add(FakeJob(8, nodes=3, limit_min=1440, run_s=86000))
    slurm.advance(10.5 * HOUR_S)
    assert job.state == "PENDING"
    assert kinds(made.look(apply=True)) == {"7": "lapsed"}
    look = made.look(apply=True)
    assert why(look, "7") == "it was held before; who was let go is not held again"
    assert len(job.begun) == 1


def test_a_user_who_takes_the_consent_back_is_let_go(slurm: FakeSlurm, holder: Make) -> None:
    job = slurm.add(FakeJob(7, comment="wattq:defer=18h"))
    made = holder(slurm)
    made.look(apply=True)
    job.comment = ""
    assert kinds(made.look(apply=True)) == {"7": "release"}
    assert job.begin_s == slurm.now_s


def test_a_user_who_moves_the_begin_time_is_left_alone(slurm: FakeSlurm, holder: Make, start_s: float) -> None:
    job = slurm.add(FakeJob(7, comment="wattq:defer=18h"))
    made = holder(slurm)
    made.look(apply=True)
    job.begin_s = start_s + 5 * HOUR_S
    look = made.look(apply=True)
    assert kinds(look) == {"7": "skip"}
    assert job.begin_s == start_s + 5 * HOUR_S
    job.held = True
    assert why(made.look(apply=True), "7") == "held by its user or an administrator"
    assert kinds(made.release_all("test")) == {"7": "skip"}


def test_a_shorter_consent_moves_the_begin_time(slurm: FakeSlurm, holder: Make, start_s: float) -> None:
    job = slurm.add(FakeJob(7, comment="wattq:defer=18h"))
    made = holder(slurm)
    made.look(apply=True)
    job.comment = "wattq:defer=5h"
    assert kinds(made.look(apply=True)) == {"7": "release"}
    assert job.begin_s == slurm.now_s


def test_a_new_forecast_moves_the_begin_time(slurm: FakeSlurm, holder: Make, prices: Path, start_s: float) -> None:
    job = slurm.add(FakeJob(7, comment="wattq:defer=18h"))
    made = holder(slurm)
    made.look(apply=True)
    text = prices.read_text(encoding="utf-8").splitlines()
    text[6] = text[6].replace("250.0", "-50.0")  # the hour that begins two hours from the start
    prices.write_text("\n".join(text) + "\n", encoding="utf-8")
    slurm.now_s += 60
    look = made.look(apply=True)
    assert kinds(look) == {"7": "move"}
    assert job.begin_s == start_s + 2 * HOUR_S
    assert kinds(made.look(apply=True)) == {"7": "keep"}


def test_no_forecast_no_new_hold_and_the_old_ones_pass(
    slurm: FakeSlurm, holder: Make, prices: Path, start_s: float
) -> None:
    first = slurm.add(FakeJob(7, comment="wattq:defer=18h"))
    made = holder(slurm)
    made.look(apply=True)
    prices.unlink()
    slurm.add(FakeJob(8, comment="wattq:defer=18h"))
    look = made.look(apply=True)
    assert kinds(look) == {"7": "keep", "8": "skip"}
    assert len(look.problems) == 1
    assert first.begin_s == start_s + 10 * HOUR_S


def test_held_work_is_capped_and_those_that_save_most_come_first(slurm: FakeSlurm, holder: Make) -> None:
    small = slurm.add(FakeJob(7, comment="wattq:defer=18h", limit_min=60))
    large = slurm.add(FakeJob(8, nodes=2, comment="wattq:defer=18h", limit_min=120))
    # 24 + 1 + 4 node-hours are in the queue and on the machine; 4 of them may be held.
    look = holder(slurm, share=0.15).look(apply=True)
    assert kinds(look) == {"7": "skip", "8": "hold"}
    assert why(look, "7") == "held work would be more than 15% of all work"
    assert small.begin_s is None
    assert large.begin_s is not None


def test_an_empty_machine_needs_more_of_a_reason(start_s: float, holder: Make) -> None:
    slurm = FakeSlurm(4, start_s)
    job = slurm.add(FakeJob(7, comment="wattq:defer=18h"))
    look = holder(slurm, empty_gain=0.97).look(apply=True)
    assert why(look, "7") == "the machine would stand empty for less than 97%"
    assert job.begun == []
    other = slurm.add(FakeJob(8))
    assert kinds(holder(slurm, empty_gain=0.97).look(apply=True)) == {"7": "hold", "8": "skip"}
    assert other.begun == []


def test_a_queue_that_makes_a_job_wait_anyhow_is_no_hold(start_s: float, holder: Make) -> None:
    slurm = FakeSlurm(1, start_s)
    slurm.add(FakeJob(1, limit_min=660, run_s=660 * 60))
    slurm.schedule()
    slurm.add(FakeJob(7, comment="wattq:defer=18h"))
    look = holder(slurm).look(apply=True)
    # It cannot start before 11 h from now, when the price has fallen.
    assert kinds(look) == {"7": "skip"}
    assert why(look, "7") == "no time up to its latest start is better enough than price 10"


def test_the_waiting_tasks_of_an_array_are_held_as_one(slurm: FakeSlurm, holder: Make) -> None:
    job = slurm.add(FakeJob(7, comment="wattq:defer=18h", tasks="3-5%2"))
    look = holder(slurm).look(apply=True)
    assert kinds(look) == {"7_[3-5%2]": "hold"}
    assert slurm.commands[-1][:3] == ("scontrol", "update", "JobId=7_[3-5]")
    assert job.begin_s is not None
    assert look.decisions[0].load is not None
    assert look.decisions[0].load.area == 3 * 3600.0


def test_the_kill_switch(slurm: FakeSlurm, holder: Make) -> None:
    ours = slurm.add(FakeJob(7, comment="wattq:defer=18h"))
    users = slurm.add(FakeJob(8, begin_s=slurm.now_s + 7200))
    made = holder(slurm)
    made.look(apply=True)
    look = made.release_all("test")
    assert kinds(look) == {"7": "release", "8": "skip"}
    assert ours.begin_s == slurm.now_s
    assert users.begin_s == slurm.now_s + 7200
    slurm.add(FakeJob(9, comment="wattq:defer=18h"))
    again = made.look(apply=True)
    assert set(kinds(again).values()) == {"skip"}
    assert again.stopped == f"the kill switch {made.kill_file} is there"
    made.kill_file.unlink()
    assert kinds(made.look(apply=True))["9"] == "hold"


def test_a_kill_switch_pulled_in_the_middle_stops_the_rest(slurm: FakeSlurm, holder: Make) -> None:
    jobs = [slurm.add(FakeJob(number, comment="wattq:defer=18h")) for number in (7, 8, 9)]
    made = holder(slurm)

    def pull(words: tuple[str, ...]) -> None:
        if words[:2] == ("scontrol", "update"):
            made.kill_file.write_text("stop\n", encoding="utf-8")

    slurm.after = pull
    made.look(apply=True)
    assert sum(bool(job.begun) for job in jobs) == 1
    slurm.after = lambda words: None
    made.look(apply=True)
    assert all((job.begin_s or 0.0) <= slurm.now_s for job in jobs)


def test_what_slurm_refuses_is_told_and_changes_nothing_else(slurm: FakeSlurm, holder: Make) -> None:
    slurm.add(FakeJob(7, comment="wattq:defer=18h"))
    other = slurm.add(FakeJob(8, comment="wattq:defer=18h"))

    def refuse(words: tuple[str, ...]) -> None:
        if "JobId=7" in words:
            raise SlurmError("scontrol update JobId=7: exit code 1: Access/permission denied")

    slurm.before = refuse
    made = holder(slurm)
    look = made.look(apply=True)
    assert look.done == 1
    assert look.problems == ("scontrol update JobId=7: exit code 1: Access/permission denied",)
    assert other.begin_s is not None
    assert [event["event"] for event in made.log.read()] == ["intent", "failed", "intent", "held"]


def test_the_log_says_what_was_done_why_and_what_came_of_it(slurm: FakeSlurm, holder: Make, start_s: float) -> None:
    slurm.add(FakeJob(7, comment="wattq:defer=18h", run_s=1800))
    made = holder(slurm)
    made.look(apply=True)
    slurm.advance(10.2 * HOUR_S)
    made.look(apply=True)
    slurm.advance(HOUR_S)
    made.look(apply=True)
    events = made.log.read()
    assert [event["event"] for event in events] == ["intent", "held", "started", "outcome"]
    intent, held, started, outcome = events
    assert intent["until_s"] == start_s + 10 * HOUR_S
    assert intent["forecast"] | {"sha256": ""} == {
        "signal": "price", "file": "price.csv", "sha256": "", "model": "published",
        "issued": "2001-09-09T02:00:00Z", "unit": "EUR/MWh",
        "notes": ["it ends 2001-09-13T00:00:00Z; its last 24 h are repeated from there"],
    }  # fmt: skip
    assert intent["numbers"]["now_value"] == 250.0
    assert intent["numbers"]["then_value"] == 10.0
    assert intent["before"]["begin_s"] == start_s
    assert held["after"] == {"begin_s": start_s + 10 * HOUR_S}
    assert started["start_s"] == start_s + 10 * HOUR_S
    assert outcome["state"] == "COMPLETED"
    # It was let run for an hour, and ran for half of one: 150 W h at 240 EUR/MWh less.
    assert intent["expected"]["cost"] == pytest.approx(0.3 * 0.24)
    assert outcome["realised"]["cost"] == pytest.approx(0.15 * 0.24)
    totals = totals_of(events)
    assert (totals.held, totals.finished, totals.holding) == (1, 1, 0)
    assert totals.expected_cost == pytest.approx(0.072)
    assert totals.realised_cost == pytest.approx(0.036)
    assert totals.wait_s == 10 * HOUR_S
    assert totals_by_user(events) == {"ann": totals}
    lines = totals_text(totals, {"ann": totals}, made.currency).splitlines()
    assert lines[0].split("  ")[-2].strip() == "Realised EUR"
    assert lines[2].split() == ["ann", "1", "1", "0.000", "0.072", "0.000", "0.036", "10.00"]


def test_a_line_cut_short_spoils_no_other(slurm: FakeSlurm, holder: Make) -> None:
    slurm.add(FakeJob(7, comment="wattq:defer=18h"))
    made = holder(slurm)
    made.look(apply=True)
    with made.log.path.open("ab") as file:
        file.write(b'{"time_s": 5, "event": "int')
    assert kinds(made.look(apply=True)) == {"7": "keep"}
    made.release_all("test")
    assert [event["event"] for event in made.log.read()] == ["intent", "held", "released"]
    for line in made.log.path.read_text(encoding="utf-8").splitlines():
        if "int" not in line[-3:]:
            json.loads(line)


def test_without_a_log_nothing_is_held(slurm: FakeSlurm, holder: Make, tmp_path: Path) -> None:
    job = slurm.add(FakeJob(7, comment="wattq:defer=18h"))
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SlurmError, match=r"nothing is held without its log|cannot be read"):
        holder(slurm, folder=str(tmp_path / "file" / "hold")).look(apply=True)
    assert job.begun == []


def test_two_may_not_hold_by_one_log(tmp_path: Path) -> None:
    with (
        hold_lock(tmp_path / "a"),
        pytest.raises(SlurmError, match=rf"another `wattq slurm hold` runs \(process {os.getpid()}\)"),
        hold_lock(tmp_path / "a"),
    ):
        pass
    with hold_lock(tmp_path / "a"), hold_lock(tmp_path / "b"):
        pass


def test_watching_goes_on_after_an_error_and_ends_when_told(slurm: FakeSlurm, holder: Make) -> None:
    slurm.add(FakeJob(7, comment="wattq:defer=18h"))
    made, ending, looks, errors = holder(slurm), threading.Event(), [], []
    failures = iter([True, False])

    def fail(words: tuple[str, ...]) -> None:
        if words[0] == "sinfo" and next(failures, False):
            raise SlurmError("sinfo: no answer")

    def tell(look: Look) -> None:
        looks.append(look)
        ending.set()

    slurm.before = fail
    assert watch(made, True, 0.01, ending, tell, errors.append) == 2
    assert errors == ["sinfo: no answer"]
    assert kinds(looks[0]) == {"7": "hold"}
    assert [event["event"] for event in made.log.read()] == ["begin", "intent", "held", "end"]
