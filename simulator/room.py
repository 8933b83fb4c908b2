"""Room in the arrays: what the kernel may need until it checks again, and how arrays are enlarged."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.simulator import layout as c
from wattq.simulator.jit import jitted
from wattq.simulator.layout import Kernel, Ledger

__all__ = ["enlarge", "grown", "link_free_actors", "link_free_slots", "make_reply_room", "short_of_room"]

_ACTORS, _SLOTS, _STATES, _ENERGY, _PSTATES, _EVENTS, _EVENT_IV, _ALLOC, _GROUPS, _MEMBERS, _KILLS, _PATHS = (
    1 << i for i in range(12)
)


@jitted
def short_of_room(s: Kernel, v: Ledger) -> int:
    """Return a bit per array that may overflow before the next check, 0 when all is well."""
    k = s.head[0]
    # Until the next message, each live actor and each decision adds a few rows and at most one more actor, and a
    # decision that switches machines one actor per machine.
    decisions = v.head[0].n_decisions
    coming = k.n_actors - k.n_free_actors + k.n_hosts + decisions * (1 + k.max_ranks)
    rows = 4 * coming + 64
    switches = 0
    if k.energy:
        for d in range(decisions):
            switches += v.decisions[d].kind == c.DO_SET_STATE
    short = 0
    if k.n_free_actors < coming + 64:
        short |= _ACTORS
    if k.n_free_slots < 2 * coming + 64:
        short |= _SLOTS
    if k.n_out_states + rows > len(s.out_states):
        short |= _STATES
    if k.energy and k.n_out_energy + rows > len(s.out_energy):
        short |= _ENERGY
    if k.energy and k.n_out_pstates + rows > len(s.out_pstates):
        short |= _PSTATES
    if k.ev_first + k.ev_n + k.n_jobs - k.n_submitted + rows > len(s.events):
        short |= _EVENTS
    if k.n_event_iv + k.n_hosts * (1 + switches) + 64 > len(s.event_iv):
        short |= _EVENT_IV
    if v.head[0].n_iv + 2 * k.n_hosts + 64 > len(s.alloc):
        short |= _ALLOC
    if k.n_groups + switches + 64 > len(s.groups):
        short |= _GROUPS
    if k.n_members + k.n_hosts * (1 + switches) + 64 > len(s.members):
        short |= _MEMBERS
    if k.n_kills + k.n_running + v.head[0].n_kill + 64 > len(s.kills):
        short |= _KILLS
    if k.n_paths + (k.n_running + v.head[0].n_kill + 1) * (k.max_depth + 1) + 64 > len(s.paths) // 2:
        short |= _PATHS
    return short


def _longer(array: NDArray[Any], axis: int = 0) -> NDArray[Any]:
    """Return a copy with twice the length."""
    shape = list(array.shape)
    shape[axis] *= 2
    longer = np.zeros(shape, dtype=array.dtype)
    longer[tuple(slice(0, n) for n in array.shape)] = array
    return longer


def grown(array: NDArray[Any], n: int) -> NDArray[Any]:
    """Return an array of at least n rows with the rows of this one; itself when it is long enough."""
    while len(array) < n:
        array = _longer(array)
    return array


def link_free_actors(head: Any, actors: NDArray[np.void], first: int) -> None:
    """Chain the records from `first` on as free actors."""
    n = len(actors)
    actors["next_free"][first:] = np.arange(first + 1, n + 1)
    actors["next_free"][n - 1] = head["free_actor"]
    actors["parent"][first:] = -1
    head["free_actor"] = first
    head["n_free_actors"] += n - first
    head["n_actors"] = n


def link_free_slots(head: Any, actions: NDArray[np.void], first: int) -> None:
    """Chain the slots from `first` on as free actions."""
    n = len(actions)
    actions["next_free"][first:] = np.arange(first + 1, n + 1)
    actions["next_free"][n - 1] = head["free_slot"]
    head["free_slot"] = first
    head["n_free_slots"] += n - first


def _enlarge_actors(s: Kernel) -> Kernel:
    """Double the number of actors."""
    n = len(s.actors)
    s = s.replaced(
        actors=_longer(s.actors),
        stack=_longer(s.stack),
        run=_longer(s.run, 1),
        mail=_longer(s.mail),
        cancelled=_longer(s.cancelled),
    )
    link_free_actors(s.head[0], s.actors, n)
    return s


def _enlarge_slots(s: Kernel) -> Kernel:
    """Double the number of timed actions."""
    n = len(s.actions)
    names = ("actions", "left", "rate", "snap", "slot", "ended", "fresh")
    s = s.replaced(**{name: _longer(getattr(s, name)) for name in names})
    link_free_slots(s.head[0], s.actions, n)
    return s


_KERNEL_ARRAYS = {
    _STATES: "out_states",
    _ENERGY: "out_energy",
    _PSTATES: "out_pstates",
    _GROUPS: "groups",
    _MEMBERS: "members",
    _KILLS: "kills",
    _PATHS: "paths",
}
# Arrays that both bundles hold: name in the kernel, name in the ledger.
_COMMON_ARRAYS = {_EVENTS: ("events", "events"), _EVENT_IV: ("event_iv", "event_iv"), _ALLOC: ("alloc", "iv")}


def make_reply_room(s: Kernel, v: Ledger, decisions: int, rows: int, kills: int) -> tuple[Kernel, Ledger]:
    """Return the two bundles with room for so many decisions, host intervals and kills of one reply."""
    wanted = {"decisions": decisions, "iv": int(v.head[0]["n_iv"]) + rows, "kill_list": kills}
    if all(len(getattr(v, name)) >= n for name, n in wanted.items()):
        return s, v
    arrays = {name: grown(getattr(v, name), n) for name, n in wanted.items()}
    kernel_names = {"decisions": "decisions", "iv": "alloc", "kill_list": "kill_list"}
    return s.replaced(**{kernel_names[name]: array for name, array in arrays.items()}), v.replaced(**arrays)


def enlarge(s: Kernel, v: Ledger) -> tuple[Kernel, Ledger]:
    """Return the two bundles with enough room to go on."""
    short = short_of_room(s, v)
    while short:
        if short & _ACTORS:
            s = _enlarge_actors(s)
        if short & _SLOTS:
            s = _enlarge_slots(s)
        for bit, name in _KERNEL_ARRAYS.items():
            if short & bit:
                s = s.replaced(**{name: _longer(getattr(s, name))})
        for bit, (kernel_name, ledger_name) in _COMMON_ARRAYS.items():
            if short & bit:
                array = _longer(getattr(v, ledger_name))
                s = s.replaced(**{kernel_name: array})
                v = v.replaced(**{ledger_name: array})
        short = short_of_room(s, v)
    return s, v
