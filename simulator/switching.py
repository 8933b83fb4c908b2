"""SET_RESOURCE_STATE: speeds changed at once, machines put to sleep and woken (batsim-semantics.md, 3.4)."""

from __future__ import annotations

from wattq.simulator import codes as x
from wattq.simulator import layout as c
from wattq.simulator.actors import call_create, call_end, call_put, call_start, call_wait, new_actor
from wattq.simulator.checks import abort
from wattq.simulator.events import add_event
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Kernel
from wattq.simulator.machines import add_pstate_row, add_state_row
from wattq.simulator.power import change_state, set_pstate
from wattq.simulator.queries import add_energy_row

__all__ = ["begin_request", "group_done", "mark_switched", "request_goes_on", "resume_switch"]

_TO_COMPUTE, _TO_SLEEP, _TO_UNKNOWN = -1, -2, -42
_ROW = 112  # 'p'


@inlined
def _exists(s: Kernel, host: int, pstate: int) -> bool:
    """Return whether a host has a power state of this number."""
    return 0 <= pstate < s.pstates[s.h_cls[host], 0].n


@inlined
def _kind(s: Kernel, host: int, pstate: int) -> int:
    """Return the kind of a power state; one that does not exist is a computing one to Batsim."""
    return s.pstates[s.h_cls[host], pstate].kind if _exists(s, host, pstate) else c.PS_COMPUTE


@jitted
def _add_group(s: Kernel, d: int) -> int:
    """Remember a request until all of its machines are in the target state; return its number."""
    k = s.head[0]
    decision = s.decisions[d]
    number = k.n_groups
    g = s.groups[number]
    g.target = decision.a
    g.first = k.n_members
    g.iv = decision.iv
    g.n_iv = decision.n_iv
    g.active = 1
    for iv in range(decision.iv, decision.iv + decision.n_iv):
        for host in range(s.alloc[iv, 0], s.alloc[iv, 1] + 1):
            s.members[k.n_members] = host
            k.n_members += 1
    g.n = k.n_members - g.first
    g.left = g.n
    k.n_groups += 1
    return number


@jitted
def mark_switched(s: Kernel, host: int, pstate: int) -> int:
    """Tick a machine off the first request for this state that still waits for it.

    Returns:
        The number of the request, if all of its machines are done now, else -1.
    """
    k = s.head[0]
    for number in range(k.first_group, k.n_groups):
        g = s.groups[number]
        if not g.active or g.target != pstate:
            continue
        for i in range(g.first, g.first + g.n):
            if s.members[i] == host:
                s.members[i] = -1
                g.left -= 1
                if g.left > 0:
                    return -1
                g.active = 0
                while k.first_group < k.n_groups and not s.groups[k.first_group].active:
                    k.first_group += 1
                return number
    return -1


@inlined
def group_done(s: Kernel, number: int) -> None:
    """All machines of a request are in the target state: write the rows and tell the scheduler."""
    k = s.head[0]
    g = s.groups[number]
    add_pstate_row(s, g.target, g.iv, g.n_iv)
    add_energy_row(s, _ROW)
    first = k.n_event_iv
    for iv in range(g.iv, g.iv + g.n_iv):
        s.event_iv[k.n_event_iv, 0] = s.alloc[iv, 0]
        s.event_iv[k.n_event_iv, 1] = s.alloc[iv, 1]
        k.n_event_iv += 1
    add_event(s, c.EV_STATE_CHANGED, -1, g.target, 0.0, first, g.n_iv)


@inlined
def begin_request(s: Kernel, server: int, d: int) -> None:
    """Write the rows of a request and start to go over its machines."""
    k = s.head[0]
    decision = s.decisions[d]
    add_energy_row(s, _ROW)
    kind = _kind(s, s.alloc[decision.iv, 0], decision.a)
    code = _TO_UNKNOWN
    if kind == c.PS_COMPUTE:
        code = _TO_COMPUTE
    elif kind == c.PS_SLEEP:
        code = _TO_SLEEP
    add_pstate_row(s, code, decision.iv, decision.n_iv)
    number = _add_group(s, d)
    k.n_grouped += 1
    k.n_switched += s.groups[number].n
    a = s.actors[server]
    a.k = s.groups[number].first
    a.n = s.groups[number].first + s.groups[number].n
    a.parent = decision.a


@inlined
def _switch_later(s: Kernel, server: int, host: int, pstate: int, state: int, then: int) -> None:
    """Create the actor that switches a machine off or on."""
    k = s.head[0]
    change_state(s, host, state)
    actor = new_actor(s, x.SWITCH, host, host)
    s.actors[actor].k = pstate
    s.actors[actor].f0 = 1.0
    k.n_switching += 1
    call_create(s, server, actor, then)


@jitted
def request_goes_on(s: Kernel, server: int, then: int) -> bool:
    """Switch the next machines of a request; return whether the server yields."""
    a = s.actors[server]
    pstate = a.parent
    while a.k < a.n:
        host = s.members[a.k]
        a.k += 1
        was = s.pstates[s.h_cls[host], s.h_pstate[host]].kind
        to = _kind(s, host, pstate)
        if was == c.PS_COMPUTE and to == c.PS_COMPUTE:
            if not _exists(s, host, pstate):
                abort(s, x.AB_BAD_PSTATE, host, pstate)
                return True
            set_pstate(s, host, pstate)
            number = mark_switched(s, host, pstate)
            if number >= 0:
                group_done(s, number)
        elif was == c.PS_COMPUTE and to == c.PS_SLEEP:
            _switch_later(s, server, host, pstate, c.SWITCHING_OFF, then)
            return True
        elif was == c.PS_SLEEP:
            if to != c.PS_COMPUTE:
                abort(s, x.AB_SLEEP_TO_SLEEP, host, pstate)
                return True
            _switch_later(s, server, host, pstate, c.SWITCHING_ON, then)
            return True
        # Any other request is an error line in Batsim's log; it is never acknowledged.
    add_state_row(s)
    return False


@jitted
def resume_switch(s: Kernel, actor: int) -> None:
    """Run the actor that switches a machine: one flop in the virtual power state, then the target state."""
    a = s.actors[actor]
    host = a.idx
    sleeps = _kind(s, host, a.k) == c.PS_SLEEP
    if a.pc == 0:
        if s.h_n_jobs[host] > 0:
            abort(s, x.AB_SWITCH_BUSY, host, 0)
            call_end(s, actor)
            return
        here = s.pstates[s.h_cls[host], s.h_pstate[host]]
        set_pstate(s, host, s.pstates[s.h_cls[host], a.k].off if sleeps else here.on)
        call_start(s, actor, 1)
    elif a.pc == 1:
        call_wait(s, actor, -1.0, 2)
    elif a.pc == 2 and not _exists(s, host, a.k):
        abort(s, x.AB_BAD_PSTATE, host, a.k)
        call_end(s, actor)
    elif a.pc == 2:
        set_pstate(s, host, a.k)
        change_state(s, host, c.SLEEPING if sleeps else c.IDLE)
        call_put(s, actor, x.M_SWITCHED, host, a.k, 3)
    else:
        call_end(s, actor)
