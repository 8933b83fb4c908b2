from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from wattq.errors import InvalidInputError, SignalError
from wattq.experiments import WorkloadSpec, parse_experiment
from wattq.experiments.inputs import find_workload
from wattq.experiments.study.grids import Grid, place
from wattq.experiments.study.keys import WeeksSpec
from wattq.experiments.study.weeks import midnight_s, site_zone, week_part, weeks_of
from wattq.platforms.signals import Signal
from wattq.workloads import Workload, generate_saturated

HOURS_2021 = midnight_s(date(2021, 1, 1), ZoneInfo("UTC")) + 3600.0 * np.arange(365 * 24)
SIGNAL = Signal(HOURS_2021, HOURS_2021[-1] + 3600.0, 100.0 + np.arange(365 * 24) % 24, "carbon", "g/kWh")
STOCKHOLM = ZoneInfo("Europe/Stockholm")


@pytest.fixture(scope="module")
def log(study_base: Path) -> Workload:
    return find_workload(WorkloadSpec(source="log.swf"), 0, base=study_base)


def spec(**changes: object) -> WeeksSpec:
    return WeeksSpec.model_validate({"test": [0], "warmup_s": 0, "cooldown_s": 0, **changes})


def test_weeks_begin_on_mondays_of_the_site(log: Workload) -> None:
    weeks = weeks_of(log, STOCKHOLM)
    assert [week.number for week in weeks] == list(range(6))
    assert weeks[0].monday == date(1996, 10, 7)
    assert log.unix_start_s is not None
    for week in weeks:
        local = datetime.fromtimestamp(log.unix_start_s + week.begin_s, STOCKHOLM)
        assert (local.weekday(), local.hour, local.minute) == (0, 0, 0)
    # the clocks of Stockholm went back on 1996-10-27
    assert [week.length_s / 3600 for week in weeks] == [168, 168, 169, 168, 168, 168]
    assert [a.end_s for a in weeks[:-1]] == [b.begin_s for b in weeks[1:]]


def test_a_log_without_dates_has_weeks_from_date_zero() -> None:
    made = generate_saturated(3000, 2, 1)
    weeks = weeks_of(made, ZoneInfo("UTC"))
    assert weeks[0].begin_s == 0.0
    assert weeks[0].monday is None
    assert all(week.length_s == 7 * 86400 for week in weeks)


def test_jobs_of_the_week_are_those_submitted_in_it(log: Workload) -> None:
    weeks = weeks_of(log, STOCKHOLM)
    part = week_part(log, weeks, 2, spec(warmup_s=86400, cooldown_s=3600), "log")
    inside = (log.submit_s >= weeks[2].begin_s) & (log.submit_s < weeks[2].end_s)
    around = (log.submit_s >= weeks[2].begin_s - 86400) & (log.submit_s < weeks[2].end_s + 3600)
    assert int(part.of_week.sum()) == int(inside.sum()) > 0
    assert part.workload.n_jobs == int(around.sum()) > int(inside.sum())
    ids = np.array(part.workload.job_id)[part.of_week].tolist()
    assert ids == np.array(log.job_id)[inside].tolist()
    assert part.window_s == (86400.0, 86400.0 + 169 * 3600.0)
    assert part.end_s == part.window_s[1] + 3600.0
    # only profiles in use, and each job with its own
    assert len(part.workload.profiles) == len(set(part.workload.profile.tolist()))
    first = int(np.flatnonzero(around)[0])
    kept = part.workload.profiles[int(part.workload.profile[0])]
    assert kept == log.profiles[int(log.profile[first])]


@pytest.mark.parametrize(
    ("number", "changes", "words"),
    [
        (6, {}, "the log has 6 whole weeks; take numbers from 0 to 5"),
        (0, {"warmup_s": 604800}, "'warmup_s' is 604,800; take a later week or a shorter warm-up"),
        (5, {"cooldown_s": 604800}, "'cooldown_s' is 604,800; take an earlier week"),
    ],
)
def test_weeks_that_the_log_does_not_reach_over(
    log: Workload, number: int, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(InvalidInputError, match=words):
        week_part(log, weeks_of(log, STOCKHOLM), number, spec(**changes), "log")


def test_a_week_keeps_weekday_hour_and_season(log: Workload) -> None:
    grid = Grid("GB", SIGNAL, zone=ZoneInfo("Europe/London"))
    for number, week in enumerate(weeks_of(log, STOCKHOLM)):
        part = week_part(log, weeks_of(log, STOCKHOLM), number, spec(warmup_s=86400), "log")
        placed = place(part, grid, "season", 0.0, 0)
        begin = datetime.fromtimestamp(placed.origin_s + part.window_s[0], ZoneInfo("Europe/London"))
        assert (begin.weekday(), begin.hour, begin.minute, begin.year) == (0, 0, 0, 2021)
        assert placed.monday == begin.date()
        assert week.monday is not None
        assert placed.season_d == begin.timetuple().tm_yday - week.monday.timetuple().tm_yday
        assert abs(placed.season_d) <= 3.5


def test_a_week_near_the_end_of_the_series_moves_no_further_than_it_must(log: Workload) -> None:
    late = replace(log, unix_start_s=midnight_s(date(1996, 12, 16), STOCKHOLM))
    part = week_part(late, weeks_of(late, STOCKHOLM), 1, spec(), "log")
    assert part.week.monday == date(1996, 12, 23)
    placed = place(part, Grid("GB", SIGNAL), "season", 14 * 86400.0, 0)
    # 14 days of drain after the week, and the series ends with the year: either side of the new year is possible
    assert placed.monday == date(2021, 1, 4)
    assert placed.season_d == pytest.approx(365.25 - 358 + 4)


def test_recorded_dates_are_kept_or_refused(log: Workload) -> None:
    weeks = weeks_of(log, STOCKHOLM)
    part = week_part(log, weeks, 0, spec(), "log")
    with pytest.raises(SignalError, match="do not cover the log's week of 1996-10-07"):
        place(part, Grid("GB", SIGNAL), "recorded", 0.0, 0)
    moved = replace(log, unix_start_s=midnight_s(date(2021, 3, 3), STOCKHOLM))
    part = week_part(moved, weeks_of(moved, STOCKHOLM), 0, spec(), "log")
    assert place(part, Grid("GB", SIGNAL), "recorded", 0.0, 0).origin_s == part.workload.unix_start_s


def test_a_series_too_short_for_any_week(log: Workload) -> None:
    part = week_part(log, weeks_of(log, STOCKHOLM), 0, spec(), "log")
    begin = float(HOURS_2021[0])
    with pytest.raises(SignalError, match="no week with 0 days before its begin and 7 days after it"):
        place(part, Grid("GB", SIGNAL.slice(begin, begin + 6 * 86400)), "season", 0.0, 0)


def test_weeks_of_a_log_without_dates_follow_each_other() -> None:
    made = generate_saturated(3000, 2, 1)
    part = week_part(made, weeks_of(made, ZoneInfo("UTC")), 0, spec(), "made")
    days = [place(part, Grid("GB", SIGNAL), "season", 0.0, index).monday for index in range(3)]
    assert days == [date(2021, 1, 4) + timedelta(days=7 * index) for index in range(3)]


def test_an_unknown_zone_is_named(log: Workload) -> None:
    with pytest.raises(InvalidInputError, match="key 'time_zone': 'Europe/Atlantis' is no zone"):
        site_zone(log, WorkloadSpec(source="log.swf", time_zone="Europe/Atlantis"))


BASE = "name: s\nplatform: kth-sp2\nworkloads: [KTH-SP2]\npolicies: [easy]\n"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("weeks: {test: [1, 2], tuning: [2, 3]}\n", "week 2 is in 'test' and in 'tuning'"),
        ("weeks: {test: {first: 1, count: 3, step: 2}, tuning: {first: 5, count: 1}}\n", "week 5 is in 'test' and in"),
        ("weeks: {test: [1, 1]}\n", "'test' holds week 1 twice"),
        ("weeks: {test: []}\n", "'test' holds no week"),
        ("weeks: {test: [1]}\nwindows: [{first_job: 0, n_jobs: 5}]\n", "'windows' and 'weeks' exclude each other"),
        ("signals: {a: {carbon: a.csv}}\n", "'signals' need 'weeks'"),
        ("weeks: {test: [1]}\nsignals: {a: {carbon: a.csv}}\n", "'signals' and 'bounds' need 'energy: true'"),
        ("weeks: {test: [1]}\nenergy: true\nsignals: {a: {pue: 1.2}}\n", "give 'carbon', 'price' or both"),
        ("weeks: {test: [1]}\nenergy: true\nsignals: {a: {carbon: a.csv, pue: 0.9}}\n", "greater than or equal to 1"),
        ("bounds: true\n", "'bounds' need 'weeks'"),
        ("weeks: {test: [1]}\nseeds: [1, 2]\n", "a study takes one seed"),
        ("weeks: {test: [1], warm_up_s: 3}\n", "did you mean 'warmup_s'"),
    ],
)
def test_rules_of_the_keys(more: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        parse_experiment(BASE + more, "f.yaml")


def test_every_workload_of_a_study_has_weeks() -> None:
    two = BASE.replace("[KTH-SP2]", "[KTH-SP2, {source: a.swf, weeks: {test: [1]}}]")
    with pytest.raises(InvalidInputError, match="workload 'KTH-SP2' has no 'weeks'"):
        parse_experiment(two, "f.yaml")


def test_walltimes_are_multiplied_and_counted(study_base: Path, log: Workload) -> None:
    longer = find_workload(WorkloadSpec(source="log.swf", walltime_factor=1.25), 0, base=study_base)
    assert np.array_equal(longer.walltime_s, log.walltime_s * 1.25)
    assert longer.report.repaired["walltime times 1.25"] == log.n_jobs
    assert np.array_equal(longer.submit_s, log.submit_s)
