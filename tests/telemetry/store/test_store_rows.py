"""What rows may hold."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import TelemetryError
from wattq.telemetry.store import TABLES, Store
from wattq.telemetry.store.rows import check_rows, merge_rows

KEY = {"time": 1e9, "job_id": "1"}


def problem(row: dict[str, Any], table: str = "job_metrics") -> str:
    with pytest.raises(TelemetryError) as error:
        check_rows(table, [row])
    return str(error.value)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"time": 1e9}, "row 1: column job_id is missing; it is in the key"),
        ({"job_id": "1", "time": None}, "column time is missing"),
        ({**KEY, "job_sate": "X"}, "no column 'job_sate'; did you mean 'job_state'?"),
        ({**KEY, "zzzzzz": "X"}, "no column 'zzzzzz'; one of time, job_id"),
        ({**KEY, 7: "X"}, "no column '7'"),
        ({**KEY, "estimated_energy_wh": 1.0}, "is computed by the database as energy_j / 3600.0; write what it is"),
        ({**KEY, "energy_j": "12"}, "column energy_j: '12'; must be a number"),
        ({**KEY, "energy_j": True}, "column energy_j: 'True'; must be a number"),
        ({**KEY, "energy_j": float("nan")}, "column energy_j: 'nan'; must be finite; leave out what is not known"),
        ({**KEY, "energy_j": float("inf")}, "must be finite"),
        ({**KEY, "energy_source": "guessed"}, "'guessed'; must be one of measured, modelled, synthetic"),
        ({**KEY, "cpu_cores": 1.5}, "column cpu_cores: '1.5'; must be a whole number"),
        ({**KEY, "cpu_cores": 2**63}, "must fit 64 bits"),
        ({**KEY, "cpu_cores": float("inf")}, "must be a whole number"),
        ({**KEY, "thermal_throttling": "yes"}, "must be true or false"),
        ({**KEY, "job_name": b"x"}, "must be text"),
        ({**KEY, "job_name": "a\0b"}, "must not hold the character 0"),
        ({**KEY, "job_name": "\ud800"}, "must be valid Unicode"),
        ({**KEY, "job_name": "x" * 65_537}, "must be at most 65536 characters"),
        ({**KEY, "time": -1.0}, "must be Unix seconds (UTC), from 0 to the year 9999"),
        ({**KEY, "time": 1e13}, "must be Unix seconds (UTC), from 0 to the year 9999"),
        ({**KEY, "time": "2026-11-21"}, "must be a number"),
        ({**KEY, "time": datetime(2026, 11, 21)}, "a datetime must have a time zone; or give Unix seconds"),
        ({**KEY, "submit_time": float("-inf")}, "must be finite"),
    ],
)
def test_wrong_rows(row: dict[str, Any], words: str) -> None:
    assert words in problem(row)


def test_wrong_tables(sqlite_store: Store) -> None:
    for name, words in (
        ("job_metric", "did you mean 'job_metrics'?"),
        ("current_jobs", "written to"),
        ("", "one of job_"),
    ):
        with pytest.raises(TelemetryError, match="no table of this name is written to") as error:
            sqlite_store.write(name, [])
        assert words in str(error.value)


def test_wrong_readings(sqlite_store: Store) -> None:
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("job_metric", {}, "no table, roll-up or view 'job_metric'; did you mean 'job_metrics'?"),
        ("spool_positions", {}, "no table, roll-up or view"),
        ("job_metrics", {"where": {"job_ib": 1}}, "no column 'job_ib'; did you mean 'job_id'?"),
        ("job_metrics", {"limit": -1}, "limit -1; must be 0 or more"),
        ("job_metrics", {"where": {"job_id": ["1"] * 1001}}, "1001 values, at most 1000"),
        ("node_efficiency_ranking", {"since_s": 0.0}, "has no date to choose a period by"),
        ("workload_patterns", {"until_s": 0.0}, "has no date to choose a period by"),
    ]
    for name, options, words in cases:
        with pytest.raises(TelemetryError) as error:
            sqlite_store.read(name, **options)
        assert words in str(error.value)


def test_numbers_of_numpy() -> None:
    row = {**KEY, "energy_j": np.float32(1.5), "cpu_cores": np.int64(4), "thermal_throttling": np.bool_(True)}
    (clean,) = check_rows("job_metrics", [row])
    assert clean == {**KEY, "energy_j": 1.5, "cpu_cores": 4, "thermal_throttling": True}
    assert [type(clean[name]) for name in ("energy_j", "cpu_cores", "thermal_throttling")] == [float, int, bool]


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.binary(max_size=5), st.datetimes(),
    st.lists(st.integers(), max_size=2), st.sampled_from(["measured", "cooling", "high", 1e9]),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_rows_are_taken_or_refused_in_words(data: st.DataObject) -> None:
    """Whatever a row holds, it is refused with TelemetryError, or the database takes it."""
    name = data.draw(st.sampled_from(sorted(TABLES)))
    columns = st.sampled_from([*TABLES[name].names, "unknown"])
    row = data.draw(st.dictionaries(columns, VALUES, max_size=6))
    try:
        (clean,) = check_rows(name, [row])
    except TelemetryError:
        return
    assert check_rows(name, [clean]) == [clean]
    assert merge_rows(TABLES[name], [clean, clean]) == [clean]


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 3), st.dictionaries(st.sampled_from(["user_id", "qos"]), st.text("ab", max_size=1)))
    )
)
def test_writing_is_a_fold(rows: list[tuple[int, dict[str, str]]], tmp_path_factory: pytest.TempPathFactory) -> None:
    """However rows are split over writes, the store ends as if they came one by one."""
    from wattq.telemetry.store import open_store

    given_rows = [{"time": 1e9 + number, "job_id": "1", **columns} for number, columns in rows]
    with open_store(str(tmp_path_factory.mktemp("fold") / "store.db")) as store:
        store.write("job_metrics", given_rows[: len(rows) // 2])
        store.write("job_metrics", given_rows[len(rows) // 2 :])
        found = {row["time"]: (row["user_id"], row["qos"]) for row in store.read("job_metrics")}
    expected: dict[float, dict[str, str]] = {}
    for row in given_rows:
        expected.setdefault(row["time"], {}).update({k: v for k, v in row.items() if k in ("user_id", "qos")})
    assert found == {date: (row.get("user_id"), row.get("qos")) for date, row in expected.items()}
