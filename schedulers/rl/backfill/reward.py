"""What a step costs: energy, carbon, money and delay, counted by the engine's exact integrals.

The energy between two messages is the kernel's exact sum. Its carbon and cost are that energy times the mean intensity
and price of the interval, which is exact while the power is constant; between two messages it changes only where hosts
end a switch. Only what happens from the begin of the episode to its horizon counts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.message import new_job
from wattq.simulator import layout as c
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Kernel, Ledger

__all__ = ["begin_step", "charge", "close", "note_decisions", "note_events", "reward_of"]

# The book of an episode. Parts of the step and of the episode: energy in kWh, carbon in kg, cost in the currency of
# the price, delay in units of the weights of the jobs.
ENERGY, CARBON, COST, DELAY, N_PARTS = range(5)
# Of the step: counted jobs that started or never will, those among them that waited for too long, and their waits in s.
STARTED, LATE, WAITED_S = range(N_PARTS, N_PARTS + 3)
N_COUNTS = 3
N_STEP = N_PARTS + N_COUNTS
TOTAL = N_STEP  # parts and counts summed over the episode
WEIGHT = 2 * N_STEP  # what a unit of each part takes from the reward
(
    LAST_S,  # date up to which all is charged
    LAST_J,  # energy by then
    BEGIN_S,  # charged from here on
    HORIZON_S,  # and up to here
    BASE_W,  # power of which nothing is charged
    FULL_W,  # of one host in power state 0
    RATE,  # delay per second of the jobs that wait
    PIECE,  # of the signals
    MEAN_CARBON,
    MEAN_PRICE,
    LATE_S,  # wait from which a job is late
    N_STEPS,
    N_ENDED,  # counted jobs that ended
    N_LOST,  # those killed at their walltime that power state 0 would have finished
    N_UNFINISHED,
    UNFINISHED_KWH,
    RETURN,
    N_BOOK,
) = range(2 * N_STEP + N_PARTS, 2 * N_STEP + N_PARTS + 18)

# Rows of what only the engine knows of the jobs: run time in power state 0 cut at the walltime, s; delay per second;
# whether it ends before its walltime there.
RUN_S, PER_S, SURE, N_TRUTH = range(4)
# Rows of the signals: begin of each piece, s from date 0; carbon intensity; price.
EDGE_S, INTENSITY, PRICE, N_SIGNAL = range(4)

_KWH_J = 3.6e6


@inlined
def _energy_j(s: Kernel) -> float:
    """Return the exact energy of the machine so far, in J."""
    elapsed_s = s.head[0].clock_s - s.head[0].exact_at_s
    total = 0.0
    for state in range(6):
        total += s.sums[c.SUM_EXACT_J, state] + s.sums[c.SUM_EXACT_W, state] * elapsed_s
    return total


@inlined
def _mean(signal: NDArray[np.float64], row: int, piece: int, from_s: float, to_s: float) -> float:
    """Return the mean of a signal over an interval that begins in a piece."""
    total = 0.0
    at_s = from_s
    last = signal.shape[1] - 1
    while piece < last and signal[EDGE_S, piece + 1] < to_s:
        total += signal[row, piece] * (signal[EDGE_S, piece + 1] - at_s)
        at_s = signal[EDGE_S, piece + 1]
        piece += 1
    total += signal[row, piece] * (to_s - at_s)
    return total / (to_s - from_s)


@inlined
def begin_step(b: NDArray[np.float64]) -> None:
    """Begin to count the parts of a step."""
    b[:N_STEP] = 0.0


@inlined
def _add(b: NDArray[np.float64], kwh: float, intensity: float, price: float) -> None:
    """Add an energy with its carbon and cost; the intensity is in g/kWh, the price per MWh."""
    b[ENERGY] += kwh
    b[CARBON] += kwh * intensity / 1000.0
    b[COST] += kwh * price / 1000.0


@jitted
def charge(s: Kernel, b: NDArray[np.float64], signal: NDArray[np.float64]) -> None:
    """Charge the time since the last message."""
    now_s = s.head[0].clock_s
    total_j = _energy_j(s)
    from_s = max(b[LAST_S], b[BEGIN_S])
    to_s = min(now_s, b[HORIZON_S])
    if to_s > from_s:
        last = signal.shape[1] - 1
        while int(b[PIECE]) < last and signal[EDGE_S, int(b[PIECE]) + 1] <= from_s:
            b[PIECE] += 1.0
        share = (to_s - from_s) / (now_s - b[LAST_S])
        kwh = ((total_j - b[LAST_J]) * share - b[BASE_W] * (to_s - from_s)) / _KWH_J
        piece = int(b[PIECE])
        _add(b, kwh, _mean(signal, INTENSITY, piece, from_s, to_s), _mean(signal, PRICE, piece, from_s, to_s))
        b[DELAY] += b[RATE] * (to_s - from_s)
    b[LAST_S] = now_s
    b[LAST_J] = total_j


@inlined
def _add_unfinished(b: NDArray[np.float64], host_s: float) -> None:
    """Charge work that somebody has yet to do: at full power, at the mean intensity and price of the episode."""
    kwh = host_s * b[FULL_W] / _KWH_J
    b[UNFINISHED_KWH] += kwh
    _add(b, kwh, b[MEAN_CARBON], max(b[MEAN_PRICE], 0.0))


@inlined
def _on_ended(s: Kernel, v: Ledger, b: NDArray[np.float64], truth: NDArray[np.float64], job: int) -> None:
    """Count a job that ended: what a slower power state added to its run time, or all of it where that killed it."""
    if truth[PER_S, job] == 0.0:
        return
    j = v.jobs[job]
    b[N_ENDED] += 1.0
    if s.jobs[job].state == c.WALLTIME and truth[SURE, job] != 0.0:
        b[N_LOST] += 1.0
        _add_unfinished(b, j.hosts * truth[RUN_S, job])
        b[DELAY] += truth[PER_S, job] * max(b[HORIZON_S] - s.head[0].clock_s, 0.0)
        return
    took_s = s.head[0].clock_s - j.start_s
    b[DELAY] += truth[PER_S, job] * max(took_s - truth[RUN_S, job], 0.0)


@jitted
def note_events(s: Kernel, v: Ledger, b: NDArray[np.float64], truth: NDArray[np.float64]) -> None:
    """Count the jobs that came and those that ended with the message."""
    for e in range(v.head[0].n_events):
        event = v.events[v.head[0].first_event + e]
        job = new_job(v, e)
        if job >= 0:
            b[RATE] += truth[PER_S, job]
            b[DELAY] += truth[PER_S, job] * max(s.head[0].clock_s - v.jobs[job].submit_s, 0.0)
        elif event.kind == c.EV_COMPLETED:
            _on_ended(s, v, b, truth, event.job)


@inlined
def _count(b: NDArray[np.float64], wait_s: float) -> None:
    """Count a job that starts or never will."""
    b[STARTED] += 1.0
    b[WAITED_S] += wait_s
    if wait_s > b[LATE_S]:
        b[LATE] += 1.0


@jitted
def note_decisions(v: Ledger, b: NDArray[np.float64], truth: NDArray[np.float64]) -> None:
    """Count the jobs that left the queue in this round."""
    for d in range(v.head[0].n_decisions):
        kind = v.decisions[d].kind
        job = v.decisions[d].job
        if (kind == c.DO_EXECUTE or kind == c.DO_REJECT) and truth[PER_S, job] > 0.0:
            b[RATE] -= truth[PER_S, job]
            _count(b, v.head[0].now_s - v.jobs[job].submit_s)
    if v.head[0].n_waiting == 0:
        b[RATE] = 0.0


@jitted
def close(s: Kernel, v: Ledger, b: NDArray[np.float64], truth: NDArray[np.float64]) -> None:
    """Charge what is left undone at the end of the episode: its energy, and its delay up to the horizon."""
    now_s = min(s.head[0].clock_s, b[HORIZON_S])
    left_s = b[HORIZON_S] - now_s
    for job in range(v.head[0].n_jobs):
        j = v.jobs[job]
        if truth[PER_S, job] == 0.0 or j.state > c.RUNNING:
            continue
        if j.state == c.RUNNING:
            # Its hosts may be slower than power state 0, so that this is the least that is left.
            _add_unfinished(b, j.hosts * max(truth[RUN_S, job] - (now_s - j.start_s), 0.0))
        else:
            _add_unfinished(b, j.hosts * truth[RUN_S, job])
            b[DELAY] += truth[PER_S, job] * min(left_s, max(b[HORIZON_S] - j.submit_s, 0.0))
            _count(b, max(b[HORIZON_S] - j.submit_s, 0.0))
        b[N_UNFINISHED] += 1.0


@inlined
def reward_of(b: NDArray[np.float64]) -> float:
    """Return the reward of the step, and add its parts to those of the episode."""
    reward = 0.0
    for part in range(N_PARTS):
        reward -= b[WEIGHT + part] * b[part]
    for k in range(N_STEP):
        b[TOTAL + k] += b[k]
    b[RETURN] += reward
    b[N_STEPS] += 1.0
    return reward
