"""What a learned policy reads of each waiting job when it picks one.

All of it is known to a scheduler at that moment: requests, times waited, free nodes, how long running jobs are still
to hold theirs by their requested times, and the run times of jobs of the same sequence that have ended, looked up by
user. Run times of jobs that wait or run, absolute dates and jobs to come are not read. Numbers are scaled by constants
and by the machine, never by statistics of a log.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.rl.sc20.picks import FREE, NEXT, QUEUED, RUNNING
from wattq.simulator.jit import inlined

__all__ = ["FEATURES", "N_FEATURES", "Notes", "describe", "new_notes", "take_note"]

FEATURES: tuple[tuple[str, str], ...] = (
    ("waited", "log2(1 + s waited) / 16"),
    ("slowdown", "log2(1 + waited / requested) / 16; requested times here are at least 10 s"),
    ("until_fits", "log2(1 + s until it fits by requested times) / 16"),
    ("slowdown_then", "log2(1 + (waited + until fits) / requested) / 16"),
    ("idle", "log2(1 + s until it fits x share of free nodes) / 16"),
    ("harm", "log2(1 + slowdown that all waiting jobs gather until it fits) / 16"),
    (
        "slowdown_expected",
        "log2(1 + waited / expected) / 16; expected by jobs alike, by the user's, or requested",
    ),
    ("slowdown_expected_then", "log2(1 + (waited + until fits) / expected) / 16"),
    ("requested", "log2(s requested) / 16"),
    ("size", "log2(nodes) / log2(nodes of the machine)"),
    ("share", "nodes / nodes of the machine"),
    ("fits", "1 when it fits now"),
    ("against_queue", "4 x (requested - its mean over the queue)"),
    ("free", "share of free nodes"),
    ("queue", "log2(waiting jobs) / 10"),
    ("weight", "its share of the slowdown that waiting jobs gather per second"),
    ("fitting", "share of waiting jobs that fit now"),
    ("alike", "log2 of the mean (of logarithms) of the last two runs of user, request and size / 16; else user_runs"),
    ("user_runs", "the same of the user; requested where none has ended"),
    ("known", "1 when jobs alike have ended, 0.5 when others of the user have"),
    ("harm_expected", "log2(1 + slowdown, by expected run times, that all waiting jobs gather until it fits) / 16"),
    ("alike_waiting", "log2(1 + waiting jobs alike) / 16"),
    ("weight_alike", "share of the slowdown per second, by expected run times, of all waiting jobs alike"),
    ("weight_expected", "its own share of it"),
)
"""Names and meanings of the numbers, in their order."""

N_FEATURES = len(FEATURES)
_LOGARITHMS = 10
_FIRST, _LATER = 8, 12
_BOUND_S = 10.0
_SCALE = 1.0 / 16.0


class Notes(NamedTuple):
    """What is remembered within a sequence, and room to work; one entry per job where nothing else is said.

    Attributes:
        until_s: dates at which running jobs release their nodes by requested times, from now, in rising order.
        released: free nodes then.
        held: running jobs in that order.
        waiting: jobs that were waiting when the notes were last taken.
        mark: number of the last survey in which a job was running.
        lasts: logarithms (base 2) of the last two run times (s), shape (keys, 2).
        ended: jobs that have ended, per key.
        expected: mean of the logarithms in lasts, per key; inverse: 1 / s of that mean.
        rate: slowdown gathered per second by the expected run time, per place of the queue.
        alike_rate, alike_count: the same summed over waiting jobs alike, and their number, per key.
        counts: lengths of held and waiting, jobs that had arrived, surveys.
        sums: mean logarithm of requested times, slowdown gathered per second, share of waiting jobs that fit,
            log2(waiting jobs) / 10.
        x: features of the waiting jobs, shape (n_jobs, N_FEATURES); bits: the same bytes as integers.
    """

    until_s: NDArray[np.float64]
    released: NDArray[np.int64]
    held: NDArray[np.int64]
    waiting: NDArray[np.int64]
    mark: NDArray[np.int64]
    lasts: NDArray[np.float64]
    ended: NDArray[np.int64]
    expected: NDArray[np.float64]
    inverse: NDArray[np.float64]
    rate: NDArray[np.float64]
    alike_rate: NDArray[np.float64]
    alike_count: NDArray[np.int64]
    counts: NDArray[np.int64]
    sums: NDArray[np.float64]
    x: NDArray[np.float32]
    bits: NDArray[np.int32]


_HELD, _WAITING, _SEEN, _SURVEY = range(4)
_MEAN, _RATE, _FITTING, _QUEUE = range(4)


def new_notes(n_jobs: int, n_keys: int) -> Notes:
    """Return empty notes for a sequence with that many jobs, and keys of users and of jobs alike."""
    x = np.zeros((n_jobs, N_FEATURES), dtype=np.float32)
    return Notes(
        np.zeros(n_jobs),
        np.zeros(n_jobs, dtype=np.int64),
        np.zeros(n_jobs, dtype=np.int64),
        np.zeros(n_jobs, dtype=np.int64),
        np.zeros(n_jobs, dtype=np.int64),
        np.zeros((n_keys, 2)),
        np.zeros(n_keys, dtype=np.int64),
        np.zeros(n_keys),
        np.zeros(n_keys),
        np.zeros(n_jobs),
        np.zeros(n_keys),
        np.zeros(n_keys, dtype=np.int64),
        np.zeros(4, dtype=np.int64),
        np.zeros(4),
        x,
        x.view(np.int32),
    )


@inlined
def _note_end(keys: Any, lasts: Any, ended: Any, expected: Any, inverse: Any, job: int, run_s: float) -> None:
    """Remember the run time of a job that has ended, for its user and for jobs alike."""
    length = math.log2(max(run_s, _BOUND_S))
    for which in range(2):
        key = keys[job, which]
        if key >= 0:
            lasts[key, 1] = lasts[key, 0] if ended[key] > 0 else length
            lasts[key, 0] = length
            ended[key] += 1
            expected[key] = 0.5 * (lasts[key, 0] + lasts[key, 1])
            inverse[key] = 2.0 ** -expected[key]


@inlined
def _hold(held: Any, n: int, start_s: Any, request_s: Any, job: int) -> None:
    """Insert a running job by the date at which it should end."""
    end_s = start_s[job] + request_s[job]
    place = n
    while place > 0 and start_s[held[place - 1]] + request_s[held[place - 1]] > end_s:
        held[place] = held[place - 1]
        place -= 1
    held[place] = job


@inlined
def take_note(v: Any, f: Any, m: Any) -> None:
    """Note which jobs have arrived, started and ended since the last call."""
    # Arrays are taken out of the tuples once: each time costs a count of references.
    start_s, run_s, request_s, running, counts = v.start_s, v.run_s, v.request_s, v.running, v.counts
    held, waiting, mark, own, keys = m.held, m.waiting, m.mark, m.counts, f.keys
    lasts, ended, expected, inverse = m.lasts, m.ended, m.expected, m.inverse
    own[_SURVEY] += 1
    survey = own[_SURVEY]
    for place in range(counts[RUNNING]):
        mark[running[place]] = survey
    n_held = 0
    for place in range(own[_HELD]):
        job = held[place]
        if mark[job] == survey:
            held[n_held] = job
            n_held += 1
        else:
            _note_end(keys, lasts, ended, expected, inverse, job, run_s[job])
    n_before, n_waiting = own[_WAITING], 0
    for place in range(n_before + counts[NEXT] - own[_SEEN]):
        job = waiting[place] if place < n_before else own[_SEEN] + place - n_before
        if np.isnan(start_s[job]):
            waiting[n_waiting] = job
            n_waiting += 1
        elif mark[job] == survey:
            _hold(held, n_held, start_s, request_s, job)
            n_held += 1
        else:
            _note_end(keys, lasts, ended, expected, inverse, job, run_s[job])
    own[_HELD], own[_WAITING], own[_SEEN] = n_held, n_waiting, counts[NEXT]


@inlined
def _release(v: Any, m: Any) -> None:
    """Work out when running jobs release their nodes by requested times."""
    start_s, request_s, nodes, held = v.start_s, v.request_s, v.nodes, m.held
    until_s, released = m.until_s, m.released
    free, now_s = v.counts[FREE], v.clock[0]
    for place in range(m.counts[_HELD]):
        job = held[place]
        free += nodes[job]
        released[place] = free
        until_s[place] = max(0.0, start_s[job] + request_s[job] - now_s)


@inlined
def _survey(v: Any, f: Any, m: Any) -> None:
    """Work out what all waiting jobs share."""
    _release(v, m)
    queue, nodes, requested, rates, sums = v.queue, v.nodes, f.requested, f.rate, m.sums
    n, free = v.counts[QUEUED], v.counts[FREE]
    mean, rate, fitting = 0.0, 0.0, 0
    for place in range(n):
        job = queue[place]
        mean += requested[job]
        rate += rates[job]
        if nodes[job] <= free:
            fitting += 1
    sums[_MEAN], sums[_RATE], sums[_FITTING] = mean / n, rate, fitting / n
    sums[_QUEUE] = math.log2(n) * 0.1


@inlined
def _until_fits_s(until_s: Any, released: Any, n: int, nodes: int) -> float:
    """Return how long it takes until so many nodes are free, by requested times; they are not free now."""
    low, high = 0, n - 1
    while low < high:
        middle = (low + high) // 2
        if released[middle] >= nodes:
            high = middle
        else:
            low = middle + 1
    return float(until_s[low])


@inlined
def _take_logarithms(x: Any, bits: Any, n: int) -> None:
    """Replace some numbers of n jobs, at least 1 each, by their logarithms (base 2, to 3e-4) / 16."""
    for place in range(n):
        for number in range(_LOGARITHMS):
            k = number if number < _FIRST else number + _LATER
            whole = bits[place, k]
            bits[place, k] = (whole & 0x7FFFFF) | 0x3F800000
            z = x[place, k] - np.float32(1.0)
            # Polynomial through the logarithm on [1, 2]; no mathematics library, so that all machines agree.
            p = np.float32(0.2415314) + z * (np.float32(-0.1287985) + z * np.float32(0.0351886))
            p = np.float32(0.4778702) + z * (np.float32(-0.3473046) + z * p)
            p = z * (np.float32(1.4426950) + z * (np.float32(-0.7211659) + z * p))
            x[place, k] = (np.float32((whole >> 23) - 127) + p) * np.float32(_SCALE)


@inlined
def _describe_now(v: Any, f: Any, m: Any) -> None:
    """Write what depends on sizes, requests and free nodes."""
    x, queue, counts, nodes, sums, until_s = m.x, v.queue, v.counts, v.nodes, m.sums, m.until_s
    requested, rates, size, share, released = f.requested, f.rate, f.size, f.share[0], m.released
    n_held, now_s, submit_s, free = m.counts[_HELD], v.clock[0], v.submit_s, v.counts[FREE]
    per_rate, idle = 1.0 / sums[_RATE], free * share
    for place in range(counts[QUEUED]):
        job = queue[place]
        rate, wanted, waited_s = rates[job], nodes[job], now_s - submit_s[job]
        then_s = 0.0 if wanted <= free else _until_fits_s(until_s, released, n_held, wanted)
        x[place, 0] = 1.0 + waited_s
        x[place, 1] = 1.0 + waited_s * rate
        x[place, 2] = 1.0 + then_s
        x[place, 3] = 1.0 + (waited_s + then_s) * rate
        x[place, 4] = 1.0 + then_s * idle
        x[place, 5] = 1.0 + then_s * sums[_RATE]
        x[place, 8] = requested[job] * _SCALE
        x[place, 9] = size[job]
        x[place, 10] = wanted * share
        x[place, 11] = 1.0 if wanted <= free else 0.0
        x[place, 12] = 4.0 * _SCALE * (requested[job] - sums[_MEAN])
        x[place, 13] = idle
        x[place, 14] = sums[_QUEUE]
        x[place, 15] = rate * per_rate
        x[place, 16] = sums[_FITTING]


@inlined
def _gather(v: Any, f: Any, m: Any) -> float:
    """Work out what jobs alike gather per second by their expected run times; return what all of them gather."""
    queue, keys, ended, inverse, rates = v.queue, f.keys, m.ended, m.inverse, f.rate
    expected_rate, alike_rate, alike_count = m.rate, m.alike_rate, m.alike_count
    n = v.counts[QUEUED]
    for place in range(n):
        key = max(keys[queue[place], 1], 0)
        alike_rate[key], alike_count[key] = 0.0, 0
    total = 0.0
    for place in range(n):
        job = queue[place]
        user, alike, rate = keys[job, 0], keys[job, 1], rates[job]
        if user >= 0 and ended[user] > 0:
            rate = inverse[alike] if ended[alike] > 0 else inverse[user]
        expected_rate[place] = rate
        alike_rate[max(alike, 0)] += rate
        alike_count[max(alike, 0)] += 1
        total += rate
    return total


@inlined
def _describe_past(v: Any, f: Any, m: Any) -> None:
    """Write what depends on run times of jobs that have ended; the numbers above come before."""
    total = _gather(v, f, m)
    x, queue, keys, ended, expected = m.x, v.queue, f.keys, m.ended, m.expected
    requested, rates, alike_rate, alike_count = f.requested, m.rate, m.alike_rate, m.alike_count
    for place in range(v.counts[QUEUED]):
        job = queue[place]
        user, alike, rate = keys[job, 0], keys[job, 1], rates[place]
        by_user = by_alike = requested[job]
        known = 0.0
        if user >= 0 and ended[user] > 0:
            by_user = by_alike = expected[user]
            known = 0.5
            if ended[alike] > 0:
                by_alike, known = expected[alike], 1.0
        # Waiting times of the first numbers, which are no logarithms yet.
        waited_s, then_s = x[place, 0] - 1.0, x[place, 2] - 1.0
        x[place, 6] = 1.0 + waited_s * rate
        x[place, 7] = 1.0 + (waited_s + then_s) * rate
        x[place, 17] = by_alike * _SCALE
        x[place, 18] = by_user * _SCALE
        x[place, 19] = known
        x[place, 20] = 1.0 + then_s * total
        x[place, 21] = 1.0 + (alike_count[alike] if alike >= 0 else 1)
        x[place, 22] = (alike_rate[alike] if alike >= 0 else rate) / total
        x[place, 23] = rate / total


@inlined
def describe(v: Any, f: Any, m: Any) -> None:
    """Write the features of all waiting jobs to the first rows of ``m.x``, in the order of the queue."""
    _survey(v, f, m)
    _describe_now(v, f, m)
    _describe_past(v, f, m)
    _take_logarithms(m.x, m.bits, v.counts[QUEUED])
