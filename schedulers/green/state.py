"""What the energy-aware policies remember from one message to the next, in arrays that the caller owns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.borrowed import borrowed
from wattq.schedulers.waitlist import Waitlist, list_size, open_list
from wattq.simulator.jit import inlined

__all__ = ["State", "green_memory", "open_state"]

# Integers.
N_CLAIMS, N_HELD, BEGUN, FAST, AWAKE, ASLEEP, AVAILABLE, EXTRA = range(8)
NEEDED, ISSUE, HEAD, WERE, ENTERED, LAST_IN, LEFT, OWN_I = range(8, 16)
# Floats; dates and durations in s, powers in W, the load in host-seconds.
SHADOW_S, EXTRA_W, CALL_S, LOAD_S, ROOM_W, ADDED_W, BOOT_S, NEXT_S, LAST_CAP_W, LAST_SHADOW_S = range(10)
FACTS, OWN_F = 10, 19  # see `learned`
# Rows of host sets; those of the claims follow.
CLAIMED, SLEEPERS, COMING, CHOSEN, SOME, CLAIM_ROWS = range(6)


class State(NamedTuple):
    """The memory.

    Attributes:
        i: number of claims; of jobs held back; whether the first message was seen; whether jobs run at full speed;
            unclaimed hosts that are free, asleep, and that a job may count on (free, asleep or waking); extra nodes of
            the reservation; hosts that it needs beyond those of running jobs; forecast in use plus 1; head of the last
            round plus 1; hosts that it could count on then; jobs that entered the queue in this round, the
            last of them, and whether any left it.
        f: shadow time; extra power; date of the next call asked for; work in the queue; power that the cap leaves;
            power that the job just looked at adds; time that waking takes; date at which something is to be looked at
            again; cap and shadow time of the last message; facts for a network.
        claim_job: job of each claim: it starts when the hosts that it waits for are awake.
        claim_how: how its power state is chosen, see `states.state_of`.
        claim_used: scratch, per claim.
        claim_end_s: expected end of the job of each claim.
        held: jobs held back, by the date of their release.
        release_s: per job, date until which it is held back.
        rows: host sets: claimed, asleep, waking, and two for scratch; then those of the claims.
        queue: waiting jobs in the queue's order.
        others: the same in the order of backfilling.
    """

    i: NDArray[np.int64]
    f: NDArray[np.float64]
    claim_job: NDArray[np.int64]
    claim_how: NDArray[np.int64]
    claim_used: NDArray[np.int64]
    claim_end_s: NDArray[np.float64]
    held: NDArray[np.int64]
    release_s: NDArray[np.float64]
    rows: NDArray[np.uint64]
    queue: Waitlist
    others: Waitlist


def green_memory(n_jobs: int, n_hosts: int, n_words: int) -> tuple[int, int, tuple[int, int]]:
    """Return the sizes of the policy's memory: integers, floats, rows of bit words.

    Each claim holds a host or more that no other claim holds, so that there are no more claims than hosts.
    """
    len_i, len_f = list_size(n_jobs)
    return (
        OWN_I + 3 * n_hosts + n_jobs + 2 * len_i,
        OWN_F + n_hosts + n_jobs + 2 * len_f,
        (CLAIM_ROWS + n_hosts, n_words),
    )


@inlined
def open_state(mi: NDArray[np.int64], mf: NDArray[np.float64], mw: NDArray[np.uint64]) -> State:
    """Return the memory as its parts."""
    hosts = mw.shape[0] - CLAIM_ROWS
    jobs = (mf.shape[0] - OWN_F - hosts) // 5
    i = OWN_I + 3 * hosts + jobs
    f = OWN_F + hosts + jobs
    return State(
        borrowed(mi[:OWN_I]),
        borrowed(mf[:OWN_F]),
        borrowed(mi[OWN_I : OWN_I + hosts]),
        borrowed(mi[OWN_I + hosts : OWN_I + 2 * hosts]),
        borrowed(mi[OWN_I + 2 * hosts : OWN_I + 3 * hosts]),
        borrowed(mf[OWN_F : OWN_F + hosts]),
        borrowed(mi[OWN_I + 3 * hosts : i]),
        borrowed(mf[OWN_F + hosts : f]),
        borrowed(mw),
        open_list(mi, mf, i, f, jobs),
        open_list(mi, mf, i + (mi.shape[0] - i) // 2, f + 2 * jobs, jobs),
    )
