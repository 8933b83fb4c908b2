"""The policy `rl` as one compiled function and one compiled loop; see `wattq.schedulers.compiled`.

A round: find the legal actions, describe the situation, ask the network, act; again until it waits. The same functions
serve the environment in which it learned.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers import kinds
from wattq.schedulers.borrowed import borrowed
from wattq.schedulers.rl.backfill import row as r
from wattq.schedulers.rl.backfill.act import act
from wattq.schedulers.rl.backfill.memory import backfill_memory, memory_parts
from wattq.schedulers.rl.backfill.observe import observe
from wattq.schedulers.rl.forward import header as n
from wattq.schedulers.rl.forward.choose import best_action, draw, fill_logits, sampled_action
from wattq.simulator import layout as c
from wattq.simulator.faults import CAP_TOO_LOW, NO_POWER, OUT_OF_SIGNAL
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.kernel import advance
from wattq.simulator.layout import DECIDE, PREDICT, Kernel, Ledger
from wattq.simulator.learning_faults import NOT_COUNTED, OTHER_STATES, STARTS_NOTHING
from wattq.simulator.ledger import absorb
from wattq.simulator.news import ask, note_decisions

__all__ = ["MEMORY", "decide", "learned_memory", "learned_parts", "run"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def learned_parts(n_jobs: int, n_hosts: int) -> tuple[list[int], list[int]]:
    """Return the lengths of the parts that the memory's integers and floats are made of."""
    ints, floats = memory_parts(n_jobs, n_hosts)
    return [r.OWN_I, *ints], [r.OWN_F, *floats]


def learned_memory(n_jobs: int, n_hosts: int, n_words: int) -> tuple[int, int, tuple[int, int]]:
    """Return the sizes of the policy's memory: integers, floats, rows of bit words."""
    ints, floats, rows = backfill_memory(n_jobs, n_hosts, n_words)
    return r.OWN_I + ints, r.OWN_F + floats, rows


MEMORY = {kinds.LEARNED: learned_memory}
"""As `compiled.MEMORY`."""


@inlined
def _within(value: float, first: float, least: float, most: float) -> bool:
    """Return whether a ratio lies within bounds; it does when a number is not known."""
    return bool(value <= 0.0 or first <= 0.0 or least <= value / first <= most)


@jitted
def _is_alike(v: Ledger, par: Floats, cls: int) -> bool:
    """Return whether the hosts of a class have the power states that the policy learned to choose from."""
    at, states = int(par[r.STATES_AT]), int(par[r.N_STATES])
    first = int(par[at + r.STATE])
    n_computing = 0
    for k in range(v.pstates[cls, 0].n):
        n_computing += v.pstates[cls, k].kind == c.PS_COMPUTE
    if par[r.N_ALIKE] > 0.0 and n_computing != int(par[r.N_ALIKE]):
        return False
    for number in range(states):
        here = at + number * r.N_ROW
        k = int(par[here + r.STATE])
        if k >= v.pstates[cls, 0].n or v.pstates[cls, k].kind != c.PS_COMPUTE:
            return False
        a, b = v.pstates[cls, k], v.pstates[cls, first]
        fast = _within(a.speed_flops, b.speed_flops, par[here + r.LEAST_SPEED], par[here + r.MOST_SPEED])
        if not fast or not _within(a.full_w, b.full_w, par[here + r.LEAST_W], par[here + r.MOST_W]):
            return False
    return True


@jitted
def _begin(v: Ledger, par: Floats, mi: Ints) -> None:
    """Look at the machine, before the first round."""
    mi[r.BEGUN] = 1
    mi[r.RANDOM] = int(par[r.SEED])
    for cls in range(v.pstates.shape[0]):
        if not _is_alike(v, par, cls):
            v.head[0].error = OTHER_STATES
        elif par[r.CAPPED] != 0.0 and v.pstates[cls, int(par[int(par[r.STATES_AT])])].full_w <= 0.0:
            v.head[0].error = NO_POWER


@inlined
def _first(mask: NDArray[np.bool_]) -> int:
    """Return the first legal action."""
    a = 0
    while not mask[a]:
        a += 1
    return a


@jitted
def _play_round(v: Ledger, par: Floats, mi: Ints, mf: Floats, mw: NDArray[np.uint64]) -> None:
    """Decide until the policy waits."""
    cfg = borrowed(par[int(par[r.CFG_AT]) : int(par[r.CFG_AT] + par[r.N_CFG])])
    net = borrowed(par[int(par[r.NET_AT]) : int(par[r.NET_AT] + par[r.N_NET])].view(np.int64))
    w = borrowed(par[int(par[r.WEIGHTS_AT]) : int(par[r.WEIGHTS_AT] + par[r.N_WEIGHTS])].view(np.float32))
    actions = net[n.ACTIONS]
    mask = borrowed(mi[r.MASK_AT : r.OWN_I].view(np.bool_)[:actions])
    x = borrowed(mf[r.X_AT : r.OUT_AT].view(np.float32)[: net[n.INPUTS]])
    out = borrowed(mf[r.OUT_AT : r.SCRATCH_AT].view(np.float32))
    h = borrowed(mf[r.SCRATCH_AT : r.OWN_F].view(np.float32)[: n.SCRATCH_ROWS * r.WIDEST])
    h = h.reshape((n.SCRATCH_ROWS, r.WIDEST))
    own_i, own_f = borrowed(mi[r.OWN_I :]), borrowed(mf[r.OWN_F :])
    while True:
        n_legal = observe(v, cfg, own_i, own_f, mw, x, mask)
        if n_legal == 0:
            v.head[0].error = CAP_TOO_LOW if par[r.CAPPED] != 0.0 and v.head[0].n_free == v.head[0].n_hosts else 0
            return
        action = _first(mask)
        mi[r.N_TAKEN] += 1
        mi[r.N_IDLE] = mi[r.N_IDLE] + 1 if v.head[0].n_running == 0 and v.head[0].n_waiting > 0 else 0
        if mi[r.N_IDLE] > r.MOST_IDLE:
            v.head[0].error = STARTS_NOTHING
            return
        if n_legal > 1:
            mi[r.N_ASKED] += 1
            fill_logits(net, w, x, mask, h, out)
            if par[r.SAMPLED] != 0.0:
                action = sampled_action(mask, out, actions, draw(mi, r.RANDOM))
            else:
                action = best_action(mask, out, actions)
        if not act(v, cfg, own_i, own_f, mw, action):
            return


@jitted
def decide(kind: int, v: Ledger, par: Floats, mi: Ints, mf: Floats, mw: NDArray[np.uint64]) -> None:
    """Take one round of decisions, after `ledger.absorb` read the message; arguments as in `compiled.decide`."""
    par, mi, mf, mw = borrowed(par), borrowed(mi), borrowed(mf), borrowed(mw)
    if mi[r.BEGUN] == 0:
        _begin(v, par, mi)
    if v.head[0].now_s >= par[r.END_S] and v.head[0].n_waiting > 0:
        v.head[0].error = OUT_OF_SIGNAL
    if v.head[0].error == 0:
        _play_round(v, par, mi, mf, mw)


@jitted
def run(kind: int, s: Kernel, v: Ledger, par: Floats, mi: Ints, mf: Floats, mw: NDArray[np.uint64]) -> int:
    """Play a simulation until the engine has nothing more to ask; as `compiled.run`."""
    if par[r.SWITCHES] != 0.0 and s.head[0].energy == 0:
        v.head[0].error = NOT_COUNTED
        return DECIDE
    while True:
        if v.head[0].asked == 0:
            code = advance(s, v)
            if code != DECIDE:
                return code
            absorb(v)
            if ask(v):
                return PREDICT
        v.head[0].asked = 0
        decide(kind, v, par, mi, mf, mw)
        if v.head[0].error != 0:
            return DECIDE
        note_decisions(v)
