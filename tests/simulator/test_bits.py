"""Sets of hosts in words of bits, against Python's sets."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from wattq.simulator.bits import count_bits, first_bit, lowest_runs, run_length, set_run

N_WORDS = 3
HOSTS = st.sets(st.integers(0, 64 * N_WORDS - 1))
WORDS = st.one_of(
    st.integers(0, 2**64 - 1), st.sampled_from([0, 1, 2**63, 2**64 - 1, 2**64 - 2, 2**63 - 1, 0x5555555555555555])
)
quick = settings(deadline=None, max_examples=100)


def words_of(hosts: set[int]) -> NDArray[np.uint64]:
    words = np.zeros(N_WORDS, dtype=np.uint64)
    for host in hosts:
        words[host // 64] |= np.uint64(1 << host % 64)
    return words


def set_of(words: NDArray[np.uint64]) -> set[int]:
    return {64 * i + bit for i, word in enumerate(words.tolist()) for bit in range(64) if word >> bit & 1}


@quick
@given(WORDS)
def test_a_word_is_counted_as_python_counts_it(word: int) -> None:
    assert count_bits(np.uint64(word)) == word.bit_count()
    assert run_length(np.uint64(word)) == (~word & (word + 1)).bit_length() - 1
    if word:
        assert first_bit(np.uint64(word)) == (word & -word).bit_length() - 1


def test_words_at_their_limits() -> None:
    assert count_bits(np.uint64(0)) == 0
    assert count_bits(np.uint64(2**64 - 1)) == 64
    assert first_bit(np.uint64(2**63)) == 63
    assert run_length(np.uint64(2**64 - 1)) == 64
    assert run_length(np.uint64(0)) == 0


@quick
@given(HOSTS, st.integers(0, 64 * N_WORDS - 1), st.integers(-1, 64 * N_WORDS - 1), st.booleans())
def test_a_run_is_set_and_cleared(hosts: set[int], first: int, last: int, value: bool) -> None:
    words = words_of(hosts)
    set_run(words, first, last, value)
    run = set(range(first, last + 1))
    assert set_of(words) == (hosts | run if value else hosts - run)


@quick
@given(HOSTS, st.data())
def test_the_lowest_hosts_come_as_maximal_intervals(hosts: set[int], data: st.DataObject) -> None:
    n = data.draw(st.integers(0, len(hosts)))
    runs = np.full((2 + 64 * N_WORDS, 2), -7, dtype=np.int32)
    found = lowest_runs(words_of(hosts), N_WORDS, n, runs, 1)
    pairs = runs[1 : 1 + found].tolist()
    assert [host for low, high in pairs for host in range(low, high + 1)] == sorted(hosts)[:n]
    assert all(high + 1 < low for (_, high), (low, _) in pairwise(pairs))
    assert (runs[0] == -7).all()
    assert (runs[1 + found :] == -7).all()


def test_an_interval_goes_on_over_the_edge_of_a_word() -> None:
    runs = np.zeros((4, 2), dtype=np.int32)
    assert lowest_runs(words_of({5, *range(60, 130), 140}), N_WORDS, 70, runs, 0) == 2
    assert runs[:2].tolist() == [[5, 5], [60, 128]]
