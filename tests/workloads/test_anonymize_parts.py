"""Pseudonyms, groups, rounding, lists of nodes, cells, the search: the parts of an anonymisation."""

from __future__ import annotations

import hashlib
import hmac
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import InvalidInputError, WorkloadError
from wattq.workloads.anonymize_cells import (
    clock_text,
    date_of,
    date_text,
    memory_of,
    safe_code,
    safe_state,
    safe_tres,
    span_of,
)
from wattq.workloads.anonymize_groups import group_rows
from wattq.workloads.anonymize_hash import KINDS, LEAST_NUMBER, Pseudonyms
from wattq.workloads.anonymize_nodes import MOST_NODES, expand_nodes, map_nodes
from wattq.workloads.anonymize_options import AnonymizeOptions
from wattq.workloads.anonymize_rounding import coarse_dates, coarse_sizes, coarse_spans
from wattq.workloads.anonymize_search import IdSearch, ids_named_in

SALT = b"0123456789abcdef-a secret"
IDS = st.text(min_size=1, max_size=20)
KIND = st.sampled_from(sorted(KINDS))
QUICK = settings(deadline=None, max_examples=60)


@QUICK
@given(kind=KIND, original=IDS, salt=st.binary(min_size=16, max_size=64))
def test_a_pseudonym_is_the_keyed_hash(kind: str, original: str, salt: bytes) -> None:
    made = Pseudonyms(salt).text(kind, original)
    message = kind.encode() + b"\0" + original.encode("utf-8", "surrogateescape")
    first = int.from_bytes(hmac.new(salt, message, hashlib.sha256).digest()[:8], "big")
    number = 10**14 + first % (9 * 10**14)
    a_number = original.isascii() and original.isdigit() and len(original) <= 18
    assert made == (str(number) if a_number else KINDS[kind] + str(number))
    assert LEAST_NUMBER <= number < 10**15
    assert made != original


@QUICK
@given(kind=KIND, ids=st.sets(IDS, min_size=2, max_size=30), other=st.binary(min_size=16, max_size=32))
def test_one_salt_one_pseudonym_another_salt_another(kind: str, ids: set[str], other: bytes) -> None:
    first, again = Pseudonyms(SALT), Pseudonyms(SALT)
    made = {original: first.text(kind, original) for original in sorted(ids)}
    assert made == {original: again.text(kind, original) for original in sorted(ids, reverse=True)}
    assert len(set(made.values())) == len(ids)
    if other != SALT:
        assert not set(made.values()) & {Pseudonyms(other).text(kind, original) for original in ids}


def test_kinds_do_not_share_pseudonyms_and_an_empty_id_stays() -> None:
    pseudonyms = Pseudonyms(SALT)
    assert len({pseudonyms.text(kind, "7") for kind in KINDS}) == len(KINDS)
    assert pseudonyms.text("user", "") == ""
    assert pseudonyms.originals() == [(kind, "7") for kind in KINDS]


def test_two_ids_with_one_pseudonym_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wattq.workloads.anonymize_hash.LEAST_NUMBER", 1)
    pseudonyms = Pseudonyms(SALT)
    with pytest.raises(WorkloadError, match=r"two ids of kind user got the same pseudonym Zu[1-9]; use another salt"):
        list(map(partial(pseudonyms.text, "user"), "abcdefghij"))


@QUICK
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.none() | st.integers(0, 6)), min_size=1, max_size=60
    ),
    k=st.integers(1, 6),
)
def test_groups_equal_a_brute_force_count(rows: list[tuple[int, int, int | None]], k: int) -> None:
    keys, people = [row[:2] for row in rows], [row[2] for row in rows]
    found = group_rows(keys, people, k)
    by_rows = set(people) == {None}
    expected = []
    for key in keys:
        alike = [person for other, person in zip(keys, people, strict=True) if other == key]
        expected.append((len(alike) if by_rows else len(set(alike))) < k)
    assert found.suppressed == expected
    assert found.counted == ("rows" if by_rows else "users")
    assert found.n_groups == len(set(keys))
    assert found.n_small == len({key for key, gone in zip(keys, expected, strict=True) if gone})


def test_rows_of_one_user_hide_nobody() -> None:
    assert group_rows(["a"] * 9, ["ann"] * 9, 2).suppressed == [True] * 9
    assert group_rows(["a"] * 2, ["ann", "bob"], 2).suppressed == [False] * 2


@pytest.mark.parametrize(
    ("span", "silver", "bronze"),
    [
        *((0, 0, 0), (-1, -1, -1), (1, 7, 60), (7, 7, 60), (61, 63, 120), (999, 1001, 1020), (1000, 1001, 1000)),
        *((1001, 1001, 1100), (9901, 9905, 10000), (10001, 10003, 11000), (123456, 123459, 130000)),
        (1e6, 1000006, 1e6),
    ],
)
def test_durations_round_up(span: float, silver: float, bronze: float) -> None:
    assert coarse_spans(np.array([span]), AnonymizeOptions(tier="gold")).tolist() == [span]
    assert coarse_spans(np.array([span]), AnonymizeOptions(aggregate_s=7)).tolist() == [silver]
    assert coarse_spans(np.array([span]), AnonymizeOptions(tier="bronze")).tolist() == [bronze]


_UNKNOWN_OR = st.none() | st.integers(0, 10**6)


@QUICK
@given(
    submit=_UNKNOWN_OR,
    wait=_UNKNOWN_OR,
    run=_UNKNOWN_OR,
    options=st.sampled_from([AnonymizeOptions(aggregate_s=step) for step in (1, 7, 60)])
    | st.just(AnonymizeOptions(tier="bronze")),
)
def test_coarse_dates_keep_order_and_what_is_unknown(
    submit: int | None, wait: int | None, run: int | None, options: AnonymizeOptions
) -> None:
    first = np.nan if submit is None else float(submit)
    start = first + (np.nan if wait is None else wait)
    end = start + (np.nan if run is None else run)
    dates = np.array([[first], [start], [end]])
    coarse = np.array(coarse_dates(dates[0], dates[1], dates[2], options))
    assert (np.isnan(coarse) == np.isnan(dates)).all()
    assert not (np.diff(coarse, axis=0) < 0).any()
    step = options.step_s
    if submit is not None:
        assert coarse[0, 0] == submit // step * step
    if not np.isnan(end) and run:
        assert coarse[2, 0] > coarse[1, 0]
    if options.tier == "silver":
        assert not (np.abs(coarse - dates) > step).any()


@QUICK
@given(size=st.integers(2, 2**40))
def test_sizes_of_bronze_are_the_next_power_of_two(size: int) -> None:
    bronze = AnonymizeOptions(tier="bronze")
    power = 1 << (size - 1).bit_length()
    assert coarse_sizes(np.array([float(size)]), bronze).tolist() == [power]
    assert coarse_sizes(np.array([float(size)]), bronze, most=size).tolist() == [size]
    assert coarse_sizes(np.array([float(size)]), AnonymizeOptions()).tolist() == [size]
    assert coarse_sizes(np.array([-1.0, 0.0, 1.0]), bronze).tolist() == [-1, 0, 1]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("n1", ["n1"]),
        ("b[002-003,7],n001", ["b002", "b003", "b7", "n001"]),
        ("r[1-2]n[09-10]x", ["r1n09x", "r1n10x", "r2n09x", "r2n10x"]),
        (f"n[1-{MOST_NODES}]", [f"n{number}" for number in range(1, MOST_NODES + 1)]),
    ],
)
def test_lists_of_nodes(text: str, names: list[str]) -> None:
    assert expand_nodes(text) == names
    assert map_nodes(text, lambda name: name[::-1]) == ",".join(sorted(name[::-1] for name in names))


@pytest.mark.parametrize(
    "text", ["n[3-1]", "n[]", "n[a]", "a b", "n[1", "n[0-99999999]", "n[0-99999999999]", "[0-999][0-999]", "a,,b", ""]
)
def test_what_is_no_list_of_nodes_is_one_name(text: str) -> None:
    assert expand_nodes(text) is None
    assert map_nodes(text, str.upper) == text.upper()


def test_cells() -> None:
    assert date_of("2021-12-10T14:23:28") == 1639146208 == date_of("2021-12-10 14:23:28Z")
    assert (date_of("12.5"), date_of("Unknown"), date_of("2021-13-01"), date_of("2021-02-01")) == (
        12.5,
        None,
        None,
        1612137600,
    )
    assert date_text(1639146180, "2021-12-10 14:23:28+01:00") == "2021-12-10 14:23:00+01:00"
    assert date_text(60, "99") == "60"
    assert date_text(1e15, "2021-12-10T14:23:28") == ""
    assert [span_of(cell) for cell in ("1-02:03:04", "02:03:04", "03:04.5", "77", "x")] == [
        93784,
        7384,
        184.5,
        77,
        None,
    ]
    assert [clock_text(93840, cell) for cell in ("1-02:03:04", "5")] == ["1-02:04:00", "93840"]
    assert clock_text(60, "00:00:01") == "00:01:00"
    assert (memory_of("500Gn"), memory_of("0"), memory_of("x")) == ((500, "Gn"), (0, ""), None)
    assert [safe_state(cell) for cell in ("CANCELLED by 1001", "CANCELLED+", "COMPLETED", "5", "by ann")] == [
        *("CANCELLED", "CANCELLED", "COMPLETED", "5", None)
    ]
    assert (safe_code("0:15"), safe_code("ann")) == ("0:15", None)
    assert safe_tres("cpu=4,license/ann=1,mem=2G,gres/gpu:ann=2,gres/gpu=2,node=ann") == "cpu=4,mem=2G,gres/gpu=2"


def test_the_search_finds_ids_as_words() -> None:
    search = IdSearch(["ann", "/home/bob", "j-doe", "1001", "17", "State", "--"], harmless=["State"])
    for text in ("for ann.", "in /home/bob/x", "(j-doe)", "uid=1001"):
        assert search.find(text)
    for text in ("anna", "hannah", "/home/bobby", "j-does", "10012", "17", "State", "--"):
        assert search.find(text) is None
    assert search.find("uid=1001", numbers=False) is None
    assert ids_named_in("user=21 and User 4, project #7, job=3", {"21", "7", "3"}) == ["21", "7"]


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"k": 0}, r"--k 0: a group has from 1 to 1000000 users; 5 is usual"),
        ({"tier": "lead"}, r"--tier 'lead': no such tier; the tiers are gold, silver, bronze"),
        ({"aggregate_s": 61}, r"--aggregate-s 61: the step is 1 to 60 s"),
        ({"aggregate_s": 0}, r"--aggregate-s 0: the step is 1 to 60 s"),
        ({"tier": "gold", "aggregate_s": 5}, r"--aggregate-s 5: tier gold has every second; leave it out, or choose"),
        ({"tier": "bronze", "aggregate_s": 5}, r"--aggregate-s 5: tier bronze has steps of 3600 s; leave it out"),
    ],
)
def test_choices_outside_their_range(choices: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        AnonymizeOptions(**choices)
