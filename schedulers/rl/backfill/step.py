"""Many episodes, one compiled call: from one decision of each agent to its next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.borrowed import borrowed
from wattq.schedulers.rl.backfill import reward as r
from wattq.schedulers.rl.backfill import teacher
from wattq.schedulers.rl.backfill.act import act
from wattq.schedulers.rl.backfill.legal import legal, wait_action
from wattq.schedulers.rl.backfill.observe import features, observe
from wattq.schedulers.rl.backfill.pointers import kernel_at, ledger_at
from wattq.simulator import layout as c
from wattq.simulator.jit import jitted
from wattq.simulator.kernel import advance
from wattq.simulator.layout import Kernel, Ledger
from wattq.simulator.ledger import absorb

__all__ = ["ABORTED", "BEGIN", "DONE", "GO_ON", "GROW", "READY", "STUCK", "step_all", "teach_all"]

# Where an episode stands: the agent is to decide; it is over; arrays are to be enlarged, then the call repeated;
# every action is masked; the engine aborted.
READY, DONE, GROW, STUCK, ABORTED = range(5)

# In place of an action: go on after arrays were enlarged; play up to the first decision.
GO_ON, BEGIN = -(1 << 40), -(1 << 40) - 1


@jitted
def _warm_up(
    v: Ledger,
    cfg: NDArray[np.float64],
    mi: NDArray[np.int64],
    mf: NDArray[np.float64],
    mw: NDArray[np.uint64],
    mask: NDArray[np.bool_],
) -> None:
    """Take one round of decisions by EASY."""
    while legal(v, cfg, mi, mf, mask) > 0:
        if not act(v, cfg, mi, mf, mw, teacher.teach(teacher.EASY, v, cfg, mi, mf, mask)):
            return


@jitted
def _finish(
    s: Kernel,
    v: Ledger,
    cfg: NDArray[np.float64],
    mi: NDArray[np.int64],
    mf: NDArray[np.float64],
    b: NDArray[np.float64],
    truth: NDArray[np.float64],
    x: NDArray[np.float32],
    mask: NDArray[np.bool_],
) -> int:
    """End the episode: charge what is left, describe the last situation."""
    r.close(s, v, b, truth)
    legal(v, cfg, mi, mf, mask)
    features(v, cfg, mi, mf, x, mask)
    mask[:] = False
    return DONE


@jitted
def _go_on(
    s: Kernel,
    v: Ledger,
    cfg: NDArray[np.float64],
    mi: NDArray[np.int64],
    mf: NDArray[np.float64],
    mw: NDArray[np.uint64],
    b: NDArray[np.float64],
    truth: NDArray[np.float64],
    signal: NDArray[np.float64],
    x: NDArray[np.float32],
    mask: NDArray[np.bool_],
    same_date: bool,
) -> int:
    """Play the episode until the agent has something to decide."""
    while True:
        if not same_date:
            code = advance(s, v)
            if code == c.GROW:
                return GROW
            if code == c.ABORTED:
                return ABORTED
            r.charge(s, b, signal)
            if code != c.DECIDE:
                return _finish(s, v, cfg, mi, mf, b, truth, x, mask)
            absorb(v)
            r.note_events(s, v, b, truth)
            over = v.head[0].no_more_jobs != 0 and v.head[0].n_waiting == 0 and v.head[0].n_running == 0
            if over or s.head[0].clock_s >= b[r.HORIZON_S]:
                return _finish(s, v, cfg, mi, mf, b, truth, x, mask)
            if v.head[0].now_s < b[r.BEGIN_S]:
                _warm_up(v, cfg, mi, mf, mw, mask)
                r.note_decisions(v, b, truth)
                continue
        n = observe(v, cfg, mi, mf, mw, x, mask)
        if n > 1:
            return READY
        if n == 0:
            return STUCK
        same_date = act(v, cfg, mi, mf, mw, int(np.argmax(mask)))
        if not same_date:
            r.note_decisions(v, b, truth)


@jitted
def step_all(
    first: int,
    last: int,
    replace: bool,
    address: NDArray[np.int64],
    actions: NDArray[np.int64],
    status: NDArray[np.int64],
    reward: NDArray[np.float64],
    cfg: NDArray[np.float64],
    mi: NDArray[np.int64],
    mf: NDArray[np.float64],
    mw: NDArray[np.uint64],
    book: NDArray[np.float64],
    truth: NDArray[np.float64],
    signal: NDArray[np.float64],
    x: NDArray[np.float32],
    mask: NDArray[np.bool_],
) -> int:
    """Take an action in each of the episodes first <= e < last, let them go on (`GO_ON`), or begin (`BEGIN`).

    All arrays hold a row for each episode; `address` the addresses of kernel and ledger. An episode whose `status` is
    `GROW` needs larger arrays before it can go on. With `replace`, a masked action gives way to waiting, or where that
    is masked, too, to the first legal one; `actions` then holds what was taken.

    Returns:
        -1 less the largest status; or the number of an episode whose action is masked, in which case nothing was done
        at all.
    """
    for e in range(first, last):
        if actions[e] <= GO_ON:
            continue
        if actions[e] < 0 or actions[e] >= mask.shape[1]:
            return e
        if not mask[e, actions[e]]:
            if not replace or status[e] != READY:
                return e
            wait = wait_action(cfg[e])
            actions[e] = wait if mask[e, wait] else np.argmax(mask[e])
    worst = READY
    for e in range(first, last):
        s = kernel_at(address[e, 0])
        v = ledger_at(address[e, 1])
        own_cfg, own_i, own_f, own_w = borrowed(cfg[e]), borrowed(mi[e]), borrowed(mf[e]), borrowed(mw[e])
        b = borrowed(book[e])
        same_date = False
        if actions[e] > GO_ON:
            if b[r.N_STEPS] > 0.0:  # what passed before the first decision belongs to the first step
                r.begin_step(b)
            same_date = act(v, own_cfg, own_i, own_f, own_w, actions[e])
            if not same_date:
                r.note_decisions(v, b, borrowed(truth[e]))
        status[e] = _go_on(
            s,
            v,
            own_cfg,
            own_i,
            own_f,
            own_w,
            b,
            borrowed(truth[e]),
            borrowed(signal[e]),
            borrowed(x[e]),
            borrowed(mask[e]),
            same_date,
        )
        if status[e] != GROW and actions[e] != BEGIN:
            reward[e] = r.reward_of(b)
        worst = max(worst, status[e])
    return -1 - worst


@jitted
def teach_all(
    kind: int,
    address: NDArray[np.int64],
    cfg: NDArray[np.float64],
    mi: NDArray[np.int64],
    mf: NDArray[np.float64],
    mask: NDArray[np.bool_],
    actions: NDArray[np.int64],
) -> None:
    """Write the action that a rule takes in each episode."""
    for e in range(len(actions)):
        v = ledger_at(address[e, 1])
        actions[e] = teacher.teach(kind, v, borrowed(cfg[e]), borrowed(mi[e]), borrowed(mf[e]), borrowed(mask[e]))
