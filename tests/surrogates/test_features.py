"""Features by hand: small pasts whose values can be told without a computer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wattq.errors import SurrogateError
from wattq.surrogates.features import FEATURES, GROUPS, Feature, FeatureTable, build_features, feature_columns
from wattq.surrogates.history.events import note_ended, note_started, note_submitted, note_withdrawn
from wattq.surrogates.history.layout import grown, new_history
from wattq.surrogates.jobs import Jobs, Outcomes, read_jobs

NAN = float("nan")
Row = tuple[float, float, float]  # submit, start, run


def table(rows: list[Row], **given: object) -> FeatureTable:
    """Return the features of jobs of one user that ask for one host and an hour, unless given otherwise."""
    n = len(rows)
    submit, start, run = (np.array(values, dtype=np.float64) for values in zip(*rows, strict=True))
    columns: dict[str, object] = {"hosts": 1, "request_s": 3600.0, "user": 3, "group": -1, "queue": -1}
    columns |= {"application": -1} | {key: value for key, value in given.items() if not key.endswith("_start_s")}
    arrays = {
        key: np.broadcast_to(np.asarray(value, dtype=np.float64 if key == "request_s" else np.int64), n).copy()
        for key, value in columns.items()
        if key != "utc_offset_s"
    }
    jobs = Jobs(submit, **arrays)
    zone = {key: given[key] for key in ("unix_start_s", "utc_offset_s") if key in given}
    return build_features(replace(jobs, **zone), Outcomes(start, run))


def last(found: FeatureTable, *names: str) -> dict[str, float]:
    return {name: round(float(found.column(name)[-1]), 4) for name in names}


def check(found: FeatureTable, expected: Mapping[str, float]) -> None:
    got = last(found, *expected)
    wrong = {name: (got[name], value) for name, value in expected.items() if not same(got[name], value)}
    assert wrong == {}


def same(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-4)


def test_every_feature_has_name_group_unit_and_words() -> None:
    names = [feature.name for feature in FEATURES]
    assert len(set(names)) == len(names)
    assert {feature.group for feature in FEATURES} == set(GROUPS)
    assert {feature.unit for feature in FEATURES} == {"s", "1", "h", "s*host"}
    assert all(feature.name.endswith("_s") == (feature.unit == "s") for feature in FEATURES)
    assert all(feature.doc for feature in FEATURES)


def test_first_job_knows_its_request_alone() -> None:
    found = table([(10.0, 10.0, 5.0)], hosts=4, queue=2, application=9)
    check(found, {"request_s": 3600, "hosts": 4, "request_work": 14400, "queue": 2, "application_known": 1})
    check(found, {"user_submitted": 0, "user_ended": 0, "user_last1_s": NAN, "since_submit_s": NAN})
    check(found, {"similar_value_s": NAN, "similar_weight": 0, "late_weight": 0, "pair_submitted": 0})
    check(found, {"queued": 0, "running": 0, "work_left": 0, "since_any_submit_s": NAN, "previous_state": NAN})


def test_unknown_request_queue_and_application() -> None:
    found = table([(10.0, 10.0, 5.0)], request_s=NAN)
    check(found, {"request_s": NAN, "request_work": NAN, "queue": NAN, "application_known": 0})


def test_hour_and_weekday_are_those_of_the_site() -> None:
    # 1996-09-23 12:00:31 UTC, a Monday, two hours earlier than the clock in Stockholm.
    found = table([(3569.0, 3569.0, 5.0)], unix_start_s=843480031.0, utc_offset_s=7200.0)
    check(found, {"hour": 15.0, "weekday": 0, "weekend": 0, "hour_sin": math.sin(math.radians(225.0))})
    check(found, {"hour_cos": math.cos(math.radians(225.0))})
    night = table([(0.0, 0.0, 5.0)], unix_start_s=843480031.0 + 5 * 86400 + 36000.0 - 31.0, utc_offset_s=7200.0)
    check(night, {"hour": 0.0, "weekday": 6, "weekend": 1})


def test_without_a_date_the_log_begins_on_a_monday_at_midnight() -> None:
    check(table([(6.25 * 86400, 6.25 * 86400, 1.0)]), {"hour": 6.0, "weekday": 6, "weekend": 1})


def test_last_runs_of_the_user() -> None:
    rows = [(0.0, 0.0, 100.0), (1.0, 1.0, 200.0), (2.0, 2.0, 400.0), (1000.0, 1000.0, 1.0)]
    found = table(rows)
    check(found, {"user_submitted": 3, "user_ended": 3, "user_last1_s": 400, "user_last2_s": 200, "user_last3_s": 100})
    check(found, {"user_last2_mean_s": 300, "user_last3_mean_s": 700 / 3, "user_geometric_s": 200})
    w = np.array([1.0, 0.93, 0.93**2])
    check(found, {"user_mean_s": float(w @ [400, 200, 100] / w.sum()), "user_ratio1": 400 / 3600})
    logs = np.log([400.0, 200.0, 100.0])
    mean = float(w @ logs / w.sum())
    check(found, {"user_log_std": math.sqrt(float(w @ logs**2 / w.sum()) - mean**2)})
    check(found, {"user_q10_s": 100, "user_q50_s": 200, "user_q90_s": 400})
    check(found, {"user_ratio_mean": float(w @ [400, 200, 100] / w.sum()) / 3600, "user_full_share": 0})
    check(found, {"user_short_share": 0.93**2 / float(w.sum()), "since_submit_s": 998, "since_end_s": 598})


def test_one_run_is_its_own_mean() -> None:
    found = table([(0.0, 0.0, 3500.0), (9000.0, 9000.0, 1.0)])
    check(found, {"user_last2_mean_s": 3500, "user_last3_mean_s": 3500, "user_last2_s": NAN, "user_log_std": NAN})
    check(found, {"user_full_share": 1, "user_short_share": 0, "similar_value_s": 3500, "similar_agreement": 1})


def test_an_end_is_known_to_later_dates_only() -> None:
    assert table([(0.0, 0.0, 100.0), (100.0, 100.0, 1.0)]).column("user_ended").tolist() == [0.0, 0.0]
    assert table([(0.0, 0.0, 100.0), (100.5, 101.0, 1.0)]).column("user_ended").tolist() == [0.0, 1.0]


def test_a_start_is_known_to_later_dates_only() -> None:
    found = table([(0.0, 50.0, 100.0), (50.0, 60.0, 1.0), (51.0, 60.0, 1.0)])
    assert found.column("user_queued").tolist() == [0.0, 1.0, 1.0]
    assert found.column("user_running").tolist() == [0.0, 0.0, 1.0]


def test_runs_with_the_same_request_hosts_and_application() -> None:
    rows = [(0.0, 0.0, 100.0), (1.0, 1.0, 200.0), (2.0, 2.0, 400.0), (3.0, 3.0, 800.0), (5000.0, 5000.0, 1.0)]
    found = table(rows, hosts=[1, 2, 1, 2, 1], request_s=[60, 60, 90, 90, 60], application=[5, 6, 5, -1, 6])
    check(found, {"same_request_s": 200, "same_request_n": 2, "same_request_mean_s": 150, "same_hosts_s": 400})
    check(found, {"same_application_s": 200, "same_application_n": 1, "same_job_s": NAN})
    check(found, {"previous_same_request": 0, "previous_same_hosts": 0, "previous_state": 2})
    nameless = table(rows, hosts=[1, 2, 1, 2, 1], request_s=[60, 60, 90, 90, 60])
    check(nameless, {"same_job_s": 100, "same_application_n": 0, "application_submitted": NAN})


def test_present_jobs_of_the_user() -> None:
    rows = [(0.0, 10.0, 500.0), (1.0, 60.0, 500.0), (2.0, 30.0, 500.0), (3.0, 400.0, 9.0), (100.0, 200.0, 1.0)]
    found = table(rows, request_s=[3600, 3600, 60, 3600, 3600], hosts=[1, 2, 4, 8, 1], user=[3, 3, 3, 3, 3])
    check(found, {"user_queued": 1, "user_queued_hosts": 8, "user_running": 3, "user_running_hosts": 7})
    check(found, {"running_longest_s": 90, "running_shortest_s": 40, "running_mean_s": 200 / 3})
    check(found, {"running_same": 2, "running_same_longest_s": 90, "running_same_shortest_s": 40})
    check(found, {"running_alike_longest_s": 90, "previous_state": 0, "previous_same_request": 1})


def test_others_and_the_machine() -> None:
    rows = [(0.0, 0.0, 100.0), (1.0, 1.0, 400.0), (2.0, 2.0, 1e5), (3.0, 1e4, 1e5), (1002.0, 1e4, 1.0)]
    found = table(rows, user=[1, 2, 3, 4, 5], group=[7, 7, 8, 8, 7], application=[4, 5, 4, 4, 4], hosts=[1, 1, 2, 5, 1])
    check(found, {"user_submitted": 0, "group_submitted": 2, "group_ended": 2, "group_last_s": 400})
    check(found, {"group_typical_s": 200, "group_ratio": 250 / 3600, "application_last_s": 100})
    check(found, {"application_submitted": 3, "application_ended": 1, "pair_submitted": 2, "pair_typical_s": 200})
    check(found, {"queued": 1, "queued_hosts": 5, "queued_work": 18000, "running": 1, "running_hosts": 2})
    check(found, {"work_left": 2 * (3600 - 1000), "since_any_submit_s": 999})


def test_value_that_agrees_best_with_alike_runs() -> None:
    # Of 10, 100 and 110, 100 and 110 agree; with another requested time runs weigh next to nothing.
    rows = [(0.0, 0.0, 10.0), (1.0, 1.0, 110.0), (2.0, 2.0, 100.0), (3.0, 3.0, 5000.0), (9000.0, 9000.0, 1.0)]
    found = table(rows, request_s=[60, 60, 60, 1e6, 60])
    value = last(found, "similar_value_s")["similar_value_s"]
    assert value in (100.0, 110.0)
    check(found, {"similar_q10_s": 10, "similar_q90_s": 110})
    assert 0.6 < last(found, "similar_agreement")["similar_agreement"] < 0.8
    assert last(found, "late_value_s")["late_value_s"] in (100.0, 110.0)


def test_best_value_is_that_of_a_search_over_all() -> None:
    from wattq.surrogates.history import recent as r
    from wattq.surrogates.history.layout import RECENT
    from wattq.surrogates.history.similar import describe_similar

    draw = np.random.default_rng(3)
    h = new_history(1)
    for n in (1, 2, 7, RECENT):
        h.scratch[:, :n] = draw.random((len(h.scratch), n))
        h.scratch[r.RUN, :n] = runs = draw.integers(1, 5000, n).astype(np.float64)
        h.order[:n] = np.argsort(runs)
        row = np.full(len(FEATURES), np.nan, dtype=np.float32)
        describe_similar(h, n, 2000.0, row, 0)
        w = h.scratch[r.WEIGHT, :n]
        agreement = [(w @ (np.minimum(v, runs) / np.maximum(v, runs))) / w.sum() for v in runs]
        assert row[0] == np.float32(runs[int(np.argmax(agreement))])
        assert row[1] == pytest.approx(max(agreement), rel=1e-5)
        assert row[7] == pytest.approx(w.sum(), rel=1e-5)


def test_jobs_that_never_run_leave_the_queue() -> None:
    check(table([(0.0, NAN, NAN), (5.0, 5.0, 1.0)]), {"queued": 0, "user_queued": 0, "user_submitted": 1})
    check(table([(0.0, 3.0, NAN), (5.0, 5.0, 1.0)]), {"queued": 0, "running": 0, "previous_state": 2})


def test_jobs_of_unknown_users_count_as_those_of_one() -> None:
    check(table([(0.0, 0.0, 7.0), (9.0, 9.0, 1.0)], user=-1), {"user_ended": 1, "user_last1_s": 7})
    check(table([(0.0, 0.0, 7.0), (9.0, 9.0, 1.0)], user=[2**63 - 1, -1]), {"user_ended": 0})


def test_events_that_do_not_follow_each_other_change_nothing() -> None:
    h = new_history(2)
    note_started(h, 0, 1.0)
    note_ended(h, 0, 1.0, 1.0)
    note_withdrawn(h, 0)
    assert (int(h.machine["running"][0]), int(h.users["ended"][0])) == (0, 0)
    note_submitted(h, 0, 1.0)
    note_submitted(h, 0, 2.0)
    assert int(h.machine["queued"][0]) == 1
    note_withdrawn(h, 0)
    note_started(h, 0, 3.0)
    assert (int(h.machine["queued"][0]), int(h.machine["running"][0])) == (0, 0)


def test_growth_keeps_what_is_there_and_copies_only_what_is_short() -> None:
    h = new_history(2, 1)
    h.jobs["hosts"][:2] = (4, 5)
    longer = grown(h, jobs=3, users=1)
    assert (len(longer.jobs), longer.jobs["hosts"].tolist()[:2]) == (4, [4, 5])
    assert longer.users is h.users
    assert (longer.jobs["next"][3], np.isnan(longer.jobs["run_s"][3])) == (-1, True)


def test_columns_are_found_by_name() -> None:
    assert feature_columns(["hosts", "request_s"]).tolist() == [1, 0]
    found = table([(0.0, 0.0, 1.0)])
    assert found.columns(["hosts", "request_s"]).tolist() == [[1.0, 3600.0]]
    assert found.take(slice(0, 0)).n_jobs == 0
    with pytest.raises(SurrogateError, match="feature 'request': there is none of this name; did you mean"):
        feature_columns(["request"])
    with pytest.raises(SurrogateError, match="'wattq surrogate features' lists them"):
        found.columns(["zzzzz"])


def test_outcomes_must_fit_the_jobs() -> None:
    jobs = table([(0.0, 0.0, 1.0), (1.0, 1.0, 1.0)]).jobs
    one = np.array([1.0])
    with pytest.raises(SurrogateError, match="1 outcomes for 2 jobs"):
        build_features(jobs, Outcomes(one, one))
    two = np.array([1.0, 2.0])
    with pytest.raises(SurrogateError, match="row 1: run time -2 s"):
        build_features(jobs, Outcomes(two, np.array([1.0, -2.0])))


def test_groups_are_closed() -> None:
    with pytest.raises(SurrogateError, match="group 'other': it must be one of request, time"):
        Feature("x", "1", "other", "")


def agreement(value_s: np.ndarray, jobs: Jobs, run_s: np.ndarray) -> float:
    """Return the mean of min over max after the first 2,000 jobs, values capped at the request, which stands in."""
    fallback = np.where(np.isnan(jobs.request_s), 3600.0, jobs.request_s)
    value = np.maximum(np.fmin(np.where(np.isnan(value_s), fallback, value_s), jobs.request_s), 1.0)
    real = np.maximum(run_s, 1.0)
    return float((np.minimum(value, real) / np.maximum(value, real))[2000:].mean())


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("KTH-SP2-predictsim-filtered", {"user_last2_mean_s": 0.53, "similar_value_s": 0.61}),
        ("SDSC-SP2-1998-4.2-cln", {"user_last2_mean_s": 0.58, "similar_value_s": 0.64}),
        ("LLNL-Atlas-2006-2.1-cln", {"user_last2_mean_s": 0.51, "late_value_s": 0.57}),
    ],
)
def test_agreement_on_logs(shared_dir: Path, name: str, least: Mapping[str, float]) -> None:
    jobs, outcomes = read_jobs(shared_dir / "data/swf" / f"{name}.swf.gz")
    found = build_features(jobs, outcomes)
    got = {key: agreement(found.column(key), jobs, outcomes.run_s) for key in least}
    assert all(got[key] >= value for key, value in least.items()), got
