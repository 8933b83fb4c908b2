"""The ledger of a machine at its start: all hosts free, no job known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.platforms.model import Platform
from wattq.simulator import layout as c

__all__ = ["host_classes", "new_ledger"]


def host_classes(platform: Platform) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """Return the power states by class of equal hosts, shape (classes, power states), and the class of each host."""
    p = platform
    columns = [p.speed_flops, p.idle_w, p.epsilon_w, p.full_w, p.kind, p.off_pstate, p.on_pstate]
    table = np.hstack([np.nan_to_num(np.asarray(column, dtype=float), nan=-1.0) for column in columns])
    table = np.hstack([table, p.n_pstates[:, None].astype(float)])
    _, first, cls = np.unique(table, axis=0, return_index=True, return_inverse=True)
    pstates = np.zeros((len(first), p.speed_flops.shape[1]), dtype=c.pstate_t)
    for name, values in (
        ("speed_flops", p.speed_flops),
        ("idle_w", p.idle_w),
        ("epsilon_w", p.epsilon_w),
        ("full_w", p.full_w),
        ("kind", p.kind),
        ("off", p.off_pstate),
        ("on", p.on_pstate),
    ):
        pstates[name] = np.nan_to_num(values[first])
    pstates["n"] = p.n_pstates[first][:, None]
    return pstates, cls.reshape(-1)


def new_ledger(
    platform: Platform,
    views: NDArray[np.void],
    cls: NDArray[np.int64],
    pstates: NDArray[np.void],
    event_iv: NDArray[np.int32],
    *,
    energy: bool = True,
) -> c.Ledger:
    """Return the empty ledger of a machine whose hosts are all free (but for those that begin asleep).

    Args:
        platform: the machine.
        views: what the scheduler will know of each job, `layout.job_view_t`.
        cls: class of each host, as `host_classes` gives it.
        pstates: power states by class, likewise.
        event_iv: array for the host intervals of events, shape (n, 2).
        energy: whether energy is counted; without it Batsim runs jobs on hosts in any power state.
    """
    n = platform.n_compute
    n_words = max((n + 63) // 64, 1)
    head = np.zeros(1, dtype=c.ledger_head_t)
    known = np.zeros(max(n, 1), dtype=c.host_view_t)
    known["pstate"][:n] = platform.initial_pstate[:n]
    known["cls"][:n] = cls[:n]
    known["job"] = -1
    known["target"] = -1
    asleep = (pstates["kind"][known["cls"], known["pstate"]] != c.PS_COMPUTE) & energy
    known["state"] = np.where(asleep, c.SLEEPING, c.IDLE)
    bits = np.zeros(n_words * 64, dtype=np.uint8)
    bits[:n] = ~asleep[:n]
    free = np.packbits(bits, bitorder="little").view(np.uint64).copy()
    head["n_jobs"] = len(views)
    head["n_hosts"] = n
    head["n_words"] = n_words
    head["n_free"] = int(bits.sum())
    head["power_w"] = np.nan
    return c.Ledger(
        head=head,
        jobs=views,
        hosts=known,
        pstates=pstates,
        queue=np.full(len(views) + 1, -1, dtype=np.int32),
        running=np.zeros(max(n, 1) + 1, dtype=np.int32),
        free=free,
        events=np.zeros(len(views) + 8 * n + 512, dtype=c.event_t),
        event_iv=event_iv,
        decisions=np.zeros(len(views) + 4 * n + 256, dtype=c.decision_t),
        iv=np.zeros((2 * len(views) + 8 * n + 256, 2), dtype=np.int32),
        kill_list=np.zeros(max(n, 1) + 64, dtype=np.int32),
        news=np.zeros(1, dtype=c.news_t),
    )
