"""Words of Slurm: durations, dates, lists of nodes and tasks."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import SlurmError
from wattq.schedulers.slurm.queue_json import parse_queue_json
from wattq.schedulers.slurm.queue_text import parse_queue_text
from wattq.schedulers.slurm.reading import parse_nodes, parse_reservations
from wattq.schedulers.slurm.words import date_s, duration_s, expand_tasks, node_names


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 300.0),
        ("5:30", 330.0),
        ("1:00:00", 3600.0),
        ("1-02", 93600.0),
        ("1-02:30", 95400.0),
        ("1-02:03:04", 93784.0),
        ("UNLIMITED", math.inf),
        ("infinite", math.inf),
        ("0:00", 0.0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "a", "1:2:3:4", "-5", "1--2", "5m"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"^"):
        duration_s(text)


def test_dates_are_utc() -> None:
    assert date_s("2026-11-21T23:31:08") == 1795303868.0
    assert date_s("Unknown") is None
    assert date_s("N/A") is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("vm", ("vm",)),
        ("gone[01-02],vm", ("gone01", "gone02", "vm")),
        ("r[1-2]n[08-10]", ("r1n08", "r1n09", "r1n10", "r2n08", "r2n09", "r2n10")),
        ("a[1,3-4]b,c", ("a1b", "a3b", "a4b", "c")),
    ],
)
def test_lists_of_nodes(text: str, names: tuple[str, ...]) -> None:
    assert node_names(text) == names


@pytest.mark.parametrize("text", ["n[1-", "n]1[", "n[9-1]", "n[0-999999999]", "n[1-200][1-2000]", "n[a]"])
def test_what_is_no_list_of_nodes(text: str) -> None:
    with pytest.raises(ValueError, match=r"^"):
        node_names(text)


@pytest.mark.parametrize(
    ("text", "tasks"),
    [
        ("4-9", (4, 5, 6, 7, 8, 9)),
        ("[1,3,5-9:2%2]", (1, 3, 5, 7, 9)),
        ("5-9%2", (5, 6, 7, 8, 9)),
        ("N/A", ()),
        ("7", (7,)),
    ],
)
def test_tasks_of_arrays(text: str, tasks: tuple[int, ...]) -> None:
    assert expand_tasks(text) == tasks


@pytest.mark.parametrize("text", ["1-9999999999", "1-999999999", "a", "1-5:0"])
def test_what_is_no_list_of_tasks(text: str) -> None:
    with pytest.raises(ValueError, match=r"^"):
        expand_tasks(text)


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=200))
def test_any_text_is_an_answer_or_an_error(text: str) -> None:
    for parse in (parse_queue_json, parse_queue_text, parse_nodes, parse_reservations):
        try:
            parse(text)
        except SlurmError:
            continue


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_KEYS = ("job_id", "job_state", "submit_time", "time_limit", "array_task_string", "array_task_id", "shared", "nodes")


@settings(deadline=None, max_examples=150)
@given(st.lists(st.dictionaries(st.sampled_from(_KEYS), _ANY), max_size=3))
def test_any_json_is_an_answer_or_an_error(rows: list[dict[str, object]]) -> None:
    import json

    try:
        parse_queue_json(json.dumps({"jobs": rows}))
    except SlurmError:
        return
